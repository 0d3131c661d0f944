"""How often a login may be tried, before the password is even looked at."""

import json
from collections.abc import Iterable
from typing import Any

import pytest

from sessions import errors, login_throttle, passwords, signing_keys, user_store
from sessions.dynamodb import ATTEMPTS
from sessions.errors import Unavailable
from tests.support.calls import Answer, call, invoke
from tests.support.contract import (
    HEADERS,
    INVALID_PASSWORD,
    INVALID_USER,
    RATE_LIMITED,
    SESSION_SECONDS,
    TEMPLATE,
    UNAVAILABLE,
)
from tests.support.events import event_for
from tests.support.faults import FAULTS, error, inject
from tests.support.leaks import PASSWORD
from tests.support.people import Person, log_in, new_person
from tests.support.rows import stored_rows, tables

pytestmark = pytest.mark.usefixtures("aws", "clock")

WINDOW_SECONDS = TEMPLATE.parameters["LoginAttemptsSeconds"]
PER_NAME_AND_ADDRESS = TEMPLATE.parameters["LoginAttemptsPerNameAndAddress"]
PER_ADDRESS = TEMPLATE.parameters["LoginAttemptsPerAddress"]
PER_NAME = TEMPLATE.parameters["LoginAttemptsPerName"]
HOME, ELSEWHERE = "198.51.100.1", "192.0.2.1"
WINDOW = WINDOW_SECONDS * 2_000_000  # when one begins


@pytest.fixture(autouse=True)
def no_attempts() -> None:
    """Forget what other tests have tried from the same addresses."""
    for row in attempts():
        tables().delete_item(TableName=ATTEMPTS, Key={"key": row["key"]})


@pytest.fixture
def hashed(monkeypatch) -> list[str]:
    """The passwords that were hashed, to be compared with what is stored."""
    made: list[str] = []
    check_password = passwords.check_password

    def check(password_hash: str, password: str) -> None:
        made.append(password)
        check_password(password_hash, password)

    monkeypatch.setattr(passwords, "check_password", check)
    return made


def attempts() -> list[dict[str, Any]]:
    """Return what is counted at this moment."""
    rows: list[dict[str, Any]] = tables().scan(TableName=ATTEMPTS)["Items"]
    return rows


def counted() -> list[dict[str, Any]]:
    """Return the rows in which an attempt counts; what was taken back leaves a row behind."""
    return [row for row in attempts() if row.keys() != {"key", "expires"}]


def attempt(
    user: str, password: str = "wrong", address: str = HOME, **headers: str | list[str] | None
) -> Answer:
    """Try to log in from an address."""
    body = {"user": user, "pass": password}
    event = event_for("create_session", body=body, headers=headers)
    event["requestContext"]["identity"]["sourceIp"] = address
    answer = invoke("create_session", event)
    return Answer(answer["statusCode"], answer["headers"], json.loads(answer["body"]))


def statuses(answers: Iterable[Answer]) -> list[int]:
    return [answer.status for answer in answers]


def addresses(most: int) -> list[str]:
    return [f"10.0.{number // 250}.{number % 250 + 1}" for number in range(most)]


def limited(limit: int, seconds: int) -> dict[str, str]:
    return {
        **HEADERS,
        "Retry-After": str(seconds),
        "X-RateLimit-Limit": str(limit),
        "X-RateLimit-Remaining": "0",
    }


def use_up(person: Person) -> None:
    tried = statuses(attempt(person.username) for _ in range(PER_NAME_AND_ADDRESS))
    assert tried == [401] * PER_NAME_AND_ADDRESS


# ------------------------------------------------------- one name, one address


def test_after_five_wrong_passwords_the_right_one_is_refused_just_as_a_wrong_one(clock, hashed):
    clock.now = WINDOW + 100
    person = new_person()
    use_up(person)
    for password in ("wrong", PASSWORD):
        answer = attempt(person.username, password)
        assert (answer.status, answer.body) == (429, RATE_LIMITED)
        assert answer.headers == limited(PER_NAME_AND_ADDRESS, WINDOW_SECONDS - 100)
    assert hashed == ["wrong"] * PER_NAME_AND_ADDRESS
    assert stored_rows(person)["sessions"] == []


