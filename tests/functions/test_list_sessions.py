"""GET /user/sessions."""

import pytest

from tests.support.calls import call
from tests.support.clock import at
from tests.support.contract import HEADERS, SESSION_SECONDS, missing
from tests.support.people import log_in, new_person
from tests.support.rows import add_sessions, shown_sessions, stored_sessions

pytestmark = pytest.mark.usefixtures("aws")

NEWEST = 1_800_000_000


@pytest.fixture(scope="module")
def busy(aws):
    """The token of the newest of a user's 55 sessions; a page takes 50."""
    with at(NEWEST):
        person = new_person()
        add_sessions(person, range(NEWEST - 54, NEWEST))
        return log_in(person)


def ids(answer):
    return [item["iat"] for item in answer.body["items"]]


def test_answers_with_all_sessions_of_the_user_newest_first(clock):
    person = new_person()
    log_in(person, rememberMe=True)
    clock.now += 7
    token = log_in(person)
    log_in(new_person())
    sessions = shown_sessions(person)
    assert list(sessions) == [clock.now, clock.now - 7]
    body = {"count": 2, "items": list(sessions.values())}
    assert call("list_sessions", token) == (200, HEADERS, body)


@pytest.mark.parametrize(
    ("query", "newest", "length"),
    [
        (None, NEWEST, 50),
        ({"limit": ["51"]}, NEWEST, 50),
        ({"limit": ["9" * 5000]}, NEWEST, 50),
        ({"limit": ["1"]}, NEWEST, 1),
        ({"limit": ["007"]}, NEWEST, 7),
        ({"offset": ["0"]}, NEWEST, 50),
        ({"offset": ["1"]}, NEWEST - 1, 50),
        ({"offset": ["54"]}, NEWEST - 54, 1),
        ({"offset": ["55"]}, None, 0),
        ({"offset": ["9" * 19]}, None, 0),
        ({"offset": ["9" * 5000]}, None, 0),
        ({"offset": ["10"], "limit": ["3"]}, NEWEST - 10, 3),
        ({"limit": ["3"], "other": ["x"], "Limit": ["0"]}, NEWEST, 3),
    ],
)
def test_a_page_has_limit_sessions_from_offset_on(clock, busy, query, newest, length):
    answer = call("list_sessions", busy, query=query)
    assert (answer.status, answer.body["count"]) == (200, 55)
    assert ids(answer) == [newest - n for n in range(length)]


NO_NUMBERS = [
    *("", " ", "-1", "-0", "+1", " 1", "1 ", "1\n", "1.0", "1e1", "0x1", "1_0", "1,2", "1\0"),
    *("one", "null", "NaN", "-" + "9" * 5000),
    *("٣", "²", "１"),  # noqa: RUF001 - digits, but no ASCII ones
]


@pytest.mark.parametrize("number", NO_NUMBERS)
def test_a_parameter_that_is_no_number_is_refused_by_name(clock, busy, number):
    answer = call("list_sessions", busy, query={"offset": [number], "limit": [number]})
    assert answer == (400, HEADERS, missing("limit", "offset"))


@pytest.mark.parametrize(
    ("query", "named"),
    [
        ({"limit": ["0"]}, "limit"),
        ({"limit": ["1", "1"]}, "limit"),
        ({"offset": ["0", "1"]}, "offset"),
        ({"limit": ["000"], "offset": ["5"]}, "limit"),
        ({"limit": ["5"], "offset": ["x"]}, "offset"),
    ],
)
def test_the_wrong_parameter_alone_is_named(clock, busy, query, named):
    answer = call("list_sessions", busy, query=query)
    assert (answer.status, answer.body) == (400, missing(named))


def test_expired_sessions_are_neither_listed_nor_counted(clock):
    person = new_person()
    log_in(person)
    clock.now += 1
    token = log_in(person, rememberMe=True)
    clock.now += SESSION_SECONDS - 2
    assert call("list_sessions", token).body["count"] == 2
    clock.now += 1
    answer = call("list_sessions", token)
    assert (answer.body["count"], ids(answer)) == (1, [clock.now - SESSION_SECONDS + 1])
    assert len(stored_sessions(person)) == 2


def test_revoked_sessions_are_neither_listed_nor_counted(clock):
    person = new_person()
    log_in(person)
    token = log_in(person)
    call("delete_all_sessions", token, query={"allButSelf": ["true"]})
    log_in(person)
    log_in(person)
    call("delete_session", token, session=clock.now + 3)
    answer = call("list_sessions", token, query={"limit": ["1"]})
    assert (answer.body["count"], ids(answer)) == (2, [clock.now + 2])
    answer = call("list_sessions", token, query={"offset": ["1"]})
    assert (answer.body["count"], ids(answer)) == (2, [clock.now + 1])
