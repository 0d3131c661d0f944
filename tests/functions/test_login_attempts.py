"""How often a login may be tried, before the password is even looked at.

What the counters themselves promise is in tests/conformance/test_attempts.py.
"""

import json
import re
from collections.abc import Iterable
from typing import Any

import pytest

from sessions import errors, login_throttle, passwords, signing_keys, user_store
from sessions.dynamodb import ATTEMPTS
from sessions.errors import Unavailable
from tests.payloads.headers import FOREIGN_ORIGINS
from tests.support.calls import Answer, call, invoke
from tests.support.contract import (
    HEADERS,
    INVALID_USER,
    ORIGIN_NOT_ALLOWED,
    RATE_LIMITED,
    TEMPLATE,
    UNAVAILABLE,
)
from tests.support.events import ALLOWED_ORIGINS, event_for
from tests.support.faults import error, inject
from tests.support.leaks import PASSWORD
from tests.support.people import Person, log_in, new_person
from tests.support.rows import stored_rows, stored_user, tables

pytestmark = pytest.mark.usefixtures("aws", "clock")

WINDOW_SECONDS = TEMPLATE.parameters["LoginAttemptsSeconds"]
PER_NAME_AND_ADDRESS = TEMPLATE.parameters["LoginAttemptsPerNameAndAddress"]
PER_ADDRESS = TEMPLATE.parameters["LoginAttemptsPerAddress"]
PER_NAME = TEMPLATE.parameters["LoginAttemptsPerName"]
TWICE = 2 * PER_NAME_AND_ADDRESS
ANOTHER = "another password"
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
    """Return the rows in which an attempt counts; a released attempt leaves its row behind."""
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


def limited(limit: int, seconds: int) -> dict[str, str]:
    return {
        **HEADERS,
        "Retry-After": str(seconds),
        "X-RateLimit-Limit": str(limit),
        "X-RateLimit-Remaining": "0",
        "X-RateLimit-Reset": str(WINDOW + WINDOW_SECONDS),
    }


def use_up(person: Person, name: str | None = None) -> None:
    tried = statuses(attempt(name or person.username) for _ in range(PER_NAME_AND_ADDRESS))
    assert tried == [401] * PER_NAME_AND_ADDRESS


def fail(*_: Any) -> None:
    raise Unavailable


# ------------------------------------------------------- one name, one address


def test_after_five_wrong_passwords_the_right_one_is_refused_too(clock, hashed):
    clock.now = WINDOW + 100
    person = new_person()
    use_up(person)
    before = (attempts(), stored_rows(person))
    for password in ("wrong", PASSWORD):
        answer = attempt(person.username, password)
        assert (answer.status, answer.body) == (429, RATE_LIMITED)
        assert answer.headers == limited(PER_NAME_AND_ADDRESS, WINDOW_SECONDS - 100)
    assert hashed == ["wrong"] * PER_NAME_AND_ADDRESS
    assert (attempts(), stored_rows(person)) == before, "a refused attempt counts nowhere"


def test_an_unknown_name_is_limited_in_the_same_words(clock):
    clock.now = WINDOW
    for _ in range(PER_NAME_AND_ADDRESS):
        answer = attempt("unknown-to-all")
        assert (answer.status, answer.body) == (404, INVALID_USER)
    answer = attempt("unknown-to-all")
    assert (answer.status, answer.body) == (429, RATE_LIMITED)
    assert answer.headers == limited(PER_NAME_AND_ADDRESS, WINDOW_SECONDS)


def test_a_name_is_one_name_in_every_spelling():
    person = new_person()
    name = person.username
    spellings = [name, name.upper(), f" {name}", f"{name}\u200b", f"{name[0]}\u00ad{name[1:]}\n"]
    tried = statuses(attempt(spelling) for spelling in [*spellings, name])
    assert tried == [401] * 5 + [429]


