"""`telebank bench fax`: what a second of a fax costs, with ten at once."""

import asyncio
import json
import sys
from dataclasses import asdict

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from telebank.commands.bench.call import start_option
from telebank.commands.common import EXIT_FINDING, Unreachable, json_option
from telebank.faxing.bench import BenchResult, FaxUnavailable, bench_fax
from telebank.faxing.options import MAX_LINES

_MEANINGS = {
    "faxes": "faxes at once",
    "failed": "faxes of which a page did not arrive, or not as it was sent",
    "pages": "pages confirmed by the receiver",
    "seconds": "s until all were over",
    "fax_seconds": "s of faxes, both ends counted",
    "cpu_ms_per_fax_second": "ms of CPU a fax-second at one end, fax process",
    "tick_late_p99_ms": "ms from due to sent, 99 of 100 ticks",
    "rss_mb": "MB of memory of a fax process (PSS)",
}


@click.command("fax")
@click.option("--faxes", default=10, show_default=True, type=click.IntRange(1, MAX_LINES))
@click.option(
    "--pages", default=1, show_default=True, type=click.IntRange(1, 20), help="Pages of each fax."
)
@start_option
@json_option
def command(faxes: int, pages: int, start_s: float, *, as_json: bool) -> None:
    """Measure faxes over T.38 between two fax processes, in real time.

    Every fax carries full A4 pages in fine resolution, about half a minute each, and is
    compared pixel by pixel. Exit code 1 when one failed, 3 when there is no libspandsp or a
    fax process is not ready in time.

    \b
    Examples:
      telebank bench fax --json
      telebank bench fax --faxes 4 --pages 2
    """
    bar = Progress(
        TextColumn("faxing"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("ends of faxes"),
        TimeElapsedColumn(),
        console=Console(stderr=True),
        transient=True,
    )
    with bar:
        task = bar.add_task("", total=2 * faxes)
        try:
            result = asyncio.run(bench_fax(faxes, pages, start_s, lambda: bar.advance(task)))
        except FaxUnavailable as error:
            raise Unreachable(str(error)) from error
    click.echo(json.dumps(asdict(result)) if as_json else _table(result))
    sys.exit(EXIT_FINDING if result.failed else 0)


def _table(result: BenchResult) -> str:
    figures = asdict(result)
    return "\n".join(f"{figures[name]:>10}  {text}" for name, text in _MEANINGS.items())
