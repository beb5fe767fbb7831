"""`telebank bench bridge`: what a call-second of two joined and recorded legs costs."""

import asyncio
import sys
from dataclasses import asdict

import click
import msgspec

from telebank.commands.common import EXIT_FINDING, Unreachable, json_option
from telebank.media.bench_bridge import BridgeResult, bench_bridge
from telebank.media.client import MediaError

_MEANINGS = {
    "calls": "calls at once, of two legs each",
    "recorded": "recordings finished",
    "failed": "calls whose legs did not hear each other, or whose recording is not whole",
    "seconds": "seconds measured",
    "cpu_us_per_call_second": "µs of CPU a call-second, node, workers and writers",
    "writer_us_per_call_second": "µs of it for FLAC, sealing and files",
    "tick_late_p99_ms": "ms from due to sent, 99 of 100 ticks",
    "rss_mb": "MB of memory of the workers (PSS)",
}


@click.command("bridge")
@click.option("--calls", default=100, show_default=True, type=click.IntRange(1, 5_000))
@click.option("--seconds", default=10.0, show_default=True, type=click.FloatRange(2, 3_600))
@click.option("--workers", default=1, show_default=True, type=click.IntRange(1, 64))
@click.option("--record/--no-record", default=True, show_default=True)
@json_option
def command(calls: int, seconds: float, workers: int, *, record: bool, as_json: bool) -> None:
    """Measure calls of two legs that talk to each other and are recorded.

    Real sockets, processes and files. Both legs talk without pause, through jitter buffer and mix;
    what arrives is compared octet by octet, and every recording is opened and checked. Exit code 1
    when a call failed.

    \b
    Examples:
      telebank bench bridge --calls 100 --seconds 10
      telebank bench bridge --calls 300 --no-record --json
    """
    try:
        result = asyncio.run(bench_bridge(calls, seconds, record=record, workers=workers))
    except MediaError as error:
        raise Unreachable(str(error)) from error
    click.echo(msgspec.json.encode(asdict(result)).decode() if as_json else _table(result))
    sys.exit(EXIT_FINDING if result.failed else 0)


def _table(result: BridgeResult) -> str:
    figures = asdict(result)
    return "\n".join(f"{figures[name]:>10}  {text}" for name, text in _MEANINGS.items())


if __name__ == "__main__":
    command()
