"""Loans quoted: what it takes to have one, and what comes of repaying it."""

import secrets
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from core_adapters.corehost.back_office import FEES, BackOffice, Holder
from core_adapters.corehost.ledger import Leg
from core_adapters.corehost.products.deposits.accounts import Deposit, Deposits
from core_adapters.corehost.products.deposits.terms import matures
from core_adapters.corehost.products.loans.accounts import (
    EARNED,
    LOAN_OPEN,
    LOAN_REPAY,
    OPEN,
    REPAY,
    Loan,
    Loans,
)
from core_adapters.corehost.products.loans.terms import (
    PLEDGED,
    SELF_SERVICE,
    LoanTariff,
    LoanTerms,
    load_loan_tariff,
)
from core_adapters.corehost.products.orders import Offer, Orders
from core_adapters.corehost.products.pledges import owed_on
from core_adapters.corehost.refusal import Refusal
from transactions.money import Money


@dataclass(frozen=True, slots=True)
class LoanQuote:
    """Terms of a loan; `rate` in per cent a year."""

    id: str
    rate: Decimal
    fee: Money
    matures: date
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class RepayQuote:
    """Terms of a repayment: principal repaid, the interest on it, the fee."""

    id: str
    amount: Money
    interest: Money
    fee: Money
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Due:
    """What is owed on a loan if all of it is repaid today."""

    principal: Money
    interest: Money
    matures: date

    @property
    def due(self) -> Money:
        """Both together."""
        return self.principal + self.interest


@dataclass(frozen=True, slots=True)
class _Asked:
    """A loan that may be lent; without a pledge, within the line of credit."""

    holder: Holder
    terms: LoanTerms
    term: str
    amount: Money
    pledge: Deposit | None


class LoanOrders:
    """Quotes of loans; posting is `Orders.post`."""

    def __init__(self, office: BackOffice, orders: Orders) -> None:
        self._office = office
        self._orders = orders
        self.loans = Loans(office.db)
        self.tariff: LoanTariff = load_loan_tariff()

    def open(
        self, card: str, amount: Money, term: str, sub: str, now: datetime
    ) -> LoanQuote | Refusal:
        """Quote a loan on the deposit `sub`, or, without one, within the line of credit."""
        holder = self._office.holder(card)
        if isinstance(holder, Refusal):
            return holder
        if amount.currency != self._office.ledger.unit(holder.account):
            return Refusal.WRONG_CURRENCY
        pledge = self._pledge(holder, sub) if sub else None
        if isinstance(pledge, Refusal):
            return pledge
        room = self._room(holder, pledge)
        if room is None:
            return Refusal.NO_ACCOUNT
        terms = self.tariff.kinds[PLEDGED if pledge else SELF_SERVICE]
        refusal = self._lendable(holder, terms, term, amount, room)
        return refusal or self._opened(_Asked(holder, terms, term, amount, pledge), now)

    def _pledge(self, holder: Holder, sub: str) -> Deposit | Refusal:
        deposit = Deposits(self._office.db).find(holder.account, sub)
        if deposit is None or deposit.kind not in self.tariff.pledge_kinds:
            return Refusal.NO_ACCOUNT
        return deposit

    def _room(self, holder: Holder, pledge: Deposit | None) -> int | None:
        """What may be lent, in fen; None where there is no line of credit."""
        if pledge is None:
            return self.loans.line_left(holder.account)
        return self.tariff.lent_on(pledge.held) - owed_on(self._office.db, pledge.id)

    def _lendable(
        self, holder: Holder, terms: LoanTerms, term: str, amount: Money, room: int
    ) -> Refusal | None:
        if term not in terms.rates:
            return Refusal.BAD_TERM
        if amount.minor < terms.least:
            return Refusal.BAD_AMOUNT
        if amount.minor > min(room, self._office.rules.transfer_most):
            return Refusal.OVER_LIMIT
        return Refusal.OVER_LIMIT if self.loans.full(holder.account) else None

    def _opened(self, asked: _Asked, now: datetime) -> LoanQuote:
        account, amount = asked.holder.account, asked.amount
        rate, end = asked.terms.rates[asked.term], matures(self._office.today(now), asked.term)
        fee = Money(asked.terms.fee, amount.currency)
        ident = f"loan:{secrets.token_hex(8).upper()}"
        sub = asked.pledge.sub if asked.pledge else ""
        effect = {
            "name": OPEN,
            "account": account,
            "loan": ident,
            "kind": asked.terms.name,
            "rate": str(rate),
            "matures": end.isoformat(),
            "sub": sub,
            "pledge": asked.pledge.id if asked.pledge else None,
        }
        legs = [Leg(ident, -amount.minor), Leg(account, amount.minor - fee.minor)]
        if fee.minor:
            legs.append(Leg(FEES.format(fee.currency.code), fee.minor))
        about = {"term": asked.term, "sub": sub}
        offer = Offer(asked.holder.card, LOAN_OPEN, amount, fee, legs, about, effect)
        priced = self._orders.quote(offer, now)
        return LoanQuote(priced.id, rate, fee, end, priced.expires_at)

    def due(self, card: str, sub: str, now: datetime) -> Due | Refusal:
        """Principal and interest of a loan as they stand on the business date."""
        holder = self._office.holder(card)
        if isinstance(holder, Refusal):
            return holder
        loan = self.loans.find(holder.account, sub)
        if loan is None:
            return Refusal.NO_ACCOUNT
        unit = self._office.ledger.unit(loan.id)
        earned = self._interest(loan, loan.owed, now)
        return Due(Money(loan.owed, unit), Money(earned, unit), loan.matures)

    def _interest(self, loan: Loan, minor: int, now: datetime) -> int:
        return self.tariff.interest(loan.lent, minor, self._office.today(now))

    def repay(self, card: str, sub: str, part: Money | None, now: datetime) -> RepayQuote | Refusal:
        """Quote a repayment out of the card's account; without a part, all of it."""
        holder = self._office.holder(card)
        if isinstance(holder, Refusal):
            return holder
        loan = self.loans.find(holder.account, sub)
        if loan is None:
            return Refusal.NO_ACCOUNT
        unit = self._office.ledger.unit(loan.id)
        if part is not None and part.currency != unit:
            return Refusal.WRONG_CURRENCY
        amount = Money(loan.owed, unit) if part is None else part
        if not 0 < amount.minor <= loan.owed:
            return Refusal.BAD_AMOUNT
        return self._repaid(holder, loan, amount, now)

    def _repaid(
        self, holder: Holder, loan: Loan, amount: Money, now: datetime
    ) -> RepayQuote | Refusal:
        unit, earned = amount.currency, self._interest(loan, amount.minor, now)
        effect = {
            "name": REPAY,
            "account": holder.account,
            "sub": loan.sub,
            "loan": loan.id,
            "owed": loan.owed,
        }
        legs = [Leg(holder.account, -amount.minor - earned), Leg(loan.id, amount.minor)]
        if earned:
            legs.append(Leg(EARNED.format(unit.code), earned))
        refusal = self._orders.affordable(legs)
        if refusal:
            return refusal
        fee, about = Money(0, unit), {"sub": loan.sub, "interest": str(earned)}
        offer = Offer(holder.card, LOAN_REPAY, amount, fee, legs, about, effect)
        priced = self._orders.quote(offer, now)
        return RepayQuote(priced.id, amount, Money(earned, unit), fee, priced.expires_at)
