"""`python -m sessionctl`: what it asks of the functions, and what a person or a script sees."""

import getpass
import io
import json
import os
import shlex
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from local.state import SERVICE_FILE, tell
from sessionctl import options, text
from sessionctl.__main__ import main
from tests.sessionctl.fake_aws import CALLER, FakeAws, fake_aws
from tests.support.contract import UP

ROOT = Path(__file__).parents[2]

ID = {"id": "u1"}
ANN = {"login": "ann"}
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
NO_KEYS: dict[str, Any] = {"keys": [], "next_since": None}
ROTATED = {
    "rotated": True,
    "current": "k2",
    "next": "k3",
    "dropped": [],
    "forgotten": [],
    "retry_after_seconds": 60,
}

ANSWERS: dict[str, Any] = {
    "BanUser": {**ID, "banned_at": 1, "reason": None, "until": None, "tell_user": False},
    "CreateUser": {**ID, "username": "ann", "email": "ann@example.com"},
    "DeleteUser": {**ID, "sessions": 2},
    "ExportUser": EXPORT,
    "ListSigningKeys": NO_KEYS,
    "ListUserSessions": {**ID, "count": 0, "items": []},
    "ListUsers": {"items": [], "next": "u1"},
    "RenameUser": {**ID, "username": "eve", "email": "e@example.com"},
    "RevokeEveryone": {"session_epoch": 1},
    "RevokeUserSessions": {**ID, "count": 1},
    "RotateSigningKey": ROTATED,
    "SetPassword": {**ID, "kept_sessions": False},
    "UnbanUser": {**ID, "revoked_sessions": False},
    "UnlockUser": ID,
}


class Result(NamedTuple):
    """The exit code of a command, and what it printed."""

    code: int
    out: str
    err: str


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


Run = Callable[..., Result]


@pytest.fixture
def run(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> Iterator[Run]:
    """Run the command in this process, in UTC and with nobody's AWS settings."""

    def run(*arguments: str, given: str | io.TextIOBase = "", **environment: str) -> Result:
        for name, value in environment.items():
            monkeypatch.setenv(name, value)
        stream = io.TextIOWrapper(io.BytesIO(given.encode())) if isinstance(given, str) else given
        monkeypatch.setattr(sys, "stdin", stream)
        try:
            code = main(list(arguments))
        except SystemExit as end:  # after a completion
            code = int(str(end.code))
        return Result(code, *capsys.readouterr())

    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path))
    with monkeypatch.context() as patch:
        patch.setenv("TZ", "UTC")
        time.tzset()
        yield run
    time.tzset()


@pytest.fixture
def fake() -> Iterator[FakeAws]:
    with fake_aws() as server:
        server.answers = {f"{name}Function": answer for name, answer in ANSWERS.items()}
        yield server


@pytest.fixture
def local(run: Run, fake: FakeAws) -> Run:
    """Run the command with the fake as the development gateway."""
    return partial(run, "--local", fake.url)


