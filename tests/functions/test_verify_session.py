"""The authorizer of other APIs, as each gateway asks it and understands its answers."""

import json

import pytest

from local.template import read
from sessions.dynamodb import SESSIONS
from tests.support.calls import call, invoke
from tests.support.contract import SESSION_SECONDS
from tests.support.events import ROOT
from tests.support.faults import EVER, EVERY_FAULT, FAULTS, Fault, befalling
from tests.support.gateways import (
    APPSYNC,
    EVENTS,
    HTTP_1,
    HTTP_2,
    POLICIES,
    REST,
    REST_TOKEN,
    asked,
    outcome,
)
from tests.support.people import begin_session, log_in, new_person
from tests.support.rows import tables

pytestmark = pytest.mark.usefixtures("aws")

EXAMPLE = ROOT / "examples" / "authorizer" / "template.yaml"
# A REST API alone tells 401 from 403, and has no context where it answers 401.
INVALID = {REST: 401, REST_TOKEN: 401, HTTP_1: 403, HTTP_2: 403, APPSYNC: 401}
BANNED = {**dict.fromkeys(EVENTS, (403, {"code": "BANNED_ERROR"}))}
BANNED[APPSYNC] = 401, {"code": "BANNED_ERROR"}
FAILED = dict.fromkeys(EVENTS, (500, {}))


def verdicts(header):
    """Return what each gateway makes of a call with this header."""
    return {gateway: outcome(gateway, asked(gateway, header)) for gateway in EVENTS}


def refused(**reason):
    """Return how each gateway answers a call without a session."""
    told = {"code": "INVALID_SESSION_ERROR", **reason}
    without = {REST, REST_TOKEN}
    return {name: (status, {} if name in without else told) for name, status in INVALID.items()}


def goes_on(token):
    """Say whether each gateway lets a call with this token go on."""
    return {status for status, _ in verdicts(token).values()} == {200}


@pytest.fixture(scope="module")
def member(aws):
    """A user with a token that lasts."""
    person = new_person()
    return person, log_in(person)


def test_lets_in_the_owner_of_a_session_and_tells_whose_it_is(clock):
    person = new_person()
    token = log_in(person, name="My phone 📱")
    context = {
        "user": person.id,
        "session": str(clock.now),
        "expires": str(clock.now + SESSION_SECONDS),
        "name": "My phone 📱",
        "method": "password",
    }
    for header in (token, f"Bearer {token}", f"bEARER\t{token} "):
        assert verdicts(header) == dict.fromkeys(EVENTS, (200, context))
    for gateway in POLICIES:  # whom the API's log names
        assert invoke("verify_session", asked(gateway, token))["principalId"] == person.id


def test_tells_who_else_began_a_session_and_how(clock):
    token = begin_session(new_person(), method="support", by="anna@example.com")
    for _, context in verdicts(token).values():
        assert (context["method"], context["by"]) == ("support", "anna@example.com")


def test_the_example_knows_where_each_gateway_puts_the_context(member):
    person, token = member
    function = read(EXAMPLE)["Resources"]["OrdersFunction"]["Properties"]
    example = {}
    exec(function["InlineCode"], example)  # noqa: S102 - it is ours
    contexts = {gateway: answer.context for gateway, answer in verdicts(token).items()}
    for context in (contexts[REST], {"lambda": contexts[HTTP_2]}):
        answer = example["handler"]({"requestContext": {"authorizer": context}}, None)
        assert json.loads(answer["body"]) == {"orders_of": person.id}


@pytest.mark.parametrize(
    "header", ["", "a.b.c", "Bearer", "Basic {}", "Bearer a {}", "x{}", "{}, {}", "{},{}"]
)
def test_refuses_what_is_no_token_of_ours_without_a_read(member, header):
    with befalling() as sent:
        assert verdicts(header.format(*[member[1]] * 2)) == refused()
    assert sent == []


@pytest.mark.parametrize("gateway", [REST, HTTP_1, HTTP_2])
def test_no_header_and_two_are_no_token(member, gateway):
    _, token = member
    event = asked(gateway, token, token)
    assert outcome(gateway, event) == outcome(gateway, asked(gateway)) == refused()[gateway]


def test_a_cookie_is_no_token(member):
    event = asked(HTTP_2)
    event["cookies"] = [f"__Host-session={member[1]}"]
    event["headers"] |= {"cookie": event["cookies"][0], "sec-fetch-site": "same-origin"}
    assert outcome(HTTP_2, event) == refused()[HTTP_2]


def test_refuses_a_session_from_its_end_on_and_says_why_where_it_is_known(clock):
    person = new_person()
    kept, deleted, expiring = (log_in(person) for _ in range(3))
    assert goes_on(deleted)
    call("delete_session", kept, session=clock.now + 1)
    assert verdicts(deleted) == refused()
    assert goes_on(kept)
    call("delete_all_sessions", expiring, query={"allButSelf": ["true"]})
    assert verdicts(kept) == refused(reason="all")
    clock.now += SESSION_SECONDS - 1
    assert goes_on(expiring)
    clock.now += 1
    assert verdicts(expiring) == refused()


