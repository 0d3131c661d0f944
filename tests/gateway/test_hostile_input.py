"""Hostile input as bytes over HTTP: httpx would correct much of it, or refuse to send it.

The base rule: every answer is the contract's and never a 5xx, and a refusal changes nothing. A
request that is no HTTP never reaches the gateway: the server in front of it answers by itself,
without a body, as API Gateway's own does, or closes the connection.

The handlers get each of tests/payloads (tests/functions/test_*_refusals.py). Of these, only the
ones come here that HTTP may change on their way: absent, double, large, not printable ASCII, or
with characters that a URL reserves; and a few plain ones, which show that the way is open.
"""

import json
import socket
from collections.abc import Callable, Iterator
from http.client import BadStatusLine, HTTPResponse
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.payloads.bodies import JSON, REQUIRED, UNREADABLE, VALUES, with_value
from tests.payloads.headers import CANARY, ENDING_VALUES, FOREIGN_ORIGINS, NAMES, ODD_VALUES
from tests.payloads.identifiers import NO_IDS, NO_SEGMENTS, spelt
from tests.payloads.tokens import BAD_TOKENS, GOOD_SPELLINGS, REASONS, WITHOUT_A_SESSION, Victim
from tests.support.contract import (
    EVERY_ANSWER,
    INVALID_ENDPOINT,
    INVALID_SESSION,
    SESSION_MISSING,
    SHORT,
    UP,
    is_refusal,
    missing,
    session_over,
)
from tests.support.events import ALLOWED_ORIGINS
from tests.support.forgery import signing_key
from tests.support.leaks import PASSWORD
from tests.support.operations import ROUTES
from tests.support.people import Person
from tests.support.rows import stored_rows

LOG_IN, CURRENT, ONE, LIST = (
    ROUTES[name].paths[SHORT]
    for name in ("create_session", "get_current_session", "get_session", "list_sessions")
)

NO_HTTP = {400, 431}  # the refusals of HTTP/1.1 servers (RFC 9110, section 15)
NO_FIELD = set("\0\r\n\v\f")  # this server takes them in no header; another may take less
LARGEST_HEAD = 65_536  # this server reads no more
LARGEST_PLAIN = 8_192  # a server of HTTP takes so much in one header, or more

HEAD = b"Host: localhost\r\nConnection: close\r\n"

CREDENTIALS = json.dumps({"user": "victim", "pass": PASSWORD}).encode()
NONE_ENDED = {"count": 0, "type": "session"}
Headers = list[tuple[str, str]]


class Answer(NamedTuple):
    """An answer; the body of one that the server in front gives is empty."""

    status: int
    headers: dict[str, str]
    content: bytes

    @property
    def body(self) -> Any:
        return json.loads(self.content)


class Wire(NamedTuple):
    """A gateway that is sent bytes, a client of its database, and the folder of its logs."""

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
        """Send a request as it is given."""
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
    """Read, at the end, the lines that were logged meanwhile."""
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
    """A user who is attacked, with two sessions, and another user, with more."""

    def new_person(username: str) -> Person:
        names = {"username": username, "email": f"{username}@example.com"}
        made = service.operate("create_user", **names, password=PASSWORD)
        return Person(made["id"], **names)

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
def rows(wire, victim) -> Callable[[], list[dict[str, Any]]]:
    """Read the rows of both."""
    people = (victim.person, victim.stranger)
    return lambda: [stored_rows(person, wire.dynamodb) for person in people]


@pytest.fixture(scope="module")
def before(rows) -> list[dict[str, Any]]:
    return rows()


@pytest.fixture
def unharmed(rows, before) -> Iterator[None]:
    """Hold the rows at the end of a test to those at the beginning."""
    yield
    assert rows() == before


def token_of(victim: Victim) -> Headers:
    return [("Authorization", victim.token)]


def assert_is_an_answer(answer: Answer | None) -> Answer:
    """Hold an answer to the contract, with the headers of every answer."""
    assert answer is not None
    assert EVERY_ANSWER.items() <= answer.headers.items()
    assert len(answer.headers["x-request-id"]) == 36
    if answer.status >= 300:
        assert is_refusal(answer.status, answer.body), answer
    if answer.status == 401:
        names = {"www-authenticate", "x-amzn-remapped-www-authenticate"} & set(answer.headers)
        assert [answer.headers[name] for name in names] == ["Bearer"]
    return answer


def is_no_http(answer: Answer | None) -> bool:
    """Say whether the server in front refused by itself, or closed the connection."""
    return answer is None or (answer.status in NO_HTTP and answer.content == b"")


def assert_is_up(wire: Wire) -> None:
    answer = assert_is_an_answer(wire.request("GET", "", []))
    assert (answer.status, answer.body) == (200, UP)


