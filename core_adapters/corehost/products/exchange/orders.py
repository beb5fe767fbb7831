"""Orders at a rate: exchanges that wait until the market has come to it.

An order's money is held in a ledger account of its own from the moment it is placed. `limit` is met
when the bank pays that or more, `stop` (of an order with two sides) when it pays that or less; the
side that is met first is executed, at the market's rate of that tick, and the other one is dead.
What is not met by the end of its last day goes back where it came from, as does what is cancelled.
`execution` looks at the market; here orders are placed, cancelled and undone.
"""

import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from core_adapters.corehost.back_office import BackOffice, Holder
from core_adapters.corehost.ledger import Leg
from core_adapters.corehost.products.exchange.accounts import new_id, sources
from core_adapters.corehost.products.exchange.deals import dealable, unwrite
from core_adapters.corehost.products.exchange.market import Market, Wanted, load_market, word_of
from core_adapters.corehost.products.orders import Agreed, Offer, Orders
from core_adapters.corehost.products.stated import stated
from core_adapters.corehost.refusal import Refusal
from core_adapters.corehost.rules import business_date
from transactions.money import Money, currency

FX_ORDER, FX_CANCEL = "fx_order", "fx_cancel"
"""Kinds of orders, which are the kinds of their postings."""
FX_VOID = "fx_void"
"""The posting that makes up for an order that was cancelled and whose placing is then undone."""
PLACE, CANCEL = "fx.order", "fx.cancel"
OPEN, DONE, CANCELLED, EXPIRED, VOID = "open", "done", "cancelled", "expired", "void"
"""States of an order (word set `order`); a void one was undone, and nobody hears of it."""
FIRST, LAST = 100_001, 999_999
"""Numbers of orders: six digits, never twice."""
MAX_OPEN = 20
"""Orders of one card's account that are open at once."""
MAX_LISTED = 50
"""Latest orders that are listed."""
FARTHEST = Decimal("0.1")
"""A rate further off than this part of the market's is refused: it never gets there."""
MAX_DECIMALS = 6

SCHEMA = """
CREATE TABLE fx_order (
    number INTEGER PRIMARY KEY CHECK (number BETWEEN 100001 AND 999999),
    card TEXT NOT NULL REFERENCES card (number),
    account TEXT NOT NULL REFERENCES account (id),
    hold TEXT NOT NULL UNIQUE REFERENCES ledger_account (id),
    sold TEXT NOT NULL,
    bought TEXT NOT NULL CHECK (bought <> sold),
    minor INTEGER NOT NULL CHECK (minor > 0),
    limit_rate TEXT NOT NULL,
    stop_rate TEXT NOT NULL,
    since INTEGER NOT NULL,
    until TEXT NOT NULL,
    placed_by TEXT NOT NULL UNIQUE,
    state TEXT NOT NULL DEFAULT 'open'
        CHECK (state IN ('open', 'done', 'cancelled', 'expired', 'void')),
    ended_by TEXT CHECK ((ended_by IS NULL) = (state IN ('open', 'void')))
) STRICT;
CREATE INDEX fx_order_open ON fx_order (number) WHERE state = 'open';
CREATE INDEX fx_order_account ON fx_order (account);
"""
CHECKS = (
    (
        "order {} of {} is {}, but {} is held for it",
        """SELECT number, minor, state, held FROM (
             SELECT o.number, o.minor, o.state,
               COALESCE((SELECT balance FROM leg WHERE account = o.hold
                         ORDER BY ordinal DESC LIMIT 1), 0) AS held FROM fx_order o)
           WHERE held <> CASE state WHEN 'open' THEN minor ELSE 0 END""",
    ),
    (
        "order {} is {}, but its placing was undone {} time(s)",
        """SELECT o.number, o.state, COUNT(u.id) FROM fx_order o
           LEFT JOIN posting u ON u.key = 'undo:' || o.placed_by
           GROUP BY o.number HAVING (o.state = 'void') <> COUNT(u.id)""",
    ),
    (
        "order {} is {} by {}, which was undone or never posted",
        """SELECT o.number, o.state, o.ended_by FROM fx_order o
           LEFT JOIN posting p ON p.key = o.ended_by
           LEFT JOIN posting u ON u.key = 'undo:' || o.ended_by
           WHERE o.ended_by IS NOT NULL AND (p.id IS NULL OR u.id IS NOT NULL)""",
    ),
    (
        "order {} is done, but {} of its {} were exchanged",
        """SELECT o.number, COALESCE(d.given, 0), o.minor FROM fx_order o
           LEFT JOIN fx_deal d ON d.key = o.ended_by AND d.sold = o.sold AND d.bought = o.bought
           WHERE o.state = 'done' AND COALESCE(d.given, 0) <> o.minor""",
    ),
)
"""As in the ledger: what must find nothing."""


