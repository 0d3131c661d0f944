"""Hostile input as bytes over HTTP: httpx would put much of it right, or refuse to send it.

The base rule: whatever comes in, the answer is the contract's and never a 5xx, and a refusal
changes nothing. What is no HTTP never reaches the gateway: the server in front of it answers by
itself, without a body, as API Gateway's own does, or closes the connection.
"""

import json
import os
import socket
from collections.abc import Callable, Iterator
from http.client import BadStatusLine, HTTPResponse
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.payloads.bodies import (
    EITHER_VALUES,
    JSON,
    REQUIRED,
    UNREADABLE,
    VALUES,
    WRONG_CASES,
    with_value,
)
from tests.payloads.headers import CANARY, ENDING_VALUES, FOREIGN_ORIGINS, NAMES, ODD_VALUES
from tests.payloads.identifiers import NO_IDS, NO_SEGMENTS, spelt
from tests.payloads.tokens import BAD_TOKENS, GOOD_SPELLINGS, WITHOUT_A_SESSION, Victim
from tests.support.contract import (
    BODY_TOO_LARGE,
    EVERY_ANSWER,
    INVALID_ENDPOINT,
    INVALID_SESSION,
    SESSION_MISSING,
    SHORT,
    UP,
    is_refusal,
    missing,
    paths,
)
from tests.support.events import ALLOWED_ORIGINS
from tests.support.forgery import signing_key
from tests.support.leaks import PASSWORD
from tests.support.people import Person
from tests.support.rows import stored_rows

LOG_IN = paths("create_session")[SHORT]
CURRENT = paths("get_current_session")[SHORT]
ONE = paths("get_session")[SHORT]
LIST = paths("list_sessions")[SHORT]
SEVERAL = paths("delete_sessions")[SHORT]
USERS, LOGINS, SESSIONS = (
    os.environ[f"{table}_TABLE"] for table in ("USERS", "LOGINS", "SESSIONS")
)

# What HTTP/1.1 servers say to what is no HTTP (RFC 9110, section 15; RFC 9112, section 6.1, for
# the 501), and more than this one reads in one head.
NO_HTTP = {400, 431}
NO_FIELD = set("\0\r\n\v\f")  # what this one takes in no header; another may take less
LARGEST_HEAD = 65_536

HEAD = b"Host: localhost\r\nConnection: close\r\n"

NONE_ENDED = {"count": 0, "type": "session"}
Headers = list[tuple[str, str]]


class Answer(NamedTuple):
    """What came back; the body of what the server in front says is empty."""

    status: int
    headers: dict[str, str]
    content: bytes

    @property
    def body(self) -> Any:
        return json.loads(self.content)


class Wire(NamedTuple):
    """A gateway to send bytes to, a client of its database, and where its logs are."""

    host: str
    port: int
    dynamodb: Any
    state: Path

    def exchange(self, sent: bytes, method: str = "GET") -> Answer | None:
        """Send bytes and no more after them; return the answer, None if there is none."""
        with socket.create_connection((self.host, self.port), timeout=20) as connection:
            try:
                connection.sendall(sent)
                response = HTTPResponse(connection, method=method)
                response.begin()
                content = response.read()
            except (BadStatusLine, ConnectionError):
                return None
            headers = {name.lower(): value for name, value in response.getheaders()}
            return Answer(response.status, headers, content)

    def request(
        self,
        method: str,
        path: str,
        headers: Headers,
        content: bytes | None = None,
    ) -> Answer | None:
        """Send a request, of which nothing is put right."""
        if content is not None:
            headers = [*headers, ("Content-Length", str(len(content)))]
        lines = [f"{method} /api{path} HTTP/1.1", "Host: localhost", "Connection: close"]
        lines += [f"{name}: {value}" for name, value in headers]
        head = "\r\n".join([*lines, "", ""]).encode("utf-8", "surrogatepass")
        return self.exchange(head + (content or b""), method)


