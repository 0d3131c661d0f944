"""The guard of FastAPI and Starlette: a dependency whose value is the session."""

from collections.abc import Callable

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse

from sessions.errors import ApiError
from sessions.guards.refusal import refusal
from sessions.verifier import VerifiedSession, Verifier, presented_token

__all__ = ["VerifiedSession", "Verifier", "answer_refusals", "protect"]


def protect(
    verifier: Verifier, *, cookie: str = "", max_age: int | None = None
) -> Callable[[Request], VerifiedSession]:
    """Return a dependency that is the request's session.

    The read blocks, and FastAPI calls a dependency that is no coroutine in a thread. In Starlette
    alone, an endpoint that is no coroutine calls it with the request.

    Args:
        verifier: the one of the application.
        cookie: the name of the cookie that holds the token; empty where the product has none.
        max_age: how many seconds ago the user logged in at most; None for any time.
    """

    def verified_session(request: Request) -> VerifiedSession:
        token = presented_token(
            request.headers.getlist("Authorization"),
            cookie and request.cookies.get(cookie),
            request.headers.get("Sec-Fetch-Site"),
        )
        return verifier.verify(token, max_age=max_age)

    return verified_session


def answer_refusals(app: Starlette) -> None:
    """Have the application answer who is refused; without this, the answer is 500."""
    app.add_exception_handler(ApiError, _answer)


async def _answer(_: object, error: Exception) -> JSONResponse:
    assert isinstance(error, ApiError)
    return JSONResponse(*refusal(error))
