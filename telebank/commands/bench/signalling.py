"""`telebank bench signalling`: calls set up and torn down, what each costs, and what a refused one
does."""

import asyncio
import contextlib
import json
import sys
import tempfile
from collections.abc import Coroutine, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import click
import uvloop

from telebank.commands.bench.call import bank, say, start_option, used
from telebank.commands.common import EXIT_FINDING, Unreachable, json_option
from telebank.ops.supervise import ChildFailed
from telebank.phone.dialer import Dialer, Tally
from voice_prompts.pack import PackError

AT_ONCE = 16
"""Calls at once where as many as possible are set up."""
GOOD, FLOOD = "127.0.0.1", "127.0.0.66"
FLOOD_LIMIT = 10.0
"""Set-ups a second that the flooding trunk may have."""
FLOOD_RATE = 1_000.0
"""Those that it sends."""
RATED_SHARE = 0.95
SETTINGS = f"""schema = 1
[admission]
setups_per_s = 100000
refusals_per_s = 100000
all_refusals_per_s = 100000
[trunks.loopback]
setups_per_s = 100000
[trunks.flood]
addresses = ["{FLOOD}"]
setups_per_s = {FLOOD_LIMIT}
"""


@dataclass(frozen=True, slots=True)
class Rated:
    """Calls at a rate."""

    rate: float
    """Set-ups a second; of those as fast as they go, how many there were."""
    calls: int
    failed: int
    p99_ms: float
    node_ms: float
    worker_ms: float


@dataclass(frozen=True, slots=True)
class Figures:
    """What was measured."""

    rates: tuple[Rated, ...]
    """The last: as fast as they go."""
    setups_per_s: float
    setup_p99_ms: float
    calls: int
    failed: int
    cpu_ms_per_setup: float
    worker_cpu_ms_per_setup: float
    refused: int
    refused_us: float
    rated_done: float
    rated_p99_ms: float


_MEANINGS = {
    "setups_per_s": f"calls set up and torn down a second, {AT_ONCE} at once, as fast as they go",
    "setup_p99_ms": "ms from INVITE to 200 at the first rate asked for, 99 of 100",
    "calls": "calls at that rate",
    "failed": "calls not set up and torn down, at any rate",
    "cpu_ms_per_setup": "ms of CPU a call as fast as they go, node: signalling, menus, event log",
    "worker_cpu_ms_per_setup": "ms of CPU a call, media worker",
    "refused": "INVITEs refused in the flood",
    "refused_us": "µs of CPU a refused INVITE and its ACK, node",
    "rated_done": "share of the calls beside the flood that were done",
    "rated_p99_ms": "ms from INVITE to 200 of those, 99 of 100",
}


@click.command("signalling")
@click.option(
    "--rate",
    "rates",
    multiple=True,
    default=(50.0,),
    show_default=True,
    type=click.FloatRange(1, 1_000),
    help="Calls a second; can be given several times.",
)
@click.option("--seconds", default=10.0, show_default=True, type=click.FloatRange(1, 3_600))
@start_option
@json_option
def command(rates: tuple[float, ...], seconds: float, start_s: float, *, as_json: bool) -> None:
    """Measure calls set up and torn down, and a flood.

    Starts a core host and a node in a temporary folder and rings it from this process: calls that
    hang up at once, first at each rate, then as fast as they go, then at the first rate beside a
    flood of a hundred times what its trunk may have. Exit code 1 when a call failed, or when fewer
    than 95 % of those beside the flood were done.

    \b
    Examples:
      telebank bench signalling
      telebank bench signalling --rate 25 --rate 100 --seconds 30 --json
    """
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        data = Path(folder)
        (data / "config").mkdir()
        (data / "config" / "telebank.toml").write_text(SETTINGS, encoding="utf-8")
        try:
            figures = uvloop.run(_bench(data, rates, seconds, start_s))
        except (ChildFailed, PackError) as error:
            raise Unreachable(str(error)) from error
    values = asdict(figures)
    click.echo(json.dumps(values) if as_json else _table(values))
    sys.exit(EXIT_FINDING if figures.failed or figures.rated_done < RATED_SHARE else 0)


def _table(values: Mapping[str, Any]) -> str:
    lines = [f"{values[name]:>10}  {text}" for name, text in _MEANINGS.items()]
    for one in values["rates"]:
        lines.append(
            f"{one['rate']:>10}  calls a second: {one['node_ms']} ms of CPU a call, node,"
            f" {one['worker_ms']} ms, media worker"
        )
    return "\n".join(lines)


async def _bench(data: Path, rates: Sequence[float], seconds: float, start_s: float) -> Figures:
    async with contextlib.AsyncExitStack() as stack:
        address, pid = await stack.enter_async_context(bank(data, start_s))
        host, _, port = address.rpartition(":")
        good, bad = Dialer((host, int(port))), Dialer((host, int(port)))
        await good.start(GOOD)
        stack.push_async_callback(good.close)
        await bad.start(FLOOD)
        stack.push_async_callback(bad.close)
        with say.status("calls …"):
            await good.at_rate(rates[0], 1.0)  # everything is warm
            rated = [
                await _rated(pid, seconds, good.at_rate(rate, seconds), rate) for rate in rates
            ]
            rated.append(fast := await _rated(pid, seconds, good.flat_out(AT_ONCE, seconds)))
        with say.status("a flood …"):
            before = used(pid)
            flood = await bad.flood(FLOOD_RATE, seconds)
            spent = used(pid)[0] - before[0]
            _, beside = await asyncio.gather(
                bad.flood(FLOOD_RATE, seconds), good.at_rate(rates[0], seconds)
            )
    refused = flood.ended["503"]
    let_in = flood.offered - refused - flood.ended["silence"]
    return Figures(
        rates=tuple(rated),
        setups_per_s=fast.rate,
        setup_p99_ms=rated[0].p99_ms,
        calls=rated[0].calls,
        failed=sum(one.failed for one in rated),
        cpu_ms_per_setup=fast.node_ms,
        worker_cpu_ms_per_setup=fast.worker_ms,
        refused=refused,
        refused_us=round((spent - let_in * fast.node_ms / 1000) / max(refused, 1) * 1e6, 1),
        rated_done=round(beside.done / max(beside.offered, 1), 4),
        rated_p99_ms=_p99(beside),
    )


async def _rated(
    pid: int, seconds: float, calls: Coroutine[None, None, Tally], rate: float = 0.0
) -> Rated:
    """Place calls; `rate` 0 is that which comes of it."""
    before = used(pid)
    tally = await calls
    node, worker = (
        (new - old) * 1000 / max(tally.done, 1) for new, old in zip(used(pid), before, strict=True)
    )
    return Rated(
        rate=rate or round(tally.done / seconds, 1),
        calls=tally.offered,
        failed=tally.offered - tally.done,
        p99_ms=_p99(tally),
        node_ms=round(node, 2),
        worker_ms=round(worker, 2),
    )


def _p99(tally: Tally) -> float:
    waits = sorted(tally.waits)
    return round(waits[min(len(waits) - 1, len(waits) * 99 // 100)] * 1000, 1) if waits else 0.0


if __name__ == "__main__":
    command()
