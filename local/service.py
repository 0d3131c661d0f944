"""The whole service on one machine: the database, the functions, and the gateway before them."""

import asyncio
import hashlib
import os
import secrets
import socket
import sys
import traceback
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager, redirect_stdout
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from botocore.config import Config
from botocore.session import get_session
from starlette.responses import Response

from local.changes import differences, states_of
from local.create_resources import create_resources
from local.edge import through_edge
from local.engine import EngineError, engine, is_healthy
from local.functions import (
    Function,
    FunctionError,
    Handler,
    folders_of,
    functions_of,
    invoke,
    load_handler,
    load_handlers,
    logical_id,
    modules_anew,
    runtime_environment,
    shared_environment,
)
from local.gateway import Gateway
from local.log_file import LogFile
from local.origins import advice
from local.pages import SOURCES, Pages
from local.request import ApiRequest
from local.routes import Api, api_of, paths_of
from local.server import application, serve
from local.state import claim, running, tell
from local.streams import following
from local.template import TEMPLATE, Template, load_template
from local.usage_plan import UsagePlans

SEED = {"username": "joe", "email": "joe@example.com", "password": "joe"}
FEWEST_CHARACTERS = "MIN_PASSWORD_CHARACTERS"
NAME_TAKEN = "UserTaken"
AWS = "aws"
PAGE_SECRET = secrets.token_urlsafe(48)  # of this process, which is the edge and the functions
# Without limits a login may be tried any number of times, too.
NO_LIMIT = 1_000_000
LOGIN_LIMITS = (
    "LoginAttemptsPerNameAndAddress",
    "LoginAttemptsPerAddress",
    "LoginAttemptsPerName",
)


@dataclass(frozen=True)
class Settings:
    """The options of the command line."""

    endpoint: str | None = None
    template: Path = TEMPLATE
    state: Path | None = None
    origins: tuple[str, ...] = ()
    port: int = 3000
    fresh: bool = False
    no_rate_limit: bool = False
    back_end_secrets: tuple[str, ...] = ()

    def with_given(self, options: Mapping[str, Any]) -> "Settings":
        """Return the settings with the options that are given in place of those here."""
        given = {name: value for name, value in options.items() if value not in (None, ())}
        return replace(self, **given)

    def read_template(self) -> Template:
        """Return the template with the parameters that the options stand for."""
        given: dict[str, Any] = {"AllowedOrigins": ",".join(self.allowed_origins)}
        if self.no_rate_limit:
            given |= dict.fromkeys(LOGIN_LIMITS, NO_LIMIT)
        if self.back_end_secrets:
            hashes = [hashlib.sha256(each.encode()).hexdigest() for each in self.back_end_secrets]
            given["BackEndSecretHashes"] = ",".join(hashes)
        return load_template(self.template, given)

    @property
    def allowed_origins(self) -> tuple[str, ...]:
        """Return the origins whose pages may call."""
        return self.origins or ("http://localhost:8080",)

    @property
    def state_folder(self) -> Path:
        """Return the folder of the database and the logs."""
        return self.state or self.template.resolve().parent / ".local"


def serve_template(settings: Settings) -> None:
    """Serve the template until SIGINT or SIGTERM."""
    template = settings.read_template()
    with _listen(settings.port) as listener:  # first: a port in use must leave nothing behind
        claim(settings.state_folder)
        _serve(settings, template, listener)


def _serve(settings: Settings, template: Template, listener: socket.socket) -> None:
    state = settings.state_folder
    with (
        database(settings) as endpoint,
        LogFile(state / "functions.log") as log,
        LogFile(state / "access.log") as access_log,
        redirect_stdout(log),  # before the functions are imported: their loggers keep it
    ):
        functions = _functions_behind_page(template)
        handlers = load_functions(template, functions, endpoint)
        _create_first_user(functions)
        api = api_of(template)
        host = f"http://127.0.0.1:{listener.getsockname()[1]}"
        plans = None if settings.no_rate_limit else UsagePlans(template, api)
        gateway = Gateway(
            api, functions, handlers, plans=plans, log=log.write, access_log=access_log.write
        )
        with closing(gateway), ExitStack() as stack:
            if settings.endpoint is None:  # elsewhere Lambda or another gateway may follow
                stack.enter_context(following(template, functions, handlers, _client, log.write))
                tell(state, endpoint, host, shared_environment(functions.values()))
            banner = _banner(template, api, host, endpoint, settings)
            reloading = Reloading(settings, gateway, functions, handlers, endpoint, log.write)
            edge = partial(through_edge, page_secret=PAGE_SECRET)
            app = application(
                gateway, _say, lambda: _say(banner), reloading.page, reloading.advice, edge
            )
            asyncio.run(serve(app, listener))


