"""What a running node does for its audit log: signed checkpoints, copies of them on other machines,
and an entry a minute so that silence shows.

Leaves are read, signed and copied by threads beside the writer's, by pages; the writer itself has
one more row to write for each checkpoint, and no caller waits for it.
"""

import asyncio
import contextlib
import threading
from collections.abc import Callable, Coroutine, Mapping
from datetime import UTC, date, datetime
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import structlog
from sqlalchemy.exc import DBAPIError

from telebank.store.anchoring import Anchoring
from telebank.store.audit_options import AuditOptions
from telebank.store.checkpoints import put_checkpoint, put_key
from telebank.store.errors import said
from telebank.store.event_search import BEAT
from telebank.store.signing import FAULTS, Signer
from telebank.store.store import Store
from transactions.journal import JournalEvent
from transactions.ports import JournalUnavailable, LeaseLost

T = TypeVar("T")
log = structlog.get_logger("telebank.audit")
LOOK_S = 1.0
"""How often it is looked whether there is something to do."""
STOP_S = 5.0
"""Longest that a stop waits for the last checkpoint and its copies."""


class AuditRoom:
    """Follows one node's log until `close`."""

    def __init__(
        self, options: AuditOptions, store: Store, keys: Path, look_s: float = LOOK_S
    ) -> None:
        self._options, self._store, self._look_s = options, store, look_s
        self._signer = Signer(store.url, store.node, keys)
        self._anchoring = Anchoring(options, store.url, store.node)
        self._tasks: list[asyncio.Task[None]] = []
        self._closing = asyncio.Event()
        self._beat_at = self._signed_at = 0.0
        self._day: date | None = None
        self._alarms: set[str] = set()
        """What is wrong and was said; it is said again where it was well in between."""

    def start(self) -> None:
        """Follow the log until `close`."""
        self._beat_at = self._signed_at = asyncio.get_running_loop().time()
        self._day = self._today()
        self._begin(self._follow(), "audit")
        if self._options.anchors:
            self._begin(self._keep_copying(), "anchors")

    async def close(self) -> None:
        """A last checkpoint, copied where that can be done soon."""
        self._closing.set()
        if self._tasks:
            await asyncio.wait(self._tasks[:1], timeout=STOP_S)  # a copy may never end
        for task in self._tasks:
            task.cancel()
        with contextlib.suppress(TimeoutError, JournalUnavailable, LeaseLost):
            async with asyncio.timeout(STOP_S):
                await self._store.journal.run(lambda _part: None)  # what is queued comes before
                await self._checkpoint("stop")
                if self._options.anchors:
                    await _aside(partial(self._anchoring.copy, STOP_S))
        self._signer.close()
        self._anchoring.close()

    def _begin(self, work: Coroutine[Any, Any, None], name: str) -> None:
        task = asyncio.create_task(work, name=name)
        task.add_done_callback(_ended)
        self._tasks.append(task)

    async def _follow(self) -> None:
        while not self._closing.is_set():
            try:
                await self._look()
            except JournalUnavailable as error:
                log.warning("audit.waits", error=str(error))
            except LeaseLost:
                return  # the node ends for it
            await self._pause()

    async def _pause(self) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self._look_s):
                await self._closing.wait()

    async def _look(self) -> None:
        now = asyncio.get_running_loop().time()
        if now - self._beat_at >= self._options.heartbeat_s:
            self._beat_at = now
            await self._beat()
        reason = await self._due(now)
        if reason:
            self._signed_at, self._day = now, self._today()
            await self._checkpoint(reason)
        if self._options.anchors:
            await self._tell_late()

    async def _due(self, now: float) -> str:
        """Why a checkpoint is due; empty where none is."""
        if self._today() != self._day:
            return "day"
        if now - self._signed_at >= self._options.every_s:
            return "time"
        new = await self._tried("reading", self._signer.new_entries)
        return "entries" if new is not None and new >= self._options.entries else ""

    async def _beat(self) -> None:
        beat = JournalEvent(BEAT)
        beat.detail["checkpoint"] = self._signer.size
        if self._options.anchors:
            beat.detail["anchored"] = self._anchoring.size
        await self._store.journal.append(beat)

    async def _checkpoint(self, reason: str) -> None:
        """Sign what is new, where there is something; its row makes it stand."""
        signed = await self._tried("signing", self._signer.sign)
        if signed is None:
            return
        if signed.key is not None:
            await self._store.journal.run(partial(put_key, key=signed.key))
            if signed.key.number > 1:
                told = JournalEvent("audit.key", outcome=str(signed.key.number))
                told.detail["public"] = signed.key.public
                await self._store.journal.append(told)
        put = partial(put_checkpoint, tree=signed.tree, note=signed.note, reason=reason)
        await self._store.journal.run(put)
        self._signer.stands(signed)

    async def _keep_copying(self) -> None:
        """By itself: a directory that does not answer stops neither checkpoints nor the alarm."""
        while not self._closing.is_set():
            if self._anchoring.behind(self._signer.size):
                await _aside(self._anchoring.copy)
            await self._pause()

    async def _tell_late(self) -> None:
        """An alarm for each place whose copies are newly late."""
        late: Mapping[str, str] | None = {}
        if self._anchoring.behind(self._signer.size):
            late = await self._tried("copies", partial(self._anchoring.late, datetime.now(UTC)))
        if late is None:
            return
        for place in self._options.anchors:
            alarm = JournalEvent("alarm.anchor")
            alarm.detail["place"] = place
            await self._say(alarm, f"anchor {place}", late.get(place, ""))

    async def _tried(self, what: str, work: Callable[[], T]) -> T | None:
        """Do it beside the loop; what is wrong with the log or its keys is an alarm."""
        why, done = "", None
        try:
            done = await asyncio.to_thread(work)
        except DBAPIError as error:  # the journal says so to everybody
            log.warning("audit.waits", what=what, error=said(error))
            return None
        except FAULTS as error:
            why = str(error)
        alarm = JournalEvent("alarm.audit")
        alarm.detail["what"] = what
        await self._say(alarm, what, why)
        return done

    async def _say(self, alarm: JournalEvent, of: str, why: str) -> None:
        """Write the alarm where this is newly wrong; an empty `why` is well."""
        if not why:
            self._alarms.discard(of)
        elif of not in self._alarms:
            alarm.detail["why"] = why
            await self._store.journal.append(alarm)
            self._alarms.add(of)

    def _today(self) -> date:
        return datetime.now(self._store.journal.zone).date()


def follow_log(
    options: AuditOptions, store: Store, keys: Path, stack: contextlib.AsyncExitStack
) -> None:
    """Follow the log of a node until `stack` ends, which has nothing later than the store's own
    end."""
    room = AuditRoom(options, store, keys)
    stack.push_async_callback(room.close)
    room.start()


def _ended(task: asyncio.Task[None]) -> None:
    """What nobody foresaw is said where it can be read; that no heartbeat follows shows it too."""
    error = None if task.cancelled() else task.exception()
    if error is not None:
        log.error("audit.failed", what=task.get_name(), error=type(error).__name__)


async def _aside(work: Callable[[], Any]) -> None:
    """Do it in a thread that nobody waits for at the end: a mount may never answer."""
    loop = asyncio.get_running_loop()
    done = loop.create_future()

    def tell() -> None:
        if not done.done():
            done.set_result(None)

    def run() -> None:
        try:
            work()
        finally:
            with contextlib.suppress(RuntimeError):  # the loop has closed
                loop.call_soon_threadsafe(tell)

    threading.Thread(target=run, name="anchors", daemon=True).start()
    await done
