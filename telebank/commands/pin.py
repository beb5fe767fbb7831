"""`telebank pin`: what the bank keeps of telephone PINs; asks the running node."""

import sys
from pathlib import Path

import click

from telebank.commands.common import data_option, json_option
from telebank.commands.control_client import call, need_token, request_id, session_option
from telebank.commands.staff_secrets import say_json
from transactions.card import CardNumber, CardNumberError, luhn_valid

FORGET = "/v1/pins/forget"
MAX_LINE = 100
"""Characters read of standard input."""


@click.group(name="pin", context_settings={"help_option_names": ["-h", "--help"]})
def command() -> None:
    """What is kept of telephone PINs, where `[auth] verifier` is local (docs/keys.md).

    Never a PIN: only what tells one, made under the key telephone.pin.

    \b
    Example:
      telebank pin forget --note "she forgot it, a new one is on its way"
    """


@command.command()
@click.option("--note", default="", help="Why; kept with the event. No card numbers.")
@session_option
@data_option
@json_option
def forget(note: str, session: Path | None, data: Path, as_json: bool) -> None:
    """Remove what is kept of a card's telephone PIN; a supervisor does it.

    The card number is asked for, or read from standard input, and is never an argument: those show
    in lists of processes. From then on the host alone says which PIN is right, until it has said so
    of one.

    \b
    Exit code 0: nothing is kept any more, whether something was or not.
    Examples:
      telebank pin forget
      telebank pin forget --json < card.txt
    """
    token = need_token(data, session)
    card = read_card()
    body = {"request_id": request_id(), "card": card.digits, "note": note}
    answer = call(data, "POST", FORGET, body, token)
    if as_json:
        say_json(answer)
        return
    what = "forgotten" if answer["forgotten"] else "nothing was kept"
    click.echo(f"{answer['card']}: {what}; the host says which PIN is right")


def read_card() -> CardNumber:
    """A card number, asked for or from standard input. Raises `UsageError`."""
    if sys.stdin.isatty():
        text = str(click.prompt("Card number", hide_input=True, err=True))
    else:
        text = sys.stdin.read(MAX_LINE)
    try:
        card = CardNumber("".join(text.split()))
    except CardNumberError as error:
        raise click.UsageError(str(error)) from None
    if not luhn_valid(card.digits):
        raise click.UsageError("that is no card number: its check digit is wrong")
    return card
