"""Cards that may not pay, cheques and what a check finds of them, PINs of those who have none."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core_adapters.corehost.bank import Balances, Quote, TransferOrder
from core_adapters.corehost.house import House, findings, open_house
from core_adapters.corehost.pins import PinAnswer, is_known
from core_adapters.corehost.products.cards.uses import MOST_DAYS, CardUses
from core_adapters.corehost.products.cheques.books import MOST_STOPPED, ChequeBooks
from core_adapters.corehost.products.history import entries
from core_adapters.corehost.refusal import Refusal
from core_adapters.corehost.rules import Rules
from core_adapters.corehost.seed import DEMO, NEWCOMERS
from transactions.money import Money, currency

NOON = datetime(2026, 2, 28, 4, tzinfo=UTC)
DAY = date(2026, 2, 28)
CNY = currency("CNY")
FIRST_USE, UNENROLLED, INACTIVE, DRAWER = NEWCOMERS
ONE, COMPANY = DEMO[0], DEMO[-1]


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    opened = open_house(tmp_path, Rules(), NOON)
    yield opened
    opened.close()


def moved(house: House, payer: str, payee: str, now: datetime) -> Balances | Refusal:
    """A transfer of 1.00."""
    quote = house.bank.quote(payer, payee, Money(100, CNY), now)
    assert isinstance(quote, Quote)
    order = TransferOrder(f"k{quote.id}", payer, payee, Money(100, CNY), quote.fee, quote.id)
    return house.bank.transfer(order, now)


def test_those_who_were_here_before_may_do_all_they_could(house: House) -> None:
    for one in DEMO:
        if not one.newcomer:
            assert CardUses(house.bank.office).restricted(one.card, NOON) is None
            assert house.bank.pins.enrolled(one.card)
            tried = house.bank.pins.try_pin(one.card, one.pin, DAY)
            assert tried is (PinAnswer.LOCKED if one.state == "locked" else PinAnswer.RIGHT)


@pytest.mark.parametrize("days", [1, 7, MOST_DAYS])
def test_a_block_ends_by_itself(house: House, days: int) -> None:
    uses = CardUses(house.bank.office)
    until = uses.block(ONE.card, days, NOON)
    assert until == DAY + timedelta(days=days)
    for later in (0, days):
        now = NOON + timedelta(days=later)
        assert moved(house, ONE.card, DRAWER.card, now) is Refusal.RESTRICTED
        assert isinstance(moved(house, DRAWER.card, ONE.card, now), Balances)
    after = NOON + timedelta(days=days + 1)
    assert uses.unblock(ONE.card, after) is Refusal.NOT_BLOCKED
    assert isinstance(moved(house, ONE.card, DRAWER.card, after), Balances)
    assert isinstance(uses.block(ONE.card, 1, after), date)


def test_what_is_refused_has_moved_nothing_and_may_be_done_later(house: House) -> None:
    before = house.bank.balances(INACTIVE.card)
    quote = house.bank.quote(INACTIVE.card, ONE.card, Money(100, CNY), NOON)
    assert isinstance(quote, Quote)
    order = TransferOrder("k", INACTIVE.card, ONE.card, Money(100, CNY), quote.fee, quote.id)
    assert house.bank.transfer(order, NOON) is Refusal.RESTRICTED
    assert house.bank.balances(INACTIVE.card) == before
    assert CardUses(house.bank.office).activate(INACTIVE.card) is None
    assert isinstance(house.bank.transfer(order, NOON), Balances)
    assert findings(house.folder) == []


@pytest.mark.parametrize("days", [0, -1, MOST_DAYS + 1])
def test_a_block_has_its_limits(house: House, days: int) -> None:
    assert CardUses(house.bank.office).block(ONE.card, days, NOON) is Refusal.BAD_TERM


@given(identity=st.from_regex("[0-9]{4}", fullmatch=True), begin=st.integers(0, 10))
def test_parts_of_what_is_printed_or_asked_are_no_pin(identity: str, begin: int) -> None:
    assert is_known(ONE.card[begin : begin + 6], ONE.card, identity)
    assert is_known(f"{identity}77", ONE.card, identity)
    assert not is_known("888888", "6227001234567890", "1234")


def test_nobody_guesses_a_pin_that_there_is_not(house: House) -> None:
    pins = house.bank.pins
    assert {pins.try_pin(UNENROLLED.card, UNENROLLED.pin, DAY) for _ in range(20)} == {
        PinAnswer.WRONG
    }
    assert pins.change(UNENROLLED.card, "390175")
    assert pins.try_pin(UNENROLLED.card, "390175", DAY) is PinAnswer.RIGHT


def test_a_paid_cheque_is_an_entry(house: House) -> None:
    told = entries(house.db, DRAWER.account, DAY - timedelta(days=3), 0, 9)
    assert [(one.what, one.minor) for one in told] == [
        ("withdrawal", -120_000),
        ("deposit", 120_000),
    ]


def test_a_series_has_its_limits(house: House) -> None:
    books = ChequeBooks(house.bank.office)
    for first, last in (("1002000", "10020003"), ("1002000x", "10020005"), ("١٠٠٢٠٠٠٤",) * 2):
        assert books.stop(DRAWER.account, first, last, NOON) is Refusal.NO_CHEQUE
    most = f"{10_020_004 + MOST_STOPPED}"
    assert books.stop(DRAWER.account, "10020004", most, NOON) is Refusal.NO_CHEQUE
    assert books.stop(DRAWER.account, "10020004", "10020025", NOON) == 22
    assert books.stop(DRAWER.account, "10020004", "10020025", NOON + timedelta(days=1)) == 22
    found = books.find(DRAWER.account, "10020004")
    assert not isinstance(found, Refusal)
    assert found.since == DAY  # it was stopped then, and stays so


@pytest.mark.parametrize(("first", "last"), [("10020002", "10020002"), ("10020002", "10020009")])
def test_what_was_returned_is_not_stopped_and_keeps_its_history(
    house: House, first: str, last: str
) -> None:
    books = ChequeBooks(house.bank.office)
    before = [books.find(DRAWER.account, f"{number}") for number in range(10020001, 10020010)]
    returned = before[1]
    assert not isinstance(returned, Refusal)
    assert (returned.state, returned.amount.minor > 0) == ("returned", True)
    assert books.stop(DRAWER.account, first, last, NOON) is Refusal.RETURNED_CHEQUE
    after = [books.find(DRAWER.account, f"{number}") for number in range(10020001, 10020010)]
    assert after == before


@pytest.mark.parametrize(
    "damage",
    [
        "UPDATE cheque SET state = 'stopped' WHERE state = 'returned'",
        "UPDATE cheque SET minor = minor + 1 WHERE state = 'paid'",
        "UPDATE cheque SET state = 'unused' WHERE state = 'paid'",
        "UPDATE cheque SET state = 'paid' WHERE state = 'returned'",
        "UPDATE cheque_book SET leaves = 50",
        "DELETE FROM cheque WHERE state = 'paid'",
    ],
)
def test_the_check_finds_cheques_that_disagree(house: House, damage: str) -> None:
    assert findings(house.folder) == []
    house.db.execute(damage)
    assert findings(house.folder) != []


def test_a_company_has_cheques_and_what_it_holds_is_as_before(house: House) -> None:
    assert ChequeBooks(house.bank.office).has_books(COMPANY.account)
    held = house.bank.balances(COMPANY.card)
    assert isinstance(held, Balances)
    assert held.available == Money(COMPANY.balance, CNY)
