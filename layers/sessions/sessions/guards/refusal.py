"""What a guard answers to whoever is refused."""

import logging

from sessions.errors import ApiError

_log = logging.getLogger(__name__)


def refusal(error: ApiError) -> tuple[dict[str, object], int, dict[str, str]]:
    """Return the body, the status and the headers; tell the log of what is no caller's fault."""
    if not error.is_client_error:
        _log.error("The session cannot be verified", exc_info=error)
    return error.body(), error.status, {**error.headers, "Cache-Control": "no-store"}
