"""Orders undone after dates have ended: the books are those of a bank where they never were."""

from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

import pytest

from core_adapters.corehost.ledger import transaction
from core_adapters.corehost.products.bonds.holdings import BOND_REDEEM, Bonds
from core_adapters.corehost.products.bonds.orders import RedeemQuote
from core_adapters.corehost.products.deposits.accounts import Deposits
from core_adapters.corehost.products.deposits.orders import DrawQuote, PlaceQuote
from core_adapters.corehost.products.exchange.accounts import FxAccounts
from core_adapters.corehost.products.exchange.deals import FX_DEAL, DealQuote, FxDeals
from core_adapters.corehost.products.exchange.moves import (
    FX_MERGE,
    FX_ROLL,
    FxMoves,
    MergeQuote,
    RollQuote,
)
from core_adapters.corehost.products.orders import DRAW, PLACE
from support.bank_services import ACCOUNT, CARD, CNY
from support.ending_bank import DayBank, noon
from transactions.money import Money, currency

MARCH = date(2026, 3, 2)
"""A Monday: the market is open."""
USD = currency("USD")


@pytest.fixture
def banks(tmp_path: Path) -> Iterator[tuple[DayBank, DayBank]]:
    """One where an order is undone, and one where it never was."""
    made = DayBank(tmp_path / "one.sqlite3", MARCH), DayBank(tmp_path / "other.sqlite3", MARCH)
    yield made
    for bank in made:
        assert bank.findings() == []
        bank.close()


Both = tuple[DayBank, DayBank]


def draw(bank: DayBank, sub: str, part: int | None) -> str:
    now = noon(bank.day)
    with transaction(bank.db):
        quote = bank.deposits.draw(CARD, sub, None if part is None else Money(part, CNY), now)
    assert isinstance(quote, DrawQuote)
    about = {"sub": sub, "interest": str(quote.interest.minor)}
    key = bank.order(DRAW, quote.id, (quote.amount, quote.fee), about, now)
    assert isinstance(key, str)
    return key


def place(bank: DayBank, kind: str, fen: int) -> str:
    now = noon(bank.day)
    with transaction(bank.db):
        quote = bank.deposits.place(CARD, kind, "", Money(fen, CNY), now)
    assert isinstance(quote, PlaceQuote)
    key = bank.order(PLACE, quote.id, (Money(fen, CNY), quote.fee), {"kind": kind, "term": ""}, now)
    assert isinstance(key, str)
    return key


def books(bank: DayBank) -> dict[str, object]:
    """What everybody has and is due, whatever way it came to that."""
    deposits = Deposits(bank.db).of_account(ACCOUNT)
    foreign = FxAccounts(bank.db).of_account(ACCOUNT)
    house = {name: bank.balance(name) for name in ("interest:CNY", "interest:USD", "vault:CNY")}
    return {
        "card": bank.held,
        "deposits": [(one.sub, one.held, one.opened, one.rate) for one in deposits],
        "foreign": [(one.sub, one.held, one.opened, one.rate) for one in foreign],
        **house,
    }


@pytest.mark.parametrize("part", [None, 500_000])
@pytest.mark.parametrize("days", [-20, 0])
@pytest.mark.parametrize("later", [1, 3, 95])
@pytest.mark.parametrize(
    ("kind", "term", "rate"), [("time", "m3", "1.50"), ("notice", "d7", "1.35")]
)
def test_a_drawing_undone_after_the_term_ended(  # noqa: PLR0917 - a row of the table
    banks: Both, kind: str, term: str, rate: str, later: int, days: int, part: int | None
) -> None:
    ends = date(2026, 6, 2) if kind == "time" else MARCH + timedelta(days=28)
    subs = {bank.deposit(kind, term, 1_000_000, rate) for bank in banks}
    (sub,) = subs
    one, other = banks
    one.pass_to(ends + timedelta(days=days))
    key = draw(one, sub, part)
    one.pass_to(ends + timedelta(days=later))
    assert one.undo(key, noon(one.day))
    other.pass_to(one.day)
    assert books(one) == books(other)
    assert one.findings() == []
    for bank in banks:
        bank.pass_to(ends + timedelta(days=400))
    assert books(one) == books(other)


