"""Loans: what is lent and refused, what repaying takes, what is undone, and what a pledge holds."""

import random
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from core_adapters.corehost.products.deposits.orders import DrawQuote, PlaceQuote
from core_adapters.corehost.products.information import stated_rates
from core_adapters.corehost.products.loans.accounts import LOAN_OPEN, LOAN_REPAY, WORDS, Loan
from core_adapters.corehost.products.loans.orders import Due, LoanQuote, RepayQuote
from core_adapters.corehost.products.loans.terms import Lent, load_loan_tariff
from core_adapters.corehost.products.orders import DRAW, PLACE
from core_adapters.corehost.products.pledges import owed_on
from core_adapters.corehost.refusal import Refusal
from support.bank_services import ACCOUNT, CARD, CNY, NOON, OTHER
from support.lending import Lending
from transactions.money import Money, currency

NOTHING = Money(0, CNY)
EARNED = "loan_interest:CNY"


@pytest.fixture
def bank(tmp_path: Path) -> Iterator[Lending]:
    opened = Lending(tmp_path / "bank.sqlite3")
    yield opened
    assert opened.findings() == []
    opened.close()


def owing(bank: Lending) -> list[tuple[str, str, int]]:
    return [(one.sub, one.kind, one.owed) for one in bank.loans.loans.of_account(ACCOUNT)]


def find(bank: Lending, sub: str) -> Loan:
    found = bank.loans.loans.find(ACCOUNT, sub)
    assert found is not None
    return found


def lend(bank: Lending, fen: int, term: str, sub: str = "", now: datetime = NOON) -> str | Refusal:
    quote = bank.loans.open(CARD, Money(fen, CNY), term, sub, now)
    if isinstance(quote, Refusal):
        return quote
    return post_loan(bank, quote, fen, {"term": term, "sub": sub}, now)


def post_loan(
    bank: Lending, quote: LoanQuote, fen: int, about: dict[str, str], now: datetime = NOON
) -> str | Refusal:
    return bank.order(LOAN_OPEN, quote.id, (Money(fen, CNY), quote.fee), about, now)


def repay_quote(
    bank: Lending, sub: str, part: int | None = None, now: datetime = NOON
) -> RepayQuote | Refusal:
    return bank.loans.repay(CARD, sub, None if part is None else Money(part, CNY), now)


def post_repaid(bank: Lending, sub: str, quote: RepayQuote, now: datetime = NOON) -> str | Refusal:
    about = {"sub": sub, "interest": str(quote.interest.minor)}
    return bank.order(LOAN_REPAY, quote.id, (quote.amount, quote.fee), about, now)


def repay(bank: Lending, sub: str, part: int | None = None, now: datetime = NOON) -> str | Refusal:
    quote = repay_quote(bank, sub, part, now)
    return quote if isinstance(quote, Refusal) else post_repaid(bank, sub, quote, now)


def test_a_seeded_customer_owes_what_was_planted(bank: Lending) -> None:
    assert owing(bank) == [("6001", "self_service", 1_000_000), ("6002", "self_service", 300_000)]
    first = find(bank, "6001")
    assert (first.rate, first.opened, first.matures) == (
        Decimal("4.35"),
        date(2025, 9, 28),
        date(2026, 9, 28),
    )
    assert bank.loans.loans.line_left(ACCOUNT) == 3_700_000
    assert bank.held == 1_000_000


def test_what_is_lent_at_is_what_is_told() -> None:
    told = dict(stated_rates("loan_rates"))
    kinds = load_loan_tariff().kinds
    assert set(kinds["pledged"].rates.values()) == {told["pledged"]}
    self_service = kinds["self_service"].rates
    assert (self_service["m6"], self_service["y1"]) == (told["m6"], told["y1"])
    assert self_service["y3"] == told["y3"]


