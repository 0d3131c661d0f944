"""Warm requests: import a handler, answer one event many times. Run in a fresh Python of its own.

It prints the CPU time of each of many batches, in microseconds for one request.
"""

import importlib
import json
import os
import sys
import time

BATCH = 20


def main() -> None:
    """Answer the event of the file that is named, with the handler that is named."""
    with open(sys.argv[2]) as file:  # noqa: PTH123 - pathlib would be an import of the benchmark's
        event = json.load(file)
    module, _, attribute = sys.argv[1].rpartition(".")
    answers, sys.stdout = sys.stdout, open(os.devnull, "w")  # noqa: PTH123, SIM115 - the log
    handler = getattr(importlib.import_module(module), attribute)
    batches = []
    for _ in range(int(sys.argv[3])):
        began = time.process_time()
        for _ in range(BATCH):
            handler(event, None)
        batches.append((time.process_time() - began) / BATCH * 1e6)
    json.dump(batches[1:], answers)  # the first one was cold
    answers.flush()
    os._exit(0)


if __name__ == "__main__":
    main()
