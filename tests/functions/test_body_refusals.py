"""Bodies that cannot be read, or say what they must not; and all those that can be read."""

import base64
import json
from typing import Any, NamedTuple

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests.calls import PASSWORD, Person, call, log_in, new_person, stored_rows
from tests.contract import REMEMBERED_SESSION_SECONDS, SESSION_SECONDS, missing
from tests.functions.routes import HEADERS

pytestmark = pytest.mark.usefixtures("aws")

NOW = 1_800_000_000
REQUIRED = {"create_session": ["user", "pass"], "delete_sessions": ["sessions"]}
JSON = "application/json"
FORM = "application/x-www-form-urlencoded"
MULTIPART = "multipart/form-data; boundary=frontier"


class Victim(NamedTuple):
    """A user, and a token of hers, whom no bad body may change."""

    person: Person
    token: str

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
        before = stored_rows(self.person)
        answer = self.send(operation, body, content_type)
        assert answer.status == 400, answer
        assert answer.headers == HEADERS
        assert answer.body == missing(*answer.body["fields"])
        assert stored_rows(self.person) == before
        return answer.body["fields"]


@pytest.fixture(scope="module")
def victim(aws: None) -> Victim:
    from sessions import endpoint  # noqa: PLC0415 - after the environment stands

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(endpoint, "epoch_seconds", lambda: NOW)
        person = new_person()
        token = log_in(person)
        log_in(person)
    return Victim(person, token)


def part(name: str, value: str, disposition: str = "form-data") -> str:
    return f'--frontier\r\nContent-Disposition: {disposition}; name="{name}"\r\n\r\n{value}\r\n'


def multipart(members: dict[str, Any]) -> str:
    fields = [
        part(name, value)
        for name, values in members.items()
        for value in (values if isinstance(values, list) else [values])
    ]
    return "".join(fields) + "--frontier--\r\n"


# --------------------------------------------------- what cannot be read

UNREADABLE: dict[str, tuple[str | bytes | None, str | None]] = {
    "absent": (None, JSON),
    "absent, and no content type": (None, None),
    "empty": ("", JSON),
    "whitespace": (" \r\n\t", JSON),
    "NUL": ("\0", JSON),
    "words": ("user=joe", JSON),
    "a comment": ("/* {} */", JSON),
    "single quotes": ("{'user': 'joe'}", JSON),
    "a member without a value": ('{"user"}', JSON),
    "a trailing comma": ('{"user": "joe",}', JSON),
    "two objects": ("{}{}", JSON),
    "a list": ("[]", JSON),
    "a list of an object": ('[{"user": "joe", "pass": "joe", "sessions": []}]', JSON),
    "a string": ('"{}"', JSON),
    "a number": ("1", JSON),
    "null": ("null", JSON),
    "true": ("true", JSON),
    "NaN alone": ("NaN", JSON),
    "a list nested deeply": ("[" * 100_000, JSON),
    "a list nested deeply, and closed": ("[" * 100_000 + "]" * 100_000, JSON),
    "an object nested deeply": ('{"user":' * 100_000, JSON),
    "JSON called a form without fields": ("{}", FORM),
    "JSON called multipart": ("{}", MULTIPART),
    "form called JSON": ("user=joe&pass=joe&sessions=1", JSON),
    "form called multipart": ("user=joe&pass=joe&sessions=1", MULTIPART),
    "form empty": ("", FORM),
    "form of ampersands": ("&&&", FORM),
    "multipart called JSON": (multipart({"user": "joe"}), JSON),
    "multipart empty": ("", MULTIPART),
    "multipart without a boundary": (multipart({"user": "joe"}), "multipart/form-data"),
    "multipart with an empty boundary": (
        multipart({"user": "joe"}),
        'multipart/form-data; boundary=""',
    ),
    "multipart with another boundary": (
        multipart({"user": "joe"}),
        "multipart/form-data; boundary=other",
    ),
    "multipart without a field": ("--frontier--\r\n", MULTIPART),
    "multipart with two spellings of a boundary": (
        multipart({"user": "joe"}),
        "multipart/form-data; boundary*=frontier; boundary*0=frontier",
    ),
    "base64 of nothing": (b"", JSON),
}


@pytest.mark.parametrize("operation", REQUIRED)
@pytest.mark.parametrize("kind", UNREADABLE)
def test_a_body_that_cannot_be_read_lacks_all_that_is_required(victim, clock, operation, kind):
    assert victim.refuses(operation, *UNREADABLE[kind]) == REQUIRED[operation]