@dataclass(frozen=True, slots=True)
class Asked:
    """An order as a caller asks for it: words of currencies, `limit` and `stop` for a hundred of
    what is sold, days that it stands."""

    sold: str
    bought: str
    amount: Money
    limit: Decimal
    stop: Decimal | None
    days: int

    @property
    def about(self) -> dict[str, str]:
        """What the order that comes must have the same."""
        return {
            "from": self.sold,
            "to": self.bought,
            "limit": _plain(self.limit),
            "other_limit": "" if self.stop is None else _plain(self.stop),
            "days": str(self.days),
        }


@dataclass(frozen=True, slots=True)
class FxOrder:
    """An order as it stands; `since` is the tick after which the market counts."""

    number: int
    account: str
    hold: str
    amount: Money
    wanted: Wanted
    since: int
    until: date
    placed_by: str
    state: str


@dataclass(frozen=True, slots=True)
class OrderQuote:
    """Terms of an order; `until` is its last day."""

    id: str
    fee: Money
    until: date
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class CancelQuote:
    """What comes back of an order that is cancelled."""

    id: str
    amount: Money
    fee: Money
    expires_at: datetime


_SELECT = (
    "SELECT number, account, hold, sold, bought, minor, limit_rate, stop_rate, since, until,"
    " placed_by, state FROM fx_order WHERE "
)


class FxBook:
    """The table `fx_order`; the caller brings the transaction."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db

    def open(self) -> list[FxOrder]:
        """All orders that wait, by their number."""
        rows = self._db.execute(_SELECT + "state = 'open' ORDER BY number")
        return [_order(row) for row in rows]

    def of_account(self, account: str) -> list[FxOrder]:
        """A customer's orders, the latest first, but for those undone."""
        rows = self._db.execute(
            _SELECT + "account = ? AND state <> 'void' ORDER BY number DESC LIMIT ?",
            (account, MAX_LISTED),
        )
        return [_order(row) for row in rows]

    def open_of(self, account: str) -> list[FxOrder]:
        """A customer's orders that wait."""
        rows = self._db.execute(_SELECT + "account = ? AND state = 'open'", (account,))
        return [_order(row) for row in rows]

    def find(self, account: str, number: str) -> FxOrder | None:
        """A customer's open order."""
        if not (number.isascii() and number.isdigit() and len(number) <= len(str(LAST))):
            return None
        row = self._db.execute(
            _SELECT + "account = ? AND number = ? AND state = 'open'", (account, int(number))
        ).fetchone()
        return _order(row) if row else None

    def placed_by(self, key: str) -> tuple[FxOrder, str | None]:
        """The order that a posting placed, and the posting that ended it."""
        row = self._db.execute(_SELECT + "placed_by = ?", (key,)).fetchone()
        order = _order(row)
        (ended_by,) = self._db.execute(
            "SELECT ended_by FROM fx_order WHERE number = ?", (order.number,)
        ).fetchone()
        return order, ended_by

    def full(self, account: str) -> bool:
        """Whether a customer has as many open orders as he may."""
        return len(self.open_of(account)) >= MAX_OPEN

    def next_number(self) -> int | None:
        """A number that no order ever had; None where all are used up."""
        (highest,) = self._db.execute("SELECT MAX(number) FROM fx_order").fetchone()
        number = FIRST if highest is None else int(highest) + 1
        return number if number <= LAST else None

    def add(self, order: FxOrder, card: str) -> None:
        """Write a new one; its ledger account is open and holds nothing yet."""
        wanted = order.wanted
        self._db.execute(
            "INSERT INTO fx_order VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 'open', NULL)",
            (
                order.number,
                card,
                order.account,
                order.hold,
                wanted.sold.upper(),
                wanted.bought.upper(),
                order.amount.minor,
                str(wanted.limit),
                "" if wanted.stop is None else str(wanted.stop),
                order.since,
                order.until.isoformat(),
                order.placed_by,
            ),
        )

    def to(self, number: int, state: str, ended_by: str | None) -> None:
        """An order ended by a posting, or open or void by none."""
        self._db.execute(
            "UPDATE fx_order SET state = ?, ended_by = ? WHERE number = ?",
            (state, ended_by, number),
        )