def test_the_next_attempt_may_be_made_when_retry_after_says_so(clock):
    person = new_person()
    use_up(person)
    clock.now += int(attempt(person.username).headers["Retry-After"]) - 1
    assert attempt(person.username, PASSWORD).status == 429
    clock.now += 1
    assert attempt(person.username, PASSWORD).status == 201


def test_right_passwords_leave_nothing_counted():
    person = new_person()
    tried = statuses(attempt(person.username, PASSWORD) for _ in range(TWICE))
    assert tried == [201] * TWICE
    assert counted() == []


def test_a_right_password_releases_no_wrong_one():
    person = new_person()
    tried = [attempt(person.username, each).status for each in ("a", "b", PASSWORD, "c", "d", "e")]
    assert tried == [401, 401, 201, 401, 401, 401]
    assert attempt(person.username, PASSWORD).status == 429


def test_other_names_and_other_addresses_are_not_limited_by_it():
    person, other = new_person(), new_person()
    use_up(person)
    assert attempt(other.username, PASSWORD).status == 201
    assert attempt(person.username, PASSWORD, ELSEWHERE).status == 201


def test_no_header_stands_in_for_the_address():
    person = new_person()
    names = ("X-Forwarded-For", "Forwarded", "X-Real-IP", "Client-IP", "True-Client-IP", "Via")
    tried = [attempt(person.username, **{name: f"for={ELSEWHERE}"}).status for name in names]
    assert tried == [401] * 5 + [429]


def test_a_body_that_is_no_login_is_not_counted():
    for body in (None, "[]", '{"user": "joe"}', '{"user": "joe", "pass": ""}'):
        assert call("create_session", raw_body=body).status == 400
    assert attempts() == []


# --------------------------------------------------- pages of other origins


@pytest.mark.parametrize("site", [None, "cross-site", "same-site", "none", "SAME-ORIGIN", ""])
def test_what_a_page_of_another_origin_sends_is_refused_before_all_else(dynamodb_calls, site):
    """A browser posts the form of any page, which could spend its visitor's attempts so."""
    person = new_person()
    dynamodb_calls.clear()
    for origin in [*FOREIGN_ORIGINS, ""]:
        headers: dict[str, Any] = {"Origin": origin, "Sec-Fetch-Site": site}
        for body in (json.dumps({"user": person.username, "pass": PASSWORD}), "no login"):
            answer = call("create_session", raw_body=body, headers=headers)
            assert (answer.status, answer.body) == (403, ORIGIN_NOT_ALLOWED), origin
            assert answer.headers == HEADERS
    assert dynamodb_calls == []


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Sec-Fetch-Site": "cross-site"},
        *({"Origin": origin, "Sec-Fetch-Site": "cross-site"} for origin in ALLOWED_ORIGINS),
        {"origin": ALLOWED_ORIGINS[1]},
        {"Origin": "http://127.0.0.1:3000", "Sec-Fetch-Site": "same-origin"},
        # The page has the policy `no-referrer`, which hides its origin in what is no `fetch`.
        {"Origin": "null", "sec-fetch-site": "same-origin"},
    ],
)
def test_a_login_of_no_page_or_an_allowed_one_or_our_own_is_tried(headers):
    assert attempt(new_person().username, PASSWORD, **headers).status == 201


# --------------------------------------------------------------- one address


def test_an_address_may_be_wrong_fifty_times_with_any_names(hashed):
    person = new_person()
    assert attempt(person.username, PASSWORD).status == 201  # so the address is a trusted one
    hashed.clear()
    tried = statuses(attempt(f"unknown{number}") for number in range(PER_ADDRESS))
    assert tried == [404] * PER_ADDRESS
    for _ in range(PER_NAME_AND_ADDRESS + 1):
        answer = attempt(person.username, PASSWORD)
        assert (answer.status, answer.headers["X-RateLimit-Limit"]) == (429, str(PER_ADDRESS))
    assert hashed == []
    name = login_throttle._digest(person.username)
    assert not [row for row in counted() if name in row["key"]["S"]], "nor counted for the name"
    assert attempt(person.username, PASSWORD, ELSEWHERE).status == 201