@pytest.mark.parametrize(
    ("typed", "operation", "sent"),
    [
        ("user show ann --json", "ExportUser", ANN),
        ("user show --id -u1 --json", "ExportUser", {"id": "-u1"}),
        ("user list", "ListUsers", {}),
        ("user list --limit 5 --after u1", "ListUsers", {"limit": 5, "after": "u1"}),
        (
            "user create ann ann@example.com --without-password",
            "CreateUser",
            {"username": "ann", "email": "ann@example.com"},
        ),
        ("user ban ann", "BanUser", ANN),
        ("user ban --reason spam ann", "BanUser", {**ANN, "reason": "spam"}),
        ("user ban ann --tell-user", "BanUser", {**ANN, "tell_user": True}),
        ("user ban ann --until 2100-01-01T01:00+01:00", "BanUser", {**ANN, "until": 4_102_444_800}),
        ("user unban ann", "UnbanUser", {**ANN, "revoke_sessions": False}),
        ("user unlock ann", "UnlockUser", ANN),
        ("user unban ann --revoke-sessions", "UnbanUser", {**ANN, "revoke_sessions": True}),
        (
            "user rename ann --username eve --email e@example.com",
            "RenameUser",
            {**ANN, "username": "eve", "email": "e@example.com"},
        ),
        ("user export ann", "ExportUser", ANN),
        ("user delete --yes ann", "DeleteUser", ANN),
        ("sessions list ann", "ListUserSessions", ANN),
        ("sessions revoke ann 5 6 --yes", "RevokeUserSessions", {**ANN, "sessions": ["5", "6"]}),
        ("sessions revoke --id u1 5 --yes", "RevokeUserSessions", {**ID, "sessions": ["5"]}),
        ("--yes sessions revoke ann --all", "RevokeUserSessions", {**ANN, "all": True}),
        ("sessions --yes revoke --everyone", "RevokeEveryone", {"everyone": True}),
        ("keys list", "ListSigningKeys", {}),
        ("keys rotate", "RotateSigningKey", {}),
        ("keys rotate --drop k1 --yes", "RotateSigningKey", {"drop": "k1"}),
    ],
)
def test_each_command_sends_its_function_what_was_typed(local, fake, typed, operation, sent):
    result = local(*typed.split())
    assert (result.code, result.err) == (0, "")
    assert result.out
    assert fake.calls == [(f"{operation}Function", {**sent, "actor": getpass.getuser()})]
    assert json.loads(local(*typed.split(), "--json").out) == ANSWERS[operation]


@pytest.mark.parametrize(
    ("given", "password"),
    [
        (" a b \n", " a b "),
        ("ä", "ä"),
        ("x\r\n", "x"),
        ("\ufeffx\r\n", "x"),  # as some editors and shells of Windows write a file
        ("\ufeff\ufeffx\n\n", "\ufeffx\n"),
        ("x\r", "x\r"),
        ("x\n\r\n", "x\n"),
        ("x\ny\n", "x\ny"),  # the function refuses a line end in a password
        ("\x0c\n", "\x0c"),
    ],
)
def test_a_password_is_all_of_standard_input_but_a_line_end_and_a_mark(
    local, fake, given, password
):
    created = local("user", "create", "ann", "ann@example.com", given=given)
    assert (created.code, created.out) == (0, "Created ann, ID u1.\n")
    changed = local("user", "password", "ann", "--keep-sessions", given=given)
    assert (changed.code, changed.out) == (
        0,
        "Set the password of ann; the sessions are revoked.\n",
    )
    assert [event["password"] for _, event in fake.calls] == [password, password]
    assert [event.get("keep_sessions") for _, event in fake.calls] == [None, True]


@pytest.mark.parametrize("errors", ["strict", "surrogateescape"])  # without and with UTF-8 mode
@pytest.mark.parametrize(
    ("given", "reason"),
    [
        *[(given, "no password was given") for given in (b"", b"\r\n", b"\xef\xbb\xbf\n")],
        *[(given, "is not UTF-8") for given in (b"\xff\n", "x\n".encode("utf-16"))],
    ],
)
def test_no_password_is_wrong_usage(local, fake, errors, given, reason):
    stream = io.TextIOWrapper(io.BytesIO(given), encoding="utf-8", errors=errors)
    result = local("user", "password", "ann", given=stream)
    assert result.code == 2
    assert reason in result.err
    assert fake.calls == []


