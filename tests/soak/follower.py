"""A process that invokes publish_events on the database's streams, as Lambda would.

It meets the faults of the soak, too. Each event that the bus has taken stands in what it prints.
"""

import importlib
import sys

from botocore.session import get_session

from local.functions import functions_of, logical_id
from local.service import Settings, load_functions
from local.streams import following

if __name__ == "__main__":
    template = Settings().read_template()
    name = logical_id("publish_events")
    functions = {name: functions_of(template)[name]}
    handlers = load_functions(template, functions, sys.argv[1])
    # The layer is on the path from here on. A line holds each event, and not only the first ones.
    importlib.import_module("sessions.streams")._LARGEST_LOG = sys.maxsize
    with following(template, functions, handlers, get_session().create_client, sys.stderr.write):
        print("following", flush=True)
        sys.stdin.read()  # until who started it wants no more
