"""`telebank events`: the event log, for auditors and operators."""

import json
import re
import threading
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import click
from rich.box import SIMPLE_HEAD
from rich.cells import cell_len
from rich.console import Console
from rich.table import Table
from rich.text import Text
from sqlalchemy import Engine

from telebank.commands.common import Unreachable, data_option, json_option, person
from telebank.commands.listing import terminal_width
from telebank.settings import SettingsError, store_url
from telebank.store.errors import KeyFileError, StoreMissing
from telebank.store.event_search import MAX_FOUND, Question, masked, search
from telebank.store.eventlog import Cursor, LoggedEvent, end_of_log, follow, open_read_only

UNITS = {"m": timedelta(minutes=1), "h": timedelta(hours=1), "d": timedelta(days=1)}
_FRAME = 8
"""Cells of the table beside its words: two about each of three columns, and its edges."""
_AGO = re.compile(r"([1-9][0-9]{0,4})([mhd])")


class Since(click.ParamType[datetime]):
    """A time in UTC (`2026-11-22`, `2026-11-22T08:00`), or how long ago (`30m`, `2h`, `7d`)."""

    name = "TIME"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> datetime:
        """Raises `BadParameter` where it is neither."""
        if isinstance(value, datetime):
            return value
        ago = _AGO.fullmatch(value)
        if ago is not None:
            return datetime.now(UTC) - int(ago[1]) * UNITS[ago[2]]
        try:
            at = datetime.fromisoformat(value)
        except ValueError:
            self.fail(f"{value!r} is no time: 2026-11-22T08:00 (UTC), 30m, 2h or 7d", param, ctx)
        return at if at.tzinfo is not None else at.replace(tzinfo=UTC)


@click.command(name="events")
@click.option("--kind", default="", help="This kind, or all that begin so: alarm, approval, host.")
@click.option("--actor", default="", help="Who did it: a name of the staff, system, …")
@click.option("--since", type=Since(), help="UTC time, or how long ago: 30m, 2h, 7d.")
@click.option(
    "--limit",
    type=click.IntRange(1, MAX_FOUND),
    default=100,
    show_default=True,
    help="How many events, the newest.",
)
@click.option("--follow", "following", is_flag=True, help="Go on with events as they are written.")
@data_option
@json_option
def command(
    kind: str,
    actor: str,
    since: datetime | None,
    limit: int,
    following: bool,
    data: Path,
    as_json: bool,
) -> None:
    """Read the event log: what happened, when, by whom. Nothing is written.

    Oldest first; times are UTC; numbers of cards and accounts are masked. With --json one object
    a line. Through a pipe, and where a table does not fit the terminal, one line an event.

    \b
    Examples:
      telebank events --kind alarm --since 24h
      telebank events --kind approval --actor wu
      telebank events --kind staff --since 2026-11-01 --json | jq .outcome
      telebank events --kind alarm --follow
    """
    try:
        engine = open_read_only(store_url(data))
    except (SettingsError, KeyFileError) as error:
        raise click.UsageError(str(error)) from error
    except StoreMissing as error:
        raise Unreachable(str(error)) from error
    asked = Question(kind.rstrip(".*"), actor, since)
    with engine.connect() as connection:
        cursor = end_of_log(connection)
        found = search(connection, asked, cursor, limit)
    console = Console()
    width = terminal_width(console)
    if as_json or following or (found and (width is None or _narrowest(found) > width)):
        _lines(found, as_json)
    else:
        _table(console, found)
    if following:
        _follow(engine, asked, cursor, as_json)
    engine.dispose()


def _follow(engine: Engine, asked: Question, cursor: Cursor, as_json: bool) -> None:
    """A line for each event, until Ctrl-C."""
    try:
        for page in follow(engine, cursor, threading.Event().wait):
            _lines([masked(event) for event in page.events if asked.fits(event)], as_json)
    except KeyboardInterrupt:
        click.echo("", err=True)


def _lines(found: Sequence[LoggedEvent], as_json: bool) -> None:
    for event in found:
        if as_json:
            click.echo(json.dumps(_json(event), ensure_ascii=False))
        else:
            words = (f"{_time(event)} UTC", event.kind, _who(event), event.outcome, _about(event))
            click.echo("  ".join(filter(None, (*words, _said(event)))))


def _table(console: Console, found: Sequence[LoggedEvent]) -> None:
    if not found:
        click.echo("no such events")
        return
    table = Table(box=SIMPLE_HEAD)
    # Words are never broken: ids and numbers are copied and typed again.
    table.add_column("at (UTC)\nby", no_wrap=True, min_width=_widest(found, 0))
    table.add_column("kind\noutcome", no_wrap=True, min_width=_widest(found, 1))
    table.add_column("about\ndetail", overflow="fold")
    for event in found:
        table.add_row(*(Text("\n".join(filter(None, pair))) for pair in _pairs(event)))
    console.print(table)


def _pairs(event: LoggedEvent) -> tuple[tuple[str, str], ...]:
    """What stands in the three cells of an event, above and below."""
    return (
        (_time(event), _who(event)),
        (event.kind, event.outcome),
        (_about(event), _said(event)),
    )


def _widest(found: Sequence[LoggedEvent], cell: int) -> int:
    return max(cell_len(line) for event in found for line in _pairs(event)[cell])


def _narrowest(found: Sequence[LoggedEvent]) -> int:
    """Cells that the table needs where no word of it is broken."""
    words = max(
        (cell_len(word) for event in found for line in _pairs(event)[2] for word in line.split()),
        default=0,
    )
    return _widest(found, 0) + _widest(found, 1) + words + _FRAME


def _json(event: LoggedEvent) -> dict[str, Any]:
    return {
        "node": event.node,
        "sequence": event.sequence,
        "at": event.at.isoformat(),
        "kind": event.kind,
        "actor": event.actor,
        "role": event.role,
        "origin": event.origin,
        "outcome": event.outcome,
        "call": event.call,
        "request": event.request,
        "detail": dict(event.detail),
    }


def _time(event: LoggedEvent) -> str:
    return event.at.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S")


def _who(event: LoggedEvent) -> str:
    actor = person(event.actor)
    return actor if event.actor == event.role else f"{actor} ({event.role})"


def _about(event: LoggedEvent) -> str:
    named = (("call", event.call), ("request", event.request))
    return " ".join(f"{name} {value}" for name, value in named if value)


def _said(event: LoggedEvent) -> str:
    return ", ".join(f"{key} {value}" for key, value in event.detail.items() if value != "")
