"""One cold start: import a handler, answer one event, end. Run in a fresh Python of its own.

It ends without tearing anything down, which Lambda never waits for. It prints the peak of its
memory, in kilobytes, and the answer.
"""

import importlib
import json
import os
import sys


def main() -> None:
    """Answer the event of the file that is named, with the handler that is named."""
    with open(sys.argv[2]) as file:  # noqa: PTH123 - pathlib would be an import of the benchmark's
        event = json.load(file)
    module, _, attribute = sys.argv[1].rpartition(".")
    answers, sys.stdout = sys.stdout, sys.stderr  # what the function prints is its log
    handler = getattr(importlib.import_module(module), attribute)
    try:
        answer = handler(event, None)
    except Exception as error:  # noqa: BLE001 - Lambda, too, reports whatever is raised
        answer = {"errorType": type(error).__name__, "errorMessage": str(error)}
    with open("/proc/self/status") as file:  # noqa: PTH123 - see above
        peak = next(line.split()[1] for line in file if line.startswith("VmHWM"))
    json.dump([int(peak), answer], answers, default=repr)
    answers.flush()
    os._exit(0)


if __name__ == "__main__":
    main()
