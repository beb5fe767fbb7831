"""`telebank corehost runs`: what the bank did when its business dates ended."""

import json
import sys
from pathlib import Path

import click

from core_adapters.corehost import house
from core_adapters.corehost.products.end_of_day.book import FAILED, Ended, Line
from telebank.commands.common import EXIT_FINDING, EXIT_UNREACHABLE, json_option
from telebank.commands.corehost.books import folder_option

MOST_RUNS = 4000


@click.command()
@click.option(
    "--last",
    type=click.IntRange(1, MOST_RUNS),
    default=7,
    show_default=True,
    help="How many of the latest business dates.",
)
@folder_option
@json_option
def runs(last: int, data: Path, *, as_json: bool) -> None:
    """List the ends of business dates, the latest first: what was done, how often, what it came to.

    Exit 1 where something failed: the row `failed` says how often, the log why.

    \b
    Examples:
      telebank corehost runs --data var/corehost
      telebank corehost runs --last 90 --json --data var/corehost
    """
    try:
        found = house.days_ended(data, last)
    except FileNotFoundError as error:
        click.echo(f"telebank corehost: no bank at {error}; `corehost run` makes one", err=True)
        sys.exit(EXIT_UNREACHABLE)
    if as_json:
        click.echo(json.dumps([_row(one) for one in found]))
    else:
        for one in found:
            click.echo("\n".join(_told(one)))
    failed = any(line.what == FAILED for one in found for line in one.lines)
    sys.exit(EXIT_FINDING if failed else 0)


def _row(one: Ended) -> dict[str, object]:
    lines = [_columns(line) for line in one.lines]
    return {"business_date": f"{one.day}", "at": one.at.isoformat(), "lines": lines}


def _columns(line: Line) -> dict[str, object]:
    return {
        "what": line.what,
        "count": line.count,
        "amount": str(line.amount),
        "interest": str(line.interest),
    }


def _told(one: Ended) -> list[str]:
    head = f"{one.day}  ended {one.at:%Y-%m-%d %H:%M:%S} UTC"
    if not one.lines:
        return [f"{head}, nothing to do"]
    return [head, *(_line(line) for line in one.lines)]


def _line(line: Line) -> str:
    interest = f", interest {line.interest}" if line.interest.minor else ""
    return f"  {line.what:<20} {line.count:>7} x  {line.amount!s:>20}{interest}"