@pytest.mark.parametrize(
    ("fen", "term", "sub", "kind", "fee", "ends"),
    [
        (10_000, "m3", "", "self_service", 500, date(2026, 5, 28)),
        (3_700_000, "y3", "", "self_service", 500, date(2029, 2, 28)),
        (450_000, "m6", "0004", "pledged", 0, date(2026, 8, 28)),  # 90 % of 5,000.00
        (10_000, "y1", "0003", "pledged", 0, date(2027, 2, 28)),  # matured itself
        (10_000, "y1", "0005", "pledged", 0, date(2027, 2, 28)),
        (10_000, "y1", "0006", "pledged", 0, date(2027, 2, 28)),
        (1_080_000, "m3", "0007", "pledged", 0, date(2026, 5, 28)),
    ],
)
def test_a_loan_is_paid_out_and_undone(  # noqa: PLR0917
    bank: Lending, fen: int, term: str, sub: str, kind: str, fee: int, ends: date
) -> None:
    before = (bank.held, owing(bank), bank.balance("fees:CNY"))
    quote = bank.loans.open(CARD, Money(fen, CNY), term, sub, NOON)
    assert isinstance(quote, LoanQuote)
    assert (quote.fee.minor, quote.matures) == (fee, ends)
    key = post_loan(bank, quote, fen, {"term": term, "sub": sub})
    assert bank.held == before[0] + fen - fee
    assert bank.balance("fees:CNY") == before[2] + fee
    loan = find(bank, "6003")
    assert (loan.kind, loan.owed, loan.rate, loan.matures) == (kind, fen, quote.rate, ends)
    assert loan.opened == date(2026, 2, 28)
    assert bank.findings() == []
    assert bank.undo(key, NOON + timedelta(days=1))
    assert not bank.undo(key)
    assert (bank.held, owing(bank), bank.balance("fees:CNY")) == before
    lend(bank, 10_000, "m3")
    assert owing(bank)[-1][0] == "6004"


@pytest.mark.parametrize(
    ("fen", "term", "sub", "refusal"),
    [
        (10_000, "", "", Refusal.BAD_TERM),
        (10_000, "y5", "", Refusal.BAD_TERM),
        (10_000, "d7", "", Refusal.BAD_TERM),
        (10_000, "y3", "0004", Refusal.BAD_TERM),
        (9_999, "y1", "", Refusal.BAD_AMOUNT),
        (9_999, "y1", "0004", Refusal.BAD_AMOUNT),
        (0, "y1", "", Refusal.BAD_AMOUNT),
        (3_700_001, "y1", "", Refusal.OVER_LIMIT),
        (450_001, "y1", "0004", Refusal.OVER_LIMIT),
        (10_000, "y1", "0001", Refusal.NO_ACCOUNT),  # demand deposits secure nothing
        (10_000, "y1", "0002", Refusal.NO_ACCOUNT),
        (10_000, "y1", "0099", Refusal.NO_ACCOUNT),
    ],
)
def test_what_is_not_lent_is_refused_at_the_quote(
    bank: Lending, fen: int, term: str, sub: str, refusal: Refusal
) -> None:
    assert bank.loans.open(CARD, Money(fen, CNY), term, sub, NOON) is refusal


def test_neither_foreign_money_nor_unknown_cards_nor_without_a_line(bank: Lending) -> None:
    dollars = Money(10_000, currency("USD"))
    assert bank.loans.open(CARD, dollars, "y1", "", NOON) is Refusal.WRONG_CURRENCY
    assert bank.loans.repay(CARD, "6001", dollars, NOON) is Refusal.WRONG_CURRENCY
    assert bank.loans.open(OTHER, Money(10_000, CNY), "y1", "", NOON) is Refusal.BAD_CARD
    assert bank.loans.due(OTHER, "6001", NOON) is Refusal.BAD_CARD
    assert bank.loans.repay(OTHER, "6001", None, NOON) is Refusal.BAD_CARD
    bank.db.execute("DELETE FROM credit_line")
    assert bank.loans.open(CARD, Money(10_000, CNY), "y1", "", NOON) is Refusal.NO_ACCOUNT
    assert isinstance(lend(bank, 10_000, "y1", "0004"), str)


