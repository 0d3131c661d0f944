"""The command line: what may be said, and what it means."""

import argparse
import re
import time
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import TypeAlias

LOCAL_URL = "http://127.0.0.1:3000"
UNIT_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}

Commands: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"  # noqa: SLF001  # argparse has no public name for it


def parsed(arguments: Sequence[str]) -> argparse.Namespace:
    """Return what the command line says; what cannot be meant ends the process with 2."""
    parser = _parser()
    options = parser.parse_args(_joined(arguments))
    if options.local is not None and (options.profile or options.region):
        parser.error("--local takes no --profile and no --region")
    if "id" in options:
        _check_user(parser, options)
    return options


def _check_user(parser: argparse.ArgumentParser, options: argparse.Namespace) -> None:
    """Let exactly one user be named; of `sessions revoke`'s words, the first may be that one."""
    everyone = getattr(options, "everyone", False)
    if "words" in options:
        words = list(options.words)
        options.user = words.pop(0) if words and options.id is None else None
        options.sessions = words
    if everyone:
        if options.user or options.id or options.all:
            parser.error("--everyone takes no USER, no --id and no --all")
    elif (options.user is None) == (options.id is None):
        parser.error("name the user: USER or --id ID, one of them")
    elif "sessions" in options and bool(options.sessions) == options.all:
        parser.error("say which sessions: their IDs or --all")


def _joined(arguments: Sequence[str]) -> list[str]:
    """Join options with the value that follows, where argparse would guess it wrong.

    `--local` may stand without a URL, before a command's name; an ID may begin with a hyphen.
    """
    result: list[str] = []
    rest = list(arguments)
    while rest:
        word = rest.pop(0)
        if word == "--":
            return [*result, word, *rest]
        if word == "--local":
            has_url = bool(rest) and re.match(r"https?://", rest[0]) is not None
            word = f"--local={rest.pop(0) if has_url else LOCAL_URL}"
        elif word in ("--id", "--drop") and rest:
            word = f"{word}={rest.pop(0)}"
        result.append(word)
    return result


def moment(text: str) -> int:
    """Return the epoch second that an ISO 8601 date-time, or a duration from now, names."""
    if duration := re.fullmatch(r"([0-9]{1,9})([smhdw])", text):
        return int(time.time()) + int(duration[1]) * UNIT_SECONDS[duration[2]]
    try:
        return int(datetime.fromisoformat(text).astimezone().timestamp())
    except (ValueError, OverflowError):
        raise argparse.ArgumentTypeError(
            f"{text!r} is neither a time such as 2027-01-31T12:00Z nor a duration such as 12h"
        ) from None


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        "sessionctl",
        description="See and change users, their sessions and the signing keys.",
        epilog="Exit codes: 0 done, 1 refused or failed, 2 wrong usage, 3 AWS cannot be asked.",
        allow_abbrev=False,
    )
    parser.set_defaults(stack="sessions", profile=None, region=None, local=None)
    parser.set_defaults(json=False, yes=False)
    _add_shared(parser)
    topics = parser.add_subparsers(required=True, metavar="user|sessions|keys")
    _add_user(topics)
    _add_sessions(topics)
    _add_keys(topics)
    return parser


def _add_shared(parser: argparse.ArgumentParser) -> None:
    """Add what every command takes, before or after its name."""
    # A parser within another must not put its defaults over what the outer one has read.
    shared = parser.add_argument_group("where and how", argument_default=argparse.SUPPRESS)
    shared.add_argument("--stack", metavar="NAME", help="the stack (default: sessions)")
    shared.add_argument("--profile", metavar="NAME", help="the AWS profile")
    shared.add_argument("--region", metavar="NAME", help="the AWS region")
    shared.add_argument(
        "--local", metavar="[URL]", help=f"the development gateway (default: {LOCAL_URL})"
    )
    shared.add_argument("--json", action="store_true", help="print the answer as JSON")
    shared.add_argument("--yes", action="store_true", help="ask for no confirmation")


def _topic(topics: Commands, name: str, about: str) -> Commands:
    parser = topics.add_parser(name, help=about, description=about, allow_abbrev=False)
    _add_shared(parser)
    return parser.add_subparsers(required=True, metavar="COMMAND")


def _command(
    commands: Commands, name: str, about: str, *, user: bool = False
) -> argparse.ArgumentParser:
    parser = commands.add_parser(name, help=about, description=about, allow_abbrev=False)
    _add_shared(parser)
    parser.set_defaults(command=f"{parser.prog.split()[-2]} {name}")
    if user:
        parser.add_argument("user", nargs="?", metavar="USER", help="a username or address")
        parser.add_argument("--id", help="the user's ID, instead")
    return parser


def _add_user(topics: Commands) -> None:
    commands = _topic(topics, "user", "One user: create, see, ban, change, delete.")
    create = _command(commands, "create", "Create a user; the password is asked for.")
    create.add_argument("username", metavar="USERNAME")
    create.add_argument("email", metavar="EMAIL")
    _command(commands, "show", "Show a user.", user=True)
    ban = _command(commands, "ban", "Ban a user from the next request on.", user=True)
    ban.add_argument("--reason", metavar="TEXT")
    ban.add_argument(
        "--until", type=moment, metavar="WHEN", help="2027-01-31T12:00Z, or 90m, 12h, 7d from now"
    )
    unban = _command(commands, "unban", "Lift a ban; the sessions count again.", user=True)
    unban.add_argument("--revoke-sessions", action="store_true", help="end them instead")
    password = _command(commands, "password", "Set a password; it is asked for.", user=True)
    password.add_argument("--keep-sessions", action="store_true", help="end no session")
    rename = _command(commands, "rename", "Change the names to log in with.", user=True)
    rename.add_argument("--username", metavar="NAME")
    rename.add_argument("--email", metavar="ADDRESS")
    export = _command(commands, "export", "Print all that is stored, as JSON.", user=True)
    export.add_argument("--output", type=Path, metavar="FILE", help="write it there instead")
    _command(commands, "delete", "Delete all that is stored.", user=True)


def _add_sessions(topics: Commands) -> None:
    commands = _topic(topics, "sessions", "Sessions: list them, end them.")
    _command(commands, "list", "List a user's live sessions.", user=True)
    revoke = _command(commands, "revoke", "End a user's sessions, or everyone's.")
    revoke.add_argument(
        "words", nargs="*", metavar="USER ID", help="the user, then the sessions' IDs"
    )
    revoke.add_argument("--id", metavar="USER_ID", help="the user's ID, instead of USER")
    revoke.add_argument("--all", action="store_true", help="all sessions of the user")
    revoke.add_argument("--everyone", action="store_true", help="all sessions of all users")


def _add_keys(topics: Commands) -> None:
    commands = _topic(topics, "keys", "The keys that sign sessions' tokens.")
    _command(commands, "list", "List them, without what is secret.")
    rotate = _command(commands, "rotate", "Sign with the next key from now on.")
    rotate.add_argument("--drop", metavar="KID", help="drop this key, and all that it signed")