def test_an_attempt_over_two_limits_is_told_that_of_the_name(hashed):
    person = new_person()
    use_up(person)
    others = statuses(attempt(f"other{n}") for n in range(PER_ADDRESS - PER_NAME_AND_ADDRESS))
    assert set(others) == {404}
    before = attempts()
    hashed.clear()
    answer = attempt(person.username, PASSWORD)
    assert answer.headers["X-RateLimit-Limit"] == str(PER_NAME_AND_ADDRESS)
    assert (answer.status, attempts(), hashed) == (429, before, [])


def test_the_addresses_of_one_subscriber_are_one_address():
    person, block = new_person(), ["2001:db8:1:2::1", "2001:DB8:1:2:ffff::"]
    tried = [attempt(person.username, address=block[n % 2]).status for n in range(6)]
    assert tried == [401] * 5 + [429]
    assert attempt(person.username, PASSWORD, "2001:db8:1:3::1").status == 201


# --------------------------------------------------- one name, from everywhere

FEW = 10


@pytest.fixture
def few_per_name(monkeypatch) -> None:
    """Let so few attempts with one name be wrong that a test can make them."""
    assert login_throttle.PER_NAME == PER_NAME == 100
    monkeypatch.setattr(login_throttle, "PER_NAME", FEW)


def guess_from_everywhere(name: str, status: int, guesses: int = FEW) -> None:
    for number in range(guesses):
        assert attempt(name, address=f"10.0.0.{number}").status == status, number


@pytest.mark.usefixtures("few_per_name")
def test_guesses_from_everywhere_leave_a_trusted_address_free(clock):
    person = new_person()
    assert attempt(person.username, PASSWORD, HOME).status == 201
    guess_from_everywhere(person.username, 401)
    answer = attempt(person.username, PASSWORD, ELSEWHERE)
    assert (answer.status, answer.headers["X-RateLimit-Limit"]) == (429, str(FEW))
    assert attempt(person.username, PASSWORD, HOME).status == 201
    # Even a trusted address has its own limit.
    use_up(person)
    answer = attempt(person.username, PASSWORD, HOME)
    assert (answer.status, answer.headers["X-RateLimit-Limit"]) == (429, str(PER_NAME_AND_ADDRESS))
    # The user's other name is not guessed at.
    assert attempt(person.email, PASSWORD, ELSEWHERE).status == 201


@pytest.mark.usefixtures("few_per_name")
def test_an_address_is_trusted_for_400_days(clock):
    clock.now = WINDOW + 100
    person = new_person()
    attempt(person.username, PASSWORD, HOME)
    clock.now += 400 * 24 * 3600 - 1
    guess_from_everywhere(person.username, 401)
    assert attempt(person.username, address=HOME).status == 401
    clock.now += 1
    assert attempt(person.username, PASSWORD, HOME).status == 429


@pytest.mark.usefixtures("few_per_name")
def test_an_unknown_name_trusts_no_address():
    guess_from_everywhere("unknown-here", 404)
    assert attempt("unknown-here", address=HOME).status == 429


def test_the_last_eight_addresses_stay_whatever_came_before(clock):
    """One that is used again is a late one again; and at most sixteen are stored."""
    person = new_person()
    used: list[str] = []
    for number in range(30):
        clock.now += 1
        used.append(HOME if number % 7 == 0 else f"10.0.0.{number}")
        assert attempt(person.username, PASSWORD, used[-1]).status == 201
        stored = stored_user(person).login_addresses
        assert stored[used[-1]] == clock.now
        assert set(used[-8:]) <= stored.keys()
        assert len(stored) <= 16
    assert "10.0.0.1" not in stored


