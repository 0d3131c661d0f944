"""The commands: the call that each makes of an account function, and its text for people."""

import sys
import time
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, BinaryIO

import click

from sessionctl.account_functions import OperationError
from sessionctl.options import Group, Options, User, duration, moment, of_a_user, read_password
from sessionctl.text import aligned, as_json, printable, time_text
from sessionctl.user_files import export_users, import_users, new_file
from sessionctl.version import VERSION


@click.group(
    cls=Group,
    epilog="Exit codes: 0 done, 1 refused or failed, 2 wrong usage, 3 AWS cannot be asked.",
)
@click.version_option(VERSION, message="%(version)s")
def command_line() -> None:
    """See and change users, their sessions and the signing keys."""


@command_line.group("user")
def user_commands() -> None:
    """List, import and export users; create, see, ban, change and delete one."""


@command_line.group("sessions")
def session_commands() -> None:
    """List sessions, issue and revoke them."""


@command_line.group("keys")
def key_commands() -> None:
    """List the keys that sign sessions' tokens, and rotate them."""


@user_commands.command("create")
@click.argument("username")
@click.argument("email")
@click.option("--without-password", is_flag=True, help="Let no password log the user in.")
@click.pass_obj
def create_user(options: Options, username: str, email: str, *, without_password: bool) -> str:
    """Create a user; the command asks for the password."""
    fields = {"username": username, "email": email}
    if not without_password:
        fields["password"] = read_password()
    answer = options.call("CreateUserFunction", fields)
    return options.answer_text(answer, f"Created {answer['username']}, ID {answer['id']}.")


@user_commands.command("list")
@click.option("--limit", type=click.IntRange(1, 1000), metavar="NUMBER", help="How many at most.")
@click.option("--after", metavar="ID", help="Those that come behind this ID.")
@click.pass_obj
def list_users(options: Options, limit: int | None, after: str | None) -> str:
    """List users, a page at a time, in no order."""
    answer = options.call("ListUsersFunction", _given(limit=limit, after=after))
    if options.json:
        return as_json(answer)
    rows = [
        (user["id"], user["username"], user["email"], time_text(user["created_at"]), _ban(user))
        for user in answer["items"]
    ]
    text = aligned([("ID", "USERNAME", "E-MAIL", "CREATED", "BANNED"), *rows])
    return (
        text if "next" not in answer else f"{text}\n\nThere may be more: --after {answer['next']}"
    )


@user_commands.command("show")
@of_a_user
def show_user(options: Options, user: User) -> str:
    """Show a user: names, bans, and the number of sessions."""
    answer = options.call("ExportUserFunction", user)
    if options.json:
        return as_json(answer)
    live = options.call("ListUserSessionsFunction", {"id": answer["id"]})["count"]
    row = answer["user"]
    rows = [
        ("ID", row["id"]),
        ("Username", row["username"]),
        ("E-mail", row["email"]),
        ("Created", time_text(row["created_at"])),
        ("Last login", time_text(row.get("last_login_at") or row.get("last_iat") or None)),
        ("Sessions", f"{live} live, {len(answer['sessions'])} stored"),
        ("Banned", _ban(row)),
    ]
    if row.get("ban_reason") is not None:
        rows.append(("Reason", row["ban_reason"]))
    if row.get("ban_is_told"):
        rows.append(("Told", "the user sees the reason and the end"))
    return aligned(rows)


@user_commands.command("ban")
@click.option("--reason", metavar="TEXT")
@click.option("--until", type=moment, metavar="WHEN", help="2027-01-31T12:00Z; 90m, 12h, 7d.")
@click.option("--tell-user", is_flag=True, help="Tell the user the reason and the end.")
@of_a_user
def ban_user(
    options: Options, user: User, reason: str | None, until: int | None, *, tell_user: bool
) -> str:
    """Ban a user from the next request on."""
    given = _given(reason=reason, until=until, tell_user=tell_user or None)
    answer = options.call("BanUserFunction", user | given)
    end = "" if answer["until"] is None else f" until {time_text(answer['until'])}"
    told = "; the user is told" if tell_user else ""
    return options.answer_text(answer, f"Banned {user}{end}{told}.")


@user_commands.command("unban")
@click.option("--revoke-sessions", is_flag=True, help="Revoke them instead.")
@of_a_user
def unban_user(options: Options, user: User, *, revoke_sessions: bool) -> str:
    """Lift a ban; the sessions count again."""
    answer = options.call("UnbanUserFunction", user | {"revoke_sessions": revoke_sessions})
    sessions = "are revoked" if answer["revoked_sessions"] else "count again"
    return options.answer_text(answer, f"Unbanned {user}; the sessions {sessions}.")


@user_commands.command("unlock")
@of_a_user
def unlock_user(options: Options, user: User) -> str:
    """Let a user log in again at once, after wrong passwords."""
    answer = options.call("UnlockUserFunction", user)
    return options.answer_text(answer, f"Unlocked {user}; wrong passwords are counted anew.")


