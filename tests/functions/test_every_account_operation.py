"""The rules of all account operations: their input, their user and their audit line."""

import json
from types import SimpleNamespace

import pytest

from sessions.dynamodb import USERS
from sessions.errors import AccountError, InvalidInput, Unavailable, UnknownUser
from tests.support.calls import invoke
from tests.support.contract import REMEMBERED_SESSION_SECONDS, TEMPLATE
from tests.support.faults import FAULTS, befalling, inject
from tests.support.leaks import PASSWORD
from tests.support.operations import ACCOUNT_OPERATIONS, ON_A_USER
from tests.support.people import log_in, new_person
from tests.support.rows import tables

pytestmark = pytest.mark.usefixtures("aws")

WIDEST = "ﷺ"  # one character, which is 33 bytes once it is normalised
ACTOR = "ops@example.com"

NO_OBJECTS = [[], None, 5, "text"]
NO_ACTORS = [5, "", "x" * 257]
NO_SELECTORS = {
    "login or id, one of them": [{}, {"login": None}, {"login": "x", "id": "x"}],
    "login": [{"login": value} for value in (5, "", " \n", "x" * 321)],
    "id": [{"id": value} for value in (5, "", "x" * 257, "session_epoch#0", "a b")],
}
UNKNOWN = [{"login": "unknown"}, {"login": WIDEST * 320}, {"id": "unknown"}, {"id": "x" * 256}]

UNREADABLE = "it has white space, a control character or an undefined one"
UNSHOWN = "it has a character that cannot be seen, or none that can"
NO_ADDRESS = "it is no IP address"
BOTH = (True, False)
INVISIBLE, NOWHERE = "nothing in it is visible", "nothing is visible before or after its @"
NO_NAMES = {
    "username": {
        None: ["", " ", 5, ["x"], "x" * 65, "\ud800"],
        UNREADABLE: [
            "a b",
            "a\nb",
            "a\0",
            "a\x7f",
            "a\x9b",
            "a\N{NO-BREAK SPACE}b",
            "\u0378",
            "\uffff",
        ],
        # However the @ is written.
        "it is an address": ["x@example.com", "@", "x\N{FULLWIDTH COMMERCIAL AT}y", "x\ufe6by"],
        INVISIBLE: ["\u200b", "\u3164\u034f", "\N{BRAILLE PATTERN BLANK}", "\u0301"],
        "it is too long": [WIDEST * 63],  # for a key
    },
    "email": {
        None: ["", 5, "x", "@example.com", "x@", "x@y@z", "x@" + "z" * 319],
        UNREADABLE: ["x y@z", "x\n@z", "a\0@example.com", "a@example.com\x1b[31m"],
        "it has a second @": ["x\N{FULLWIDTH COMMERCIAL AT}y@z"],
        NOWHERE: ["\u200b@z", "x@\u3164"],
        "it is too long": [WIDEST * 62 + "@xy"],
        "its domain is no domain name": ["x@\N{SNOWMAN}.example", "x@xn--0.example", "x@" + WIDEST],
    },
}
LONGEST, FEWEST = 1024, TEMPLATE.parameters["MinPasswordCharacters"]
NO_PASSWORDS = {
    None: ["", 12345678, True, "\udfff"],
    # A canary: see tests/support/leaks.py. Each character counts once it is composed.
    f"it has more than {LONGEST} characters": [
        PASSWORD * 37,
        "\N{HEBREW LETTER SHIN WITH SHIN DOT}" * 513,
    ],
    f"it has fewer than {FEWEST} characters": ["x" * (FEWEST - 1), "e\u0301" * (FEWEST - 1)],
    "it has a control character or an undefined one": [
        f"{PASSWORD}\n",
        f"\0{PASSWORD}",
        f"{PASSWORD}\u0378",
    ],
}


def cases(name, values):
    """Return a change for each value of a field, and the error's words."""
    return [
        ({name: value}, name if reason is None else f"{name} ({reason})")
        for reason, wrong in values.items()
        for value in wrong
    ]


NAMES = [case for name in NO_NAMES for case in cases(name, NO_NAMES[name])]
PASSWORDS = cases("password", NO_PASSWORDS)

# Every line of the log has these.
OF_EVERY_LINE = {"correlation_id", "location", "message", "service", "timestamp"}

