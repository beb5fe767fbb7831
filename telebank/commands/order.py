"""`telebank order`: scheduled transfers, to look at; only their customers change them."""

import json
from collections.abc import Mapping
from dataclasses import asdict
from datetime import date, datetime
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.table import Table
from rich.text import Text
from sqlalchemy import Engine

from telebank.commands.common import EXIT_FINDING, Unreachable, data_option, json_option
from telebank.settings import SettingsError, store_url
from telebank.store.engine import open_read_only
from telebank.store.errors import KeyFileError, StoreMissing
from telebank.store.order_views import MAX_LISTED, OrderSeen, order, orders, runs, tries
from transactions.money import Money, currency

STATES = ("waiting", "ended", "cancelled")
MAX_NUMBER = 10**18


@click.group(name="order", context_settings={"help_option_names": ["-h", "--help"]})
def command() -> None:
    """Scheduled transfers: list, show. Cards are masked, times UTC, dates the host's.

    \b
    Examples:
      telebank order list
      telebank order show 100001
    """


@command.command(name="list")
@click.option("--state", type=click.Choice(STATES), help="Only those.")
@click.option(
    "--limit",
    type=click.IntRange(1, MAX_LISTED),
    default=100,
    show_default=True,
    help="How many, newest first.",
)
@data_option
@json_option
def list_(state: str | None, limit: int, data: Path, as_json: bool) -> None:
    """List orders, newest first.

    \b
    Examples:
      telebank order list --state waiting
      telebank order list --json | jq '.[] | select(.next < "2026-04-02")'
    """
    with _engine(data).connect() as connection:
        found = orders(connection, state or "", limit)
    if as_json:
        click.echo(json.dumps([_json(one) for one in found], ensure_ascii=False))
    elif found:
        Console().print(_table([_json(one) for one in found]))
    else:
        click.echo("no scheduled transfers")


@command.command()
@click.argument("number", type=click.IntRange(1, MAX_NUMBER))
@data_option
@json_option
def show(number: int, data: Path, as_json: bool) -> None:
    """Show one order: its terms, what came of each due date, and its requests in the journal.

    \b
    Examples:
      telebank order show 100001
      telebank order show 100001 --json
    """
    with _engine(data).connect() as connection:
        found = order(connection, number)
        dates, requests = runs(connection, number), tries(connection, number)
    if found is None:
        click.echo(f"no order {number}; `telebank order list` lists them", err=True)
        raise click.exceptions.Exit(EXIT_FINDING)
    shown = {
        **_json(found),
        "dates": [_plain(asdict(one)) for one in dates],
        "requests": [_plain(asdict(one)) for one in requests],
    }
    if as_json:
        click.echo(json.dumps(shown, ensure_ascii=False))
        return
    for name, value in shown.items():
        if name not in ("dates", "requests") and value is not None:
            click.echo(f"{name.replace('_', ' '):>14}  {value}")
    for one in shown["dates"]:
        click.echo(f"{one['due']:>14}  {one['state']} {one['why']}".rstrip())
    for one in shown["requests"]:
        click.echo(f"{one['reference']:>14}  {one['id']} {one['state']}")


def _engine(data: Path) -> Engine:
    try:
        return open_read_only(store_url(data))
    except (SettingsError, KeyFileError) as error:
        raise click.UsageError(str(error)) from error
    except StoreMissing as error:
        raise Unreachable(str(error)) from error


def _json(one: OrderSeen) -> dict[str, Any]:
    unit = currency(one.currency)
    told = {"amount": str(Money(one.amount, unit))}
    told["fee"] = "" if one.fee is None else str(Money(one.fee, unit))
    values = {**asdict(one), **told}
    del values["currency"]
    return _plain(values)


def _plain(values: Mapping[str, Any]) -> dict[str, Any]:
    return {
        name: value.isoformat() if isinstance(value, date | datetime) else value
        for name, value in values.items()
    }


def _table(rows: list[dict[str, Any]]) -> Table:
    table = Table(box=None, padding=(0, 1, 0, 0), pad_edge=False, header_style="bold")
    names = ("number", "state", "payer_masked", "payee_masked", "amount", "every", "next", "last")
    for name in names:
        table.add_column(name.replace("_masked", ""), no_wrap=True)
    for row in rows:
        table.add_row(*(Text(str(row[name] or "")) for name in names))
    return table