def test_a_name_that_nobody_has_is_limited_in_the_same_words(clock):
    clock.now = WINDOW
    for _ in range(PER_NAME_AND_ADDRESS):
        answer = attempt("nobody-at-all")
        assert (answer.status, answer.body) == (404, INVALID_USER)
    answer = attempt("nobody-at-all", "wrong")
    assert (answer.status, answer.body) == (429, RATE_LIMITED)
    assert answer.headers == limited(PER_NAME_AND_ADDRESS, WINDOW_SECONDS)


def test_a_refused_attempt_is_not_counted_and_changes_nothing():
    person = new_person()
    use_up(person)
    before = (attempts(), stored_rows(person))
    assert attempt(person.username).status == 429
    assert (attempts(), stored_rows(person)) == before


def test_a_name_is_one_name_however_it_is_spelled():
    person = new_person()
    spellings = [person.username, person.username.upper(), person.username.title()]
    tried = statuses(attempt(spellings[number % 3]) for number in range(6))
    assert tried == [401] * 5 + [429]


def test_another_attempt_may_be_made_when_retry_after_says_so_and_not_before(clock):
    person = new_person()
    use_up(person)
    clock.now += int(attempt(person.username).headers["Retry-After"]) - 1
    assert attempt(person.username, PASSWORD).status == 429
    clock.now += 1
    assert attempt(person.username, PASSWORD).status == 201


def test_right_passwords_leave_nothing_counted():
    person = new_person()
    tried = statuses(attempt(person.username, PASSWORD) for _ in range(2 * PER_NAME_AND_ADDRESS))
    assert tried == [201] * 2 * PER_NAME_AND_ADDRESS
    assert counted() == []


def test_a_right_password_takes_back_no_wrong_one():
    person = new_person()
    tried = [attempt(person.username, each).status for each in ("a", "b", PASSWORD, "c", "d", "e")]
    assert tried == [401, 401, 201, 401, 401, 401]
    assert attempt(person.username, PASSWORD).status == 429


def test_a_banned_user_with_the_right_password_is_counted_no_more_than_any_other(clock):
    person = new_person()
    invoke("ban_user", {"id": person.id})
    tried = statuses(attempt(person.username, PASSWORD) for _ in range(PER_NAME_AND_ADDRESS + 1))
    assert tried == [403] * (PER_NAME_AND_ADDRESS + 1)


def test_neither_another_name_nor_another_address_is_limited_by_it():
    person, other = new_person(), new_person()
    use_up(person)
    assert attempt(other.username, PASSWORD).status == 201
    assert attempt(person.username, PASSWORD, ELSEWHERE).status == 201


def test_no_header_makes_another_address_of_it():
    person = new_person()
    names = ("X-Forwarded-For", "Forwarded", "X-Real-IP", "Client-IP", "True-Client-IP", "Via")
    tried = [attempt(person.username, **{name: f"for={ELSEWHERE}"}).status for name in names]
    assert tried == [401] * 5 + [429]


def test_what_is_no_log_in_at_all_is_not_counted():
    before = attempts()
    for body in (None, "", "[]", '{"user": "joe"}', '{"user": "joe", "pass": ""}'):
        assert call("create_session", raw_body=body).status == 400
    assert attempts() == before


def test_one_that_meets_two_limits_is_told_the_names_and_counted_nowhere(hashed):
    person = new_person()
    use_up(person)
    others = statuses(attempt(f"other{n}") for n in range(PER_ADDRESS - PER_NAME_AND_ADDRESS))
    assert set(others) == {404}
    before = attempts()
    hashed.clear()
    for password in ("wrong", PASSWORD):
        answer = attempt(person.username, password)
        assert (answer.status, answer.headers["X-RateLimit-Limit"]) == (
            429, str(PER_NAME_AND_ADDRESS),
        )  # fmt: skip
    assert (attempts(), hashed) == (before, [])


# --------------------------------------------------------------- one address


