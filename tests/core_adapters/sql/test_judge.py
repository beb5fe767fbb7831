"""What the rows of a bank's statements say, without a database."""

from datetime import date
from decimal import Decimal

import pytest

from core_adapters.sql.judge import judge_totals
from core_adapters.sql.values import Row, whole
from transactions.ports import Tally

DAY = date(2026, 11, 22)


def row(side: str, number: object, minor: object, unit: str = "CNY") -> Row:
    return {"currency": unit, "side": side, "number": number, "minor": minor}


def test_a_day_may_come_to_more_than_one_amount_can() -> None:
    """PostgreSQL sums its integers to NUMERIC."""
    told = judge_totals(DAY, [row("D", 2, Decimal(10**16 - 1)), row("FEE", None, -900)])
    assert told is None  # a fee's number may be left out, not be nothing
    told = judge_totals(DAY, [row("D", 2, Decimal(10**16 - 1)), row("FEE", 0, -900)])
    assert told is not None
    yuan = told.by_currency["CNY"]
    assert (yuan.debits, yuan.credits) == (Tally(2, 10**16 - 1), Tally(0, 0))
    assert yuan.fees == -900


@pytest.mark.parametrize(
    "bad",
    [
        row("D", 1, -1),
        row("DR", -1, 1),
        row("X", 1, 1),
        row("D", 1, 0.5),
        row("D", None, 1),
        row("D", 1, 1, "RMB"),
    ],
)
def test_what_is_no_figure_makes_the_whole_answer_none(bad: Row) -> None:
    assert judge_totals(DAY, [row("C", 0, 0), bad]) is None


@pytest.mark.parametrize(
    "raw", ["1E999999", "-1E999999", "1E-999999", Decimal("1E+41"), "9" * 5_000, "NaN", "Infinity"]
)
def test_a_number_beyond_all_money_is_none(raw: object) -> None:
    assert whole(raw) is None
    assert judge_totals(DAY, [row("D", 1, raw)]) is None


@pytest.mark.parametrize("raw", ["1E3", Decimal("1E+3"), "1000.000", 1000, "0E-9"])
def test_a_whole_number_however_it_is_written(raw: object) -> None:
    assert whole(raw) == (0 if raw == "0E-9" else 1000)