@pytest.fixture(scope="module")
def wire(service) -> Wire:
    host, port = service.url.removeprefix("http://").removesuffix("/api").split(":")
    dynamodb = service.client("dynamodb")
    return Wire(host, int(port), dynamodb, Path(service.environment["HOME"]))


@pytest.fixture(scope="module", autouse=True)
def logs(wire) -> Iterator[None]:
    """Read, at the end, what was logged since anything hostile came."""
    names = ("functions.log", "access.log", "output")
    before = {name: (wire.state / name).stat().st_size for name in names}
    yield
    for name, size in before.items():
        written = (wire.state / name).read_bytes()[size:].decode()
        assert written.replace("\n", "").isprintable(), name
        assert "Traceback" not in written
        if name == "functions.log":
            assert CANARY not in written
        if name != "output":
            assert all(json.loads(line) for line in written.split("\n")[:-1])


@pytest.fixture(scope="module")
def victim(service, wire, elsewhere) -> Victim:
    """Somebody who is attacked, with two sessions, and somebody else, with more."""
    invoker = service.client("lambda")

    def new_person(username: str) -> Person:
        names = {"username": username, "email": f"{username}@example.com"}
        answer = invoker.invoke(
            FunctionName="CreateUserFunction",
            Payload=json.dumps({**names, "password": PASSWORD}),
        )
        return Person(json.load(answer["Payload"])["id"], **names)

    def log_in(person: Person) -> str:
        content = json.dumps({"user": person.username, "pass": PASSWORD}).encode()
        token: str = wire.request("POST", LOG_IN, [], content).body["token"]
        return token

    person, stranger = new_person("victim"), new_person("stranger")
    tokens = [log_in(person) for _ in range(2)]
    for _ in range(6):
        log_in(stranger)
    host, port = elsewhere.getsockname()
    key = signing_key(service.client("secretsmanager"))
    return Victim(person, stranger, *tokens, key, f"http://{host}:{port}/keys")


@pytest.fixture(scope="module")
def rows(wire, victim) -> Iterator[list[dict[str, Any]]]:
    """All that is stored of both, before anything hostile came and when it is over."""

    def stored() -> list[dict[str, Any]]:
        return [stored_rows(person, wire.dynamodb) for person in (victim.person, victim.stranger)]

    before = stored()
    yield before
    assert stored() == before


@pytest.fixture(scope="module")
def known(wire, rows) -> Callable[[], dict[str, Any]]:
    """Read those rows again in one call. A new session would show in its user's row."""
    keys = {
        USERS: [{"id": each["user"]["id"]} for each in rows],
        LOGINS: [{"login": row["login"]} for each in rows for row in each["logins"]],
        SESSIONS: [
            {"user": row["user"], "iat": row["iat"]} for each in rows for row in each["sessions"]
        ],
    }
    wanted = {table: {"Keys": each, "ConsistentRead": True} for table, each in keys.items()}

    def read() -> dict[str, Any]:
        found = wire.dynamodb.batch_get_item(RequestItems=wanted)["Responses"]
        return {table: sorted(rows, key=_attributes) for table, rows in found.items()}

    return read


def _attributes(row: dict[str, Any]) -> list[str]:
    return sorted(map(str, row.items()))


@pytest.fixture(scope="module")
def before(known) -> dict[str, Any]:
    return known()


@pytest.fixture
def unharmed(known, before) -> Iterator[None]:
    """Make sure that all is as it was when the test is over."""
    yield
    assert known() == before


def token_of(victim: Victim) -> Headers:
    return [("Authorization", victim.token)]


def assert_is_an_answer(answer: Answer | None) -> Answer:
    """Make sure that it is one of the contract's, with all that every answer carries."""
    assert answer is not None
    assert EVERY_ANSWER.items() <= answer.headers.items()
    assert len(answer.headers["x-request-id"]) == 36
    if answer.status >= 300:
        assert is_refusal(answer.status, answer.body), answer
    if answer.status == 401:
        assert answer.headers["www-authenticate"] == "Bearer"
    return answer


