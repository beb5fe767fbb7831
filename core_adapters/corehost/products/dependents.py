"""What becomes of orders that stand on another one, when that one is undone out of turn.

A deposit was placed and drawn, then its placing is undone: the drawing took money that never was
there. It stands, as its own message was approved, and a posting of the bank's makes up for it. If
the drawing is undone as well, later, what made up for it goes first.
"""

import sqlite3
from collections.abc import Mapping, Sequence
from datetime import datetime
from types import MappingProxyType

from core_adapters.corehost.back_office import BackOffice

ORDER_VOID = "order_void"
"""The kind of a posting that makes up for an order that stands."""
WORDS: Mapping[str, tuple[str, str]] = MappingProxyType({ORDER_VOID: ("refund", "other")})
"""As `history.WORDS`."""
STANDS = "o.undone = 0 AND NOT EXISTS (SELECT 1 FROM posting v WHERE v.key = 'void:' || o.key)"
"""SQL: whether the posted order `o` is neither undone nor made up for."""


def orders_of(
    db: sqlite3.Connection, effects: Sequence[str], where: Mapping[str, str]
) -> list[str]:
    """Business keys of the orders that stand, of these effects, with this in their data."""
    named = ", ".join("?" * len(effects))
    equal = "".join(" AND q.effect ->> ? = ?" for _ in where)
    rows = db.execute(
        "SELECT o.key FROM posted_order o JOIN priced_order q ON q.used_by = o.key"  # noqa: S608
        f" WHERE {STANDS} AND q.effect ->> 'name' IN ({named}){equal} ORDER BY o.key",
        (*effects, *(text for pair in where.items() for text in pair)),
    )
    return [key for (key,) in rows]


def make_up(office: BackOffice, keys: Sequence[str], now: datetime) -> None:
    """Post the opposite of orders, which stand nevertheless."""
    for key in keys:
        office.ledger.undo(key, _void(key), office.today(now), now, kind=ORDER_VOID)


def unmake(office: BackOffice, key: str, now: datetime) -> None:
    """An order is undone itself: what made up for it, if anything did, is undone with it."""
    void = _void(key)
    office.ledger.undo(void, f"undo:{void}", office.today(now), now)


def _void(key: str) -> str:
    return f"void:{key}"