SPOILT = {
    "truncated": lambda text: text[:-1],
    "with more behind": lambda text: text + "x",
    "with NaN": lambda text: text[:-1] + ', "x": NaN}',
    "with Infinity": lambda text: text[:-1] + ', "x": Infinity}',
    "with -Infinity": lambda text: text[:-1] + ', "x": [-Infinity]}',
    "with a lone high surrogate": lambda text: text[:-1] + r', "x": "\ud83d"}',
    "with a lone low surrogate": lambda text: text[:-1] + r', "x": "\ude00"}',
    "with a raw lone surrogate": lambda text: text[:-1] + ', "x": "\ud83d"}',
    "with a raw line break": lambda text: text[:-1] + ', "x": "\n"}',
    "with an unknown escape": lambda text: text[:-1] + r', "x": "\q"}',
    "with a leading zero": lambda text: text[:-1] + ', "x": 01}',
    "with a hexadecimal number": lambda text: text[:-1] + ', "x": 0x1}',
    "with an integer of 5,000 digits": lambda text: text[:-1] + ', "x": ' + "9" * 5000 + "}",
    "nested deeply": lambda text: text[:-1] + ', "x": ' + "[" * 100_000 + "]" * 100_000 + "}",
    "with a BOM": lambda text: "\ufeff" + text,
    "with a BOM, in bytes": lambda text: text.encode("utf-8-sig"),
    "in UTF-16": lambda text: text.encode("utf-16"),
    "in UTF-16 without a BOM": lambda text: text.encode("utf-16-le"),
    "in UTF-32": lambda text: text.encode("utf-32"),
    "with a byte that is no UTF-8": lambda text: text.encode()[:-1] + b', "x": "\xff"}',
    "with an overlong form": lambda text: text.encode()[:-1] + b', "x": "\xc0\x80"}',
    "with a surrogate in bytes": lambda text: text.encode()[:-1] + b', "x": "\xed\xa0\x80"}',
    "compressed": lambda text: base64.b64decode("H4sIAAAAAAACA6uuBQBDv6ajAgAAAA==") + text.encode(),
}


@pytest.mark.parametrize("operation", REQUIRED)
@pytest.mark.parametrize("kind", SPOILT)
def test_a_good_body_of_json_that_is_spoilt_lacks_all_that_is_required(
    victim, clock, operation, kind
):
    body = SPOILT[kind](json.dumps(victim.good(operation)))
    assert victim.refuses(operation, body, JSON) == REQUIRED[operation]


@pytest.mark.parametrize("operation", REQUIRED)
@pytest.mark.parametrize(
    "content_type",
    [
        "text/plain",
        "text/json",
        "text/html; charset=utf-8",
        "application/xml",
        "application/json-patch+json",
        "application/vnd.api+json",
        "application/jsonp",
        "application/x-json",
        "application/octet-stream",
        "application/*",
        "*/*",
        "application",
        "json",
        "/",
        "application/json, text/plain",
        "application/jsön",
        "application/json\r\nX: y",
        "multipart/mixed; boundary=frontier",
        "multipart/json",
        " ; ",
    ],
)
def test_an_unsupported_content_type_is_not_read_whatever_is_in_it(
    victim, clock, operation, content_type
):
    body = json.dumps(victim.good(operation))
    assert victim.refuses(operation, body, content_type) == REQUIRED[operation]


@pytest.mark.parametrize("operation", REQUIRED)
@pytest.mark.parametrize(
    "body", ["{}", '{"user":"joe","pass":"joe","sessions":[]}', "=", "====", "e30", "é", "e3=0"]
)
def test_what_is_said_to_be_base64_and_is_not_cannot_be_read(victim, clock, operation, body):
    answer = call(operation, victim.token, raw_body=body, is_base64=True)
    assert (answer.status, answer.body) == (400, missing(*REQUIRED[operation]))


SPOILT_FORMS = {
    "a byte that is no UTF-8": lambda text: text.encode() + b"&x=\xff",
    "an escape that is no UTF-8": lambda text: text + "&x=%FF",
    "a name that is no UTF-8": lambda text: text + "&%FF=x",
    "half of a character": lambda text: text + "&x=%C3",
    "a surrogate": lambda text: text + "&x=%ED%A0%80",
    "a raw surrogate": lambda text: text + "&x=\ud800",
}


@pytest.mark.parametrize("operation", REQUIRED)
@pytest.mark.parametrize("kind", SPOILT_FORMS)
def test_a_good_form_that_is_spoilt_lacks_all_that_is_required(victim, clock, operation, kind):
    good = "&".join(
        f"{name}={value[0] if isinstance(value, list) else value}"
        for name, value in victim.good(operation).items()
    )
    body = SPOILT_FORMS[kind](good)
    assert victim.refuses(operation, body, FORM) == REQUIRED[operation]