def _order(row: tuple[Any, ...]) -> FxOrder:
    number, account, hold, sold, bought, minor, limit, stop, since, until, placed_by, state = row
    given, got = currency(sold), currency(bought)
    stops = Decimal(stop) if stop else None
    wanted = Wanted(word_of(given), word_of(got), Decimal(limit), stops)
    day = date.fromisoformat(until)
    return FxOrder(number, account, hold, Money(minor, given), wanted, since, day, placed_by, state)


def back(office: BackOffice, order: FxOrder) -> list[Leg]:
    """The legs that give an order's money back where it came from."""
    return [Leg(leg.account, -leg.minor) for leg in office.ledger.legs(order.placed_by)]


class FxOrders:
    """Orders quoted, and their cancelling; posting is `Orders.post`."""

    def __init__(self, office: BackOffice, orders: Orders) -> None:
        self._office = office
        self._orders = orders
        self.book = FxBook(office.db)
        self.market: Market = load_market(office.rules)

    def place(self, card: str, asked: Asked, now: datetime) -> OrderQuote | Refusal:
        """Quote an order out of what may be exchanged; the market may be closed."""
        holder = self._office.holder(card)
        if isinstance(holder, Refusal):
            return holder
        refusal = self._placeable(asked, now)
        if refusal:
            return refusal
        out_of = sources(self._office, holder.account, asked.amount)
        if isinstance(out_of, Refusal):
            return out_of
        if self.book.full(holder.account):
            return Refusal.OVER_LIMIT
        return self._placed(holder, asked, out_of, now)

    def _placeable(self, asked: Asked, now: datetime) -> Refusal | None:
        if not self.market.is_pair(asked.sold, asked.bought):
            return Refusal.NO_PAIR
        refusal = dealable(self.market, asked.sold, asked.amount)
        if refusal:
            return refusal
        if not 1 <= asked.days <= stated("fx.yaml")["order_days"]:
            return Refusal.BAD_TERM
        pays = self.market.rate(asked.sold, asked.bought, self.market.last(now)).buy
        good = pays < asked.limit <= pays * (1 + FARTHEST) and _writable(asked.limit)
        if good and asked.stop is not None:
            good = pays * (1 - FARTHEST) <= asked.stop < pays and _writable(asked.stop)
        return None if good else Refusal.BAD_RATE

    def _placed(
        self, holder: Holder, asked: Asked, out_of: Sequence[Leg], now: datetime
    ) -> OrderQuote:
        until, hold = business_date(now) + timedelta(days=asked.days), new_id()
        effect = {
            "name": PLACE,
            "account": holder.account,
            "hold": hold,
            "until": until.isoformat(),
            **asked.about,
        }
        fee = Money(0, asked.amount.currency)
        legs = [*out_of, Leg(hold, asked.amount.minor)]
        offer = Offer(holder.card, FX_ORDER, asked.amount, fee, legs, asked.about, effect)
        priced = self._orders.quote(offer, now)
        return OrderQuote(priced.id, fee, until, priced.expires_at)

    def cancel(self, card: str, number: str, now: datetime) -> CancelQuote | Refusal:
        """Quote the cancelling of an open order."""
        holder = self._office.holder(card)
        if isinstance(holder, Refusal):
            return holder
        order = self.book.find(holder.account, number)
        if order is None:
            return Refusal.NO_ORDER
        text = f"{order.number:06d}"
        effect = {"name": CANCEL, "account": order.account, "order": text}
        fee = Money(0, order.amount.currency)
        legs = back(self._office, order)
        offer = Offer(card, FX_CANCEL, order.amount, fee, legs, {"order": text}, effect)
        priced = self._orders.quote(offer, now)
        return CancelQuote(priced.id, order.amount, fee, priced.expires_at)


