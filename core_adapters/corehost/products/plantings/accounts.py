"""What the seeded customers have besides a card: deposits, a past, authorised items, bills.

All of it is plainly fictional and counted back from the day of the seed, so that a deposit that has
matured has, whenever the bank was made.
"""

from calendar import monthrange
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal

from core_adapters.corehost.back_office import VAULT, BackOffice
from core_adapters.corehost.ledger import Leg
from core_adapters.corehost.products import history
from core_adapters.corehost.products.bills.claims import Bills
from core_adapters.corehost.products.deposits.accounts import Deposit, Deposits
from core_adapters.corehost.products.deposits.terms import (
    EITHER,
    INSTALMENT,
    NOTICE,
    PASSBOOK,
    SAVINGS,
    TIME,
    load_tariff,
)
from transactions.money import currency

CNY = currency("CNY")
NOON = time(4, tzinfo=UTC)
"""When seeded postings were made: noon at the bank."""
OPENING_DAYS = 91
"""The account was opened so many days before, which is before its recent entries."""


@dataclass(frozen=True, slots=True)
class Holding:
    """A seeded deposit: fen (an instalment's each month) and how many months ago it was opened."""

    kind: str
    term: str
    minor: int
    months_ago: int


@dataclass(frozen=True, slots=True)
class Portfolio:
    """What a seeded customer has. `past` are entries, oldest first, each a posting's kind and fen;
    `step_days` lie between them, and the last was `last_days` ago. `unposted` are authorised."""

    holdings: Sequence[Holding]
    past: Sequence[tuple[str, int]]
    step_days: int
    last_days: int
    unposted: Sequence[tuple[str, int]]

    @property
    def net(self) -> int:
        """What the past changed, in fen."""
        return sum(minor for _kind, minor in self.past)

    @property
    def held_back(self) -> int:
        """What authorised debits hold back, in fen."""
        return -sum(minor for _what, minor in self.unposted if minor < 0)


_MONTH = (
    ("salary", 860_000),
    ("withdrawal", -100_000),
    ("purchase", -23_880),
    ("payment", -8_640),
    ("purchase", -51_200),
    ("withdrawal", -150_000),
    ("purchase", -6_990),
    ("deposit", 50_000),
    ("fee", -200),
    ("purchase", -128_000),
    ("refund", 12_000),
    ("withdrawal", -200_000),
    ("purchase", -33_450),
)
FULL = Portfolio(
    holdings=(
        Holding(SAVINGS, "", 2_000_000, 20),
        Holding(PASSBOOK, "", 300_000, 20),
        Holding(TIME, "y1", 1_000_000, 13),
        Holding(TIME, "y1", 500_000, 4),
        Holding(INSTALMENT, "y1", 50_000, 5),
        Holding(EITHER, "", 800_000, 7),
        Holding(NOTICE, "d7", 1_200_000, 2),
    ),
    past=(*_MONTH, *_MONTH, *_MONTH, ("interest", 318)),
    step_days=2,
    last_days=0,
    unposted=(("purchase", -23_500), ("withdrawal", -9_800)),
)
SMALL = Portfolio(
    holdings=(
        Holding(SAVINGS, "", 200_000, 20),
        Holding(PASSBOOK, "", 30_000, 20),
        Holding(TIME, "m3", 100_000, 4),
        Holding(TIME, "y1", 60_000, 4),
        Holding(INSTALMENT, "y1", 10_000, 3),
        Holding(EITHER, "", 80_000, 7),
        Holding(NOTICE, "d7", 250_000, 2),
    ),
    past=(
        ("salary", 300_000),
        ("withdrawal", -120_000),
        ("purchase", -84_350),
        ("payment", -15_650),
        ("purchase", -79_990),
        ("fee", -10),
    ),
    step_days=9,
    last_days=5,
    unposted=(("refund", 1_200), ("deposit", 5_000)),
)
"""Its past comes to nothing and nothing is held back: what such a card has is its balance."""


def plant_deposits(office: BackOffice, account: str, portfolio: Portfolio, now: datetime) -> None:
    """Open the portfolio's deposits with their payments, each on its own day."""
    tariff, deposits, today = load_tariff(), Deposits(office.db), office.today(now)
    for one in portfolio.holdings:
        sub = deposits.next_sub(account)
        ident = f"D{account}{sub}"
        rate = tariff.rate(one.kind, one.term) or Decimal(0)
        opened = months_ago(today, one.months_ago)
        monthly = one.minor if one.kind == INSTALMENT else 0
        office.ledger.open_account(ident, CNY)
        row = Deposit(ident, account, sub, one.kind, one.term, rate, opened, monthly, 0)
        deposits.add(row, None)
        # The instalment of the month now begun is still to be paid.
        for month in range(one.months_ago if monthly else 1):
            day = months_ago(today, one.months_ago - month)
            legs = _cash(ident, one.minor)
            office.ledger.post(f"seed:{ident}:{month}", "seed", legs, day, _noon(day))


def plant_account(
    office: BackOffice, account: str, balance: int, portfolio: Portfolio | None, now: datetime
) -> None:
    """The opening and the past of a card's account, which together leave `balance` fen available,
    and what is authorised and not yet posted."""
    today = office.today(now)
    opening = f"opening:{account}"
    if portfolio is None:
        if balance:
            office.ledger.post(opening, "opening", _cash(account, balance), today, now)
        return
    first = balance + portfolio.held_back - portfolio.net
    if first:
        day = today - timedelta(days=OPENING_DAYS)
        office.ledger.post(opening, "opening", _cash(account, first), day, _noon(day))
    days = portfolio.last_days + portfolio.step_days * (len(portfolio.past) - 1)
    for number, (kind, minor) in enumerate(portfolio.past):
        day = today - timedelta(days=days - portfolio.step_days * number)
        office.ledger.post(f"past:{account}:{number}", kind, _cash(account, minor), day, _noon(day))
    for what, minor in portfolio.unposted:
        one = history.Authorised(account, what, minor, today, _noon(today))
        history.authorise(office.db, one)


def plant_bills(office: BackOffice, card: str, now: datetime) -> None:
    """A customer of every biller."""
    Bills(office).plant(card, now)


def _cash(account: str, minor: int) -> list[Leg]:
    return [Leg(VAULT.format(CNY.code), -minor), Leg(account, minor)]


def _noon(day: date) -> datetime:
    return datetime.combine(day, NOON)


def months_ago(day: date, months: int) -> date:
    """The same day so many months before, or that month's last."""
    year, month = divmod(day.year * 12 + day.month - 1 - months, 12)
    return date(year, month + 1, min(day.day, monthrange(year, month + 1)[1]))