def test_what_was_drawn_since_stands(banks: Both) -> None:
    one, other = banks
    (sub,) = {bank.deposit("time", "m3", 1_000_000, "1.50") for bank in banks}
    one.pass_to(date(2026, 6, 1))
    first = draw(one, sub, 300_000)
    for bank in banks:
        bank.pass_to(date(2026, 6, 5))
        draw(bank, sub, 200_000)
        bank.pass_to(date(2026, 6, 20))
    assert one.undo(first, noon(one.day))
    assert books(one) == books(other)


def test_a_roll_undone_after_the_date_of_maturity(banks: Both) -> None:
    one, other = banks
    (ident,) = {bank.foreign(Money(600_000, USD), "m1", "0.30") for bank in banks}
    one.pass_to(date(2026, 4, 2))
    (old,) = [each for each in FxAccounts(one.db).of_account(ACCOUNT) if each.id == ident]
    now = noon(one.day)
    with transaction(one.db):
        quote = FxMoves(one.office, one.orders).roll(CARD, old.sub, "m3", now)
    assert isinstance(quote, RollQuote)
    about = {"sub": old.sub, "term": "m3"}
    key = one.order(FX_ROLL, quote.id, (quote.amount, quote.fee), about, now)
    assert isinstance(key, str)
    one.pass_to(date(2026, 5, 10))
    assert one.undo(key, noon(one.day))
    other.pass_to(one.day)
    assert books(one) == books(other)


@pytest.mark.parametrize("until", [date(2026, 3, 25), date(2026, 6, 25), date(2026, 10, 1)])
def test_interest_on_money_that_never_was_goes_back(banks: Both, until: date) -> None:
    one, other = banks
    for bank in banks:
        bank.deposit("savings", "", 1_000_000, "0.35")
    key = place(one, "savings", 700_000)
    one.pass_to(until)
    assert one.undo(key, noon(one.day))
    other.pass_to(until)
    assert books(one) == books(other)


