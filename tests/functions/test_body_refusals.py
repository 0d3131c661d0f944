"""Bodies that cannot be read or have wrong fields; and all kinds that can be read."""

import base64
import json
from typing import Any, NamedTuple
from urllib.parse import urlencode

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests.payloads.bodies import (
    EITHER_VALUES,
    FORM,
    JSON,
    MULTIPART,
    NO_BASE64,
    REQUIRED,
    UNREADABLE,
    VALUES,
    WRONG_CASES,
    form,
    multipart,
    part,
    with_value,
)
from tests.support.calls import call
from tests.support.clock import at
from tests.support.contract import (
    BODY_TOO_LARGE,
    HEADERS,
    REMEMBERED_SESSION_SECONDS,
    SESSION_SECONDS,
    missing,
)
from tests.support.leaks import PASSWORD
from tests.support.people import Person, log_in, new_person
from tests.support.rows import stored_rows

pytestmark = pytest.mark.usefixtures("aws")

NOW = 1_800_000_000
WRITERS = {FORM: form, MULTIPART: multipart}


class Victim(NamedTuple):
    """A user with two sessions, a token, and the rows, which no bad body may change."""

    person: Person
    token: str
    rows: dict[str, Any]

    def good(self, operation: str) -> dict[str, Any]:
        """Return a body that would be taken."""
        if operation == "create_session":
            return {"user": self.person.username, "pass": PASSWORD}
        return {"sessions": [NOW + 1]}

    def send(self, operation: str, body: str | bytes | None, content_type: str | None) -> Any:
        """Send a body; bytes go in base64, as the gateway passes on binary types."""
        encoded = isinstance(body, bytes)
        return call(
            operation,
            self.token,
            raw_body=base64.b64encode(body).decode() if isinstance(body, bytes) else body,
            headers={"Content-Type": content_type},
            is_base64=encoded,
        )

    def refuses(self, operation: str, body: str | bytes | None, content_type: str | None) -> Any:
        """Send a body, make sure that it is refused and changes nothing; return the fields."""
        answer = self.send(operation, body, content_type)
        assert answer.status == 400, answer
        assert answer.headers == HEADERS
        assert answer.body == missing(*answer.body["fields"])
        assert stored_rows(self.person) == self.rows
        return answer.body["fields"]


@pytest.fixture(scope="module")
def victim(aws: None) -> Victim:
    with at(NOW):
        person = new_person()
        token = log_in(person)
        log_in(person)
    return Victim(person, token, stored_rows(person))


@pytest.fixture(scope="module")
def member(aws: None) -> Person:
    """A user to log in."""
    return new_person()


@pytest.mark.parametrize("kind", UNREADABLE)
def test_an_unreadable_body_lacks_all_required_fields(victim, clock, kind):
    for operation, fields in REQUIRED.items():
        body = UNREADABLE[kind](victim.good(operation))
        assert victim.refuses(operation, *body) == fields


@pytest.mark.parametrize("operation", REQUIRED)
def test_false_base64_is_unreadable(victim, clock, operation):
    for body in NO_BASE64:
        answer = call(operation, victim.token, raw_body=body, is_base64=True)
        assert (answer.status, answer.body) == (400, missing(*REQUIRED[operation])), body
    assert victim.refuses(operation, b"", JSON) == REQUIRED[operation]


# --------------------------------------------------- wrong fields


@pytest.mark.parametrize(("operation", "changes", "fields"), WRONG_CASES)
def test_exactly_the_wrong_fields_are_named(victim, clock, operation, changes, fields):
    body = json.dumps({**victim.good(operation), **changes})
    assert victim.refuses(operation, body, JSON) == fields


@pytest.mark.parametrize(
    ("operation", "body", "fields"),
    [
        ("create_session", '{"pass": "x"}', ["user"]),
        ("create_session", '{"user": "x"}', ["pass"]),
        ("create_session", "{}", ["user", "pass"]),
        ("delete_sessions", "{}", ["sessions"]),
        ("delete_sessions", '{"Sessions": []}', ["sessions"]),
        ("delete_sessions", '{"sessions[]": [1]}', ["sessions"]),
    ],
)
def test_exactly_the_absent_fields_are_named(victim, clock, operation, body, fields):
    assert victim.refuses(operation, body, JSON) == fields


@pytest.mark.parametrize("content_type", [FORM, MULTIPART])
@pytest.mark.parametrize(
    ("changes", "fields"),
    [
        *[
            ({"rememberMe": value}, ["rememberMe"])
            for value in ["yes", "1", "0", "on", "", "True", "FALSE", " true", "null"]
        ],
        ({"rememberMe": ["true", "true"]}, ["rememberMe"]),
        ({"user": ["joe", "joe"]}, ["user"]),
        ({"pass": [PASSWORD, PASSWORD]}, ["pass"]),
        ({"user": " ", "pass": ""}, ["user", "pass"]),
        ({"pass": "x" * 1025}, ["pass"]),
    ],
)
def test_exactly_the_wrong_fields_of_a_form_are_named(victim, clock, content_type, changes, fields):
    body = WRITERS[content_type](victim.good("create_session") | changes)
    assert victim.refuses("create_session", body, content_type) == fields


