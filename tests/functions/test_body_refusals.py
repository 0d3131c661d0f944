"""Bodies that cannot be read, or say what they must not; and all those that can be read."""

import base64
import json
from typing import Any, NamedTuple
from urllib.parse import urlencode

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from sessions.body import LARGEST_BODY_BYTES
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


class Victim(NamedTuple):
    """A user with two sessions and a token, and the user's rows, which no bad body may change."""

    person: Person
    token: str
    rows: dict[str, Any]

    def good(self, operation: str) -> dict[str, Any]:
        """Return a body that would be taken."""
        if operation == "create_session":
            return {"user": self.person.username, "pass": PASSWORD}
        return {"sessions": [NOW + 1]}

    def send(self, operation: str, body: str | bytes | None, content_type: str | None) -> Any:
        """Send a body; bytes go in base64, as the gateway hands on what is no text."""
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
    """A user who logs in."""
    return new_person()


@pytest.mark.parametrize("operation", REQUIRED)
@pytest.mark.parametrize("kind", UNREADABLE)
def test_a_body_that_cannot_be_read_lacks_all_that_is_required(victim, clock, operation, kind):
    body = UNREADABLE[kind](victim.good(operation))
    assert victim.refuses(operation, *body) == REQUIRED[operation]


@pytest.mark.parametrize("operation", REQUIRED)
@pytest.mark.parametrize("body", NO_BASE64)
def test_what_is_said_to_be_base64_and_is_not_cannot_be_read(victim, clock, operation, body):
    answer = call(operation, victim.token, raw_body=body, is_base64=True)
    assert (answer.status, answer.body) == (400, missing(*REQUIRED[operation]))


@pytest.mark.parametrize("operation", REQUIRED)
def test_base64_of_nothing_cannot_be_read(victim, clock, operation):
    assert victim.refuses(operation, b"", JSON) == REQUIRED[operation]


# --------------------------------------------------- what says the wrong thing


@pytest.mark.parametrize(("operation", "changes", "fields"), WRONG_CASES)
def test_exactly_the_wrong_fields_are_named(victim, clock, operation, changes, fields):
    body = json.dumps({**victim.good(operation), **changes})
    assert victim.refuses(operation, body, JSON) == fields


@pytest.mark.parametrize(
    ("absent", "fields"),
    [(["user"], ["user"]), (["pass"], ["pass"]), (["pass", "user"], ["user", "pass"])],
)
def test_exactly_the_absent_fields_of_a_log_in_are_named(victim, clock, absent, fields):
    body = {k: v for k, v in victim.good("create_session").items() if k not in absent}
    assert victim.refuses("create_session", json.dumps(body), JSON) == fields


@pytest.mark.parametrize("body", ["{}", '{"Sessions": []}', '{"sessions[]": [1]}'])
def test_sessions_that_are_absent_are_named(victim, clock, body):
    assert victim.refuses("delete_sessions", body, JSON) == ["sessions"]


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
        ({"user": "", "pass": ""}, ["user", "pass"]),
        ({"pass": "x" * 1025}, ["pass"]),
    ],
)
def test_exactly_the_wrong_fields_of_a_form_are_named(victim, clock, content_type, changes, fields):
    members = {**victim.good("create_session"), **changes}
    body = multipart(members) if content_type == MULTIPART else form(members)
    assert victim.refuses("create_session", body, content_type) == fields


def test_a_file_is_no_field(victim, clock):
    body = multipart(victim.good("create_session"))
    body = body.replace('name="pass"', 'name="pass"; filename="pass.txt"')
    assert victim.refuses("create_session", body, MULTIPART) == ["pass"]
    body = multipart({"sessions": NOW + 1}).replace("sessions", 'sessions"; filename="x')
    assert victim.refuses("delete_sessions", body, MULTIPART) == ["sessions"]


# --------------------------------------------------- what is fine

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
    (FORM, "user={0}&pass={1}"),
    (FORM, "pass={1}&user={0}&rememberMe=false&other=%20&x"),
    (f"{FORM}; charset=UTF-8", "%75ser={0}&pass={1}"),
    (FORM.upper(), "user={0}&pass=correct+horse%20battery+staple"),
    (MULTIPART, multipart({"user": "{0}", "pass": "{1}"})),
    # Whatever a part says of its charset, it is UTF-8 (RFC 7578, section 5.1.2).
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


@pytest.mark.parametrize("encode", [str, str.encode])
@pytest.mark.parametrize(("content_type", "body"), GOOD)
def test_every_content_type_logs_in(victim, member, clock, content_type, body, encode):
    text = body.format(member.username, PASSWORD)
    answer = victim.send("create_session", encode(text), content_type)
    assert answer.status == 201
    current = call("get_current_session", answer.body["token"])
    assert current.body["sub"] == member.id