def test_no_more_is_lent_than_the_deposit_and_the_line_bear(bank: Lending) -> None:
    assert isinstance(lend(bank, 400_000, "m6", "0004"), str)
    assert lend(bank, 50_001, "m6", "0004") is Refusal.OVER_LIMIT
    assert isinstance(lend(bank, 50_000, "m6", "0004"), str)
    assert isinstance(lend(bank, 3_700_000, "m6"), str)  # pledged loans are not of the line
    assert lend(bank, 10_000, "m6") is Refusal.OVER_LIMIT
    assert isinstance(repay(bank, "6002"), str)
    assert isinstance(lend(bank, 300_000, "m6"), str)


def test_two_quotes_do_not_lend_one_line_twice(bank: Lending) -> None:
    for fen, sub in ((3_000_000, ""), (300_000, "0004")):
        about = {"term": "m6", "sub": sub}
        quotes = [bank.loans.open(CARD, Money(fen, CNY), "m6", sub, NOON) for _ in range(2)]
        first, second = quotes
        assert isinstance(first, LoanQuote)
        assert isinstance(second, LoanQuote)
        assert isinstance(post_loan(bank, first, fen, about), str)
        assert post_loan(bank, second, fen, about) is Refusal.BAD_QUOTE


def test_a_deposit_drawn_after_the_quote_is_no_pledge(bank: Lending) -> None:
    quote = bank.loans.open(CARD, Money(10_000, CNY), "m6", "0004", NOON)
    assert isinstance(quote, LoanQuote)
    drawn = bank.deposits.draw(CARD, "0004", None, NOON)
    assert isinstance(drawn, DrawQuote)
    about = {"sub": "0004", "interest": str(drawn.interest.minor)}
    assert isinstance(bank.order(DRAW, drawn.id, (drawn.amount, NOTHING), about), str)
    late = post_loan(bank, quote, 10_000, {"term": "m6", "sub": "0004"})
    assert late is Refusal.BAD_QUOTE


def test_a_pledge_is_held_until_all_of_it_is_repaid(bank: Lending) -> None:
    deposit = bank.deposits.deposits.find(ACCOUNT, "0004")
    assert deposit is not None
    assert owed_on(bank.db, deposit.id) == 0
    one, _other = lend(bank, 100_000, "m6", "0004"), lend(bank, 50_000, "m6", "0004")
    assert owed_on(bank.db, deposit.id) == 150_000
    repay(bank, "6003", 40_000)
    assert owed_on(bank.db, deposit.id) == 110_000
    whole = repay(bank, "6003")
    repay(bank, "6004")
    assert owed_on(bank.db, deposit.id) == 0
    assert bank.undo(whole)
    assert owed_on(bank.db, deposit.id) == 60_000
    assert isinstance(one, str)


def test_a_pledged_deposit_is_not_drawn(bank: Lending) -> None:
    early = bank.deposits.draw(CARD, "0004", None, NOON)
    assert isinstance(early, DrawQuote)
    key = lend(bank, 10_000, "m6", "0004")
    about = {"sub": "0004", "interest": str(early.interest.minor)}
    drawn = bank.order(DRAW, early.id, (early.amount, NOTHING), about)
    assert drawn is Refusal.BAD_QUOTE
    for part in (None, Money(10_000, CNY)):
        assert bank.deposits.draw(CARD, "0004", part, NOON) is Refusal.NOT_DUE
    assert isinstance(bank.deposits.draw(CARD, "0003", None, NOON), DrawQuote)
    assert bank.undo(key)
    assert isinstance(bank.order(DRAW, early.id, (early.amount, NOTHING), about), str)


