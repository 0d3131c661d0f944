"""One call of one handler: the event on standard input, the answer on standard output.

A test runs this file in a Python of its own. It needs nothing but the standard library, and
reports where every module came from.
"""

import importlib
import json
import sys


def main() -> None:
    event = json.load(sys.stdin)
    answers, sys.stdout = sys.stdout, sys.stderr  # what the function prints is its log
    module, _, attribute = sys.argv[1].rpartition(".")
    handler = getattr(importlib.import_module(module), attribute)
    try:
        answer = handler(event, None)
    except Exception as error:  # noqa: BLE001 - Lambda, too, reports whatever is raised
        answer = {"errorType": type(error).__name__, "errorMessage": str(error)}
    files = [getattr(module, "__file__", None) for module in list(sys.modules.values())]
    report = {"answer": answer, "files": sorted({file for file in files if file} - {__file__})}
    json.dump(report, answers)


if __name__ == "__main__":
    main()
