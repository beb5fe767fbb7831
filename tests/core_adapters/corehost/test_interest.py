"""Interest to the fen: worked by hand, and what must hold for any deposit."""

from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core_adapters.corehost.products.deposits.terms import (
    by_days,
    by_months,
    load_tariff,
    matures,
    months_of,
    rounded,
)

TARIFF = load_tariff()
DAYS = st.dates(date(2000, 1, 1), date(2040, 12, 31))
TERMS = st.sampled_from(["m3", "m6", "y1", "y2", "y3", "y5"])


@pytest.mark.parametrize(
    ("opened", "term", "end"),
    [
        ("2026-01-31", "m3", "2026-04-30"),
        ("2024-02-29", "y1", "2025-02-28"),
        ("2026-10-15", "m6", "2027-04-15"),
        ("2023-11-30", "m3", "2024-02-29"),
        ("2026-03-01", "y5", "2031-03-01"),
    ],
)
def test_a_term_ends_on_the_same_day_or_the_months_last(opened: str, term: str, end: str) -> None:
    assert matures(date.fromisoformat(opened), term) == date.fromisoformat(end)


@given(DAYS, TERMS)
def test_a_term_ends_in_its_month(opened: date, term: str) -> None:
    end = matures(opened, term)
    assert (end.year - opened.year) * 12 + end.month - opened.month == months_of(term)
    assert end.day <= opened.day
    assert end.day == opened.day or (end + timedelta(days=1)).day == 1


@pytest.mark.parametrize(
    ("minor", "days", "rate", "fen"),
    [
        (1_000_000, 360, "0.35", 3_500),
        (1_000_000, 1, "0.35", 10),  # 9.72
        (500_000, 1, "0.36", 5),  # exactly 5
        (100_000, 1, "0.54", 2),  # exactly 1.5: half goes up
        (100_000, 1, "0.5399", 1),
        (1, 100, "0.35", 0),
    ],
)
def test_days_count_of_a_year_of_360(minor: int, days: int, rate: str, fen: int) -> None:
    assert rounded(by_days(minor * days, Decimal(rate))) == fen


@pytest.mark.parametrize(
    ("minor", "months", "rate", "fen"),
    [(1_000_000, 12, "1.50", 15_000), (100_000, 3, "1.10", 275), (5_001, 6, "1.30", 33)],
)
def test_terms_count_by_months(minor: int, months: int, rate: str, fen: int) -> None:
    assert rounded(by_months(minor, months, Decimal(rate))) == fen


@given(st.fractions(min_value=-10, max_value=10**13, max_denominator=10**9))
def test_rounding_is_half_up_and_never_below_nothing(fen: Fraction) -> None:
    whole = rounded(fen)
    assert whole >= 0
    assert whole == 0 if fen < Fraction(1, 2) else -Fraction(1, 2) < whole - fen <= Fraction(1, 2)


def test_time_or_demand_earns_a_share_of_the_term_that_it_reached() -> None:
    opened = date(2026, 1, 15)
    rates = [
        TARIFF.either_rate(opened, date.fromisoformat(day))
        for day in (
            "2026-04-14",
            "2026-04-15",
            "2026-07-14",
            "2026-07-15",
            "2027-01-14",
            "2027-01-15",
            "2036-01-15",
        )
    ]
    demand, m3, m6, y1 = (Decimal(rate) for rate in ("0.35", "0.66", "0.78", "0.90"))
    assert rates == [demand, m3, m3, m6, m6, y1, y1]


def test_every_kind_has_its_terms_and_no_other() -> None:
    offered = {kind: tuple(one.rates) for kind, one in TARIFF.kinds.items()}
    assert offered == {
        "savings": (),
        "passbook": (),
        "time": ("m3", "m6", "y1", "y2", "y3", "y5"),
        "instalment": ("y1", "y3", "y5"),
        "either": (),
        "notice": ("d1", "d7"),
    }
    assert TARIFF.rate("time", "y1") == Decimal("1.50")
    assert TARIFF.rate("time", "") is TARIFF.rate("instalment", "m3") is None
    assert TARIFF.rate("either", "y1") is None
    assert TARIFF.rate("either", "") == TARIFF.demand