def is_no_http(answer: Answer | None) -> bool:
    """Say whether the server in front refused by itself, or just closed the connection."""
    return answer is None or (answer.status in NO_HTTP and answer.content == b"")


def assert_is_up(wire: Wire) -> None:
    answer = assert_is_an_answer(wire.request("GET", "", []))
    assert (answer.status, answer.body) == (200, UP)


# ------------------------------------------------------------------- tokens


@pytest.mark.parametrize("spelling", GOOD_SPELLINGS)
def test_a_good_token_is_taken_however_it_is_spelt(wire, victim, unharmed, spelling):
    for token in (victim.token, victim.forge()):
        headers = [("Authorization", spelling.format(token))]
        assert assert_is_an_answer(wire.request("GET", CURRENT, headers)).status == 200


@pytest.mark.parametrize("kind", [*BAD_TOKENS, *WITHOUT_A_SESSION])
def test_a_bad_token_is_refused_over_http(wire, victim, unharmed, kind):
    value = {**BAD_TOKENS, **WITHOUT_A_SESSION}[kind](victim)
    values = value if isinstance(value, list) else [] if value is None else [value]
    answer = wire.request("GET", CURRENT, [("Authorization", value) for value in values])
    length = sum(map(len, values))
    if set("".join(values)) & NO_FIELD or length > LARGEST_HEAD - 1024:
        assert is_no_http(answer)
        assert_is_up(wire)
    else:
        assert_is_an_answer(answer)
        assert (answer.status, answer.body) == (401, INVALID_SESSION)


@settings(max_examples=60)
@given(where=st.floats(0, 1, exclude_max=True), octet=st.integers(0, 255))
def test_a_token_with_one_other_byte_is_refused_over_http(wire, victim, unharmed, where, octet):
    token = bytearray(victim.token.encode())
    position = int(where * len(token))
    same = token[position] == octet
    token[position] = octet
    start = f"GET /api{CURRENT} HTTP/1.1\r\n".encode() + HEAD
    answer = wire.exchange(start + b"Authorization: " + bytes(token) + b"\r\n\r\n")
    assert is_no_http(answer) or assert_is_an_answer(answer).status == (200 if same else 401)


def test_a_good_token_in_two_headers_is_refused_though_the_authorizer_has_allowed_it(
    wire, victim, unharmed
):
    once = token_of(victim)
    assert wire.request("GET", CURRENT, once).status == 200
    for twice in ([*once, *once], [*once, ("authorization", victim.other_token)]):
        answer = assert_is_an_answer(wire.request("GET", CURRENT, twice))
        assert (answer.status, answer.body) == (401, INVALID_SESSION)


def test_a_token_counts_in_no_other_place(wire, victim, unharmed):
    token = victim.token
    for headers in (
        [("Cookie", f"token={token}; Authorization={token}")],
        [("X-Authorization", token), ("Proxy-Authorization", f"Bearer {token}")],
        [("X-Api-Key", token), ("X-Access-Token", token)],
    ):
        for query in ("", f"?token={token}&access_token={token}&Authorization={token}"):
            answer = assert_is_an_answer(wire.request("GET", CURRENT + query, headers))
            assert answer.status == 401


def test_no_token_had_its_key_fetched_from_where_it_says(elsewhere):
    with pytest.raises(BlockingIOError):
        elsewhere.accept()


# ------------------------------------------------------------------- bodies


# What says nothing, in case it is taken: a login without a password, and no session of anybody's.
HARMLESS = {"create_session": {"user": "nobody"}, "delete_sessions": {"sessions": ["x"]}}


def octets(body: str | bytes) -> bytes:
    return body.encode("utf-8", "surrogatepass") if isinstance(body, str) else body


def sent(wire: Wire, victim: Victim, operation: str, body: Any, content_type: Any) -> Answer | None:
    """Send a body to an operation that reads one."""
    content = None if body is None else octets(body)
    headers = [("Content-Type", content_type)] if content_type is not None else []
    if operation == "create_session":
        return wire.request("POST", LOG_IN, headers, content)
    return wire.request("DELETE", SEVERAL, [*token_of(victim), *headers], content)