def test_an_address_may_be_wrong_fifty_times_whatever_the_names(hashed):
    person = new_person()
    tried = statuses(attempt(f"somebody{number}") for number in range(PER_ADDRESS))
    assert tried == [404] * PER_ADDRESS
    answer = attempt(person.username, PASSWORD)
    assert answer.status == 429
    assert answer.headers["X-RateLimit-Limit"] == str(PER_ADDRESS)
    assert hashed == []
    assert attempt(person.username, PASSWORD, ELSEWHERE).status == 201
    # What the address's limit refused is not counted for the name either.
    tried = statuses(attempt(person.username, address=HOME) for _ in range(PER_NAME_AND_ADDRESS))
    assert tried == [429] * PER_NAME_AND_ADDRESS
    assert not [row for row in counted() if name_row(row, person)]


def name_row(row: dict[str, Any], person: Person) -> bool:
    return login_throttle._digest(person.username) in row["key"]["S"]


@pytest.mark.parametrize(
    ("block", "outside"),
    [
        (["2001:db8:1:2::1", "2001:DB8:1:2:ffff::", "2001:db8:1:2:3::"], "2001:db8:1:3::1"),
        (["203.0.113.9", "::ffff:203.0.113.9", "::FFFF:cb00:7109"], "203.0.113.10"),
    ],
)
def test_addresses_of_one_subscriber_are_one_address(block, outside):
    person = new_person()
    tried = [attempt(person.username, address=block[n % 3]).status for n in range(6)]
    assert tried == [401] * 5 + [429]
    assert attempt(person.username, PASSWORD, outside).status == 201


# --------------------------------------------------- one name, from everywhere


