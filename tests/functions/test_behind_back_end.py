"""A back end that the operator trusts names its viewer's address, and pays for what it asks."""

import hashlib
import itertools
from collections import Counter
from typing import Any

import pytest

from functions.authorize import app
from sessions import authorizer, endpoint
from tests.support.calls import call, invoke, watch
from tests.support.contract import INVALID_PASSWORD, ORIGIN_NOT_ALLOWED, RATE_LIMITED, TEMPLATE
from tests.support.events import event_for
from tests.support.leaks import PASSWORD
from tests.support.people import log_in, new_person

pytestmark = pytest.mark.usefixtures("aws", "clock")

SECRET = "mX3-pq9_Tz7vLw0cRb5nYs2fGh8kJd4aUe6iOo1W"
OTHER = "Zk1-ba4_Hn8xQm2vCf6tJp0sWr7gLy3dEu9iMo5T"
BACK_END = "192.0.2.10"
VIEWER = "203.0.113.9"
_viewers = itertools.count(1)  # a test must not meet the attempts that another counted

Headers = dict[str, str | list[str] | None]


def trust(monkeypatch: pytest.MonkeyPatch, *secrets: str) -> None:
    """Deploy with back ends of these secrets, which no line and no answer may show."""
    for secret in secrets:
        watch.keep("back end's secret", secret)
    hashes = [hashlib.sha256(secret.encode()).hexdigest() for secret in secrets]
    for module in (endpoint, authorizer):
        monkeypatch.setattr(module, "BACK_END_SECRET_HASHES", hashes)


@pytest.fixture
def trusted(monkeypatch: pytest.MonkeyPatch) -> None:
    """One back end is trusted."""
    trust(monkeypatch, SECRET)


def by_back_end(viewer: str | list[str] | None = VIEWER, secret: str = SECRET) -> Headers:
    return {"X-Back-End-Secret": secret, "X-Viewer-Address": viewer}


def try_login(user: str, password: str, headers: Headers, connection: str = BACK_END) -> Any:
    event = event_for("create_session", body={"user": user, "pass": password}, headers=headers)
    event["requestContext"]["identity"]["sourceIp"] = connection
    return invoke("create_session", event)


def guess(user: str, headers: Headers, connection: str = BACK_END) -> int:
    status: int = try_login(user, "wrong", headers, connection)["statusCode"]
    return status


def address(headers: Headers, logged: Any) -> str:
    """Return the address that a request is of, by its log line; it counts for no limit."""
    assert try_login("", "", headers)["statusCode"] == 400
    seen: str = logged()[-1]["address"]
    return seen


def authorized(headers: Headers, token: str | None = None, method: str = "GET") -> Any:
    event = event_for("authorize", token, headers=headers)
    event["httpMethod"] = event["requestContext"]["httpMethod"] = method
    event["requestContext"]["identity"]["sourceIp"] = BACK_END
    answer = invoke("authorize", event)
    return answer["principalId"], answer["usageIdentifierKey"], answer["context"]["limit"]


PAYS = ("back-end", app.BACK_END_KEY, str(TEMPLATE.parameters["BackEndRateLimit"]))


# ------------------------------------------------------------- the viewers' addresses


@pytest.mark.usefixtures("trusted")
def test_wrong_guesses_of_many_viewers_through_one_back_end_lock_nobody_else_out():
    most = TEMPLATE.parameters["LoginAttemptsPerAddress"]
    answers = Counter(
        guess(new_person().username, by_back_end(f"198.51.100.{n}")) for n in range(1, most + 2)
    )
    assert answers == {401: most + 1}
    assert try_login(new_person().username, PASSWORD, by_back_end())["statusCode"] == 201