def test_a_file_is_no_field(victim, clock):
    body = multipart(victim.good("create_session"))
    body = body.replace('name="pass"', 'name="pass"; filename="pass.txt"')
    assert victim.refuses("create_session", body, MULTIPART) == ["pass"]
    body = multipart({"sessions": NOW + 1}).replace("sessions", 'sessions"; filename="x')
    assert victim.refuses("delete_sessions", body, MULTIPART) == ["sessions"]


# --------------------------------------------------- readable bodies

GOOD: list[tuple[str | None, str]] = [
    (JSON, '{{"user":"{0}","pass":"{1}"}}'),
    (None, '{{"user":"{0}","pass":"{1}"}}'),
    ("", '{{"user":"{0}","pass":"{1}"}}'),
    ("APPLICATION/JSON", '{{"user":"{0}","pass":"{1}"}}'),
    ("Application/Json; Charset=UTF-8", '{{"user":"{0}","pass":"{1}"}}'),
    ("application/json;charset=utf-8", ' \r\n{{"pass":"{1}","user":"{0}"}}\n'),
    ("application/json ; q=1", '{{"user":"{0}","pass":"{1}","other":{{"a":[1,2.5,null]}}}}'),
    (JSON, '{{"user":"x","pass":"{1}","user":"{0}"}}'),  # the last of duplicates counts
    (JSON, '{{"\\u0075ser":"{0}","pass":"{1}","rememberMe":false}}'),
    (JSON, '{{"user":" {0}\\u3000\\n","pass":"{1}","rememberMe":null}}'),
    (FORM, "user={0}&pass={1}"),
    (FORM, "pass={1}&user=+{0}%0D%0A&rememberMe=false&other=%20&x"),
    (f"{FORM}; charset=UTF-8", "%75ser={0}&pass={1}"),
    (FORM.upper(), "user={0}&pass=correct+horse%20battery+staple"),
    (MULTIPART, multipart({"user": "{0}", "pass": "{1}"})),
    # A part is UTF-8 whatever its charset is called (RFC 7578, section 5.1.2).
    (
        MULTIPART,
        multipart({"user": "{0}", "pass": "{1}"}).replace(
            "\r\n\r\n", "\r\nContent-Type: text/plain; charset=nonsense\r\n\r\n"
        ),
    ),
    ('Multipart/Form-Data; Boundary="frontier"', multipart({"user": "{0}", "pass": "{1}"})),
    (
        MULTIPART,
        part("file", "x").replace('"file"', '"file"; filename="a.txt"')
        + multipart({"user": "{0}", "pass": "{1}"}),
    ),
]


@pytest.mark.parametrize(("content_type", "body"), GOOD)
def test_every_content_type_logs_in(victim, member, clock, content_type, body):
    text = body.format(member.username, PASSWORD)
    for sent in (text, text.encode()):
        answer = victim.send("create_session", sent, content_type)
        assert answer.status == 201
        current = call("get_current_session", answer.body["token"])
        assert current.body["sub"] == member.id


@pytest.mark.parametrize(
    ("value", "seconds"), [("true", REMEMBERED_SESSION_SECONDS), ("false", SESSION_SECONDS)]
)
@pytest.mark.parametrize("content_type", [FORM, MULTIPART])
def test_a_form_says_true_or_false_in_words(member, clock, content_type, value, seconds):
    members = {"user": member.email, "pass": PASSWORD, "rememberMe": value}
    body = WRITERS[content_type](members)
    answer = call("create_session", raw_body=body, headers={"Content-Type": content_type})
    assert (answer.status, answer.body["exp"] - clock.now) == (201, seconds)


@pytest.mark.parametrize(
    "ends", ["a+b&c=d%20e", "100%", "%zz", "%", "%e", " x ", "ü\u2028", "😀", "a;b"]
)
def test_a_password_comes_whole_through_every_content_type(clock, ends):
    password = f"{ends}-in-here-{ends}"
    person = new_person(password=password)
    members = {"user": person.username, "pass": password}
    bodies = [
        (JSON, json.dumps(members)),
        (JSON, json.dumps(members, ensure_ascii=False)),
        (FORM, urlencode(members)),
        (MULTIPART, multipart(members)),
    ]
    # A percent sign that escapes nothing is one: WHATWG's URL Standard, "percent-decode".
    if ends in {"100%", "%zz", "%", "%e"}:
        bodies.append((FORM, form(members)))
    for content_type, body in bodies:
        answer = call("create_session", raw_body=body, headers={"Content-Type": content_type})
        assert answer.status == 201, content_type


