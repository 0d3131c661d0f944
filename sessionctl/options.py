"""The common part of the commands: the shared options, the user, and questions to the person."""

import json
import re
import sys
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from functools import update_wrapper
from itertools import pairwise
from pathlib import Path
from typing import Any

import click

from sessionctl.account_functions import Call, function_at, function_in_stack
from sessionctl.text import as_json, printable

LOCAL_URL = "http://127.0.0.1:3000"
# Where the service of this checkout runs, as `make run` writes it.
SERVICE_FILE = Path(__file__).parents[1] / ".local" / "sessions-service.json"
STACK = "sessions"
UNIT_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}


@dataclass
class Options:
    """The options that every command takes, before or after its name."""

    stack: str | None = None
    profile: str | None = None
    region: str | None = None
    local: str | None = None
    json: bool = False
    yes: bool = False

    def call(self, logical_id: str, event: dict[str, Any] | None) -> dict[str, Any]:
        """Call an account function, and return its answer; without an event, see if it is there."""
        with self.function(logical_id) as call:
            return call(event)

    def function(self, logical_id: str) -> AbstractContextManager[Call]:
        """Return a context with what calls an account function, as often as one likes."""
        if self.local is not None:
            return function_at(self.local, logical_id)
        return function_in_stack(self.stack or STACK, self.profile, self.region, logical_id)

    def confirm(self, question: str, target: Callable[[], object], word: str = "yes") -> None:
        """Go on if the person types the word. The question names the place: it may be wrong.

        Args:
            question: what would be done.
            target: fails if there is nothing to do it to.
            word: what to type.
        """
        if self.yes:
            return
        if not sys.stdin.isatty():
            raise click.UsageError("this cannot be undone: confirm it with --yes")
        target()
        where = f"at {self.local}" if self.local else f"in the stack {self.stack or STACK}"
        question = printable(f"{question} This is {where} and cannot be undone. Type {word}:")
        click.echo(f"{question} ", nl=False, err=True)
        answer = sys.stdin.readline().strip()
        if answer != word:
            raise click.ClickException("Nothing was done.")

    def answer_text(self, answer: dict[str, Any], sentence: str) -> str:
        """Return an answer as JSON for scripts, or a sentence about it for people."""
        return as_json(answer) if self.json else printable(sentence)


def _keep(context: click.Context, parameter: click.Parameter, value: Any) -> None:
    options = context.ensure_object(Options)
    if value is not None:  # an option that is absent here may stand before the command's name
        setattr(options, str(parameter.name), value)
    if options.local is not None and (options.stack or options.profile or options.region):
        raise click.UsageError("--local takes no --stack, no --profile and no --region")


def _shared(name: str, about: str, **settings: Any) -> click.Option:
    return click.Option(
        [name], callback=_keep, expose_value=False, default=None, help=about, **settings
    )


SHARED = [
    _shared("--stack", f"The stack (default: {STACK}).", metavar="NAME"),
    _shared("--profile", "The AWS profile.", metavar="NAME"),
    _shared("--region", "The AWS region.", metavar="NAME"),
    _shared(
        "--local", "The service of `make run`; that of this checkout if no URL.", metavar="[URL]"
    ),
    _shared("--json", "Print the answer as JSON.", is_flag=True),
    _shared("--yes", "Ask for no confirmation.", is_flag=True),
]


class Command(click.Command):
    """A command with the shared options."""

    def get_params(self, ctx: click.Context) -> list[click.Parameter]:
        """Return its own parameters, and then the shared ones."""
        return [*super().get_params(ctx), *SHARED]


class Group(Command, click.Group):
    """Commands with the shared options, which may also stand before their names."""

    command_class = Command
    group_class = type

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Refuse blank words; give a bare `--local` its URL, or click would take the next word.

        Whoever types a blank word means a shell variable that has none, and not its absence.
        """
        if (
            any(re.fullmatch(r"(--[a-z-]+=)?\s*", word) for word in args)
            and not ctx.resilient_parsing
        ):
            raise click.UsageError("an argument is empty", ctx)
        end = args.index("--") if "--" in args else len(args)
        for place, (word, following) in enumerate(pairwise([*args[:end], ""])):
            if word == "--local" and not re.match("https?://", following):
                args[place] = f"--local={running_url()}"
        return super().parse_args(ctx, args)


def running_url() -> str:
    """Return where the service of this checkout runs, or would by default."""
    try:
        return str(json.loads(SERVICE_FILE.read_text())["Service"]["url"])
    except (OSError, ValueError, KeyError):  # none does, or one that begins or has no gateway
        return LOCAL_URL


class User(dict[str, Any]):
    """The input that names a user: by `login`, a username or an e-mail address, or by `id`."""

    def __init__(self, login: str | None, user_id: str | None) -> None:
        if (login is None) == (user_id is None):
            raise click.UsageError("name the user: LOGIN or --id ID, one of them")
        super().__init__({"id": user_id} if login is None else {"login": login.strip()})

    def __str__(self) -> str:
        """Return the user's name for people."""
        return str(self["login"]) if "login" in self else f"the user {self['id']}"


def of_a_user(command: Callable[..., str]) -> Callable[..., str]:
    """Give a command the shared options, and its user."""

    @click.argument("login", required=False)
    @click.option("--id", "user_id", metavar="ID", help="The user's ID, instead of LOGIN.")
    @click.pass_obj
    def with_user(
        options: Options, /, login: str | None, user_id: str | None, **given: object
    ) -> str:
        return command(options, User(login, user_id), **given)

    return update_wrapper(with_user, command)


def moment(text: str) -> int:
    """Return the epoch second that an ISO 8601 date-time, or a duration from now, names."""
    if (seconds := _seconds(text)) is not None:
        return int(time.time()) + seconds
    try:
        return int(datetime.fromisoformat(text).astimezone().timestamp())
    except (ValueError, OverflowError):
        raise click.BadParameter(
            f"{text!r} is neither a time such as 2027-01-31T12:00Z nor a duration such as 12h"
        ) from None


def duration(text: str) -> int:
    """Return the seconds of a duration."""
    if (seconds := _seconds(text)) is None:
        raise click.BadParameter(f"{text!r} is no duration such as 12h")
    return seconds


def _seconds(text: str) -> int | None:
    found = re.fullmatch(r"([0-9]{1,9})([smhdw])", text)
    return int(found[1]) * UNIT_SECONDS[found[2]] if found else None


def read_password() -> str:
    """Return a password: typed twice, or standard input as it is where that is no terminal.

    That may begin with a byte order mark and end with a line end, by which tools mark a file.
    """
    if sys.stdin.isatty():
        return click.prompt("Password", hide_input=True, confirmation_prompt="Again", err=True)
    try:
        # Not as text: Python would make a line end of a carriage return that is in the password.
        password = sys.stdin.buffer.read().decode("utf-8-sig")
    except UnicodeError:
        raise click.UsageError("the password is not UTF-8") from None
    password = re.sub(r"\r?\n\Z", "", password)
    if not password:
        raise click.UsageError("no password was given")
    return password
