"""`telebank customer`: what is kept for a customer, and his token (docs/customers.md)."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from telebank.commands.approval import check_note
from telebank.commands.common import data_option, json_option
from telebank.commands.control_client import call, need_token, request_id, session_option
from telebank.commands.pin import read_card
from telebank.commands.staff_secrets import say_json, show_otpauth

SHOW, TOKEN = "/v1/customers/show", "/v1/customers/token"
note_option = click.option("--note", required=True, help="What you saw; no card numbers.")


@click.group(name="customer", context_settings={"help_option_names": ["-h", "--help"]})
def command() -> None:
    """What is kept for a customer: settings, payees, ceilings, uses, his token.

    The card number is asked for, or read from standard input, and is never an argument: those show
    in lists of processes.

    \b
    Examples:
      telebank customer show
      telebank customer token add --note "identity seen, token handed over"
    """


@command.command()
@session_option
@data_option
@json_option
def show(session: Path | None, data: Path, as_json: bool) -> None:
    """Show what is kept, masked; tellers and supervisors. That somebody looked is in the event log.

    \b
    Examples:
      telebank customer show
      telebank customer show --json < card.txt
    """
    token = need_token(data, session)
    answer = call(data, "POST", SHOW, {"card": read_card().digits}, token)
    if as_json:
        say_json(answer)
        return
    for line in _lines(answer):
        click.echo(line)


@command.group()
def token() -> None:
    """A customer's token: its six digits are his second factor instead of a message.

    A teller proposes, a supervisor says the same.
    """


@token.command()
@note_option
@session_option
@data_option
@json_option
def add(note: str, session: Path | None, data: Path, as_json: bool) -> None:
    """Give a customer a token. The second person is shown its seed once, as a link and a picture.

    \b
    Example:
      telebank customer token add --note "identity seen, token handed over"
    """
    _say(_token("add", note, session, data), as_json)


@token.command()
@note_option
@session_option
@data_option
@json_option
def remove(note: str, session: Path | None, data: Path, as_json: bool) -> None:
    """Take a customer's token away; codes go by message again.

    \b
    Example:
      telebank customer token remove --note "token lost, identity seen"
    """
    _say(_token("remove", note, session, data), as_json)


def _token(what: str, note: str, session: Path | None, data: Path) -> Mapping[str, Any]:
    check_note(note)
    login = need_token(data, session)
    body = {"request_id": request_id(), "card": read_card().digits, "what": what, "note": note}
    return call(data, "POST", TOKEN, body, login)


def _say(answer: Mapping[str, Any], as_json: bool) -> None:
    if as_json:
        say_json(answer)
    elif answer["state"] == "approved":
        click.echo(f"{answer['card']}: token {answer['token']}")
        if "otpauth" in answer:
            show_otpauth(answer)
    else:
        until = answer["approval"]["expires_at"][:16].replace("T", " ")
        click.echo(f"proposed; {answer['next']}, before {until} UTC")


def _lines(answer: Mapping[str, Any]) -> list[str]:
    """A line for each thing that is kept."""
    held = answer["token"]
    lines = [f"{answer['card']}"]
    lines.append("token: none" if held is None else f"token: by {held['added_by']}")
    lines += [f"setting: {what} {value}" for what, value in answer["settings"].items()]
    lines += [_payee(one) for one in answer["payees"]]
    for one in answer["ceilings"]:
        later = "" if one["later"] is None else f", from {one['since']} {one['later']}"
        lines.append(f"ceiling: {one['limit']} {one['amount']}{later}")
    lines += [f"used: {one['what']} {one['times']} times" for one in answer["uses"]]
    return lines


def _payee(one: Mapping[str, Any]) -> str:
    most = "" if one["daily"] is None else f", at most {one['daily']} a day"
    return f"payee {one['slot']}: {one['card']} {one['state']}, since {one['added_at'][:10]}{most}"
