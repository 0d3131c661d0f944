"""EventBridge, as the function that publishes events sees it."""

import json
import threading
from typing import Any


class Bus:
    """A bus that keeps the entries that are put on it, and refuses some where a test says so."""

    def __init__(self) -> None:
        self.entries: list[dict[str, Any]] = []
        self.calls = 0
        self.refuses = lambda _: False
        self.before = lambda: None
        self._one_by_one = threading.Lock()  # several calls come at once

    def put_events(self, Entries):  # noqa: N803 - EventBridge's own name
        assert 0 < len(Entries) <= 10
        with self._one_by_one:
            self.calls += 1
            self.before()
            refused = [self.refuses(json.loads(entry["Detail"])) for entry in Entries]
            self.entries += [entry for entry, no in zip(Entries, refused, strict=True) if not no]
        results = [
            {"ErrorCode": "ThrottlingException"} if no else {"EventId": "x"} for no in refused
        ]
        return {"FailedEntryCount": sum(refused), "Entries": results}

    def events(self):
        return [(entry["DetailType"], json.loads(entry["Detail"])) for entry in self.entries]

    def ends(self):
        return [detail for kind, detail in self.events() if kind == "SessionEnded"]