@pytest.mark.parametrize(
    ("kind", "message", "said"),
    [
        ("UnknownUser", "nobody", "Nobody has this name, address or ID (UnknownUser)"),
        ("UserTaken", "taken", "Somebody has this name or address already (UserTaken)"),
        ("UnknownKey", "no key", "There is no such signing key (UnknownKey)"),
        ("ZeroDivisionError", "", "The operation failed (ZeroDivisionError)"),
        (
            *("NextKeyTooYoung", "9 s"),
            "Not dropped: some functions may not know the next key yet (NextKeyTooYoung: 9 s)",
        ),
        ("InvalidInput", "until", "The operation does not take this (InvalidInput: until)"),
        ("KeyError", "\x1b[2J", "The operation failed (KeyError: \\x1b[2J)"),
    ],
)
def test_what_a_function_raises_is_told_in_words(local, fake, kind, message, said):
    fake.errors["UnbanUserFunction"] = (kind, message)
    result = local("user", "unban", "ann")
    assert (result.code, result.out, result.err) == (1, "", f"sessionctl: {said}\n")


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
        "sessions issue ann",
        "sessions issue --method support",
        "sessions issue ann --method support --for soon",
        "sessions revoke",
        "sessions revoke ann",
        "sessions revoke ann 5 --all",
        "sessions revoke ann --everyone",
        "sessions revoke --everyone --all",
        "keys rotate --profile other",
        "keys rotate --stack other",
        "--stack sessions keys rotate",
        "user list --limit 0",
    ],
)
def test_what_cannot_be_meant_is_wrong_usage(local, fake, typed):
    result = local(*typed.split())
    assert (result.code, result.out) == (2, "")
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
def test_what_cannot_be_undone_is_refused_where_nobody_can_be_asked(local, fake, typed):
    result = local(*typed.split(), given="yes\n")
    assert result.code == 2
    assert "this cannot be undone: confirm it with --yes" in result.err
    assert fake.calls == []


@pytest.fixture
def there(fake: FakeAws) -> FakeAws:
    """A service that has all that is to be changed."""
    fake.answers["ListUserSessionsFunction"] = {**ID, "count": 1, "items": [{"iat": 5}]}
    fake.answers["ListSigningKeysFunction"] = {"keys": [{"kid": "k1"}], "next_since": None}
    return fake


def changes(fake: FakeAws) -> int:
    return sum(not name.startswith("List") for name, _ in fake.calls)


@pytest.mark.parametrize(
    ("typed", "answer", "done"),
    [
        ("user delete ann", "yes", True),
        ("user delete ann", "y", False),
        ("user delete ann", "YES", False),
        ("user delete ann", "no", False),
        ("user delete ann", "", False),
        ("sessions revoke ann 5", "yes", True),
        ("sessions revoke ann --all", "yes", True),
        ("keys rotate --drop k1", "yes", True),
        ("sessions revoke --everyone", "yes", False),
        ("sessions revoke --everyone", "everyone", True),
    ],
)
def test_a_person_at_a_terminal_is_asked(local, there, typed, answer, done):
    result = local(*typed.split(), given=Terminal(f"{answer}\n"))
    assert result.code == (0 if done else 1)
    assert f"This is at {there.url} and cannot be undone." in result.err
    assert ("Nothing was done." in result.err) is not done
    assert changes(there) == int(done)


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("user delete ann", "Nobody has this name"),
        ("sessions revoke ann --all", "Nobody has this name"),
        ("sessions revoke --id u2 5 6", "the user u2 has no live session 6"),
        ("keys rotate --drop k2", "There is no such signing key (UnknownKey)"),
        ("sessions revoke --everyone", "404"),
    ],
)
def test_nobody_is_asked_about_what_is_not_there(local, there, typed, said):
    if "ann" in typed:
        there.errors["ListUserSessionsFunction"] = ("UnknownUser", "nobody")
    del there.answers["RevokeEveryoneFunction"]
    result = local(*typed.split(), given=Terminal("yes\n"))
    assert result.code in {1, 3}
    assert said in result.err
    assert "Type" not in result.err
    assert changes(there) == 0


def test_a_gateway_that_does_not_run_is_told(run):
    result = run("--local", "http://127.0.0.1:1", "keys", "list")
    assert (result.code, result.out) == (3, "")
    assert "is `make run` running?" in result.err