@pytest.mark.usefixtures("few_per_name")
@pytest.mark.parametrize("kept", [False, True])
def test_a_new_password_forgets_whence_its_user_logged_in(kept):
    """Who knew the old one may have logged in from addresses of their own."""
    person = new_person()
    assert attempt(person.username, PASSWORD, HOME).status == 201
    changed = {"login": person.username, "password": ANOTHER, "keep_sessions": kept}
    invoke("set_password", changed)
    assert stored_user(person).login_addresses == {}
    guess_from_everywhere(person.username, 401)
    assert attempt(person.username, ANOTHER, HOME).status == 429


def test_the_fullest_rows_that_parameters_allow_are_taken(dynamodb):
    """By DynamoDB's limit of an item: tests/support/dynamodb_limits.py holds each write to it."""
    known = 2 * user_store.LOGIN_ADDRESSES
    name = {login_throttle._FROM_EVERYWHERE: most("Name")}
    name |= {f"failures_from_{number:032}": 1 for number in range(most("Name"))}
    name |= {f"failures_from_known_{number:026}": most("NameAndAddress") for number in range(known)}
    for row in (name, {login_throttle._OF_ALL_NAMES: most("Address")}):
        counters = {each: {"SS": [f"{n:08}" for n in range(size)]} for each, size in row.items()}
        item = {"key": {"S": "x" * 80}, "expires": {"N": "1"}, **counters}
        dynamodb.put_item(TableName=ATTEMPTS, Item=item)


def most(limit: str) -> int:
    """Return the most that a parameter of the template can be."""
    value: int = TEMPLATE.source["Parameters"][f"LoginAttemptsPer{limit}"]["MaxValue"]
    return value


# -------------------------------------------------------------------- lifted

LIFTING = {
    "unlock_user": ({}, PASSWORD),
    "set_password": ({"password": ANOTHER}, ANOTHER),
    "set_password, keeping sessions": ({"password": ANOTHER, "keep_sessions": True}, ANOTHER),
}


@pytest.mark.usefixtures("few_per_name")
@pytest.mark.parametrize("how", LIFTING)
def test_an_operator_lifts_the_limits_of_both_names(how):
    given, password = LIFTING[how]
    person = new_person()
    for name in (person.username, person.email):
        use_up(person, name)
        guess_from_everywhere(name, 401, FEW - PER_NAME_AND_ADDRESS)
        assert attempt(name, PASSWORD, ELSEWHERE).status == 429
    invoke(how.partition(",")[0], {"id": person.id, **given})
    for name in (person.username, person.email):
        assert attempt(name, password, HOME).status == 201
        assert attempt(name, password, ELSEWHERE).status == 201
    use_up(person)
    assert attempt(person.username, password).status == 429, "they begin anew"


def test_an_attempt_under_way_when_its_limit_is_lifted_ends_as_any_other(monkeypatch):
    person = new_person()
    check_password = passwords.check_password

    def check(*given: str) -> None:
        invoke("unlock_user", {"id": person.id})
        check_password(*given)

    monkeypatch.setattr(passwords, "check_password", check)
    assert attempt(person.username).status == 401
    assert attempt(person.username, PASSWORD).status == 201
    assert [row for row in counted() if row["key"]["S"].startswith("name#")] == []


# -------------------------------------------------------------------- faults


@pytest.mark.usefixtures("pauses")
def test_an_attempt_that_cannot_be_counted_is_not_made(dynamodb, hashed):
    person = new_person()
    inject(dynamodb, "UpdateItem", error(500, "InternalServerError"))
    answer = attempt(person.username, PASSWORD)
    assert (answer.status, answer.body, hashed) == (503, UNAVAILABLE, [])
    assert stored_rows(person)["sessions"] == []


@pytest.mark.parametrize("failing", ["name#", "address#"])
def test_an_attempt_that_is_counted_in_one_row_only_is_released(monkeypatch, hashed, failing):
    add_attempt = login_throttle.add_attempt

    def add(key: str, *given: Any) -> str | None:
        return fail() if key.startswith(failing) else add_attempt(key, *given)

    person = new_person()
    monkeypatch.setattr(login_throttle, "add_attempt", add)
    assert statuses(attempt(person.username) for _ in range(TWICE)) == [503] * TWICE
    assert (counted(), hashed) == ([], [])
    assert attempts(), "the other row was written"


