"""What each command asks of the functions, and what it says of their answers."""

import argparse
import json
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from sessionctl.account_functions import Call
from sessionctl.prompts import UsageError, confirm, read_password
from sessionctl.text import aligned, moment, printable, table

Answer = dict[str, Any]
Command = Callable[[argparse.Namespace, Call], str]


def create_user(options: argparse.Namespace, call: Call) -> str:
    """Create a user."""
    names = {"username": options.username, "email": options.email}
    answer = call("CreateUserFunction", {**names, "password": read_password()})
    return _said(options, answer, f"Created {answer['username']}, ID {answer['id']}.")


def show_user(options: argparse.Namespace, call: Call) -> str:
    """Show who a user is, whether banned, and how many sessions there are."""
    answer = call("ExportUserFunction", _which(options))
    if options.json:
        return _as_json(answer)
    live = call("ListUserSessionsFunction", {"id": answer["id"]})["count"]
    user = answer["user"]
    rows = [
        ("ID", user["id"]),
        ("Username", user["username"]),
        ("E-mail", user["email"]),
        ("Created", moment(user["created_at"])),
        ("Last log-in", moment(user.get("last_iat") or None)),
        ("Sessions", f"{live} live, {len(answer['sessions'])} stored"),
        ("Banned", _ban(user)),
    ]
    if user.get("ban_reason") is not None:
        rows.append(("Reason", user["ban_reason"]))
    return aligned(rows)


def ban_user(options: argparse.Namespace, call: Call) -> str:
    """Ban a user."""
    more = {"reason": options.reason, "until": options.until}
    given = {name: value for name, value in more.items() if value is not None}
    answer = call("BanUserFunction", {**_which(options), **given})
    until = "" if answer["until"] is None else f" until {moment(answer['until'])}"
    return _said(options, answer, f"Banned {_name(options)}{until}.")


def unban_user(options: argparse.Namespace, call: Call) -> str:
    """Lift a ban."""
    revoke = {"revoke_sessions": options.revoke_sessions}
    answer = call("UnbanUserFunction", {**_which(options), **revoke})
    sessions = "are over" if answer["revoked_sessions"] else "count again"
    return _said(options, answer, f"Unbanned {_name(options)}; the sessions {sessions}.")


def set_password(options: argparse.Namespace, call: Call) -> str:
    """Give a user another password."""
    new = {"password": read_password(), "keep_sessions": options.keep_sessions}
    answer = call("SetPasswordFunction", {**_which(options), **new})
    sessions = "go on" if answer["kept_sessions"] else "are over"
    return _said(options, answer, f"Set the password of {_name(options)}; the sessions {sessions}.")


def rename_user(options: argparse.Namespace, call: Call) -> str:
    """Give a user other names to log in with."""
    names = {"username": options.username, "email": options.email}
    given = {name: value for name, value in names.items() if value is not None}
    if not given:
        raise UsageError("say what is new: --username, --email or both")
    answer = call("RenameUserFunction", {**_which(options), **given})
    return _said(options, answer, f"Renamed to {answer['username']}, {answer['email']}.")


def export_user(options: argparse.Namespace, call: Call) -> str:
    """Return all that is stored about a user, or write it to a file that only we may read."""
    text = _as_json(call("ExportUserFunction", _which(options)))
    if options.output is None:
        return text
    with os.fdopen(_private(options.output), "w", encoding="utf-8") as file:
        file.write(text + "\n")
    return f"Wrote {printable(options.output)}."


def delete_user(options: argparse.Namespace, call: Call) -> str:
    """Delete a user."""
    _ask(options, f"Delete {_name(options)} and all that is stored about them?")
    answer = call("DeleteUserFunction", _which(options))
    return _said(options, answer, f"Deleted {_name(options)} and {_sessions(answer['sessions'])}.")


def list_sessions(options: argparse.Namespace, call: Call) -> str:
    """List a user's live sessions."""
    answer = call("ListUserSessionsFunction", _which(options))
    if options.json:
        return _as_json(answer)
    if not answer["items"]:
        return "No sessions."
    rows = [
        (each["iat"], moment(each["iat"]), moment(each["exp"]), each["name"])
        for each in answer["items"]
    ]
    return table(("ID", "SINCE", "UNTIL", "NAME"), rows)


