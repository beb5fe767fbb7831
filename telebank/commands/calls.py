"""`telebank calls`: lists calls from the event log."""

import json
import threading
from collections.abc import Sequence
from pathlib import Path

import click
from rich.console import Console
from rich.table import Table
from rich.text import Text
from sqlalchemy import Engine

from telebank.commands.common import EXIT_FINDING, Unreachable, data_option, json_option
from telebank.store.engine import database_url
from telebank.store.errors import StoreMissing
from telebank.store.eventlog import follow, open_read_only
from telebank.store.views import MAX_CALLS, CallRow, find_call, recent_calls


@click.command(name="calls")
@data_option
@click.option(
    "--limit",
    type=click.IntRange(1, MAX_CALLS),
    default=20,
    show_default=True,
    help="How many calls, newest first.",
)
@click.option("--follow", "following", is_flag=True, help="Go on showing calls as they change.")
@json_option
@click.argument("call", required=False)
def command(data: Path, limit: int, following: bool, as_json: bool, call: str | None) -> None:
    """List calls: keys pressed (secret ones as dots), services and outcomes, durations.

    With CALL, show that call alone.

    \b
    Examples:
      telebank calls
      telebank calls --limit 5 --json
      telebank calls --follow
      telebank calls 01-000042
    """
    try:
        engine = open_read_only(database_url(data))
    except StoreMissing as error:
        raise Unreachable(str(error)) from error
    if call is not None:
        _show_one(engine, call, as_json)
    elif following:
        _follow(engine, limit, as_json)
    else:
        with engine.connect() as connection:
            _show(recent_calls(connection, limit).calls, as_json)


def _show_one(engine: Engine, reference: str, as_json: bool) -> None:
    with engine.connect() as connection:
        row = find_call(connection, reference)
    if row is None:
        click.echo(f"no call {reference}; `telebank calls` lists them", err=True)
        raise click.exceptions.Exit(EXIT_FINDING)
    if as_json:
        click.echo(json.dumps(row.as_json(), ensure_ascii=False))
    else:
        _print_one(row)


def _show(rows: Sequence[CallRow], as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps([row.as_json() for row in rows], ensure_ascii=False))
        return
    table = Table("call", "started", "caller", "length", "keys", "services", "ended")
    for row in rows:
        services = "\n".join(_services(row))
        cells = (row.reference, _time(row), row.caller, _length(row), row.path, services)
        table.add_row(*(Text(cell) for cell in (*cells, row.ended_by or "–")))
    Console().print(table if rows else "no calls yet")


def _print_one(row: CallRow) -> None:
    table = Table("what", "", show_header=False)
    table.add_row("call", row.reference)
    table.add_row("started", _time(row))
    table.add_row("caller → called", Text(f"{row.caller} → {row.called} ({row.codec})"))
    table.add_row("language", row.language)
    for keys in row.keys:
        table.add_row(f"keys at {keys.node}", keys.digits)
    table.add_row("services", "\n".join(_services(row)))
    table.add_row("last node", row.at)
    table.add_row("length", _length(row))
    table.add_row("ended by", row.ended_by or "– (live)")
    Console().print(table)


def _follow(engine: Engine, limit: int, as_json: bool) -> None:
    """The newest calls, then a line for each call that something happened to."""
    with engine.connect() as connection:
        shown = recent_calls(connection, limit)
    _lines(shown.calls, as_json)
    before = shown.cursor
    pages = follow(engine, before, threading.Event().wait)
    try:
        for page in pages:
            if page.events:
                with engine.connect() as connection:
                    shown = recent_calls(connection, limit, before)
                _lines(shown.calls, as_json)
            before = page.cursor
    except KeyboardInterrupt:
        click.echo("", err=True)


def _lines(rows: Sequence[CallRow], as_json: bool) -> None:
    for row in reversed(rows):
        click.echo(json.dumps(row.as_json(), ensure_ascii=False) if as_json else _line(row))


def _line(row: CallRow) -> str:
    parts = (_time(row), row.reference, row.caller, _length(row), f"[{row.path}]", row.at)
    return "  ".join((*parts, ", ".join(_services(row)), row.ended_by)).rstrip()


def _services(row: CallRow) -> list[str]:
    """`card.balance ok 214 ms`, or `…` while the host is thinking."""
    return [
        f"{item.service} {item.exit or '…'}" + ("" if item.ms is None else f" {item.ms} ms")
        for item in row.services
    ]


def _time(row: CallRow) -> str:
    return row.started.astimezone().strftime("%Y-%m-%d %H:%M:%S")


def _length(row: CallRow) -> str:
    if row.seconds is None:
        return "live" if not row.ended_by else "–"
    minutes, seconds = divmod(round(row.seconds), 60)
    return f"{minutes}:{seconds:02d}"