def good(victim: Victim, operation: str) -> dict[str, Any]:
    """Return a body that would be taken."""
    if operation == "create_session":
        return {"user": victim.person.username, "pass": PASSWORD}
    return {"sessions": [victim.other_claims["iat"]]}


@pytest.mark.parametrize("operation", REQUIRED)
@pytest.mark.parametrize("kind", UNREADABLE)
def test_a_body_that_cannot_be_read_is_refused_over_http(wire, victim, unharmed, operation, kind):
    body, content_type = UNREADABLE[kind](good(victim, operation))
    if is_put_right(body, content_type):
        # So the gateway may take it: what it says then must do no harm.
        body, content_type = UNREADABLE[kind](HARMLESS[operation])
        answer = sent(wire, victim, operation, body, content_type)
        assert (
            is_no_http(answer)
            or assert_is_an_answer(answer).status == 400
            or (answer.body == NONE_ENDED)
        )
        assert_is_up(wire)
    else:
        answer = assert_is_an_answer(sent(wire, victim, operation, body, content_type))
        assert (answer.status, answer.body) == (400, missing(*REQUIRED[operation]))


def is_put_right(body: Any, content_type: str | None) -> bool:
    """Say whether what reaches the handler is not what was sent.

    Headers end where a line does, and of what is no UTF-8 the gateway makes U+FFFD, unless its
    type is one of the template's binary ones.
    """
    if set(content_type or "") & NO_FIELD:
        return True
    if body is None or (content_type or "").lower().startswith("multipart/form-data"):
        return False
    content = octets(body)
    return content.decode(errors="replace").encode() != content


@pytest.mark.parametrize(("operation", "changes", "fields"), WRONG_CASES)
def test_the_wrong_fields_are_named_over_http(wire, victim, unharmed, operation, changes, fields):
    body = json.dumps({**good(victim, operation), **changes})
    answer = assert_is_an_answer(sent(wire, victim, operation, body, JSON))
    assert (answer.status, answer.body) == (400, missing(*fields))


@pytest.mark.parametrize("kind", [*VALUES, *EITHER_VALUES])
def test_odd_json_is_taken_or_refused_over_http(wire, victim, unharmed, kind):
    body = with_value({"sessions": []}, {**VALUES, **EITHER_VALUES}[kind])
    answer = assert_is_an_answer(sent(wire, victim, "delete_sessions", body, JSON))
    if kind in VALUES:
        assert (answer.status, answer.body) == (200, NONE_ENDED)
    else:
        assert answer.status in {200, 400}


# ---------------------------------------------------------------------- IDs


def as_segment(text: str) -> str:
    """Return a path segment that says `text`, all of it percent-encoded."""
    return "".join(f"%{octet:02X}" for octet in text.encode())


@pytest.mark.parametrize(
    ("method", "body"), [("GET", INVALID_SESSION), ("DELETE", SESSION_MISSING)]
)
@pytest.mark.parametrize("spelling", [*NO_IDS, *NO_SEGMENTS])
def test_what_is_no_session_id_is_not_found_over_http(
    wire, victim, unharmed, method, body, spelling
):
    segment = spelt(spelling, victim.other_claims["iat"])
    if spelling in NO_IDS:
        segment = as_segment(segment)
    answer = assert_is_an_answer(wire.request(method, ONE.format(id=segment), token_of(victim)))
    assert (answer.status, answer.body) == (404, body)


@pytest.mark.parametrize("segment", ["..", ".", "", "{iat}/", "/{iat}", "{iat}/..", "../session"])
def test_a_path_that_is_no_route_is_not_put_right(wire, victim, unharmed, segment):
    path = ONE.format(id=segment.format(iat=victim.other_claims["iat"]))
    answer = assert_is_an_answer(wire.request("DELETE", path, token_of(victim)))
    assert answer.status == 404
    assert answer.body in (INVALID_ENDPOINT, SESSION_MISSING)


