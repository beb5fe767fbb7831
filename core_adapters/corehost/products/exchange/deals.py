"""Exchanges: one currency for another at the market's rate, by priced orders or as orders are met.

Double entry: what a customer gives goes to the bank's position in that currency, what he gets comes
out of its position in the other one. So `position:USD` is what the bank bought of dollars less what
it sold, and every exchange that stands is a row of `fx_deal`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from core_adapters.corehost.back_office import HOUSE_ACCOUNTS, BackOffice, Holder
from core_adapters.corehost.ledger import Leg
from core_adapters.corehost.listing import money_column
from core_adapters.corehost.products.exchange.accounts import (
    FxAccounts,
    Target,
    is_open,
    open_demand,
    sources,
    target,
)
from core_adapters.corehost.products.exchange.market import Market, Rate, converted, load_market
from core_adapters.corehost.products.orders import Agreed, Offer, Orders
from core_adapters.corehost.products.stated import stated
from core_adapters.corehost.refusal import Refusal
from transactions.money import Money, currency

POSITION = "position:{}"
"""The bank's position in a currency, by its code."""
FX_DEAL = "fx_deal"
"""The kind of the order, which is the kind of its posting."""
DEAL = "fx.deal"

SCHEMA = """
CREATE TABLE fx_deal (
    key TEXT PRIMARY KEY REFERENCES posting (key) DEFERRABLE INITIALLY DEFERRED,
    account TEXT NOT NULL REFERENCES account (id),
    sold TEXT NOT NULL,
    bought TEXT NOT NULL CHECK (bought <> sold),
    given INTEGER NOT NULL CHECK (given > 0),
    got INTEGER NOT NULL CHECK (got > 0),
    rate TEXT NOT NULL,
    rate_at TEXT NOT NULL,
    undone INTEGER NOT NULL DEFAULT 0 CHECK (undone IN (0, 1))
) STRICT, WITHOUT ROWID;
"""
CHECKS = (
    (
        "position of the bank in {}: {}, but its exchanges come to {}",
        """SELECT * FROM (
             SELECT a.currency,
               COALESCE((SELECT balance FROM leg WHERE account = a.id
                         ORDER BY ordinal DESC LIMIT 1), 0) AS held,
               COALESCE((SELECT SUM(given) FROM fx_deal
                         WHERE sold = a.currency AND undone = 0), 0)
               - COALESCE((SELECT SUM(got) FROM fx_deal
                           WHERE bought = a.currency AND undone = 0), 0) AS dealt
             FROM ledger_account a WHERE a.id LIKE 'position:%')
           WHERE held <> dealt""",
    ),
    (
        "exchange {}: undone is {}, but its reversal was posted {} time(s)",
        """SELECT d.key, d.undone, COUNT(p.id) FROM fx_deal d
           LEFT JOIN posting p ON p.key = 'undo:' || d.key
           GROUP BY d.key HAVING d.undone <> COUNT(p.id)""",
    ),
    (
        "posting {} is no exchange that is known",
        """SELECT p.key FROM posting p LEFT JOIN fx_deal d ON d.key = p.key
           WHERE p.kind IN ('fx_deal', 'fx_filled') AND d.key IS NULL""",
    ),
    (
        "posting {} has no order",
        """SELECT p.key FROM posting p LEFT JOIN posted_order o ON o.key = p.key
           WHERE p.kind IN ('fx_deal', 'fx_order', 'fx_cancel', 'fx_merge', 'fx_roll')
             AND o.key IS NULL""",
    ),
)
"""As in the ledger: what must find nothing."""


@dataclass(frozen=True, slots=True)
class Exchange:
    """What is given and got, at `rate` (for a hundred of what is given) of a tick."""

    account: str
    given: Money
    got: Money
    rate: Decimal
    rate_at: datetime
    into: Target

    def legs(self, out_of: Sequence[Leg]) -> list[Leg]:
        """The posting, after the legs that give the money."""
        sold, bought = self.given.currency.code, self.got.currency.code
        return [
            *out_of,
            Leg(POSITION.format(sold), self.given.minor),
            Leg(POSITION.format(bought), -self.got.minor),
            Leg(self.into.id, self.got.minor),
        ]

    def written(self, office: BackOffice, key: str, today: date) -> Refusal | None:
        """Open what it goes into, if need be, and write its row; before the posting `key`."""
        if self.into.opens:
            refusal = open_demand(office, self.account, self.into, key, today)
            if refusal:
                return refusal
        office.db.execute(
            "INSERT INTO fx_deal VALUES (?, ?, ?, ?, ?, ?, ?, ?, 0)",
            (
                key,
                self.account,
                self.given.currency.code,
                self.got.currency.code,
                self.given.minor,
                self.got.minor,
                str(self.rate),
                self.rate_at.isoformat(),
            ),
        )
        return None


def unwrite(office: BackOffice, key: str) -> None:
    """An exchange is undone: its posting's opposite is there."""
    office.db.execute("UPDATE fx_deal SET undone = 1 WHERE key = ?", (key,))
    FxAccounts(office.db).cancel(key)


