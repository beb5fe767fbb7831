"""Writes rows into the store in the order in which they are told, without making a call wait for
the disk.

A row that the store does not take is lost with an error in the log; what it is about goes on, and
the event log, which has its own way to the disk, says that it was.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, Protocol, TypeVar

import structlog

from telebank.store.transaction import Transaction
from transactions.ports import JournalUnavailable, LeaseLost

log = structlog.get_logger("telebank.tellers")
T = TypeVar("T")
MAX_WAITING = 1_000
"""Rows that wait for the store; one more is lost."""


class Run(Protocol):
    """Runs a job of the store in the node's next commit."""

    def __call__(self, work: Callable[[Transaction], T]) -> Awaitable[T]:
        """See `telebank.store.writer.Writer.run`."""
        ...


class RowBook:
    """Rows that wait to be written."""

    def __init__(self, run: Run) -> None:
        self._run = run
        self._writing: set[asyncio.Task[None]] = set()

    async def close(self) -> None:
        """Write what waits."""
        if self._writing:
            await asyncio.wait(self._writing)

    def _write(self, of: str, work: Callable[[Transaction], Any]) -> asyncio.Task[None] | None:
        """None: there are too many."""
        if len(self._writing) >= MAX_WAITING:
            log.error("row.lost", of=of, error="too many wait for the store")
            return None
        # The store commits in the order in which it was asked.
        task = asyncio.ensure_future(self._written(of, work))
        self._writing.add(task)
        task.add_done_callback(self._writing.discard)
        return task

    async def _written(self, of: str, work: Callable[[Transaction], Any]) -> None:
        try:
            await self._run(work)
        except (JournalUnavailable, LeaseLost) as error:
            log.error("row.lost", of=of, error=type(error).__name__)
