"""`telebank staff`: who works here; every command asks the running node."""

import io
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click
import qrcode
from rich.console import Console
from rich.table import Table
from rich.text import Text

from telebank.commands.common import data_option, json_option
from telebank.commands.control_client import (
    ControlRefused,
    call,
    forget_token,
    need_token,
    request_id,
    save_token,
    saved_token,
    session_option,
)
from telebank.staff.roles import Role

MAX_SECRET = 1_000
"""Longest password file, in bytes."""
ROLES = tuple(role.value for role in Role)

name_argument = click.argument("name")
password_option = click.option(
    "--password-file",
    type=click.Path(path_type=Path, dir_okay=False, exists=True),
    help="Read the password from this file (mode 0600) instead of asking for it.",
)
note_option = click.option("--note", default="", help="Why; kept with the approval.")


@click.group(name="staff", context_settings={"help_option_names": ["-h", "--help"]})
def command() -> None:
    """Who works here: add people, log in, leave, unlock, reset (docs/staff.md).

    The first two people, an administrator and a supervisor, are added by the machine's own user.
    After that an administrator proposes and a supervisor says the same.

    \b
    Examples:
      telebank staff add chen --role administrator --full-name "Chen Mei"
      telebank staff login chen
      telebank staff list
    """


@command.command()
@name_argument
@click.option("--role", required=True, type=click.Choice(ROLES), help="What he or she does.")
@click.option("--full-name", default="", help="As people are to read it.")
@note_option
@password_option
@session_option
@data_option
@json_option
def add(
    name: str,
    role: str,
    full_name: str,
    note: str,
    password_file: Path | None,
    session: Path | None,
    data: Path,
    as_json: bool,
) -> None:
    """Add a person; shows the second factor once, as a link and as a picture for a telephone.

    An administrator proposes; then a supervisor says the same at his own terminal, with the new
    person beside him, who types the password. The first two people need nobody else.

    \b
    Examples:
      telebank staff add li --role teller --full-name "Li Na"
      telebank staff add li --role teller --full-name "Li Na" --password-file ~/li.txt --json
    """
    body = {"name": name, "role": role, "full_name": full_name, "note": note}
    token = saved_token(data, session)
    _enrol(data, "/v1/staff", body, token, password_file, as_json)


@command.command()
@name_argument
@note_option
@password_option
@session_option
@data_option
@json_option
def reset(
    name: str,
    note: str,
    password_file: Path | None,
    session: Path | None,
    data: Path,
    as_json: bool,
) -> None:
    """Give a person a new password and second factor: a telephone was lost.

    An administrator proposes; then a supervisor says the same, with the person beside him.

    \b
    Example:
      telebank staff reset li --note "lost her telephone, came with her identity card"
    """
    token = need_token(data, session)
    _enrol(data, f"/v1/staff/{_plain(name)}/reset", {"note": note}, token, password_file, as_json)


@command.command(name="list")
@session_option
@data_option
@json_option
def list_(session: Path | None, data: Path, as_json: bool) -> None:
    """List people: role, state, wrong logins, until when a name is locked.

    \b
    Examples:
      telebank staff list
      telebank staff list --json | jq '.people[] | select(.role == "teller")'
    """
    answer = call(data, "GET", "/v1/staff", token=need_token(data, session))
    if as_json:
        _say_json(answer)
        return
    table = Table("name", "full name", "role", "state", "wrong", "locked until (UTC)", "added by")
    for one in answer["people"]:
        locked = str(one["locked_until"] or "")[:19].replace("T", " ")
        words = (one["name"], one["full_name"], one["role"], one["state"], str(one["wrong"]))
        table.add_row(*map(Text, (*words, locked, one["created_by"])))
    Console().print(table)


@command.command()
@name_argument
@session_option
@data_option
@json_option
def leave(name: str, session: Path | None, data: Path, as_json: bool) -> None:
    """End somebody's rights at once; the name is never used again. An administrator does it.

    \b
    Example:
      telebank staff leave li
    """
    _alone(data, session, name, "leave", as_json)


@command.command()
@name_argument
@session_option
@data_option
@json_option
def unlock(name: str, session: Path | None, data: Path, as_json: bool) -> None:
    """Let a person try again who is locked after too many wrong logins.

    \b
    Example:
      telebank staff unlock li
    """
    _alone(data, session, name, "unlock", as_json)


