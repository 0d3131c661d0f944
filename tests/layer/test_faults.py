"""Every route while AWS fails."""

import pytest

from tests.calls import (
    PASSWORD,
    call,
    event_for,
    invoke,
    log_in,
    new_person,
    stored_rows,
)
from tests.contract import UNAVAILABLE
from tests.functions.routes import AUTHENTICATED, HEADERS, call_route
from tests.layer.faults import FAULTS, error, inject

pytestmark = pytest.mark.usefixtures("aws", "clock", "pauses")

# What each route asks of DynamoDB, in order. A test below proves it.
OPERATIONS = {
    "create_session": ["UpdateItem"] * 2 + ["BatchGetItem"] + ["UpdateItem"] * 3 + ["PutItem"],
    "get_current_session": ["BatchGetItem"],
    "get_session": ["BatchGetItem"],
    "list_sessions": ["BatchGetItem", "Query"],
    "delete_session": ["BatchGetItem", "UpdateItem"],
    "delete_sessions": ["BatchGetItem", "Query", "TransactWriteItems"],
    "delete_all_sessions": ["BatchGetItem", "Query", "UpdateItem"],
}
STEPS = [(route, each) for route, made in OPERATIONS.items() for each in sorted(set(made))]
ACCOUNT_STEPS = [
    ("create_user", "TransactWriteItems"),
    ("ban_user", "GetItem"),
    ("ban_user", "UpdateItem"),
    ("unban_user", "GetItem"),
    ("unban_user", "UpdateItem"),
    ("set_password", "GetItem"),
    ("set_password", "TransactWriteItems"),
    ("list_user_sessions", "GetItem"),
    ("list_user_sessions", "BatchGetItem"),
    ("list_user_sessions", "Query"),
    ("revoke_user_sessions", "GetItem"),
    ("revoke_user_sessions", "BatchGetItem"),
    ("revoke_user_sessions", "Query"),
    ("revoke_user_sessions", "UpdateItem"),
    ("delete_user", "GetItem"),
    ("delete_user", "UpdateItem"),
    ("export_user", "GetItem"),
    ("export_user", "Query"),
    ("rename_user", "GetItem"),
    ("rename_user", "TransactWriteItems"),
]
GIVEN = {
    "create_user": {"username": "unlucky", "email": "unlucky@example.com", "password": PASSWORD},
    "set_password": {"password": "another"},
    "revoke_user_sessions": {"all": True},
    "rename_user": {"username": "somebody-else"},
}


@pytest.fixture(scope="module")
def member(aws):
    """A user with two sessions, and the token of the older one."""
    from sessions import endpoint  # noqa: PLC0415 - after the environment stands

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(endpoint, "epoch_seconds", lambda: 1_800_000_000)
        person = new_person()
        token = log_in(person)
        log_in(person)
    return person, token


def request(route, person, token, iat=1_800_000_001):
    if route == "create_session":
        return call(route, body={"user": person.username, "pass": PASSWORD})
    return call_route(route, token, iat)


def assert_unavailable(answer, logged):
    assert (answer.status, answer.body) == (503, UNAVAILABLE)
    assert answer.headers == {**HEADERS, "Retry-After": "1"}
    (line,) = [line for line in logged() if line["message"] == "RequestFailed"]
    assert (line["level"], line["status"]) == ("ERROR", 503)
    return line


@pytest.mark.parametrize("route", OPERATIONS)
def test_the_table_of_operations_is_what_each_route_calls(clock, route, dynamodb_calls):
    person = new_person()
    token = log_in(person)
    log_in(person)
    dynamodb_calls.clear()
    clock.now += 2  # a log-in in a second that has had one asks once more
    assert request(route, person, token, clock.now - 1).status in {200, 201}
    clean_up = ["Query"] if route == "create_session" else []
    assert [operation for operation, _ in dynamodb_calls] == OPERATIONS[route] + clean_up


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("step", STEPS)
def test_a_fault_of_dynamodb_is_answered_with_unavailable(member, dynamodb, logged, step, fault):
    (person, token), (route, operation) = member, step
    sessions = stored_rows(person)["sessions"]
    inject(dynamodb, operation, FAULTS[fault])
    answer = request(route, person, token)
    line = assert_unavailable(answer, logged)
    assert "Traceback" in line["exception"]
    assert "botocore." in line["exception"], "the cause, for the operator"
    assert [line["level"] for line in logged()] == ["ERROR"]
    assert PASSWORD not in str(line)
    assert token not in str(line)
    assert stored_rows(person)["sessions"] == sessions


@pytest.mark.parametrize("kind", ["throttled", "a time-out on reading"])
@pytest.mark.parametrize(("route", "operation"), STEPS)
def test_a_fault_that_passes_is_not_noticed(clock, dynamodb, route, operation, kind):
    person = new_person()
    token = log_in(person)
    log_in(person)
    sent = inject(dynamodb, operation, FAULTS[kind], times=2)
    clock.now += 2
    assert request(route, person, token, clock.now - 1).status in {200, 201}
    assert len(sent) == 2 + OPERATIONS[route].count(operation)


@pytest.mark.parametrize("fault", ["throttled", "an internal error", "no rights", "no connection"])
def test_a_log_in_that_cannot_look_for_sessions_too_many_is_done_and_says_so(
    clock, dynamodb, logged, fault
):
    person = new_person()
    inject(dynamodb, "Query", FAULTS[fault])
    answer = call("create_session", body={"user": person.username, "pass": PASSWORD})
    assert answer.status == 201
    warning, done = logged()[-2:]
    assert (warning["level"], warning["message"]) == ("WARNING", "CleanUpFailed")
    assert (warning["step"], warning["correlation_id"]) == ("keep_newest", done["correlation_id"])
    assert "botocore." in warning["exception"]
    assert done["message"] == "SessionCreated"
    assert call("get_current_session", answer.body["token"]).status == 200


