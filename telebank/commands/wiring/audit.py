"""What a running node does for its audit log: signed checkpoints, copies of them on other machines,
and an entry a minute so that silence shows.

Leaves are read, signed and copied by threads beside the writer's, by pages; the writer itself has
one more row to write for each checkpoint, and no caller waits for it.
"""

import asyncio
import contextlib
import threading
from collections.abc import Callable, Coroutine, Mapping
from datetime import UTC, date, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import structlog
from sqlalchemy.exc import DBAPIError

from telebank.ops.metrics_types import Anchors
from telebank.store.anchoring import Anchoring
from telebank.store.audit_options import AuditOptions
from telebank.store.checkpoints import put_checkpoint
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
AGAIN_S = 60.0
"""After so long is begun anew what ended though nobody foresaw it."""
STOP_S = 5.0
"""Longest that a stop waits for the last checkpoint and its copies."""


class AuditRoom:
    """Follows one node's log until `close`."""

    def __init__(
        self,
        options: AuditOptions,
        store: Store,
        keys: Path,
        look_s: float = LOOK_S,
        again_s: float = AGAIN_S,
    ) -> None:
        self._options, self._store = options, store
        self._look_s, self._again_s = look_s, again_s
        self._signer = Signer(store.url, store.node, keys)
        self._anchoring = Anchoring(options, store.url, store.node)
        self._tasks: list[asyncio.Task[None]] = []
        self._closing = asyncio.Event()
        self._began_at = self._beat_at = self._signed_at = 0.0
        self._day: date | None = None
        self._alarms: set[str] = set()
        """What is wrong and was said; it is said again where it was well in between."""

    def start(self) -> None:
        """Follow the log until `close`."""
        self._began_at = self._beat_at = self._signed_at = asyncio.get_running_loop().time()
        self._day = self._today()
        self._begin("following", self._look)
        for place in self._anchoring.places:
            self._begin(f"copying to {place}", partial(self._copy, place))

    async def close(self) -> None:
        """A last checkpoint, copied where that can be done soon."""
        self._closing.set()
        if self._tasks:
            await asyncio.wait(self._tasks[:1], timeout=STOP_S)  # a copy may never end
        for task in self._tasks:
            task.cancel()
        error = await _outcome(self._last())
        if error is not None and not isinstance(
            error, TimeoutError | JournalUnavailable | LeaseLost
        ):
            log.error("audit.failed", what="stopping", error=type(error).__name__)
        self._signer.close()
        self._anchoring.close()

    async def _last(self) -> None:
        async with asyncio.timeout(STOP_S):
            await self._store.journal.run(lambda _part: None)  # what is queued comes before
            await self._checkpoint("stop")
            copies = (
                partial(self._anchoring.copy, each, STOP_S) for each in self._anchoring.places
            )
            await asyncio.gather(*map(_aside, copies))

    def _begin(self, what: str, once: Callable[[], Coroutine[Any, Any, None]]) -> None:
        self._tasks.append(asyncio.create_task(self._keep(what, once), name=f"audit {what}"))

    async def _keep(self, what: str, once: Callable[[], Coroutine[Any, Any, None]]) -> None:
        """Do it each `look_s` until `close`. What nobody foresaw is an alarm, and it is begun anew
        after a while: a log that nobody signs any more must not be silent."""
        while not self._closing.is_set():
            error = await _outcome(once())
            if isinstance(error, LeaseLost):
                return  # the node ends for it
            if error is None or isinstance(error, JournalUnavailable):
                if error is not None:
                    log.warning("audit.waits", error=str(error))
                else:
                    self._alarms.discard(what)
                await self._pause(self._look_s)
            else:
                await _outcome(self._failed(what, error))
                await self._pause(self._again_s)

    async def _failed(self, what: str, error: BaseException) -> None:
        name = type(error).__name__
        log.error("audit.failed", what=what, error=name)
        alarm = JournalEvent("alarm.audit")
        alarm.detail["what"] = what
        why = f"{what} ended with {name}, a fault of the program or of the store; it is begun anew"
        await self._say(alarm, what, why)

    async def _pause(self, seconds: float) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
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
        if self._anchoring.places:
            await self._tell_late(now)

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
        put = partial(put_checkpoint, tree=signed.tree, note=signed.note, reason=reason)
        await self._store.journal.run(partial(put, key=signed.key))
        self._signer.stands(signed)

    async def _copy(self, place: str) -> None:
        """By itself: a directory that does not answer stops neither checkpoints nor the alarm, nor
        the copies of another."""
        if self._anchoring.behind(place, self._signer.size):
            await _aside(partial(self._anchoring.copy, place))

    async def _tell_late(self, now: float) -> None:
        """An alarm for each place whose copies are newly late."""
        places, size = self._anchoring.places, self._signer.size
        late: Mapping[str, str] | None = {}
        if any(self._anchoring.behind(place, size) for place in places):
            up = timedelta(seconds=now - self._began_at)
            ask = partial(self._anchoring.late, datetime.now(UTC), up)
            late = await self._tried("copies", ask)
        if late is None:
            return
        for place in places:
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

    def anchors(self) -> Anchors:
        """The copies as they were last seen, for who watches the node."""
        places = self._options.anchors
        late = sum(f"anchor {place}" in self._alarms for place in places)
        return Anchors(places=len(places), sequence=self._anchoring.size, late=late)

    def _today(self) -> date:
        return datetime.now(self._store.journal.zone).date()


def follow_log(
    options: AuditOptions, store: Store, keys: Path, stack: contextlib.AsyncExitStack
) -> AuditRoom:
    """Follow the log of a node until `stack` ends, which has nothing later than the store's own
    end."""
    room = AuditRoom(options, store, keys)
    stack.push_async_callback(room.close)
    room.start()
    return room


async def _outcome(work: Coroutine[Any, Any, None]) -> BaseException | None:
    """Do it; returns what it raised."""
    done = await asyncio.gather(work, return_exceptions=True)
    return done[0]


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
