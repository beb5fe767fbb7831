"""Bonds quoted: what is on sale, what it takes to buy, and what comes of redeeming."""

import secrets
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from core_adapters.corehost.back_office import FEES, BackOffice, Holder
from core_adapters.corehost.ledger import Leg
from core_adapters.corehost.products.bonds.holdings import (
    BOND_BUY,
    BOND_REDEEM,
    BUY,
    CUSTODY,
    REDEEM,
    TREASURY,
    Bond,
    Bonds,
    sold,
)
from core_adapters.corehost.products.bonds.terms import (
    EARLY,
    MATURED,
    BondTariff,
    Issue,
    load_bond_tariff,
)
from core_adapters.corehost.products.deposits.terms import matures
from core_adapters.corehost.products.orders import Offer, Orders
from core_adapters.corehost.refusal import Refusal
from transactions.money import Money


@dataclass(frozen=True, slots=True)
class BuyQuote:
    """Terms of a bond; `rate` in per cent a year."""

    id: str
    rate: Decimal
    matures: date
    fee: Money
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class RedeemQuote:
    """Terms of a redemption; `early` is `early` or `matured` (word set `redeem`)."""

    id: str
    amount: Money
    interest: Money
    fee: Money
    early: str
    expires_at: datetime


class BondOrders:
    """Quotes of bonds; posting is `Orders.post`."""

    def __init__(self, office: BackOffice, orders: Orders) -> None:
        self._office = office
        self._orders = orders
        self.bonds = Bonds(office.db)
        self.tariff: BondTariff = load_bond_tariff()

    def on_sale(self, now: datetime) -> list[tuple[Issue, date]]:
        """The issues that are sold today, each with the last day of its sale."""
        today = self._office.today(now)
        ends = [(one, one.sold_until(today)) for one in self.tariff.issues.values()]
        return [(one, end) for one, end in ends if end is not None]

    def buy(self, card: str, issue: str, amount: Money, now: datetime) -> BuyQuote | Refusal:
        """Quote a bond of an issue, paid out of the card's account."""
        holder = self._office.holder(card)
        if isinstance(holder, Refusal):
            return holder
        if amount.currency != self._office.ledger.unit(holder.account):
            return Refusal.WRONG_CURRENCY
        found = self.tariff.issues.get(issue)
        if found is None or found.sold_until(self._office.today(now)) is None:
            return Refusal.NOT_ON_SALE
        refusal = self._buyable(holder, issue, amount.minor)
        return refusal or self._bought(holder, found, amount, now)

    def _buyable(self, holder: Holder, issue: str, minor: int) -> Refusal | None:
        if minor <= 0 or minor % self.tariff.unit:
            return Refusal.BAD_AMOUNT
        held = self.bonds.held(holder.account, issue)
        if minor > self._office.rules.transfer_most or held + minor > self.tariff.most:
            return Refusal.OVER_LIMIT
        return Refusal.OVER_LIMIT if self.bonds.full(holder.account) else None

    def _bought(
        self, holder: Holder, issue: Issue, amount: Money, now: datetime
    ) -> BuyQuote | Refusal:
        today, ident = self._office.today(now), f"B{secrets.token_hex(8).upper()}"
        effect = {
            "name": BUY,
            "account": holder.account,
            "bond": ident,
            "issue": issue.name,
            "term": issue.term,
            "rate": str(issue.rate),
            "bought": today.isoformat(),
            "most": self.tariff.most,
        }
        legs = sold(ident, holder.account, amount.minor, amount.currency)
        refusal = self._orders.affordable(legs)
        if refusal:
            return refusal
        fee, about = Money(0, amount.currency), {"issue": issue.name}
        offer = Offer(holder.card, BOND_BUY, amount, fee, legs, about, effect)
        priced = self._orders.quote(offer, now)
        end = matures(today, issue.term)
        return BuyQuote(priced.id, issue.rate, end, fee, priced.expires_at)

    def redeem(
        self, card: str, sub: str, part: Money | None, now: datetime
    ) -> RedeemQuote | Refusal:
        """Quote a redemption to the card's account; without a part, all of it."""
        holder = self._office.holder(card)
        if isinstance(holder, Refusal):
            return holder
        bond = self.bonds.find(holder.account, sub)
        if bond is None:
            return Refusal.NO_ACCOUNT
        unit = self._office.ledger.unit(bond.id)
        if part is not None and part.currency != unit:
            return Refusal.WRONG_CURRENCY
        amount = Money(bond.held, unit) if part is None else part
        if not 0 < amount.minor <= bond.held or amount.minor % self.tariff.unit:
            return Refusal.BAD_AMOUNT
        return self._redeemed(holder, bond, amount, now)

    def _redeemed(self, holder: Holder, bond: Bond, amount: Money, now: datetime) -> RedeemQuote:
        today, unit, minor = self._office.today(now), amount.currency, amount.minor
        earned = Money(self.tariff.interest(bond.terms, minor, today), unit)
        fee = Money(self.tariff.fee(bond.terms, minor, today), unit)
        effect = {
            "name": REDEEM,
            "account": holder.account,
            "bond": bond.id,
            "sub": bond.sub,
            "held": bond.held,
        }
        legs = [
            Leg(TREASURY.format(unit.code), -minor - earned.minor),
            Leg(holder.account, minor + earned.minor - fee.minor),
            Leg(bond.id, -minor),
            Leg(CUSTODY.format(unit.code), minor),
        ]
        if fee.minor:
            legs.append(Leg(FEES.format(unit.code), fee.minor))
        about = {"sub": bond.sub, "interest": str(earned.minor)}
        offer = Offer(holder.card, BOND_REDEEM, amount, fee, legs, about, effect)
        priced = self._orders.quote(offer, now)
        early = EARLY if today < bond.terms.matures else MATURED
        return RedeemQuote(priced.id, amount, earned, fee, early, priced.expires_at)
