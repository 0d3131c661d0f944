"""`python -m sessionctl`: what it asks of the functions, and what a person or a script sees."""

import getpass
import io
import json
import os
import pty
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from sessionctl import arguments, prompts, text
from tests.sessionctl.conftest import CALLER, ROOT, Fake, Run

ID = {"id": "u1"}
USER = {
    "id": "u1",
    "username": "ann",
    "email": "ann@example.com",
    "created_at": 1_800_000_000,
    "last_iat": 0,
    "banned_at": None,
    "ban_reason": None,
    "banned_until": None,
}
EXPORT = {"id": "u1", "user": USER, "sessions": []}
BANNED = {**ID, "banned_at": 1, "reason": None, "until": None}
ROTATED = {"rotated": True, "current": "k2", "next": "k3", "dropped": [], "retry_after_seconds": 60}
NO_KEYS: dict[str, Any] = {"keys": [], "next_since": None}

# What is typed, the function, what it is sent beside the actor, and what it answers.
COMMANDS = [
    ("user show ann --json", "ExportUserFunction", {"user": "ann"}, EXPORT),
    ("user show --id -u1 --json", "ExportUserFunction", {"id": "-u1"}, EXPORT),
    ("user ban ann", "BanUserFunction", {"user": "ann"}, BANNED),
    ("user ban --reason spam ann", "BanUserFunction", {"user": "ann", "reason": "spam"}, BANNED),
    (
        "user ban ann --until 2100-01-01T01:00+01:00",
        "BanUserFunction",
        {"user": "ann", "until": 4_102_444_800},
        {**BANNED, "until": 4_102_444_800},
    ),
    (
        "user unban ann",
        "UnbanUserFunction",
        {"user": "ann", "revoke_sessions": False},
        {**ID, "revoked_sessions": False},
    ),
    (
        "user unban ann --revoke-sessions",
        "UnbanUserFunction",
        {"user": "ann", "revoke_sessions": True},
        {**ID, "revoked_sessions": True},
    ),
    (
        "user rename ann --username eve --email e@example.com",
        "RenameUserFunction",
        {"user": "ann", "username": "eve", "email": "e@example.com"},
        {**ID, "username": "eve", "email": "e@example.com"},
    ),
    ("user export ann", "ExportUserFunction", {"user": "ann"}, EXPORT),
    ("user delete --yes ann", "DeleteUserFunction", {"user": "ann"}, {**ID, "sessions": 2}),
    (
        "sessions list ann",
        "ListUserSessionsFunction",
        {"user": "ann"},
        {**ID, "count": 0, "items": []},
    ),
    (
        "sessions revoke ann 5 6 --yes",
        "RevokeUserSessionsFunction",
        {"user": "ann", "sessions": ["5", "6"]},
        {**ID, "count": 2},
    ),
    (
        "sessions revoke --id u1 5 --yes",
        "RevokeUserSessionsFunction",
        {"id": "u1", "sessions": ["5"]},
        {**ID, "count": 1},
    ),
    (
        "--yes sessions revoke ann --all",
        "RevokeUserSessionsFunction",
        {"user": "ann", "all": True},
        {**ID, "count": 2},
    ),
    (
        "sessions --yes revoke --everyone",
        "RevokeEveryoneFunction",
        {"everyone": True},
        {"session_epoch": 1},
    ),
    ("keys list", "ListSigningKeysFunction", {}, NO_KEYS),
    ("keys rotate", "RotateSigningKeyFunction", {}, ROTATED),
    ("keys rotate --drop k1 --yes", "RotateSigningKeyFunction", {"drop": "k1"}, ROTATED),
]


@pytest.mark.parametrize(("typed", "function", "sent", "answer"), COMMANDS)
def test_each_command_asks_its_function_for_what_was_typed(
    local: Run, fake: Fake, typed: str, function: str, sent: dict[str, Any], answer: Any
) -> None:
    fake.answers[function] = answer
    ended = local(*typed.split())
    assert (ended.code, ended.err) == (0, "")
    assert ended.out
    assert fake.calls == [(function, {**sent, "actor": getpass.getuser()})]


@pytest.mark.parametrize(("typed", "function", "sent", "answer"), COMMANDS)
def test_each_command_prints_the_answer_as_json_for_scripts(
    local: Run, fake: Fake, typed: str, function: str, sent: dict[str, Any], answer: Any
) -> None:
    fake.answers[function] = answer
    assert json.loads(local("--json", *typed.split()).out) == answer


