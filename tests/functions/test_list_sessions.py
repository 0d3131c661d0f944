"""GET /user/sessions."""

import pytest

from tests.support.calls import call
from tests.support.clock import at
from tests.support.contract import HEADERS, REMEMBERED_SESSION_SECONDS, SESSION_SECONDS, missing
from tests.support.people import log_in, new_person
from tests.support.rows import add_sessions, stored_rows, stored_sessions

pytestmark = pytest.mark.usefixtures("aws")


NEWEST = 1_800_000_000


@pytest.fixture(scope="module")
def busy(aws):
    """A user with 55 sessions, and the token of the newest; a page takes 50."""
    with at(NEWEST):
        person = new_person()
        add_sessions(person, range(NEWEST - 54, NEWEST))
        return person, log_in(person)


def ids(answer):
    return [item["iat"] for item in answer.body["items"]]


def test_answers_with_all_sessions_of_the_user_newest_first(clock):
    person = new_person()
    log_in(person, rememberMe=True)
    clock.now += 7
    token = log_in(person)
    log_in(new_person())
    answer = call("list_sessions", token)
    assert (answer.status, answer.headers) == (200, HEADERS)
    name = "Chrome 96 on Windows 10"
    older = clock.now - 7
    assert answer.body == {
        "count": 2,
        "items": [
            {"iat": clock.now, "exp": clock.now + SESSION_SECONDS, "sub": person.id, "name": name},
            {
                "iat": older,
                "exp": older + REMEMBERED_SESSION_SECONDS,
                "sub": person.id,
                "name": name,
            },
        ],
    }


@pytest.mark.parametrize(
    ("query", "newest", "length"),
    [
        (None, NEWEST, 50),
        ({"limit": ["50"]}, NEWEST, 50),
        ({"limit": ["51"]}, NEWEST, 50),
        ({"limit": ["9" * 5000]}, NEWEST, 50),
        ({"limit": ["1"]}, NEWEST, 1),
        ({"limit": ["007"]}, NEWEST, 7),
        ({"offset": ["0"]}, NEWEST, 50),
        ({"offset": ["1"]}, NEWEST - 1, 50),
        ({"offset": ["50"]}, NEWEST - 50, 5),
        ({"offset": ["54"]}, NEWEST - 54, 1),
        ({"offset": ["10"], "limit": ["3"]}, NEWEST - 10, 3),
        ({"limit": ["3"], "other": ["x"], "Limit": ["0"]}, NEWEST, 3),
    ],
)
def test_a_page_has_limit_sessions_from_offset_on_and_the_count_of_all(
    clock, busy, query, newest, length
):
    answer = call("list_sessions", busy[1], query=query)
    assert answer.status == 200
    assert answer.body["count"] == 55
    assert ids(answer) == list(range(newest, newest - length, -1))


@pytest.mark.parametrize("offset", ["55", "1000000", "9" * 18, "9" * 19, "9" * 5000])
def test_a_page_past_the_end_is_empty_and_counts_all_the_same(clock, busy, offset):
    answer = call("list_sessions", busy[1], query={"offset": [offset]})
    assert (answer.status, answer.body) == (200, {"count": 55, "items": []})


ODD_NUMBERS = [
    "",
    " ",
    "-1",
    "-0",
    "+1",
    " 1",
    "1 ",
    "1\n",
    "1.0",
    "1e1",
    "0x1",
    "1_0",
    "1,2",
    "٣",  # a digit, but no ASCII one
    "²",
    "１",  # noqa: RUF001 - a fullwidth digit
    "one",
    "null",
    "NaN",
    "true",
    "1\0",
    "-" + "9" * 5000,
]


@pytest.mark.parametrize("number", ODD_NUMBERS)
@pytest.mark.parametrize("name", ["limit", "offset"])
def test_what_is_no_number_is_refused_by_name(clock, busy, name, number):
    answer = call("list_sessions", busy[1], query={name: [number]})
    assert (answer.status, answer.body, answer.headers) == (400, missing(name), HEADERS)


@pytest.mark.parametrize(
    ("query", "named"),
    [
        ({"limit": ["0"]}, ["limit"]),
        ({"limit": ["000"]}, ["limit"]),
        ({"limit": ["1", "1"]}, ["limit"]),
        ({"offset": ["0", "1"]}, ["offset"]),
        ({"limit": ["0"], "offset": ["5"]}, ["limit"]),
        ({"limit": ["5"], "offset": ["x"]}, ["offset"]),
        ({"offset": ["x"], "limit": ["x"]}, ["limit", "offset"]),
    ],
)
def test_exactly_the_wrong_parameters_are_named(clock, busy, query, named):
    answer = call("list_sessions", busy[1], query=query)
    assert (answer.status, answer.body) == (400, missing(*named))


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


def test_revoked_sessions_are_neither_listed_nor_counted_though_their_rows_remain(
    clock, monkeypatch
):

    person = new_person()
    log_in(person)
    token = log_in(person)
    call("delete_all_sessions", token, query={"allButSelf": ["true"]})
    log_in(person)
    answer = call("list_sessions", token, query={"limit": ["1"]})
    assert (answer.body["count"], ids(answer)) == (2, [clock.now + 2])
    answer = call("list_sessions", token, query={"offset": ["1"]})
    assert (answer.body["count"], ids(answer)) == (2, [clock.now + 1])
    assert len(stored_sessions(person)) == 3


def test_reads_every_page_that_dynamodb_makes_of_the_sessions(clock, dynamodb):
    person = new_person()
    for _ in range(4):
        token = log_in(person)

    def one_at_a_time(params, **_):
        params["Limit"] = 1

    dynamodb.meta.events.register("provide-client-params.dynamodb.Query", one_at_a_time)
    answer = call("list_sessions", token)
    assert (answer.body["count"], ids(answer)) == (4, [clock.now + n for n in (3, 2, 1, 0)])


def test_listing_changes_nothing(clock):
    person = new_person()
    token = log_in(person)
    before = stored_rows(person)
    clock.now += 10
    call("list_sessions", token)
    assert stored_rows(person) == before
