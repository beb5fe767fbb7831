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
@click.option(
    "--secure",
    type=click.Choice(["sdes"]),
    help="Then the same calls by SRTP, and what they cost beside the plain ones.",
)
@json_option
def command(calls: int, seconds: float, workers: int, *, secure: str | None, as_json: bool) -> None:
    """Measure the media plane with real sockets and processes.

    Every call hears prompts without pause, sends audio, and presses a key every three seconds; its
    audio is compared byte by byte. Exit code 1 when a call failed.

    \b
    Examples:
      telebank bench media --calls 100 --seconds 10
      telebank bench media --calls 300 --json
      telebank bench media --secure sdes
    """
    try:
        results = [asyncio.run(bench_media(calls, seconds, workers))]
        if secure is not None:
            results.append(asyncio.run(bench_media(calls, seconds, workers, secure=True)))
    except MediaError as error:
        raise Unreachable(str(error)) from error
    click.echo(_json(results) if as_json else _table(results))
    sys.exit(EXIT_FINDING if any(result.failed for result in results) else 0)


def _json(results: list[BenchResult]) -> str:
    figures: dict[str, object] = asdict(results[0])
    if len(results) > 1:
        figures["secure"] = {**asdict(results[1]), "cpu_ratio": _ratio(results)}
    return msgspec.json.encode(figures).decode()


def _table(results: list[BenchResult]) -> str:
    columns = [asdict(result) for result in results]
    lines = [
        "".join(f"{figures[name]:>10}" for figures in columns) + f"  {text}"
        for name, text in _MEANINGS.items()
    ]
    if len(results) > 1:
        lines.insert(0, f"{'plain':>10}{'SRTP':>10}")
        lines.append(f"{_ratio(results):>20}  times the CPU of plain RTP")
    return "\n".join(lines)


def _ratio(results: list[BenchResult]) -> float:
    plain, secure = (result.cpu_us_per_call_second for result in results)
    return round(secure / plain, 2)


if __name__ == "__main__":
    command()
