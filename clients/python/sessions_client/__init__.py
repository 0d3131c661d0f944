"""A client of the session service; docs/openapi.yaml describes each operation."""

from sessions_client import errors
from sessions_client.client import AsyncSessionsClient, SessionsClient
from sessions_client.errors import *  # noqa: F403 - its `__all__` is the one list of the errors
from sessions_client.model import Page, Session, Token

__all__ = ["AsyncSessionsClient", "Page", "Session", "SessionsClient", "Token"]
__all__ += errors.__all__
