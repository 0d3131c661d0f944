"""Where the page is deployed, the address is the one that its CloudFront saw."""

import json
from typing import Any

import pytest

from sessions import authorizer, endpoint
from tests.support.calls import invoke, watch
from tests.support.contract import TEMPLATE
from tests.support.events import event_for
from tests.support.leaks import PASSWORD
from tests.support.people import new_person

pytestmark = pytest.mark.usefixtures("aws", "clock")

SECRET = "Secretof64Characters" + "x" * 44
EDGES = ("130.176.1.1", "130.176.1.2")
LIMIT = TEMPLATE.parameters["LoginAttemptsPerNameAndAddress"]
LIMITED = [401] * LIMIT + [429]

Headers = dict[str, str | list[str] | None]


@pytest.fixture(params=[SECRET])
def page(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Deploy with the page, whose secret no line and no answer may show."""
    watch.keep("page secret", SECRET)
    for module in (endpoint, authorizer):
        monkeypatch.setattr(module, "PAGE_SECRET", request.param)


def by_cloudfront(viewer: str) -> Headers:
    return {"X-Page-Secret": SECRET, "X-Viewer-Address": viewer}


def try_login(user: str, password: str, connection: str, headers: Headers) -> Any:
    event = event_for("create_session", body={"user": user, "pass": password}, headers=headers)
    event["requestContext"]["identity"]["sourceIp"] = connection
    return invoke("create_session", event)


def guess(user: str, connection: str, headers: Headers) -> int:
    status: int = try_login(user, "wrong", connection, headers)["statusCode"]
    return status


def payer(connection: str, headers: Headers) -> Any:
    event = event_for("authorize", headers=headers)
    event["httpMethod"] = event["requestContext"]["httpMethod"] = "POST"
    event["requestContext"]["identity"]["sourceIp"] = connection
    return invoke("authorize", event)["principalId"]


@pytest.mark.usefixtures("page")
def test_viewers_are_counted_apart_and_edges_are_not():
    name = new_person().username
    first, second = by_cloudfront("203.0.113.1"), by_cloudfront("203.0.113.2")
    assert [guess(name, EDGES[n % 2], first) for n in range(LIMIT + 1)] == LIMITED
    assert try_login(name, PASSWORD, EDGES[0], second)["statusCode"] == 201


FORGED: dict[str, Headers] = {
    "no secret": {},
    "an empty one": {"X-Page-Secret": ""},
    "a wrong one": {"X-Page-Secret": "x" * 64},
    "its beginning": {"X-Page-Secret": SECRET[:-1]},
    "more than it": {"X-Page-Secret": f"{SECRET}x"},
    "no ASCII": {"X-Page-Secret": "é\ud800"},
    "another header": {"X-Page": SECRET},
    "the right one before a wrong one": {"X-Page-Secret": [SECRET, "x"]},
}


@pytest.mark.usefixtures("page")
@pytest.mark.parametrize("forged", FORGED.values(), ids=FORGED)
def test_a_viewers_address_without_the_secret_says_nothing(forged):
    here = f"198.51.100.{list(FORGED.values()).index(forged) + 1}"
    assert payer(here, {**forged, "X-Viewer-Address": "203.0.113.9"}) == here


@pytest.mark.parametrize("page", [SECRET, ""], indirect=True, ids=["page", "no page"])
def test_direct_calls_gain_no_attempts_by_naming_other_viewers(page):
    name = new_person().username
    viewers = [
        {"X-Page-Secret": "", "X-Viewer-Address": f"203.0.113.{n}"} for n in range(LIMIT + 1)
    ]
    assert [guess(name, "198.51.100.60", viewer) for viewer in viewers] == LIMITED


@pytest.mark.parametrize("page", [""], indirect=True)
def test_without_the_page_no_secret_is_right(page):
    assert payer("198.51.100.50", by_cloudfront("203.0.113.9")) == "198.51.100.50"
    empty: Headers = {"X-Page-Secret": "", "X-Viewer-Address": "203.0.113.9"}
    assert payer("198.51.100.50", empty) == "198.51.100.50"


@pytest.mark.usefixtures("page")
@pytest.mark.parametrize(
    ("viewer", "caller"),
    [
        ("203.0.113.9", "203.0.113.9"),
        ("2001:db8::1", "2001:db8::/64"),
        ("", EDGES[0]),  # it says nothing: all of an edge are one, as without the function
    ],
)
def test_the_viewers_address_pays_for_a_login(viewer, caller):
    assert payer(EDGES[0], by_cloudfront(viewer)) == caller


@pytest.mark.usefixtures("page")
def test_the_log_line_names_the_viewers_address(logged):
    guess(new_person().username, EDGES[0], by_cloudfront("203.0.113.4"))
    assert logged()[-1]["address"] == "203.0.113.4"


@pytest.mark.usefixtures("page")
def test_the_pages_own_origin_need_not_be_allowed():
    """Browsers name the origin at each POST and DELETE; of the same origin they want no answer."""
    name = "https://d111111abcdef8.cloudfront.net"
    own: Headers = {"Origin": name, "Sec-Fetch-Site": "same-origin"}
    headers = {**by_cloudfront("203.0.113.5"), **own}
    answer = try_login(new_person().username, PASSWORD, EDGES[0], headers)
    assert answer["statusCode"] == 201
    assert "Access-Control-Allow-Origin" not in answer["headers"]
    login = json.loads(answer["body"])
    iat = login["exp"] - TEMPLATE.parameters["SessionSeconds"]
    deletion = event_for("delete_session", login["token"], session=iat, headers=own)
    assert invoke("delete_session", deletion)["statusCode"] == 200
