"""`python -m sessionctl`: users, sessions and signing keys, by the account operations.

Exit codes: 0 done, 1 refused or failed, 2 wrong usage, 3 AWS cannot be asked, 130 interrupted.
"""

import os
import sys

import click

from sessionctl.account_functions import OperationError, Unreachable
from sessionctl.commands import command_line
from sessionctl.text import printable

MEANINGS = {
    "UnknownUser": "Nobody has this name, address or ID",
    "UserBanned": "The user is banned, and gets no session",
    "UserTaken": "Somebody has this name or address already",
    "UnknownKey": "There is no such signing key",
    "NextKeyTooYoung": "Not dropped: some functions may not know the next key yet",
    "InvalidInput": "The operation does not take this",
    "ChangedMeanwhile": "Another operation changed the same thing; try again",
    "Unavailable": "Something the service needs does not answer; try again",
    "Sandbox.Timedout": "The function ran out of time",
}
# Their messages say the same once more.
SAID = {"UnknownUser", "UserBanned", "UserTaken", "UnknownKey"}


def main(arguments: list[str] | None = None) -> int:
    """Do what the command line says and return the exit code."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")  # names a terminal cannot show
    try:
        text = command_line.main(arguments, "sessionctl", standalone_mode=False)
        if isinstance(text, str):  # else click has printed a help text or the version
            print(text, flush=True)
    except BrokenPipeError:
        # The command is done, and its reader needs no more. Python flushes once more at its end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except click.Abort:
        return 130  # 128 and the number of SIGINT, as shells have it
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except OperationError as error:
        meaning = MEANINGS.get(error.kind, "The operation failed")
        more = "" if error.kind in SAID or not error.message else f": {error.message}"
        return _failed(f"{meaning} ({error.kind}{more})", 1)
    except Unreachable as error:
        return _failed(str(error), 3)
    except OSError as error:  # the file of an export
        return _failed(str(error), 1)
    return 0


def _failed(reason: str, code: int) -> int:
    print(f"sessionctl: {printable(reason)}", file=sys.stderr)
    return code


if __name__ == "__main__":
    sys.exit(main())
