"""`telebank corehost balance | check | file`: the bank's books, read beside a running host."""

import json
import sys
from datetime import date, datetime
from pathlib import Path
from typing import NoReturn

import click

from core_adapters.corehost import house
from telebank.commands.common import EXIT_FINDING, EXIT_UNREACHABLE, json_option
from transactions.card import mask

folder_option = click.option(
    "--data",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("var/corehost"),
    show_default=True,
    help="The bank's own folder: its database and, at the first start, demo-cards.json.",
)


@click.command()
@click.argument("card", required=False)
@click.option("--all", "everything", is_flag=True, help="Every account, the bank's own too.")
@folder_option
@json_option
def balance(card: str | None, data: Path, *, everything: bool, as_json: bool) -> None:
    """Print the balance of a card or account number, or of all; a running host is not disturbed.

    \b
    Examples:
      telebank corehost balance 6227000001000017
      telebank corehost balance --all --json --data /tmp/bank
    """
    if (card is None) != everything:
        raise click.UsageError("give one card or account number, or --all")
    try:
        found = [one for one in house.holdings(data) if everything or one.name == card]
    except FileNotFoundError as error:
        _no_bank(error)
    if not found:
        click.echo("telebank corehost: no such card or account", err=True)
        sys.exit(EXIT_FINDING)
    rows = [{"name": _shown(o.name), "holder": o.holder, "balance": str(o.balance)} for o in found]
    if as_json:
        click.echo(json.dumps(rows, ensure_ascii=False))
        return
    for row in rows:
        click.echo(f"{row['balance']:>18}  {row['name']:<18} {row['holder']}")


def _shown(name: str) -> str:
    return mask(name) if name.isdigit() else name


def _no_bank(error: FileNotFoundError) -> NoReturn:
    click.echo(f"telebank corehost: no bank at {error}; `corehost run` makes one", err=True)
    sys.exit(EXIT_UNREACHABLE)


@click.command()
@folder_option
@json_option
def check(data: Path, *, as_json: bool) -> None:
    """Check the books: every posting balances, no balance disagrees. Exit 1 with findings.

    \b
    Example:
      telebank corehost check --data var/corehost
    """
    try:
        found = house.findings(data)
    except FileNotFoundError as error:
        _no_bank(error)
    if as_json:
        click.echo(json.dumps({"conserved": not found, "findings": found}, ensure_ascii=False))
    else:
        click.echo("\n".join(found) or "the books are whole: every posting balances")
    sys.exit(EXIT_FINDING if found else 0)


@click.command(name="file")
@click.option("--date", "day", required=True, type=click.DateTime(["%Y-%m-%d"]), help="The day.")
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Write here, whole or not at all.  [default: print]",
)
@folder_option
@json_option
def day_file(day: datetime, output: Path | None, data: Path, *, as_json: bool) -> None:
    """Write the file of a business date: a row (CSV) for every transfer posted or reversed on it.

    A transfer of an earlier day stands in the file of the day that reversed it, with its own
    business date. A day that is over has the same file for ever.

    \b
    Examples:
      telebank corehost file --date 2026-11-22 --data var/corehost
      telebank corehost file --date 2026-11-22 -o tb87-20261122.csv
    """
    try:
        if output is None:
            house.day_file(data, day.date(), sys.stdout)
            return
        count = _write(data, day.date(), output)
    except FileNotFoundError as error:
        _no_bank(error)
    except OSError as error:
        raise click.UsageError(f"cannot write {output}: {error.strerror}") from error
    said = {"file": str(output), "business_date": f"{day.date()}", "rows": count}
    click.echo(json.dumps(said) if as_json else f"{output}: {count} row(s) of {day.date()}")


def _write(data: Path, day: date, output: Path) -> int:
    part = output.with_name(f".{output.name}.part")
    output.parent.mkdir(parents=True, exist_ok=True)
    try:
        with part.open("w", encoding="utf-8", newline="") as file:
            count = house.day_file(data, day, file)
        part.replace(output)
    finally:
        part.unlink(missing_ok=True)
    return count
