"""Orders executed as the market comes to their rate, and given back when their time is over.

The host calls `execute_due` before each batch of messages and once a second, and `end_date` for
each business date before it ends: so what the market met on a date is posted on that date, also
where the host was away, and the end of the date finds it in the books. What is due depends on the
market and the orders alone, not on when it is asked for: an order is executed at the rate of the
first tick at which it was met. So nothing need be remembered but the orders themselves; ticks
looked at without finding anything are kept in memory to save time.
"""

import sqlite3
from dataclasses import dataclass
from datetime import date, datetime

import structlog

from core_adapters.corehost.back_office import BackOffice
from core_adapters.corehost.ledger import LedgerError, Leg, transaction
from core_adapters.corehost.products.exchange.accounts import target
from core_adapters.corehost.products.exchange.deals import Exchange
from core_adapters.corehost.products.exchange.market import Market, converted, load_market
from core_adapters.corehost.products.exchange.orders import DONE, EXPIRED, FxBook, FxOrder, back
from core_adapters.corehost.refusal import Refusal
from core_adapters.corehost.rules import date_ends

FX_FILLED, FX_EXPIRED = "fx_filled", "fx_expired"
"""Kinds of the postings that end orders."""

LONGEST_WAIT = 360
"""Most ticks between two tries to end an order that cannot be ended: an hour."""

log = structlog.get_logger("corehost.fx")


@dataclass(frozen=True, slots=True)
class Due:
    """An order to be ended: met at a tick, or its time over at it."""

    tick: int
    order: FxOrder
    met: bool


@dataclass(frozen=True, slots=True)
class Failed:
    """An order that could not be ended: not tried again before tick `again`, `wait` ticks on."""

    again: int
    wait: int


class FxExecution:
    """One for the bank's only writer."""

    def __init__(self, office: BackOffice) -> None:
        self._office = office
        self._market: Market = load_market(office.rules)
        self._book = FxBook(office.db)
        self._looked: dict[str, int] = {}
        self._failed: dict[str, Failed] = {}
        self._tick: int | None = None

    def execute_due(self, now: datetime) -> int:
        """End all orders that are due at `now`, in one commit of its own; gives how many.

        One that cannot be ended is tried again after twice as long each time; its money stays held.
        Must not be called inside a transaction. Raises `sqlite3.Error` where the commit fails; then
        nothing happened, and the next call does it."""
        return self._until(self._market.tick(now), None, now)

    def end_date(self, day: date, now: datetime) -> int:
        """End all orders that the market came to by the last tick of a business date, posted on
        that date; else as `execute_due`. It is ended by the clock, or by hand before: then what
        was due by now is its own."""
        last = self._market.tick(date_ends(day, self._office.rules.cut_over)) - 1
        return self._until(min(last, self._market.tick(now)), day, now)

    def _until(self, tick: int, day: date | None, now: datetime) -> int:
        if tick == self._tick:
            return 0
        due, looked = self._due(tick)
        ended = self._execute(due, tick, day, now) if due else 0
        self._tick, self._looked = tick, looked
        return ended

    def _due(self, tick: int) -> tuple[list[Due], dict[str, int]]:
        """What is due, in the market's order; and for the others, up to where nothing met them.

        They are known by their ledger accounts: a number may come again that was rolled back."""
        due, looked = [], {}
        for order in self._book.open():
            failed = self._failed.get(order.hold)
            if failed is not None and tick < failed.again:
                continue
            end = self._market.day_ends(order.until)
            after, until = self._looked.get(order.hold, order.since), min(tick, end - 1)
            met = self._market.reached(order.wanted, after, until)
            if met is not None:
                due.append(Due(met, order, met=True))
            elif tick >= end:
                due.append(Due(end, order, met=False))
            else:
                looked[order.hold] = max(after, until)
        return sorted(due, key=lambda one: (one.tick, one.order.number)), looked

    def _execute(self, due: list[Due], tick: int, day: date | None, now: datetime) -> int:
        ended, failed = 0, list[FxOrder]()
        with transaction(self._office.db):
            posts_on = day or self._office.today(now)
            for one in due:
                done = self._one(one, posts_on, now)
                ended += done
                if not done:
                    failed.append(one.order)
        self._put_off(due, failed, tick)
        return ended

    def _put_off(self, tried: list[Due], failed: list[FxOrder], tick: int) -> None:
        """Try what failed again later; what is ended is forgotten."""
        tries = {one.order.hold for one in tried}
        later = {hold: one for hold, one in self._failed.items() if hold not in tries}
        for order in failed:
            last = self._failed.get(order.hold)
            wait = 1 if last is None else min(2 * last.wait, LONGEST_WAIT)
            later[order.hold] = Failed(tick + wait, wait)
        waiting = {order.hold for order in self._book.open()} if later else set()
        self._failed = {hold: one for hold, one in later.items() if hold in waiting}

    def _one(self, due: Due, day: date, now: datetime) -> int:
        """One order in a savepoint, so that its failure is its own."""
        db, number = self._office.db, due.order.number
        db.execute("SAVEPOINT fx_order")
        try:
            refusal = self._fill(due, day, now) if due.met else self._expire(due.order, day, now)
        except (LedgerError, sqlite3.IntegrityError) as error:
            refusal, why = Refusal.BAD_QUOTE, str(error)
        else:
            why = refusal.value if refusal else ""
        if refusal:
            db.execute("ROLLBACK TO fx_order")
            log.error("order_not_ended", order=number, why=why)
        db.execute("RELEASE fx_order")
        return 0 if refusal else 1

    def _fill(self, due: Due, day: date, now: datetime) -> Refusal | None:
        order, market, office = due.order, self._market, self._office
        unit = market.traded[order.wanted.bought].unit
        rate = market.rate(order.wanted.sold, order.wanted.bought, due.tick).buy
        into = target(office.db, order.account, unit)
        got = converted(order.amount, rate, unit)
        at = market.began(due.tick)
        exchange = Exchange(order.account, order.amount, got, rate, at, into)
        key = f"fx:{order.number:06d}:done"
        refusal = exchange.written(office, key, day)
        if refusal:
            return refusal
        legs = exchange.legs([Leg(order.hold, -order.amount.minor)])
        office.ledger.post(key, FX_FILLED, legs, day, now)
        self._book.to(order.number, DONE, key)
        log.info("order_executed", order=order.number, rate=str(rate))
        return None

    def _expire(self, order: FxOrder, day: date, now: datetime) -> Refusal | None:
        key, office = f"fx:{order.number:06d}:expired", self._office
        office.ledger.post(key, FX_EXPIRED, back(office, order), day, now)
        self._book.to(order.number, EXPIRED, key)
        log.info("order_expired", order=order.number)
        return None