ABSENT = object()
# Changes of an operation's usual input, and the error's words.
WRONG = {
    "create_user": [
        *NAMES,
        *PASSWORDS,
        *[({name: value}, name) for name in NO_NAMES for value in (None, ABSENT)],
        ({"password": 1, "username": 1, "email": 1}, "username, email, password"),
    ],
    "rename_user": [
        *NAMES,
        ({"username": 5, "email": "\u200b@z"}, f"username, email ({NOWHERE})"),
        *[({"username": value}, "username or email, or both") for value in (None, ABSENT)],
    ],
    "set_password": [
        *PASSWORDS,
        *[({"password": value}, "password") for value in (None, ABSENT)],
        ({"keep_sessions": "yes"}, "keep_sessions"),
    ],
    "ban_user": [
        ({"until": 1}, "until, which is in the past"),
        *[({"until": value}, "until") for value in ("tomorrow", 10**12)],
        *[({"reason": value}, "reason") for value in ("", 5, "x" * 513)],
    ],
    "unban_user": [({"revoke_sessions": 1}, "revoke_sessions")],
    "revoke_user_sessions": [
        ({"all": ABSENT}, "sessions or all, one of them"),
        ({"sessions": [1]}, "sessions or all, one of them"),
        ({"all": "yes"}, "all"),
        ({"sessions": 5}, "sessions"),
        *[({"all": False, "sessions": [1, value]}, "sessions") for value in ("x", True)],
    ],
    "revoke_everyone": [({"everyone": value}, "everyone") for value in (ABSENT, False, 1)],
    "issue_session": [
        *[({"method": value}, "method") for value in (ABSENT, "", 5, "x" * 33, "Passkey", "a b")],
        *[({"method": value}, "method") for value in ("é", "otp\n", "a/b")],
        *[({"seconds": value}, "seconds") for value in (0, -1, 1.5, "9", True)],
        ({"seconds": REMEMBERED_SESSION_SECONDS + 1}, "seconds"),
        ({"remember": "yes"}, "remember"),
        *[({"seconds": 9, "remember": it}, "seconds or remember, one of them") for it in BOTH],
        *[({"by": value}, "by") for value in (5, "", "x" * 257)],
        *[({"by": value}, f"by ({UNSHOWN})") for value in (" ", "a\n", "a\u202eb", "\u2800")],
        *[({"name": value}, "name") for value in (5, ["x"])],
        *[({"address": value}, f"address ({NO_ADDRESS})") for value in ("x", "10.0.0", "::1/64")],
        *[({"address": value}, "address") for value in (5, "", "1" * 65)],
    ],
    "list_users": [
        *[({"limit": value}, "limit") for value in (0, 1001, "9", True)],
        *[({"after": value}, "after") for value in (5, "", "x" * 257, "a b")],
    ],
    "rotate_signing_key": [
        ({"drop": "initial"}, "when or drop, one of them"),
        ({"drop": ""}, "drop"),
        ({"when": "now"}, "when"),
    ],
}


def assert_invalid(operation, event, words):
    """The input is refused in these words, before anything is asked of AWS."""
    with befalling() as sent, pytest.raises(InvalidInput) as refused:
        invoke(operation, event)
    assert (str(refused.value), sent) == (words, []), event


@pytest.mark.parametrize("operation", ACCOUNT_OPERATIONS)
def test_an_input_is_an_object_whose_actor_is_a_text(clock, operation):
    for event in NO_OBJECTS:
        assert_invalid(operation, event, "not an object")
    for actor in NO_ACTORS:
        usual = ACCOUNT_OPERATIONS[operation].event(login="joe", actor=actor)
        assert_invalid(operation, usual, "actor")


@pytest.mark.parametrize("operation", ON_A_USER)
def test_a_user_is_selected_in_one_way(clock, operation):
    for words, selectors in NO_SELECTORS.items():
        for selector in selectors:
            event = ACCOUNT_OPERATIONS[operation].event(**selector)
            assert_invalid(operation, event, words)


@pytest.mark.parametrize("operation", WRONG)
def test_wrong_fields_are_named_before_anything_is_done(clock, operation):
    for changes, words in WRONG[operation]:
        event = ACCOUNT_OPERATIONS[operation].event(login="joe") | changes
        event = {name: value for name, value in event.items() if value is not ABSENT}
        assert_invalid(operation, event, words)


@pytest.mark.parametrize("operation", ["set_password", "unban_user"])
def test_an_optional_member_that_is_null_counts_as_absent(clock, operation):
    person = new_person()
    usual = ACCOUNT_OPERATIONS[operation].event(id=person.id)
    nulls = dict.fromkeys(("actor", "login", "keep_sessions", "revoke_sessions"))
    assert invoke(operation, usual | nulls) == invoke(operation, usual)