SPOILT_MULTIPARTS = {
    "truncated in the last boundary": lambda text: text[:-4],
    "truncated before the last boundary": lambda text: text[: text.rindex("--frontier--")],
    "truncated in a value": lambda text: text[: text.rindex("\r\n--frontier--") - 1],
    "truncated in a header": lambda text: text[: text.rindex("name=")],
    "a part without a name": lambda text: part("x", "y").replace('; name="x"', "") + text,
    "a part without a disposition": lambda text: "--frontier\r\n\r\nx\r\n" + text,
    "a part of another disposition": lambda text: part("x", "y", "attachment") + text,
    "a header that is none": lambda text: "--frontier\r\nnonsense\r\n\r\nx\r\n" + text,
    "line breaks without carriage returns": lambda text: text.replace("\r\n", "\n"),
    "a value that is no UTF-8": lambda text: (
        part("x", "?").encode().replace(b"?", b"\xff") + text.encode()
    ),
}


@pytest.mark.parametrize("operation", REQUIRED)
@pytest.mark.parametrize("kind", SPOILT_MULTIPARTS)
def test_a_good_multipart_that_is_spoilt_lacks_all_that_is_required(victim, clock, operation, kind):
    body = SPOILT_MULTIPARTS[kind](multipart(victim.good(operation)))
    assert victim.refuses(operation, body, MULTIPART) == REQUIRED[operation]


# --------------------------------------------------- what says the wrong thing

WRONG_VALUES = [None, 0, 1, 10**30, 1.5, True, False, [], ["x"], {}, {"x": 1}, ""]
NO_TEXTS = WRONG_VALUES
NO_BOOLEANS = [None, 0, 1, 1.0, [], [True], {}, "", "true", "false", "yes"]
NO_LISTS = [None, 0, 1, 1.5, True, False, {}, {"0": 1}, "", "x", "1800000000", "[1800000000]"]


@pytest.mark.parametrize(
    ("changes", "fields"),
    [
        *[({"user": value}, ["user"]) for value in [*NO_TEXTS, "x" * 321]],
        *[({"pass": value}, ["pass"]) for value in [*NO_TEXTS, "x" * 1025]],
        *[({"rememberMe": value}, ["rememberMe"]) for value in NO_BOOLEANS],
        ({"user": None, "pass": None, "rememberMe": None}, ["user", "pass", "rememberMe"]),
        ({"rememberMe": 1, "user": 1}, ["user", "rememberMe"]),
        ({"rememberMe": 1, "pass": ""}, ["pass", "rememberMe"]),
        ({"pass": [], "user": []}, ["user", "pass"]),
    ],
)
def test_exactly_the_wrong_fields_of_a_log_in_are_named(victim, clock, changes, fields):
    body = json.dumps({**victim.good("create_session"), **changes})
    assert victim.refuses("create_session", body, JSON) == fields


@pytest.mark.parametrize(
    ("absent", "fields"),
    [(["user"], ["user"]), (["pass"], ["pass"]), (["pass", "user"], ["user", "pass"])],
)
def test_exactly_the_absent_fields_of_a_log_in_are_named(victim, clock, absent, fields):
    body = {k: v for k, v in victim.good("create_session").items() if k not in absent}
    assert victim.refuses("create_session", json.dumps(body), JSON) == fields


@pytest.mark.parametrize("value", NO_LISTS)
def test_sessions_that_are_no_array_are_named(victim, clock, value):
    body = json.dumps({"sessions": value})
    assert victim.refuses("delete_sessions", body, JSON) == ["sessions"]


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
    if content_type == MULTIPART:
        body = multipart(members)
    else:
        body = "&".join(
            f"{name}={value}"
            for name, values in members.items()
            for value in (values if isinstance(values, list) else [values])
        )
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
def test_every_content_type_logs_in(victim, clock, content_type, body, encode):
    text = body.format(victim.person.username, PASSWORD)
    answer = victim.send("create_session", encode(text), content_type)
    assert answer.status == 201
    current = call("get_current_session", answer.body["token"])
    assert current.body["sub"] == victim.person.id


@pytest.mark.parametrize(
    ("value", "seconds"), [("true", REMEMBERED_SESSION_SECONDS), ("false", SESSION_SECONDS)]
)
@pytest.mark.parametrize("content_type", [FORM, MULTIPART])
def test_a_form_says_true_or_false_in_words(clock, content_type, value, seconds):
    person = new_person()
    members = {"user": person.email, "pass": PASSWORD, "rememberMe": value}
    body = (
        multipart(members)
        if content_type == MULTIPART
        else "&".join(f"{name}={value}" for name, value in members.items())
    )
    answer = call("create_session", raw_body=body, headers={"Content-Type": content_type})
    assert (answer.status, answer.body["exp"]) == (201, clock.now + seconds)


@pytest.mark.parametrize("password", ["a+b&c=d%20e", "100%", "%zz", " x ", "ü\r\n", "😀", "a;b"])
def test_a_password_comes_whole_through_every_content_type(clock, password):
    from urllib.parse import urlencode  # noqa: PLC0415 - here alone

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


# --------------------------------------------------- whatever comes


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
    body = multipart({"user": "nobody", "pass": "x"})
    assert victim.send("create_session", body, content_type).status in {400, 404}


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
