"""The guard of Flask: a decorator of views."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from flask import current_app, g, request

from sessions.errors import ApiError
from sessions.guards.refusal import refusal
from sessions.verifier import Verifier, presented_token

__all__ = ["Verifier", "protect"]

_View = Callable[..., Any]


def protect(
    verifier: Verifier, *, cookie: str = "", max_age: int | None = None
) -> Callable[[_View], _View]:
    """Return a decorator of views that need a session; it stands below that of the route.

    The session is then `g.verified_session`: `flask.session` is a cookie of Flask's own.

    Args:
        verifier: the one of the application.
        cookie: the name of the cookie that holds the token; empty where the product has none.
        max_age: how many seconds ago the user logged in at most; None for any time.
    """

    def decorate(view: _View) -> _View:
        @wraps(view)
        def guarded(*args: Any, **kwargs: Any) -> Any:
            # A server joins the values of a header that comes twice by a comma, which no token has.
            token = presented_token(
                request.headers.getlist("Authorization"),
                cookie and request.cookies.get(cookie),
                request.headers.get("Sec-Fetch-Site"),
            )
            try:
                g.verified_session = verifier.verify(token, max_age=max_age)
            except ApiError as error:
                return refusal(error)
            return current_app.ensure_sync(view)(*args, **kwargs)

        return guarded

    return decorate