@pytest.mark.parametrize(("given", "password"), [(" a b \n", " a b "), ("ä", "ä"), ("x\ny\n", "x")])
def test_a_password_is_one_line_of_standard_input(
    local: Run, fake: Fake, given: str, password: str
) -> None:
    fake.answers["CreateUserFunction"] = {**ID, "username": "ann", "email": "ann@example.com"}
    fake.answers["SetPasswordFunction"] = {**ID, "kept_sessions": True}
    created = local("user", "create", "ann", "ann@example.com", given=given)
    assert (created.code, created.out) == (0, "Created ann, ID u1.\n")
    changed = local("user", "password", "ann", "--keep-sessions", given=given)
    assert (changed.code, changed.out) == (0, "Set the password of ann; the sessions go on.\n")
    assert [event["password"] for _, event in fake.calls] == [password, password]
    assert [event.get("keep_sessions") for _, event in fake.calls] == [None, True]


def test_no_password_is_wrong_usage(local: Run, fake: Fake) -> None:
    ended = local("user", "password", "ann", given="\n")
    assert (ended.code, ended.err) == (2, "sessionctl: no password was given\n")
    assert fake.calls == []


@pytest.mark.parametrize("lenient", ["0", "1"])
def test_a_password_that_is_not_utf_8_is_wrong_usage(fake: Fake, lenient: str) -> None:
    ended = subprocess.run(
        [sys.executable, "-m", "sessionctl", "--local", fake.url, "user", "password", "ann"],
        cwd=ROOT,
        env={**os.environ, "LC_ALL": "C.UTF-8", "PYTHONUTF8": lenient},
        input=b"\xff\n",
        capture_output=True,
        check=False,
        timeout=60,
    )
    assert (ended.returncode, ended.stderr) == (2, b"sessionctl: the password is not UTF-8\n")
    assert fake.calls == []


@pytest.mark.parametrize(
    ("kind", "message", "said"),
    [
        ("UnknownUser", "nobody", "Nobody has this name, address or ID (UnknownUser: nobody)"),
        ("UserTaken", "taken", "Somebody has this name or address already (UserTaken: taken)"),
        ("InvalidInput", "until", "The operation does not take this (InvalidInput: until)"),
        ("KeyError", "\x1b[2J", "The operation failed (KeyError: \\x1b[2J)"),
    ],
)
def test_what_a_function_raises_is_told_in_words(
    local: Run, fake: Fake, kind: str, message: str, said: str
) -> None:
    fake.errors["UnbanUserFunction"] = (kind, message)
    ended = local("user", "unban", "ann")
    assert (ended.code, ended.out, ended.err) == (1, "", f"sessionctl: {said}\n")


@pytest.mark.parametrize(
    "typed",
    [
        "",
        "user",
        "user ban",
        "user ban ann --id u1",
        "user ban ann --until yesterday",
        "user create ann",
        "user rename ann",
        "user password ann secret",
        "sessions revoke",
        "sessions revoke ann",
        "sessions revoke ann 5 --all",
        "sessions revoke ann --everyone",
        "sessions revoke --everyone --all",
        "keys rotate --profile other",
    ],
)
def test_what_cannot_be_meant_is_wrong_usage(local: Run, fake: Fake, typed: str) -> None:
    ended = local(*typed.split())
    assert (ended.code, ended.out) == (2, "")
    assert fake.calls == []


@pytest.mark.parametrize(
    "typed",
    [
        "user delete ann",
        "sessions revoke ann 5",
        "sessions revoke ann --all",
        "sessions revoke --everyone",
        "keys rotate --drop k1",
    ],
)
def test_what_cannot_be_undone_is_refused_where_nobody_can_be_asked(
    local: Run, fake: Fake, typed: str
) -> None:
    ended = local(*typed.split(), given="yes\n")
    assert ended.code == 2
    assert ended.err == "sessionctl: this cannot be undone: confirm it with --yes\n"
    assert fake.calls == []


