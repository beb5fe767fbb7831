"""The node's way to the event log: in order, without making a call wait for the disk."""

import asyncio
from collections.abc import Callable

import structlog

from transactions.journal import Journal, JournalEvent
from transactions.ports import JournalUnavailable, LeaseLost

log = structlog.get_logger("telebank.calls")


class Recorder:
    """Appends events in the order they were given; bounded, so that a node whose store stands
    still stops taking calls instead of filling memory."""

    def __init__(self, journal: Journal, max_waiting: int, on_lease_lost: Callable[[], None]):
        self._journal = journal
        self._max = max_waiting
        self._on_lease_lost = on_lease_lost
        self._waiting: asyncio.Queue[JournalEvent | None] = asyncio.Queue()
        self._writing: set[asyncio.Task[None]] = set()
        self._task = asyncio.create_task(self._run(), name="recorder")

    @property
    def full(self) -> bool:
        """No new call may begin: as many events as may wait to be written, or are being written."""
        return self._waiting.qsize() + len(self._writing) >= self._max

    def append(self, event: JournalEvent) -> None:
        """Queue an event. Events of live calls are always taken."""
        self._waiting.put_nowait(event)

    async def close(self) -> None:
        """Write what waits, then stop."""
        self._waiting.put_nowait(None)
        await self._task

    async def _run(self) -> None:
        writing = self._writing
        while (event := await self._waiting.get()) is not None:
            # The journal commits in groups and keeps the order in which it was asked.
            writing.add(task := asyncio.create_task(self._write(event)))
            task.add_done_callback(writing.discard)
            if len(writing) >= self._max:
                await asyncio.wait(writing, return_when=asyncio.FIRST_COMPLETED)
        if writing:
            await asyncio.wait(writing)

    async def _write(self, event: JournalEvent) -> None:
        try:
            await self._journal.append(event)
        except LeaseLost as error:
            log.error("event.lost", kind=event.kind, call=event.call, error=str(error))
            self._on_lease_lost()
        except (JournalUnavailable, ValueError) as error:
            log.error("event.lost", kind=event.kind, call=event.call, error=type(error).__name__)
