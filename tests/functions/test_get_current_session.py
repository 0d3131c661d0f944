"""GET /user/session."""

import pytest

from tests.support.calls import call
from tests.support.contract import HEADERS, REMEMBERED_SESSION_SECONDS, SESSION_SECONDS
from tests.support.people import log_in, new_person
from tests.support.rows import stored_rows

pytestmark = pytest.mark.usefixtures("aws")


def test_answers_with_the_session_of_the_token_and_no_other(clock):
    person = new_person()
    older = log_in(person, rememberMe=True)
    clock.now += 7
    newer = log_in(person)
    answer = call("get_current_session", older)
    assert (answer.status, answer.headers) == (200, HEADERS)
    assert answer.body == {
        "iat": clock.now - 7,
        "exp": clock.now - 7 + REMEMBERED_SESSION_SECONDS,
        "sub": person.id,
        "name": "Chrome 96 on Windows 10",
    }
    assert call("get_current_session", newer).body["iat"] == clock.now


@pytest.mark.parametrize(
    "spelling",
    ["{}", "Bearer {}", "bearer {}", "BEARER {}", "bEaReR  {}", " {} ", "Bearer\t{}", "Bearer {} "],
)
def test_a_token_stands_alone_or_after_bearer_in_any_case(clock, spelling):
    token = log_in(new_person())
    assert call("get_current_session", spelling.format(token)).status == 200


@pytest.mark.parametrize("header", ["authorization", "AUTHORIZATION", "aUTHORIZATION"])
def test_the_token_is_found_in_whatever_case_the_header_comes(clock, header):
    token = log_in(new_person())
    assert call("get_current_session", headers={header: token}).status == 200


def test_reading_changes_nothing(clock):
    person = new_person()
    token = log_in(person)
    before = stored_rows(person)
    clock.now += 100
    assert call("get_current_session", token).status == 200
    assert stored_rows(person) == before


def test_a_session_is_over_on_the_second_though_its_row_is_still_there(clock):
    person = new_person()
    token = log_in(person)
    clock.now += SESSION_SECONDS - 1
    assert call("get_current_session", token).status == 200
    clock.now += 1
    assert call("get_current_session", token).status == 401
    assert len(stored_rows(person)["sessions"]) == 1


def test_takes_one_strongly_consistent_round_trip(clock, dynamodb_calls):
    token = log_in(new_person())
    dynamodb_calls.clear()
    call("get_current_session", token)
    ((operation, parameters),) = dynamodb_calls
    assert operation == "BatchGetItem"
    assert [table["ConsistentRead"] for table in parameters["RequestItems"].values()] == [True] * 2
