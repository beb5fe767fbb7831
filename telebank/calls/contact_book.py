"""Writes contacts and recordings into the store: in order, without making a call wait for the disk.

A row that the store does not take is lost with an error in the log; the talk goes on, and the event
log, which has its own way to the disk, says that it was.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from typing import Any, Protocol, TypeVar

import structlog

from telebank.store import contacts, recordings
from telebank.store.contacts import EndedContact, NewContact
from telebank.store.recordings import NewRecording, Outcome
from telebank.store.transaction import Transaction
from transactions.ports import JournalUnavailable, LeaseLost

log = structlog.get_logger("telebank.tellers")
T = TypeVar("T")
MAX_WAITING = 1_000
"""Rows that wait for the store; one more is lost."""
MAX_KNOWN = 10_000
"""Customers of whom a node that starts knows who talked with them last."""


class Run(Protocol):
    """Runs a job of the store in the node's next commit."""

    def __call__(self, work: Callable[[Transaction], T]) -> Awaitable[T]:
        """See `telebank.store.writer.Writer.run`."""
        ...


class ContactBook:
    """What the room of tellers tells of contacts and recordings."""

    def __init__(self, run: Run) -> None:
        self._run = run
        self._writing: set[asyncio.Task[None]] = set()

    async def open(self) -> Mapping[str, str]:
        """Close what a former life of this node left open; by customer's token, who talked with
        him last. Raises as the store does."""
        await self._run(contacts.lost)
        await self._run(recordings.lost)
        return await self._run(partial(contacts.last_seats, most=MAX_KNOWN))

    async def close(self) -> None:
        """Write what waits."""
        if self._writing:
            await asyncio.wait(self._writing)

    def begun(self, new: NewContact) -> None:
        """A seat talks with a caller."""
        self._write(new.id, partial(contacts.begin, new=new))

    def ended(self, ended: EndedContact) -> None:
        """It talks no more."""
        self._write(ended.id, partial(contacts.end, ended=ended))

    def wrapped(self, contact: str, seconds: int) -> None:
        """Its paperwork is done."""
        self._write(contact, partial(contacts.wrapped, contact_id=contact, seconds=seconds))

    def recording_begun(self, new: NewRecording) -> None:
        """A file is being written."""
        self._write(new.name, partial(recordings.begin, new=new))

    def recording_ended(self, name: str, outcome: Outcome) -> None:
        """It is whole, or is not."""
        self._write(name, partial(recordings.finish, name=name, outcome=outcome))

    def _write(self, of: str, work: Callable[[Transaction], Any]) -> None:
        if len(self._writing) >= MAX_WAITING:
            log.error("row.lost", of=of, error="too many wait for the store")
            return
        # The store commits in the order in which it was asked.
        task = asyncio.ensure_future(self._written(of, work))
        self._writing.add(task)
        task.add_done_callback(self._writing.discard)

    async def _written(self, of: str, work: Callable[[Transaction], Any]) -> None:
        try:
            await self._run(work)
        except (JournalUnavailable, LeaseLost) as error:
            log.error("row.lost", of=of, error=type(error).__name__)