@command.command()
@name_argument
@click.option("--code", help="The six digits of the second factor, instead of asking for them.")
@password_option
@session_option
@data_option
@json_option
def login(
    name: str,
    code: str | None,
    password_file: Path | None,
    session: Path | None,
    data: Path,
    as_json: bool,
) -> None:
    """Log in at this terminal; it ends by `logout`, or after 15 minutes without an act.

    \b
    Examples:
      telebank staff login chen
      telebank staff login chen --password-file ~/chen.txt --code 123456 --session ~/chen.session
    """
    password = _password(password_file, confirm=False)
    digits = code if code is not None else click.prompt("Code", hide_input=True)
    body = {"name": name, "password": password, "code": str(digits).strip()}
    answer = call(data, "POST", "/v1/login", body)
    save_token(data, str(answer["token"]), session)
    told = {key: value for key, value in answer.items() if key != "token"}
    minutes = int(answer["idle_s"]) // 60
    words = f"{answer['name']} is logged in as {answer['role']}, until {minutes} minutes idle"
    _say(told, words, as_json)


@command.command()
@session_option
@data_option
@json_option
def logout(session: Path | None, data: Path, as_json: bool) -> None:
    """End this terminal's login.

    \b
    Example:
      telebank staff logout
    """
    token = need_token(data, session)
    try:
        answer = call(data, "POST", "/v1/logout", {}, token)
    finally:
        forget_token(data, session)
    _say(answer, "logged out", as_json)


@command.command()
@session_option
@data_option
@json_option
def whoami(session: Path | None, data: Path, as_json: bool) -> None:
    """Say who is logged in at this terminal.

    \b
    Example:
      telebank staff whoami --json
    """
    answer = call(data, "GET", "/v1/whoami", token=need_token(data, session))
    _say(answer, f"{answer['name']}, {answer['role']}", as_json)


def _enrol(
    data: Path,
    path: str,
    body: Mapping[str, Any],
    token: str | None,
    password_file: Path | None,
    as_json: bool,
) -> None:
    """Say the act; type a password only where the node asks for it, which is at the end."""
    try:
        answer = call(data, "POST", path, {**body, "request_id": request_id()}, token)
    except ControlRefused as refusal:
        if refusal.code != "password_needed":
            raise
        password = _password(password_file, confirm=True)
        whole = {**body, "request_id": request_id(), "password": password}
        answer = call(data, "POST", path, whole, token)
    if as_json:
        _say_json(answer)
    elif "otpauth" in answer:
        click.echo(f"{answer['name']} can log in. Shown once, for an authenticator:")
        click.echo(_picture(answer["otpauth"]))
        click.echo(answer["otpauth"])
    else:
        proposal = answer["approval"]
        click.echo(f"proposed; {answer['next']}, before {proposal['expires_at'][:16]} UTC")


def _alone(data: Path, session: Path | None, name: str, what: str, as_json: bool) -> None:
    path = f"/v1/staff/{_plain(name)}/{what}"
    body = {"request_id": request_id()}
    answer = call(data, "POST", path, body, need_token(data, session))
    done = "has left" if what == "leave" else "can try again"
    _say(answer, f"{name} {done}", as_json)


def _plain(name: str) -> str:
    if not name or not all(one.isascii() and (one.isalnum() or one in "._-") for one in name):
        raise click.UsageError(f"{name!r} is nobody's name: a-z, 0-9, . _ -")
    return name


def _password(file: Path | None, *, confirm: bool) -> str:
    if file is None:
        asked: str = click.prompt("Password", hide_input=True, confirmation_prompt=confirm)
        return asked
    if file.stat().st_mode & 0o077:
        raise click.UsageError(f"{file} can be read by others: chmod 600 {file}")
    with file.open(encoding="utf-8") as opened:
        return opened.read(MAX_SECRET).rstrip("\r\n")


def _picture(uri: str) -> str:
    code = qrcode.QRCode(border=2)
    code.add_data(uri)
    out = io.StringIO()
    code.print_ascii(out=out, invert=True)
    return out.getvalue()


def _say(answer: Mapping[str, Any], words: str, as_json: bool) -> None:
    if as_json:
        _say_json(answer)
    else:
        click.echo(words)


def _say_json(answer: Mapping[str, Any]) -> None:
    click.echo(json.dumps(answer, ensure_ascii=False))
