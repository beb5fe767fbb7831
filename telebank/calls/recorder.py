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
        self._writing: set[asyncio.Task[None]] = set()

    @property
    def full(self) -> bool:
        """No new call may begin: as many events as may wait are being written."""
        return len(self._writing) >= self._max

    def append(self, event: JournalEvent) -> None:
        """Write an event. Events of live calls are always taken."""
        # The journal commits in groups and keeps the order in which it was asked.
        task = asyncio.get_running_loop().create_task(self._write(event), name="recorder")
        self._writing.add(task)
        task.add_done_callback(self._writing.discard)

    async def close(self) -> None:
        """Write what waits; nothing is given any more."""
        while self._writing:
            await asyncio.wait(self._writing)

    async def _write(self, event: JournalEvent) -> None:
        try:
            await self._journal.append(event)
        except LeaseLost as error:
            log.error("event.lost", kind=event.kind, call=event.call, error=str(error))
            self._on_lease_lost()
        except (JournalUnavailable, ValueError) as error:
            log.error("event.lost", kind=event.kind, call=event.call, error=type(error).__name__)
