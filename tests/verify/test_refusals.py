"""Every refusal of the contract, of every operation that can give it, to pages of every origin."""

import itertools
from typing import Any, NamedTuple

import pytest

from tests.support import contract
from tests.support.answers import CHALLENGES, assert_is, assert_may_be_read, cors_of
from tests.support.contract import CANONICAL, SHORT, missing
from tests.support.operations import AUTHENTICATED, ROUTES
from tests.verify.deployment import LOG_IN

FOREIGN = "https://evil.example"
MEGABYTE = 1024 * 1024


class Refusal(NamedTuple):
    """A request that is refused, and how; `caller` names one of the fixture `callers`."""

    operation: str
    status: int
    body: dict[str, Any]
    caller: str = "nobody"
    sent: dict[str, Any] = {}
    query: str = ""

    def __str__(self) -> str:
        """Name the test."""
        what = self.query or " ".join(f"{kind} {body}" for kind, body in self.sent.items())
        return f"{self.operation} {self.status} {self.caller} {what}".strip()


OF_TOKENS = [
    Refusal(name, status, body, caller, {"json": {"sessions": []}})
    for name in AUTHENTICATED
    for status, body, caller in (
        (401, contract.INVALID_SESSION, "stranger"),
        (401, contract.INVALID_SESSION, "forger"),
        (401, contract.session_over("deleted"), "logged out"),
        (403, contract.BANNED, "banned"),
    )
]
OF_INPUT = [
    Refusal("create_session", 400, missing("user", "pass"), sent={"json": {"user": 1}}),
    Refusal("create_session", 400, missing("pass"), sent={"data": {"user": "x"}}),
    Refusal("create_session", 400, missing("user", "pass"), sent={"content": b"\xff{"}),
    Refusal("list_sessions", 400, missing("limit"), "somebody", query="?limit=0"),
    Refusal("list_sessions", 400, missing("offset"), "somebody", query="?offset=-1"),
    Refusal("delete_sessions", 400, missing("sessions"), "somebody", {"json": {}}),
    Refusal("delete_sessions", 400, missing("sessions"), "somebody", {"content": b"["}),
    Refusal("delete_all_sessions", 400, missing("allButSelf"), "somebody", query="?allButSelf=x"),
    Refusal("get_session", 404, contract.INVALID_SESSION, "somebody"),
    Refusal("delete_session", 404, contract.SESSION_MISSING, "somebody"),
]
OF_LOGINS = [
    Refusal("create_session", 401, contract.INVALID_PASSWORD, "wrong password"),
    Refusal("create_session", 404, contract.INVALID_USER, "unknown name"),
    Refusal("create_session", 403, contract.BANNED, "banned"),
]
REFUSALS = [*OF_TOKENS, *OF_INPUT, *OF_LOGINS]


def test_no_refusal_of_an_operation_is_missing_here():
    of_all = {(name, status) for name in AUTHENTICATED for status in (401, 403)}
    own = {(name, code) for name, route in ROUTES.items() for code in route.answers if code >= 400}
    assert {(each.operation, each.status) for each in REFUSALS} == of_all | own


@pytest.fixture
def http(deployment):
    return deployment.http


def send(http, name, headers=None, spelling=SHORT, session=7, query="", **sent):
    path = ROUTES[name].paths[spelling].format(id=session)
    return http.request(ROUTES[name].method, path + query, headers=headers, **sent)


def id_of(http, headers):
    return send(http, "get_current_session", headers).json()["iat"]


def forged(token):
    """Return a token with another signature."""
    unsigned, _, signature = token.rpartition(".")
    return f"{unsigned}.{'A' if signature[0] != 'A' else 'B'}{signature[1:]}"


@pytest.fixture(scope="session")
def banned(deployment, new_user):
    """A user who is banned, and the headers of a session from before."""
    user = new_user()
    headers = user.log_in()
    deployment.operate("ban_user", login=user.name)
    return user, headers


