"""Bodies that cannot be read, or say what they must not; and some that look so and are fine.

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


# --------------------------------------------------- what is no JSON

# In place of a value, each makes the whole no JSON (RFC 8259), or none that can be read: a reader
# may bound depth and numbers (its section 9). After N. Seriot's corpus, "Parsing JSON is a
# Minefield".
NO_VALUES: dict[str, str | bytes] = {
    "nothing": "",
    "a word": "nonsense",
    "a word in another case": "True",
    "a word cut": "nul",
    "a word prolonged": "truee",
    "NaN": "NaN",
    "-NaN": "-NaN",
    "Infinity": "Infinity",
    "-Infinity": "[-Infinity]",
    "undefined": "undefined",
    "a leading zero": "01",
    "two leading zeros": "-00",
    "a plus sign": "+1",
    "two minus signs": "--1",
    "a minus sign alone": "-",
    "a minus sign and a space": "- 1",
    "a point alone": ".",
    "no digit before the point": ".5",
    "no digit behind the point": "1.",
    "no digit in the exponent": "1e",
    "a sign alone in the exponent": "1e+",
    "two exponents": "1e1e1",
    "an exponent with a point": "1e1.5",
    "an underscore in a number": "1_000",
    "a space in a number": "1 000",
    "a letter behind a number": "1a",
    "a hexadecimal number": "0x1",
    "an octal number": "0o7",
    "a fullwidth digit": "\N{FULLWIDTH DIGIT ONE}",
    "an Arabic digit": "\N{ARABIC-INDIC DIGIT THREE}",
    "an integer of 5,000 digits": "9" * 5000,
    "an integer of 1 MB": "9" * 2**20,
    "a comma alone": "[,]",
    "a trailing comma": "[1,]",
    "a leading comma": "[,1]",
    "two commas": "[1,,2]",
    "no comma": "[1 2]",
    "a colon in an array": "[1:2]",
    "an array that is open": "[1",
    "an array closed twice": "[1]]",
    "an array closed as an object": "[1}",
    "an object closed as an array": '{"a":1]',
    "an object without a colon": '{"a" 1}',
    "an object without a value": '{"a":}',
    "an object without a name": "{:1}",
    "an object with a comma for a colon": '{"a",1}',
    "an object with two colons": '{"a"::1}',
    "an object with a trailing comma": '{"a":1,}',
    "an object of an array's values": '{"a"}',
    "a name that is a number": "{1:1}",
    "a name without quotes": "{a:1}",
    "a name in single quotes": "{'a':1}",
    "a string in single quotes": "'a'",
    "a string in backticks": "`a`",
    "a string that is open": '"a',
    "a string that ends in a backslash": '"\\',
    "an unknown escape": r'"\q"',
    "an escape of another language": r'"\x41"',
    "an escape in capitals": r'"\U0041"',
    "an escape cut": r'"\u00e"',
    "an escape with a sign": r'"\u+0e9"',
    "an escape with a space": r'"\u 0e9"',
    "an escape in fullwidth digits": '"\\u\uff10\uff10\uff14\uff11"',
    "a lone high surrogate": r'"\ud83d"',
    "a lone low surrogate": r'"\ude00"',
    "two high surrogates": r'"\ud83d\ud83d"',
    "surrogates the wrong way round": r'"\ude00\ud83d"',
    "half a surrogate behind a whole one": r'"\ud83d\u00e9"',
    "a surrogate in a name": r'{"\ud800":1}',
    "a raw lone surrogate": '"\ud83d"',
    "a raw line break": '"\n"',
    "a raw carriage return": '"\r"',
    "a raw tab": '"\t"',
    "a raw NUL": '"\0"',
    "a raw escape character": '"\x1b"',
    "a NUL behind": "1\0",
    "a form feed": "\f1",
    "a vertical tab": "\v1",
    "a no-break space": "\xa01",
    "a line separator": "\u20281",
    "a byte order mark": "\ufeff1",
    "a comment": "1 /* one */",
    "a comment to the end of the line": "1 // one\n",
    "a byte that is no UTF-8": b'"\xff"',
    "a byte that is no UTF-8, bare": b"\xff",
    "half a character": b'"\xc3"',
    "an overlong form": b'"\xc0\x80"',
    "a surrogate in bytes": b'"\xed\xa0\x80"',
    "a character beyond Unicode": b'"\xf4\x90\x80\x80"',
    "arrays nested deeply": "[" * 100_000 + "]" * 100_000,
    "objects nested deeply": '{"a":' * 100_000 + "1" + "}" * 100_000,
    "arrays nested deeply, and open": "[" * 100_000,
}

# In place of a value of which nothing depends, each may stand.
VALUES: dict[str, str] = {
    "null": "null",
    "true": "true",
    "zero": "0",
    "minus zero": "-0",
    "minus zero, with an exponent": "-0e-0",
    "a number": "-1.5E+10",
    "a huge float": "1e308",
    "a tiny float": "1e-400",
    "a float of 5,000 digits": "0." + "9" * 5000,
    "an integer of 400 digits": "9" * 400,
    "an empty string": '""',
    "every escape": r'"\"\\\/\b\f\n\r\t\u0000\u001f\u00e9"',
    "a pair of surrogates": r'"\ud83d\ude00"',
    "a pair of surrogates in capitals": r'"\uD83D\uDE00"',
    "a character outside the first plane": '"😀"',
    "a character that is none": r'"\uffff\ufdd0"',
    "a byte order mark in a string": '"\ufeff"',
    "a line separator in a string": '"\u2028\u2029"',
    "a delete character": '"\x7f\x80\x9f"',
    "text from right to left": '"\u202e\u0639"',
    "a string of 1 MB": '"' + "x" * 2**20 + '"',
    "an empty array": "[]",
    "an empty object": "{}",
    "an empty name": '{"":1}',
    "a name twice": '{"a":1,"a":2}',
    "a name that JavaScript knows": '{"__proto__":{"a":1},"constructor":1}',
    "whitespace everywhere": ' \t\r\n[ \t\r\n1 \t\r\n, \t\r\n{ "a" : 1 } ]\n',
    "arrays nested": "[" * 100 + "]" * 100,
    "10,000 values": "[" + "0," * 9_999 + "0]",
    "what a template would fill in": '"${jndi:ldap://127.0.0.1/a} {{7*7}} $context.requestId"',
}

# What one reader takes and another does not; nobody may fail of it.
EITHER_VALUES: dict[str, str] = {
    "a float that is infinite": "1e400",
    "a float that is infinite, and negative": "-1e400",
    "a float with a huge exponent": "1e" + "9" * 400,
    "a float with a huge negative exponent": "1e-" + "9" * 400,
    "an integer of 4,300 digits": "9" * 4300,
    "arrays nested 200 deep": "[" * 200 + "]" * 200,
    "arrays nested 1,000 deep": "[" * 1000 + "]" * 1000,
    "objects nested 1,000 deep": '{"a":' * 1000 + "1" + "}" * 1000,
}


def with_value(good: Members, value: str | bytes) -> str | bytes:
    """Return JSON with an unknown member that has this value."""
    text = json.dumps(good)[:-1] + ', "x": '
    return text.encode() + value + b"}" if isinstance(value, bytes) else f"{text}{value}}}"


# --------------------------------------------------- what cannot be read

_WHOLE: dict[str, Body] = {
    "absent": (None, JSON),
    "absent, and no content type": (None, None),
    "absent, called a form": (None, FORM),
    "absent, called multipart": (None, MULTIPART),
    "empty": ("", JSON),
    "whitespace": (" \r\n\t", JSON),
    "NUL": ("\0", JSON),
    "every byte": (bytes(range(256)), JSON),
    "words": ("user=joe", JSON),
    "a comment": ("/* {} */", JSON),
    "single quotes": ("{'user': 'joe'}", JSON),
    "a member without a value": ('{"user"}', JSON),
    "a trailing comma": ('{"user": "joe",}', JSON),
    "a brace": ("{", JSON),
    "a closing brace": ("}", JSON),
    "two objects": ("{}{}", JSON),
    "two lines of JSON": ("{}\n{}", JSON),
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
    "1 MB of brackets": ("[" * 2**20, JSON),
    "1 MB of NULs": ("\0" * 2**20, JSON),
    "form empty": ("", FORM),
    "form of ampersands": ("&&&", FORM),
    "form of 1 MB of ampersands": ("&" * 2**20, FORM),
    "form of 64 KB of percent signs": ("%" * 2**16, FORM),
    "form of an equals sign": ("=", FORM),
    "form of names without values": ("user&pass&session", FORM),
    "form in UTF-16": ("user=joe&pass=joe&sessions=1".encode("utf-16"), FORM),
    "multipart empty": ("", MULTIPART),
    "multipart of line breaks": ("\r\n" * 1000, MULTIPART),
    "multipart of dashes": ("-" * 10_000, MULTIPART),
    "multipart of boundaries": ("--frontier\r\n" * 10_000, MULTIPART),
    "multipart of 1 MB in one header": (
        "--frontier\r\nContent-Disposition: form-data; name=" + "x" * 2**20,
        MULTIPART,
    ),
    "multipart of 1 MB of headers": ("--frontier\r\n" + "X: y\r\n" * 2**17, MULTIPART),
    "multipart without a field": ("--frontier--\r\n", MULTIPART),
}

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
    **{kind: _fixed(body) for kind, body in _WHOLE.items()},
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

# --------------------------------------------------- what says the wrong thing

WRONG_VALUES = [None, 0, 1, 10**30, 1.5, True, False, [], ["x"], {}, {"x": 1}, ""]
NO_BOOLEANS = [None, 0, 1, 1.0, [], [True], {}, "", "true", "false", "yes"]
NO_LISTS = [None, 0, 1, 1.5, True, False, {}, {"0": 1}, "", "x", "1800000000", "[1800000000]"]

# What is changed in a body that would be taken, and which fields are then wrong.
WRONG: dict[str, list[tuple[Members, list[str]]]] = {
    "create_session": [
        *[({"user": value}, ["user"]) for value in [*WRONG_VALUES, "x" * 321, "x" * 2**20]],
        *[({"pass": value}, ["pass"]) for value in [*WRONG_VALUES, "x" * 1025, "x" * 2**20]],
        *[({"rememberMe": value}, ["rememberMe"]) for value in NO_BOOLEANS],
        ({"user": None, "pass": None, "rememberMe": None}, ["user", "pass", "rememberMe"]),
        ({"rememberMe": 1, "user": 1}, ["user", "rememberMe"]),
        ({"rememberMe": 1, "pass": ""}, ["pass", "rememberMe"]),
        ({"pass": [], "user": []}, ["user", "pass"]),
    ],
    "delete_sessions": [({"sessions": value}, ["sessions"]) for value in NO_LISTS],
}
WRONG_CASES = [
    (operation, changes, fields) for operation, cases in WRONG.items() for changes, fields in cases
]
