"""Looks at node, store, disk and clock each few seconds; everybody else reads what it saw last.

The node is asked once a look, however many managers and scrapers ask the watcher.
"""

import asyncio
import shutil
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import structlog
from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from telebank.ops.control_client import NodeAway, Refused, ask
from telebank.ops.metrics_clock import ClockWatch
from telebank.ops.metrics_store import look
from telebank.ops.metrics_types import MISSES, AlarmNow, Disk, NodeTold, Snapshot, StoreTold
from telebank.store.engine import open_read_only
from telebank.store.errors import StoreMissing

log = structlog.get_logger("telebank.watch")

ASK_S = 3.0
"""Longest wait for the node's answer, in seconds."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where to look."""

    data: Path
    control: Path
    node: str
    store_url: str


class Source:
    """`run` looks until it is cancelled; `seen` is the last look, as long as it can be taken for
    what is now."""

    def __init__(self, place: Place, every_s: float) -> None:
        self._place = place
        self._every_s = every_s
        self._clock = ClockWatch()
        self._engine: Engine | None = None
        self._old_s = 3 * every_s + ASK_S
        self._misses = MISSES  # until it has answered once
        self._seen = Snapshot(at=time.monotonic())
        self.judge: Callable[[Snapshot, float], Sequence[AlarmNow]] = lambda _seen, _now: ()
        """Alarms of a look at a time in monotonic seconds; an owner may set it."""

    @property
    def seen(self) -> Snapshot:
        """The last look; where it is too old, node and store are not known."""
        if self._is_old() and (self._seen.live or self._seen.store is not None):
            self._seen = self._unknown()
        return self._seen

    async def run(self) -> None:
        """Look, and look again; alarms go on while a look hangs."""
        while True:
            await self.look()
            await asyncio.sleep(self._every_s)

    async def look(self) -> Snapshot:
        """Once, now."""
        looking = asyncio.ensure_future(asyncio.to_thread(self._look))
        while not (await asyncio.wait([looking], timeout=self._every_s))[0]:
            if self._is_old():
                self._judged(self._unknown())
        self._judged(looking.result())
        return self._seen

    def _judged(self, seen: Snapshot) -> None:
        self._seen = msgspec.structs.replace(seen, alarms=self.judge(seen, time.monotonic()))

    def _is_old(self) -> bool:
        return time.monotonic() - self._seen.at > self._old_s

    def _unknown(self) -> Snapshot:
        """After a look that has not come back; the alarms are as they were."""
        self._misses = MISSES
        why = f"the watcher has seen nothing for {time.monotonic() - self._seen.at:.0f} s"
        return Snapshot(
            node_why=why,
            store_why=why,
            clock=self._seen.clock,
            alarms=self._seen.alarms,
            at=self._seen.at,
        )

    def close(self) -> None:
        """Let go of the store."""
        if self._engine is not None:
            self._engine.dispose()

    def engine(self) -> Engine:
        """The store, read-only; raises `StoreMissing`."""
        if self._engine is None:
            self._engine = open_read_only(self._place.store_url)
        return self._engine

    def _look(self) -> Snapshot:
        node, node_why = self._node()
        self._misses = 0 if node is not None else self._misses + 1
        store, store_why = self._store()
        return Snapshot(
            node=node,
            node_why=node_why,
            misses=self._misses,
            store=store,
            store_why=store_why,
            disk=self._disk(),
            clock=self._clock.looked(time.time(), time.monotonic()),
            at=time.monotonic(),
        )

    def _node(self) -> tuple[NodeTold | None, str]:
        try:
            told = ask(self._place.control, "GET", "/v1/watch", timeout_s=ASK_S)
            return msgspec.convert(told, NodeTold), ""
        except (NodeAway, Refused) as error:
            return None, str(error)
        except msgspec.ValidationError as error:
            return None, f"a node of another version answers: {error}"

    def _store(self) -> tuple[StoreTold | None, str]:
        try:
            with self.engine().connect() as connection:
                return look(connection, self._place.node, datetime.now(UTC)), ""
        except StoreMissing as error:
            return None, str(error)
        except SQLAlchemyError as error:
            return None, type(error).__name__

    def _disk(self) -> Disk:
        try:
            used = shutil.disk_usage(self._place.data)
        except OSError:
            return Disk()
        return Disk(total=used.total, free=used.free)
