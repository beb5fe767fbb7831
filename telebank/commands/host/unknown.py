"""`telebank host unknown`: requests that are not settled, and what a person does about one."""

import dataclasses
import json
from collections.abc import Sequence
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import click
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

from telebank.commands.common import EXIT_FINDING, Unreachable, data_option, json_option
from telebank.settings import SettingsError, store_url
from telebank.store.engine import open_read_only
from telebank.store.errors import KeyFileError, StoreMissing
from telebank.store.unsettled import History, Message, Unsettled, history, unsettled
from transactions.lifecycle import UNSETTLED, State
from transactions.money import Money, currency

WIDE = 170
"""Columns from which everything of a row has room in one line."""


@click.command(name="unknown")
@click.argument("reference", required=False)
@data_option
@json_option
def command(reference: str | None, data: Path, as_json: bool) -> None:
    """List requests without an end; with REFERENCE, one's history and what to look up at the host.

    Everything but MANUAL is still being settled by the gateway. MANUAL waits for two people:
    `telebank host resolve`. Exit 1 where anything is MANUAL. Times are UTC.

    \b
    Examples:
      telebank host unknown
      telebank host unknown --json | jq '.rows[] | select(.state == "MANUAL")'
      telebank host unknown 010000000042
    """
    try:
        engine = open_read_only(store_url(data))
    except (SettingsError, KeyFileError) as error:
        raise click.UsageError(str(error)) from error
    except StoreMissing as error:
        raise Unreachable(str(error)) from error
    with engine.connect() as connection:
        if reference is not None:
            found = history(connection, reference)
            rows: Sequence[Unsettled] = () if found is None else (found.row,)
        else:
            found, rows = None, unsettled(connection)
    engine.dispose()
    if reference is None:
        _list(rows, as_json)
    elif found is None:
        click.echo(f"no request has the reference {reference}", err=True)
        raise click.exceptions.Exit(EXIT_FINDING)
    else:
        _show(found, as_json)
    if any(row.state is State.MANUAL for row in rows):
        raise click.exceptions.Exit(EXIT_FINDING)


# -- the list -------------------------------------------------------------------------------------


def _list(rows: Sequence[Unsettled], as_json: bool) -> None:
    manual = sum(row.state is State.MANUAL for row in rows)
    if as_json:
        found = {"rows": [_json(row) for row in rows], "manual": manual}
        click.echo(json.dumps(found, ensure_ascii=False, default=_plain))
        return
    if not rows:
        click.echo("every request has its end")
        return
    console = Console()
    table = _wide(rows) if console.width >= WIDE else _narrow(rows)
    console.print(table)
    if manual:
        click.echo(f"{manual} MANUAL: `telebank host unknown REFERENCE` says what to look up")


def _wide(rows: Sequence[Unsettled]) -> Table:
    headings = ("reference", "service", "from", "to", "amount", "state", "since")
    table = Table(*headings, "tries", "next", "why", "date")
    for row in rows:
        table.add_row(
            *map(Text, (row.reference, row.service, row.payer_masked, row.payee_masked)),
            Text(_amount(row)),
            _state(row),
            *map(Text, (_time(row.since), str(row.attempts), _time(row.next_attempt_at))),
            *map(Text, (row.why, row.business_date.isoformat())),
        )
    return table


def _narrow(rows: Sequence[Unsettled]) -> Table:
    """The same in three lines a row, for 80 columns."""
    table = Table(box=SIMPLE_HEAD, show_lines=True)
    table.add_column("reference\nservice", no_wrap=True)
    table.add_column("from\nto\nwhy", overflow="fold")
    table.add_column("amount\ndate", no_wrap=True)
    table.add_column("state\nsince\ntries, next", no_wrap=True)
    for row in rows:
        after = _time(row.next_attempt_at)[-8:]
        tries = f"{row.attempts}, {after}" if after else str(row.attempts)
        table.add_row(
            Text(f"{row.reference}\n{row.service}"),
            Text(f"{row.payer_masked or '-'}\n{row.payee_masked or '-'}\n{row.why}"),
            Text(f"{_amount(row)}\n{row.business_date}"),
            _state(row).append(f"\n{_time(row.since)}\n{tries}", style="not bold default"),
        )
    return table