@pytest.mark.parametrize("operation", ON_A_USER)
def test_an_unknown_user_is_refused_and_not_created(clock, operation):
    person = new_person()
    tables().delete_item(TableName=USERS, Key={"id": {"S": person.id}})
    before = tables().scan(TableName=USERS)["Items"]
    for selector in (*UNKNOWN, {"login": person.username}, {"id": person.id}):
        with pytest.raises(UnknownUser):
            invoke(operation, ACCOUNT_OPERATIONS[operation].event(**selector))
    assert tables().scan(TableName=USERS)["Items"] == before


def test_a_user_is_found_by_either_name_in_any_case_and_by_id(clock):
    person = new_person("Ü")
    for name in (person.username, person.email):
        for login in (name, name.upper(), name.title(), f" {name}\u200b\n"):
            assert invoke("export_user", {"login": login})["id"] == person.id
    assert invoke("export_user", {"id": person.id})["id"] == person.id


@pytest.mark.parametrize("operation", ACCOUNT_OPERATIONS)
def test_a_success_is_one_audit_line_and_one_metric(clock, logged, capsys, operation):
    """The line says nothing else of the input, least of all a password."""
    person = new_person()
    log_in(person)
    known, _ = len(logged()), capsys.readouterr()
    event = ACCOUNT_OPERATIONS[operation].event(login=person.email, actor=ACTOR)
    answer = invoke(operation, event)
    (line,) = logged()[known:]
    expected = {"level": "INFO", "operation": operation, "actor": ACTOR, "at": clock.now}
    if operation in ON_A_USER:
        expected |= {"user": person.id, "login": person.email}
    elif "id" in answer:
        expected |= {"user": answer["id"]}
    expected |= {name: event[name] for name in ACCOUNT_OPERATIONS[operation].audited}
    assert {name: line[name] for name in line.keys() - OF_EVERY_LINE} == expected
    metric = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert (metric["operation"], metric[line["message"]]) == (operation, [1.0])


@pytest.mark.parametrize(
    ("known", "actor"), [("us-east-1:person", "us-east-1:person"), (None, ACTOR)]
)
def test_the_actor_is_whom_cognito_knows_before_whom_the_input_names(clock, logged, known, actor):
    """Where Cognito knows nobody, the members of Lambda's context are there and have no values."""
    identity = SimpleNamespace(cognito_identity_id=known, cognito_identity_pool_id="us-east-1:pool")
    context = SimpleNamespace(
        aws_request_id="1-2", function_name="list_signing_keys", identity=identity
    )
    invoke("list_signing_keys", {"actor": ACTOR}, context)
    (line,) = logged()
    assert (line["actor"], line["correlation_id"]) == (actor, "1-2")


@pytest.mark.parametrize("operation", ON_A_USER)
def test_a_refusal_is_one_audit_line_without_a_traceback(clock, logged, operation):
    with pytest.raises(UnknownUser) as refused:
        invoke(operation, ACCOUNT_OPERATIONS[operation].event(login="unknown", actor=ACTOR))
    (line,) = logged()
    assert (line["level"], line["message"]) == ("INFO", "OperationRefused")
    assert (line["operation"], line["login"]) == (operation, "unknown")
    assert (line["actor"], line["at"]) == (ACTOR, clock.now)
    assert line["reason"] == str(refused.value) == "no user has this name, address or ID"
    assert not {"user", "exception"} & line.keys()


def test_a_fault_is_one_audit_line_with_its_cause(clock, dynamodb, logged):
    inject(dynamodb, "GetItem", FAULTS["no rights"])
    with pytest.raises(Unavailable):
        invoke("ban_user", {"login": "joe", "actor": ACTOR})
    (line,) = logged()
    assert (line["level"], line["message"]) == ("ERROR", "OperationFailed")
    assert (line["operation"], line["login"]) == ("ban_user", "joe")
    assert (line["actor"], line["at"]) == (ACTOR, clock.now)
    assert "AccessDeniedException" in line["exception"]


def test_no_more_of_a_text_is_logged_than_a_name_may_have(clock, logged):
    texts = dict.fromkeys(("login", "id", "actor"), "x" * 10**6)
    with pytest.raises(InvalidInput):
        invoke("ban_user", texts)
    (line,) = logged()
    assert (line["login"], line["user"], line["actor"]) == ("x" * 320,) * 3


def test_control_characters_are_logged_escaped(clock, logged, lines):
    for odd in ("\x9b31m", "\x85", "\x7f", "\0", "\n", "\N{LINE SEPARATOR}", "\ud800"):
        with pytest.raises(AccountError):
            invoke("ban_user", {"login": f"unknown{odd}", "actor": odd})
        line, text = logged()[-1], lines()[-1]
        assert (line["login"], line["actor"]) == (f"unknown{odd}", odd)
        assert text.isascii()
        assert text.isprintable()
