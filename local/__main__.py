"""The command line: `python -m local` serves, `python -m local invoke` runs one function."""

import json
import logging
import signal
import sys
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stdout
from pathlib import Path
from typing import IO, Any
from urllib.parse import urlsplit

import click
from botocore.exceptions import BotoCoreError, ClientError

from local.engine import EngineError
from local.functions import FunctionError, find_function, functions_of, invoke
from local.intrinsics import TemplateError
from local.login import LoginError, event_as
from local.origins import origin_of
from local.service import AWS, Settings, database, load_functions, serve_template
from local.state import StateError

EXPECTED = (BotoCoreError, ClientError, EngineError, LoginError, OSError, StateError, TemplateError)


def endpoint(_: click.Context, __: click.Parameter, value: str | None) -> str | None:
    """Return an endpoint that is a URL, or the word for AWS."""
    if value in (None, AWS):
        return value
    parts = urlsplit(str(value))
    if parts.scheme not in ("http", "https") or not parts.netloc:
        raise click.BadParameter(f"{value} is no URL such as http://127.0.0.1:4566, nor '{AWS}'")
    return value


def origins(_: click.Context, __: click.Parameter, values: tuple[str, ...]) -> tuple[str, ...]:
    """Return origins that are as browsers send them: nothing else would ever match one."""
    for value in values:
        if (meant := origin_of(value)) != value:
            hint = f"; {meant} is one" if meant else ", as http://localhost:8080 is one"
            raise click.BadParameter(f"{value!r} is no origin{hint}")
    return values


FOLDER = click.Path(file_okay=False, path_type=Path)
SHARED = (
    click.option(
        "--endpoint",
        metavar="URL",
        callback=endpoint,
        help=f"Use this DynamoDB and Secrets Manager ('{AWS}': the real ones).",
    ),
    click.option("--template", type=click.Path(path_type=Path), hidden=True),
    click.option(
        "--state",
        type=FOLDER,
        metavar="DIR",
        help="Where the database is kept: a folder that is new or its own (default .local).",
    ),
    click.option(
        "--origin",
        "origins",
        multiple=True,
        metavar="URL",
        callback=origins,
        help="Let pages of this origin call (repeatable; default http://localhost:8080).",
    ),
)


def shared(command: Callable[..., None]) -> Callable[..., None]:
    """Add the options that may stand before or after the word `invoke`."""
    for option in reversed(SHARED):
        command = option(command)
    return command


@contextmanager
def plain_errors() -> Iterator[None]:
    """End well on Ctrl-C, and with one line on an error that can be expected."""
    try:
        yield
    except KeyboardInterrupt:
        sys.exit(0)
    except EXPECTED as error:
        sys.exit(f"local: {error}")


@click.group(invoke_without_command=True)
@shared
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    default=3000,
    show_default=True,
    help="0 takes any that is free.",
)
@click.option("--fresh", is_flag=True, help="Start with an empty database.")
@click.option(
    "--no-rate-limit", is_flag=True, help="No usage plan, and any number of wrong passwords."
)
@click.option(
    "--back-end-secret",
    "back_end_secrets",
    multiple=True,
    metavar="SECRET",
    help="Trust a back end that sends this secret (repeatable; 32 characters at least).",
)
@click.pass_context
def main(context: click.Context, /, **options: Any) -> None:
    """Run the whole service on this machine."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # it ends like Ctrl-C
    logging.getLogger("botocore").setLevel(logging.ERROR)
    context.obj = Settings().with_given(options)
    if context.invoked_subcommand is None:
        with plain_errors():
            serve_template(context.obj)


@main.command("invoke")
@shared
@click.argument("function")
@click.option(
    "-e",
    "--event",
    type=click.File(encoding="utf-8"),
    required=True,
    help="A JSON file, or - for standard input.",
)
@click.option(
    "--as",
    "login",
    metavar="NAME",
    help="Log in at the running service, and put the token and the session's ID into the event.",
)
@click.pass_obj
def invoke_function(
    settings: Settings, /, function: str, event: IO[str], login: str | None, **options: Any
) -> None:
    """Run one FUNCTION, named by its logical ID or its folder, on an event."""
    with plain_errors():
        settings = settings.with_given(options)
        template = settings.read_template()
        functions = functions_of(template)
        found = find_function(functions.values(), function)
        if found is None:
            names = ", ".join(sorted(functions))
            raise click.UsageError(f"no function is called {function}; there are {names}")
        text = event.read()
        if login is not None:
            text = event_as(login, text, template, settings.state_folder)
        try:
            given = json.loads(text)
        except ValueError as error:
            raise click.UsageError(f"{event.name} is not JSON: {error}") from error
        failed = False
        with database(settings, share=True) as endpoint, redirect_stdout(sys.stderr):
            handlers = load_functions(template, {found.name: found}, endpoint)
            try:
                answer = invoke(found, handlers[found.name], given, str(uuid.uuid4()))
            except FunctionError as error:
                answer, failed = error.report(), True
        print(json.dumps(answer, indent=2, ensure_ascii=False))
        sys.exit(int(failed))


def command_line() -> None:
    """Do what the command line says; wrong usage is one line."""
    try:
        main(standalone_mode=False)
    except click.ClickException as error:
        print(f"local: {error.format_message()}", file=sys.stderr)
        sys.exit(error.exit_code)


if __name__ == "__main__":
    command_line()