def test_an_instalment_that_is_pledged_may_still_be_paid_into(bank: Lending) -> None:
    assert isinstance(lend(bank, 200_000, "m6", "0005"), str)
    quote = bank.deposits.place(CARD, "instalment", "", Money(50_000, CNY), NOON)
    assert isinstance(quote, PlaceQuote)
    about = {"kind": "instalment", "term": ""}
    assert isinstance(bank.order(PLACE, quote.id, (Money(50_000, CNY), NOTHING), about), str)
    assert lend(bank, 70_001, "m6", "0005") is Refusal.OVER_LIMIT
    assert isinstance(lend(bank, 70_000, "m6", "0005"), str)


@pytest.mark.parametrize(
    ("sub", "part", "fen", "interest"),
    [
        # From 28 September, 153 days at 4.35: 18,487.50.
        ("6001", None, 1_000_000, 18_488),
        ("6001", 1, 1, 0),
        ("6001", 400_000, 400_000, 7_395),
        # Overdue: 28 October to 28 January at 4.35, then 31 days at 6.525: 3,335.00 and 1,685.63.
        ("6002", None, 300_000, 5_021),
        ("6002", 100_000, 100_000, 1_674),  # 1,673.54
    ],
)
def test_interest_on_what_is_repaid(
    bank: Lending, sub: str, part: int | None, fen: int, interest: int
) -> None:
    bank.post("more", "salary", 100_000)
    quote = repay_quote(bank, sub, part)
    assert isinstance(quote, RepayQuote)
    assert (quote.amount.minor, quote.interest.minor, quote.fee) == (fen, interest, NOTHING)
    if part is None:
        due = bank.loans.due(CARD, sub, NOON)
        assert isinstance(due, Due)
        assert (due.principal.minor, due.interest.minor) == (fen, interest)
        assert (due.due.minor, due.matures) == (fen + interest, find(bank, sub).matures)
    before, there = bank.held, owing(bank)
    key = post_repaid(bank, sub, quote)
    assert bank.held == before - fen - interest
    assert bank.balance(EARNED) == interest
    left = {number: owed for number, _kind, owed in there}
    left[sub] -= fen
    now = {number: owed for number, _kind, owed in owing(bank)}
    assert now == {number: owed for number, owed in left.items() if owed}
    assert bank.findings() == []
    assert bank.undo(key, NOON + timedelta(days=1))
    assert (bank.held, owing(bank), bank.balance(EARNED)) == (before, there, 0)


@pytest.mark.parametrize("day", [date(2026, 9, 28), date(2026, 9, 29), date(2027, 9, 28)])
def test_late_interest_begins_the_day_after_the_term(day: date) -> None:
    lent = Lent(Decimal("4.35"), date(2025, 9, 28), date(2026, 9, 28))
    late = (day - lent.matures).days
    whole = Decimal(1_000_000) * (365 + late * Decimal("1.5")) * lent.rate / 36_000
    assert load_loan_tariff().interest(lent, 1_000_000, day) == int(whole + Decimal("0.5"))


def test_nothing_is_earned_on_the_day_itself(bank: Lending) -> None:
    lend(bank, 10_000, "m3")
    quote = repay_quote(bank, "6003")
    assert isinstance(quote, RepayQuote)
    assert quote.interest == NOTHING
    assert isinstance(post_repaid(bank, "6003", quote), str)


@pytest.mark.parametrize(
    ("sub", "part", "refusal"),
    [
        ("6001", 0, Refusal.BAD_AMOUNT),
        ("6001", 1_000_001, Refusal.BAD_AMOUNT),
        ("6001", None, Refusal.INSUFFICIENT),  # 10,000.00 and no more: not for the interest
        ("6001", 990_000, Refusal.INSUFFICIENT),
        ("6009", None, Refusal.NO_ACCOUNT),
        ("0001", None, Refusal.NO_ACCOUNT),
        ("", None, Refusal.NO_ACCOUNT),
    ],
)
def test_what_cannot_be_repaid_is_refused_at_the_quote(
    bank: Lending, sub: str, part: int | None, refusal: Refusal
) -> None:
    assert repay_quote(bank, sub, part) is refusal


