"""What is said of customers, for queues that cannot wait for the store: all of it in memory.

Changes of this node are read at once, those of other nodes within `every_s`.
"""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import Protocol, TypeVar

import structlog

from telebank.calls.faxes.numbers import Plan, read
from telebank.store import customer_records
from telebank.store.customer_records import CustomerRecord
from telebank.store.transaction import Transaction
from transactions.ports import JournalUnavailable, LeaseLost

log = structlog.get_logger("telebank.tellers")
T = TypeVar("T")
EVERY_S = 30.0
"""Seconds between looks at what other nodes changed."""
OVERLAP = timedelta(minutes=5)
"""Looked at again each time: nodes' clocks differ, and a commit comes after its time."""


class Run(Protocol):
    """Runs a job of the store in the node's next commit."""

    def __call__(self, work: Callable[[Transaction], T]) -> Awaitable[T]:
        """See `telebank.store.writer.Writer.run`."""
        ...


def number_key(plan: Plan, digest: Callable[[str], str], text: str) -> str | None:
    """What a number is found by, however it is written; None where it is none of the plan."""
    number = read(plan, text)
    return None if isinstance(number, str) else digest(f"customer number {number.form}")


class CustomerBook:
    """Implements `telebank.calls.tellers.known.Records`."""

    def __init__(
        self, run: Run, digest: Callable[[str], str], plan: Plan, every_s: float = EVERY_S
    ) -> None:
        self._run = run
        self._key = partial(number_key, plan, digest)
        self._every_s = every_s
        self._records: dict[str, CustomerRecord] = {}
        self._by_number: dict[str, str] = {}
        self._newest: datetime | None = None
        self._looking: asyncio.Task[None] | None = None

    def of(self, customer: str, number: str) -> CustomerRecord | None:
        """See `Records`."""
        if not customer and number:
            key = self._key(number)
            customer = "" if key is None else self._by_number.get(key, "")
        return self._records.get(customer)

    async def open(self) -> None:
        """Read all, and look for what changes. Raises as the store does."""
        await self.refresh()
        self._looking = asyncio.create_task(self._look(), name="records of customers")

    async def close(self) -> None:
        """Look no more."""
        if self._looking is not None:
            self._looking.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._looking

    async def refresh(self) -> None:
        """Read what was changed since the last look. Raises as the store does."""
        since = None if self._newest is None else self._newest - OVERLAP
        found: Sequence[CustomerRecord]
        found = await self._run(partial(customer_records.changed, since=since))
        for record in found:
            self._forget_numbers(record.customer)
            self._records[record.customer] = record
        for record in found:
            self._by_number.update({one.key: record.customer for one in record.numbers})
        times = [one.changed_at for one in found if one.changed_at is not None]
        self._newest = max([*times, *([self._newest] if self._newest else [])], default=None)

    def _forget_numbers(self, customer: str) -> None:
        before = self._records.get(customer)
        for one in () if before is None else before.numbers:
            if self._by_number.get(one.key) == customer:
                del self._by_number[one.key]

    async def _look(self) -> None:
        while True:
            await asyncio.sleep(self._every_s)
            try:
                await self.refresh()
            except JournalUnavailable as error:
                log.warning("customers.not_read", error=str(error))
            except LeaseLost:
                return
