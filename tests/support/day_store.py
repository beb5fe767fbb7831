"""The node's real store in virtual time: its writer without its thread, on a disk in memory."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

from support.simulation_loop import BEGIN
from telebank.store.clock import Stamp, to_us
from telebank.store.engine import open_writer
from telebank.store.holder import this_process
from telebank.store.joining import join
from telebank.store.migrate import migrate
from telebank.store.options import StoreOptions
from telebank.store.sealing import Keyring
from telebank.store.store import Store
from telebank.store.succession import Entry, admit
from telebank.store.transaction import Work
from telebank.store.writer import Writer, _Job

OPENS = datetime(2026, 3, 20, 0, 0, tzinfo=UTC)
"""Friday, eight in the morning in Beijing; demand deposits are paid their interest tonight."""
OPTIONS = StoreOptions()


class DayClock:
    """Time of the simulated day: the loop's, from `OPENS` on."""

    boot = "00000000-0000-0000-0000-0000000000da"

    def __init__(self, time: Callable[[], float]) -> None:
        self._time = time

    def monotonic(self) -> float:
        """Virtual seconds."""
        return float(self._time())

    def now(self) -> datetime:
        """Virtual time of day."""
        return OPENS + timedelta(seconds=self.monotonic() - BEGIN)

    async def sleep(self, seconds: float) -> None:
        """Let virtual time pass."""
        await asyncio.sleep(seconds)

    def read(self) -> Stamp:
        """Both clocks, for the store."""
        return Stamp(to_us(self.now()), int(self.monotonic() * 1e6))


class DayWriter(Writer):
    """Commits in the loop's own turn: the same transactions, one job in each."""

    def start(self) -> None:
        """Take the lease."""
        (result,) = self._commit([_Job(None, None)])
        if result.error is not None:
            raise result.error

    async def _queue(self, work: Work | None, locks: tuple[str, ...] = ()) -> Any:
        (result,) = self._commit([_Job(work, None, locks)])
        if result.error is not None:
            raise result.error
        return result.value

    async def close(self) -> None:
        """Let go of the file, as a killed process does."""
        self._drop_connection()
        self._engine.dispose()
        self.died.cancel()


def open_day_store(folder: Path, clock: DayClock) -> Store:
    """The store of node 01 in `folder`; an earlier holder of it counts as gone."""
    keyring = Keyring.open_or_create(folder / "keys")
    url = f"sqlite:///{folder / 'telebank.db'}"
    migrate(url)
    joins = partial(_joined, keyring=keyring)
    holder = this_process(to_settle=False)
    writer = DayWriter(open_writer(url, OPTIONS), "01", holder, OPTIONS, clock, joins)
    writer.start()
    return Store(url, "01", keyring, writer, OPTIONS)


def _joined(connection: Any, now: datetime, keyring: Keyring) -> None:
    join(connection, "01", OPTIONS.nodes, keyring, now)
    admit(connection, "01", Entry(), now, OPTIONS.heartbeat_s)