def test_a_session_id_may_be_percent_encoded(wire, victim, unharmed):
    iat = victim.other_claims["iat"]
    answer = wire.request("GET", ONE.format(id=as_segment(str(iat))), token_of(victim))
    assert assert_is_an_answer(answer).body["iat"] == iat


@pytest.mark.parametrize("method", ["GET", "DELETE"])
def test_another_users_session_looks_exactly_like_one_that_never_was_over_http(
    wire, victim, rows, unharmed, method
):
    mine = {row["iat"]["N"] for row in rows[0]["sessions"]}
    theirs = {row["iat"]["N"] for row in rows[1]["sessions"]} - mine
    assert theirs
    answers = []
    for iat in (*theirs, "7", "9" * 15, "x"):
        answer = assert_is_an_answer(wire.request(method, ONE.format(id=iat), token_of(victim)))
        del answer.headers["x-request-id"], answer.headers["date"]
        answers.append(answer)
    assert answers == [answers[0]] * len(answers)
    assert answers[0].status == 404


@pytest.mark.parametrize("value", ["%00", "%FF", "-1", "%D9%A3", "1%0A", "9" * 5000 + "x", "1e1"])
@pytest.mark.parametrize("name", ["limit", "offset"])
def test_what_is_no_number_is_named_over_http(wire, victim, unharmed, name, value):
    answer = wire.request("GET", f"{LIST}?{name}={value}", token_of(victim))
    assert_is_an_answer(answer)
    assert (answer.status, answer.body) == (400, missing(name))


@pytest.mark.parametrize(
    "query",
    ["%", "&&&", "=", "?" * 1000, "&".join(f"x{n}=1" for n in range(5000)), "a[b]=1", "%00=%00"],
)
def test_a_query_that_means_nothing_changes_nothing(wire, victim, unharmed, query):
    answer = assert_is_an_answer(wire.request("GET", f"{LIST}?{query}", token_of(victim)))
    assert (answer.status, answer.body["count"]) == (200, 2)


# ------------------------------------------------------------------ headers


@pytest.mark.parametrize("name", NAMES)
def test_no_header_changes_an_answer_or_comes_back(wire, victim, unharmed, name):
    plain = wire.request("GET", CURRENT, token_of(victim))
    for value in ODD_VALUES:
        headers = [*token_of(victim), (name, value)]
        answer = assert_is_an_answer(wire.request("GET", CURRENT, headers))
        assert CANARY not in str(answer)
        assert (answer.status, answer.body) == (200, plain.body)
        assert answer.headers.keys() == plain.headers.keys()


@pytest.mark.parametrize("value", ENDING_VALUES)
def test_a_header_that_ends_another_is_refused_or_is_one_more_that_does_not_come_back(
    wire, victim, unharmed, value
):
    for name in NAMES:
        answer = wire.request("GET", CURRENT, [*token_of(victim), (name, value)])
        assert CANARY not in str(answer)
        assert is_no_http(answer) or assert_is_an_answer(answer).status == 200


@pytest.mark.parametrize("origin", FOREIGN_ORIGINS)
@pytest.mark.parametrize(("method", "path"), [("OPTIONS", LOG_IN), ("GET", ""), ("POST", LOG_IN)])
def test_a_page_of_another_origin_is_told_nothing(wire, origin, method, path):
    for headers in ([("Origin", origin)], [("origin", origin), ("X-Origin", ALLOWED_ORIGINS[0])]):
        answer = wire.request(method, f"{path}?Origin={ALLOWED_ORIGINS[0]}", headers)
        assert EVERY_ANSWER.items() <= answer.headers.items()
        assert not [name for name in answer.headers if name.startswith("access-control")]
        assert answer.status in {200, 204, 400}


@pytest.mark.parametrize("origin", FOREIGN_ORIGINS)
def test_the_gateways_own_errors_do_not_repeat_an_origin(wire, origin):
    for path in (CURRENT, "/nope"):
        answer = assert_is_an_answer(wire.request("GET", path, [("Origin", origin)]))
        assert answer.headers["access-control-allow-origin"] == ALLOWED_ORIGINS[0]