def is_plain(text: str) -> bool:
    """Say whether HTTP has no reason to change or to refuse a text on its way."""
    is_printable = text.isascii() and text.isprintable()
    return is_printable and text == text.strip() and len(text) <= LARGEST_PLAIN


# ------------------------------------------------------------------- tokens

# The key, the time, the session; and an address in the token, from which no key may be fetched.
PLAIN_TOKENS = {"another key", "alg none, unsigned", "exp past", "another jti", "jku elsewhere"}


@pytest.mark.parametrize("spelling", GOOD_SPELLINGS)
def test_a_good_token_may_be_spelt_so(wire, victim, unharmed, spelling):
    headers = [("Authorization", spelling.format(victim.token))]
    assert assert_is_an_answer(wire.request("GET", CURRENT, headers)).status == 200


def test_a_bad_token_is_refused_over_http(wire, victim, unharmed, elsewhere):
    forgeries = {**BAD_TOKENS, **WITHOUT_A_SESSION}
    assert forgeries.keys() >= PLAIN_TOKENS
    for kind, forge in forgeries.items():
        value = forge(victim)
        values = value if isinstance(value, list) else [] if value is None else [value]
        if len(values) == 1 and is_plain(values[0]) and kind not in PLAIN_TOKENS:
            continue
        answer = wire.request("GET", CURRENT, [("Authorization", value) for value in values])
        length = sum(map(len, values))
        if set("".join(values)) & NO_FIELD or length > LARGEST_HEAD - 1024:
            assert is_no_http(answer), kind
            assert_is_up(wire)
        else:
            answer = assert_is_an_answer(answer)
            told = session_over(REASONS[kind]) if kind in REASONS else INVALID_SESSION
            assert (answer.status, answer.body) == (401, told), kind
    with pytest.raises(BlockingIOError):
        elsewhere.accept()


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


def test_a_second_token_is_refused(wire, victim, unharmed):
    """The authorizer has allowed the first one."""
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


# ------------------------------------------------------------------- bodies

# In case one is taken: a login without a password, and a session ID that is none.
HARMLESS = {"create_session": {"user": "x"}, "delete_sessions": {"sessions": ["x"]}}
PLAIN_BODIES = {"JSON truncated", "multipart without a boundary"}


def octets(body: str | bytes) -> bytes:
    return body.encode("utf-8", "surrogatepass") if isinstance(body, str) else body


def is_plain_body(content: str | bytes | None, content_type: str | None) -> bool:
    if content is None or content_type is None:
        return False
    text = octets(content).decode("latin-1").replace("\r\n", "")
    return (text == "" or is_plain(text)) and is_plain(content_type)


ODD_BODIES = {
    kind: write
    for kind, write in UNREADABLE.items()
    if kind in PLAIN_BODIES or not is_plain_body(*write(HARMLESS["delete_sessions"]))
}


def is_changed_on_the_way(body: Any, content_type: str | None) -> bool:
    """Say whether the handler gets another text than the client has sent.

    A header ends where a line does, and the gateway makes U+FFFD of bytes that are no UTF-8, unless
    their type is one of the template's binary ones.
    """
    if set(content_type or "") & NO_FIELD:
        return True
    if body is None or (content_type or "").lower().startswith("multipart/form-data"):
        return False
    content = octets(body)
    return content.decode(errors="replace").encode() != content


def send(wire: Wire, victim: Victim, operation: str, body: Any, content_type: Any) -> Answer | None:
    """Send a body to an operation that reads one."""
    route = ROUTES[operation]
    headers = token_of(victim) if route.needs_token else []
    headers += [("Content-Type", content_type)] if content_type is not None else []
    content = None if body is None else octets(body)
    return wire.request(route.method, route.paths[SHORT], headers, content)


@pytest.mark.parametrize("operation", REQUIRED)
def test_an_unreadable_body_is_refused_over_http(wire, victim, unharmed, operation):
    assert ODD_BODIES.keys() >= PLAIN_BODIES
    good = ROUTES[operation].request(
        session=victim.other_claims["iat"], login=victim.person.username
    )
    for kind, write in ODD_BODIES.items():
        body, content_type = write(good["body"])
        if is_changed_on_the_way(body, content_type):
            # The handler may take the changed text.
            body, content_type = write(HARMLESS[operation])
            answer = send(wire, victim, operation, body, content_type)
            assert (
                is_no_http(answer)
                or assert_is_an_answer(answer).status == 400
                or answer.body == NONE_ENDED
            ), kind
            assert_is_up(wire)
        else:
            answer = assert_is_an_answer(send(wire, victim, operation, body, content_type))
            assert (answer.status, answer.body) == (400, missing(*REQUIRED[operation])), kind


