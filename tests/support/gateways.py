"""The gateways of other APIs: what each asks `verify_session`, and what its caller is answered.

The events are AWS's examples, cut short. Sources: API Gateway Developer Guide, "Input to an API
Gateway Lambda authorizer" and "Control access to HTTP APIs with AWS Lambda authorizers"; AppSync
Developer Guide, "AWS_LAMBDA authorization".
"""

import copy
from typing import Any, NamedTuple

from local.authorizer import AuthorizerAnswer
from tests.support.calls import invoke
from tests.support.events import load_event

REST, REST_TOKEN = "REST API", "REST API, by its token"
HTTP_1, HTTP_2 = "HTTP API, payload 1.0", "HTTP API, payload 2.0"
APPSYNC = "AppSync"
_STAGE = "arn:aws:execute-api:us-east-1:123456789012:abcdef123/test"
_REQUEST = load_event("verify_session")

EVENTS: dict[str, Any] = {
    REST: _REQUEST,
    REST_TOKEN: {
        "type": "TOKEN",
        "authorizationToken": "TOKEN",
        "methodArn": f"{_STAGE}/GET/orders/17",
    },
    HTTP_1: {
        "version": "1.0",
        "type": "REQUEST",
        "methodArn": f"{_STAGE}/GET/orders/17",
        "identitySource": "TOKEN",
        "authorizationToken": "TOKEN",
        "resource": "/orders/{order}",
        "path": "/orders/17",
        "httpMethod": "GET",
        "headers": {"Accept": "*/*", "Authorization": "TOKEN"},
        "queryStringParameters": {},
        "pathParameters": {"order": "17"},
        "requestContext": _REQUEST["requestContext"],
    },
    HTTP_2: {
        "version": "2.0",
        "type": "REQUEST",
        "routeArn": f"{_STAGE}/GET/orders/17",
        "identitySource": ["TOKEN"],
        "routeKey": "GET /orders/{order}",
        "rawPath": "/orders/17",
        "rawQueryString": "",
        "cookies": ["session=cookie"],
        "headers": {"accept": "*/*", "authorization": "TOKEN"},
        "requestContext": {
            "accountId": "123456789012",
            "apiId": "abcdef123",
            "http": {"method": "GET", "path": "/orders/17", "sourceIp": "203.0.113.7"},
            "requestId": "JKJaXmPLvHcESHA=",
            "routeKey": "GET /orders/{order}",
            "stage": "test",
            "timeEpoch": 1583348638390,
        },
        "pathParameters": {"order": "17"},
    },
    APPSYNC: {
        "authorizationToken": "TOKEN",
        "requestContext": {
            "apiId": "giy7kumfmvcqvbedntjwjvagii",
            "accountId": "123456789012",
            "requestId": "b80ed838-14c6-4500-b4c3-b694c7bef086",
            "queryString": "query Mine { orders { id } }",
            "operationName": "Mine",
            "variables": {},
        },
        "requestHeaders": {"authorization": "TOKEN"},
    },
}
POLICIES = {REST, REST_TOKEN, HTTP_1}  # are answered with a policy; the others with a boolean


class Outcome(NamedTuple):
    """What becomes of a call: the gateway's status, 200 where it goes on, and the context."""

    status: int
    context: dict[str, str]


def asked(gateway: str, *authorizations: str) -> Any:
    """Return the gateway's question about a call with these headers `Authorization`."""
    event = copy.deepcopy(EVENTS[gateway])
    if "authorizationToken" in event:
        event["authorizationToken"] = ",".join(authorizations)
    for headers in (event.get(name) for name in ("headers", "requestHeaders")):
        for name in [name for name in headers or {} if name.lower() == "authorization"]:
            del headers[name]
            if authorizations:
                headers[name] = ",".join(authorizations)
    if "multiValueHeaders" in event:
        event["multiValueHeaders"]["Authorization"] = list(authorizations)
    return event


def outcome(gateway: str, event: Any) -> Outcome:
    """Return what the gateway makes of the authorizer's answer, or of its failure."""
    try:
        answer = invoke("verify_session", event)
    except Exception as error:  # noqa: BLE001 - Lambda tells the gateway of any
        is_refusal = str(error) == "Unauthorized" and gateway in {REST, REST_TOKEN}
        return Outcome(401 if is_refusal else 500, {})
    if gateway in POLICIES:
        assert answer.keys() == {"principalId", "policyDocument", "context"}
        policy = AuthorizerAnswer.model_validate(answer)
        # A REST API caches a policy for all routes of its stage.
        routes = [event["methodArn"], f"{_STAGE}/DELETE/other", f"{_STAGE}/POST/"]
        (is_allowed,) = {policy.allows(route) for route in routes}
        for own, foreign in (("abcdef123", "another"), ("/test/", "/prod/")):
            assert not policy.allows(routes[0].replace(own, foreign))
        return Outcome(200 if is_allowed else 403, answer["context"])
    kept = {"ttlOverride": 0} if gateway == APPSYNC else {}
    context = answer.pop("resolverContext" if gateway == APPSYNC else "context")
    assert answer in ({"isAuthorized": True, **kept}, {"isAuthorized": False, **kept})
    refused = 401 if gateway == APPSYNC else 403
    return Outcome(200 if answer["isAuthorized"] else refused, context)