# --------------------------------------------------------------------- HTTP

CHUNKED = b"Transfer-Encoding: chunked\r\n"
WEBSOCKET = (
    b"Host: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
)


def post(headers: bytes, body: bytes = b"") -> bytes:
    return b"POST /api/session HTTP/1.1\r\n" + HEAD + headers + b"\r\n" + body


MALFORMED = {
    "NULs": b"\0" * 1000,
    "every byte": bytes(range(256)) * 8,
    "the beginning of TLS": bytes.fromhex("16030100c8010000c40303") + bytes(200),
    "empty lines": b"\r\n" * 8,
    "no version": b"GET /api\r\n\r\n",
    "no path": b"GET HTTP/1.1\r\n\r\n",
    "a version that is none": b"GET /api HTTP/x\r\n" + HEAD + b"\r\n",
    "no host": b"GET /api HTTP/1.1\r\n\r\n",
    "two hosts": b"GET /api HTTP/1.1\r\nHost: x\r\n" + HEAD + b"\r\n",
    "a space in the path": b"GET /api/session/1 2 HTTP/1.1\r\n" + HEAD + b"\r\n",
    "a byte in the path": b"GET /api/session/\xff HTTP/1.1\r\n" + HEAD + b"\r\n",
    "a NUL in the path": b"GET /api/session/\0 HTTP/1.1\r\n" + HEAD + b"\r\n",
    "100 KB of path": b"GET /api/session/" + b"9" * 100_000 + b" HTTP/1.1\r\n" + HEAD + b"\r\n",
    "a header without a colon": post(b"nonsense\r\n"),
    "a header without a name": post(b": x\r\n"),
    "a space before the colon": post(b"Content-Length : 0\r\n"),
    "a byte in a header's name": post(b"X\xff: x\r\n"),
    "a NUL in a header": post(b"X: a\0b\r\n"),
    "a carriage return in a header": post(b"X: a\rb\r\n"),
    "1 MB of a header": post(b"X: " + b"x" * 2**20 + b"\r\n"),
    "1 MB of headers": post(b"X: x\r\n" * 2**17),
    "a length that is negative": post(b"Content-Length: -1\r\n"),
    "a length with a sign": post(b"Content-Length: +2\r\n", b"{}"),
    "a length in hexadecimal": post(b"Content-Length: 0x2\r\n", b"{}"),
    "a length that is a word": post(b"Content-Length: x\r\n"),
    "a length of 5,000 digits": post(b"Content-Length: " + b"9" * 5000 + b"\r\n"),
    "two lengths": post(b"Content-Length: 2\r\nContent-Length: 3\r\n", b"{}x"),
    "a chunk whose length is none": post(CHUNKED, b"zz\r\n{}\r\n0\r\n\r\n"),
    "a chunk that is longer than it says": post(CHUNKED, b"1\r\n{}\r\n0\r\n\r\n"),
    "a chunk whose length is huge": post(CHUNKED, b"f" * 40 + b"\r\n{}\r\n0\r\n\r\n"),
}


@pytest.mark.parametrize("kind", MALFORMED)
def test_what_is_no_http_is_refused_in_front_and_the_service_lives_on(wire, kind):
    assert is_no_http(wire.exchange(MALFORMED[kind]))
    assert_is_up(wire)


def test_a_coding_that_is_not_understood_is_not_implemented(wire):
    # RFC 9112, section 6.1: the one 5xx, of the server in front, that is the client's to mend.
    answer = wire.exchange(post(b"Transfer-Encoding: gzip, chunked\r\n", b"0\r\n\r\n"))
    assert (answer.status, answer.content) == (501, b"")
    assert_is_up(wire)


@pytest.mark.parametrize(
    "cut",
    [
        post(b"Content-Length: 100\r\n", b'{"user":"victim"'),
        post(CHUNKED, b'50\r\n{"user":"victim"'),
        post(CHUNKED, b"2\r\n{}\r\n"),
        post(b"Content-Le"),
        b"GET /api/sess",
        b"",
    ],
)
def test_a_request_that_is_cut_short_is_nobodys(wire, victim, unharmed, cut):
    with socket.create_connection((wire.host, wire.port)) as connection:
        connection.sendall(cut)
    assert_is_up(wire)


