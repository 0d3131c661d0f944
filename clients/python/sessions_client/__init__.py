"""A client of the session service; docs/openapi.yaml describes each operation."""

from sessions_client.client import AsyncSessionsClient, SessionsClient
from sessions_client.errors import (
    Banned,
    BodyTooLarge,
    Internal,
    InvalidEndpoint,
    InvalidPassword,
    InvalidSession,
    InvalidUser,
    MissingFields,
    NetworkError,
    RateLimited,
    SessionMissing,
    SessionsError,
    Unavailable,
)
from sessions_client.model import Page, Session, Token

__all__ = [
    "AsyncSessionsClient",
    "Banned",
    "BodyTooLarge",
    "Internal",
    "InvalidEndpoint",
    "InvalidPassword",
    "InvalidSession",
    "InvalidUser",
    "MissingFields",
    "NetworkError",
    "Page",
    "RateLimited",
    "Session",
    "SessionMissing",
    "SessionsClient",
    "SessionsError",
    "Token",
    "Unavailable",
]
