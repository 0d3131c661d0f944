"""The gateway and the pages behind HTTP: an ASGI application, and hypercorn to serve it."""

import asyncio
import signal
import socket
import time
import uuid
from collections.abc import Awaitable, Callable
from typing import Any

from hypercorn.asyncio import serve as hypercorn_serve
from hypercorn.config import Config

from local.gateway import MAX_BODY_BYTES, Gateway, Outcome
from local.messages import Request, Response

DRAIN_SECONDS = 30.0
GRACE_SECONDS = 5.0  # for clients that have not sent all of their request; hypercorn gives 3
NO_CONTENT = {204, 304}

Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]
Application = Callable[[dict[str, Any], Receive, Send], Awaitable[None]]


def application(
    gateway: Gateway,
    report: Callable[[str], None],
    on_start: Callable[[], None] = lambda: None,
    pages: Callable[[Request], Response | None] = lambda _: None,
) -> Application:
    """Return the ASGI application; `report` takes its one line for each request.

    What `pages` answers is no request of the API: no plan counts it and no access log has it.
    """

    async def app(scope: dict[str, Any], receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await _lifespan(receive, send, on_start)
        else:
            started_at = time.perf_counter()
            try:
                body = await _body(scope, receive)
            except ConnectionResetError:
                return
            request = _request(scope, body or b"", gateway.clock())
            if (page := pages(request)) is not None:
                outcome = Outcome(page, "page")
            else:
                outcome = await gateway.answer(request, too_large=body is None)
            milliseconds = (time.perf_counter() - started_at) * 1000
            report(
                f"{time.strftime('%H:%M:%S')} {request.method} {request.path} "
                f"{outcome.response.status} {milliseconds:.0f} ms {outcome.made_by} {request.id}"
            )
            headers = [
                (name.encode("latin-1"), value.encode()) for name, value in outcome.response.headers
            ]
            content = outcome.response.body
            if outcome.response.status in NO_CONTENT:
                content = b""
            else:
                headers.append((b"content-length", str(len(content)).encode()))
            # REST APIs know no WebSockets: who asks for one gets what anybody gets.
            kind = "websocket.http" if scope["type"] == "websocket" else "http"
            start = {"type": f"{kind}.response.start", "status": outcome.response.status}
            await send({**start, "headers": headers})
            await send({"type": f"{kind}.response.body", "body": content, "more_body": True})
            if body is None:
                await _drain(receive)
            await send({"type": f"{kind}.response.body", "body": b"", "more_body": False})

    return app


async def serve(app: Application, listener: socket.socket) -> None:
    """Serve HTTP on a socket that is listening already, until SIGINT or SIGTERM."""
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()

    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stopped.set)
    config = Config()
    config.bind = [f"fd://{listener.detach()}"]  # hypercorn closes it
    config.loglevel = "WARNING"  # that it runs, and where, is ours to say
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


def _request(scope: dict[str, Any], body: bytes, now: float) -> Request:
    return Request(
        id=str(uuid.uuid4()),
        method=scope.get("method", "GET"),  # ASGI names none where a WebSocket is asked for
        path=scope["raw_path"].decode("ascii"),
        query=scope["query_string"].decode("ascii", errors="replace"),
        headers=tuple((_text(name), _text(value)) for name, value in scope["headers"]),
        body=body,
        source_ip=scope["client"][0],
        protocol=f"HTTP/{scope['http_version']}",
        received_at=now,
    )


def _text(octets: bytes) -> str:
    try:
        return octets.decode("utf-8")
    except UnicodeDecodeError:
        return octets.decode("latin-1")


async def _body(scope: dict[str, Any], receive: Receive) -> bytes | None:
    """Return the body, or None as soon as it is known to be too large."""
    for name, value in scope["headers"]:
        if name.lower() == b"content-length" and int(value) > MAX_BODY_BYTES:
            return None
    body = bytearray()
    more = True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ConnectionResetError  # half a body is nobody's request
        body += message.get("body", b"")
        more = message.get("more_body", False)
        if len(body) > MAX_BODY_BYTES:
            return None
    return bytes(body)


async def _drain(receive: Receive) -> None:
    """Take in, and drop, what a client still sends after its answer.

    To close on it would reset the connection, and the client might never see that answer
    (RFC 9112, section 9.6).
    """
    try:
        async with asyncio.timeout(DRAIN_SECONDS):
            while (await receive()).get("more_body", False):
                pass
    except TimeoutError:
        pass


async def _lifespan(receive: Receive, send: Send, on_start: Callable[[], None]) -> None:
    while True:
        message = await receive()
        if message["type"] == "lifespan.startup":
            on_start()  # the socket listens: whoever connects now gets an answer
        await send({"type": f"{message['type']}.complete"})
        if message["type"] == "lifespan.shutdown":
            return
