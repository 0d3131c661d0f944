"""Records of the model, made by keyword: a test names the attributes that it is about."""

from typing import Any

from sessions.model import Session, User

NAME = "Chrome on Windows"  # of the browser in `events/`, and so of sessions that tests begin


def user(**attributes: Any) -> User:
    """Return a user with these attributes."""
    usual = {"id": "u", "username": "joe", "email": "joe@example.com", "created_at": 1}
    return User(**{**usual, **attributes})


def session(**attributes: Any) -> Session:
    """Return a session with these attributes."""
    usual = {"user": "u", "iat": 1, "exp": 2, "name": NAME, "jti_sha256": b"j" * 32}
    return Session(**{**usual, **attributes})