def _state(row: Unsettled) -> Text:
    return Text(row.state.value, "bold red" if row.state is State.MANUAL else "")


def _json(row: Unsettled) -> dict[str, Any]:
    return dataclasses.asdict(row)


# -- one row --------------------------------------------------------------------------------------


def _show(found: History, as_json: bool) -> None:
    if as_json:
        whole = dataclasses.asdict(found) | {
            "look_up": [_keys(message) for message in _to_look_up(found)],
            "decisions": _decisions(found),
        }
        click.echo(json.dumps(whole, ensure_ascii=False, default=_plain))
        return
    row = found.row
    click.echo(f"{row.reference}  {row.service}  {_amount(row)}  business date {row.business_date}")
    who = f"{row.payer_masked or '-'} -> {row.payee_masked or '-'}"
    click.echo(f"{who}; the customer last heard: {row.told or 'nothing'}")
    click.echo("\nHistory (UTC)")
    for step in found.steps:
        click.echo(f"  {_time(step.at)}  {step.state:<17} {step.why}")
    click.echo("\nMessages (UTC)")
    for message in found.messages:
        click.echo(f"  {_time(message.sent_at)}  {_message(message)}")
    if found.notes:
        click.echo("\nAlarms and late answers (UTC)")
    for note in found.notes:
        click.echo(f"  {_time(note.at)}  {note.kind:<19} {note.text}")
    if row.state in UNSETTLED:
        _say_lookup(found)
        _say_decisions(found)


def _say_lookup(found: History) -> None:
    click.echo("\nLook up at the host")
    for message in _to_look_up(found):
        for name, value in _keys(message).items():
            click.echo(f"  {name:<24} {value}")
    click.echo("  Was it posted, and was it not undone afterwards (a reversal with field 90)?")


def _say_decisions(found: History) -> None:
    if found.row.state is not State.MANUAL:
        click.echo(f"\n{found.row.state}: the gateway still settles it; nothing to decide yet")
        return
    click.echo("\nThen, first one person and after him another")
    for result, text in _decisions(found).items():
        click.echo(f"  telebank host resolve {found.row.reference} {result} --note '…'")
        click.echo(f"      {text}")


def _to_look_up(found: History) -> list[Message]:
    """The message that asked the host to do it; repeats carry the same keys."""
    return [message for message in found.messages if message.role == "request"][:1]


def _keys(message: Message) -> dict[str, str]:
    return {
        "MTI": message.mti,
        "field 3, processing code": message.processing_code,
        "field 4, amount": message.amount,
        "field 7, sent (UTC)": message.field7,
        "field 11, STAN": message.stan,
        "field 32, acquirer": message.field32,
        "field 37, reference": message.field37,
        "field 41, terminal": message.field41,
    }


def _decisions(found: History) -> dict[str, str]:
    """What each result does."""
    day = found.row.business_date
    held = ", ".join(
        f"{_money(hold.amount, hold.currency)} of {hold.limit}"
        for hold in found.holds
        if hold.state == "held"
    )
    used = f"{held} counts as used on {day}; " if held else ""
    free = f"{held} is free again on {day}; " if held else ""
    return {
        "posted": f"CLOSED_POSTED: {used}the customer's next call begins with: it was done",
        "not-posted": f"CLOSED_NOT_POSTED: {free}the customer's next call begins with: it was "
        "not done. Undo it at the host first if it has it",
    }


def _message(message: Message) -> str:
    reply = "no reply" if message.reply_at is None else f"reply 39={message.reply39 or '-'}"
    if message.reply_at is not None:
        reply += f" at {_time(message.reply_at)}"
    keys = f"STAN {message.stan}, field 7 {message.field7}, field 37 {message.field37}"
    first = f"{message.mti} {message.role} {message.attempt}  {reply}"
    return f"{first}\n{'':18}{keys}, link {message.link}"


def _amount(row: Unsettled) -> str:
    if row.amount is None or row.currency is None:
        return ""
    return _money(row.amount, row.currency)


def _money(minor: int, code: str) -> str:
    return str(Money(minor, currency(code)))


def _time(at: datetime | None) -> str:
    return "" if at is None else at.astimezone(UTC).strftime("%m-%d %H:%M:%S")


def _plain(value: object) -> str:
    if isinstance(value, datetime | date):
        return value.isoformat()
    raise TypeError(type(value).__name__)
