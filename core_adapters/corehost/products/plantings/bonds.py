"""What bonds the seeded customers hold, bought for cash some months ago."""

from collections.abc import Sequence
from datetime import UTC, datetime, time

from core_adapters.corehost.back_office import VAULT, BackOffice
from core_adapters.corehost.products.bonds.holdings import Bond, Bonds, sold
from core_adapters.corehost.products.bonds.terms import load_bond_tariff
from core_adapters.corehost.products.plantings.accounts import months_ago
from transactions.money import currency

CNY = currency("CNY")
NOON = time(4, tzinfo=UTC)
Holdings = Sequence[tuple[str, int, int]]
"""Each an issue, fen, and how many months ago it was bought."""
FULL_BONDS: Holdings = (
    ("book_y1", 500_000, 13),
    ("saving_y3", 1_000_000, 14),
    ("saving_y5", 200_000, 3),
    ("special_y5", 300_000, 40),
)
"""The demo's first customer: one that has matured, and early ones of each deduction."""
SMALL_BONDS: Holdings = (("book_y1", 50_000, 13), ("saving_y3", 100_000, 8))
"""The others, and the customers of the tests."""


def bonds_of(place: int) -> Holdings:
    """By a customer's place among the seeded ones, from 0."""
    return SMALL_BONDS if place else FULL_BONDS


def plant_bonds(office: BackOffice, account: str, holdings: Holdings, now: datetime) -> None:
    """Sell the bonds at the counter, each on its own day; the card's account stays as it is."""
    bonds, tariff, today = Bonds(office.db), load_bond_tariff(), office.today(now)
    for name, minor, months in holdings:
        issue, bought = tariff.issues[name], months_ago(today, months)
        sub = f"{bonds.next_sub(account):04d}"
        ident = f"B{account}{sub}"
        office.ledger.open_account(ident, CNY)
        bonds.add(Bond(ident, account, sub, name, issue.term, issue.rate, bought, minor, 0), None)
        legs = sold(ident, VAULT.format(CNY.code), minor, CNY)
        office.ledger.post(f"seed:{ident}", "seed", legs, bought, datetime.combine(bought, NOON))