@pytest.mark.parametrize(
    ("value", "seconds"), [("true", REMEMBERED_SESSION_SECONDS), ("false", SESSION_SECONDS)]
)
@pytest.mark.parametrize("content_type", [FORM, MULTIPART])
def test_a_form_says_true_or_false_in_words(clock, content_type, value, seconds):
    person = new_person()
    members = {"user": person.email, "pass": PASSWORD, "rememberMe": value}
    body = multipart(members) if content_type == MULTIPART else form(members)
    answer = call("create_session", raw_body=body, headers={"Content-Type": content_type})
    assert (answer.status, answer.body["exp"]) == (201, clock.now + seconds)


@pytest.mark.parametrize("password", ["a+b&c=d%20e", "100%", "%zz", " x ", "ü\r\n", "😀", "a;b"])
def test_a_password_comes_whole_through_every_content_type(clock, password):
    person = new_person(password=password)
    members = {"user": person.username, "pass": password}
    for content_type, body in [
        (JSON, json.dumps(members)),
        (JSON, json.dumps(members, ensure_ascii=False)),
        (FORM, urlencode(members)),
        (MULTIPART, multipart(members)),
    ]:
        answer = call("create_session", raw_body=body, headers={"Content-Type": content_type})
        assert answer.status == 201, content_type


@pytest.mark.parametrize("password", ["100%", "%zz", "%", "%e"])
def test_a_percent_sign_that_escapes_nothing_stands_for_itself(clock, password):
    # WHATWG's URL Standard, "percent-decode": so browsers and servers read it.
    person = new_person(password=password)
    body = f"user={person.username}&pass={password}"
    answer = call("create_session", raw_body=body, headers={"Content-Type": FORM})
    assert answer.status == 201


@pytest.mark.parametrize("kind", VALUES)
def test_an_unknown_field_may_have_any_value_of_json(victim, clock, kind):
    body = with_value({"sessions": []}, VALUES[kind])
    answer = victim.send("delete_sessions", body, JSON)
    assert (answer.status, answer.body) == (200, {"count": 0, "type": "session"})


# --------------------------------------------------- whatever comes


@pytest.mark.parametrize("kind", EITHER_VALUES)
def test_what_some_take_for_json_is_taken_or_refused(victim, clock, kind):
    body = with_value({"sessions": []}, EITHER_VALUES[kind])
    answer = victim.send("delete_sessions", body, JSON)
    assert (answer.status, answer.body) in [
        (200, {"count": 0, "type": "session"}),
        (400, missing("sessions")),
    ]


@settings(max_examples=60)
@given(body=st.text() | st.binary(), content_type=st.sampled_from([JSON, FORM, MULTIPART, None]))
def test_no_body_makes_a_mistake_of_ours(victim, clock, body, content_type):
    assert victim.send("create_session", body, content_type).status in {400, 404}


PIECES = st.sampled_from(
    [
        *("multipart/form-data", "application/json", "boundary", "charset", "frontier", "utf-8''"),
        *(";", "=", ",", "/", "*", "*0", "*1*", '"', "'", "%", "%41", chr(92), " ", "ü"),
    ]
)


@example(content_type="multipart/form-data; boundary*=frontier; boundary*0=frontier")
@given(content_type=st.lists(PIECES, max_size=12).map("".join) | st.text())
def test_no_content_type_makes_a_mistake_of_ours(victim, clock, content_type):
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
def test_no_array_of_sessions_makes_a_mistake_of_ours(victim, clock, sessions):
    answer = victim.send("delete_sessions", json.dumps({"sessions": sessions}), JSON)
    assert (answer.status, answer.body) == (200, {"count": 0, "type": "session"})


@pytest.mark.parametrize("is_base64", [False, True])
@pytest.mark.parametrize("operation", ["create_session", "delete_sessions"])
def test_a_body_of_over_two_megabytes_is_refused_before_it_is_read(
    victim, clock, operation, is_base64
):
    most = "{}".rjust(LARGEST_BODY_BYTES)
    for body, status in ((most, 400), (" " + most, 413)):
        raw_body = base64.b64encode(body.encode()).decode() if is_base64 else body
        token = victim.token if operation == "delete_sessions" else None
        answer = call(operation, token, raw_body=raw_body, is_base64=is_base64)
        assert answer.status == status
    assert (answer.body, answer.headers) == (BODY_TOO_LARGE, HEADERS)
    assert stored_rows(victim.person) == victim.rows
