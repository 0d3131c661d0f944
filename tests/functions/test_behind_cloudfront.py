"""Where the page is deployed: the address is the one that CloudFront saw, if CloudFront says so."""

import json
from typing import Any

import pytest

from sessions import endpoint
from tests.support.calls import invoke, watch
from tests.support.contract import TEMPLATE
from tests.support.events import event_for
from tests.support.leaks import PASSWORD
from tests.support.people import new_person

pytestmark = pytest.mark.usefixtures("aws", "clock")

SECRET = "Secretof64Characters" + "x" * 44
EDGES = ("130.176.1.1", "130.176.1.2")
PER_NAME_AND_ADDRESS = TEMPLATE.parameters["LoginAttemptsPerNameAndAddress"]
PER_ADDRESS = TEMPLATE.parameters["LoginAttemptsPerAddress"]

Headers = dict[str, str | list[str] | None]


@pytest.fixture(params=[SECRET])
def page(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Deploy with the page, whose secret no line and no answer may show."""
    watch.keep("page secret", SECRET)
    monkeypatch.setattr(endpoint, "PAGE_SECRET", request.param)


def by_cloudfront(viewer: str) -> Headers:
    return {"X-Page-Secret": SECRET, "X-Viewer-Address": viewer}


def log_in(user: str, password: str, connection: str, headers: Headers) -> int:
    event = event_for("create_session", body={"user": user, "pass": password}, headers=headers)
    event["requestContext"]["identity"]["sourceIp"] = connection
    status: int = invoke("create_session", event)["statusCode"]
    return status


def payer(connection: str, headers: Headers) -> Any:
    event = event_for("authorize", headers=headers)
    event["httpMethod"] = event["requestContext"]["httpMethod"] = "POST"
    event["requestContext"]["identity"]["sourceIp"] = connection
    return invoke("authorize", event)["principalId"]


@pytest.mark.usefixtures("page")
def test_two_people_behind_one_edge_do_not_use_up_each_others_attempts():
    person = new_person()
    first, second = by_cloudfront("203.0.113.1"), by_cloudfront("203.0.113.2")
    tried = [
        log_in(person.username, "wrong", EDGES[0], first) for _ in range(PER_NAME_AND_ADDRESS + 1)
    ]
    assert tried == [401] * PER_NAME_AND_ADDRESS + [429]
    assert log_in(person.username, PASSWORD, EDGES[0], second) == 201


@pytest.mark.usefixtures("page")
def test_one_person_behind_two_edges_is_one():
    person = new_person()
    headers = by_cloudfront("203.0.113.3")
    tried = [
        log_in(person.username, "wrong", EDGES[number % 2], headers)
        for number in range(PER_NAME_AND_ADDRESS + 1)
    ]
    assert tried == [401] * PER_NAME_AND_ADDRESS + [429]


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


@pytest.mark.parametrize("forged", FORGED.values(), ids=FORGED)
@pytest.mark.parametrize("page", [SECRET, ""], indirect=True, ids=["page", "no page"])
def test_who_calls_the_api_itself_gains_nothing_by_saying_who_he_is(page, forged):
    person = new_person()
    here = f"198.51.100.{list(FORGED.values()).index(forged) + 1}"
    tried = [
        log_in(person.username, "wrong", here, {**forged, "X-Viewer-Address": f"203.0.113.{n}"})
        for n in range(PER_NAME_AND_ADDRESS + 1)
    ]
    assert tried == [401] * PER_NAME_AND_ADDRESS + [429]
    assert payer(here, {**forged, "X-Viewer-Address": "203.0.113.9"}) == payer(here, {}) == here


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
def test_the_viewers_address_pays_for_a_log_in(viewer, caller):
    assert payer(EDGES[0], by_cloudfront(viewer)) == caller


@pytest.mark.usefixtures("page")
def test_the_log_line_names_the_viewers_address(logged):
    person = new_person()
    log_in(person.username, "wrong", EDGES[0], by_cloudfront("203.0.113.4"))
    assert logged()[-1]["address"] == "203.0.113.4"


@pytest.mark.usefixtures("page")
def test_the_pages_own_origin_need_not_be_allowed():
    """Browsers name the origin at each POST and DELETE; of the same origin they want no answer."""
    person = new_person()
    own: Headers = {"Origin": "https://d111111abcdef8.cloudfront.net"}
    event = event_for(
        "create_session",
        body={"user": person.username, "pass": PASSWORD},
        headers={**by_cloudfront("203.0.113.5"), **own},
    )
    answer = invoke("create_session", event)
    assert answer["statusCode"] == 201
    assert "Access-Control-Allow-Origin" not in answer["headers"]
    ended = invoke(
        "delete_session",
        event_for(
            "delete_session",
            json.loads(answer["body"])["token"],
            session=json.loads(answer["body"])["exp"] - TEMPLATE.parameters["SessionSeconds"],
            headers=own,
        ),
    )
    assert ended["statusCode"] == 200
