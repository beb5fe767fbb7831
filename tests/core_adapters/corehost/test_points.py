"""Points come out of the books: purchases less what was given back."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core_adapters.corehost.ledger import transaction
from core_adapters.corehost.products.points import Points, points_of
from support.bank_services import ACCOUNT, NOON, SmallBank
from transactions.money import Money, currency

CNY = currency("CNY")
LAST_YEAR = datetime(2025, 12, 31, 15, 59, tzinfo=UTC)
"""A minute before the year ends in Beijing."""


@pytest.fixture
def bank(tmp_path: Path) -> Iterator[SmallBank]:
    made = SmallBank(tmp_path / "bank.sqlite3")
    yield made
    made.close()


def held(bank: SmallBank, at: datetime = NOON) -> Points:
    return points_of(bank.db, ACCOUNT, bank.office.calendar.today(at))


def test_nothing_spent_is_no_points(bank: SmallBank) -> None:
    bank.post("w", "withdrawal", -50_000)
    bank.post("s", "salary", 800_000)
    assert held(bank) == Points(0, Money(0, CNY))


def test_a_point_for_every_whole_yuan_of_all_purchases_together(bank: SmallBank) -> None:
    bank.post("p1", "purchase", -12_399)
    assert held(bank) == Points(123, Money(12_399, CNY))
    bank.post("p2", "purchase", -1)
    assert held(bank) == Points(124, Money(12_400, CNY))


def test_a_refund_takes_its_points_back(bank: SmallBank) -> None:
    bank.post("p1", "purchase", -20_000)
    bank.post("r1", "refund", 5_050)
    assert held(bank) == Points(149, Money(14_950, CNY))


def test_a_purchase_undone_gives_nothing(bank: SmallBank) -> None:
    bank.post("p1", "purchase", -20_000)
    bank.post("p2", "purchase", -3_000)
    bank.office.ledger.undo("p1", "undo:p1", bank.office.today(NOON), NOON)
    assert held(bank) == Points(30, Money(3_000, CNY))
    bank.office.ledger.undo("p2", "undo:p2", bank.office.today(NOON), NOON)
    assert held(bank) == Points(0, Money(0, CNY))


def test_what_is_given_back_beyond_the_purchases_is_no_debt(bank: SmallBank) -> None:
    bank.post("r1", "refund", 5_050)
    assert held(bank) == Points(0, Money(0, CNY))


def test_spent_is_this_years_and_points_are_of_all_years(tmp_path: Path) -> None:
    made = SmallBank(tmp_path / "bank.sqlite3", LAST_YEAR)
    made.post("p1", "purchase", -10_000, LAST_YEAR)
    assert held(made, LAST_YEAR) == Points(100, Money(10_000, CNY))
    new_year = LAST_YEAR + timedelta(minutes=1)
    made.post("p2", "purchase", -2_500, new_year)
    assert held(made, new_year) == Points(125, Money(2_500, CNY))
    made.close()


@given(spent=st.lists(st.integers(1, 500_000), max_size=8), undone=st.sets(st.integers(0, 7)))
def test_points_are_those_of_the_purchases_that_stand(
    tmp_path_factory: pytest.TempPathFactory, spent: list[int], undone: set[int]
) -> None:
    bank = SmallBank(tmp_path_factory.mktemp("points") / "bank.sqlite3", subscribed=False)
    with transaction(bank.db):
        for number, minor in enumerate(spent):
            bank.post(f"p{number}", "purchase", -minor)
            if number in undone:
                bank.office.ledger.undo(f"p{number}", f"undo:p{number}", NOON.date(), NOON)
    stands = sum(minor for number, minor in enumerate(spent) if number not in undone)
    assert held(bank) == Points(stands // 100, Money(stands, CNY))
    bank.close()
