"""What a node and its processes take and have open, sample by sample, and whether that grows."""

import asyncio
import contextlib
import time
from collections.abc import Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np

from support.bank_process import BankProcess


@dataclass(frozen=True, slots=True)
class Sample:
    """At one time; memory in kB (PSS counts shared pages in part, RSS whole)."""

    at: float
    calls: int
    """Since the start."""
    open: int
    node_pss: int
    worker_pss: int
    node_rss: int
    worker_rss: int
    files: int
    sockets: int
    tasks: int
    legs: int
    dialogs: int
    transactions: int
    timers: int
    channels: int
    late_ms: float
    """How late the ticks of the media worker were, 99 of 100 of the last ten seconds."""
    database: int
    """Octets, with what waits in its log."""
    node_cpu: float
    worker_cpu: float
    load: float
    """Of the machine, over the last minute."""

    def __str__(self) -> str:
        words = (f"{field.name}={getattr(self, field.name):g}" for field in fields(self))
        return " ".join(words)


def sample(bank: BankProcess, began: float) -> Sample:
    """Now; `began` is monotonic seconds."""
    counts, files = bank.counts(), bank.files()
    (worker,) = bank.worker_pids
    board: dict[str, Any] = bank.control("/v1/board")
    node_cpu, worker_cpu = bank.cpu_seconds()
    node, media = _memory(bank.pid), _memory(worker)
    return Sample(
        at=round(time.monotonic() - began, 1),
        calls=counts.get("total_calls", 0),
        open=counts["calls"],
        node_pss=node["Pss"],
        worker_pss=media["Pss"],
        node_rss=node["Rss"],
        worker_rss=media["Rss"],
        files=len(files),
        sockets=sum("socket:" in file for file in files),
        tasks=counts["tasks"],
        legs=counts["sip_legs"],
        dialogs=counts["sip_dialogs"],
        transactions=counts["sip_transactions"],
        timers=counts["sip_timers"],
        channels=counts["media_channels"],
        late_ms=float(board["workers"][0].get("tick_late_p99_ms", 0.0)),
        database=database_size(bank),
        node_cpu=round(node_cpu, 1),
        worker_cpu=round(worker_cpu, 1),
        load=float(Path("/proc/loadavg").read_text(encoding="ascii").split()[0]),
    )


def database_size(bank: BankProcess) -> int:
    """Octets of the database's files."""
    size = 0
    for file in bank.data.glob("telebank.db*"):
        with contextlib.suppress(FileNotFoundError):
            size += file.stat().st_size
    return size


class Watch:
    """Takes a sample each `every_s` seconds while it is entered, and says it at once."""

    def __init__(self, bank: BankProcess, every_s: float) -> None:
        self.samples: list[Sample] = []
        self._bank, self._every_s = bank, every_s
        self._began = time.monotonic()
        self._task: asyncio.Task[None]

    async def __aenter__(self) -> "Watch":
        self._task = asyncio.create_task(self._run(), name="watch")
        return self

    async def __aexit__(self, *_: object) -> None:
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)

    async def _run(self) -> None:
        while True:
            taken = await asyncio.to_thread(sample, self._bank, self._began)
            self.samples.append(taken)
            print(taken, flush=True)
            await asyncio.sleep(self._every_s)

    def between(self, first: float, last: float) -> list[Sample]:
        """The samples of that time, in seconds since the watch was made."""
        return [one for one in self.samples if first <= one.at <= last]


def growth(samples: Sequence[Sample], name: str) -> float:
    """What the straight line that fits a figure best rises from the first sample to the last."""
    at = np.array([one.at for one in samples])
    slope = np.polyfit(at, np.array([getattr(one, name) for one in samples], float), 1)[0]
    return float(slope * (at[-1] - at[0]))


def _memory(pid: int) -> dict[str, int]:
    """`Pss`, `Rss` and others of a process in kB (proc(5), smaps_rollup)."""
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="ascii").splitlines()[1:]
    return {name: int(rest.split()[0]) for name, _, rest in (line.partition(":") for line in lines)}
