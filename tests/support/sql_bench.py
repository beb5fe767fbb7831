"""Transfers a second, with fsync on: `PYTHONPATH=tests python -m support.sql_bench [count]`."""

import asyncio
import json
import statistics
import sys
import tempfile
import time
from collections.abc import Iterable
from pathlib import Path

from support.sql_banks import CARDS, Gateway, SqlBank, make, options, postgresql_bank, sqlite_bank
from support.sql_servers import Cluster
from transactions.outcome import Approved


async def _measure(bank: SqlBank, workers: int, count: int) -> dict[str, float | int | str]:
    times: list[float] = []
    async with Gateway(bank, options(bank, workers=workers, waiting_max=1000)) as gateway:
        terms = [await gateway.terms(n % 20, (n + 7) % 20, "1.00", f"t{n}") for n in range(count)]
        work = iter(range(count))

        async def caller(numbers: Iterable[int]) -> None:
            for number in numbers:
                began = time.perf_counter()
                request = make("transfer.card_to_card", terms[number], f"t{number}")
                outcome = await gateway.ask(request)
                times.append(time.perf_counter() - began)
                assert isinstance(outcome, Approved), outcome

        began, cpu = time.perf_counter(), time.process_time()
        await asyncio.gather(*(caller(work) for _ in range(workers)))
        wall, cpu = time.perf_counter() - began, time.process_time() - cpu
    assert bank.whole() == len(CARDS) * 1_000_000_00
    cuts = statistics.quantiles(times, n=100)
    return {
        "dialect": bank.dialect,
        "workers": workers,
        "transfers": count,
        "tps": round(count / wall),
        "p50_ms": round(cuts[49] * 1000, 2),
        "p99_ms": round(cuts[98] * 1000, 2),
        "cpu_us_per_txn": round(cpu / count * 1e6),
    }


def main(count: int = 1000) -> None:
    """Print one line of JSON for each database and number of workers."""
    cluster = Cluster("-c fsync=on")
    try:
        for workers in (1, 4, 8):
            with tempfile.TemporaryDirectory() as folder:
                for bank in (
                    sqlite_bank(Path(folder)),
                    postgresql_bank(cluster, f"bench{workers}"),
                ):
                    print(json.dumps(asyncio.run(_measure(bank, workers, count))), flush=True)
    finally:
        cluster.remove()


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 1000)