def _writable(rate: Decimal) -> bool:
    return rate == round(rate, MAX_DECIMALS)


def _plain(rate: Decimal) -> str:
    """A rate without zeros behind, however it was written."""
    return f"{rate.normalize():f}"


class PlaceEffect:
    """An order placed; undone, it never was, whatever has become of it."""

    def do(
        self, office: BackOffice, data: Mapping[str, Any], order: Agreed, now: datetime
    ) -> Refusal | None:
        """See `Effect.do`."""
        book = FxBook(office.db)
        number = book.next_number()
        if number is None or book.full(data["account"]):
            return Refusal.OVER_LIMIT
        office.ledger.open_account(data["hold"], order.amount.currency)
        stop = Decimal(data["other_limit"]) if data["other_limit"] else None
        wanted = Wanted(data["from"], data["to"], Decimal(data["limit"]), stop)
        placed = FxOrder(
            number,
            data["account"],
            data["hold"],
            order.amount,
            wanted,
            load_market(office.rules).tick(now) - 1,  # the tick it is placed in counts
            date.fromisoformat(data["until"]),
            order.key,
            OPEN,
        )
        book.add(placed, order.card)
        return None

    def undo(self, office: BackOffice, data: Mapping[str, Any], key: str, now: datetime) -> None:
        """See `Effect.undo`. The money is back by now; so what ended the order is undone as well,
        and a customer's own cancelling, which stands, is made up for."""
        del data
        book, today = FxBook(office.db), office.today(now)
        order, ended_by = book.placed_by(key)
        if order.state in (DONE, EXPIRED) and ended_by is not None:
            office.ledger.undo(ended_by, f"undo:{ended_by}", today, now)
            unwrite(office, ended_by)
        elif order.state == CANCELLED:
            legs = office.ledger.legs(key)
            office.ledger.post(void_key(order), FX_VOID, legs, today, now)
        book.to(order.number, VOID, None)


class CancelEffect:
    """An order cancelled; undone, it waits again, and all that the market did meanwhile counts."""

    def do(
        self, office: BackOffice, data: Mapping[str, Any], order: Agreed, now: datetime
    ) -> Refusal | None:
        """See `Effect.do`."""
        del now
        book = FxBook(office.db)
        there = book.find(data["account"], data["order"])
        if there is None:
            return Refusal.BAD_QUOTE
        book.to(there.number, CANCELLED, order.key)
        return None

    def undo(self, office: BackOffice, data: Mapping[str, Any], key: str, now: datetime) -> None:
        """See `Effect.undo`."""
        book, number = FxBook(office.db), int(data["order"])
        ended = office.db.execute(
            "SELECT 1 FROM fx_order WHERE number = ? AND ended_by = ?", (number, key)
        ).fetchone()
        if ended is not None:
            book.to(number, OPEN, None)
            return
        void = void_key_of(number)
        office.ledger.undo(void, f"undo:{void}", office.today(now), now)


def void_key(order: FxOrder) -> str:
    """The business key of the posting of an order made void."""
    return void_key_of(order.number)


def void_key_of(number: int) -> str:
    """As `void_key`, by the order's number."""
    return f"fx:{number:06d}:void"