def guess_from_everywhere(person: Person) -> None:
    for number, address in enumerate(addresses(PER_NAME // PER_NAME_AND_ADDRESS)):
        for _ in range(PER_NAME_AND_ADDRESS):
            assert attempt(person.username, address=address).status == 401, number


def test_nobody_can_lock_out_whoever_logged_in_lately_from_where_they_are(clock):
    person = new_person()
    assert attempt(person.username, PASSWORD, HOME).status == 201
    guess_from_everywhere(person)
    answer = attempt(person.username, PASSWORD, ELSEWHERE)
    assert (answer.status, answer.headers["X-RateLimit-Limit"]) == (429, str(PER_NAME))
    assert attempt(person.username, PASSWORD, HOME).status == 201
    # Which is no licence to guess.
    use_up(person)
    answer = attempt(person.username, PASSWORD, HOME)
    assert (answer.status, answer.headers["X-RateLimit-Limit"]) == (429, str(PER_NAME_AND_ADDRESS))
    # The other name of the same person is not guessed at.
    assert attempt(person.email, PASSWORD, ELSEWHERE).status == 201


def test_lately_is_thirty_days(clock):
    clock.now = WINDOW + 100
    person = new_person()
    attempt(person.username, PASSWORD, HOME)
    clock.now += SESSION_SECONDS - 1
    guess_from_everywhere(person)
    assert attempt(person.username, address=HOME).status == 401
    clock.now += 1
    assert attempt(person.username, PASSWORD, HOME).status == 429


def test_a_name_that_nobody_has_knows_no_address():
    for address in addresses(PER_NAME // PER_NAME_AND_ADDRESS):
        for _ in range(PER_NAME_AND_ADDRESS):
            assert attempt("nobody-here", address=address).status == 404
    assert attempt("nobody-here", address=HOME).status == 429


def test_the_row_of_a_user_who_logs_in_from_everywhere_stays_small():
    person = new_person()
    for address in addresses(40):
        assert attempt(person.username, PASSWORD, address).status == 201
    row = stored_rows(person)["user"]
    assert len(row["login_addresses"]["M"]) == 8
    assert len(str(row)) < 2000


# -------------------------------------------------------------------- faults


@pytest.mark.usefixtures("pauses")
@pytest.mark.parametrize("fault", FAULTS)
def test_an_attempt_that_cannot_be_counted_is_not_made(dynamodb, hashed, fault):
    person = new_person()
    inject(dynamodb, "UpdateItem", FAULTS[fault])
    answer = attempt(person.username, PASSWORD)
    assert (answer.status, answer.body) == (503, UNAVAILABLE)
    assert hashed == []
    assert stored_rows(person)["sessions"] == []


@pytest.mark.usefixtures("pauses")
@pytest.mark.parametrize("failing", ["name#", "address#"])
def test_an_attempt_that_is_counted_in_one_row_only_is_taken_back(monkeypatch, hashed, failing):
    count_attempt = login_throttle.add_attempt

    def count(key: str, *given: Any) -> str | None:
        if key.startswith(failing):
            raise Unavailable
        return count_attempt(key, *given)

    person = new_person()
    monkeypatch.setattr(login_throttle, "add_attempt", count)
    tried = statuses(attempt(person.username) for _ in range(2 * PER_NAME_AND_ADDRESS))
    assert tried == [503] * 2 * PER_NAME_AND_ADDRESS
    assert (counted(), hashed) == ([], [])
    monkeypatch.undo()
    assert attempts(), "the other row was written"


@pytest.mark.usefixtures("pauses")
def test_a_fault_of_ours_is_not_counted_as_a_wrong_password(dynamodb):
    person = new_person()
    inject(dynamodb, "BatchGetItem", error(500, "InternalServerError"))
    tried = statuses(attempt(person.username) for _ in range(2 * PER_NAME_AND_ADDRESS))
    assert tried == [503] * 2 * PER_NAME_AND_ADDRESS
    assert counted() == []


@pytest.mark.parametrize(
    ("refusal", "status"),
    [("InvalidUser", 404), ("InvalidPassword", 401), ("Banned", 403), ("Unavailable", 503)],
)
def test_a_right_password_is_taken_back_whatever_the_allotting_of_its_session_meets(
    monkeypatch, refusal, status
):
    def refuse(*_: Any) -> None:
        raise getattr(errors, refusal)

    person = new_person()
    monkeypatch.setattr(user_store, "allocate_session_id", refuse)
    tried = statuses(attempt(person.username, PASSWORD) for _ in range(2 * PER_NAME_AND_ADDRESS))
    assert tried == [status] * 2 * PER_NAME_AND_ADDRESS
    assert counted() == []


def test_a_right_password_that_cannot_be_signed_for_is_taken_back_and_has_no_session(monkeypatch):
    def fails(_: int) -> None:
        raise Unavailable

    person = new_person()
    before = stored_rows(person)
    monkeypatch.setattr(signing_keys.signing_keys, "current", fails)
    tried = statuses(attempt(person.username, PASSWORD) for _ in range(2 * PER_NAME_AND_ADDRESS))
    assert tried == [503] * 2 * PER_NAME_AND_ADDRESS
    assert (counted(), stored_rows(person)) == ([], before)


def test_an_attempt_whose_answers_are_lost_is_counted_once(dynamodb):
    def again(attempts: int, **_: Any) -> int | None:
        return 0 if attempts == 1 else None

    # Each write is carried out, and made again as if nobody had heard of it.
    dynamodb.meta.events.register("needs-retry.dynamodb.UpdateItem", again)
    person = new_person()
    use_up(person)
    assert attempt(person.username).status == 429
    other = new_person()
    tried = statuses(attempt(other.username, PASSWORD) for _ in range(2 * PER_NAME_AND_ADDRESS))
    assert set(tried) == {201}


@pytest.mark.usefixtures("pauses")
def test_a_log_in_that_cannot_be_taken_back_is_done_and_says_so(dynamodb, logged, monkeypatch):
    def fails(*_: Any) -> None:
        raise Unavailable

    monkeypatch.setattr(login_throttle, "remove_attempt", fails)
    person = new_person()
    assert attempt(person.username, PASSWORD).status == 201
    warnings = [line for line in logged() if line["message"] == "CleanUpFailed"]
    assert [line["step"] for line in warnings] == ["release_attempt"]


def test_the_row_of_a_window_goes_when_the_window_is_over(clock):
    log_in(new_person())
    for row in attempts():
        assert int(row["expires"]["N"]) == (clock.now // WINDOW_SECONDS + 1) * WINDOW_SECONDS


def test_the_log_says_which_limit_it_was_and_nobodys_name(logged):
    person = new_person()
    use_up(person)
    attempt(person.username, PASSWORD)
    line = logged()[-1]
    assert (line["message"], line["code"], line["status"]) == (
        "LoginRefused", "RATELIMITED_ERROR", 429,
    )  # fmt: skip
    assert (line["limit"], line["address"]) == ("name and address", HOME)
    assert person.username not in str(line)


def test_a_wrong_password_is_still_answered_as_it_was(clock):
    answer = attempt(new_person().username, "wrong")
    assert (answer.status, answer.body) == (401, INVALID_PASSWORD)