@pytest.mark.parametrize(
    "typed",
    [
        "user create '' ann@example.com",
        "user create ann ''",
        "user show ''",
        "user show ann ''",
        "user show ' \t'",
        "user show --id=' '",
        "user export ann --output ''",
        "user export ann --output=",
        "user ban ann --reason ''",
        "user ban ann --until ''",
        "user unban --id ''",
        "user password ''",
        "user rename ann --username eve --email ''",
        "user delete '' --yes",
        "sessions list --id=",
        "sessions revoke ann 5 '' --yes",
        "sessions revoke '' --all --yes",
        "sessions revoke --everyone '' --yes",
        "sessions revoke --everyone --id '' --yes",
        "sessions revoke '' --everyone --yes",
        "keys rotate --drop '' --yes",
        "keys rotate --drop= --yes",
        "keys rotate -- ''",
        "keys list ''",
        "keys list --stack ''",
        "--profile= keys list",
        "'' keys list",
        "--local '' keys list",
    ],
)
def test_an_empty_argument_is_wrong_usage_in_every_command(local, fake, typed):
    """A shell variable without a value is not the absence of an argument."""
    result = local(*shlex.split(typed), given="a\n")
    assert (result.code, result.out) == (2, "")
    assert result.err.endswith("Error: an argument is empty\n")
    assert fake.calls == []


def test_a_development_gateway_needs_no_aws_settings_and_reads_none(local, fake):
    unusable = {"AWS_PROFILE": "missing", "HTTP_PROXY": "http://127.0.0.1:1"}
    assert local("keys", "list", **unusable).code == 0


def test_without_credentials_the_ways_to_have_some_are_named(run, tmp_path):
    nothing = {"AWS_EC2_METADATA_DISABLED": "true", "AWS_CONFIG_FILE": str(tmp_path / "none")}
    result = run("keys", "list", "--region", "eu-west-1", **nothing)
    assert (result.code, result.out) == (3, "")
    assert result.err == (
        "sessionctl: there are no AWS credentials; name a profile with --profile, "
        "or the service of `make run` with --local\n"
    )


def test_without_a_region_its_option_is_named(run, fake):
    keys = {"AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b"}
    result = run("keys", "list", **keys, AWS_ENDPOINT_URL=fake.url)
    assert (result.code, result.err) == (
        3,
        "sessionctl: no AWS region is set; name one with --region\n",
    )


AWS = {"AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b", "AWS_DEFAULT_REGION": "eu-west-1"}


@pytest.mark.parametrize(("options", "stack"), [([], "sessions"), (["--stack", "other"], "other")])
def test_a_stacks_function_is_called_by_its_own_name_for_the_caller(run, fake, options, stack):
    name = f"{stack}-UnbanUserFunction-X1"
    fake.answers[name] = ANSWERS["UnbanUser"]
    result = run("user", "unban", "ann", *options, **AWS, AWS_ENDPOINT_URL=fake.url)
    assert (result.code, result.err) == (0, "")
    assert fake.calls == [(name, {**ANN, "revoke_sessions": False, "actor": CALLER})]


def test_a_stack_that_is_not_there_is_told(run, fake):
    result = run("keys", "list", "--stack", "nothing", **AWS, AWS_ENDPOINT_URL=fake.url)
    said = "sessionctl: Stack 'nothing' does not exist (ValidationError)\n"
    assert (result.code, result.err) == (3, said)
    assert fake.calls == []


def test_a_profile_that_is_not_there_is_told(run):
    result = run("keys", "list", "--profile", "nobodys")
    assert (result.code, result.out) == (3, "")
    assert "nobodys" in result.err


def test_show_is_a_short_summary(local, fake):
    banned = {"banned_at": 1_800_000_000, "ban_reason": "a\x1b[31mb", "banned_until": 1_800_000_060}
    banned |= {"ban_is_told": True}
    sessions = [{"iat": 1}, {"iat": 2}]
    fake.answers["ExportUserFunction"] = {
        **EXPORT,
        "user": {**USER, **banned, "last_iat": 1_800_000_009, "last_login_at": 1_800_000_001},
        "sessions": sessions,
    }
    fake.answers["ListUserSessionsFunction"] = {**ID, "count": 1, "items": []}
    until = "since 2027-01-15T08:00:00+00:00 until 2027-01-15T08:01:00+00:00"
    lines = local("user", "show", "ann").out.splitlines()
    assert [line.split(maxsplit=1)[0] for line in lines] == [
        *("ID", "Username", "E-mail", "Created", "Last", "Sessions", "Banned", "Reason", "Told")
    ]
    assert "Last login  2027-01-15T08:00:01+00:00" in lines
    assert "Sessions    1 live, 2 stored" in lines
    assert next(line for line in lines if line.startswith("Banned")).startswith(
        f"Banned      {until}"
    )
    assert "Reason      a\\x1b[31mb" in lines


