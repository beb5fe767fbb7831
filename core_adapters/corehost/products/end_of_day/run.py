"""The end of a business date, done once for each date in its turn, whole or not at all.

The host calls `run_due` before each batch of messages and once a second: so every date is over
before anything of the next one is posted. After a time away each date that passed is ended in turn,
as if the bank had been there: what comes of it does not depend on when it is done.
"""

import sqlite3
import time
from collections import Counter
from collections.abc import Callable, Sequence
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
from core_adapters.corehost.products.end_of_day.work import Closing, Step, Subject
from core_adapters.corehost.rules import business_date
from transactions.money import Money, currency

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

NOTHING = Money(0, currency("CNY"))

log = structlog.get_logger("corehost.end_of_day")


def _nothing(_day: date, _now: datetime) -> None:
    return None


class EndOfDay:
    """One for the bank's only writer."""

    def __init__(
        self,
        office: BackOffice,
        steps: Sequence[Step] = STEPS,
        before: Callable[[date, datetime], object] = _nothing,
    ) -> None:
        """`before` is told each date, and the time, before it ends; with no transaction open."""
        self._office = office
        self._steps = steps
        self._before = before
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
            self._before(last, now)
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
                for subject in self._subjects(closing, step, counts):
                    counts.update(self._one(closing, step, subject))
        seconds = round(time.perf_counter() - began, 3)
        log.info("day_ended", day=day.isoformat(), seconds=seconds, **counts)

    def _subjects(self, closing: Closing, step: Step, counts: Counter[str]) -> Sequence[Subject]:
        """All of a step's, before anything is done for the first of them."""
        try:
            return list(step(closing))
        except Exception as error:  # whatever it is, the other steps go on
            if _stops(error):
                raise
            counts[self._failed(closing, Item(step.__name__, "all", NOTHING), error)] += 1
            return ()

    def _one(self, closing: Closing, step: Step, subject: Subject) -> Counter[str]:
        """The work of one subject in a savepoint, so that its failure is its own; gives what was
        done, how often."""
        db, done = self._office.db, Counter[str]()
        item = Item(step.__name__, subject.name, NOTHING)
        db.execute("SAVEPOINT day_item")
        try:
            for work in subject.work():
                item = work.item
                work.after(self._book.do(closing.day, closing.posts_on, item, closing.now))
                done[item.what] += item.count
        except Exception as error:  # whatever it is: one subject's failure, told for people
            if _stops(error):
                raise
            db.execute("ROLLBACK TO day_item")
            done = Counter({self._failed(closing, item, error): item.count})
        db.execute("RELEASE day_item")
        return done

    def _failed(self, closing: Closing, item: Item, error: Exception) -> str:
        """Tell what could not be done, for people to see."""
        # The words of an error that nobody thought of may tell of a customer.
        words = str(error) if isinstance(error, LedgerError | sqlite3.Error) else ""
        kind = type(error).__name__
        log.error("item_failed", what=item.what, subject=item.subject, error=kind, why=words)
        subject = f"{item.what}:{item.subject}"
        told = replace(item, what=FAILED, subject=subject, legs=(), interest=0)
        self._book.do(closing.day, closing.posts_on, told, closing.now)
        return FAILED


def _stops(error: Exception) -> bool:
    """Whether it is the database that fails, and not what is written to it: then nothing of the
    date happened."""
    return isinstance(error, sqlite3.Error) and not isinstance(error, sqlite3.IntegrityError)