class Reloading:
    """The files that a service is made of: it is made anew at the request after a change."""

    def __init__(
        self,
        settings: Settings,
        gateway: Gateway,
        functions: Mapping[str, Function],
        handlers: dict[str, Handler],
        endpoint: str,
        log: Callable[[str], object],
    ) -> None:
        self._settings = settings
        self._gateway = gateway
        self._handlers = handlers
        self._endpoint = endpoint
        self._log = log
        self._folders = folders_of(functions.values())
        self._files = states_of({settings.template, *self._folders, *SOURCES})

    def page(self, request: ApiRequest) -> Response | None:
        """Answer a request for a page; before anything is answered, look for changes."""
        before = self._files
        self._files = states_of({self._settings.template, *self._folders, *SOURCES})
        if found := differences(before, self._files):
            root = self._settings.template.resolve().parent
            names = ", ".join(os.path.relpath(file, root) for file in found)
            try:
                if not all(any(map(file.is_relative_to, SOURCES)) for file in found):
                    self._reload()
            except (Exception, SystemExit) as error:  # noqa: BLE001  # the service goes on
                self._log("".join(traceback.format_exception(error)))
                reason = " ".join(str(error).split())
                _say(f"not reloaded: {names} ({type(error).__name__}: {reason}); what ran goes on")
            else:
                _say(f"reloaded {names}")
        return Pages(f"/{self._gateway.api.stage}").answer(request)

    def _reload(self) -> None:
        template = self._settings.read_template()
        functions, api = _functions_behind_page(template), api_of(template)
        self._folders |= folders_of(functions.values())
        self._files = states_of(self._folders) | self._files
        with modules_anew(self._folders):
            handlers = load_functions(template, functions, self._endpoint)
        plans = None if self._settings.no_rate_limit else UsagePlans(template, api)
        self._handlers.update(handlers)  # the streams' functions are found there, too
        self._gateway.load(api, functions, self._handlers, plans)

    def advice(self, request: ApiRequest) -> str | None:
        """Say how a page could be allowed that calls the API and is not."""
        is_of_api = request.path.startswith(f"/{self._gateway.api.stage}/")
        return advice(request, self._settings.allowed_origins) if is_of_api else None


@contextmanager
def database(settings: Settings, *, share: bool = False) -> Iterator[str]:
    """Yield the endpoint of the settings, or of an engine of our own; "" is AWS's own."""
    if settings.endpoint is not None:
        yield "" if settings.endpoint == AWS else settings.endpoint
        return
    state = settings.state_folder
    if share and (there := running(state)) and is_healthy(there.database):
        yield there.database
    else:
        with engine(state, fresh=settings.fresh) as endpoint:
            yield endpoint


def load_functions(
    template: Template, functions: Mapping[str, Function], endpoint: str
) -> dict[str, Handler]:
    """Create the tables and the secret, then import the functions."""
    runtime = runtime_environment(endpoint, os.environ)
    os.environ.update(runtime)
    create_resources(template, _client("dynamodb"), _client("secretsmanager"))
    return load_handlers(functions, runtime)


def _functions_behind_page(template: Template) -> dict[str, Function]:
    """Return the functions as a stack with `Page=true` has them."""
    return {
        name: replace(function, environment={**function.environment, "PAGE_SECRET": PAGE_SECRET})
        for name, function in functions_of(template).items()
    }


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


def _client(service: str) -> Any:
    # An endpoint that is not there is reported at once, not after ten attempts.
    config = Config(connect_timeout=2, retries={"mode": "standard", "total_max_attempts": 2})
    return get_session().create_client(service, config=config)


def _create_first_user(functions: Mapping[str, Function]) -> None:
    """Create the first user, unless an earlier run has; its password may be short."""
    name = logical_id("create_user")
    first = replace(functions[name], name="CreateFirstUserFunction")
    given = os.environ.get(FEWEST_CHARACTERS)
    os.environ[FEWEST_CHARACTERS] = "1"
    try:
        invoke(first, load_handler(first), SEED, str(uuid.uuid4()))
    except FunctionError as error:
        if error.kind != NAME_TAKEN:
            raise EngineError(f"{name}: {error.kind}: {error.message}") from error
    finally:
        if given is not None:
            os.environ[FEWEST_CHARACTERS] = given


def _banner(template: Template, api: Api, host: str, endpoint: str, settings: Settings) -> str:
    url = f"{host}/{api.stage}"
    # It finds a service by itself whose state is in the usual place.
    there = f" {host}" if settings.state or settings.endpoint else ""
    database = f"{endpoint} (region {os.environ['AWS_REGION']})" if endpoint else "AWS"
    lines = [
        f"Sessions   {url}",
        f"Origins    {', '.join(settings.allowed_origins)}",
        f"Database   {database}",
        f"Log        {settings.state_folder / 'functions.log'}",
        f"Operations .venv/bin/python -m sessionctl --local{there}",
    ]
    lines += [f"Page       {host}/", f"Reference  {host}/docs"]
    login = functions_of(template).get(logical_id("create_session"))
    for path in paths_of(api, login.arn)[:1] if login else ():
        name, password = SEED["username"], SEED["password"]
        lines += ["", f"  curl -i {url}{path} -d user={name} -d pass={password}"]
    return "\n".join([*lines, "", "Ctrl-C to stop."])


def _say(text: str) -> None:
    print(text, file=sys.__stdout__, flush=True)
