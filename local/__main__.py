"""`python -m local`: the whole service on one machine. `python -m local invoke`: one function."""

import argparse
import asyncio
import json
import logging
import os
import signal
import socket
import sys
import uuid
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager, redirect_stdout
from pathlib import Path
from typing import Any

from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from botocore.session import get_session

from local.console import LineFile
from local.engine import PORT, EngineError, engine, is_healthy, running_endpoint
from local.functions import (
    Function,
    FunctionError,
    Handler,
    functions_of,
    invoke,
    load_handlers,
    runtime_environment,
)
from local.gateway import FUNCTION_IN_URI, Gateway
from local.pages import Pages
from local.provision import provision
from local.routes import Api, api_of
from local.server import application, serve
from local.streams import following
from local.template import TEMPLATE, Template, TemplateError, load_template
from local.usage_plan import UsagePlans

LOGIN_FUNCTION = "CreateSessionFunction"
SEED_FUNCTION = "CreateUserFunction"
SEED = {"username": "joe", "email": "joe@example.com", "password": "joe"}
NAME_TAKEN = "UserTaken"
AWS = "aws"
# Whoever tries the service out without limits logs in as often as they like, too.
NO_LIMIT = 1_000_000
LOGIN_LIMITS = (
    "LoginAttemptsPerNameAndAddress",
    "LoginAttemptsPerAddress",
    "LoginAttemptsPerName",
)


class CommandError(Exception):
    """The command cannot be carried out as it was given."""


def main(arguments: list[str] | None = None) -> int:
    """Do what the command line says and return the exit code."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # both end the same way
    options = _parser().parse_args(arguments)
    logging.getLogger("botocore").setLevel(logging.ERROR)
    try:
        return _invoke(options) if options.command == "invoke" else _serve(options)
    except KeyboardInterrupt:
        return 0
    except (CommandError, EngineError, TemplateError, BotoCoreError, ClientError) as error:
        print(f"local: {error}", file=sys.stderr)
        return 2 if isinstance(error, CommandError) else 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("python -m local", description=__doc__)
    _add_shared(parser)
    parser.set_defaults(endpoint=None, origin=None, state=None, template=TEMPLATE)
    parser.add_argument("--port", type=int, default=3000, help="0 takes any that is free")
    parser.add_argument("--fresh", action="store_true", help="start with an empty database")
    parser.add_argument(
        "--no-rate-limit",
        action="store_true",
        help="no usage plan, and any number of wrong passwords",
    )
    commands = parser.add_subparsers(dest="command")
    one = commands.add_parser("invoke", help="run one function on an event")
    _add_shared(one)
    one.add_argument("function", help="its logical ID or its folder's name")
    one.add_argument("-e", "--event", required=True, help="a JSON file, or - for standard input")
    return parser


def _add_shared(parser: argparse.ArgumentParser) -> None:
    """Add what both commands take; the second must not put defaults over what the first read."""
    shared = parser.add_argument_group(argument_default=argparse.SUPPRESS)
    shared.add_argument(
        "--endpoint",
        metavar="URL",
        help=f"use this DynamoDB and Secrets Manager ('{AWS}': the real ones)",
    )
    shared.add_argument("--template", type=Path, help=argparse.SUPPRESS)
    shared.add_argument(
        "--state", type=Path, metavar="DIR", help="where the database is kept (default .local)"
    )
    shared.add_argument(
        "--origin",
        action="append",
        metavar="URL",
        help="let pages of this origin call (repeatable; default http://localhost:8080)",
    )


def _serve(options: argparse.Namespace) -> int:
    listener = _listen(options.port)  # first of all: a port in use must leave nothing behind
    template = _template(options)
    state = _state(options, template)
    with (
        listener,
        _database(options, state) as endpoint,
        LineFile(state / "functions.log") as log,
        LineFile(state / "access.log") as access_log,
        redirect_stdout(log),  # before the functions are imported: their loggers keep it
    ):
        functions, handlers = _start_functions(template, endpoint)
        _seed(functions, handlers)
        api = api_of(template)
        plans = None if options.no_rate_limit else UsagePlans(template, api)
        url = f"http://127.0.0.1:{listener.getsockname()[1]}/{api.stage}"
        banner = _banner(template, api, url, endpoint, state)
        gateway = Gateway(
            api, functions, handlers, plans=plans, log=log.write, access_log=access_log.write
        )
        with closing(gateway), ExitStack() as stack:
            if options.endpoint is None:  # elsewhere others may follow, as Lambda does at AWS
                stack.enter_context(following(template, functions, handlers, _client, log.write))
            pages = Pages(f"/{api.stage}")
            app = application(gateway, _say, lambda: _say(banner), pages.answer)
            asyncio.run(serve(app, listener))
    return 0


def _invoke(options: argparse.Namespace) -> int:
    template = _template(options)
    functions = functions_of(template)
    function = _named(functions, options.function)
    event = _event(options.event)
    state = _state(options, template)
    with _database(options, state, share=True) as endpoint, redirect_stdout(sys.stderr):
        _, handlers = _start_functions(template, endpoint, only=function)
        failed = False
        try:
            answer = invoke(function, handlers[function.name], event, str(uuid.uuid4()))
        except FunctionError as error:
            failed = True
            answer = {"errorType": error.kind, "errorMessage": error.message}
    print(json.dumps(answer, indent=2, ensure_ascii=False))
    return int(failed)


def _template(options: argparse.Namespace) -> Template:
    origins = ",".join(options.origin or ["http://localhost:8080"])
    limits = dict.fromkeys(LOGIN_LIMITS, NO_LIMIT) if options.no_rate_limit else {}
    return load_template(options.template, {"AllowedOrigins": origins, **limits})


def _state(options: argparse.Namespace, template: Template) -> Path:
    folder: Path = options.state or template.root / ".local"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _listen(port: int) -> socket.socket:
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind(("127.0.0.1", port))
        listener.listen(socket.SOMAXCONN)
    except OSError as error:
        listener.close()
        raise EngineError(
            f"cannot listen on port {port} ({error.strerror}); choose another with --port"
        ) from error
    return listener


@contextmanager
def _database(options: argparse.Namespace, state: Path, *, share: bool = False) -> Iterator[str]:
    """Yield the endpoint asked for, or of an engine of our own; "" is AWS's own."""
    if options.endpoint is not None:
        yield "" if options.endpoint == AWS else options.endpoint
    elif share and (running := running_endpoint(state)) and is_healthy(running):
        yield running
    else:
        with engine(state, fresh=options.fresh) as endpoint:
            yield endpoint


