"""`user import` and `user export --all`: files of any length, and what becomes of their lines."""

import io
import json
import sys
import threading
import time
import tracemalloc
from typing import Any

import pytest
from botocore.exceptions import ClientError, ReadTimeoutError

from sessionctl import user_files
from sessionctl.__main__ import main
from sessionctl.account_functions import OperationError
from sessionctl.user_files import AT_ONCE, LONGEST_LINE, MOST_USERS, Counts, import_users
from tests.sessionctl.fake_aws import fake_aws

ALL_DONE = {"skipped": [], "problems": []}
USER = {"username": "ann", "email": "ann@example.com"}


def take(event: dict[str, Any] | None) -> dict[str, Any]:
    """Answer as the operation does where nothing is wrong."""
    assert event is not None
    return {"imported": len(event["users"]), **ALL_DONE}


def file_of(*lines: object) -> io.BytesIO:
    texts = [line if isinstance(line, bytes) else json.dumps(line).encode() for line in lines]
    return io.BytesIO(b"\n".join(texts))


def busy() -> ClientError:
    response = {"Error": {"Code": "TooManyRequestsException"}}
    return ClientError({**response, "ResponseMetadata": {"HTTPStatusCode": 429}}, "Invoke")


class Endless(io.RawIOBase):
    """A file that is made while it is read."""

    def __init__(self, lines: int) -> None:
        self._left = lines

    def readline(self, _limit: int | None = -1, /) -> bytes:
        if not self._left:
            return b""
        self._left -= 1
        return json.dumps(USER | {"id": f"u{self._left}"}).encode() + b"\n"


def test_each_bad_line_is_told_by_its_number_and_the_others_are_imported(tmp_path, capsys):
    file = tmp_path / "users"
    lines = [b"{", USER, b"", b"\xff", {"id": "\x1b"}, b"[" * 9999, b" ", USER, b"x" * LONGEST_LINE]
    file.write_bytes(file_of(*lines, b"y" * (3 * LONGEST_LINE), USER).getvalue())
    with fake_aws() as fake:
        fake.answers["ImportUsersFunction"] = {
            "imported": 2,
            "skipped": [2],
            "problems": [{"index": 1, "problem": "id\x1b"}],
        }
        code = main(["--local", fake.url, "user", "import", str(file), "--dry-run"])
    out, err = capsys.readouterr()
    assert code == 1
    assert err.splitlines() == [
        "line 1: it is no JSON",
        "line 4: it is no JSON",
        "line 5: id\\x1b",
        "line 6: it is no JSON",
        f"line 9: it has over {LONGEST_LINE} bytes",
        f"line 10: it has over {LONGEST_LINE} bytes",
        "Error: lines with a problem, see above: 6",
    ]
    assert out == ("Could be imported: 2. There already: 1. Nothing was written.\n")
    ((_, event),) = fake.calls
    assert event["dry_run"] is True
    assert event["users"] == [USER, {"id": "\x1b"}, USER, USER]


def test_a_file_without_a_problem_ends_with_a_summary(tmp_path, capsys):
    file = tmp_path / "users"
    file.write_bytes(file_of(USER, USER).getvalue())
    with fake_aws() as fake:
        fake.answers["ImportUsersFunction"] = {"imported": 1, "skipped": [1], "problems": []}
        said = "Imported: 1. There already: 1.\n"
        for options, out in (([], said), (["--json"], None)):
            assert main(["--local", fake.url, "user", "import", str(file), *options]) == 0
            printed = capsys.readouterr()
            assert printed.err == ""
            assert out is None or printed.out == out
        assert json.loads(printed.out) == {"imported": 1, "skipped": 1, "problems": 0}
        assert fake.probes == ["ImportUsersFunction"] * 2


def test_calls_are_made_at_once_in_batches_and_their_lines_told_in_order(capsys):
    meeting = threading.Barrier(AT_ONCE, timeout=20)
    sizes: list[int] = []

    def call(event: dict[str, Any] | None) -> dict[str, Any]:
        meeting.wait()  # else they are not made at once
        assert event is not None
        first = event["users"][0]["id"]
        time.sleep(0.001 * (first % 7))
        sizes.append(len(event["users"]))
        problem = {"index": 0, "problem": f"of {first}"}
        return {"imported": 24, "skipped": [], "problems": [problem]}

    lines = AT_ONCE * 3 * MOST_USERS
    counts = import_users(call, file_of(*({"id": n} for n in range(lines))), dry_run=False)
    assert set(sizes) == {MOST_USERS}
    assert counts == Counts(24 * AT_ONCE * 3, 0, AT_ONCE * 3)
    told = capsys.readouterr().err.splitlines()
    assert told == [f"line {n + 1}: of {n}" for n in range(0, lines, MOST_USERS)]


