"""The node looks at its disk: no new money where it is low, and the ballast let go and remade."""

import asyncio
import contextlib
from pathlib import Path

import structlog

from telebank.ops.disk import Act, Ballast, DiskWatch
from telebank.ops.disk_options import MB, DiskOptions
from telebank.store.engine import is_sqlite
from telebank.store.store import Store
from transactions.brake import Brake
from transactions.journal import JournalEvent
from transactions.ports import JournalUnavailable, LeaseLost

log = structlog.get_logger("telebank.disk")

LOW = "disk"
"""Reason of what is not sent for want of room."""


class DiskRoom:
    """Looks each `every_s` until `close`."""

    def __init__(self, options: DiskOptions, ballast: Ballast, store: Store, brake: Brake) -> None:
        self._every_s = options.every_s
        self._ballast = ballast
        self._watch = DiskWatch(options)
        self._store = store
        self._brake = brake
        self._told = False
        """Whether the log says that the disk is low."""
        self._trouble = ""
        """What went wrong at the last look."""
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Look once, then go on looking."""
        await self.look()
        self._task = asyncio.create_task(self._keep_looking(), name="disk")

    async def close(self) -> None:
        """Look no more. The ballast stays: the next start may need its room."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def look(self) -> None:
        """Once, and do what is due: the brake first, then room, then the event, which needs it."""
        try:
            held, free = await asyncio.to_thread(self._seen)
            act = self._watch.looked(free, held=held)
            self._brake.reason = LOW if self._watch.low else ""
            if act is not None:
                await asyncio.to_thread(self._do, act)
        except OSError as error:
            why = error.strerror or type(error).__name__
            if why != self._trouble:
                log.warning("disk.trouble", error=why)
            self._trouble = why
            return
        self._trouble = ""
        await self._tell(free)

    async def _keep_looking(self) -> None:
        while True:
            await asyncio.sleep(self._every_s)
            await self.look()

    def _seen(self) -> tuple[bool, int]:
        return self._ballast.held, self._ballast.free()

    def _do(self, act: Act) -> None:
        if act is Act.LET_GO:
            self._ballast.let_go()
        else:
            self._ballast.make()
        log.info("disk.ballast", done=act.value)

    async def _tell(self, free: int) -> None:
        """An event where it has newly become low or roomy; again at the next look where the journal
        does not take it."""
        low = self._watch.low
        if low == self._told:
            return
        kind, outcome = ("alarm.disk", "low") if low else ("disk.roomy", "over")
        event = JournalEvent(kind, actor="system", outcome=outcome)
        event.detail["free_mb"] = free // MB
        if low:
            event.detail["what"] = "new money is refused until there is room"
        with contextlib.suppress(JournalUnavailable, LeaseLost):
            await self._store.journal.append(event)
            self._told = low


async def watch_disk(
    options: DiskOptions,
    data: Path,
    store: Store,
    brake: Brake,
    stack: contextlib.AsyncExitStack,
) -> None:
    """Look until `stack` ends, where the database is a file of this folder: a server has a disk of
    its own."""
    if is_sqlite(store.url) and options.low_mb:
        room = DiskRoom(options, Ballast(data, options.ballast_mb), store, brake)
        stack.push_async_callback(room.close)
        await room.start()