@pytest.mark.parametrize(("operation", "call_name"), ACCOUNT_STEPS)
def test_an_account_operation_that_meets_a_fault_fails_and_says_so(
    member, dynamodb, logged, operation, call_name
):
    from sessions.errors import Unavailable  # noqa: PLC0415 - after the environment stands

    person, _ = member
    before = stored_rows(person)
    inject(dynamodb, call_name, FAULTS["throttled"])
    event = {"user": person.username} if operation != "create_user" else {}
    event |= GIVEN.get(operation, {})
    with pytest.raises(Unavailable):
        invoke(operation, event)
    (line,) = logged()
    assert (line["level"], line["message"]) == ("ERROR", "OperationFailed")
    assert "ProvisionedThroughputExceededException" in line["exception"]
    assert PASSWORD not in str(line)
    assert stored_rows(person) == before


# --------------------------------------------------- Secrets Manager


@pytest.fixture
def cold(aws, monkeypatch):
    """A function that has read no signing keys yet, and its client of Secrets Manager."""
    from sessions import clients, endpoint  # noqa: PLC0415 - after the environment stands

    client = clients.client("secretsmanager")
    monkeypatch.setattr(endpoint, "_secrets_client", lambda: client)
    monkeypatch.setattr(endpoint.signing_keys, "_ring", None)
    monkeypatch.setattr(endpoint.signing_keys, "_read_at", 0)
    monkeypatch.setattr(endpoint.signing_keys, "_stale_at", 0)
    return client


SECRET_FAULTS = {
    "throttled": error(400, "ThrottlingException"),
    "an internal error": error(500, "InternalServiceError"),
    "no rights": error(400, "AccessDeniedException"),
    "no secret": error(400, "ResourceNotFoundException"),
    **{kind: FAULTS[kind] for kind in ("no connection", "a time-out on reading")},
}


@pytest.mark.parametrize("fault", SECRET_FAULTS)
@pytest.mark.parametrize("route", ["create_session", *AUTHENTICATED])
def test_a_cold_function_without_signing_keys_is_unavailable(member, cold, logged, route, fault):
    person, token = member
    before = stored_rows(person)
    inject(cold, "GetSecretValue", SECRET_FAULTS[fault])
    assert_unavailable(request(route, person, token), logged)
    assert stored_rows(person) == before


@pytest.mark.parametrize(
    "secret",
    ["", "not JSON", "[]", "{}", '{"current": "gone"}', '{"current": "k", "k": "too short"}'],
)
def test_a_secret_that_is_no_key_ring_is_unavailable_and_not_logged(
    member, cold, logged, monkeypatch, secret
):
    person, token = member
    monkeypatch.setattr(cold, "get_secret_value", lambda **_: {"SecretString": secret})
    line = assert_unavailable(request("get_current_session", person, token), logged)
    assert "MalformedRing" in line["exception"]
    assert "too short" not in str(logged())


def test_a_binary_secret_is_unavailable(clock, member, cold, logged, monkeypatch):
    monkeypatch.setattr(cold, "get_secret_value", lambda **_: {"SecretBinary": b"x"})
    assert_unavailable(request("get_current_session", *member), logged)


@pytest.mark.parametrize("route", ["create_session", "get_current_session"])
def test_one_fault_is_one_error_in_the_log(clock, member, cold, logged, route):
    inject(cold, "GetSecretValue", SECRET_FAULTS["no rights"])
    request(route, *member)
    errors = [line["message"] for line in logged() if line["level"] == "ERROR"]
    assert errors == ["SigningKeysUnreadable", "RequestFailed"]


def test_a_warm_function_goes_on_with_the_keys_it_has(clock, member, cold):
    person, token = member
    assert request("get_current_session", person, token).status == 200
    sent = inject(cold, "GetSecretValue", FAULTS["no connection"])
    clock.now += 301
    assert request("get_current_session", person, token).status == 200
    assert len(sent) == 3
    clock.now += 29
    assert request("get_current_session", person, token).status == 200
    assert len(sent) == 3, "not at every request"


def test_a_token_that_is_no_token_costs_no_call_to_secrets_manager(clock, cold):
    sent = inject(cold, "GetSecretValue", SECRET_FAULTS["no rights"])
    assert call("get_current_session", "a.b.c").status == 401
    assert sent == []


def test_the_authorizer_without_signing_keys_fails_so_that_the_gateway_says_unavailable(
    clock, member, cold
):
    from sessions.errors import Unavailable  # noqa: PLC0415 - after the environment stands

    inject(cold, "GetSecretValue", SECRET_FAULTS["no connection"])
    with pytest.raises(Unavailable):
        invoke("authorize", event_for("authorize", member[1]))


def test_the_authorizer_needs_no_signing_keys_at_the_log_in(cold):
    inject(cold, "GetSecretValue", SECRET_FAULTS["no connection"])
    event = {**event_for("authorize"), "httpMethod": "POST"}
    assert "usageIdentifierKey" in invoke("authorize", event)


def test_the_keys_are_read_once(clock, member, cold):
    sent = inject(cold, "GetSecretValue", SECRET_FAULTS["no rights"], times=0)
    for _ in range(3):
        assert request("get_current_session", *member).status == 200
    assert len(sent) == 1
