"""Foreign deposits merged and rolled over, quoted; no currency is changed for another one."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from core_adapters.corehost.back_office import INTEREST, BackOffice, Holder
from core_adapters.corehost.ledger import Leg
from core_adapters.corehost.products.deposits.terms import (
    by_days,
    by_months,
    matures,
    months_of,
    rounded,
)
from core_adapters.corehost.products.exchange.accounts import (
    DEMAND,
    MERGE,
    ROLL,
    FxAccounts,
    FxDeposit,
    FxHolding,
    deposit_rate,
    new_id,
)
from core_adapters.corehost.products.exchange.market import YUAN, Market, load_market, word_of
from core_adapters.corehost.products.exchange.orders import FxBook
from core_adapters.corehost.products.orders import Offer, Orders, free
from core_adapters.corehost.refusal import Refusal
from transactions.money import Money

FX_MERGE, FX_ROLL = "fx_merge", "fx_roll"
"""Kinds of orders, which are the kinds of their postings."""
MAX_MERGED = 15
"""Most demand deposits merged at once."""


@dataclass(frozen=True, slots=True)
class MergeQuote:
    """What comes together out of `count` deposits."""

    id: str
    amount: Money
    count: int
    fee: Money
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class RollQuote:
    """A term deposit to be: `amount` with what the old one earned, `rate` in per cent a year."""

    id: str
    amount: Money
    rate: Decimal
    matures: date
    fee: Money
    expires_at: datetime


class FxMoves:
    """What a customer has in foreign currency, and its merging and rolling over; posting is
    `Orders.post`."""

    def __init__(self, office: BackOffice, orders: Orders) -> None:
        self._office = office
        self._orders = orders
        self.accounts = FxAccounts(office.db)
        self.market: Market = load_market(office.rules)

    def holdings(self, account: str) -> list[FxHolding]:
        """Every foreign currency a customer has, in the market's order."""
        deposits = self.accounts.of_account(account)
        all_of = {one.unit: 0 for one in self.market.traded.values()}
        free = dict(all_of)
        for one in deposits:
            all_of[one.held.currency] += one.held.minor
            free[one.held.currency] += 0 if one.term else one.held.minor
        there = {one.held.currency for one in deposits}
        for order in FxBook(self._office.db).open_of(account):
            there.add(order.amount.currency)
            all_of[order.amount.currency] += order.amount.minor
        return [
            FxHolding(word_of(unit), Money(minor, unit), Money(free[unit], unit))
            for unit, minor in all_of.items()
            if unit in there and word_of(unit) != YUAN
        ]

    def merge(self, card: str, word: str, now: datetime) -> MergeQuote | Refusal:
        """Quote the merging of all demand deposits of a currency that hold something into the one
        with the lowest number."""
        holder = self._office.holder(card)
        if isinstance(holder, Refusal):
            return holder
        unit = self.market.unit(word)
        there = self.accounts.demand(holder.account, unit) if unit else []
        if not there:
            return Refusal.NO_ACCOUNT
        several = [one for one in there if one.held.minor][:MAX_MERGED]
        amount = sum(one.held.minor for one in several)
        if len(several) < 2 or amount <= 0:  # noqa: PLR2004 - two are merged
            return Refusal.NOTHING_TO_MERGE
        return self._merged(holder, several, Money(amount, there[0].held.currency), now)

    def _merged(
        self, holder: Holder, several: list[FxDeposit], amount: Money, now: datetime
    ) -> MergeQuote:
        held = {one.id: one.held.minor for one in several}
        effect = {"name": MERGE, "account": holder.account, "held": held}
        kept = several[0]
        legs = [Leg(kept.id, amount.minor - kept.held.minor)]
        legs += [Leg(one.id, -one.held.minor) for one in several[1:]]
        fee, about = free(amount.currency), {"unit": word_of(amount.currency)}
        offer = Offer(holder.card, FX_MERGE, amount, fee, legs, about, effect)
        priced = self._orders.quote(offer, now)
        return MergeQuote(priced.id, amount, len(several), fee, priced.expires_at)

    def roll(self, card: str, sub: str, term: str, now: datetime) -> RollQuote | Refusal:
        """Quote a term deposit out of a demand deposit, or out of a term deposit that has matured
        and its interest."""
        holder = self._office.holder(card)
        if isinstance(holder, Refusal):
            return holder
        old, today = self.accounts.find(holder.account, sub), self._office.today(now)
        if old is None or old.held.minor <= 0:
            return Refusal.NO_ACCOUNT
        rate = deposit_rate(old.held.currency, term) if term != DEMAND else None
        if rate is None:
            return Refusal.BAD_TERM
        if old.matures is not None and today < old.matures:
            return Refusal.NOT_DUE
        return self._rolled(holder, old, (term, rate), now)

    def _rolled(
        self, holder: Holder, old: FxDeposit, new: tuple[str, Decimal], now: datetime
    ) -> RollQuote:
        (term, rate), today, unit = new, self._office.today(now), old.held.currency
        earned, ident = interest(old, today), new_id()
        amount = Money(old.held.minor + earned, unit)
        effect = {
            "name": ROLL,
            "account": holder.account,
            "sub": old.sub,
            "held": old.held.minor,
            "deposit": ident,
            "term": term,
            "rate": str(rate),
        }
        legs = [Leg(old.id, -old.held.minor), Leg(ident, amount.minor)]
        if earned:
            legs.append(Leg(INTEREST.format(unit.code), -earned))
        about: Mapping[str, str] = {"sub": old.sub, "term": term}
        offer = Offer(holder.card, FX_ROLL, amount, free(unit), legs, about, effect)
        priced = self._orders.quote(offer, now)
        until = matures(today, term)
        return RollQuote(priced.id, amount, rate, until, offer.fee, priced.expires_at)


def interest(old: FxDeposit, today: date) -> int:
    """What a term deposit has earned that has matured, in minor units: its own rate by months of
    its term, then demand rate, act/360, rounded half up once. A demand deposit's interest comes
    with the interest run."""
    if old.matures is None:
        return 0
    own = by_months(old.held.minor, months_of(old.term), old.rate)
    demand = deposit_rate(old.held.currency, DEMAND) or Decimal(0)
    days = (today - old.matures).days
    return rounded(own + by_days(old.held.minor * days, demand))
