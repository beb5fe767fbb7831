"""Rounds of what mails: it looks for what is due, tries it, and writes down what came of it."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import Any, TypeVar

import structlog

from telebank.calls.faxes.attempt import WRITE_PAUSE_S
from telebank.customers.asked import Run as StoreRun
from telebank.store.fax_rows import ORIGIN
from telebank.store.transaction import Transaction
from transactions.journal import JournalEvent
from transactions.ports import JournalUnavailable, LeaseLost

log = structlog.get_logger("telebank.faxes")

T = TypeVar("T")
LOOK_S = 30.0
"""Seconds between two looks for mail that is due."""
PAUSE_S = 30.0
"""Seconds before it is looked again after what nobody foresaw."""
CLOSE_S = 10.0
"""Seconds in which tries that are under way may end once nobody begins any more."""
AT_ONCE = 2
"""Tries at once, which is connections to the server."""


class Rounds:
    """`start`, then `look_now` whenever there is something to look for; `close`."""

    def __init__(self, run: StoreRun, on_alarm: Callable[[JournalEvent], None]) -> None:
        self._run = run
        self._on_alarm = on_alarm
        self._wake = asyncio.Event()
        self._work: asyncio.Task[None] | None = None
        self._note: asyncio.Task[None] | None = None
        self._closing = False
        self._well = True
        """Nothing has failed since all was well last."""

    async def look(self) -> int:
        """Try what is due now; how many were. What one of them raises is raised last."""
        raise NotImplementedError

    def start(self) -> None:
        """Look for what is due until `close`."""
        self._begin(0.0)

    def look_now(self) -> None:
        """There is something to look for."""
        self._wake.set()

    async def close(self) -> None:
        """Begin no more, and see what is under way to its end where it has one soon; what was not
        mailed is when the node comes back."""
        self._closing = True
        self._wake.set()
        if self._work is not None:
            await asyncio.wait([self._work], timeout=CLOSE_S)
            self._work.cancel()
            await asyncio.gather(self._work, return_exceptions=True)
        if self._note is not None:
            await asyncio.wait([self._note])

    # -- for those that look ----------------------------------------------------------------------

    async def _each(self, do: Callable[[T], Awaitable[None]], due: Sequence[T]) -> int:
        """Do it with all of them, AT_ONCE at a time; how many they are. What one raises is raised
        last."""
        turn = asyncio.Semaphore(AT_ONCE)

        async def one(what: T) -> None:
            async with turn:
                if not self._closing:
                    await do(what)

        for error in await asyncio.gather(*map(one, due), return_exceptions=True):
            if error is not None:
                raise error
        return len(due)

    async def _written(self, job: Callable[[Transaction], T], locks: Sequence[str]) -> T:
        """Write down what came of a try, however long the store takes no work: nobody else knows
        it, and what is not written is mailed again."""
        while True:
            try:
                found: T = await self._run(job, locks)
            except JournalUnavailable as error:
                log.warning("fax.mail_not_written", error=type(error).__name__)
                await asyncio.sleep(WRITE_PAUSE_S)
            else:
                return found

    # -- its life ---------------------------------------------------------------------------------

    def _begin(self, pause_s: float) -> None:
        self._work = asyncio.create_task(self._keep_looking(pause_s), name="fax mail")
        self._work.add_done_callback(self._looked_last)

    def _looked_last(self, task: "asyncio.Task[Any]") -> None:
        """What nobody foresaw is an alarm, once until all is well again; other mail goes on."""
        error = None if task.cancelled() else task.exception()
        if error is None:
            return
        log.error("fax.mail_failed", error=type(error).__name__)
        if self._closing:
            return
        if self._well:
            self._note = asyncio.create_task(self._alarm(type(error).__name__), name="alarm")
        self._well = False
        self._begin(PAUSE_S)

    async def _alarm(self, error: str) -> None:
        event = JournalEvent("alarm.mail", origin=ORIGIN)
        event.detail.update(why=f"looking for mail that is due failed: {error}")
        self._on_alarm(event)
        try:
            await self._run(partial(_noted, event=event))
        except (JournalUnavailable, LeaseLost):
            return  # it is in the node's log

    async def _keep_looking(self, pause_s: float) -> None:
        await self._rest(pause_s)
        while not self._closing:
            self._wake.clear()
            try:
                await self.look()
                self._well = True
            except JournalUnavailable as error:
                log.warning("fax.mail_not_looked", error=type(error).__name__)
            except LeaseLost:
                return
            await self._rest(LOOK_S)

    async def _rest(self, seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds):
                await self._wake.wait()
        except TimeoutError:
            return


def _noted(part: Transaction, event: JournalEvent) -> None:
    part.event(event)
