"""Kinds of loans, their terms and rates, and the interest on what is repaid.

Interest is paid with the principal that it is on: act/360 from the day of the loan at its own rate,
after the end of its term at one and a half times that, exactly, and rounded once, half up, to the
fen. So parts repaid on one day may come to a fen more or less than the whole.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from types import MappingProxyType

from core_adapters.corehost.products.deposits.terms import PER_CENT, by_days, rounded
from core_adapters.corehost.products.stated import stated
from transactions.money import Money

PLEDGED, SELF_SERVICE = "pledged", "self_service"


@dataclass(frozen=True, slots=True)
class LoanTerms:
    """One kind of loan: the smallest and the fee in fen, its terms' rates in per cent a year."""

    name: str
    least: int
    fee: int
    rates: Mapping[str, Decimal]


@dataclass(frozen=True, slots=True)
class LoanTariff:
    """Both kinds; `pledge_share` in per cent of a deposit, `late_share` of a loan's rate."""

    kinds: Mapping[str, LoanTerms]
    pledge_share: int
    pledge_kinds: frozenset[str]
    late_share: Decimal

    def lent_on(self, held: int) -> int:
        """Most that is lent in all on a deposit that holds so much; both in fen."""
        return held * self.pledge_share // PER_CENT

    def interest(self, loan: "Lent", minor: int, on: date) -> int:
        """Interest in fen on `minor` fen of the principal, repaid on a business date."""
        in_term = (min(on, loan.matures) - loan.opened).days
        late = max(0, (on - loan.matures).days)
        own = by_days(minor * in_term, loan.rate)
        return rounded(own + by_days(minor * late, loan.rate * self.late_share / PER_CENT))


@dataclass(frozen=True, slots=True)
class Lent:
    """What interest goes by: `rate` in per cent a year, from `opened` to the day of repayment."""

    rate: Decimal
    opened: date
    matures: date


def load_loan_tariff() -> LoanTariff:
    """The bank's figures in data/loans.yaml, and their rates in data/information.yaml."""
    read, told = stated("loans.yaml"), stated("information.yaml")["loan_rates"]
    kinds = {
        name: LoanTerms(
            name,
            Money.parse(row["least"]).minor,
            Money.parse(row["fee"]).minor,
            MappingProxyType({term: Decimal(told[what]) for term, what in row["terms"].items()}),
        )
        for name, row in read["kinds"].items()
    }
    return LoanTariff(
        MappingProxyType(kinds),
        int(read["pledge_share"]),
        frozenset(read["pledge_kinds"]),
        Decimal(read["late_share"]),
    )
