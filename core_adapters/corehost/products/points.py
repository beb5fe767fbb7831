"""Reward points of a card: one for every whole yuan spent with it, out of the ledger itself.

Points are no money and have no postings of their own; what was undone or refunded gives none.
"""

import sqlite3
from dataclasses import dataclass
from datetime import date, datetime

from core_adapters.corehost.counter import OK, Counter, refused
from core_adapters.corehost.orders import Answer, Order
from core_adapters.corehost.refusal import Refusal
from transactions.money import Money, currency

FEN_A_POINT = 100
_SPENT = """
    SELECT COALESCE(-SUM(l.minor), 0) FROM leg l JOIN posting p ON p.id = l.posting
    WHERE l.account = ? AND p.kind IN ('purchase', 'refund') AND p.business_date >= ?
      AND NOT EXISTS (SELECT 1 FROM posting u WHERE u.key = 'undo:' || p.key)
"""
"""What purchases took of an account since a day, less refunds and what was undone."""


@dataclass(frozen=True, slots=True)
class Points:
    """`points` in all, and what was `spent` since the year began."""

    points: int
    spent: Money


def points_of(db: sqlite3.Connection, account: str, today: date) -> Points:
    """An account's points on a business date; never below nothing."""
    in_all, this_year = (
        max(0, int(db.execute(_SPENT, (account, since)).fetchone()[0]))
        for since in ("", f"{today.year:04d}-01-01")
    )
    return Points(in_all // FEN_A_POINT, Money(this_year, currency("CNY")))


def points(counter: Counter, order: Order, now: datetime) -> Answer:
    """0200/37: points and the value spent this year."""
    office = counter.bank.office
    holder = office.holder(order.need(2))
    if isinstance(holder, Refusal):
        return refused(holder)
    held = points_of(office.db, holder.account, office.today(now))
    told = {"points": str(held.points), "spent": str(held.spent.minor)}
    return Answer(OK, subs={48: told})
