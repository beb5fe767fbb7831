"""Payments of companies quoted and posted: who may, how much, to whom, at what fee.

The bank judges for itself: the card is a person's with the right to approve, the person who
proposed the payment is another one of the same company with the right to make it, and it is within
the ceilings of both.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from core_adapters.corehost.back_office import FEES, BackOffice
from core_adapters.corehost.ledger import Leg
from core_adapters.corehost.products.companies.accounts import TRANSIT, Companies, CompanyAccount
from core_adapters.corehost.products.companies.loans import EARNED, CompanyLoans
from core_adapters.corehost.products.companies.payments import (
    DRAFTS,
    KINDS,
    PAY,
    CompanyPayments,
    People,
    record,
)
from core_adapters.corehost.products.companies.people import Operator, Operators
from core_adapters.corehost.products.companies.terms import (
    REMOTE,
    REPAY,
    TRANSFER,
    CompanyTariff,
    load_company_tariff,
)
from core_adapters.corehost.products.orders import Agreed, Offer, Orders
from core_adapters.corehost.refusal import Refusal
from transactions.card import mask
from transactions.money import Money, currency

CNY = currency("CNY")
"""What companies pay in: ceilings, fees and what drafts and loans are in."""
LEAST_DIGITS, MOST_DIGITS = 6, 20
"""Of an account number with another bank."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A payment as the message has it; `bank` and `to` are empty where it has none."""

    card: str
    sub: str
    kind: str
    to: str
    bank: str
    amount: Money


@dataclass(frozen=True, slots=True)
class PayQuote:
    """Terms of a payment."""

    id: str
    payee_masked: str
    interest: Money
    fee: Money
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Ordered:
    """A payment that two people agreed to; `maker` is the number of the one who proposed it."""

    agreed: Agreed
    company: str
    maker: str


@dataclass(frozen=True, slots=True)
class Paid:
    """What is left of the account, and the number of the draft if it is one."""

    account: CompanyAccount
    ledger: Money
    available: Money
    draft: str | None


@dataclass(frozen=True, slots=True)
class _Way:
    """Where the money goes besides the fee: the legs but the payer's, and what the effect keeps."""

    payee_masked: str
    legs: Sequence[Leg]
    interest: int = 0
    about: Mapping[str, Any] | None = None


