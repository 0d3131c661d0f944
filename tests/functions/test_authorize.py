"""The authorizer."""

import pytest

from functions.authorize import app
from tests.support.calls import invoke
from tests.support.contract import SESSION_SECONDS, TEMPLATE
from tests.support.events import event_for
from tests.support.people import log_in, new_person

pytestmark = pytest.mark.usefixtures("aws")

ADDRESS = "203.0.113.7"  # of the event
STAGE = "arn:aws:execute-api:us-east-1:000000000000:local/api/*"
SHARDS = {
    str(properties["Value"])
    for properties in TEMPLATE.resources_of("AWS::ApiGateway::ApiKey").values()
}


RATE, LOGIN_RATE = (str(TEMPLATE.parameters[name]) for name in ("RateLimit", "LoginRateLimit"))


def allowed(caller, *, limit=RATE, resource=STAGE):
    """Return the answer that lets a call on and has this caller pay for it."""
    statement = {"Action": "execute-api:Invoke", "Effect": "Allow", "Resource": resource}
    return {
        "principalId": caller,
        "policyDocument": {"Version": "2012-10-17", "Statement": [statement]},
        "usageIdentifierKey": app._shard(caller),
        "context": {"limit": limit},
    }


def authorize(token=None, **changes):
    return invoke("authorize", event_for("authorize", token, **changes))


def authorize_from(address, token):
    event = event_for("authorize", token)
    event["requestContext"]["identity"]["sourceIp"] = address
    return invoke("authorize", event)


def authorize_login(address, headers=None, token=None):
    event = event_for("authorize", token, headers=headers)
    event["httpMethod"] = event["requestContext"]["httpMethod"] = "POST"
    event["methodArn"] = event["methodArn"].replace("GET", "POST")
    event["requestContext"]["identity"]["sourceIp"] = address
    return invoke("authorize", event)


@pytest.fixture(scope="module")
def member(aws):
    """A user with two tokens, which last."""
    person = new_person()
    return person, log_in(person), log_in(person)


def test_the_user_of_a_token_pays_whatever_the_session(member):
    person, token, other = member
    assert authorize(f"BEARER {token}") == authorize(other) == allowed(person.id)
    assert authorize(token)["usageIdentifierKey"] in SHARDS


def test_the_callers_address_says_nothing_beside_a_token(member):
    _, token, _ = member
    assert authorize_from("198.51.100.99", token) == authorize(token)


def test_users_spread_over_all_shards():
    used = [app._shard(f"user {number}") for number in range(1600)]
    assert set(used) == SHARDS
    assert max(map(used.count, SHARDS)) < 100


@pytest.mark.parametrize("token", [None, "", "a.b.c"])
def test_the_address_pays_for_a_call_without_a_token_of_ours(token, logged):
    """The function behind refuses it, and its line tells so."""
    assert authorize(token) == allowed(ADDRESS)
    assert logged() == []


def test_the_address_pays_for_an_expired_token(clock):
    person = new_person()
    token = log_in(person)
    clock.now += SESSION_SECONDS - 1
    assert authorize(token) == allowed(person.id)
    clock.now += 1
    assert authorize(token) == allowed(ADDRESS)


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
def test_the_network_of_the_address_pays(address, caller):
    assert authorize_login(address) == allowed(caller, limit=LOGIN_RATE)
    assert authorize_from(address, "a.b.c") == allowed(caller)


@pytest.mark.parametrize(
    "headers",
    [
        {"X-Forwarded-For": ["198.51.100.1", "198.51.100.2"]},
        {"X-Real-IP": "198.51.100.1", "Forwarded": "for=198.51.100.1"},
        {"X-HTTP-Method-Override": "GET"},
        {"X-API-Key": f"{app.USAGE_PLAN_KEY}00"},
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
def test_an_event_that_no_gateway_sends_is_of_nobody(event):
    assert invoke("authorize", event) == allowed("", resource="/*")