@user_commands.command("password")
@click.option("--keep-sessions", is_flag=True, help="Revoke no session.")
@of_a_user
def set_password(options: Options, user: User, *, keep_sessions: bool) -> str:
    """Set a password; the command asks for it. It also unlocks the user."""
    fields = {**user, "password": read_password(), "keep_sessions": keep_sessions}
    answer = options.call("SetPasswordFunction", fields)
    sessions = "go on" if answer["kept_sessions"] else "are revoked"
    return options.answer_text(answer, f"Set the password of {user}; the sessions {sessions}.")


@user_commands.command("rename")
@click.option("--username", metavar="NAME")
@click.option("--email", metavar="ADDRESS")
@of_a_user
def rename_user(options: Options, user: User, username: str | None, email: str | None) -> str:
    """Change the username, the e-mail address, or both."""
    names = _given(username=username, email=email)
    if not names:
        raise click.UsageError("say what is new: --username, --email or both")
    answer = options.call("RenameUserFunction", user | names)
    return options.answer_text(answer, f"Renamed to {answer['username']}, {answer['email']}.")


@user_commands.command("export")
@click.argument("login", required=False)
@click.option("--id", "user_id", metavar="ID", help="The user's ID, instead of LOGIN.")
@click.option("--all", "every", is_flag=True, help="All users, in lines that `import` takes.")
@click.option("--with-password-hashes", is_flag=True, help="With these, to move all users.")
@click.option("--output", type=Path, metavar="FILE", help="Write it to this new file instead.")
@click.pass_obj
def export_user(
    options: Options,
    login: str | None,
    user_id: str | None,
    output: Path | None,
    *,
    every: bool,
    with_password_hashes: bool,
) -> str | None:
    """Print all that is stored about a user, as JSON; or all users, as lines of JSON."""
    if not every:
        if with_password_hashes:
            raise click.UsageError("--with-password-hashes is for --all")
        text = as_json(options.call("ExportUserFunction", User(login, user_id)))
        if output is None:
            return text
        with new_file(output) as file:
            file.write(text + "\n")
        return f"Wrote {printable(output)}."
    if login is not None or user_id is not None:
        raise click.UsageError("--all takes no LOGIN and no --id")
    function = "ExportUsersFunction" if with_password_hashes else "ListUsersFunction"
    with options.function(function) as call:
        if output is None:
            export_users(call, sys.stdout)
            return None
        with new_file(output) as file:
            users = export_users(call, file)
    return f"Wrote {users} users to {printable(output)}."


@user_commands.command("import")
@click.argument("file", type=click.File("rb"))
@click.option("--dry-run", is_flag=True, help="Only look for problems; write nothing.")
@click.pass_obj
def import_file(options: Options, file: BinaryIO, *, dry_run: bool) -> str:
    """Create users as another service had them, one JSON object in each line of FILE.

    Each problem is told by its line, and the other users are imported. Whatever ends the command,
    the same one again goes on: it skips the users that are there.
    """
    with options.function("ImportUsersFunction") as call:
        call(None)
        counts = import_users(call, file, dry_run=dry_run)
    done, written = ("Could be imported", " Nothing was written.") if dry_run else ("Imported", "")
    sentence = f"{done}: {counts.imported}. There already: {counts.skipped}.{written}"
    text = options.answer_text(asdict(counts), sentence)
    if not counts.problems:
        return text
    click.echo(text)
    raise click.ClickException(f"lines with a problem, see above: {counts.problems}")


@user_commands.command("delete")
@of_a_user
def delete_user(options: Options, user: User) -> str:
    """Delete a user, and all that is stored about them."""
    options.confirm(
        f"Delete {user} and all that is stored about them?", lambda: _check(options, user, ())
    )
    answer = options.call("DeleteUserFunction", user)
    return options.answer_text(answer, f"Deleted {user} and {_count(answer['sessions'])}.")


@session_commands.command("list")
@of_a_user
def list_sessions(options: Options, user: User) -> str:
    """List a user's live sessions."""
    answer = options.call("ListUserSessionsFunction", user)
    if options.json:
        return as_json(answer)
    if not answer["items"]:
        return "No sessions."
    rows = [
        (
            item["iat"],
            time_text(item["createdAt"]),
            time_text(item.get("usedAt")),
            time_text(item["exp"]),
            item["method"],
            item.get("by", "-"),
            " ".join(item[name] for name in ("address", "country") if name in item) or "-",
            item["name"],
        )
        for item in answer["items"]
    ]
    return aligned([("ID", "SINCE", "USED", "UNTIL", "METHOD", "BY", "FROM", "NAME"), *rows])