def test_odd_json_comes_whole_over_http(wire, victim, unharmed):
    for kind, value in VALUES.items():
        if not is_plain_body(value, JSON):
            body = with_value({"sessions": []}, value)
            answer = assert_is_an_answer(send(wire, victim, "delete_sessions", body, JSON))
            assert (answer.status, answer.body) == (200, NONE_ENDED), kind


# ---------------------------------------------------------------------- IDs


def as_segment(text: str) -> str:
    """Return a path segment that says `text`, all of it percent-encoded."""
    return "".join(f"%{octet:02X}" for octet in text.encode())


@pytest.mark.parametrize(
    ("method", "body"), [("GET", INVALID_SESSION), ("DELETE", SESSION_MISSING)]
)
def test_a_segment_that_is_no_session_id_is_not_found(wire, victim, unharmed, method, body):
    reserved = [spelling for spelling in NO_IDS if not (is_plain(spelling) and spelling.isalnum())]
    for spelling in [*reserved, *NO_SEGMENTS]:
        segment = spelt(spelling, victim.other_claims["iat"])
        if spelling in reserved:
            segment = as_segment(segment)
        answer = wire.request(method, ONE.format(id=segment), token_of(victim))
        assert_is_an_answer(answer)
        assert (answer.status, answer.body) == (404, body), spelling


@pytest.mark.parametrize("segment", ["..", ".", "", "{iat}/", "/{iat}", "{iat}/..", "../session"])
def test_a_path_that_is_no_route_stays_as_it_is(wire, victim, unharmed, segment):
    path = ONE.format(id=segment.format(iat=victim.other_claims["iat"]))
    answer = assert_is_an_answer(wire.request("DELETE", path, token_of(victim)))
    assert answer.status == 404
    assert answer.body in (INVALID_ENDPOINT, SESSION_MISSING)


def test_a_session_id_may_be_percent_encoded(wire, victim, unharmed):
    iat = victim.other_claims["iat"]
    answer = wire.request("GET", ONE.format(id=as_segment(str(iat))), token_of(victim))
    assert assert_is_an_answer(answer).body["iat"] == iat


@pytest.mark.parametrize("method", ["GET", "DELETE"])
def test_another_users_session_looks_like_an_unknown_one(wire, victim, before, unharmed, method):
    """In every header, too."""
    mine, theirs = ({row["iat"]["N"] for row in each["sessions"]} for each in before)
    theirs -= mine
    assert theirs
    answers = []
    for iat in (*theirs, "7", "9" * 15, "x"):
        answer = assert_is_an_answer(wire.request(method, ONE.format(id=iat), token_of(victim)))
        del answer.headers["x-request-id"], answer.headers["date"]
        answers.append(answer)
    assert answers == [answers[0]] * len(answers)
    assert answers[0].status == 404


def test_a_number_that_is_none_is_named_over_http(wire, victim, unharmed):
    for name in ("limit", "offset"):
        for value in ("%00", "%FF", "-1", "%D9%A3", "1%0A", "9" * 5000 + "x", "1e1"):
            answer = wire.request("GET", f"{LIST}?{name}={value}", token_of(victim))
            assert_is_an_answer(answer)
            assert (answer.status, answer.body) == (400, missing(name)), value


@pytest.mark.parametrize(
    "query",
    ["%", "&&&", "=", "?" * 1000, "&".join(f"x{n}=1" for n in range(5000)), "a[b]=1", "%00=%00"],
)
def test_a_query_without_a_meaning_changes_nothing(wire, victim, unharmed, query):
    answer = assert_is_an_answer(wire.request("GET", f"{LIST}?{query}", token_of(victim)))
    assert (answer.status, answer.body["count"]) == (200, 2)


# ------------------------------------------------------------------ headers


def test_no_header_changes_an_answer_or_comes_back(wire, victim, unharmed):
    """Each name alone, all of them with each short value, and one with each large value."""
    plain = wire.request("GET", CURRENT, token_of(victim))
    short = [value for value in ODD_VALUES if len(value) < 1000]
    for headers in [
        *[[(name, CANARY)] for name in NAMES],
        *[[(name, value) for name in NAMES] for value in short],
        *[[("User-Agent", value)] for value in ODD_VALUES if value not in short],
    ]:
        answer = wire.request("GET", CURRENT, [*token_of(victim), *headers])
        assert_is_an_answer(answer)
        assert CANARY not in str(answer)
        assert (answer.status, answer.body) == (200, plain.body), headers
        assert answer.headers.keys() == plain.headers.keys(), headers


