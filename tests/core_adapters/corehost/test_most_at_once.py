"""How many deposits, loans and bonds a customer has at once: the limit holds when an order is
posted, however many were quoted before it."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from core_adapters.corehost.products.bonds import holdings as bonds
from core_adapters.corehost.products.deposits import accounts as deposits
from core_adapters.corehost.products.loans import accounts as loans
from core_adapters.corehost.products.orders import PLACE
from core_adapters.corehost.refusal import Refusal
from support.bank_services import ACCOUNT, CARD, CNY, NOON
from support.lending import Lending
from transactions.money import Money

LEAST = Money(10_000, CNY)
Post = Callable[[], str | Refusal]


@pytest.fixture
def bank(tmp_path: Path) -> Iterator[Lending]:
    opened = Lending(tmp_path / "bank.sqlite3")
    yield opened
    assert opened.findings() == []
    opened.close()


def deposit(bank: Lending) -> Post | Refusal:
    quote = bank.deposits.place(CARD, "time", "m3", LEAST, NOON)
    if isinstance(quote, Refusal):
        return quote
    about = {"kind": "time", "term": "m3"}
    return lambda: bank.order(PLACE, quote.id, (LEAST, quote.fee), about)


def loan(bank: Lending) -> Post | Refusal:
    quote = bank.loans.open(CARD, LEAST, "y1", "", NOON)
    if isinstance(quote, Refusal):
        return quote
    about = {"term": "y1", "sub": ""}
    return lambda: bank.order(loans.LOAN_OPEN, quote.id, (LEAST, quote.fee), about)


def bond(bank: Lending) -> Post | Refusal:
    quote = bank.bonds.buy(CARD, "saving_y3", LEAST, NOON)
    if isinstance(quote, Refusal):
        return quote
    about = {"issue": "saving_y3"}
    return lambda: bank.order(bonds.BOND_BUY, quote.id, (LEAST, quote.fee), about)


def deposits_held(bank: Lending) -> int:
    return len(bank.deposits.deposits.of_account(ACCOUNT))


def loans_held(bank: Lending) -> int:
    return len(bank.loans.loans.of_account(ACCOUNT))


def bonds_held(bank: Lending) -> int:
    return len(bank.bonds.bonds.of_account(ACCOUNT))


@pytest.mark.parametrize(
    ("quote", "held", "most"),
    [
        (deposit, deposits_held, deposits.MAX_OPEN),
        (loan, loans_held, loans.MAX_OPEN),
        (bond, bonds_held, bonds.MAX_HELD),
    ],
)
def test_the_last_that_is_allowed_is_had_once(
    bank: Lending,
    quote: Callable[[Lending], Post | Refusal],
    held: Callable[[Lending], int],
    most: int,
) -> None:
    while held(bank) < most - 1:
        post = quote(bank)
        assert not isinstance(post, Refusal)
        assert isinstance(post(), str)
    first, second = quote(bank), quote(bank)
    assert not isinstance(first, Refusal)
    assert not isinstance(second, Refusal)
    assert isinstance(first(), str)
    money = bank.held
    assert second() is Refusal.OVER_LIMIT
    assert quote(bank) is Refusal.OVER_LIMIT
    assert (held(bank), bank.held) == (most, money)
