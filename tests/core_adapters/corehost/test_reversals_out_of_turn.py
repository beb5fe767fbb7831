"""Reversals in the wrong order: a customer's own money comes to the same, and all of it is seen."""

from collections.abc import Callable, Iterator
from itertools import permutations
from pathlib import Path

import pytest

from core_adapters.corehost.ledger import transaction
from core_adapters.corehost.products.bonds.holdings import BOND_BUY, BOND_REDEEM
from core_adapters.corehost.products.bonds.orders import BuyQuote, RedeemQuote
from core_adapters.corehost.products.deposits.orders import DrawQuote, PlaceQuote
from core_adapters.corehost.products.loans.accounts import LOAN_OPEN, LOAN_REPAY
from core_adapters.corehost.products.loans.orders import LoanQuote, RepayQuote
from core_adapters.corehost.products.orders import DRAW, PLACE
from support.bank_services import ACCOUNT, CARD, CNY, NOON
from support.lending import Lending
from transactions.money import Money

FEN = 100_000


@pytest.fixture
def bank(tmp_path: Path) -> Iterator[Lending]:
    opened = Lending(tmp_path / "bank.sqlite3")
    yield opened
    assert opened.findings() == []
    opened.close()


def wealth(bank: Lending) -> int:
    """What a customer would add up himself: the card, deposits and bonds, less what he owes."""
    deposits = sum(one.held for one in bank.deposits.deposits.of_account(ACCOUNT))
    held = sum(one.held for one in bank.bonds.bonds.of_account(ACCOUNT))
    owed = sum(one.owed for one in bank.loans.loans.of_account(ACCOUNT))
    return bank.held + deposits + held - owed


def place(bank: Lending, kind: str = "time", fen: int = FEN) -> str:
    term = "m3" if kind == "time" else ""
    quote = bank.deposits.place(CARD, kind, term, Money(fen, CNY), NOON)
    assert isinstance(quote, PlaceQuote)
    terms = (Money(fen, CNY), quote.fee)
    return posted(bank.order(PLACE, quote.id, terms, {"kind": kind, "term": term}))


def draw(bank: Lending, sub: str, part: int | None) -> str:
    asked = None if part is None else Money(part, CNY)
    quote = bank.deposits.draw(CARD, sub, asked, NOON)
    assert isinstance(quote, DrawQuote)
    about = {"sub": sub, "interest": str(quote.interest.minor)}
    return posted(bank.order(DRAW, quote.id, (quote.amount, quote.fee), about))


def lend(bank: Lending) -> str:
    quote = bank.loans.open(CARD, Money(FEN, CNY), "y1", "", NOON)
    assert isinstance(quote, LoanQuote)
    terms = (Money(FEN, CNY), quote.fee)
    return posted(bank.order(LOAN_OPEN, quote.id, terms, {"term": "y1", "sub": ""}))


def repay(bank: Lending, sub: str, part: int | None) -> str:
    asked = None if part is None else Money(part, CNY)
    quote = bank.loans.repay(CARD, sub, asked, NOON)
    assert isinstance(quote, RepayQuote)
    about = {"sub": sub, "interest": str(quote.interest.minor)}
    return posted(bank.order(LOAN_REPAY, quote.id, (quote.amount, quote.fee), about))


def buy(bank: Lending) -> str:
    quote = bank.bonds.buy(CARD, "saving_y3", Money(FEN, CNY), NOON)
    assert isinstance(quote, BuyQuote)
    terms = (Money(FEN, CNY), quote.fee)
    return posted(bank.order(BOND_BUY, quote.id, terms, {"issue": "saving_y3"}))


def redeem(bank: Lending, sub: str, part: int | None) -> str:
    asked = None if part is None else Money(part, CNY)
    quote = bank.bonds.redeem(CARD, sub, asked, NOON)
    assert isinstance(quote, RedeemQuote)
    about = {"sub": sub, "interest": str(quote.interest.minor)}
    return posted(bank.order(BOND_REDEEM, quote.id, (quote.amount, quote.fee), about))


def posted(key: object) -> str:
    assert isinstance(key, str), key
    return key


Begin = Callable[[Lending], str]
End = Callable[[Lending, str, int | None], str]
PRODUCTS: dict[str, tuple[Begin, End, str]] = {
    "deposit": (place, draw, "0008"),
    "loan": (lend, repay, "6003"),
    "bond": (buy, redeem, "8005"),
}


@pytest.mark.parametrize("order", list(permutations(range(3))))
@pytest.mark.parametrize("product", PRODUCTS)
def test_undone_in_any_order_nothing_is_lost_or_out_of_sight(
    bank: Lending, product: str, order: tuple[int, ...]
) -> None:
    """Opened, ended in two parts, each of the three undone."""
    begin, end, sub = PRODUCTS[product]
    before, card = wealth(bank), bank.held
    house = {name: bank.balance(name) for name in ("fees:CNY", "interest:CNY", "loan_interest:CNY")}
    keys = [begin(bank)]
    paid = before - wealth(bank)
    keys += [end(bank, sub, 40_000), end(bank, sub, None)]
    fees = bank.balance("fees:CNY") - house["fees:CNY"]
    assert (wealth(bank), bank.held) == (before - fees, card - fees)
    for which in order:
        assert bank.undo(keys[which])
        opened_undone = 0 in order[: order.index(which) + 1]
        assert bank.findings() == []
        if opened_undone:
            assert (wealth(bank), bank.held) == (before, card)
        else:
            assert before - fees <= wealth(bank) <= before - paid
    assert (wealth(bank), bank.held) == (before, card)
    assert {name: bank.balance(name) for name in house} == house
    assert not any(bank.undo(key) for key in keys)


def test_a_payment_undone_after_all_was_drawn_takes_the_drawing_back(bank: Lending) -> None:
    before, card = wealth(bank), bank.held
    monthly = next(
        one for one in bank.deposits.deposits.of_account(ACCOUNT) if one.kind == "instalment"
    )
    paid = place(bank, "instalment", monthly.monthly)
    drawn = draw(bank, monthly.sub, None)
    assert wealth(bank) > before  # interest
    assert bank.undo(paid)
    assert (wealth(bank), bank.held) == (before, card)
    assert bank.findings() == []
    again = draw(bank, monthly.sub, None)
    assert bank.undo(drawn)
    assert bank.undo(again)
    assert (wealth(bank), bank.held) == (before, card)


def test_money_on_what_is_cancelled_is_found(bank: Lending) -> None:
    for table, sub in (("deposit", "0003"), ("loan", "6001"), ("bond", "8001")):
        with transaction(bank.db):
            bank.db.execute(f"UPDATE {table} SET cancelled = 1 WHERE sub = ?", (sub,))
        assert any(f"{table} {sub}" in one and "its account is" in one for one in bank.findings())
        with transaction(bank.db):
            bank.db.execute(f"UPDATE {table} SET cancelled = 0 WHERE sub = ?", (sub,))