def test_a_value_that_ends_a_header_does_not_come_back(wire, victim, unharmed):
    """It is refused, or is one more header."""
    for value in ENDING_VALUES:
        for name in ("Cookie", "Origin", "X-Request-Id"):
            answer = wire.request("GET", CURRENT, [*token_of(victim), (name, value)])
            assert CANARY not in str(answer)
            assert is_no_http(answer) or assert_is_an_answer(answer).status == 200


@pytest.mark.parametrize(("method", "path"), [("OPTIONS", LOG_IN), ("GET", ""), ("POST", LOG_IN)])
def test_a_page_of_another_origin_may_read_nothing(wire, method, path):
    odd = [origin for origin in FOREIGN_ORIGINS if not is_plain(origin)]
    for origin in [*odd, "https://evil.example", "https://app.example.com:443", "null", "*"]:
        headers = [("origin", origin), ("X-Origin", ALLOWED_ORIGINS[0])]
        answer = wire.request(method, f"{path}?Origin={ALLOWED_ORIGINS[0]}", headers)
        assert EVERY_ANSWER.items() <= answer.headers.items()
        assert not [name for name in answer.headers if name.startswith("access-control")], origin
        assert answer.status in {200, 204, 403}


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
def test_a_request_that_is_no_http_is_refused_in_front(wire, kind):
    assert is_no_http(wire.exchange(MALFORMED[kind]))
    assert_is_up(wire)


def test_an_unknown_coding_is_not_implemented(wire):
    """RFC 9112, section 6.1: the one 5xx that is the client's fault, of the server in front."""
    answer = wire.exchange(post(b"Transfer-Encoding: gzip, chunked\r\n", b"0\r\n\r\n"))
    assert (answer.status, answer.content) == (501, b"")
    assert_is_up(wire)


@pytest.mark.parametrize(
    "cut",
    [
        post(b"Content-Length: 100\r\n", CREDENTIALS),
        post(CHUNKED, b"64\r\n" + CREDENTIALS),
        post(CHUNKED, b"%x\r\n%b\r\n" % (len(CREDENTIALS), CREDENTIALS)),
        post(b"Content-Le"),
        b"GET /api/sess",
        b"",
    ],
)
def test_a_request_that_is_cut_short_changes_nothing(wire, victim, unharmed, cut):
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
def test_the_length_of_a_body_is_that_of_http(wire, headers, body):
    answer = assert_is_an_answer(wire.exchange(post(headers, body), "POST"))
    assert (answer.status, answer.body) == (400, missing("user", "pass"))


def test_bytes_behind_a_body_are_no_request(wire, victim, unharmed):
    path = ONE.format(id=victim.other_claims["iat"])
    start = f"DELETE /api{path} HTTP/1.1\r\nAuthorization: {victim.token}\r\n".encode()
    for headers, body in (
        (b"Content-Length: 2\r\n", b"{}"),
        (b"Content-Length: 4\r\n" + CHUNKED, b"0\r\n\r\n"),
    ):
        answer = wire.exchange(post(headers, body + start + HEAD + b"\r\n"), "POST")
        assert is_no_http(answer) or assert_is_an_answer(answer).body == missing("user", "pass")


@pytest.mark.parametrize("length", [b"10485761", b"9" * 18])
def test_a_length_that_is_too_large_is_refused_before_the_body(wire, length):
    answer = wire.exchange(post(b"Content-Length: " + length + b"\r\n"))
    assert answer is not None
    text = b"HTTP content length exceeded 10485760 bytes."
    assert (answer.status, answer.content) == (413, text)


def test_an_unknown_method_is_an_invalid_endpoint(wire, victim, unharmed):
    for method in ("TRACE", "CONNECT", "PROPFIND", "$", "PARAMETERS", "X-AMAZON-APIGATEWAY"):
        answer = assert_is_an_answer(wire.request(method, CURRENT, token_of(victim)))
        assert (answer.status, answer.body) == (404, INVALID_ENDPOINT), method


@pytest.mark.parametrize("target", [b"*", b"http://evil.example/api/session", b"//api", b"api"])
def test_a_target_that_is_no_path_is_an_invalid_endpoint(wire, target):
    answer = wire.exchange(b"GET " + target + b" HTTP/1.1\r\n" + HEAD + b"\r\n")
    assert is_no_http(answer) or assert_is_an_answer(answer).body == INVALID_ENDPOINT


def test_a_request_for_a_websocket_is_answered_as_any_other(wire, victim, unharmed):
    for path, headers, status in (
        ("", b"", 200),
        (CURRENT, b"", 401),
        (CURRENT, f"Authorization: {victim.token}\r\n".encode(), 200),
        ("/nope", b"", 404),
    ):
        start = f"GET /api{path} HTTP/1.1\r\n".encode()
        answer = assert_is_an_answer(wire.exchange(start + WEBSOCKET + headers + b"\r\n"))
        assert answer.status == status