@pytest.fixture(scope="session")
def callers(deployment, somebody):
    """The headers of each caller of REFUSALS."""
    here, gone = somebody.log_in(), somebody.log_in()
    ended = send(deployment.http, "delete_session", gone, session=id_of(deployment.http, gone))
    assert ended.status_code == 200
    return {
        "nobody": {},
        "stranger": {"Authorization": "x"},
        "forger": {"Authorization": forged(here["Authorization"])},
        "logged out": gone,
        "somebody": here,
    }


@pytest.fixture
def sent(request, refusal):
    """What is sent to be refused."""
    operation, caller = refusal.operation, refusal.caller
    if caller == "banned":
        user, headers = request.getfixturevalue("banned")
        is_login = operation == "create_session"
        return {"json": user.credentials} if is_login else {"headers": headers, **refusal.sent}
    user = request.getfixturevalue("somebody")
    if caller == "wrong password":
        return {"json": {**user.credentials, "pass": "wrong"}}
    if caller == "unknown name":
        return {"json": {**user.credentials, "user": f"{user.name}-unknown"}}
    return {"headers": request.getfixturevalue("callers")[caller], **refusal.sent}


def of_pages(deployment):
    """Yield each origin that may ask, a path's spelling to ask at, and whether it is allowed.

    Both spellings, and not each of each: wrong passwords are limited, and one run leaves many over.
    """
    spellings = itertools.cycle((SHORT, CANONICAL))
    for origin in (*deployment.origins, FOREIGN, None):
        yield origin, next(spellings), origin in deployment.origins


@pytest.mark.assumption(1)
@pytest.mark.parametrize("refusal", REFUSALS, ids=str)
def test_a_refusal_is_the_contracts_and_exact_for_every_origin(deployment, refusal, sent):
    headers = sent.pop("headers", {})
    tells_unknown_users = deployment.parameters["TellUnknownUsers"] == "true"
    for origin, spelling, is_allowed in of_pages(deployment):
        asked = {**headers, **({"Origin": origin} if origin else {})}
        answer = send(
            deployment.http, refusal.operation, asked, spelling, query=refusal.query, **sent
        )
        if origin == FOREIGN and refusal.operation == "create_session":
            assert_is(answer, 403, contract.ORIGIN_NOT_ALLOWED)
        elif refusal.caller == "unknown name" and not tells_unknown_users:
            assert_is(answer, 401, contract.INVALID_PASSWORD)
        else:
            assert_is(answer, refusal.status, refusal.body)
        if is_allowed:
            assert_may_be_read(answer, origin)
        else:
            assert cors_of(answer.headers) == {}


@pytest.mark.assumption(1)
@pytest.mark.parametrize("name", AUTHENTICATED)
def test_a_request_without_a_token_is_refused_for_the_first_origin(deployment, name):
    for origin, spelling, _ in of_pages(deployment):
        asked = {"Origin": origin} if origin else {}
        answer = send(deployment.http, name, asked, spelling, json={})
        assert_is(answer, 401, contract.INVALID_SESSION)
        assert_may_be_read(answer, deployment.origins[0])


@pytest.mark.assumption(2)
def test_a_functions_challenge_comes_under_another_name(http, callers):
    answer = send(http, "get_current_session", callers["stranger"])
    assert CHALLENGES & set(answer.headers) == {"x-amzn-remapped-www-authenticate"}
    answer = send(http, "get_current_session")
    assert CHALLENGES & set(answer.headers) == {"www-authenticate"}


def test_a_ban_can_be_lifted(deployment, new_user):
    user = new_user()
    deployment.operate("ban_user", login=user.name)
    assert_is(send(deployment.http, "create_session", json=user.credentials), 403, contract.BANNED)
    deployment.operate("unban_user", login=user.name)
    assert send(deployment.http, "get_current_session", user.log_in()).status_code == 200


