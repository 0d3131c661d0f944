"""The gateway and the pages behind HTTP: a Starlette application, and hypercorn to serve it."""

import asyncio
import re
import signal
import socket
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress

from hypercorn.asyncio import serve as hypercorn_serve
from hypercorn.config import Config
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Router
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from local.gateway import MAX_BODY_BYTES, Gateway, Outcome
from local.request import ApiRequest

DRAIN_SECONDS = 30.0
TOKEN = re.compile(r"eyJ[\w-]+\.[\w.-]+")  # in a path by mistake, where a session's ID belongs
GRACE_SECONDS = 5.0  # for clients that have not sent all of their request; hypercorn gives 3


def application(
    gateway: Gateway,
    report: Callable[[str], None],
    on_start: Callable[[], None] = lambda: None,
    pages: Callable[[ApiRequest], Response | None] = lambda _: None,
    advice: Callable[[ApiRequest], str | None] = lambda _: None,
    edge: Callable[[ApiRequest], ApiRequest] = lambda request: request,
) -> ASGIApp:
    """Return the ASGI application; `report` takes its one line for each request, and its advice.

    The gateway answers what `edge` makes of a request.

    An answer of `pages` is no request of the API: no plan counts it and no access log has it.
    REST APIs have no routes of Starlette: their paths count as sent, before any decoding.
    """

    @asynccontextmanager
    async def lifespan(_: object) -> AsyncIterator[None]:
        on_start()  # the socket listens: a client that connects now gets an answer
        yield

    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        started_at = time.perf_counter()
        # REST APIs know no WebSockets: a request for one is answered like any other.
        parts = Request(scope, receive).stream() if scope["type"] == "http" else _no_parts()
        try:
            body = await _body(scope, parts)
        except ClientDisconnect:
            return  # half a body makes no request
        request = ApiRequest.of(scope, body or b"", gateway.clock())
        if (page := pages(request)) is not None:
            outcome = Outcome(page, "page")
        else:
            outcome = await gateway.answer(edge(request), too_large=body is None)
        milliseconds = (time.perf_counter() - started_at) * 1000
        report(
            f"{time.strftime('%H:%M:%S')} {request.method} {TOKEN.sub('TOKEN', request.path)} "
            f"{outcome.response.status_code} {milliseconds:.0f} ms {outcome.made_by} {request.id}"
        )
        if advised := advice(request):
            report(advised)
        await outcome.response(scope, receive, send if body is not None else _draining(parts, send))

    return Router(default=answer, redirect_slashes=False, lifespan=lifespan)


async def serve(app: ASGIApp, listener: socket.socket) -> None:
    """Serve HTTP on a socket that is listening already, until SIGINT or SIGTERM."""
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()

    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stopped.set)
    config = Config()
    config.bind = [f"fd://{listener.detach()}"]  # hypercorn closes it
    config.loglevel = "WARNING"  # the banner says that it runs, and where
    config.h11_pass_raw_headers = True  # events show the names of headers as they were sent
    config.include_server_header = False
    config.keep_alive_timeout = 75
    serving = loop.create_task(
        hypercorn_serve(app, config, shutdown_trigger=stopped.wait)  # type: ignore[arg-type]  # its scopes are TypedDicts
    )
    await asyncio.wait(
        {serving, loop.create_task(stopped.wait())}, return_when=asyncio.FIRST_COMPLETED
    )
    loop.set_exception_handler(lambda *_: None)  # connections that the end cuts short are no news
    await asyncio.wait({serving}, timeout=GRACE_SECONDS)  # from Python 3.12 on it may wait for ever
    if serving.done():
        serving.result()


async def _no_parts() -> AsyncIterator[bytes]:
    yield b""


async def _body(scope: Scope, parts: AsyncIterator[bytes]) -> bytes | None:
    """Return the body, or None as soon as it is known to be too large."""
    for name, value in scope["headers"]:
        if name.lower() == b"content-length" and int(value) > MAX_BODY_BYTES:
            return None
    body = bytearray()
    async for part in parts:
        body += part
        if len(body) > MAX_BODY_BYTES:
            return None
    return bytes(body)


def _draining(parts: AsyncIterator[bytes], send: Send) -> Send:
    """Before an answer ends, take in, and drop, what the client still sends.

    To close while it sends would reset the connection, and the client might never see the
    answer (RFC 9112, section 9.6).
    """

    async def send_and_drain(message: Message) -> None:
        if "body" not in message:
            await send(message)
            return
        await send({**message, "more_body": True})
        with suppress(TimeoutError, ClientDisconnect):
            async with asyncio.timeout(DRAIN_SECONDS):
                async for _ in parts:
                    pass
        await send({**message, "body": b"", "more_body": False})

    return send_and_drain