@pytest.mark.parametrize(
    ("headers", "body"),
    [
        (CHUNKED, b"2\r\n{}\r\n0\r\n\r\n"),
        (CHUNKED, b"1;x=y\r\n{\r\n1\r\n}\r\n0\r\n\r\n"),
        (CHUNKED, b"2\r\n{}\r\n0\r\nAuthorization: x\r\n\r\n"),
        (b"Content-Length: 2, 2\r\n", b"{}"),
        (b"Content-Length: 2\r\nContent-Length: 2\r\n", b"{}"),
        (b"Content-Length: 50\r\n" + CHUNKED, b"2\r\n{}\r\n0\r\n\r\n"),
        (b"Content-Length: 2\r\nExpect: 100-continue\r\n", b"{}"),
        (b"Content-Length: 2\r\nExpect: x\r\n", b"{}"),
        (b"Content-Length: 2\r\nContent-Encoding: gzip\r\n", b"{}"),
        (b"Content-Length: 0\r\n", b""),
        (b"", b""),
    ],
)
def test_a_body_is_measured_as_http_has_it(wire, headers, body):
    answer = assert_is_an_answer(wire.exchange(post(headers, body), "POST"))
    assert (answer.status, answer.body) == (400, missing("user", "pass"))


def test_what_is_behind_a_body_is_no_part_of_it_and_no_request_of_anybody_else(
    wire, victim, unharmed
):
    smuggled = f"DELETE /api{ONE.format(id=victim.other_claims['iat'])} HTTP/1.1\r\n\r\n"
    answer = wire.exchange(post(b"Content-Length: 2\r\n", b"{}" + smuggled.encode()), "POST")
    assert is_no_http(answer) or assert_is_an_answer(answer).body == missing("user", "pass")
    both = b"Content-Length: 4\r\n" + CHUNKED
    answer = wire.exchange(post(both, b"0\r\n\r\n" + smuggled.encode()), "POST")
    assert is_no_http(answer) or assert_is_an_answer(answer).body == missing("user", "pass")


@pytest.mark.parametrize("length", [b"10485761", b"9" * 18])
def test_a_body_that_says_it_is_too_large_is_refused_before_it_comes(wire, length):
    answer = assert_is_an_answer(wire.exchange(post(b"Content-Length: " + length + b"\r\n")))
    assert (answer.status, answer.body) == (413, BODY_TOO_LARGE)


@pytest.mark.parametrize(
    "method", ["TRACE", "CONNECT", "PROPFIND", "X", "$", "PARAMETERS", "X-AMAZON-APIGATEWAY"]
)
def test_an_unknown_method_is_an_invalid_endpoint(wire, victim, unharmed, method):
    answer = assert_is_an_answer(wire.request(method, CURRENT, token_of(victim)))
    assert (answer.status, answer.body) == (404, INVALID_ENDPOINT)


@pytest.mark.parametrize("target", [b"*", b"http://evil.example/api/session", b"//api", b"api"])
def test_a_target_that_is_no_path_is_an_invalid_endpoint(wire, target):
    answer = wire.exchange(b"GET " + target + b" HTTP/1.1\r\n" + HEAD + b"\r\n")
    assert is_no_http(answer) or assert_is_an_answer(answer).body == INVALID_ENDPOINT


def test_who_asks_for_a_websocket_gets_what_anybody_gets(wire, victim, unharmed):
    for path, headers, status in (
        ("", b"", 200),
        (CURRENT, b"", 401),
        (CURRENT, f"Authorization: {victim.token}\r\n".encode(), 200),
        ("/nope", b"", 404),
    ):
        start = f"GET /api{path} HTTP/1.1\r\n".encode()
        answer = assert_is_an_answer(wire.exchange(start + WEBSOCKET + headers + b"\r\n"))
        assert answer.status == status
