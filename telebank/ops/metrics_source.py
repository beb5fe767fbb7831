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
from telebank.ops.metrics_types import AlarmNow, Disk, NodeTold, Snapshot, StoreTold
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
    """`run` looks until it is cancelled; `seen` is the last look."""

    def __init__(self, place: Place, every_s: float) -> None:
        self._place = place
        self._every_s = every_s
        self._clock = ClockWatch()
        self._engine: Engine | None = None
        self.seen = Snapshot()
        self.judge: Callable[[Snapshot, float], Sequence[AlarmNow]] = lambda _seen, _now: ()
        """Alarms of a look at a time in monotonic seconds; an owner may set it."""

    async def run(self) -> None:
        """Look, and look again."""
        while True:
            await self.look()
            await asyncio.sleep(self._every_s)

    async def look(self) -> Snapshot:
        """Once, now."""
        seen = await asyncio.to_thread(self._look)
        self.seen = msgspec.structs.replace(seen, alarms=self.judge(seen, time.monotonic()))
        return self.seen

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
        store, store_why = self._store()
        return Snapshot(
            node=node,
            node_why=node_why,
            store=store,
            store_why=store_why,
            disk=self._disk(),
            clock=self._clock.looked(time.time(), time.monotonic()),
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