def test_refuses_a_banned_user_until_the_ban_is_lifted(clock):
    person = new_person()
    token = log_in(person)
    invoke("ban_user", {"id": person.id, "reason": "spam", "tell_user": True})
    assert verdicts(token) == BANNED, "what the user is told is not for other services"
    invoke("unban_user", {"id": person.id})
    assert goes_on(token)


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_of_dynamodb_is_an_error_of_the_gateway(member, pauses, fault):
    with befalling(Fault(FAULTS[fault]), times=EVER):
        assert verdicts(member[1]) == FAILED


@pytest.mark.parametrize("fault", [name for name in EVERY_FAULT if "processed" in name])
def test_what_is_left_unprocessed_is_read_again(member, pauses, fault):
    with befalling(EVERY_FAULT[fault], times=3):
        assert outcome(REST, asked(REST, member[1])).status == 200


def test_what_is_never_processed_is_an_error_of_the_gateway(member, pauses):
    with befalling(EVERY_FAULT["nothing processed"], times=EVER):
        assert verdicts(member[1]) == FAILED


def test_a_damaged_row_is_an_error_of_the_gateway(clock, logged):
    person = new_person()
    token = log_in(person)
    key = {"user": {"S": person.id}, "iat": {"N": str(clock.now)}}
    row = tables().get_item(TableName=SESSIONS, Key=key)["Item"]
    tables().put_item(TableName=SESSIONS, Item={**row, "exp": {"S": "soon"}})
    assert verdicts(token) == FAILED
    assert logged()[-1]["code"] == "INTERNAL_SERVER_ERROR"
    assert "KeyError" in logged()[-1]["exception"]


@pytest.mark.parametrize(
    "event",
    [
        *({}, [], None, "text", {"version": "2.0"}, {"version": ["2.0"], "type": {}}),
        {"headers": {"authorization": "TOKEN"}},
        {"headers": ["authorization"], "authorizationToken": None, "requestContext": "x"},
        {"authorizationToken": ["TOKEN"], "requestContext": {"requestId": {}}},
        {"version": "2.0", "headers": {"authorization": {"a": "TOKEN"}}, "cookies": 5},
        {"Records": [{"eventSource": "aws:sqs", "body": "{}"}]},
    ],
)
def test_an_event_that_no_gateway_sends_is_refused(member, event):
    event = json.loads(json.dumps(event).replace("TOKEN", member[1]))
    assert invoke("verify_session", event)["isAuthorized"] is False


def test_an_event_without_its_values_is_refused():
    for gateway, usual in EVENTS.items():
        kept = {name: usual[name] for name in ("version", "methodArn") if name in usual}
        assert outcome(gateway, dict.fromkeys(usual) | kept) == refused()[gateway]


def test_makes_one_strongly_consistent_read_of_some_attributes(member, dynamodb_calls):
    outcome(REST, asked(REST, member[1]))
    ((operation, parameters),) = dynamodb_calls
    assert operation == "BatchGetItem"
    reads = parameters["RequestItems"].values()
    assert [bool(read["ProjectionExpression"]) for read in reads] == [True, True]
    assert [read["ConsistentRead"] for read in reads] == [True, True]


@pytest.mark.parametrize("gateway", [REST, HTTP_2, APPSYNC])
def test_counts_one_outcome_and_logs_a_refusal_and_a_fault(member, gateway, logged, capsys, pauses):
    _, token = member
    outcome(gateway, asked(gateway, token))
    outcome(gateway, asked(gateway, "bad"))
    with befalling(Fault(FAULTS["no rights"]), times=EVER):
        outcome(gateway, asked(gateway, token))
    refusal, fault = logged()
    of_the_call = {
        "operation": "verify_session",
        "correlation_id": EVENTS[gateway]["requestContext"]["requestId"],
    }
    assert of_the_call.items() <= refusal.items()
    assert (refusal["level"], refusal["message"]) == ("INFO", "RequestRefused")
    assert (refusal["status"], refusal["code"]) == (401, "INVALID_SESSION_ERROR")
    assert "exception" not in refusal
    assert of_the_call.items() <= fault.items()
    assert (fault["level"], fault["message"], fault["status"]) == ("ERROR", "RequestFailed", 503)
    assert "AccessDeniedException" in fault["exception"]
    metrics = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert {metric["operation"] for metric in metrics} == {"verify_session"}
    assert [metric.get("SessionVerified") for metric in metrics] == [[1.0], None, None]
    assert [metric.get("RequestRefused") for metric in metrics] == [None, [1.0], None]
    assert [metric.get("RequestFailed") for metric in metrics] == [None, None, [1.0]]
