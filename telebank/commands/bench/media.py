"""`telebank bench media`: what a call-second of prompts and keys costs."""

import asyncio
import sys
from dataclasses import asdict

import click
import msgspec

from telebank.commands.common import EXIT_FINDING, Unreachable, json_option
from telebank.media.bench import BenchResult, bench_media
from telebank.media.client import MediaError

_MEANINGS = {
    "calls": "calls at once",
    "failed": "calls with a gap, wrong audio or a key not taken",
    "seconds": "seconds measured",
    "cpu_us_per_call_second": "µs of CPU a call-second, node and workers",
    "tick_late_p99_ms": "ms from due to sent, 99 of 100 ticks",
    "rss_mb": "MB of memory of the workers (PSS)",
}


@click.command("media")
@click.option("--calls", default=100, show_default=True, type=click.IntRange(1, 10_000))
@click.option("--seconds", default=10.0, show_default=True, type=click.FloatRange(2, 3_600))
@click.option("--workers", default=1, show_default=True, type=click.IntRange(1, 64))
@json_option
def command(calls: int, seconds: float, workers: int, *, as_json: bool) -> None:
    """Measure the media plane with real sockets and processes.

    Every call hears prompts without pause, sends audio, and presses a key every three seconds; its
    audio is compared byte by byte. Exit code 1 when a call failed.

    \b
    Examples:
      telebank bench media --calls 100 --seconds 10
      telebank bench media --calls 300 --json
    """
    try:
        result = asyncio.run(bench_media(calls, seconds, workers))
    except MediaError as error:
        raise Unreachable(str(error)) from error
    click.echo(msgspec.json.encode(asdict(result)).decode() if as_json else _table(result))
    sys.exit(EXIT_FINDING if result.failed else 0)


def _table(result: BenchResult) -> str:
    figures = asdict(result)
    return "\n".join(f"{figures[name]:>10}  {text}" for name, text in _MEANINGS.items())


if __name__ == "__main__":
    command()
