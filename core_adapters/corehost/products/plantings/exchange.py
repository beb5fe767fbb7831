"""What seeded customers have in foreign currency, counted back from the day of the seed."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from core_adapters.corehost.back_office import VAULT, BackOffice
from core_adapters.corehost.ledger import Leg
from core_adapters.corehost.products.exchange.accounts import (
    DEMAND,
    FIRST_SUB,
    FxDeposit,
    deposit_rate,
    open_deposit,
)
from core_adapters.corehost.products.plantings.accounts import NOON, months_ago
from transactions.money import Money


@dataclass(frozen=True, slots=True)
class Foreign:
    """A seeded deposit: an amount (`2500.00 USD`), its term if any, and months since it began."""

    amount: str
    code: str
    term: str
    months_ago: int


FULL: Sequence[Foreign] = (
    Foreign("2500.00", "USD", "", 9),
    Foreign("480.50", "USD", "", 3),
    Foreign("6000.00", "HKD", "", 9),
    Foreign("80000", "JPY", "", 6),
    Foreign("3000.00", "USD", "m6", 7),
    Foreign("2000.00", "EUR", "y1", 4),
)
"""Two demand deposits to merge, one term deposit that has matured and one that has not."""
SMALL: Sequence[Foreign] = (
    Foreign("500.00", "USD", "", 5),
    Foreign("120.00", "USD", "", 2),
    Foreign("300.00", "USD", "m3", 4),
    Foreign("200.00", "EUR", "m6", 1),
)


def plant_foreign(
    office: BackOffice, account: str, deposits: Sequence[Foreign], now: datetime
) -> None:
    """Open the deposits, each paid in on its own day; `fx_deals.open_accounts` was called."""
    today = office.today(now)
    for number, one in enumerate(deposits):
        amount, opened = Money.parse(one.amount, one.code), months_ago(today, one.months_ago)
        ident = f"X{account}{FIRST_SUB + number}"
        rate = deposit_rate(amount.currency, one.term or DEMAND) or Decimal(0)
        deposit = FxDeposit(ident, account, "", amount, one.term, rate, opened)
        open_deposit(office, deposit, None)
        legs = [Leg(VAULT.format(one.code), -amount.minor), Leg(ident, amount.minor)]
        at = datetime.combine(opened, NOON)
        office.ledger.post(f"seed:{ident}", "seed", legs, opened, at)
