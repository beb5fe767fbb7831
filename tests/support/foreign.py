"""One small bank with foreign exchange, and a customer who has a bit of everything.

NOON is a Saturday at the bank, MONDAY the next trading day's noon.
"""

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import count
from pathlib import Path

from core_adapters.corehost import ledger, tables
from core_adapters.corehost.bank import Balances
from core_adapters.corehost.ledger import findings, statements, transaction
from core_adapters.corehost.products.effects import EFFECTS
from core_adapters.corehost.products.exchange import product as fx
from core_adapters.corehost.products.exchange.accounts import FxDeposit
from core_adapters.corehost.products.exchange.deals import (
    FX_DEAL,
    DealQuote,
    FxDeals,
    open_accounts,
)
from core_adapters.corehost.products.exchange.execution import FxExecution
from core_adapters.corehost.products.exchange.market import YUAN, Market
from core_adapters.corehost.products.exchange.moves import FX_MERGE, FX_ROLL, FxMoves
from core_adapters.corehost.products.exchange.orders import (
    FX_CANCEL,
    FX_ORDER,
    Asked,
    FxOrder,
    FxOrders,
)
from core_adapters.corehost.products.orders import Agreed, Orders
from core_adapters.corehost.products.plantings.exchange import FULL, plant_foreign
from core_adapters.corehost.refusal import Refusal
from support.bank_services import ACCOUNT, CARD, NOON, SmallBank
from transactions.money import Money, currency

MONDAY = datetime(2026, 3, 2, 4, tzinfo=UTC)
TICK = timedelta(seconds=10)
KEYS = count(1)
Way = tuple[str, str]
"""What is sold, and what is bought."""

__all__ = ["ACCOUNT", "CARD", "MONDAY", "NOON", "TICK", "Balances", "Foreign", "money"]


def money(text: str) -> Money:
    """`12.34 usd`."""
    amount, word = text.split()
    return Money.parse(amount, word.upper())


class Foreign(SmallBank):
    """A card with 10,000.00 yuan and `FULL` foreign deposits."""

    def __init__(self, path: Path, at: datetime = NOON) -> None:
        super().__init__(path, at, subscribed=False)
        for statement in statements(fx.SCHEMA):
            self.db.execute(re.sub("CREATE (TABLE|INDEX)", r"CREATE \1 IF NOT EXISTS", statement))
        self.orders = Orders(self.office, {**EFFECTS, **fx.FX_EFFECTS})
        self.deals = FxDeals(self.office, self.orders)
        self.waiting = FxOrders(self.office, self.orders)
        self.moves = FxMoves(self.office, self.orders)
        self.execution = FxExecution(self.office)
        with transaction(self.db):
            open_accounts(self.office)
            plant_foreign(self.office, ACCOUNT, FULL, at)

    @property
    def market(self) -> Market:
        """The market."""
        return self.deals.market

    def pays(self, way: Way, now: datetime) -> Decimal:
        """What the bank pays for a hundred."""
        return self.market.rate(*way, self.market.last(now)).buy

    def held(self) -> dict[str, int]:
        """Minor units of every deposit by its number, and of the card's account."""
        there = {one.sub: one.held.minor for one in self.of_account()}
        return there | {YUAN: self.balance(ACCOUNT)}

    def of_account(self) -> list[FxDeposit]:
        """The customer's foreign deposits."""
        return self.moves.accounts.of_account(ACCOUNT)

    def order(self, number: int = 100_001) -> FxOrder:
        """A customer's order."""
        return next(one for one in self.waiting.book.of_account(ACCOUNT) if one.number == number)

    def position(self, word: str) -> int:
        """The bank's position in a currency."""
        return self.balance(f"position:{word.upper()}")

    def deal(self, way: Way, amount: str, now: datetime = MONDAY) -> str | Refusal:
        """Exchange at once; gives the business key."""
        quote = self.deals.quote(CARD, *way, money(amount), now)
        if isinstance(quote, Refusal):
            return quote
        return self.post_deal(way, quote, amount, now)

    def post_deal(self, way: Way, quote: DealQuote, amount: str, now: datetime) -> str | Refusal:
        """Post an exchange that was quoted."""
        unit = quote.gets.currency
        gets = f"{unit.number}C{quote.gets.minor:012d}"
        about = {"from": way[0], "to": way[1], "gets": gets}
        return self.post_order(FX_DEAL, quote.id, money(amount), about, now)

    def place(self, asked: Asked, now: datetime = MONDAY) -> str | Refusal:
        """Place an order."""
        quote = self.waiting.place(CARD, asked, now)
        if isinstance(quote, Refusal):
            return quote
        return self.post_order(FX_ORDER, quote.id, asked.amount, asked.about, now)

    def cancel(self, number: str, now: datetime = MONDAY) -> str | Refusal:
        """Cancel an order."""
        quote = self.waiting.cancel(CARD, number, now)
        if isinstance(quote, Refusal):
            return quote
        return self.post_order(FX_CANCEL, quote.id, quote.amount, {"order": number}, now)

    def merge(self, word: str, now: datetime = MONDAY) -> str | Refusal:
        """Merge the demand deposits of a currency."""
        quote = self.moves.merge(CARD, word, now)
        if isinstance(quote, Refusal):
            return quote
        return self.post_order(FX_MERGE, quote.id, quote.amount, {"unit": word}, now)

    def roll(self, sub: str, term: str, now: datetime = MONDAY) -> str | Refusal:
        """Roll a deposit over."""
        quote = self.moves.roll(CARD, sub, term, now)
        if isinstance(quote, Refusal):
            return quote
        about = {"sub": sub, "term": term}
        return self.post_order(FX_ROLL, quote.id, quote.amount, about, now)

    def post_order(
        self, kind: str, quote: str, amount: Money, about: Mapping[str, str], now: datetime
    ) -> str | Refusal:
        """Post a quote on its amount, free of charge; gives the business key."""
        key = f"2026-03-02/TB010001/{next(KEYS):06d}/0302040000"
        fee = Money(0, amount.currency)
        agreed = Agreed(key, CARD, kind, quote, amount, fee, about=about)
        with transaction(self.db):
            return self.orders.post(agreed, now) or key

    def undo(self, key: str | Refusal, now: datetime = MONDAY) -> bool:
        """Undo an order that was posted."""
        assert isinstance(key, str), key
        with transaction(self.db):
            return self.orders.undo(key, now)

    def near(self, way: Way, amount: str, now: datetime = MONDAY, **more: str) -> Asked:
        """An order a hair above the market; `limit` and `stop` are added to its rate."""
        pays, stop = self.pays(way, now), more.get("stop")
        limit = pays + Decimal(more.get("limit", "0.01"))
        below = None if stop is None else pays + Decimal(stop)
        return Asked(*way, money(amount), limit, below, int(more.get("days", "7")))

    def findings(self) -> list[str]:
        """What a check of everything finds."""
        return findings(self.db, (*ledger.CHECKS, *tables.CHECKS, *fx.CHECKS))


def units() -> list[str]:
    """Codes of the seeded currencies."""
    return sorted({currency(one.code).code for one in FULL})
