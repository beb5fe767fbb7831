"""What the seeded customers owe: lines of credit, and loans paid out in cash some months ago."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time

from core_adapters.corehost.back_office import VAULT, BackOffice
from core_adapters.corehost.ledger import Leg
from core_adapters.corehost.products.deposits.accounts import Deposits
from core_adapters.corehost.products.deposits.terms import matures
from core_adapters.corehost.products.loans.accounts import Loan, Loans
from core_adapters.corehost.products.loans.terms import PLEDGED, SELF_SERVICE, load_loan_tariff
from core_adapters.corehost.products.plantings.accounts import months_ago
from transactions.money import currency

CNY = currency("CNY")
NOON = time(4, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Owing:
    """A seeded loan: fen, how many months ago it was paid out, and the deposit that secures it."""

    term: str
    minor: int
    months_ago: int
    pledge: str = ""


@dataclass(frozen=True, slots=True)
class Credit:
    """What a seeded customer was lent; the line of credit in fen."""

    line: int
    owing: Sequence[Owing]


CREDITS: Sequence[Credit] = (
    Credit(5_000_000, (Owing("y1", 1_000_000, 5), Owing("m3", 300_000, 4))),
    Credit(2_000_000, (Owing("y1", 150_000, 1, "0007"), Owing("y3", 400_000, 9))),
)
"""The demo's first customer, one of whose loans is overdue, and the second, with a pledged one."""
SMALL_CREDIT = Credit(500_000, (Owing("y1", 100_000, 5),))
"""The others, and the customers of the tests."""


def credit_of(place: int) -> Credit:
    """By a customer's place among the seeded ones, from 0."""
    return CREDITS[place] if place < len(CREDITS) else SMALL_CREDIT


def plant_loans(office: BackOffice, account: str, credit: Credit, now: datetime) -> None:
    """Grant the line and pay the loans out at the counter, each on its own day; the card's account
    stays as it is. Deposits come first."""
    loans, deposits, tariff = Loans(office.db), Deposits(office.db), load_loan_tariff()
    today = office.today(now)
    loans.grant_line(account, credit.line)
    for one in credit.owing:
        pledge = deposits.find(account, one.pledge)
        kind = PLEDGED if pledge else SELF_SERVICE
        sub = f"{loans.next_sub(account):04d}"
        ident, opened = f"loan:{account}{sub}", months_ago(today, one.months_ago)
        office.ledger.open_account(ident, CNY)
        rate, end = tariff.kinds[kind].rates[one.term], matures(opened, one.term)
        secured = pledge.id if pledge else None
        row = Loan(ident, account, sub, kind, rate, opened, end, one.minor, secured, 0)
        loans.add(row, None)
        legs = [Leg(ident, -one.minor), Leg(VAULT.format(CNY.code), one.minor)]
        office.ledger.post(f"seed:{ident}", "seed", legs, opened, datetime.combine(opened, NOON))