class CompanyOrders:
    """Rights, quotes and payments of companies; the caller brings the transaction."""

    def __init__(self, office: BackOffice, orders: Orders) -> None:
        self._office = office
        self._orders = orders
        self._companies = Companies(office)
        self._operators = Operators(office.db)
        self._tariff: CompanyTariff = load_company_tariff()

    def rights(self, card: str) -> Operator | Refusal:
        """Who it is and what he may; a card of nobody who acts for a company is not permitted."""
        holder = self._companies.holder(card)
        if isinstance(holder, Refusal):
            return holder
        return self._operators.of_card(card) or Refusal.NOT_PERMITTED

    def quote(self, asked: Asked, now: datetime) -> PayQuote | Refusal:
        """Check a payment and give its terms, to the one who proposes and the one who approves."""
        who = self.rights(asked.card)
        if isinstance(who, Refusal):
            return who
        refusal = self._within(who, asked)
        if refusal:
            return refusal
        payer = self._companies.find(who.account, asked.sub)
        if payer is None or payer.unit != asked.amount.currency:
            return Refusal.NO_ACCOUNT
        way = self._way(who, asked, payer, now)
        return way if isinstance(way, Refusal) else self._priced(who, asked, payer, way, now)

    def _within(self, who: Operator, asked: Asked) -> Refusal | None:
        kind = self._tariff.kinds.get(asked.kind)
        if kind is None or not (who.makes or who.approves):
            return Refusal.NOT_PERMITTED
        if asked.amount.currency != CNY:
            return Refusal.WRONG_CURRENCY  # ceilings and fees are in fen
        if asked.amount.minor <= 0:
            return Refusal.BAD_AMOUNT
        over = asked.amount.minor > min(who.most, kind.most)
        return Refusal.OVER_LIMIT if over else None

    def _way(
        self, who: Operator, asked: Asked, payer: CompanyAccount, now: datetime
    ) -> _Way | Refusal:
        if asked.kind == TRANSFER:
            return self._to_account(who, asked, payer)
        if asked.kind == REPAY:
            return self._to_loan(who, asked, now)
        return self._to_bank(asked)

    def _to_account(self, who: Operator, asked: Asked, payer: CompanyAccount) -> _Way | Refusal:
        """An open account of this bank, by its number or its card's, in another name."""
        row = self._office.db.execute(
            "SELECT a.id, a.customer = (SELECT customer FROM account WHERE id = :payer)"
            " FROM account a JOIN ledger_account l ON l.id = a.id"
            " WHERE a.state = 'open' AND l.currency = :currency AND a.id IN"
            " (SELECT :number UNION ALL SELECT account FROM card WHERE number = :number)",
            {"payer": who.account, "currency": payer.unit.code, "number": asked.to},
        ).fetchone()
        if row is None or row[1] or asked.bank:
            return Refusal.BAD_PAYEE
        return _Way(mask(asked.to), (Leg(row[0], asked.amount.minor),))

    def _to_bank(self, asked: Asked) -> _Way | Refusal:
        """An account with another bank: a remittance or a draft."""
        digits = asked.to.isascii() and asked.to.isdigit()
        if not digits or not LEAST_DIGITS <= len(asked.to) <= MOST_DIGITS:
            return Refusal.BAD_PAYEE
        if (asked.kind == REMOTE or asked.bank) and asked.bank not in self._tariff.banks:
            return Refusal.BAD_PAYEE
        house = TRANSIT if asked.kind == REMOTE else DRAFTS
        leg = Leg(house.format(asked.amount.currency.code), asked.amount.minor)
        return _Way(mask(asked.to), (leg,))

    def _to_loan(self, who: Operator, asked: Asked, now: datetime) -> _Way | Refusal:
        """One of the company's own loans: what interest has run up, and principal."""
        loans = CompanyLoans(self._office.db)
        loan = loans.find(who.account, asked.to)
        if loan is None or asked.bank:
            return Refusal.BAD_PAYEE
        if asked.amount.minor > loan.owed:
            return Refusal.BAD_AMOUNT
        interest = loans.interest(loan, self._office.today(now))
        legs = [Leg(loan.id, asked.amount.minor)]
        if interest:
            legs.append(Leg(EARNED.format(asked.amount.currency.code), interest))
        about = {"loan": loan.id, "loan_sub": loan.sub, "owed": loan.owed}
        return _Way(mask(who.account + loan.sub), legs, interest, about)

    def _priced(
        self, who: Operator, asked: Asked, payer: CompanyAccount, way: _Way, now: datetime
    ) -> PayQuote | Refusal:
        amount, unit = asked.amount, asked.amount.currency
        fee = self._tariff.kinds[asked.kind].fee(amount.minor)
        legs = [Leg(payer.id, -amount.minor - way.interest - fee), *way.legs]
        if fee:
            legs.append(Leg(FEES.format(unit.code), fee))
        if any(self._office.ledger.unit(leg.account) != unit for leg in legs):
            return Refusal.WRONG_CURRENCY
        refusal = self._orders.affordable(legs)
        if refusal:
            return refusal
        effect = {
            "name": PAY,
            "kind": asked.kind,
            "account": who.account,
            "company_account": payer.id,
            "to": asked.to,
            "bank": asked.bank,
            "interest": way.interest,
            **(way.about or {}),
        }
        about = terms_of(asked, way.interest)
        offer = Offer(asked.card, KINDS[asked.kind], amount, Money(fee, unit), legs, about, effect)
        priced = self._orders.quote(offer, now)
        interest = Money(way.interest, unit)
        return PayQuote(priced.id, way.payee_masked, interest, offer.fee, priced.expires_at)

    def pay(self, order: Ordered, now: datetime) -> Paid | Refusal:
        """Post a quoted payment once, for the two people who agreed to it."""
        people = self._people(order)
        if isinstance(people, Refusal):
            return people
        refusal = self._orders.post(order.agreed, now)
        if refusal:
            return refusal
        record(self._office, order.agreed, people, now)
        account = self._companies.find(people.maker.account, order.agreed.about["sub"])
        assert account is not None
        draft = CompanyPayments(self._office.db).draft_of(order.agreed.key)
        held = self._office.ledger.balance(account.id)
        return Paid(account, held, self._office.available(account.id), draft)

    def _people(self, order: Ordered) -> People | Refusal:
        approver = self.rights(order.agreed.card)
        if isinstance(approver, Refusal):
            return approver
        if order.agreed.amount.currency != CNY:
            return Refusal.WRONG_CURRENCY
        maker = self._operators.numbered(order.company, order.maker)
        if maker is None or maker.account != approver.account or maker.card == approver.card:
            return Refusal.NOT_PERMITTED
        stopped = self._office.usable_card(maker.card)
        if stopped or not (maker.makes and approver.approves):
            return stopped or Refusal.NOT_PERMITTED
        over = order.agreed.amount.minor > min(maker.most, approver.most)
        return Refusal.OVER_LIMIT if over else People(maker, approver)


def terms_of(asked: Asked, interest: int) -> dict[str, str]:
    """What the order that comes must have the same as its quote."""
    return {
        "sub": asked.sub,
        "kind": asked.kind,
        "to": asked.to,
        "bank": asked.bank,
        "interest": str(interest),
    }
