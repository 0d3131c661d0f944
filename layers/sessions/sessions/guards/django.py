"""The guard of Django: a decorator of views."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from asgiref.sync import async_to_sync, iscoroutinefunction, sync_to_async
from django.http import HttpRequest, JsonResponse

from sessions.errors import ApiError
from sessions.guards.refusal import refusal
from sessions.verifier import Verifier, presented_token

__all__ = ["Verifier", "protect"]

_View = Callable[..., Any]


def protect(
    verifier: Verifier, *, cookie: str = "", max_age: int | None = None
) -> Callable[[_View], _View]:
    """Return a decorator of views that need a session: of functions, or of what `as_view` returns.

    The session is then `request.verified_session`: `request.session` and `request.user` are those
    of Django's own applications.

    Args:
        verifier: the one of the application.
        cookie: the name of the cookie that holds the token; empty where the product has none.
        max_age: how many seconds ago the user logged in at most; None for any time.
    """

    def decorate(view: _View) -> _View:
        # As Django does with its own sync and async parts: the read blocks.
        called = async_to_sync(view) if iscoroutinefunction(view) else view

        def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
            # A server joins the values of a header that comes twice by a comma, which no token has.
            given = [value for name, value in request.headers.items() if name == "Authorization"]
            token = presented_token(
                given, cookie and request.COOKIES.get(cookie), request.headers.get("Sec-Fetch-Site")
            )
            try:
                request.verified_session = verifier.verify(token, max_age=max_age)
            except ApiError as error:
                body, status, headers = refusal(error)
                return JsonResponse(body, status=status, headers=headers)
            return called(request, *args, **kwargs)

        return wraps(view)(sync_to_async(guarded) if iscoroutinefunction(view) else guarded)

    return decorate