def revoke_sessions(options: argparse.Namespace, call: Call) -> str:
    """End sessions: some or all of a user's, or everyone's."""
    if options.everyone:
        _ask(options, "Sign out every user?", word="everyone")
        answer = call("RevokeEveryoneFunction", {"everyone": True})
        return _said(options, answer, "Ended every session of every user.")
    if options.all:
        what: Answer = {"all": True}
        _ask(options, f"End all sessions of {_name(options)}?")
    else:
        what = {"sessions": options.sessions}
        _ask(options, f"End {len(options.sessions)} of the sessions of {_name(options)}?")
    answer = call("RevokeUserSessionsFunction", {**_which(options), **what})
    return _said(options, answer, f"Ended {_sessions(answer['count'])} of {_name(options)}.")


def list_keys(options: argparse.Namespace, call: Call) -> str:
    """List the signing keys."""
    answer = call("ListSigningKeysFunction", {})
    if options.json:
        return _as_json(answer)
    rows = [(key["kid"], key["role"], moment(key["retired_at"])) for key in answer["keys"]]
    text = table(("KEY", "ROLE", "RETIRED"), rows)
    since = answer.get("next_since")
    return text if since is None else f"{text}\n\nThe next key is there since {moment(since)}."


def rotate_keys(options: argparse.Namespace, call: Call) -> str:
    """Make the next key current, or drop one."""
    if options.drop is not None:
        _ask(options, f"Drop the key {printable(options.drop)}, and every session it signed?")
    answer = call("RotateSigningKeyFunction", {"drop": options.drop} if options.drop else {})
    if options.json:
        return _as_json(answer)
    rows = [("Current", answer["current"]), ("Next", answer["next"])]
    rows += [("Dropped", kid) for kid in answer["dropped"]]
    if not answer["rotated"] and options.drop is None:
        seconds = answer.get("retry_after_seconds", 0)
        when = f"; again in {seconds} seconds" if seconds else ""
        said = f"Not rotated: some functions may not know the next key yet{when}.\n"
    else:
        said = "Rotated.\n" if answer["rotated"] else ""
    return said + aligned(rows)


COMMANDS: dict[str, Command] = {
    "user create": create_user,
    "user show": show_user,
    "user ban": ban_user,
    "user unban": unban_user,
    "user password": set_password,
    "user rename": rename_user,
    "user export": export_user,
    "user delete": delete_user,
    "sessions list": list_sessions,
    "sessions revoke": revoke_sessions,
    "keys list": list_keys,
    "keys rotate": rotate_keys,
}


def _which(options: argparse.Namespace) -> Answer:
    return {"id": options.id} if options.user is None else {"user": options.user}


def _name(options: argparse.Namespace) -> str:
    return printable(options.user if options.user is not None else f"the user {options.id}")


def _sessions(count: int) -> str:
    return "1 session" if count == 1 else f"{count} sessions"


def _ask(options: argparse.Namespace, question: str, word: str = "yes") -> None:
    """Ask for leave, and say where it will happen: a wrong stack cannot be undone either."""
    if not options.yes:
        where = f"at {options.local}" if options.local else f"in the stack {options.stack}"
        confirm(f"{question} This is {printable(where)} and cannot be undone.", word)


def _said(options: argparse.Namespace, answer: Answer, sentence: str) -> str:
    return _as_json(answer) if options.json else printable(sentence)


def _as_json(answer: Answer) -> str:
    """Return JSON in ASCII, which no terminal takes for a command."""
    return json.dumps(answer, indent=2)


def _ban(user: Answer) -> str:
    if user.get("banned_at") is None:
        return "no"
    until = user.get("banned_until")
    if until is None:
        return f"since {moment(user['banned_at'])}"
    over = " (over)" if until <= time.time() else ""
    return f"since {moment(user['banned_at'])} until {moment(until)}{over}"


def _private(file: Path) -> int:
    """Open a file for what is stored about a person: readable by us alone."""
    return os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
