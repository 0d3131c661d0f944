"""Bodies that cannot be read or have wrong fields; and values that look wrong and are fine.

They go through the handlers (tests/functions/test_body_refusals.py) and over HTTP
(tests/gateway/test_hostile_input.py).
"""

import base64
import json
from collections.abc import Callable
from typing import Any

JSON = "application/json"
FORM = "application/x-www-form-urlencoded"
MULTIPART = "multipart/form-data; boundary=frontier"

REQUIRED = {"create_session": ["user", "pass"], "delete_sessions": ["sessions"]}

Members = dict[str, Any]
# Content, which is text, bytes or absent, and content type.
Body = tuple[str | bytes | None, str | None]


def part(name: str, value: str, disposition: str = "form-data") -> str:
    return f'--frontier\r\nContent-Disposition: {disposition}; name="{name}"\r\n\r\n{value}\r\n'


def multipart(members: Members) -> str:
    fields = [part(name, value) for name, value in _pairs(members)]
    return "".join(fields) + "--frontier--\r\n"


def form(members: Members) -> str:
    return "&".join(f"{name}={value}" for name, value in _pairs(members))


def _pairs(members: Members) -> list[tuple[str, Any]]:
    return [
        (name, value)
        for name, values in members.items()
        for value in (values if isinstance(values, list) else [values])
    ]


# --------------------------------------------------- values


def named(*values: Any) -> dict[str, Any]:
    """Return the values by how they begin, and by their length where that is not all."""
    return {
        ascii(value) if len(value) <= 40 else f"{value[:12]!a} of {len(value)}": value
        for value in values
    }


# In place of a value, each makes the whole no JSON (RFC 8259), or none that can be read: a reader
# may bound depth and numbers (its section 9). After N. Seriot's corpus, "Parsing JSON is a
# Minefield".
NO_VALUES: dict[str, str | bytes] = named(
    # Words
    *("", "nonsense", "True", "nul", "truee", "undefined"),
    *("NaN", "-NaN", "Infinity", "[-Infinity]"),
    # Numbers
    *("01", "-00", "+1", "--1", "-", "- 1", ".", ".5", "1.", "1e", "1e+", "1e1e1", "1e1.5"),
    *("1_000", "1 000", "1a", "0x1", "0o7"),
    *("\N{FULLWIDTH DIGIT ONE}", "\N{ARABIC-INDIC DIGIT THREE}", "9" * 5000, "9" * 10_000),
    # Arrays and objects
    *("[,]", "[1,]", "[,1]", "[1,,2]", "[1 2]", "[1:2]", "[1", "[1]]", "[1}", '{"a":1]'),
    *('{"a" 1}', '{"a":}', "{:1}", '{"a",1}', '{"a"::1}', '{"a":1,}', '{"a"}'),
    *("{1:1}", "{a:1}", "{'a':1}"),
    *("[" * 10_000, '{"a":' * 2_500),
    # Strings
    *("'a'", "`a`", '"a', '"\\', r'"\q"', r'"\x41"', r'"\U0041"', r'"\u00e"', r'"\u+0e9"'),
    *(r'"\u 0e9"', '"\\u\uff10\uff10\uff14\uff11"'),
    *('"\n"', '"\r"', '"\t"', '"\0"', '"\x1b"'),
    # Halves of a surrogate pair
    *(r'"\ud83d"', r'"\ude00"', r'"\ud83d\ud83d"', r'"\ude00\ud83d"', r'"\ud83d\u00e9"'),
    *(r'{"\ud800":1}', '"\ud83d"'),
    # Around a value
    *("1\0", "\f1", "\v1", "\xa01", "\u20281", "\ufeff1", "1 /* one */", "1 // one\n"),
    # Bytes that are no UTF-8
    *(b'"\xff"', b"\xff", b'"\xc3"', b'"\xc0\x80"', b'"\xed\xa0\x80"', b'"\xf4\x90\x80\x80"'),
)

# In place of a value on which nothing depends, each may stand.
VALUES: dict[str, str] = named(
    *("null", "true", "0", "-0", "-0e-0", "-1.5E+10", "1e308", "1e-400", "9" * 400),
    *("0." + "9" * 5000, '""', r'"\"\\\/\b\f\n\r\t\u0000\u001f\u00e9"'),
    *(r'"\ud83d\ude00"', r'"\uD83D\uDE00"', '"😀"', r'"\uffff\ufdd0"', '"\ufeff"'),
    *('"\u2028\u2029"', '"\x7f\x80\x9f"', '"\u202e\u0639"', '"' + "x" * 10_000 + '"'),
    *("[]", "{}", '{"":1}', '{"a":1,"a":2}', '{"__proto__":{"a":1},"constructor":1}'),
    ' \t\r\n[ \t\r\n1 \t\r\n, \t\r\n{ "a" : 1 } ]\n',
    *("[" * 100 + "]" * 100, "[" + "0," * 9_999 + "0]"),
    '"${jndi:ldap://127.0.0.1/a} {{7*7}} $context.requestId"',
)