def test_the_memory_does_not_grow_with_the_file():
    def peak(lines: int) -> int:
        tracemalloc.start()
        assert import_users(take, Endless(lines), dry_run=True).imported == lines
        most = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return most

    peak(1000)
    assert peak(10_000) < 1.5 * peak(1000) + 100_000


@pytest.mark.parametrize(
    "error",
    [
        OperationError("Unavailable", ""),
        OperationError("Sandbox.Timedout", ""),
        ReadTimeoutError(endpoint_url="x"),
        busy(),
    ],
)
def test_a_call_that_may_succeed_is_made_again(monkeypatch, error):
    slept: list[float] = []
    monkeypatch.setattr(user_files.time, "sleep", slept.append)
    failures = [error, error]

    def call(event: dict[str, Any] | None) -> dict[str, Any]:
        if failures:
            raise failures.pop()
        return take(event)

    assert import_users(call, file_of(USER), dry_run=False) == Counts(imported=1)
    assert slept == list(user_files.PAUSES[:2])
    failures = [error] * 20
    with pytest.raises(type(error)):
        import_users(call, file_of(USER), dry_run=False)
    assert len(failures) == 20 - 1 - len(user_files.PAUSES)


def test_a_call_that_cannot_succeed_ends_the_import(monkeypatch):
    calls: list[object] = []

    def call(event: dict[str, Any] | None) -> dict[str, Any]:
        calls.append(event)
        raise OperationError("AttributeError", "")

    with pytest.raises(OperationError):
        import_users(call, Endless(100_000), dry_run=False)
    assert len(calls) <= 2 * AT_ONCE


def test_on_a_terminal_a_bar_moves(tmp_path, monkeypatch):
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    file = tmp_path / "users"
    file.write_bytes(file_of(*[USER] * 60, b"{", *[USER] * 60).getvalue())
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    with file.open("rb") as users:
        import_users(take, users, dry_run=False)
    shown = terminal.getvalue()
    assert "100%" in shown
    assert "\r\x1b[2Kline 61: it is no JSON\n" in shown


@pytest.mark.parametrize(
    ("option", "function", "password_hash"),
    [
        ([], "ListUsersFunction", {}),
        (["--with-password-hashes"], "ExportUsersFunction", {"password_hash": "$2b$"}),
    ],
)
def test_all_users_are_exported_as_lines_that_can_be_imported(
    tmp_path, capsys, option, function, password_hash
):
    file = tmp_path / "users"
    with fake_aws() as fake:
        fake.answers[function] = {"items": [USER | {"banned_at": None} | password_hash] * 3}
        command = ["--local", fake.url, "user", "export", "--all", *option]
        assert main(command) == 0
        lines = capsys.readouterr().out.splitlines()
        assert [json.loads(line) for line in lines] == [USER | password_hash] * 3
        assert main([*command, "--output", str(file)]) == 0
        assert capsys.readouterr().out == f"Wrote 3 users to {file}.\n"
        assert file.read_text().splitlines() == lines
        assert file.stat().st_mode & 0o777 == 0o600
        fake.answers["ImportUsersFunction"] = {"imported": 3, **ALL_DONE}
        assert main(["--local", fake.url, "user", "import", str(file)]) == 0
        assert fake.calls[-1][1]["users"] == [USER | password_hash] * 3


def test_an_export_goes_from_page_to_page():
    pages = [{"items": [USER], "next": "a"}, {"items": [], "next": "b"}, {"items": [USER]}]
    asked: list[object] = []

    def call(event: dict[str, Any] | None) -> dict[str, Any]:
        asked.append(event)
        return pages[len(asked) - 1]

    file = io.StringIO()
    assert user_files.export_users(call, file) == 2
    assert file.getvalue() == 2 * (json.dumps(USER) + "\n")
    assert asked == [{}, {"after": "a"}, {"after": "b"}]


@pytest.mark.parametrize(
    "words",
    ["export --all ann", "export --all --id u1", "export ann --with-password-hashes", "export"],
)
def test_an_export_is_of_one_user_or_of_all(words):
    assert main(["user", *words.split()]) == 2
