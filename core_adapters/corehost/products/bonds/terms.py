"""Treasury bonds: what is on sale, and the interest on what is redeemed.

Interest is the State's, paid with the principal. At maturity it is that of the whole years of the
term, and there is none for the days after. Before it, act/360 at the bond's own rate for the days
it was held less some that are lost, by the full months it was held; and there is a fee. Both are
counted exactly and rounded once, half up, to the fen.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction
from types import MappingProxyType

from core_adapters.corehost.products.deposits.terms import (
    YEAR_MONTHS,
    by_days,
    by_months,
    matures,
    months_of,
    rounded,
)
from core_adapters.corehost.products.stated import stated
from transactions.money import Money

EARLY, MATURED = "early", "matured"
PER_MILLE = 1000
QUARTER_MONTHS = 3


@dataclass(frozen=True, slots=True)
class Issue:
    """One issue: `rate` in per cent a year, and the quarters of a year (1 to 4) it is sold in."""

    name: str
    rate: Decimal
    term: str
    quarters: frozenset[int]

    def sold_until(self, today: date) -> date | None:
        """The last day of its sale; None where it is not on sale."""
        quarter = (today.month - 1) // QUARTER_MONTHS + 1
        if quarter not in self.quarters:
            return None
        months = today.year * YEAR_MONTHS + quarter * QUARTER_MONTHS
        return date(months // YEAR_MONTHS, months % YEAR_MONTHS + 1, 1) - timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Held:
    """What interest goes by: `rate` in per cent a year."""

    rate: Decimal
    term: str
    bought: date

    @property
    def matures(self) -> date:
        """The day its term ends."""
        return matures(self.bought, self.term)


@dataclass(frozen=True, slots=True)
class BondTariff:
    """All issues; `unit` and `most` in fen, `days_lost` by the full months a bond was held."""

    issues: Mapping[str, Issue]
    unit: int
    most: int
    fee_per_mille: int
    days_lost: Mapping[int, int]

    def interest(self, held: Held, minor: int, on: date) -> int:
        """Interest in fen on `minor` fen of the principal, redeemed on a business date."""
        if on >= held.matures:
            return rounded(by_months(minor, months_of(held.term), held.rate))
        reached = [months for months in self.days_lost if _after(held.bought, months) <= on]
        if not reached:
            return 0
        days = (on - held.bought).days - self.days_lost[max(reached)]
        return rounded(by_days(minor * days, held.rate))

    def fee(self, held: Held, minor: int, on: date) -> int:
        """The fee in fen for redeeming `minor` fen: nothing from maturity on."""
        if on >= held.matures:
            return 0
        return rounded(Fraction(minor * self.fee_per_mille, PER_MILLE))


def _after(day: date, months: int) -> date:
    return matures(day, f"m{months}")


def load_bond_tariff() -> BondTariff:
    """The bank's figures in data/bonds.yaml."""
    read = stated("bonds.yaml")
    issues = {
        name: Issue(name, Decimal(row["rate"]), row["term"], frozenset(row["quarters"]))
        for name, row in read["issues"].items()
    }
    early = read["early"]
    return BondTariff(
        MappingProxyType(issues),
        Money.parse(read["unit"]).minor,
        Money.parse(read["most"]).minor,
        int(early["fee_per_mille"]),
        MappingProxyType(dict(early["days_lost"])),
    )