def test_sessions_are_a_table_in_which_no_name_steers_the_terminal(local, fake):
    odd, began = "Firefox\n\x9b2J\u202e", {"createdAt": 1_800_000_001, "method": "password"}
    used = {"usedAt": 1_800_003_600, "address": "2001:db8::1", "country": "FR"}
    items = [
        {"iat": 1_800_000_009, "exp": 1_800_003_601, "name": odd, **began, **used},
        {"iat": 5, "exp": 10**15, "name": "CI", "createdAt": 5, "method": "support", "by": "a\n"},
    ]
    fake.answers["ListUserSessionsFunction"] = {**ID, "count": 2, "items": items}
    assert local("sessions", "list", "ann").out == (
        "ID          SINCE                      USED                       UNTIL"
        "                      METHOD    BY   FROM            NAME\n"
        "1800000009  2027-01-15T08:00:01+00:00  2027-01-15T09:00:00+00:00"
        "  2027-01-15T09:00:01+00:00  password  -    2001:db8::1 FR  Firefox\\n\\x9b2J\\u202e\n"
        "5           1970-01-01T00:00:05+00:00  -                        "
        "  1000000000000000           support   a\\n  -               CI\n"
    )


def test_a_session_is_issued_and_its_token_is_all_that_a_script_reads(local, fake):
    session = {"iat": 5, "exp": 1_800_003_601, "name": "CI"}
    fake.answers["IssueSessionFunction"] = {
        **ID,
        "token": "a.b.c",
        "exp": 1_800_003_601,
        "session": session,
    }
    typed = [
        "sessions",
        "issue",
        "ann",
        "--name",
        "CI",
        "--for",
        "1h",
        "--method",
        "support",
        "--by",
    ]
    result = local(*typed, "Anna B.")
    assert (result.code, result.out) == (0, "a.b.c\n")
    assert result.err == "Issued the session 5 of ann, until 2027-01-15T09:00:01+00:00.\n"
    sent = {"method": "support", "name": "CI", "seconds": 3600, "by": "Anna B."}
    ((_, event),) = fake.calls
    assert event == {**ANN, **sent, "actor": getpass.getuser()}
    assert json.loads(local(*typed, "A", "--json").out)["session"] == session


def test_keys_are_a_table(local, fake):
    keys = [
        {"kid": "k1", "role": "retired", "retired_at": 1_800_000_000, "dead_at": None},
        {"kid": "k2", "role": "dropped", "retired_at": None, "dead_at": 1_800_000_000},
    ]
    fake.answers["ListSigningKeysFunction"] = {"keys": keys, "next_since": None}
    assert local("keys", "list").out == (
        "KEY  ROLE     RETIRED                    DEAD\n"
        "k1   retired  2027-01-15T08:00:00+00:00  -\n"
        "k2   dropped  -                          2027-01-15T08:00:00+00:00\n"
    )


def test_a_rotation_that_was_too_soon_says_when(local, fake):
    fake.answers["RotateSigningKeyFunction"] = {**ROTATED, "rotated": False}
    result = local("keys", "rotate")
    assert result.code == 0
    assert result.out.startswith("Not rotated: ")
    assert "again in 60 seconds" in result.out


def test_a_dropped_key_is_told_with_the_seconds_until_it_is_dead(local, fake):
    dropped = {"dropped": [{"kid": "k1", "dead_after_seconds": 360}], "forgotten": ["k0"]}
    fake.answers["RotateSigningKeyFunction"] = {**ROTATED, **dropped}
    assert local("keys", "rotate", "--drop", "k1", "--yes").out == (
        "Rotated.\n"
        "Current    k2\n"
        "Next       k3\n"
        "Dropped    k1, dead in 360 seconds\n"
        "Forgotten  k0\n"
    )