def test_interest_on_money_that_was_there_all_the_time_is_paid(banks: Both) -> None:
    one, other = banks
    (sub,) = {bank.deposit("passbook", "", 4_000_000, "0.35") for bank in banks}
    first = Deposits(one.db).first(ACCOUNT, "passbook")
    assert first is not None
    key = draw(one, first.sub, first.held // 2)
    for bank in banks:
        bank.pass_to(date(2026, 7, 1))
    assert one.undo(key, noon(one.day))
    assert books(one) == books(other)
    assert sub


def deal(bank: DayBank, yuan: int) -> str:
    now = noon(bank.day)
    with transaction(bank.db):
        quote = FxDeals(bank.office, bank.orders).quote(CARD, "cny", "usd", Money(yuan, CNY), now)
    assert isinstance(quote, DealQuote)
    gets = f"840C{quote.gets.minor:012d}"
    about = {"from": "cny", "to": "usd", "gets": gets}
    key = bank.order(FX_DEAL, quote.id, (Money(yuan, CNY), quote.fee), about, now)
    assert isinstance(key, str)
    return key


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
@pytest.mark.parametrize("until", [date(2026, 3, 25), date(2026, 6, 25)])
def test_a_deposit_that_an_undone_exchange_opened_holds_nothing(
    banks: Both, until: date, order: tuple[int, int]
) -> None:
    one, _other = banks
    keys = [deal(one, 500_000), deal(one, 300_000)]
    one.pass_to(until)
    (opened,) = [each for each in FxAccounts(one.db).of_account(ACCOUNT) if each.held.minor]
    assert one.balance("interest:USD") < 0
    for which in order:
        assert one.undo(keys[which], noon(one.day))
        assert one.findings() == []
    assert one.balance(opened.id) == 0
    assert one.balance("interest:USD") == 0
    assert [each for each in FxAccounts(one.db).of_account(ACCOUNT) if each.held.minor] == []


def instalment(bank: DayBank) -> str:
    """The customer's own, which no term has ended of; its number."""
    (one,) = Deposits(bank.db).of_account(ACCOUNT, "instalment")
    assert one.matures is not None
    assert one.matures > MARCH
    return one.sub


def test_an_instalment_whose_drawing_is_undone_goes_to_the_card(banks: Both) -> None:
    one, other = banks
    sub = instalment(one)
    (there,) = Deposits(one.db).of_account(ACCOUNT, "instalment")
    assert there.matures is not None
    for bank in banks:
        bank.pass_to(there.matures - timedelta(days=3))
    key = draw(one, sub, None)
    for bank in banks:
        bank.pass_to(there.matures + timedelta(days=40))
    assert one.undo(key, noon(one.day))
    assert books(one) == books(other)
    assert Deposits(one.db).find(ACCOUNT, sub) is None


def test_an_instalment_whose_payment_is_undone_is_paid_out_without_it(banks: Both) -> None:
    one, other = banks
    (there,) = Deposits(one.db).of_account(ACCOUNT, "instalment")
    assert there.matures is not None
    key = place(one, "instalment", there.monthly)
    for bank in banks:
        bank.pass_to(there.matures + timedelta(days=40))
    assert books(one) != books(other)
    assert one.undo(key, noon(one.day))
    assert books(one) == books(other)
    assert one.findings() == []


def test_what_could_not_be_done_on_its_date_is_done_on_the_next(
    banks: Both, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, other = banks
    for bank in banks:
        bank.deposit("time", "m3", 1_000_000, "1.50")
    one.pass_to(date(2026, 6, 2))
    with monkeypatch.context() as patch:
        patch.setattr(
            "core_adapters.corehost.products.end_of_day.maturities.interest", cannot_be_told
        )
        one.pass_to(date(2026, 6, 5))
    assert [line[0] for line in one.told("failed")] == [date(2026, 6, day) for day in (2, 3, 4)]
    one.pass_to(date(2026, 6, 6))
    other.pass_to(one.day)
    assert books(one) == books(other)


def cannot_be_told(*_: object) -> int:
    raise OverflowError("nobody thought of it")


def test_a_bond_redeemed_and_undone_after_its_end_is_paid_on_the_next_date(banks: Both) -> None:
    one, other = banks
    (bond,) = [each for each in Bonds(one.db).of_account(ACCOUNT) if each.issue == "saving_y5"]
    end = bond.terms.matures
    for bank in banks:
        bank.pass_to(end - timedelta(days=1), skipping=True)
    with transaction(one.db):
        quote = one.bonds.redeem(CARD, bond.sub, None, noon(one.day))
    assert isinstance(quote, RedeemQuote)
    about = {"sub": bond.sub, "interest": str(quote.interest.minor)}
    key = one.order(BOND_REDEEM, quote.id, (quote.amount, quote.fee), about, noon(one.day))
    assert isinstance(key, str)
    for bank in banks:
        bank.pass_to(end + timedelta(days=5), skipping=True)
    assert one.undo(key, noon(one.day))
    for bank in banks:
        bank.pass_to(end + timedelta(days=6))
    assert books(one) == books(other)


@pytest.mark.parametrize("sub", ["0003", "0007"])
def test_what_matured_before_the_bank_kept_this_book_stays_where_a_drawing_is_undone(
    banks: Both, sub: str
) -> None:
    one, other = banks
    found = Deposits(one.db).find(ACCOUNT, sub)
    assert found is not None
    key = draw(one, sub, None)
    for bank in banks:
        bank.pass_to(date(2026, 4, 20))
    assert one.undo(key, noon(one.day))
    assert books(one) == books(other)
    one.pass_to(date(2026, 4, 25))
    assert Deposits(one.db).find(ACCOUNT, sub) == found


def merge(bank: DayBank) -> str:
    now = noon(bank.day)
    with transaction(bank.db):
        quote = FxMoves(bank.office, bank.orders).merge(CARD, "usd", now)
    assert isinstance(quote, MergeQuote)
    key = bank.order(FX_MERGE, quote.id, (quote.amount, quote.fee), {"unit": "usd"}, now)
    assert isinstance(key, str)
    return key


@pytest.mark.parametrize("until", [date(2026, 3, 25), date(2026, 6, 25)])
def test_a_merging_undone_leaves_the_interest_that_there_was(banks: Both, until: date) -> None:
    one, other = banks
    for bank in banks:
        for cents in (2_500_000, 480_500, 900_000):
            bank.foreign(Money(cents, USD), "", "0.05")
    bought = deal(one, 500_000)
    key = merge(one)
    one.pass_to(until)
    for each in (bought, key):
        assert one.undo(each, noon(one.day))
        assert one.findings() == []
    other.pass_to(until)
    assert books(one) == books(other)
