"""The end of a business date, done once for each date in its turn, whole or not at all.

The host calls `run_due` before each batch of messages and once a second: so every date is over
before anything of the next one is posted. After a time away each date that passed is ended in turn,
as if the bank had been there: what comes of it does not depend on when it is done.
"""

import sqlite3
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from datetime import date, datetime

import structlog

from core_adapters.corehost.back_office import BackOffice
from core_adapters.corehost.ledger import LedgerError, transaction
from core_adapters.corehost.products.end_of_day.bills import bills_due
from core_adapters.corehost.products.end_of_day.book import FAILED, DayBook, Item
from core_adapters.corehost.products.end_of_day.companies import companies_due
from core_adapters.corehost.products.end_of_day.interest import settle_interest
from core_adapters.corehost.products.end_of_day.lending import loans_due
from core_adapters.corehost.products.end_of_day.maturities import (
    bonds_due,
    deposits_due,
    foreign_due,
)
from core_adapters.corehost.products.end_of_day.terms import ONE_DAY, load_day_terms
from core_adapters.corehost.products.end_of_day.work import Closing, Step, Work
from core_adapters.corehost.rules import business_date

STEPS: Sequence[Step] = (
    settle_interest,
    deposits_due,
    foreign_due,
    bonds_due,
    loans_due,
    companies_due,
    bills_due,
)
"""In this order: interest is on what the day left, before anything that matures moves it."""

log = structlog.get_logger("corehost.end_of_day")


class EndOfDay:
    """One for the bank's only writer."""

    def __init__(self, office: BackOffice, steps: Sequence[Step] = STEPS) -> None:
        self._office = office
        self._steps = steps
        self._book = DayBook(office)
        self._terms = load_day_terms()
        self._done: date | None = None

    def run_due(self, now: datetime) -> int:
        """End every business date before that of `now`, each in its own commit; gives how many.

        Must not be called inside a transaction. Raises `sqlite3.Error` where a commit fails; then
        nothing of that date happened, and the next call goes on with it."""
        if self._done is not None and not self._passed(self._done, now):
            return 0
        with transaction(self._office.db):
            yesterday = self._office.today(now) - ONE_DAY
            last = self._book.begin(now)
        ended = 0
        while last < yesterday:
            last += ONE_DAY
            self._run(last, now)
            ended += 1
        self._done = last
        return ended

    def _passed(self, done: date, now: datetime) -> bool:
        """Whether the date after `done` is over too."""
        row = self._office.db.execute("SELECT date FROM business_day").fetchone()
        by_clock = business_date(now, self._office.rules.cut_over)
        known = date.fromisoformat(row[0]) if row else by_clock
        return max(known, by_clock) - ONE_DAY > done

    def _run(self, day: date, now: datetime) -> None:
        began, counts = time.perf_counter(), Counter[str]()
        with transaction(self._office.db):
            self._book.end(day, now)
            closing = Closing(self._office, self._terms, day, now)
            for step in self._steps:
                for work in step(closing):
                    counts[self._one(closing, work)] += work.item.count
        seconds = round(time.perf_counter() - began, 3)
        log.info("day_ended", day=day.isoformat(), seconds=seconds, **counts)

    def _one(self, closing: Closing, work: Work) -> str:
        """One piece of work in a savepoint, so that its failure is its own; gives what was done."""
        db, item = self._office.db, work.item
        db.execute("SAVEPOINT day_item")
        try:
            work.after(self._book.do(closing.day, closing.posts_on, item, closing.now))
        except (LedgerError, sqlite3.IntegrityError) as error:
            db.execute("ROLLBACK TO day_item")
            log.error("item_failed", what=item.what, subject=item.subject, why=str(error))
            item = _told(item)
            self._book.do(closing.day, closing.posts_on, item, closing.now)
        db.execute("RELEASE day_item")
        return item.what


def _told(item: Item) -> Item:
    """What could not be done, for people to see."""
    return replace(item, what=FAILED, subject=f"{item.what}:{item.subject}", legs=(), interest=0)
