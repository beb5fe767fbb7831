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

SHOW, TOKEN, SET = "/v1/customers/show", "/v1/customers/token", "/v1/customers/set"
NONE = "none"
"""Takes back what was said."""
note_option = click.option("--note", required=True, help="What you saw; no card numbers.")


@click.group(name="customer", context_settings={"help_option_names": ["-h", "--help"]})
def command() -> None:
    """What is kept for a customer: settings, payees, ceilings, uses, his token, how he is received.

    The card number is asked for, or read from standard input, and is never an argument: those show
    in lists of processes.

    \b
    Examples:
      telebank customer show
      telebank customer set --importance 7 --teller li --note "contract of 1 November"
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


@command.command(name="set")
@click.option("--importance", help="0 to 9, or `none`: as the table of cards says.")
@click.option("--teller", help="His own teller, by name; or `none`.")
@click.option("--number", help="A number that he calls from.")
@click.option("--forget-numbers", is_flag=True, help="Forget his numbers; one given is added.")
@note_option
@session_option
@data_option
@json_option
def set_(
    *,
    importance: str | None,
    teller: str | None,
    number: str | None,
    forget_numbers: bool,
    note: str,
    session: Path | None,
    data: Path,
    as_json: bool,
) -> None:
    """Say how a customer is received by queues, before what config/queues.yaml says of his card.

    A teller proposes, a supervisor says the same. What is not named stays as it is.

    \b
    Examples:
      telebank customer set --importance 7 --teller li --note "contract of 1 November"
      telebank customer set --number 13800001234 --note "given at the branch"
      telebank customer set --importance none --teller none --note "contract ended"
    """
    check_note(note)
    said: dict[str, Any] = {}
    if importance is not None:
        said["importance"] = _level(importance)
    if teller is not None:
        said["teller"] = None if teller == NONE else teller
    if number:
        said["number"] = number
    if forget_numbers:
        said["forget_numbers"] = True
    if not said:
        raise click.UsageError("say --importance, --teller, --number or --forget-numbers")
    login = need_token(data, session)
    body = {"request_id": request_id(), "card": read_card().digits, "note": note, **said}
    _say(call(data, "POST", SET, body, login), as_json)


def _level(text: str) -> int | None:
    if text == NONE:
        return None
    if not (len(text) == 1 and text.isascii() and text.isdecimal()):
        raise click.UsageError(f"an importance is 0 to 9, or {NONE}")
    return int(text)


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
        done = f"token {answer['token']}" if "token" in answer else "set"
        click.echo(f"{answer['card']}: {done}")
        if "otpauth" in answer:
            show_otpauth(answer)
    else:
        until = answer["approval"]["expires_at"][:16].replace("T", " ")
        click.echo(f"proposed; {answer['next']}, before {until} UTC")


def _lines(answer: Mapping[str, Any]) -> list[str]:
    """A line for each thing that is kept."""
    held = answer["token"]
    lines = [f"{answer['card']}", *_received(answer["record"])]
    lines.append("token: none" if held is None else f"token: by {held['added_by']}")
    lines += [f"setting: {what} {value}" for what, value in answer["settings"].items()]
    lines += [_payee(one) for one in answer["payees"]]
    for one in answer["ceilings"]:
        later = "" if one["later"] is None else f", from {one['since']} {one['later']}"
        lines.append(f"ceiling: {one['limit']} {one['amount']}{later}")
    lines += [f"used: {one['what']} {one['times']} times" for one in answer["uses"]]
    return lines


def _received(record: Mapping[str, Any]) -> list[str]:
    """How he is received."""
    level, teller = record["importance"], record["teller"]
    return [
        f"importance: {'not said' if level is None else level}",
        f"own teller: {teller or 'not said'}",
        *(f"calls from: {number}" for number in record["numbers"]),
    ]


def _payee(one: Mapping[str, Any]) -> str:
    most = "" if one["daily"] is None else f", at most {one['daily']} a day"
    return f"payee {one['slot']}: {one['card']} {one['state']}, since {one['added_at'][:10]}{most}"
