"""The authorizer."""

import pytest

from functions.authorize import app
from tests.support.calls import invoke
from tests.support.contract import SESSION_SECONDS, TEMPLATE
from tests.support.events import event_for
from tests.support.people import log_in, new_person

pytestmark = pytest.mark.usefixtures("aws")

STAGE = "arn:aws:execute-api:us-east-1:000000000000:local/api/*"
SHARDS = {
    str(properties["Value"])
    for properties in TEMPLATE.resources_of("AWS::ApiGateway::ApiKey").values()
}


def policy(effect, resource=STAGE):
    return {
        "Version": "2012-10-17",
        "Statement": [{"Action": "execute-api:Invoke", "Effect": effect, "Resource": resource}],
    }


DENIED = {"principalId": "nobody", "policyDocument": policy("Deny")}


def authorize(token=None, **changes):
    return invoke("authorize", event_for("authorize", token, **changes))


def authorize_log_in(address, headers=None, token=None):
    event = event_for("authorize", token, headers=headers)
    event["httpMethod"] = event["requestContext"]["httpMethod"] = "POST"
    event["methodArn"] = event["methodArn"].replace("GET", "POST")
    event["requestContext"]["identity"]["sourceIp"] = address
    return invoke("authorize", event)


def shard(answer):
    assert answer["policyDocument"] == policy("Allow")
    return answer["usageIdentifierKey"]


@pytest.fixture(scope="module")
def members(aws):
    """Two users with two tokens each, which last."""
    people = [new_person(), new_person()]
    return [(person, [log_in(person), log_in(person)]) for person in people]


def test_the_template_has_keys_for_the_shards():
    assert len(SHARDS) == 8


@pytest.mark.parametrize("spelling", ["{}", "Bearer {}", "BEARER {}"])
def test_allows_a_valid_token_on_the_whole_stage_and_says_who_pays(members, spelling):
    person, (token, _) = members[0]
    answer = authorize(spelling.format(token))
    assert answer == {
        "principalId": person.id,
        "policyDocument": policy("Allow"),
        "usageIdentifierKey": answer["usageIdentifierKey"],
    }
    assert answer["usageIdentifierKey"] in SHARDS


def test_all_sessions_of_a_user_pay_with_one_key(members):
    for _, tokens in members:
        assert len({shard(authorize(token)) for token in tokens}) == 1


def test_the_callers_address_says_nothing_where_there_is_a_token(members):
    _, (token, _) = members[0]
    event = event_for("authorize", token)
    event["requestContext"]["identity"]["sourceIp"] = "198.51.100.99"
    assert invoke("authorize", event) == authorize(token)


def test_users_spread_over_all_shards():
    used = [app._shard(f"user {number}") for number in range(400)]
    assert set(used) == SHARDS
    assert max(map(used.count, SHARDS)) < 100


@pytest.mark.parametrize("token", [None, "", "Bearer", "bad", "a.b.c", "Basic YTpi"])
def test_denies_a_bad_token_for_the_whole_stage(token):
    assert authorize(token) == DENIED


def test_denies_an_expired_token(clock):
    token = log_in(new_person())
    clock.now += SESSION_SECONDS - 1
    assert authorize(token)["policyDocument"] == policy("Allow")
    clock.now += 1
    assert authorize(token) == DENIED


def test_asks_dynamodb_nothing_be_the_token_good_or_bad(members, dynamodb_calls):
    authorize(members[0][1][0])
    authorize("bad")
    authorize_log_in("203.0.113.7")
    assert dynamodb_calls == []


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("203.0.113.7", "203.0.113.7"),
        ("2001:db8::1", "2001:db8::ffff:2"),
        ("2001:db8:0:0:1::", "2001:DB8::2"),
        ("::ffff:203.0.113.7", "203.0.113.7"),
        ("::ffff:cb00:7107", "203.0.113.7"),
    ],
)
def test_log_ins_from_one_address_pay_with_one_key(one, other):
    assert authorize_log_in(one) == authorize_log_in(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("203.0.113.7", "203.0.113.8"),
        ("2001:db8:0:1::1", "2001:db8:0:2::1"),
        ("::ffff:203.0.113.7", "::ffff:203.0.113.8"),
    ],
)
def test_log_ins_from_other_addresses_are_other_callers(one, other):
    callers = {authorize_log_in(address)["principalId"] for address in (one, other)}
    assert len(callers) == 2


def test_log_ins_spread_over_all_shards():
    addresses = [f"198.51.100.{n}" for n in range(60)] + [f"2001:db8:0:{n}::1" for n in range(60)]
    assert {shard(authorize_log_in(address)) for address in addresses} == SHARDS


@pytest.mark.parametrize(
    "headers",
    [
        {"X-Forwarded-For": "198.51.100.1"},
        {"X-Forwarded-For": ["198.51.100.1", "198.51.100.2"]},
        {"X-Real-IP": "198.51.100.1", "Forwarded": "for=198.51.100.1"},
        {"X-HTTP-Method-Override": "GET"},
        {"X-API-Key": "sessions-us-east-1-shard-0"},
    ],
)
def test_no_header_changes_who_pays_for_a_log_in(headers):
    assert authorize_log_in("203.0.113.7", headers) == authorize_log_in("203.0.113.7")


@pytest.mark.parametrize("token", ["", "stale", "Bearer a.b.c"])
def test_a_stale_token_does_not_keep_anybody_from_logging_in(token):
    assert authorize_log_in("203.0.113.7", token=token) == authorize_log_in("203.0.113.7")


def test_another_users_token_does_not_pay_for_a_log_in(members):
    _, (token, _) = members[0]
    assert authorize_log_in("203.0.113.7", token=token) == authorize_log_in("203.0.113.7")


@pytest.mark.parametrize(
    "event",
    [
        {},
        {"methodArn": None, "headers": None, "requestContext": None},
        {"version": "2.0", "routeArn": "arn:x", "headers": {"authorization": "x"}},
    ],
)
def test_denies_what_no_gateway_sends(event):
    answer = invoke("authorize", event)
    assert answer == {"principalId": "nobody", "policyDocument": policy("Deny", "/*")}


def test_a_log_in_without_an_address_is_one_caller():
    answer = invoke("authorize", {"httpMethod": "POST"})
    assert answer["usageIdentifierKey"] in SHARDS


def test_a_refusal_is_logged_at_info_without_the_token(logged):
    authorize("bad.bad.bad")
    (line,) = logged()
    assert (line["level"], line["message"]) == ("INFO", "CallRefused")
    assert "bad" not in str(line)


@pytest.mark.parametrize("event", [{}, [], None, "text"])
def test_a_question_that_no_gateway_asks_is_denied(event):
    statement = invoke("authorize", event)["policyDocument"]["Statement"][0]
    assert (statement["Effect"], statement["Resource"]) == ("Deny", "/*")
