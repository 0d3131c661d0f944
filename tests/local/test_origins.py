"""The origins of pages, and what is said of one that is not allowed."""

import pytest

from local.origins import advice, origin_of
from local.request import ApiRequest

ALLOWED = ("http://localhost:8080",)


@pytest.mark.parametrize(
    "origin",
    [
        "https://a.example",
        "http://localhost:8080",
        "http://127.0.0.1",
        "http://[::1]:3000",
        "https://xn--mnchen-3ya.example",
        "capacitor://localhost",
    ],
)
def test_an_origin_is_taken_as_browsers_send_it(origin):
    assert origin_of(origin) == origin


@pytest.mark.parametrize(
    ("url", "meant"),
    [
        ("https://a.example/", "https://a.example"),
        ("https://A.Example/page?x#y", "https://a.example"),
        (" https://a.example\n", "https://a.example"),
        ("https://a.example:443", "https://a.example"),
        ("http://a.example:80", "http://a.example"),
        ("http://a.example:443", "http://a.example:443"),
        *[(url, None) for url in ("*", "https://*.example", "a.example", "localhost:8080", "")],
        *[(url, None) for url in ("null", "http://", "https://münchen.example", "file:///x")],
        *[(url, None) for url in ("http://a.example:70000", "http://a:x", "http://a b", "//a")],
        *[(url, None) for url in ("https://a.example,https://b.example", "https://joe@a.example")],
    ],
)
def test_what_no_browser_sends_is_no_origin(url, meant):
    assert origin_of(url) == meant


def said(origin: str | None) -> str | None:
    headers = [(b"Host", b"127.0.0.1:3000")] + ([(b"Origin", origin.encode())] if origin else [])
    scope = {"raw_path": b"/", "query_string": b"", "headers": headers, "http_version": "1.1"}
    return advice(ApiRequest.of({**scope, "client": ("127.0.0.1", 1)}, b"", 0.0), ALLOWED)


@pytest.mark.parametrize("origin", [None, *ALLOWED, "http://127.0.0.1:3000"])
def test_nothing_is_said_of_a_page_that_may_call(origin):
    assert said(origin) is None


def test_a_page_that_may_not_call_is_told_with_the_option_that_would_let_it():
    told = said("http://localhost:5173")
    assert told
    assert told.endswith("--origin http://localhost:5173 would allow it")


@pytest.mark.parametrize("origin", ["null", "http://a.example/\x9b31m", "*", "x" * 1000])
def test_what_no_option_could_allow_is_told_without_one(origin):
    told = said(origin)
    assert told
    assert "--origin" not in told
    assert told.isascii()
    assert told.isprintable()
    assert len(told) < 200