@pytest.mark.parametrize(
    ("typed", "answer", "done"),
    [
        ("user delete ann", "yes", True),
        ("user delete ann", "y", True),
        ("user delete ann", "no", False),
        ("user delete ann", "", False),
        ("sessions revoke --everyone", "yes", False),
        ("sessions revoke --everyone", "everyone", True),
    ],
)
def test_a_person_at_a_terminal_is_asked(
    fake: Fake, typed: str, answer: str, *, done: bool
) -> None:
    fake.answers["DeleteUserFunction"] = {**ID, "sessions": 2}
    fake.answers["RevokeEveryoneFunction"] = {"session_epoch": 1}
    ours, theirs = pty.openpty()
    os.write(ours, f"{answer}\n".encode())
    ended = subprocess.run(
        [sys.executable, "-m", "sessionctl", "--local", fake.url, *typed.split()],
        cwd=ROOT,
        stdin=theirs,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    os.close(ours)
    os.close(theirs)
    assert ended.returncode == (0 if done else 1)
    assert f"This is at {fake.url} and cannot be undone." in ended.stderr
    assert ("Nothing was done." in ended.stderr) is not done
    assert len(fake.calls) == int(done)


@pytest.mark.parametrize("typed", [["--local"], []])
def test_a_gateway_that_does_not_run_is_told(run: Run, typed: list[str]) -> None:
    ended = run("--local", "http://127.0.0.1:1", "keys", "list", *typed[1:])
    assert (ended.code, ended.out) == (3, "")
    assert "is `make run` running?" in ended.err


def test_a_development_gateway_needs_no_aws_settings_and_reads_none(local: Run, fake: Fake) -> None:
    fake.answers["ListSigningKeysFunction"] = NO_KEYS
    unusable = {"AWS_PROFILE": "missing", "HTTP_PROXY": "http://127.0.0.1:1"}
    assert local("keys", "list", **unusable).code == 0


AWS = {"AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b", "AWS_REGION": "eu-west-1"}


@pytest.mark.parametrize(("options", "stack"), [([], "sessions"), (["--stack", "other"], "other")])
def test_a_stacks_function_is_called_by_its_own_name_for_the_caller(
    run: Run, fake: Fake, options: list[str], stack: str
) -> None:
    name = f"{stack}-UnbanUserFunction-X1"
    fake.answers[name] = {**ID, "revoked_sessions": False}
    settings = {**AWS, "AWS_DEFAULT_REGION": "eu-west-1", "AWS_ENDPOINT_URL": fake.url}
    ended = run("user", "unban", "ann", *options, **settings)
    assert (ended.code, ended.err) == (0, "")
    assert fake.calls == [(name, {"user": "ann", "revoke_sessions": False, "actor": CALLER})]


def test_a_stack_that_is_not_there_is_told(run: Run, fake: Fake) -> None:
    settings = {**AWS, "AWS_DEFAULT_REGION": "eu-west-1", "AWS_ENDPOINT_URL": fake.url}
    ended = run("keys", "list", "--stack", "nothing", **settings)
    assert ended.code == 3
    assert "Stack 'nothing' does not exist" in ended.err
    assert fake.calls == []


def test_a_profile_that_is_not_there_is_told(run: Run) -> None:
    ended = run("keys", "list", "--profile", "nobodys")
    assert (ended.code, ended.out) == (3, "")
    assert "nobodys" in ended.err


def test_show_is_a_short_summary(local: Run, fake: Fake) -> None:
    banned = {"banned_at": 1_800_000_000, "ban_reason": "a\x1b[31mb", "banned_until": 1_800_000_060}
    sessions = [{"iat": 1}, {"iat": 2}]
    fake.answers["ExportUserFunction"] = {
        **EXPORT,
        "user": {**USER, **banned, "last_iat": 1_800_000_001},
        "sessions": sessions,
    }
    fake.answers["ListUserSessionsFunction"] = {**ID, "count": 1, "items": []}
    until = "since 2027-01-15T08:00:00+00:00 until 2027-01-15T08:01:00+00:00"
    lines = local("user", "show", "ann").out.splitlines()
    assert [line.split(maxsplit=1)[0] for line in lines] == [
        *("ID", "Username", "E-mail", "Created", "Last", "Sessions", "Banned", "Reason")
    ]
    assert "Last login  2027-01-15T08:00:01+00:00" in lines
    assert "Sessions     1 live, 2 stored" in lines
    assert next(line for line in lines if line.startswith("Banned")).startswith(
        f"Banned       {until}"
    )
    assert "Reason       a\\x1b[31mb" in lines


def test_sessions_are_a_table_in_which_no_name_steers_the_terminal(local: Run, fake: Fake) -> None:
    items = [
        {"iat": 1_800_000_001, "exp": 1_800_003_601, "sub": "u1", "name": "Firefox\n\x9b2J\u202e"},
        {"iat": 5, "exp": 10**15, "sub": "u1", "name": "curl"},
    ]
    fake.answers["ListUserSessionsFunction"] = {**ID, "count": 2, "items": items}
    assert local("sessions", "list", "ann").out == (
        "ID          SINCE                      UNTIL                      NAME\n"
        "1800000001  2027-01-15T08:00:01+00:00  2027-01-15T09:00:01+00:00"
        "  Firefox\\n\\x9b2J\\u202e\n"
        "5           1970-01-01T00:00:05+00:00  1000000000000000           curl\n"
    )


def test_keys_are_a_table(local: Run, fake: Fake) -> None:
    keys = [
        {"kid": "k1", "role": "retired", "retired_at": 1_800_000_000},
        {"kid": "k2", "role": "current", "retired_at": None},
    ]
    fake.answers["ListSigningKeysFunction"] = {"keys": keys, "next_since": None}
    assert local("keys", "list").out == (
        "KEY  ROLE     RETIRED\nk1   retired  2027-01-15T08:00:00+00:00\nk2   current  -\n"
    )


def test_a_rotation_that_was_too_soon_says_when(local: Run, fake: Fake) -> None:
    fake.answers["RotateSigningKeyFunction"] = {**ROTATED, "rotated": False}
    ended = local("keys", "rotate")
    assert ended.code == 0
    assert ended.out.startswith("Not rotated: ")
    assert "again in 60 seconds" in ended.out


def test_an_export_goes_to_a_file_that_only_its_owner_reads(
    local: Run, fake: Fake, tmp_path: Path
) -> None:
    fake.answers["ExportUserFunction"] = EXPORT
    file = tmp_path / "ann.json"
    assert local("user", "export", "ann", "--output", str(file)).code == 0
    assert json.loads(file.read_text()) == EXPORT
    assert file.stat().st_mode & 0o777 == 0o600
    failed = local("user", "export", "ann", "--output", str(tmp_path))
    assert (failed.code, failed.out) == (1, "")
    assert "Is a directory" in failed.err


def test_a_reader_that_has_read_enough_ends_the_command_quietly(fake: Fake) -> None:
    fake.answers["ExportUserFunction"] = {**EXPORT, "sessions": [{"iat": 1}] * 10_000}
    with subprocess.Popen(
        [sys.executable, "-m", "sessionctl", "--local", fake.url, "user", "export", "ann"],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        assert process.stdout
        assert process.stderr
        process.stdout.close()
        assert process.stderr.read() == b""
    assert process.returncode == 0


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(("second", "reason"), [("b", "differ"), ("", "differ")])
def test_a_password_is_typed_twice(
    monkeypatch: pytest.MonkeyPatch, second: str, reason: str
) -> None:
    monkeypatch.setattr(sys, "stdin", Terminal())
    typed = ["a", second, "a", "a"]
    monkeypatch.setattr(getpass, "getpass", lambda _: typed.pop(0))
    with pytest.raises(prompts.UsageError, match=reason):
        prompts.read_password()
    assert prompts.read_password() == "a"


@pytest.mark.parametrize(("written", "seconds"), [("90m", 5400), ("12h", 43_200), ("7d", 604_800)])
def test_a_duration_counts_from_now(
    monkeypatch: pytest.MonkeyPatch, written: str, seconds: int
) -> None:
    monkeypatch.setattr(arguments.time, "time", lambda: 1_800_000_000.5)
    assert arguments.moment(written) == 1_800_000_000 + seconds


def test_local_needs_no_url_before_a_command() -> None:
    for words in (["--local", "keys", "list"], ["keys", "list", "--local"]):
        assert arguments.parsed(words).local == arguments.LOCAL_URL
    assert arguments.parsed(["keys", "--local", "http://x:1", "list"]).local == "http://x:1"
    assert arguments.parsed(["keys", "list"]).local is None


def test_what_letters_say_stays_as_it_is() -> None:
    assert text.printable("Zoë's 電話 🦊 \u200b") == "Zoë's 電話 🦊 \\u200b"
