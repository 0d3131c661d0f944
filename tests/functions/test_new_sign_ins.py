"""Whether the user's row knew the address and the kind of device of a login.

That an event tells it is in test_publish_events.py.
"""

import pytest

from sessions import user_store
from sessions.dynamodb import USERS
from tests.support.calls import call, invoke
from tests.support.events import event_for
from tests.support.faults import LOST_ANSWER, inject
from tests.support.leaks import PASSWORD
from tests.support.people import begin_session, new_person
from tests.support.rows import stored_rows, stored_user, tables

pytestmark = pytest.mark.usefixtures("aws")

DAY = 86_400
HOME, ELSEWHERE = "203.0.113.7", "192.0.2.1"
WINDOWS = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/120.0.0.0"
EDGE = f"{WINDOWS} Edg/120.0.0.0"
IPHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 17_1 like Mac OS X) AppleWebKit/605.1.15 Mobile/15E148"
CURL = "curl/8.5.0"


def log_in(person, address=HOME, user_agent=WINDOWS, password=PASSWORD):
    body = {"user": person.username, "pass": password}
    event = event_for("create_session", body=body, headers={"User-Agent": user_agent})
    event["requestContext"]["identity"]["sourceIp"] = address
    assert invoke("create_session", event)["statusCode"] == 201


def known(person):
    """Return what the rows of the user's sessions say, oldest first."""
    exported = invoke("export_user", {"id": person.id})["sessions"]
    return [session["known"] for session in reversed(exported)]


@pytest.mark.parametrize(
    ("places", "expected"),
    [
        ([{}, {}, {"user_agent": EDGE}], [False, True, True]),
        ([{}, {"address": ELSEWHERE}, {"address": ELSEWHERE}, {}], [False, False, True, True]),
        ([{}, {"user_agent": IPHONE}, {"user_agent": IPHONE}], [False, False, True]),
        ([{}, {"user_agent": CURL}, {"user_agent": "another-program/2"}], [False, False, True]),
        ([{}, {"user_agent": None}, {"user_agent": None}], [False, False, True]),
        ([{"address": "2001:db8::1"}, {"address": "2001:db8::ffff:2"}], [False, True]),
        ([{}, {"address": ELSEWHERE, "user_agent": CURL}], [False, False]),
    ],
)
def test_a_login_is_known_by_its_address_and_its_kind_of_device(clock, places, expected):
    person = new_person()
    for place in places:
        clock.now += 1
        log_in(person, **place)
    assert known(person) == expected


def test_an_address_is_known_for_400_days(clock):
    person = new_person()
    log_in(person)
    clock.now += 400 * DAY - 1
    log_in(person)
    clock.now += 400 * DAY
    log_in(person)
    assert known(person) == [False, True, False]


def test_of_two_logins_in_a_second_both_are_told(clock):
    """The second one finds what could be its own, from a try whose answer was lost."""
    person = new_person()
    log_in(person)
    log_in(person)
    clock.now += 1
    log_in(person)
    assert known(person) == [False, False, True]


@pytest.mark.usefixtures("pauses")
def test_a_login_does_not_know_itself_by_a_try_whose_answer_was_lost(clock, dynamodb):
    person, lost = new_person(), []

    def lose_the_first(request, send):
        if b"last_login_at" not in request.body or lost:
            return send()
        lost.append(request)
        return LOST_ANSWER(request, send)

    inject(dynamodb, "UpdateItem", lose_the_first)
    log_in(person)
    assert lost
    assert known(person) == [False]


@pytest.mark.parametrize("keep_sessions", [True, False])
def test_another_password_forgets_the_devices_with_the_addresses(clock, keep_sessions):
    person = new_person()
    log_in(person)
    assert stored_rows(person)["user"]["login_devices"] == {"SS": ["Windows"]}
    new = {"password": "another password", "keep_sessions": keep_sessions}
    invoke("set_password", {"id": person.id, **new})
    assert "login_devices" not in stored_rows(person)["user"]
    clock.now += 1
    log_in(person, password=new["password"])
    assert known(person)[-1] is False


def test_a_row_of_an_earlier_version_is_asked_about_the_address_alone(clock):
    """Else every user would be told once. From then on it knows devices."""
    person = new_person()
    log_in(person)
    tables().update_item(
        TableName=USERS, Key={"id": {"S": person.id}}, UpdateExpression="REMOVE login_devices"
    )
    clock.now += 1
    log_in(person, user_agent=IPHONE)
    clock.now += 1
    log_in(person, user_agent=CURL)
    assert known(person) == [False, True, False]
    assert stored_user(person).login_devices == ("iPhone", "program")


def test_an_issued_session_is_known_by_the_address_that_is_given(clock):
    person = new_person()
    for given in ({}, {"address": HOME}, {"address": HOME}, {}):
        clock.now += 1
        begin_session(person, **given)
    assert known(person) == [None, False, True, None]
    assert stored_user(person).login_devices is None


def test_a_session_that_somebody_else_begins_is_never_known(clock):
    """Nor is its place one of the user's from then on."""
    person = new_person()
    log_in(person)
    before = stored_user(person)
    for address in (HOME, None):
        clock.now += 1
        begin_session(person, by="anna@example.com", address=address)
    after = stored_user(person)
    assert known(person) == [False, False, False]
    assert (after.login_addresses, after.login_devices) == (
        before.login_addresses,
        before.login_devices,
    )


def test_the_row_of_a_user_of_many_devices_stays_small(clock):
    person = new_person()
    for number in range(60):
        clock.now += 1
        log_in(person, f"192.0.2.{number}", f"program{number}/1 (Linux{number})")
    row = stored_user(person)
    assert row.login_devices == ("Linux",)
    assert len(row.login_addresses) <= 2 * user_store.LOGIN_ADDRESSES


def test_the_users_page_does_not_say_whether_a_session_was_known(clock):
    person = new_person()
    token = begin_session(person, address=HOME)
    assert "known" not in call("get_current_session", token).body