# Some readers take these and others do not; none may fail because of them.
EITHER_VALUES: dict[str, str] = named(
    *("1e400", "-1e400", "1e" + "9" * 400, "1e-" + "9" * 400, "9" * 4300),
    *("[" * 200 + "]" * 200, "[" * 1000 + "]" * 1000, '{"a":' * 1000 + "1" + "}" * 1000),
    *("[" * 60_000 + "]" * 60_000, '{"a":' * 20_000 + "1" + "}" * 20_000),
)


def with_value(good: Members, value: str | bytes) -> str | bytes:
    """Return JSON with an unknown member that has this value."""
    text = json.dumps(good)[:-1] + ', "x": '
    return text.encode() + value + b"}" if isinstance(value, bytes) else f"{text}{value}}}"


# --------------------------------------------------- unreadable bodies

_WHOLE: list[Body] = [
    *((None, content_type) for content_type in (JSON, None, FORM, MULTIPART)),
    *((text, JSON) for text in ("", " \r\n\t", "\0", "user=joe", "{", "}", "{}{}", "{}\n{}")),
    *((text, JSON) for text in ("[]", '"{}"', "1", "null", "true", "[" * 10_000, "\0" * 10_000)),
    ('[{"user": "joe", "pass": "joe", "sessions": []}]', JSON),
    (bytes(range(256)), JSON),
    *((text, FORM) for text in ("", "&&&", "=", "user&pass&session", "&" * 10_000, "%" * 10_000)),
    ("user=joe&pass=joe&sessions=1".encode("utf-16"), FORM),
    *((text, MULTIPART) for text in ("", "\r\n" * 1000, "-" * 10_000, "--frontier--\r\n")),
    ("--frontier\r\n" * 1_000, MULTIPART),
    ("--frontier\r\nContent-Disposition: form-data; name=" + "x" * 10_000, MULTIPART),
    ("--frontier\r\n" + "X: y\r\n" * 2_000, MULTIPART),
]

