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


def authorize_login(address, headers=None, token=None):
    event = event_for("authorize", token, headers=headers)
    event["httpMethod"] = event["requestContext"]["httpMethod"] = "POST"
    event["methodArn"] = event["methodArn"].replace("GET", "POST")
    event["requestContext"]["identity"]["sourceIp"] = address
    return invoke("authorize", event)


def shard(answer):
    assert answer["policyDocument"] == policy("Allow")
    return answer["usageIdentifierKey"]


@pytest.fixture(scope="module")
def member(aws):
    """A user with two tokens, which last."""
    person = new_person()
    return person, log_in(person), log_in(person)


def test_the_template_has_eight_shards():
    assert len(SHARDS) == 8


def test_allows_a_valid_token_on_the_stage_and_names_the_payer(member):
    person, token, other = member
    answer = authorize(f"BEARER {token}")
    assert answer == {
        "principalId": person.id,
        "policyDocument": policy("Allow"),
        "usageIdentifierKey": app._shard(person.id),
    }
    assert answer["usageIdentifierKey"] in SHARDS
    assert authorize(other) == answer, "all sessions of a user pay with one key"


def test_the_callers_address_says_nothing_beside_a_token(member):
    _, token, _ = member
    event = event_for("authorize", token)
    event["requestContext"]["identity"]["sourceIp"] = "198.51.100.99"
    assert invoke("authorize", event) == authorize(token)


def test_users_spread_over_all_shards():
    used = [app._shard(f"user {number}") for number in range(400)]
    assert set(used) == SHARDS
    assert max(map(used.count, SHARDS)) < 100


@pytest.mark.parametrize("token", [None, "", "a.b.c"])
def test_denies_a_bad_token_for_the_whole_stage(token, logged):
    assert authorize(token) == DENIED
    (line,) = logged()
    assert (line["level"], line["message"]) == ("INFO", "CallRefused")
    assert "a.b.c" not in str(line)


def test_denies_an_expired_token(clock):
    token = log_in(new_person())
    clock.now += SESSION_SECONDS - 1
    assert authorize(token)["policyDocument"] == policy("Allow")
    clock.now += 1
    assert authorize(token) == DENIED


def test_makes_no_call_of_dynamodb(member, dynamodb_calls):
    authorize(member[1])
    authorize("bad")
    authorize_login("203.0.113.7")
    assert dynamodb_calls == []


@pytest.mark.parametrize(
    ("address", "caller"),
    [
        ("203.0.113.7", "203.0.113.7"),
        ("::ffff:cb00:7107", "203.0.113.7"),
        ("2001:DB8::ffff:2", "2001:db8::/64"),
        ("2001:db8:0:1::1", "2001:db8:0:1::/64"),
    ],
)
def test_the_network_of_the_address_pays_for_a_login(address, caller):
    answer = authorize_login(address)
    assert (answer["principalId"], shard(answer)) == (caller, app._shard(caller))


@pytest.mark.parametrize(
    "headers",
    [
        {"X-Forwarded-For": ["198.51.100.1", "198.51.100.2"]},
        {"X-Real-IP": "198.51.100.1", "Forwarded": "for=198.51.100.1"},
        {"X-HTTP-Method-Override": "GET"},
        {"X-API-Key": "sessions-us-east-1-shard-0"},
    ],
)
def test_no_header_changes_the_payer_of_a_login(headers):
    assert authorize_login("203.0.113.7", headers) == authorize_login("203.0.113.7")


@pytest.mark.parametrize("token", ["", "Bearer a.b.c", "another user's"])
def test_a_token_says_nothing_at_the_login(member, token):
    token = member[1] if token == "another user's" else token
    assert authorize_login("203.0.113.7", token=token) == authorize_login("203.0.113.7")


@pytest.mark.parametrize(
    "event",
    [
        *({}, [], None, "text"),
        {"methodArn": None, "headers": None, "requestContext": None},
        {"version": "2.0", "routeArn": "arn:x", "headers": {"authorization": "x"}},
    ],
)
def test_an_event_that_no_gateway_sends_is_denied(event):
    answer = invoke("authorize", event)
    assert answer == {"principalId": "nobody", "policyDocument": policy("Deny", "/*")}


def test_logins_without_an_address_are_one_caller():
    answer = invoke("authorize", {"httpMethod": "POST"})
    assert answer["usageIdentifierKey"] in SHARDS
