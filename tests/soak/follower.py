"""A process that invokes publish_events on the database's streams, as Lambda would.

It meets the faults of the soak, too. It prints each event that the bus has said it has taken.
"""

import importlib
import json
import sys
from typing import Any

from botocore.session import get_session

from local.functions import functions_of, logical_id
from local.service import Settings, load_functions
from local.streams import following


def print_events(bus: Any) -> None:
    """Have a client of EventBridge print what it has put."""
    put = bus.put_events

    def put_events(**asked: Any) -> Any:
        answer = put(**asked)
        for entry, result in zip(asked["Entries"], answer["Entries"], strict=True):
            if "ErrorCode" not in result:
                event = {"type": entry["DetailType"], **json.loads(entry["Detail"])}
                print(json.dumps(event), flush=True)
        return answer

    bus.put_events = put_events


if __name__ == "__main__":
    template = Settings().read_template()
    name = logical_id("publish_events")
    functions = {name: functions_of(template)[name]}
    handlers = load_functions(template, functions, sys.argv[1])
    print_events(importlib.import_module("sessions.event_bus").eventbridge)
    with following(template, functions, handlers, get_session().create_client, sys.stderr.write):
        print("following", flush=True)
        sys.stdin.read()  # until who started it wants no more