@pytest.mark.usefixtures("pauses")
def test_a_fault_of_ours_is_not_counted_as_a_wrong_password(dynamodb):
    person = new_person()
    inject(dynamodb, "BatchGetItem", error(500, "InternalServerError"))
    assert statuses(attempt(person.username) for _ in range(TWICE)) == [503] * TWICE
    assert counted() == []


@pytest.mark.parametrize(
    ("refusal", "status"),
    [("InvalidUser", 404), ("InvalidPassword", 401), ("Banned", 403), ("Unavailable", 503)],
)
def test_a_right_password_whose_session_gets_no_id_is_released(monkeypatch, refusal, status):
    def refuse(*_: Any) -> None:
        raise getattr(errors, refusal)

    person = new_person()
    monkeypatch.setattr(user_store, "allocate_session_id", refuse)
    tried = statuses(attempt(person.username, PASSWORD) for _ in range(TWICE))
    assert tried == [status] * TWICE
    assert counted() == []


def test_a_login_that_cannot_be_signed_is_released(monkeypatch):
    person = new_person()
    before = stored_rows(person)
    monkeypatch.setattr(signing_keys.signing_keys, "current", fail)
    tried = statuses(attempt(person.username, PASSWORD) for _ in range(TWICE))
    assert tried == [503] * TWICE
    assert (counted(), stored_rows(person)) == ([], before)


def test_an_attempt_whose_answers_are_lost_is_counted_once(dynamodb):
    def again(attempts: int, **_: Any) -> int | None:
        return 0 if attempts == 1 else None

    # Each write is carried out, and made again as if its answer had been lost.
    dynamodb.meta.events.register("needs-retry.dynamodb.UpdateItem", again)
    person = new_person()
    use_up(person)
    assert attempt(person.username).status == 429
    other = new_person()
    assert statuses(attempt(other.username, PASSWORD) for _ in range(TWICE)) == [201] * TWICE


def test_a_login_that_cannot_be_released_is_done_and_logged(logged, monkeypatch):
    monkeypatch.setattr(login_throttle, "remove_attempt", fail)
    assert attempt(new_person().username, PASSWORD).status == 201
    warnings = [line for line in logged() if line["message"] == "CleanUpFailed"]
    assert [line["step"] for line in warnings] == ["release_attempt"]


def test_the_row_of_a_window_expires_with_the_window(clock):
    log_in(new_person())
    ends = {int(row["expires"]["N"]) for row in attempts()}
    assert ends == {(clock.now // WINDOW_SECONDS + 1) * WINDOW_SECONDS}


def test_what_is_stored_of_an_attempt_names_nobody_and_is_like_no_other():
    """Names and addresses are digests of 128 bits, which nobody finds a second name for."""
    attempt(new_person().username)
    of_address, of_name = sorted(counted(), key=lambda row: row["key"]["S"])
    (here,) = of_name.keys() - {"key", "expires", login_throttle._FROM_EVERYWHERE}
    digest = "[0-9a-f]{32}"
    assert re.fullmatch(rf"address#{digest}#\d+", of_address["key"]["S"])
    assert re.fullmatch(rf"name#{digest}#\d+", of_name["key"]["S"])
    assert re.fullmatch(f"failures_from_{digest}", here)
    (attempt_id,) = of_name[here]["SS"]
    assert len(attempt_id) == 8, "48 bits in base64url: an equal one would be counted as the same"


def test_the_log_names_the_limit_and_no_user(logged):
    person = new_person()
    use_up(person)
    attempt(person.username)
    line = logged()[-1]
    assert (line["message"], line["code"], line["status"]) == (
        "LoginRefused", "RATELIMITED_ERROR", 429,
    )  # fmt: skip
    assert (line["limit"], line["address"]) == ("name and address", HOME)
    assert person.username not in str(line)