@dataclass(frozen=True, slots=True)
class DealQuote:
    """Terms of an exchange; `rate` is for a hundred of what is given."""

    id: str
    gets: Money
    rate: Decimal
    fee: Money
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Live:
    """A rate, and since when (UTC) it stands."""

    rate: Rate
    at: datetime


class FxDeals:
    """The market's rates, and exchanges quoted; posting is `Orders.post`."""

    def __init__(self, office: BackOffice, orders: Orders) -> None:
        self._office = office
        self._orders = orders
        self.market: Market = load_market(office.rules)

    def live(self, sold: str, bought: str, now: datetime) -> Live | Refusal:
        """The rate of one pair, by the words of its currencies."""
        if not self.market.is_pair(sold, bought):
            return Refusal.NO_PAIR
        tick = self.market.last(now)
        return Live(self.market.rate(sold, bought, tick), self.market.began(tick))

    def quote(
        self, card: str, sold: str, bought: str, amount: Money, now: datetime
    ) -> DealQuote | Refusal:
        """Quote an exchange of an amount, in the currency sold, out of what may be exchanged."""
        holder = self._office.holder(card)
        if isinstance(holder, Refusal):
            return holder
        live = self.live(sold, bought, now)
        if isinstance(live, Refusal):
            return live
        if not self.market.is_open(now):
            return Refusal.MARKET_CLOSED
        refusal = dealable(self.market, sold, amount)
        if refusal:
            return refusal
        out_of = sources(self._office, holder.account, amount)
        if isinstance(out_of, Refusal):
            return out_of
        exchange = self._exchange(holder, bought, amount, live)
        return self._quoted(holder, exchange, out_of, (sold, bought), now)

    def _exchange(self, holder: Holder, bought: str, amount: Money, live: Live) -> Exchange:
        unit = self.market.traded[bought].unit
        into = target(self._office.db, holder.account, unit)
        gets = converted(amount, live.rate.buy, unit)
        return Exchange(holder.account, amount, gets, live.rate.buy, live.at, into)

    def _quoted(
        self,
        holder: Holder,
        exchange: Exchange,
        out_of: Sequence[Leg],
        pair: tuple[str, str],
        now: datetime,
    ) -> DealQuote:
        fee = Money(0, exchange.given.currency)  # the spread is what the bank earns
        effect = {
            "name": DEAL,
            "account": exchange.account,
            "got": [exchange.got.minor, exchange.got.currency.code],
            "rate": str(exchange.rate),
            "rate_at": exchange.rate_at.isoformat(),
            "into": exchange.into.id,
            "opens": exchange.into.opens,
        }
        gets = money_column(exchange.got.minor, exchange.got.currency)
        about = {"from": pair[0], "to": pair[1], "gets": gets}
        legs = exchange.legs(out_of)
        offer = Offer(holder.card, FX_DEAL, exchange.given, fee, legs, about, effect)
        life = timedelta(seconds=stated("fx.yaml")["deal_life_s"])
        priced = self._orders.quote(offer, now, life)
        return DealQuote(priced.id, exchange.got, exchange.rate, fee, priced.expires_at)


def dealable(market: Market, sold: str, amount: Money) -> Refusal | None:
    """Whether an amount is of the currency sold, and neither too little nor too much of it."""
    traded = market.traded[sold]
    if amount.currency != traded.unit:
        return Refusal.WRONG_CURRENCY
    return None if traded.least <= amount.minor <= traded.most else Refusal.BAD_AMOUNT


class DealEffect:
    """An exchange written down; undone, it is undone at its own rate."""

    def do(
        self, office: BackOffice, data: Mapping[str, Any], order: Agreed, now: datetime
    ) -> Refusal | None:
        """See `Effect.do`."""
        minor, code = data["got"]
        into = Target(data["into"], currency(code), data["opens"])
        if not into.opens and not is_open(office.db, data["account"], into.id):
            return Refusal.BAD_QUOTE
        got, rate_at = Money(minor, into.unit), datetime.fromisoformat(data["rate_at"])
        rate = Decimal(data["rate"])
        exchange = Exchange(data["account"], order.amount, got, rate, rate_at, into)
        return exchange.written(office, order.key, office.today(now))

    def undo(self, office: BackOffice, data: Mapping[str, Any], key: str, now: datetime) -> None:
        """See `Effect.undo`."""
        del data, now
        unwrite(office, key)


def open_accounts(office: BackOffice) -> None:
    """Open the bank's own accounts in every currency of the market that are not open yet."""
    for traded in load_market(office.rules).traded.values():
        for name in (*HOUSE_ACCOUNTS, POSITION):
            ident = name.format(traded.unit.code)
            asked = "SELECT 1 FROM ledger_account WHERE id = ?"
            if office.db.execute(asked, (ident,)).fetchone() is None:
                office.ledger.open_account(ident, traded.unit)
