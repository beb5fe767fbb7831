"""`telebank host unknown`: requests that are not settled, and what a person does about one."""

import dataclasses
import json
from collections.abc import Sequence
from pathlib import Path

import click
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

from telebank.commands.common import EXIT_FINDING, Unreachable, data_option, json_option
from telebank.commands.host.standing import Bench, plain, row_amount, time_text
from telebank.commands.host.unknown_one import show
from telebank.settings import SettingsError, store_url
from telebank.store.engine import open_read_only
from telebank.store.errors import KeyFileError, StoreMissing
from telebank.store.unsettled import Unsettled, history, unsettled
from transactions.lifecycle import State

WIDE = 170
"""Columns from which everything of a row has room in one line."""


@click.command(name="unknown")
@click.argument("reference", required=False)
@data_option
@json_option
def command(reference: str | None, data: Path, as_json: bool) -> None:
    """List requests without an end; with REFERENCE, one's history and what to look up at the host.

    While the node runs it settles everything but MANUAL: RECORDED and SENT are in flight, and in
    doubt after a minute. Without a node all of them are in doubt until it starts. MANUAL waits for
    two people: `telebank host resolve`. Times are UTC.

    Exit 1 where anything is MANUAL, or in doubt with no node running; 3 where there is no such
    request.

    \b
    Examples:
      telebank host unknown
      telebank host unknown --json | jq '.rows[] | select(.state == "MANUAL")'
      telebank host unknown 010000000042
    """
    try:
        bench = Bench.of(data)
        engine = open_read_only(store_url(data))
    except (SettingsError, KeyFileError) as error:
        raise click.UsageError(str(error)) from error
    except StoreMissing as error:
        raise Unreachable(str(error)) from error
    with engine.connect() as connection:
        found = None if reference is None else history(connection, reference)
        rows = unsettled(connection) if reference is None else []
    engine.dispose()
    if reference is None:
        _list(rows, bench, as_json)
    elif found is None:
        raise Unreachable(f"no request has the reference {reference}")
    else:
        show(found, bench.judge(found.row), as_json)
        rows = [found.row]
    if any(row.state is State.MANUAL or bench.judge(row).stopped for row in rows):
        raise click.exceptions.Exit(EXIT_FINDING)


# -- the list -------------------------------------------------------------------------------------


def _list(rows: Sequence[Unsettled], bench: Bench, as_json: bool) -> None:
    manual = sum(row.state is State.MANUAL for row in rows)
    doubtful = sum(bench.judge(row).word == "in_doubt" for row in rows)
    if as_json:
        told = [dataclasses.asdict(row) | {"standing": bench.judge(row).word} for row in rows]
        found = {"rows": told, "manual": manual, "in_doubt": doubtful, "node_runs": bench.runs}
        click.echo(json.dumps(found, ensure_ascii=False, default=plain))
        return
    if rows:
        console = Console()
        console.print(_wide(rows, bench) if console.width >= WIDE else _narrow(rows, bench))
    else:
        click.echo("every request has its end")
    if manual:
        click.echo(f"{manual} MANUAL: `telebank host unknown REFERENCE` says what to look up")
    if not bench.runs:
        waiting = f": {doubtful} in doubt, settled when it starts" if doubtful else ""
        click.echo(f"no node is running here{waiting}")
    elif doubtful:
        click.echo(f"{doubtful} in doubt: on the way for more than a minute")


def _why(row: Unsettled, bench: Bench) -> str:
    return "; ".join(filter(None, (row.why, bench.judge(row).text)))


def _wide(rows: Sequence[Unsettled], bench: Bench) -> Table:
    headings = ("reference", "service", "from", "to", "amount", "state", "since")
    table = Table(*headings, "tries", "next", "why", "date")
    for row in rows:
        table.add_row(
            *map(Text, (row.reference, row.service, row.payer_masked, row.payee_masked)),
            Text(row_amount(row)),
            _state(row),
            *map(Text, (time_text(row.since), str(row.attempts), time_text(row.next_attempt_at))),
            *map(Text, (_why(row, bench), row.business_date.isoformat())),
        )
    return table


def _narrow(rows: Sequence[Unsettled], bench: Bench) -> Table:
    """The same in three lines a row, for 80 columns."""
    table = Table(box=SIMPLE_HEAD, show_lines=True)
    table.add_column("reference\nservice", no_wrap=True)
    table.add_column("from\nto\nwhy", overflow="fold")
    table.add_column("amount\ndate", no_wrap=True)
    table.add_column("state\nsince\ntries, next", no_wrap=True)
    for row in rows:
        after = time_text(row.next_attempt_at)[-8:]
        tries = f"{row.attempts}, {after}" if after else str(row.attempts)
        table.add_row(
            Text(f"{row.reference}\n{row.service}"),
            Text(f"{row.payer_masked or '-'}\n{row.payee_masked or '-'}\n{_why(row, bench)}"),
            Text(f"{row_amount(row)}\n{row.business_date}"),
            _state(row).append(f"\n{time_text(row.since)}\n{tries}", style="not bold default"),
        )
    return table


def _state(row: Unsettled) -> Text:
    return Text(row.state.value, "bold red" if row.state is State.MANUAL else "")