def test_an_export_goes_to_a_file_that_only_its_owner_reads(local, fake, tmp_path):
    file = tmp_path / "ann.json"
    assert local("user", "export", "ann", "--output", str(file)).code == 0
    assert json.loads(file.read_text()) == EXPORT
    assert file.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("there", ["file", "folder", "link", "link to nothing"])
def test_an_export_goes_into_no_file_that_is_there(local, tmp_path, there):
    """It may be a link to another one, or one that others may read."""
    output, other = tmp_path / "ann.json", tmp_path / "other"
    if there == "file":
        output.write_text("before")
        output.chmod(0o644)
    elif there == "folder":
        output.mkdir()
    else:
        output.symlink_to(other)
        if there == "link":
            other.write_text("before")
    failed = local("user", "export", "ann", "--output", str(output))
    assert (failed.code, failed.out) == (1, "")
    assert failed.err.startswith("sessionctl: ")
    assert f"File exists: '{output}'" in failed.err
    if there == "file":
        assert output.read_text() == "before"
        assert output.stat().st_mode & 0o777 == 0o644
    assert other.exists() == (there == "link")
    if there == "link":
        assert other.read_text() == "before"


def test_an_export_that_fails_leaves_no_half_of_a_file(fake, tmp_path):
    fake.answers["ExportUserFunction"] = {**EXPORT, "sessions": [{"iat": 1}] * 10_000}
    file = tmp_path / "ann.json"
    call = ("-m", "sessionctl", "--local", fake.url, "user", "export", "ann", "--output", file)
    command = ["sh", "-c", 'ulimit -f 8; exec "$@"', "sh", sys.executable, *call]
    failed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert (failed.returncode, failed.stdout) == (1, "")
    assert "File too large" in failed.stderr
    assert list(tmp_path.iterdir()) == []


def test_a_reader_that_has_read_enough_ends_the_command_quietly(fake):
    fake.answers["ExportUserFunction"] = {**EXPORT, "sessions": [{"iat": 1}] * 10_000}
    command = [sys.executable, "-m", "sessionctl", "--local", fake.url, "user", "export", "ann"]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    with subprocess.Popen(command, cwd=ROOT, **pipes) as process:
        process.stdout.close()
        assert process.stderr.read() == b""
    assert process.returncode == 0


def test_a_password_is_typed_twice(local, fake, monkeypatch):
    words = ["a", "b", "a", "a"]
    monkeypatch.setattr(getpass, "getpass", lambda _: words.pop(0))
    result = local("user", "password", "ann", given=Terminal())
    assert "do not match" in result.err
    assert result.out == "Set the password of ann; the sessions are revoked.\n"
    assert [event["password"] for _, event in fake.calls] == ["a"]


def test_an_interrupt_ends_the_command_with_130(local, fake, monkeypatch):
    def interrupt(_: str) -> str:
        raise KeyboardInterrupt

    monkeypatch.setattr(getpass, "getpass", interrupt)
    assert local("user", "password", "ann", given=Terminal()).code == 130
    monkeypatch.setattr(options, "function_at", lambda *_: interrupt(""))
    assert local("keys", "list").code == 130
    assert fake.calls == []


@pytest.mark.parametrize(("written", "seconds"), [("90m", 5400), ("12h", 43_200), ("7d", 604_800)])
def test_a_duration_counts_from_now(monkeypatch, written, seconds):
    monkeypatch.setattr(options.time, "time", lambda: 1_800_000_000.5)
    assert options.moment(written) == 1_800_000_000 + seconds


@pytest.mark.parametrize(
    ("typed", "url"),
    [
        ("--local keys list", options.LOCAL_URL),
        ("keys list --local", options.LOCAL_URL),
        ("keys --local http://x:1 list", "http://x:1"),
    ],
)
def test_local_needs_no_url_before_a_command(run, monkeypatch, typed, url):
    urls = []
    monkeypatch.setattr(options, "SERVICE_FILE", Path("none"))
    called = nullcontext(lambda _: NO_KEYS)
    monkeypatch.setattr(options, "function_at", lambda url, _: urls.append(url) or called)
    assert run(*typed.split()).code == 0
    assert urls == [url]