@pytest.mark.usefixtures("trusted")
def test_one_viewer_has_no_more_attempts_than_without_a_back_end():
    """Whichever back end the attempts come through, or none."""
    name, viewer = new_person().username, f"203.0.113.{next(_viewers)}"
    most = TEMPLATE.parameters["LoginAttemptsPerNameAndAddress"]
    ways = [(by_back_end(viewer), BACK_END), (by_back_end(viewer), "192.0.2.11"), ({}, viewer)]
    answers = [guess(name, *ways[n % 3]) for n in range(most)]
    assert answers == [401] * most
    for headers, connection in ways:
        answer = try_login(name, PASSWORD, headers, connection)
        assert (answer["statusCode"], RATE_LIMITED["code"] in answer["body"]) == (429, True)


@pytest.mark.usefixtures("trusted")
def test_a_name_has_no_more_attempts_from_all_viewers_of_a_back_end():
    name, most = new_person().username, TEMPLATE.parameters["LoginAttemptsPerName"]
    answers = [guess(name, by_back_end(f"2001:db8:{n:x}::1")) for n in range(1, most + 2)]
    assert answers == [401] * most + [429]


@pytest.mark.usefixtures("trusted")
@pytest.mark.parametrize("viewer", ["203.0.113.4", "2001:db8::4", "::ffff:203.0.113.4"])
def test_the_log_line_names_the_viewers_address(viewer, logged):
    assert address(by_back_end(viewer), logged) == viewer


@pytest.mark.usefixtures("trusted")
def test_viewers_of_one_ipv6_network_are_one():
    name, most = new_person().username, TEMPLATE.parameters["LoginAttemptsPerNameAndAddress"]
    answers = [guess(name, by_back_end(f"2001:db8:ffff:1::{n:x}")) for n in range(most + 1)]
    assert answers == [401] * most + [429]


NO_ADDRESS: dict[str, str | list[str] | None] = {
    "none": None,
    "empty": "",
    "words": "unknown",
    "with a port": "203.0.113.9:443",
    "in brackets": "[2001:db8::1]",
    "a list": "203.0.113.9, 198.51.100.1",
    "a network": "203.0.113.0/24",
    "a number": "3405803785",
    "with zeros": "203.000.113.009",
    "no ASCII": "é\ud800",
    "very long": "2" * 8000,
    "two": ["198.51.100.1", "203.0.113.9"],  # one may be the viewer's own wish
    "the same twice": ["203.0.113.9", "203.0.113.9"],
}


@pytest.mark.usefixtures("trusted")
@pytest.mark.parametrize("named", NO_ADDRESS.values(), ids=NO_ADDRESS)
def test_what_is_no_address_says_nothing(named, logged):
    """The connection's address counts: too strict, never too lax."""
    assert address(by_back_end(named), logged) == BACK_END
    assert authorized(by_back_end(named)) == PAYS


@pytest.mark.usefixtures("trusted")
def test_a_zone_is_no_part_of_an_address(logged):
    """It is a name of the host's own for one of its networks (RFC 4007, section 6)."""
    assert address(by_back_end("fe80::1%eth0 whatever"), logged) == "fe80::1"


# --------------------------------------------------------------------- who pays


@pytest.mark.usefixtures("trusted")
@pytest.mark.parametrize("token", ["a user's", None, "", "a.b.c"])
@pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
def test_a_back_end_pays_for_whatever_it_asks(token, method):
    token = log_in(new_person()) if token == "a user's" else token
    assert authorized(by_back_end(), token, method) == PAYS


@pytest.mark.usefixtures("trusted")
def test_the_user_pays_for_what_the_user_asks_with_the_same_token():
    person = new_person()
    token = log_in(person)
    assert authorized(by_back_end(), token) == PAYS
    assert authorized({}, token)[0] == person.id


# ------------------------------------------------------------------ who is believed

