"""`telebank staff code`, `enrol`, `password`: what a person does with his own secrets."""

import io
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click
import qrcode

from telebank.commands.common import data_option, json_option
from telebank.commands.control_client import (
    call,
    forget_token,
    need_token,
    request_id,
    session_option,
)

MAX_SECRET = 1_000
"""Longest password file, in bytes."""
HALVES = 2

name_argument = click.argument("name")
_FILE = click.Path(path_type=Path, dir_okay=False, exists=True)
password_option = click.option(
    "--password-file",
    type=_FILE,
    help="Read the password from this file (mode 0600) instead of asking for it.",
)


@click.command()
@name_argument
@session_option
@data_option
@json_option
def code(name: str, session: Path | None, data: Path, as_json: bool) -> None:
    """Show your half of the code of somebody whom you proposed or approved.

    Give it to that person alone, in person: with both halves he is let in. Each call makes a new
    half; the one before is worth nothing.

    \b
    Example:
      telebank staff code li
    """
    path = f"/v1/staff/{plain(name)}/code"
    answer = call(data, "POST", path, {"request_id": request_id()}, need_token(data, session))
    say(answer, half_words(answer), as_json)


@click.command()
@name_argument
@click.option("--code-file", type=_FILE, help="File (mode 0600) with both halves, one a line.")
@password_option
@data_option
@json_option
def enrol(
    name: str, code_file: Path | None, password_file: Path | None, data: Path, as_json: bool
) -> None:
    """Enrol yourself, with both halves of your code; nobody else is at the screen.

    You choose your password; the second factor is shown once, as a link and as a picture for a
    telephone.

    \b
    Examples:
      telebank staff enrol li
      telebank staff enrol li --code-file ~/code.txt --password-file ~/li.txt --json
    """
    halves = _halves(code_file)
    secret = password(password_file, confirm=True)
    body = {"request_id": request_id(), "halves": halves, "password": secret}
    answer = call(data, "POST", f"/v1/staff/{plain(name)}/enrol", body)
    if as_json:
        say_json(answer)
    else:
        show_seed(answer)


@click.command(name="password")
@click.option("--old-file", type=_FILE, help="File (mode 0600) with the old password.")
@click.option("--new-file", type=_FILE, help="File (mode 0600) with the new password.")
@session_option
@data_option
@json_option
def password_(
    old_file: Path | None,
    new_file: Path | None,
    session: Path | None,
    data: Path,
    as_json: bool,
) -> None:
    """Change your own password; all your logins end, and you log in anew.

    \b
    Example:
      telebank staff password
    """
    token = need_token(data, session)
    old = password(old_file, confirm=False, what="Old password")
    new = password(new_file, confirm=True, what="New password")
    body = {"request_id": request_id(), "old": old, "new": new}
    answer = call(data, "POST", "/v1/password", body, token)
    forget_token(data, session)
    say(answer, f"{answer['name']} has a new password; log in with it", as_json)


def half_words(answer: Mapping[str, Any]) -> str:
    """A half of a code, and what to do with it."""
    name = answer["name"]
    return (
        f"your half of {name}'s code, shown once: {answer['half']}\n"
        f"Give it to {name} alone; with the other half: telebank staff enrol {name}"
    )


def show_seed(answer: Mapping[str, Any]) -> None:
    """The second factor, once."""
    click.echo(f"{answer['name']} can log in. Shown once, for an authenticator:")
    show_otpauth(answer)


def show_otpauth(answer: Mapping[str, Any]) -> None:
    """A seed as a picture and as a link."""
    click.echo(_picture(answer["otpauth"]))
    click.echo(answer["otpauth"])


def plain(name: str) -> str:
    """A name that can stand in a path; exit 2 otherwise."""
    if not name or not all(one.isascii() and (one.isalnum() or one in "._-") for one in name):
        raise click.UsageError(f"{name!r} is nobody's name: a-z, 0-9, . _ -")
    return name


def password(file: Path | None, *, confirm: bool, what: str = "Password") -> str:
    """A password from a file that only its owner can read, or from the terminal."""
    if file is None:
        asked: str = click.prompt(what, hide_input=True, confirmation_prompt=confirm)
        return asked
    return _secret(file).rstrip("\r\n")


def say(answer: Mapping[str, Any], words: str, as_json: bool) -> None:
    """The answer, for people or for programs."""
    if as_json:
        say_json(answer)
    else:
        click.echo(words)


def say_json(answer: Mapping[str, Any]) -> None:
    """The answer, for programs."""
    click.echo(json.dumps(answer, ensure_ascii=False))


def _halves(file: Path | None) -> list[str]:
    if file is None:
        asked = ("First half of the code", "Second half of the code")
        return [str(click.prompt(what, hide_input=True)).strip() for what in asked]
    halves = [line.strip() for line in _secret(file).splitlines() if line.strip()]
    if len(halves) != HALVES:
        raise click.UsageError(f"{file} has not two lines, one for each half of the code")
    return halves


def _secret(file: Path) -> str:
    if file.stat().st_mode & 0o077:
        raise click.UsageError(f"{file} can be read by others: chmod 600 {file}")
    with file.open(encoding="utf-8") as opened:
        return opened.read(MAX_SECRET)


def _picture(uri: str) -> str:
    made = qrcode.QRCode(border=2)
    made.add_data(uri)
    out = io.StringIO()
    made.print_ascii(out=out, invert=True)
    return out.getvalue()
