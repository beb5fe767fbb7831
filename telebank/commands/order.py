"""`telebank order`: scheduled transfers, to look at; only their customers change them."""

import json
from collections.abc import Mapping
from dataclasses import asdict
from datetime import date, datetime
from pathlib import Path
from types import MappingProxyType
from typing import Any

import click
from click.shell_completion import CompletionItem
from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from telebank.commands.common import (
    DEFAULT_DATA,
    EXIT_FINDING,
    Unreachable,
    data_option,
    json_option,
)
from telebank.commands.listing import Column
from telebank.commands.listing import show as show_rows
from telebank.settings import SettingsError, store_url
from telebank.store.engine import open_read_only
from telebank.store.errors import KeyFileError, StoreMissing
from telebank.store.order_views import MAX_LISTED, OrderSeen, order, orders, runs, tries
from telebank.store.releases import SHORT
from transactions.money import Money, currency

STATES = ("waiting", "ended", "cancelled")
LISTED = ("number", "state", "payer_masked", "payee_masked", "amount", "every", "next", "last")
MAX_NUMBER = 10**18
PROVED = MappingProxyType(
    {"pin": "telephone PIN", "second_factor": "telephone PIN and second factor"}
)
"""How the customer proved himself when he made it."""


def complete_order(
    ctx: click.Context, _param: click.Parameter, incomplete: str
) -> list[CompletionItem]:
    """Numbers of the newest orders, for the shell."""
    try:
        with _engine(ctx.params.get("data") or DEFAULT_DATA).connect() as connection:
            found = orders(connection, most=MAX_LISTED)
    except (click.ClickException, SQLAlchemyError):
        return []
    items = [CompletionItem(str(one.number), help=f"{one.state}, {one.every}") for one in found]
    return [item for item in items if item.value.startswith(incomplete)]


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
        rows = [_json(one) for one in found]
        names = [Column(name.replace("_masked", "")) for name in LISTED]
        show_rows(names, [[str(row[name] or "") for name in LISTED] for row in rows])
    else:
        click.echo("no scheduled transfers")


@command.command()
@click.argument("number", type=click.IntRange(1, MAX_NUMBER), shell_complete=complete_order)
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
    if as_json:
        shown = {
            **_json(found),
            "dates": [_plain(asdict(one)) for one in dates],
            "requests": [_plain(asdict(one)) for one in requests],
        }
        click.echo(json.dumps(shown, ensure_ascii=False))
        return
    for name, told in _shown(found).items():
        if told:
            click.echo(f"{name:>14}  {told}")
    for run in dates:
        click.echo(f"{run.due.isoformat():>14}  {run.state} {run.why}".rstrip())
    for one in requests:
        click.echo(f"{one.reference:>14}  {one.id} {one.state}")


def _shown(one: OrderSeen) -> dict[str, str]:
    """An order for people: amounts, dates and names as `list` has them, times UTC."""
    told = _json(one)
    return {
        "number": str(one.number),
        "state": one.state,
        "payer": one.payer_masked,
        "payee": one.payee_masked,
        "amount": told["amount"],
        "fee": told["fee"] or "as on the day",
        "every": one.every,
        "first": told["first"],
        "next": told["next"] or "",
        "last": told["last"] or "",
        "proved by": PROVED.get(one.auth, one.auth),
        "made": f"{one.made_at:%Y-%m-%d %H:%M:%S} UTC",
        "changed": f"{one.changed_at:%Y-%m-%d %H:%M:%S} UTC",
        "call": one.call or "",
        "release": one.release[:SHORT],
    }


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
