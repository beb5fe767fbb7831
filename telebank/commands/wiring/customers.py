"""Wiring of the desk that answers services of our own (`source: own`), and of its tidying."""

import asyncio
import contextlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import structlog

from telebank.customers.asked import Handler
from telebank.customers.ceilings import Ceilings
from telebank.customers.codes import CodeBook
from telebank.customers.desk import Desk, table
from telebank.customers.hours import OpeningHours
from telebank.customers.hours_book import HoursBook
from telebank.customers.payees import Payees
from telebank.customers.preferences import Preferences
from telebank.customers.second_factor import SecondFactors
from telebank.customers.sender import OUTBOX, CodeSender, FileSender
from telebank.customers.usage import Usage
from telebank.ops.clock import SystemClock
from telebank.settings import Settings
from telebank.store.sealing import Keyring
from telebank.store.second_factors import forget_sent
from telebank.store.store import Store
from transactions.clock import Clock
from transactions.ports import JournalUnavailable, LeaseLost

log = structlog.get_logger("telebank.customers")

DAY_S, HOUR_S = 86_400.0, 3_600.0


@dataclass(frozen=True, slots=True)
class Customers:
    """What a node has for its customers."""

    desk: Desk
    """Answers for the processor."""
    usage: Usage
    """Counts at the end of a call."""


def open_customers(
    settings: Settings,
    data: Path,
    store: Store,
    keyring: Keyring,
    stack: contextlib.AsyncExitStack,
    more: Iterable[Mapping[str, Handler]] = (),
    clock: Clock | None = None,
) -> Customers:
    """The desk with all its handlers, and `more` of other rooms. `data` is the data folder."""
    clock = clock or SystemClock()
    run, zone, limits = store.journal.run, store.journal.zone, settings.transactions.limits
    book = CodeBook(settings.codes)
    stack.callback(book.clear)
    sender = _sender(settings, data)
    payees = Payees(run, keyring, settings.payees, limits, clock, zone)
    usage = Usage(run, clock, zone)
    families = [
        SecondFactors(run, keyring, book, sender, settings.codes, clock).handlers(),
        payees.handlers(),
        Ceilings(run, settings.ceilings, limits).handlers(),
        Preferences(run).handlers(),
        usage.handlers(),
        OpeningHours(HoursBook(store.releases.files).of, clock, zone).handlers(),
        *more,
    ]
    tidying = asyncio.create_task(_tidy_daily(store, usage, clock), name="tidy customers")
    tidying.add_done_callback(_tidying_ended)
    stack.callback(tidying.cancel)
    return Customers(Desk(table(families), payees.trusts), usage)


def _sender(settings: Settings, data: Path) -> CodeSender | None:
    if settings.sms.sender == "none":
        return None
    log.warning("codes.to_file", file=str(data / OUTBOX))
    return FileSender(data / OUTBOX, settings.codes.valid_s)


async def _tidy_daily(store: Store, usage: Usage, clock: Clock) -> None:
    """Forget each day what counts no more; in an hour again where the journal is away. Ends where
    the lease is lost."""
    while True:
        pause = DAY_S
        try:
            await usage.prune()
            await store.journal.run(forget_sent)
        except JournalUnavailable as error:
            log.warning("customers.not_tidied", error=str(error))
            pause = HOUR_S
        except LeaseLost:
            return
        await clock.sleep(pause)


def _tidying_ended(task: asyncio.Task[None]) -> None:
    error = None if task.cancelled() else task.exception()
    if error is not None:
        log.error("customers.tidying_ended", error=type(error).__name__)
