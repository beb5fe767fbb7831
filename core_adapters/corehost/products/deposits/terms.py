"""Kinds of deposits, their terms and rates, and the arithmetic of interest.

Interest is counted in fen by days of a year of 360 (time deposits held to maturity: by months of a
year of twelve), exactly, and rounded once, half up, to the fen.
"""

from calendar import monthrange
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from fractions import Fraction
from functools import cache
from math import floor
from types import MappingProxyType

from core_adapters.corehost.products.stated import stated
from transactions.money import Money

SAVINGS, PASSBOOK, TIME, INSTALMENT, EITHER, NOTICE = (
    "savings",
    "passbook",
    "time",
    "instalment",
    "either",
    "notice",
)
YEAR_DAYS, YEAR_MONTHS = 360, 12
PER_CENT = 100


@dataclass(frozen=True, slots=True)
class KindTerms:
    """One kind of deposit: what it takes to open (fen), and its terms' rates in per cent a year."""

    name: str
    least: int
    rates: Mapping[str, Decimal]


@dataclass(frozen=True, slots=True)
class Tariff:
    """All kinds; `demand` in per cent a year, `either_share` in per cent of a term's rate."""

    demand: Decimal
    kinds: Mapping[str, KindTerms]
    either_share: Decimal

    def rate(self, kind: str, term: str) -> Decimal | None:
        """The rate that a deposit is opened at; None where the kind has no such term.

        What has no term is opened at the demand rate, which is what it earns at least."""
        rates = self.kinds[kind].rates
        if not rates:
            return self.demand if not term else None
        return rates.get(term)

    def either_rate(self, opened: date, on: date) -> Decimal:
        """What a time-or-demand deposit earns that was held from `opened` to `on`."""
        rates = self.kinds[TIME].rates
        reached = [term for term in ("m3", "m6", "y1") if matures(opened, term) <= on]
        return rates[reached[-1]] * self.either_share / PER_CENT if reached else self.demand


@cache
def load_tariff() -> Tariff:
    """The bank's figures in data/deposits.yaml."""
    read = stated("deposits.yaml")
    kinds = {
        name: KindTerms(
            name,
            Money.parse(row["least"]).minor,
            MappingProxyType({term: Decimal(rate) for term, rate in row["terms"].items()}),
        )
        for name, row in read["kinds"].items()
    }
    return Tariff(Decimal(read["demand"]), MappingProxyType(kinds), Decimal(read["either_share"]))


def months_of(term: str) -> int:
    """Months of a term: `m3` is 3, `y2` is 24; days of notice (`d7`) and no term are 0."""
    unit, count = term[:1], term[1:]
    return int(count) * {"m": 1, "y": YEAR_MONTHS}.get(unit, 0) if count else 0


def matures(opened: date, term: str) -> date:
    """The day a term ends: the same day of its last month, or that month's last day."""
    months = opened.year * YEAR_MONTHS + opened.month - 1 + months_of(term)
    year, month = divmod(months, YEAR_MONTHS)
    return date(year, month + 1, min(opened.day, monthrange(year, month + 1)[1]))


def by_days(product: int, rate: Decimal) -> Fraction:
    """Interest in fen on `product` (fen times days) at a rate in per cent a year, not rounded."""
    return Fraction(product) * Fraction(rate) / (PER_CENT * YEAR_DAYS)


def by_months(minor: int, months: int, rate: Decimal) -> Fraction:
    """Interest in fen of whole months at a rate in per cent a year, not rounded."""
    return Fraction(minor * months) * Fraction(rate) / (PER_CENT * YEAR_MONTHS)


def rounded(fen: Fraction) -> int:
    """Half up to the fen, and never below nothing."""
    return floor(max(fen, Fraction(0)) + Fraction(1, 2))