@session_commands.command("issue")
@click.option("--method", required=True, metavar="WORD", help="How the user was authenticated.")
@click.option("--name", metavar="TEXT", help="The session's name.")
@click.option("--for", "seconds", type=duration, metavar="DURATION", help="Such as 90m, 12h, 7d.")
@click.option("--by", metavar="WHO", help="Who acts for the user, for the user to see.")
@of_a_user
def issue_session(
    options: Options,
    user: User,
    method: str,
    name: str | None,
    seconds: int | None,
    by: str | None,
) -> str:
    """Begin a session of a user, and print its token, once and alone."""
    fields = {"method": method, **_given(name=name, seconds=seconds, by=by)}
    answer = options.call("IssueSessionFunction", user | fields)
    if options.json:
        return as_json(answer)
    session = answer["session"]
    told = f"Issued the session {session['iat']} of {user}, until {time_text(answer['exp'])}."
    click.echo(printable(told), err=True)
    return printable(answer["token"])


@session_commands.command("revoke")
@click.argument("words", nargs=-1, metavar="[LOGIN] [ID]...")
@click.option("--id", "user_id", metavar="USER_ID", help="The user's ID, instead of LOGIN.")
@click.option("--all", "every", is_flag=True, help="All sessions of the user.")
@click.option("--everyone", is_flag=True, help="All sessions of all users.")
@click.pass_obj
def revoke_sessions(
    options: Options, words: tuple[str, ...], user_id: str | None, *, every: bool, everyone: bool
) -> str:
    """Revoke the sessions of these IDs or all sessions of a user; or everyone's."""
    if everyone:
        if words or user_id is not None or every:
            raise click.UsageError("--everyone takes no LOGIN, no --id and no --all")
        options.confirm(
            "Revoke every session of every user?",
            lambda: options.call("RevokeEveryoneFunction", None),
            word="everyone",
        )
        answer = options.call("RevokeEveryoneFunction", {"everyone": True})
        return options.answer_text(answer, "Revoked every session of every user.")
    ids = list(words)
    login = ids.pop(0) if ids and user_id is None else None
    user = User(login, user_id)
    if bool(ids) == every:
        raise click.UsageError("say which sessions: their IDs or --all")
    which = "all sessions" if every else f"{len(ids)} of the sessions"
    options.confirm(f"Revoke {which} of {user}?", lambda: _check(options, user, ids))
    fields = {"all": True} if every else {"sessions": ids}
    answer = options.call("RevokeUserSessionsFunction", user | fields)
    return options.answer_text(answer, f"Revoked {_count(answer['count'])} of {user}.")


@key_commands.command("list")
@click.pass_obj
def list_keys(options: Options) -> str:
    """List the signing keys, without what is secret."""
    answer = options.call("ListSigningKeysFunction", {})
    if options.json:
        return as_json(answer)
    rows = [
        (key["kid"], key["role"], time_text(key["retired_at"]), time_text(key["dead_at"]))
        for key in answer["keys"]
    ]
    text = aligned([("KEY", "ROLE", "RETIRED", "DEAD"), *rows])
    since = answer.get("next_since")
    return text if since is None else f"{text}\n\nThe next key is there since {time_text(since)}."


@key_commands.command("rotate")
@click.option("--drop", metavar="KID", help="Drop this key, and all that it signed.")
@click.pass_obj
def rotate_keys(options: Options, drop: str | None) -> str:
    """Sign with the next key from now on; or drop a key."""
    if drop is not None:
        question = f"Drop the key {drop}, and every session it signed?"
        options.confirm(question, lambda: _check_key(options, drop))
    answer = options.call("RotateSigningKeyFunction", _given(drop=drop))
    if options.json:
        return as_json(answer)
    rows = [("Current", answer["current"]), ("Next", answer["next"])]
    rows += [
        ("Dropped", f"{key['kid']}, dead in {key['dead_after_seconds']} seconds")
        for key in answer["dropped"]
    ]
    rows += [("Forgotten", kid) for kid in answer["forgotten"]]
    if answer["rotated"]:
        sentence = "Rotated.\n"
    elif drop is None:
        seconds = answer.get("retry_after_seconds", 0)
        when = f"; again in {seconds} seconds" if seconds else ""
        sentence = f"Not rotated: some functions may not know the next key yet{when}.\n"
    else:
        sentence = ""
    return sentence + aligned(rows)


def _check(options: Options, user: User, ids: Sequence[str]) -> None:
    """Fail unless the user exists, and has the sessions."""
    live = {str(item["iat"]) for item in options.call("ListUserSessionsFunction", user)["items"]}
    if missing := [iat for iat in ids if iat not in live]:
        raise click.ClickException(printable(f"{user} has no live session {', '.join(missing)}."))


def _check_key(options: Options, kid: str) -> None:
    if kid not in {key["kid"] for key in options.call("ListSigningKeysFunction", {})["keys"]}:
        raise OperationError("UnknownKey", kid)


def _given(**fields: object) -> dict[str, Any]:
    """Return the fields that the command line gives."""
    return {name: value for name, value in fields.items() if value is not None}


def _count(sessions: int) -> str:
    return "1 session" if sessions == 1 else f"{sessions} sessions"


def _ban(user: dict[str, Any]) -> str:
    if user.get("banned_at") is None:
        return "no"
    since, until = f"since {time_text(user['banned_at'])}", user.get("banned_until")
    if until is None:
        return since
    return f"{since} until {time_text(until)}{' (over)' if until <= time.time() else ''}"
