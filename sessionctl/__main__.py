"""`python -m sessionctl`: users, sessions and signing keys, by the account operations.

Exit codes: 0 done, 1 refused or failed, 2 wrong usage, 3 AWS could not be asked,
130 interrupted.
"""

import os
import sys

from sessionctl.account_functions import (
    OperationError,
    Unreachable,
    functions_at,
    functions_of_stack,
)
from sessionctl.arguments import parsed
from sessionctl.commands import COMMANDS
from sessionctl.prompts import Declined, UsageError
from sessionctl.text import printable

MEANINGS = {
    "UnknownUser": "Nobody has this name, address or ID",
    "UserTaken": "Somebody has this name or address already",
    "UnknownKey": "There is no such signing key",
    "InvalidInput": "The operation does not take this",
    "ChangedMeanwhile": "Another operation changed the same thing; try again",
    "Unavailable": "Something the service needs does not answer; try again",
    "Sandbox.Timedout": "The function ran out of time",
}


def main(arguments: list[str] | None = None) -> int:
    """Do what the command line says and return the exit code."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")  # names a terminal cannot show
    try:
        return _run(sys.argv[1:] if arguments is None else arguments)
    except KeyboardInterrupt:
        print(file=sys.stderr)
        return 130  # 128 and the number of SIGINT, as shells have it


def _run(arguments: list[str]) -> int:
    options = parsed(arguments)
    if options.local is not None:
        call = functions_at(options.local)
    else:
        call = functions_of_stack(options.stack, options.profile, options.region)
    try:
        said = COMMANDS[options.command](options, call)
    except UsageError as error:
        return _failed(str(error), 2)
    except Declined as error:
        return _failed(str(error), 1)
    except OperationError as error:
        meaning = MEANINGS.get(error.kind, "The operation failed")
        return _failed(f"{meaning} ({error.kind}: {error.message})", 1)
    except Unreachable as error:
        return _failed(str(error), 3)
    except OSError as error:  # the file of an export
        return _failed(str(error), 1)
    try:
        print(said, flush=True)
    except BrokenPipeError:
        # It was done; whoever reads has read enough. Python flushes once more at its end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 0


def _failed(reason: str, code: int) -> int:
    print(f"sessionctl: {printable(reason)}", file=sys.stderr)
    return code


if __name__ == "__main__":
    sys.exit(main())