def _start_functions(
    template: Template, endpoint: str, only: Function | None = None
) -> tuple[dict[str, Function], dict[str, Handler]]:
    """Make the tables and the secret, then import the functions (or `only` one of them)."""
    functions = functions_of(template)
    runtime = runtime_environment(endpoint, os.environ)
    os.environ.update(runtime)
    provision(template, _client("dynamodb"), _client("secretsmanager"))
    wanted = functions if only is None else {only.name: only}
    return functions, load_handlers(wanted, runtime)


def _client(service: str) -> Any:
    # An endpoint that is not there is to be told at once, not after ten attempts.
    config = Config(connect_timeout=2, retries={"mode": "standard", "total_max_attempts": 2})
    return get_session().create_client(service, config=config)


def _seed(functions: dict[str, Function], handlers: dict[str, Handler]) -> None:
    """Create the first user, unless an earlier run has."""
    if SEED_FUNCTION not in functions:
        return
    try:
        invoke(functions[SEED_FUNCTION], handlers[SEED_FUNCTION], SEED, str(uuid.uuid4()))
    except FunctionError as error:
        if error.kind != NAME_TAKEN:
            raise EngineError(f"{SEED_FUNCTION}: {error.kind}: {error.message}") from error


def _named(functions: dict[str, Function], wanted: str) -> Function:
    for function in functions.values():
        if wanted in (function.name, function.folder.name):
            return function
    names = "\n  ".join(sorted(functions))
    raise CommandError(f"no function is called {wanted}; there are:\n  {names}")


def _event(file: str) -> Any:
    try:
        text = sys.stdin.read() if file == "-" else Path(file).read_text(encoding="utf-8")
        return json.loads(text)
    except OSError as error:
        raise CommandError(f"{file}: {error.strerror}") from error
    except ValueError as error:
        raise CommandError(f"{file} is not JSON: {error}") from error


def _banner(template: Template, api: Api, url: str, endpoint: str, state: Path) -> str:
    database = f"{endpoint} (region {os.environ['AWS_REGION']})" if endpoint else "AWS"
    host = url.removesuffix(f"/{api.stage}")
    lines = [
        f"Sessions   {url}",
        f"Page       {host}/",
        f"Reference  {host}/docs",
        f"Origins    {', '.join(template.parameters.get('AllowedOrigins', ()))}",
        f"Database   {database}",
        f"Log        {state / 'functions.log'}",
        f"Operations python -m sessionctl --local {host}",
    ]
    if endpoint.startswith("http://127.0.0.1:") and not endpoint.endswith(f":{PORT}"):
        lines.append(
            f"           (port {PORT} is taken, so the database is not where it usually is)"
        )
    if login := _login_path(api):
        name, password = SEED["username"], SEED["password"]
        lines += ["", f"  curl -i {url}{login} -d user={name} -d pass={password}"]
    return "\n".join([*lines, "", "Ctrl-C to stop."])


def _login_path(api: Api) -> str | None:
    """Return the shortest path at which the log-in answers."""
    found = [
        path
        for path, methods in api.body["paths"].items()
        for method in methods.values()
        if (uri := FUNCTION_IN_URI.search(_uri(method))) and uri[1].endswith(f":{LOGIN_FUNCTION}")
    ]
    return min(found, key=len, default=None)


def _uri(method: Any) -> str:
    integration = method.get("x-amazon-apigateway-integration", {})
    return str(integration.get("uri", ""))


def _say(text: str) -> None:
    print(text, file=sys.__stdout__, flush=True)


if __name__ == "__main__":
    sys.exit(main())