FORGED: dict[str, Headers] = {
    "no secret": {},
    "an empty one": {"X-Back-End-Secret": ""},
    "a wrong one": {"X-Back-End-Secret": "x" * 40},
    "its hash": {"X-Back-End-Secret": hashlib.sha256(SECRET.encode()).hexdigest()},
    "its beginning": {"X-Back-End-Secret": SECRET[:-1]},
    "more than it": {"X-Back-End-Secret": f"{SECRET}x"},
    "in another case": {"X-Back-End-Secret": SECRET.swapcase()},
    "twice in one": {"X-Back-End-Secret": f"{SECRET},{SECRET}"},
    "as Bearer": {"X-Back-End-Secret": f"Bearer {SECRET}"},
    "no ASCII": {"X-Back-End-Secret": "é\ud800" * 20},
    "another header": {"X-Page-Secret": SECRET},
    "the right one before a wrong one": {"X-Back-End-Secret": [SECRET, "x" * 40]},
}


@pytest.mark.usefixtures("trusted")
@pytest.mark.parametrize("forged", FORGED.values(), ids=FORGED)
def test_without_the_secret_nothing_is_believed(forged, logged):
    headers = {**forged, "X-Viewer-Address": VIEWER}
    assert address(headers, logged) == BACK_END
    assert authorized(headers)[0] == authorized({})[0] == BACK_END


@pytest.mark.parametrize("secret", ["", SECRET, hashlib.sha256(b"").hexdigest()])
def test_no_back_end_is_trusted_unless_it_is_asked_for(secret, logged):
    assert TEMPLATE.parameters["BackEndSecretHashes"] == ""
    assert address(by_back_end(secret=secret), logged) == BACK_END
    assert authorized(by_back_end(secret=secret))[0] == BACK_END


def test_a_secret_that_its_hash_would_give_away_is_none(monkeypatch):
    trust(monkeypatch, SECRET[:31], SECRET[:32])
    payers = [authorized(by_back_end(secret=SECRET[:n]))[0] for n in (31, 32)]
    assert payers == [BACK_END, "back-end"]


def test_while_one_secret_replaces_another_both_are_right(monkeypatch):
    believed = []
    for deployed in ((SECRET,), (OTHER, SECRET), (OTHER,)):
        trust(monkeypatch, *deployed)
        payers = [authorized(by_back_end(secret=each))[0] for each in (SECRET, OTHER)]
        believed.append([payer == "back-end" for payer in payers])
    assert believed == [[True, False], [True, True], [False, True]]


@pytest.mark.usefixtures("trusted")
def test_what_comes_through_the_page_is_of_the_address_that_cloudfront_saw(monkeypatch, logged):
    """CloudFront writes its own `X-Viewer-Address` over any other."""
    page = "Secretof64Characters" + "x" * 44
    for module in (endpoint, authorizer):
        monkeypatch.setattr(module, "PAGE_SECRET", page)
    seen_by_cloudfront = {**by_back_end("203.0.113.77"), "X-Page-Secret": page}
    assert address(seen_by_cloudfront, logged) == "203.0.113.77"
    assert authorized(seen_by_cloudfront) == PAYS


# --------------------------------------------------------------- nothing else is


@pytest.mark.usefixtures("trusted")
def test_a_back_end_needs_the_password_and_the_token_like_everybody():
    person = new_person()
    headers = by_back_end(f"203.0.113.{next(_viewers)}")
    wrong = call("create_session", body={"user": person.username, "pass": "x"}, headers=headers)
    assert (wrong.status, wrong.body) == (401, INVALID_PASSWORD)
    assert call("get_current_session", headers=headers).status == 401
    assert call("get_current_session", "a.b.c", headers=headers).status == 401


@pytest.mark.usefixtures("trusted")
def test_a_back_end_hands_on_no_page_of_another_origin():
    headers = {**by_back_end(), "Origin": "https://evil.example"}
    body = {"user": new_person().username, "pass": PASSWORD}
    answer = call("create_session", body=body, headers=headers)
    assert (answer.status, answer.body) == (403, ORIGIN_NOT_ALLOWED)