def test_another_users_session_is_nobodys(deployment, new_user, callers):
    http, mine = deployment.http, callers["somebody"]
    theirs = id_of(http, new_user().log_in())
    for session in (theirs, "x", 2**70):
        assert_is(send(http, "get_session", mine, session=session), 404, contract.INVALID_SESSION)
        answer = send(http, "delete_session", mine, session=session)
        assert_is(answer, 404, contract.SESSION_MISSING)
    answer = send(http, "delete_sessions", mine, json={"sessions": [theirs]})
    assert_is(answer, 200, {"count": 0, "type": "session"})


def test_a_new_password_ends_all_sessions(deployment, new_user):
    user, other = new_user(), "another password"
    before = user.log_in()
    deployment.operate("set_password", login=user.name, password=other)
    over = contract.session_over("password_changed")
    assert_is(send(deployment.http, "get_current_session", before), 401, over)
    right = {**user.credentials, "pass": other}
    assert send(deployment.http, "create_session", json=right).status_code == 201


NO_ROUTES = [
    *(("GET", path) for path in ("/nope", "/user", "/sessions/all", "/session/1/2")),
    *(("GET", "/Session"), ("POST", "/sessions"), ("PUT", "/session"), ("DELETE", "/session")),
    *(("PUT", "/user/session/1"), ("PATCH", "/anything/at/all")),
]


@pytest.mark.assumption(3)
@pytest.mark.parametrize(("method", "path"), NO_ROUTES)
def test_a_path_that_is_no_route_is_an_invalid_endpoint(deployment, callers, method, path):
    """With a token and without, for pages of every origin."""
    for (origin, _, is_allowed), caller in itertools.product(
        of_pages(deployment), ("nobody", "stranger", "somebody")
    ):
        asked = {**callers[caller], **({"Origin": origin} if origin else {})}
        answer = deployment.http.request(method, path, headers=asked)
        assert_is(answer, 404, contract.INVALID_ENDPOINT)
        if is_allowed:
            assert_may_be_read(answer, origin)
        else:
            assert cors_of(answer.headers) == {}


@pytest.mark.assumption(3)
@pytest.mark.parametrize("path", ["/", "/nope", "/user"])
def test_a_body_of_a_type_that_mocks_do_not_know_is_never_a_success(http, path):
    for method in ("POST", "OPTIONS"):
        answer = http.request(method, path, headers={"Content-Type": "image/png"})
        assert_is(answer, 404, contract.INVALID_ENDPOINT)


@pytest.mark.assumption(3)
@pytest.mark.parametrize("path", ["/session/", "/session/1%2F2"])
def test_a_slash_makes_another_path(http, callers, path):
    """Also one at the end; an encoded one makes none."""
    answer = http.get(path, headers=callers["somebody"])
    error = contract.INVALID_SESSION if "%" in path else contract.INVALID_ENDPOINT
    assert_is(answer, 404, error)


def test_a_body_that_is_too_large_is_refused(deployment):
    for origin, spelling, is_allowed in of_pages(deployment):
        asked = {"Origin": origin} if origin else {}
        content = b" " * 2 * MEGABYTE
        answer = send(deployment.http, "create_session", asked, spelling, content=content)
        if origin == FOREIGN:
            assert_is(answer, 403, contract.ORIGIN_NOT_ALLOWED)
        else:
            assert_is(answer, 413, contract.BODY_TOO_LARGE)
        assert cors_of(answer.headers).get("allow-origin") == (origin if is_allowed else None)


@pytest.mark.assumption(4)
@pytest.mark.parametrize(
    ("media_type", "megabytes", "text"),
    [
        ("multipart/form-data", 4.6, '{"message": "Request Too Long"}'),  # as base64
        ("application/json", 6, '{"message": "Request Too Long"}'),
        ("application/json", 10, "HTTP content length exceeded 10485760 bytes."),
    ],
)
def test_a_body_that_aws_cannot_take_is_refused_in_its_words(http, media_type, megabytes, text):
    """By Lambda, and over ten megabytes by API Gateway: nobody can give them our body."""
    content = b"x" * (int(megabytes * MEGABYTE) + 1)
    answer = http.post(LOG_IN, content=content, headers={"Content-Type": media_type})
    assert (answer.status_code, answer.text) == (413, text)
