"""`telebank staff`: who works here; every command asks the running node."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click
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
from telebank.commands.demo_people import demo
from telebank.commands.staff_secrets import (
    code,
    enrol,
    half_words,
    name_argument,
    password,
    password_,
    password_option,
    plain,
    say,
    say_json,
    show_seed,
)
from telebank.commands.staff_skills import skills
from telebank.staff.roles import Role

ROLES = tuple(role.value for role in Role)

note_option = click.option("--note", default="", help="Why; kept with the approval.")


@click.group(name="staff", context_settings={"help_option_names": ["-h", "--help"]})
def command() -> None:
    """Who works here: add people, log in, leave, unlock, reset (docs/staff.md).

    The first two people, an administrator and a supervisor, are added by the machine's own user.
    After that an administrator proposes and a supervisor says the same; each has half of a code,
    and the new person enrols with both.

    \b
    Examples:
      telebank staff add chen --role administrator --full-name "Chen Mei"
      telebank staff login chen
      telebank staff enrol li
      telebank staff list
    """


for one in (code, demo, enrol, password_, skills):
    command.add_command(one)


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
    """Add a person, who then enrols himself.

    An administrator proposes; then a supervisor says the same at his own terminal. Each gives the
    new person half of a code: the supervisor's is shown now, the administrator's by
    `telebank staff code NAME`. The first two people need nobody else, and type a password here.

    \b
    Examples:
      telebank staff add li --role teller --full-name "Li Na"
      telebank staff add chen --role administrator --password-file ~/chen.txt --json
    """
    body = {"name": name, "role": role, "full_name": full_name, "note": note}
    token = saved_token(data, session)
    try:
        answer = call(data, "POST", "/v1/staff", {**body, "request_id": request_id()}, token)
    except ControlRefused as refusal:
        if refusal.code != "password_needed":
            raise
        body |= {"request_id": request_id(), "password": password(password_file, confirm=True)}
        answer = call(data, "POST", "/v1/staff", body, token)
    _told(answer, as_json)


@command.command()
@name_argument
@note_option
@session_option
@data_option
@json_option
def reset(name: str, note: str, session: Path | None, data: Path, as_json: bool) -> None:
    """End a person's password and second factor, to enrol anew: a telephone was lost.

    An administrator proposes; then a supervisor says the same. Each gives the person half of a
    code, as for `add`; until he has enrolled he can do nothing.

    \b
    Example:
      telebank staff reset li --note "lost her telephone, came with her identity card"
    """
    token = need_token(data, session)
    body = {"note": note, "request_id": request_id()}
    _told(call(data, "POST", f"/v1/staff/{plain(name)}/reset", body, token), as_json)


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
        say_json(answer)
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
    secret = password(password_file, confirm=False)
    digits = code if code is not None else click.prompt("Code", hide_input=True)
    body = {"name": name, "password": secret, "code": str(digits).strip()}
    answer = call(data, "POST", "/v1/login", body)
    save_token(data, str(answer["token"]), session)
    told = {key: value for key, value in answer.items() if key != "token"}
    minutes = int(answer["idle_s"]) // 60
    words = f"{answer['name']} is logged in as {answer['role']}, until {minutes} minutes idle"
    say(told, "\n".join((words, *map(_let_in, answer["let_in"]))), as_json)


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
    say(answer, "logged out", as_json)


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
    say(answer, f"{answer['name']}, {answer['role']}", as_json)


def _let_in(one: Mapping[str, Any]) -> str:
    """What one is told of somebody whom one proposed or approved lately."""
    has = {"active": "has enrolled", "invited": "has not enrolled yet", "left": "has left"}
    two, at = f"{one['proposed_by']} and {one['approved_by']}", str(one["at"])[:10]
    return f"  {one['name']}, by {two} on {at} ({one['act']}): {has[one['state']]}"


def _told(answer: Mapping[str, Any], as_json: bool) -> None:
    if as_json:
        say_json(answer)
    elif "otpauth" in answer:
        show_seed(answer)
    elif "half" in answer:
        click.echo(half_words(answer))
        click.echo("Who proposed it has the other half: telebank staff code " + answer["name"])
    else:
        proposal = answer["approval"]
        click.echo(f"proposed; {answer['next']}, before {proposal['expires_at'][:16]} UTC")
        click.echo(f"After that, your half of the code: telebank staff code {proposal['object']}")


def _alone(data: Path, session: Path | None, name: str, what: str, as_json: bool) -> None:
    path = f"/v1/staff/{plain(name)}/{what}"
    body = {"request_id": request_id()}
    answer = call(data, "POST", path, body, need_token(data, session))
    done = "has left" if what == "leave" else "can try again"
    say(answer, f"{name} {done}", as_json)
