"""The people of the seeded company, and its loan."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from core_adapters.corehost.back_office import VAULT, BackOffice
from core_adapters.corehost.ledger import Leg
from core_adapters.corehost.products.companies.loans import EARNED, CompanyLoan, CompanyLoans
from core_adapters.corehost.products.companies.payments import DRAFTS
from core_adapters.corehost.products.companies.people import (
    APPROVE,
    MAKE,
    VIEW,
    Operator,
    Operators,
)
from core_adapters.corehost.products.deposits.terms import matures
from core_adapters.corehost.products.plantings.accounts import NOON, months_ago
from transactions.money import currency

CNY = currency("CNY")
LOAN_SUB = "6001"
LOAN_MONTHS, LOAN_AGO, INSTALMENT = 12, 2, 2_000_000
"""Twelve months from two months ago, 20,000.00 of principal each month, none of it repaid."""
RATE = "4.35"


@dataclass(frozen=True, slots=True)
class Role:
    """A seeded person: his number at the company, right, and ceiling in fen."""

    number: str
    may: str
    most: int


ROLES: Sequence[Role] = (
    Role("0001", MAKE, 50_000_000),
    Role("0002", APPROVE, 50_000_000),
    Role("0003", APPROVE, 5_000_000),
    Role("0004", VIEW, 0),
)
"""In the order of their cards: one who makes, two who approve, one who looks."""


def open_payment_accounts(office: BackOffice) -> None:
    """Open the bank's own accounts of companies' payments; `LedgerError` where they are open."""
    for name in (DRAFTS, EARNED):
        office.ledger.open_account(name.format(CNY.code), CNY)


def plant_people(office: BackOffice, account: str, cards: Sequence[str]) -> None:
    """Make the holders of these cards people of a company, each by his place."""
    operators = Operators(office.db)
    for role, card in zip(ROLES, cards, strict=True):
        operators.add(Operator(card, account, role.number, role.may, role.most))


def plant_company_loan(office: BackOffice, account: str, now: datetime) -> None:
    """A loan paid out in cash, of whose schedule two instalments are due."""
    opened = months_ago(office.today(now), LOAN_AGO)
    days = [matures(opened, f"m{month}") for month in range(1, LOAN_MONTHS + 1)]
    ident, whole = f"corploan:{account}{LOAN_SUB}", LOAN_MONTHS * INSTALMENT
    office.ledger.open_account(ident, CNY)
    loan = CompanyLoan(ident, account, LOAN_SUB, Decimal(RATE), opened, days[-1], whole, 0)
    CompanyLoans(office.db).add(loan, [(day, INSTALMENT) for day in days])
    legs = [Leg(ident, -whole), Leg(VAULT.format(CNY.code), whole)]
    at = datetime.combine(opened, NOON)
    office.ledger.post(f"seed:{ident}", "seed", legs, opened, at)