def test_a_quote_is_posted_once_as_agreed_and_in_time(bank: Lending) -> None:
    quote = repay_quote(bank, "6002")
    assert isinstance(quote, RepayQuote)
    right = {"sub": "6002", "interest": str(quote.interest.minor)}
    for kind, fen, about, now, refusal in (
        (LOAN_REPAY, 300_000, right | {"interest": "0"}, NOON, Refusal.BAD_QUOTE),
        (LOAN_REPAY, 300_000, right | {"sub": "6001"}, NOON, Refusal.BAD_QUOTE),
        (LOAN_OPEN, 300_000, right, NOON, Refusal.BAD_QUOTE),
        (LOAN_REPAY, 299_999, right, NOON, Refusal.BAD_AMOUNT),
        (LOAN_REPAY, 300_000, right, NOON + timedelta(seconds=121), Refusal.EXPIRED_QUOTE),
    ):
        terms = (Money(fen, CNY), NOTHING)
        assert bank.order(kind, quote.id, terms, about, now) is refusal
    overtaken = repay_quote(bank, "6002", 100_000)
    assert isinstance(overtaken, RepayQuote)
    assert isinstance(post_repaid(bank, "6002", overtaken), str)
    assert post_repaid(bank, "6002", quote) is Refusal.BAD_QUOTE
    assert repay(bank, "6002", 200_001) is Refusal.BAD_AMOUNT


def test_a_loan_repaid_whole_is_gone_and_back_when_that_is_undone(bank: Lending) -> None:
    key = repay(bank, "6002")
    assert bank.loans.due(CARD, "6002", NOON) is Refusal.NO_ACCOUNT
    assert repay_quote(bank, "6002", 1) is Refusal.NO_ACCOUNT
    assert bank.undo(key)
    assert isinstance(repay(bank, "6002", 1), str)


def test_a_reversal_out_of_turn_leaves_no_debt_that_nobody_sees(bank: Lending) -> None:
    part = repay(bank, "6002", 100_000)
    assert isinstance(repay(bank, "6002"), str)
    assert [sub for sub, _kind, _owed in owing(bank)] == ["6001"]
    assert bank.undo(part)
    assert owing(bank)[1] == ("6002", "self_service", 100_000)
    assert isinstance(repay(bank, "6002"), str)


def test_entries_of_loans_have_words() -> None:
    assert set(WORDS) == {LOAN_OPEN, LOAN_REPAY}


@pytest.mark.parametrize("seed", range(6))
def test_whatever_is_done_and_undone_the_books_agree(bank: Lending, seed: int) -> None:
    """Random loans and repayments over two years, some undone, in any order."""
    rng, now = random.Random(seed), datetime(2026, 2, 28, 4, tzinfo=UTC)
    first = (bank.held, owing(bank), bank.balance(EARNED), bank.balance("fees:CNY"))
    done: list[str] = []
    for _ in range(80):
        now += timedelta(days=rng.choice([0, 0, 1, 5, 20]))
        match rng.randrange(5):
            case 0 | 1:
                fen = rng.choice([10_000, 123_456, 400_000])
                sub = rng.choice(["", "0004", "0007"])
                key = lend(bank, fen, rng.choice(["m3", "y1"]), sub, now)
            case 2 | 3 if owing(bank):
                sub = rng.choice(owing(bank))[0]
                key = repay(bank, sub, rng.choice([None, 5_000, 77_777]), now)
            case _ if done:
                assert bank.undo(done.pop(rng.randrange(len(done))), now)
                continue
            case _:
                continue
        if isinstance(key, str):
            done.append(key)
        assert bank.findings() == []
    assert len(done) > 5
    rng.shuffle(done)
    for key in done:
        assert bank.undo(key, now)
    assert (bank.held, owing(bank), bank.balance(EARNED), bank.balance("fees:CNY")) == first
