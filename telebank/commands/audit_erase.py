"""`telebank audit erase`: two people have a person's detail erased from the event log."""

import json
import sys
from pathlib import Path

import click
from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from telebank.calls.faxes.numbers import read as read_number
from telebank.calls.masking import mask_caller
from telebank.commands.common import TOKEN, data_option, json_option
from telebank.commands.control_client import call, need_token, session_option
from telebank.commands.keys.agreement import agreed_on
from telebank.commands.pin import MAX_LINE, read_card
from telebank.commands.wiring.erasing import PATH
from telebank.settings import SettingsError, load_settings
from telebank.staff.roles import ERASE
from telebank.store.erasing import CARD, NUMBER
from telebank.store.errors import KeyFileError
from telebank.store.sealing import Keyring

_BAR = (SpinnerColumn(), TextColumn("{task.completed} {task.description}"), TimeElapsedColumn())


@click.command()
@click.option("--customer", help="Token of a card, in place of the card's number.")
@click.option("--number", is_flag=True, help="A fax number or mail address, in place of a card.")
@click.option("--note", default="", help="Why; kept with the approval. No numbers.")
@session_option
@data_option
@json_option
def erase(
    *,
    customer: str | None,
    number: bool,
    note: str,
    session: Path | None,
    data: Path,
    as_json: bool,
) -> None:
    """Erase what the log says of a person: salt and masked detail. Takes two people.

    An administrator says it, then a supervisor the same, and it is done. Entries stay, and the log
    verifies as before. Refused while a legal hold names the person. The number of the card is asked
    for, or read from standard input, and is never an argument. Broken off, the two say it again.

    \b
    Examples:
      telebank audit erase --note "asked for it, letter of 3 May"
      telebank audit erase --number < number.txt
    """
    if customer is not None and (number or not TOKEN.fullmatch(customer)):
        raise click.UsageError("--customer is 64 hexadecimal digits, and stands alone")
    kind, token, shown = _person(data, customer, number=number)
    if not agreed_on(data, session, ERASE, token, {"kind": kind}, note):
        return
    erased, after = 0, None
    with Progress(*_BAR, console=Console(stderr=True), disable=as_json) as bar:
        task = bar.add_task("erased", total=None)
        while True:
            body = {"token": token, "kind": kind, "after": after}
            answer = call(data, "POST", PATH, body, need_token(data, session))
            erased, after = erased + answer["erased"], answer["after"]
            bar.update(task, completed=erased)
            if after is None:
                break
    words = f"{erased} entries speak no more of {shown}; old exports and backups still do"
    click.echo(json.dumps({"erased": erased}) if as_json else words)


def _person(data: Path, customer: str | None, *, number: bool) -> tuple[str, str, str]:
    """Kind, token, and what is shown of him."""
    if customer is not None:
        return CARD, customer, customer[:8]
    try:
        keys = Keyring.open(data / "keys")
        plan = load_settings(data).outbound.plan
    except (KeyFileError, SettingsError) as error:
        raise click.UsageError(str(error)) from error
    if not number:
        card = read_card()
        return CARD, keys.token(card), card.masked
    text = sys.stdin.readline(MAX_LINE) if not sys.stdin.isatty() else click.prompt("Number")
    dialled = read_number(plan, text.strip())
    one = text.strip() if isinstance(dialled, str) else dialled.dialled
    return NUMBER, keys.digest(one), mask_caller(one)
