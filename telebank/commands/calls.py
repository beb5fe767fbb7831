"""`telebank calls`: lists calls from the event log."""

import json
import re
import threading
from collections.abc import Mapping, Sequence
from datetime import UTC
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.table import Table
from rich.text import Text
from sqlalchemy import Connection, Engine, select

from telebank.commands.common import EXIT_FINDING, Unreachable, data_option, json_option
from telebank.settings import SettingsError, store_url
from telebank.store.errors import KeyFileError, StoreMissing
from telebank.store.eventlog import follow, open_read_only
from telebank.store.tables import lease
from telebank.store.views import (
    DOT,
    MAX_CALLS,
    CallRow,
    CallState,
    call_state,
    find_call,
    recent_calls,
)

WIDE = 100
"""Columns from which the host's times have room in the list."""
States = Mapping[str, CallState]
_LONG = re.compile(f"{DOT}{{5,}}")


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

    With CALL, show that call alone. Times are in UTC. --json gives `ended_by` as the node saw it
    (local is the bank, remote the caller) and `state`: talking, over, or broken where the node
    died under the call.

    \b
    Examples:
      .venv/bin/telebank calls
      .venv/bin/telebank calls --limit 5 --json
      .venv/bin/telebank calls --follow
      .venv/bin/telebank calls 01-1-1
    """
    try:
        engine = open_read_only(store_url(data))
    except (SettingsError, KeyFileError) as error:
        raise click.UsageError(str(error)) from error
    except StoreMissing as error:
        raise Unreachable(str(error)) from error
    if call is not None:
        _show_one(engine, call, as_json)
    elif following:
        _follow(engine, limit, as_json)
    else:
        with engine.connect() as connection:
            rows = recent_calls(connection, limit).calls
            _show(rows, _states(connection, rows), as_json)


def _show_one(engine: Engine, reference: str, as_json: bool) -> None:
    with engine.connect() as connection:
        row = find_call(connection, reference)
        states = _states(connection, [] if row is None else [row])
    if row is None:
        click.echo(f"no call {reference}; `telebank calls` lists them", err=True)
        raise click.exceptions.Exit(EXIT_FINDING)
    if as_json:
        click.echo(json.dumps(_json(row, states), ensure_ascii=False))
    else:
        _print_one(row, states)


def _show(rows: Sequence[CallRow], states: States, as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps([_json(row, states) for row in rows], ensure_ascii=False))
        return
    console = Console()
    wide = console.width >= WIDE
    table = Table(box=None, padding=(0, 1, 0, 0), pad_edge=False, header_style="bold")
    for name in ("call", "started\n(UTC)", "caller", "length", "keys", "services", "ended"):
        folds = name == "keys"
        table.add_column(name, no_wrap=not folds, overflow="fold" if folds else "ellipsis")
    for row in rows:
        started = _time(row).replace(" ", "\n")
        services = "\n".join(_services(row, timed=wide))
        cells = (row.reference, started, row.caller, _length(row, states), _keys(row), services)
        table.add_row(*(Text(cell) for cell in (*cells, _ended(row, states))))
    console.print(table if rows else "no calls yet")


def _print_one(row: CallRow, states: States) -> None:
    table = Table("what", "", show_header=False)
    table.add_row("call", row.reference)
    table.add_row("started", f"{_time(row)} UTC")
    table.add_row("caller → called", Text(f"{row.caller} → {row.called} ({row.codec})"))
    table.add_row("language", row.language)
    for keys in row.keys:
        table.add_row(f"keys at {keys.node}", keys.digits)
    table.add_row("services", "\n".join(_services(row, timed=True)))
    table.add_row("last node", row.at)
    table.add_row("length", _length(row, states))
    table.add_row("ended by", _ended(row, states))
    Console().print(table)


def _follow(engine: Engine, limit: int, as_json: bool) -> None:
    """The newest calls, then a line for each call that something happened to."""
    with engine.connect() as connection:
        shown = recent_calls(connection, limit)
        states = _states(connection, shown.calls)
    _lines(shown.calls, states, as_json)
    before = shown.cursor
    pages = follow(engine, before, threading.Event().wait)
    try:
        for page in pages:
            if page.events:
                with engine.connect() as connection:
                    shown = recent_calls(connection, limit, before)
                    states = _states(connection, shown.calls)
                _lines(shown.calls, states, as_json)
            before = page.cursor
    except KeyboardInterrupt:
        click.echo("", err=True)


def _lines(rows: Sequence[CallRow], states: States, as_json: bool) -> None:
    for row in reversed(rows):
        text = json.dumps(_json(row, states), ensure_ascii=False) if as_json else ""
        click.echo(text or _line(row, states))


def _line(row: CallRow, states: States) -> str:
    length, ended = _length(row, states), _ended(row, states)
    parts = (f"{_time(row)} UTC", row.reference, row.caller, length, f"[{_keys(row)}]", row.at)
    return "  ".join((*parts, ", ".join(_services(row, timed=True)), ended)).rstrip()


def _states(connection: Connection, rows: Sequence[CallRow]) -> States:
    """Whether each call is going on, as the web page has it."""
    found = connection.execute(select(lease.c.node, lease.c.epoch))
    epochs: dict[str, int] = {row.node: row.epoch for row in found}
    return {row.reference: call_state(row, epochs.get(row.node, 0)) for row in rows}


def _json(row: CallRow, states: States) -> dict[str, Any]:
    return row.as_json() | {"state": states[row.reference]}


def _services(row: CallRow, *, timed: bool) -> list[str]:
    """`card.balance ok 214 ms`, or `…` while the host is thinking; untimed without the last."""
    return [
        f"{item.service} {item.exit or '…'}"
        + ("" if item.ms is None or not timed else f" {item.ms} ms")
        for item in row.services
    ]


def _keys(row: CallRow) -> str:
    """The keys, with long secret entries as `•×17`."""
    return _LONG.sub(lambda dots: f"{DOT}×{len(dots[0])}", row.path)


def _ended(row: CallRow, states: States) -> str:
    """Who ended the call; the log says it from the node's side."""
    if states[row.reference] == "broken":
        return "node died"
    return {"local": "bank", "remote": "caller"}.get(row.ended_by, row.ended_by) or "–"


def _time(row: CallRow) -> str:
    return row.started.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S")


def _length(row: CallRow, states: States) -> str:
    if row.seconds is None:
        return "live" if states[row.reference] == "talking" else "–"
    minutes, seconds = divmod(round(row.seconds), 60)
    return f"{minutes}:{seconds:02d}"
