"""What the seeded customers have with their broker, paid in months ago, and what moved today."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from core_adapters.corehost.back_office import VAULT, BackOffice
from core_adapters.corehost.ledger import Leg
from core_adapters.corehost.products.plantings.accounts import CNY, NOON, months_ago
from core_adapters.corehost.products.securities.funds import open_funds

OPENED_MONTHS_AGO = 8


@dataclass(frozen=True, slots=True)
class SeededFunds:
    """Fen paid in when it was opened, frozen by the broker, and each entry of the day of the seed
    (a posting's kind and fen)."""

    minor: int
    frozen: int
    today: Sequence[tuple[str, int]] = ()


FULL_FUNDS = SeededFunds(3_000_000, 250_000, (("deposit", 120_000), ("withdrawal", -45_000)))
SMALL_FUNDS = SeededFunds(400_000, 50_000)
"""The demo's first customer; the others, and the customers of the tests."""


def funds_for(place: int) -> SeededFunds:
    """By a customer's place among the demo's, from 0."""
    return SMALL_FUNDS if place else FULL_FUNDS


def plant_funds(office: BackOffice, account: str, seeded: SeededFunds, now: datetime) -> None:
    """Open the funds and pay them in at the counter; the card's account stays as it is."""
    today = office.today(now)
    ident = open_funds(office, account, seeded.frozen)
    opened = months_ago(today, OPENED_MONTHS_AGO)
    entries = [(opened, "seed", seeded.minor)]
    entries += [(today, kind, minor) for kind, minor in seeded.today]
    for number, (day, kind, minor) in enumerate(entries):
        legs = [Leg(VAULT.format(CNY.code), -minor), Leg(ident, minor)]
        at = datetime.combine(day, NOON)
        office.ledger.post(f"seed:{ident}:{number}", kind, legs, day, at)