_SPOILT_JSON: dict[str, Callable[[str], str | bytes]] = {
    "truncated": lambda text: text[:-1],
    "cut in half": lambda text: text[: len(text) // 2],
    "with more behind": lambda text: text + "x",
    "with a NUL behind": lambda text: text + "\0",
    "twice": lambda text: text + text,
    "in a list": lambda text: f"[{text}]",
    "in a string": json.dumps,
    "in brackets": lambda text: f"({text})",
    "behind the prefix against inclusion": lambda text: ")]}',\n" + text,
    "with a callback": lambda text: f"f({text});",
    "with a BOM": lambda text: "\ufeff" + text,
    "with a BOM, in bytes": lambda text: text.encode("utf-8-sig"),
    "in UTF-16": lambda text: text.encode("utf-16"),
    "in UTF-16 without a BOM": lambda text: text.encode("utf-16-le"),
    "in UTF-16, the other way round": lambda text: text.encode("utf-16-be"),
    "in UTF-32": lambda text: text.encode("utf-32"),
    "in UTF-7": lambda text: text.replace("{", "+AHs-"),
    "percent-escaped": lambda text: text.replace("{", "%7B"),
    "in base64": lambda text: base64.b64encode(text.encode()).decode(),
    "compressed": lambda text: base64.b64decode("H4sIAAAAAAACA6uuBQBDv6ajAgAAAA==") + text.encode(),
}

_SPOILT_FORM: dict[str, Callable[[str], str | bytes]] = {
    "a byte that is no UTF-8": lambda text: text.encode() + b"&x=\xff",
    "an escape that is no UTF-8": lambda text: text + "&x=%FF",
    "a name that is no UTF-8": lambda text: text + "&%FF=x",
    "half of a character": lambda text: text + "&x=%C3",
    "an overlong form": lambda text: text + "&x=%C0%80",
    "a surrogate": lambda text: text + "&x=%ED%A0%80",
    "a raw surrogate": lambda text: text + "&x=\ud800",
}

_SPOILT_MULTIPART: dict[str, Callable[[str], str | bytes]] = {
    "truncated in the last boundary": lambda text: text[:-4],
    "truncated before the last boundary": lambda text: text[: text.rindex("--frontier--")],
    "truncated in a value": lambda text: text[: text.rindex("\r\n--frontier--") - 1],
    "truncated in a header": lambda text: text[: text.rindex("name=")],
    "a part without a name": lambda text: part("x", "y").replace('; name="x"', "") + text,
    "a part without a disposition": lambda text: "--frontier\r\n\r\nx\r\n" + text,
    "a part of another disposition": lambda text: part("x", "y", "attachment") + text,
    "a header that is none": lambda text: "--frontier\r\nnonsense\r\n\r\nx\r\n" + text,
    "a header without a name": lambda text: "--frontier\r\n: x\r\n\r\nx\r\n" + text,
    "a header that is no UTF-8": lambda text: (
        part("?", "x").encode().replace(b"?", b"\xff") + text.encode()
    ),
    "line breaks without carriage returns": lambda text: text.replace("\r\n", "\n"),
    "carriage returns without line breaks": lambda text: text.replace("\r\n", "\r"),
    "a value that is no UTF-8": lambda text: (
        part("x", "?").encode().replace(b"?", b"\xff") + text.encode()
    ),
    "a value in UTF-16": lambda text: (
        part("x", "?").encode().replace(b"?", "é".encode("utf-16")) + text.encode()
    ),
}

_LYING_TYPES = {
    "multipart without a boundary": "multipart/form-data",
    "multipart with an empty boundary": 'multipart/form-data; boundary=""',
    "multipart with another boundary": "multipart/form-data; boundary=other",
    "multipart with a boundary in another case": "multipart/form-data; boundary=Frontier",
    "multipart with a boundary cut": "multipart/form-data; boundary=front",
    "multipart with the dashes in the boundary": "multipart/form-data; boundary=--frontier",
    "multipart with a boundary that is open": 'multipart/form-data; boundary="frontier2',
    "multipart with a boundary of 10 KB": "multipart/form-data; boundary=" + "x" * 10_000,
    "multipart with two spellings of a boundary": (
        "multipart/form-data; boundary*=frontier; boundary*0=frontier"
    ),
}

UNSUPPORTED_TYPES = [
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
    "application/json\0",
    "application/json\N{NO-BREAK SPACE}x",
    "application /json",
    "multipart/mixed; boundary=frontier",
    "multipart/json",
    "multipart/form-data, application/json",
    " ; ",
    "x" * 10_000,
]

_WRITERS: dict[str, tuple[Callable[[Members], str], str]] = {
    "JSON": (json.dumps, JSON),
    "a form": (form, FORM),
    "multipart": (multipart, MULTIPART),
}


def _fixed(body: Body) -> Callable[[Members], Body]:
    return lambda _: body


def _spoilt(
    write: Callable[[Members], str], spoil: Callable[[str], str | bytes], content_type: str
) -> Callable[[Members], Body]:
    return lambda good: (spoil(write(good)), content_type)


def _written(write: Callable[[Members], str], content_type: str) -> Callable[[Members], Body]:
    return lambda good: (write(good), content_type)


# Each makes of members that would be taken a body that is not: all that is required is missing.
UNREADABLE: dict[str, Callable[[Members], Body]] = {
    **{
        f"{kind} as {content_type}": _fixed((content, content_type))
        for content, content_type in _WHOLE
        for kind in (["absent"] if content is None else named(content))
    },
    **{
        f"JSON with {kind} for a value": (lambda good, value=value: (with_value(good, value), JSON))
        for kind, value in NO_VALUES.items()
    },
    **{f"JSON {kind}": _spoilt(json.dumps, spoil, JSON) for kind, spoil in _SPOILT_JSON.items()},
    **{f"form with {kind}": _spoilt(form, spoil, FORM) for kind, spoil in _SPOILT_FORM.items()},
    **{
        f"multipart, {kind}": _spoilt(multipart, spoil, MULTIPART)
        for kind, spoil in _SPOILT_MULTIPART.items()
    },
    **{kind: _written(multipart, lie) for kind, lie in _LYING_TYPES.items()},
    **{
        f"{kind} called {other}": _written(write, content_type)
        for kind, (write, _) in _WRITERS.items()
        for other, (_, content_type) in _WRITERS.items()
        if other != kind
    },
    **{
        f"JSON called {content_type[:40]!r}": _written(json.dumps, content_type)
        for content_type in UNSUPPORTED_TYPES
    },
}

NO_BASE64 = ["{}", '{"user":"joe","pass":"joe","sessions":[]}', "=", "====", "e30", "é", "e3=0"]

# --------------------------------------------------- wrong fields

WRONG_VALUES = [None, 0, 1, 10**30, 1.5, True, False, [], ["x"], {}, {"x": 1}, ""]
BLANK = [
    " ",
    "\t\r\n",
    "\N{NO-BREAK SPACE}\N{IDEOGRAPHIC SPACE}",
]  # white space around a name is dropped
NO_BOOLEANS = [0, 1, 1.0, [], [True], {}, "", "true", "false", "yes"]
NO_LISTS = [None, 0, 1, 1.5, True, False, {}, {"0": 1}, "", "x", "1800000000", "[1800000000]"]

# Changes of a body that would be taken, and the fields that are then wrong.
WRONG: dict[str, list[tuple[Members, list[str]]]] = {
    "create_session": [
        *[
            ({"user": value}, ["user"])
            for value in [*WRONG_VALUES, *BLANK, "x" * 321, "x" * 10_000]
        ],
        *[({"pass": value}, ["pass"]) for value in [*WRONG_VALUES, "x" * 1025, "x" * 10_000]],
        *[({"rememberMe": value}, ["rememberMe"]) for value in NO_BOOLEANS],
        ({"user": None, "pass": None, "rememberMe": None}, ["user", "pass"]),
        ({"rememberMe": 1, "user": 1}, ["user", "rememberMe"]),
        ({"rememberMe": 1, "pass": ""}, ["pass", "rememberMe"]),
        ({"pass": [], "user": []}, ["user", "pass"]),
    ],
    "delete_sessions": [({"sessions": value}, ["sessions"]) for value in NO_LISTS],
}
WRONG_CASES = [
    (operation, changes, fields) for operation, cases in WRONG.items() for changes, fields in cases
]