def test_local_finds_the_service_of_its_checkout(run, fake, monkeypatch, tmp_path):
    file = tmp_path / "service.json"
    monkeypatch.setattr(options, "SERVICE_FILE", file)
    tell(tmp_path, "http://127.0.0.1:1", fake.url)
    (tmp_path / SERVICE_FILE).rename(file)
    assert run("--local", "keys", "list").code == 0
    assert len(fake.calls) == 1
    file.write_text("")  # it ended
    assert options.running_url() == options.LOCAL_URL


def test_a_list_of_users_says_how_to_go_on(local, fake):
    banned = {**USER, "username": "e\x1bve", "banned_at": 1_800_000_000}
    fake.answers["ListUsersFunction"] = {"items": [USER, banned], "next": "u9"}
    assert local("user", "list").out == (
        "ID  USERNAME  E-MAIL           CREATED                    BANNED\n"
        "u1  ann       ann@example.com  2027-01-15T08:00:00+00:00  no\n"
        "u1  e\\x1bve   ann@example.com  2027-01-15T08:00:00+00:00  "
        "since 2027-01-15T08:00:00+00:00\n"
        "\n"
        "There may be more: --after u9\n"
    )
    fake.answers["ListUsersFunction"] = {"items": []}
    assert "--after" not in local("user", "list").out


def test_the_version_is_the_one_that_the_service_answers(run):
    assert run("--version") == (0, f"{UP['version']}\n", "")


def test_a_shell_completes_commands_and_options(run):
    typed = {
        "sessionctl --local user ban --re": ["--reason", "--region"],
        "sessionctl --local user unb": ["unban"],
    }
    for words, completions in typed.items():
        shell = {"COMP_WORDS": words, "COMP_CWORD": str(words.count(" "))}
        result = run(_SESSIONCTL_COMPLETE="bash_complete", **shell)
        assert result.out.split() == [f"plain,{word}" for word in completions]


@pytest.mark.parametrize("kept", ["Zoë's 電話 🦊", "שָׁלוֹם", "हिन्दी", "e\u0301", "\\u200b"])
def test_what_letters_say_stays_as_it_is(kept):
    assert text.printable(kept) == kept


def test_what_is_invisible_is_shown(local, fake):
    """In names of users and sessions, addresses and reasons: nobody can pass for somebody else."""
    hidden = "\u200b\u3164\u034f\ufe0f\U000e0101\u2800\x1b"
    shown = hidden.encode("unicode_escape").decode()
    user = {"username": f"an{hidden}n", "email": f"{hidden}@example.com", "banned_at": 1}
    user["ban_reason"] = f"spam{hidden}"
    name = f"my{hidden}phone"
    items = [{"iat": 5, "exp": 6, "createdAt": 5, "method": "password", "name": name}]
    fake.answers["ExportUserFunction"] = {**EXPORT, "user": USER | user}
    fake.answers["CreateUserFunction"] = {**ID, **user}
    fake.answers["ListUserSessionsFunction"] = {**ID, "count": 1, "items": items}
    said = local("user", "show", "ann").out
    assert all(word.replace(hidden, shown) in said for word in list(user.values())[:2])
    assert f"spam{shown}" in said
    assert f"my{shown}phone" in local("sessions", "list", "ann").out
    created = local("user", "create", f"an{hidden}n", "ann@example.com", given="a\n").out
    assert created == f"Created an{shown}n, ID u1.\n"
    assert f"Banned an{shown}n." in local("user", "ban", f"an{hidden}n").out


def test_white_space_around_a_login_is_dropped(local, fake):
    assert local("user", "ban", " ann\u00a0\n").out == "Banned ann.\n"
    assert fake.calls[0][1]["login"] == "ann"