@pytest.mark.parametrize("kind", VALUES)
def test_an_unknown_field_may_have_any_value(victim, clock, kind):
    body = with_value({"sessions": []}, VALUES[kind])
    answer = victim.send("delete_sessions", body, JSON)
    assert (answer.status, answer.body) == (200, {"count": 0, "type": "session"})


# --------------------------------------------------- any body


@pytest.mark.parametrize("kind", EITHER_VALUES)
def test_json_of_some_readers_is_taken_or_refused(victim, clock, kind):
    body = with_value({"sessions": []}, EITHER_VALUES[kind])
    answer = victim.send("delete_sessions", body, JSON)
    assert (answer.status, answer.body) in [
        (200, {"count": 0, "type": "session"}),
        (400, missing("sessions")),
    ]


@settings(max_examples=60)
@given(body=st.text() | st.binary(), content_type=st.sampled_from([JSON, FORM, MULTIPART, None]))
def test_no_body_causes_a_5xx(victim, clock, body, content_type):
    assert victim.send("create_session", body, content_type).status in {400, 404}


PIECES = st.sampled_from(
    [
        *("multipart/form-data", "application/json", "boundary", "charset", "frontier", "utf-8''"),
        *(";", "=", ",", "/", "*", "*0", "*1*", '"', "'", "%", "%41", chr(92), " ", "ü"),
    ]
)


@example(content_type="multipart/form-data; boundary*=frontier; boundary*0=frontier")
@given(content_type=st.lists(PIECES, max_size=12).map("".join) | st.text())
def test_no_content_type_causes_a_5xx(victim, clock, content_type):
    body = multipart({"sessions": "x"})
    assert victim.send("delete_sessions", body, content_type).status in {200, 400}


JSON_VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=10,
)


@settings(max_examples=30)
@given(sessions=st.lists(JSON_VALUES, max_size=5))
def test_no_array_of_sessions_causes_a_5xx(victim, clock, sessions):
    answer = victim.send("delete_sessions", json.dumps({"sessions": sessions}), JSON)
    assert (answer.status, answer.body) == (200, {"count": 0, "type": "session"})


# ------------------------------------------------------- large bodies

LARGEST = {"create_session": 20 * 2**10, "delete_sessions": 128 * 2**10}


@pytest.mark.parametrize("is_base64", [False, True])
@pytest.mark.parametrize("operation", REQUIRED)
def test_a_body_that_is_too_large_is_refused_unread(victim, clock, operation, is_base64):
    largest = "{}".rjust(LARGEST[operation])
    for body, status in ((largest, 400), (" " + largest, 413), ("é" * len(largest), 413)):
        raw_body = base64.b64encode(body.encode()).decode() if is_base64 else body
        answer = call(operation, victim.token, raw_body=raw_body, is_base64=is_base64)
        assert answer.status == status
    assert (answer.body, answer.headers) == (BODY_TOO_LARGE, HEADERS)
    assert stored_rows(victim.person) == victim.rows


def test_a_body_that_is_far_too_large_is_not_even_decoded(clock):
    """Decoded, it would be no base64: 400."""
    answer = call("create_session", raw_body="!" * 6 * 2**20, is_base64=True)
    assert (answer.status, answer.body) == (413, BODY_TOO_LARGE)


@pytest.mark.parametrize("content_type", [FORM, MULTIPART])
def test_a_form_has_at_most_2000_fields(victim, clock, content_type):
    for fields, status in ((2000, 200), (2001, 400)):
        body = WRITERS[content_type]({"sessions": [1] * fields}).replace("frontier", "f")
        answer = victim.send("delete_sessions", body, content_type.replace("frontier", "f"))
        assert answer.status == status, fields
    assert answer.body == missing("sessions")
    login = WRITERS[content_type]({"user": "x", "pass": "x", "a": [""] * 100})
    assert victim.send("create_session", login, content_type).status == 404


def test_lengths_count_without_white_space_around_a_name_and_composed(victim, clock):
    longest = {"user": " " * 400 + "x" * 320 + "\n", "pass": "e\u0301" * 1024}
    for members in (longest, longest | {"user": "x" * 320 + "\u200b"}):
        answer = call("create_session", body=members)
        assert answer.status == (404 if members is longest else 400)
    too_long = {"user": "x", "pass": "\N{HEBREW LETTER SHIN WITH SHIN DOT}" * 513}  # two, composed
    assert victim.refuses("create_session", json.dumps(too_long), JSON) == ["pass"]


@pytest.mark.parametrize("letter", ["x", "é", "😀"])
def test_the_longest_names_and_password_fit_in_any_spelling(clock, letter):
    members = {"user": letter * 320, "pass": letter * 1024, "name": letter * 64}
    members["rememberMe"] = "false"
    escaped = json.dumps({**members, "rememberMe": False}, indent=1)
    for body, content_type in ((escaped, JSON), (urlencode(members), FORM)):
        answer = call("create_session", raw_body=body, headers={"Content-Type": content_type})
        assert answer.status == 404, len(body)
