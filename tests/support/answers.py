"""What every answer of the API must be like, whether a function gave it or the gateway."""

import re
from collections.abc import Mapping

import httpx

from tests.support.contract import EVERY_ANSWER

CORS = "access-control-"
# API Gateway renames a function's header, and lets its own keep the name.
CHALLENGES = {"www-authenticate", "x-amzn-remapped-www-authenticate"}
# Of a body that a mock does not read; some of those in the template.
MEDIA_TYPES = ("application/json", "multipart/form-data", "text/plain", "text/xml")
EXPOSED = {
    "Retry-After",
    "X-RateLimit-Limit",
    "X-RateLimit-Remaining",
    "X-RateLimit-Reset",
    "X-Request-Id",
}


def assert_is(answer: httpx.Response, status: int, body: object) -> None:
    """Hold an answer to the contract."""
    assert (answer.status_code, answer.json()) == (status, body)
    assert_is_an_answer(answer)


def assert_is_an_answer(answer: httpx.Response) -> None:
    """Hold what does not depend on its body to the contract."""
    assert EVERY_ANSWER.items() <= dict(answer.headers).items()
    assert re.fullmatch(r"[0-9a-f-]{36}", answer.headers["x-request-id"])
    if answer.status_code == 401:
        found = CHALLENGES & set(answer.headers)
        assert {answer.headers[name] for name in found} == {"Bearer"}
    if answer.status_code in {429, 503}:
        assert int(answer.headers["retry-after"]) > 0
    if answer.status_code == 429:
        assert int(answer.headers["x-ratelimit-limit"]) > 0
        assert answer.headers["x-ratelimit-remaining"] == "0"


def assert_may_be_read(answer: httpx.Response, origin: str) -> None:
    """Hold an answer's CORS headers to what a page of an allowed origin may do with it."""
    found = cors_of(answer.headers)
    assert found.pop("allow-origin") == origin
    assert found.pop("allow-credentials") == "true"
    assert set(found.pop("expose-headers").split(", ")) == EXPOSED
    assert found == {}
    assert "origin" in answer.headers["vary"].lower()


def cors_of(headers: Mapping[str, str]) -> dict[str, str]:
    """Return an answer's CORS headers, without what their names have in common."""
    return {
        name.lower().removeprefix(CORS): value
        for name, value in headers.items()
        if name.lower().startswith(CORS)
    }
