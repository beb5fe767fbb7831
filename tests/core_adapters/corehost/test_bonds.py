"""Treasury bonds: what is sold, what is refused, what redeeming brings early and at maturity."""

import random
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from core_adapters.corehost.products.bonds.holdings import BOND_BUY, BOND_REDEEM, WORDS, Bond
from core_adapters.corehost.products.bonds.orders import BuyQuote, RedeemQuote
from core_adapters.corehost.products.bonds.terms import Held, Issue, load_bond_tariff
from core_adapters.corehost.refusal import Refusal
from support.bank_services import ACCOUNT, CARD, CNY, NOON, OTHER
from support.lending import Lending
from transactions.money import Money, currency

NOTHING = Money(0, CNY)
SEEDED = {"8001": 500_000, "8002": 1_000_000, "8003": 200_000, "8004": 300_000}


@pytest.fixture
def bank(tmp_path: Path) -> Iterator[Lending]:
    opened = Lending(tmp_path / "bank.sqlite3")
    yield opened
    assert opened.findings() == []
    opened.close()


def holds(bank: Lending) -> dict[str, int]:
    return {one.sub: one.held for one in bank.bonds.bonds.of_account(ACCOUNT)}


def find(bank: Lending, sub: str) -> Bond:
    found = bank.bonds.bonds.find(ACCOUNT, sub)
    assert found is not None
    return found


def buy(bank: Lending, issue: str, fen: int, now: datetime = NOON) -> str | Refusal:
    quote = bank.bonds.buy(CARD, issue, Money(fen, CNY), now)
    return quote if isinstance(quote, Refusal) else post_bought(bank, issue, fen, quote, now)


def post_bought(
    bank: Lending, issue: str, fen: int, quote: BuyQuote, now: datetime = NOON
) -> str | Refusal:
    terms = (Money(fen, CNY), quote.fee)
    return bank.order(BOND_BUY, quote.id, terms, {"issue": issue}, now)


def redeem_quote(
    bank: Lending, sub: str, part: int | None = None, now: datetime = NOON
) -> RedeemQuote | Refusal:
    return bank.bonds.redeem(CARD, sub, None if part is None else Money(part, CNY), now)


def post_redeemed(
    bank: Lending, sub: str, quote: RedeemQuote, now: datetime = NOON
) -> str | Refusal:
    about = {"sub": sub, "interest": str(quote.interest.minor)}
    return bank.order(BOND_REDEEM, quote.id, (quote.amount, quote.fee), about, now)


def redeem(bank: Lending, sub: str, part: int | None = None, now: datetime = NOON) -> str | Refusal:
    quote = redeem_quote(bank, sub, part, now)
    return quote if isinstance(quote, Refusal) else post_redeemed(bank, sub, quote, now)


def test_a_seeded_customer_holds_what_was_planted(bank: Lending) -> None:
    assert holds(bank) == SEEDED
    first = find(bank, "8001")
    assert (first.issue, first.rate, first.bought, first.terms.matures) == (
        "book_y1",
        Decimal("1.60"),
        date(2025, 1, 28),
        date(2026, 1, 28),
    )
    assert bank.balance("bonds:CNY") == -2_000_000
    assert bank.balance("treasury:CNY") == 2_000_000
    assert bank.held == 1_000_000


def test_what_is_on_sale_is_sold_to_the_end_of_the_quarter(bank: Lending) -> None:
    told = [(one.name, until) for one, until in bank.bonds.on_sale(NOON)]
    end = date(2026, 3, 31)
    assert told == [("saving_y3", end), ("saving_y5", end), ("book_y1", end)]


@pytest.mark.parametrize(
    ("day", "until"),
    [
        (date(2026, 3, 31), None),
        (date(2026, 4, 1), date(2026, 6, 30)),
        (date(2026, 6, 30), date(2026, 6, 30)),
        (date(2026, 7, 1), None),
        (date(2026, 10, 1), date(2026, 12, 31)),
        (date(2027, 12, 31), date(2027, 12, 31)),
    ],
)
def test_an_issue_is_sold_in_its_quarters_alone(day: date, until: date | None) -> None:
    issue = Issue("spring", Decimal(2), "y3", frozenset({2, 4}))
    assert issue.sold_until(day) == until


@pytest.mark.parametrize(
    ("issue", "fen", "rate", "ends"),
    [
        ("saving_y3", 10_000, "2.38", date(2029, 2, 28)),
        ("saving_y5", 1_000_000, "2.50", date(2031, 2, 28)),
        ("book_y1", 50_000, "1.60", date(2027, 2, 28)),
    ],
)
def test_a_bond_is_bought_and_undone(
    bank: Lending, issue: str, fen: int, rate: str, ends: date
) -> None:
    quote = bank.bonds.buy(CARD, issue, Money(fen, CNY), NOON)
    assert isinstance(quote, BuyQuote)
    assert (quote.rate, quote.matures, quote.fee) == (Decimal(rate), ends, NOTHING)
    tomorrow = NOON + timedelta(days=1)
    key = post_bought(bank, issue, fen, quote)
    assert bank.held == 1_000_000 - fen
    assert bank.balance("treasury:CNY") == 2_000_000 + fen
    assert bank.balance("bonds:CNY") == -2_000_000 - fen
    bought = find(bank, "8005")
    assert (bought.issue, bought.held, bought.terms.matures) == (issue, fen, ends)
    assert bank.findings() == []
    assert bank.undo(key, tomorrow)
    assert not bank.undo(key)
    assert (bank.held, holds(bank)) == (1_000_000, SEEDED)
    assert (bank.balance("treasury:CNY"), bank.balance("bonds:CNY")) == (2_000_000, -2_000_000)
    buy(bank, issue, 10_000)
    assert list(holds(bank))[-1] == "8006"


@pytest.mark.parametrize(
    ("issue", "fen", "refusal"),
    [
        ("special_y5", 10_000, Refusal.NOT_ON_SALE),
        ("gold", 10_000, Refusal.NOT_ON_SALE),
        ("", 10_000, Refusal.NOT_ON_SALE),
        ("saving_y3", 0, Refusal.BAD_AMOUNT),
        ("saving_y3", 5_000, Refusal.BAD_AMOUNT),
        ("saving_y3", 10_001, Refusal.BAD_AMOUNT),
        ("saving_y3", 1_010_000, Refusal.INSUFFICIENT),
        ("saving_y3", 5_010_000, Refusal.OVER_LIMIT),
    ],
)
def test_what_cannot_be_bought_is_refused_at_the_quote(
    bank: Lending, issue: str, fen: int, refusal: Refusal
) -> None:
    assert bank.bonds.buy(CARD, issue, Money(fen, CNY), NOON) is refusal


def test_neither_foreign_money_nor_unknown_cards(bank: Lending) -> None:
    dollars = Money(10_000, currency("USD"))
    assert bank.bonds.buy(CARD, "saving_y3", dollars, NOON) is Refusal.WRONG_CURRENCY
    assert bank.bonds.redeem(CARD, "8001", dollars, NOON) is Refusal.WRONG_CURRENCY
    assert bank.bonds.buy(OTHER, "saving_y3", Money(10_000, CNY), NOON) is Refusal.BAD_CARD
    assert bank.bonds.redeem(OTHER, "8001", None, NOON) is Refusal.BAD_CARD


def test_nobody_holds_more_of_an_issue_than_is_allowed(bank: Lending) -> None:
    bank.post("rich", "salary", 30_000_000)
    for _ in range(3):
        assert isinstance(buy(bank, "saving_y3", 5_000_000), str)
    first, second = (bank.bonds.buy(CARD, "saving_y3", Money(4_000_000, CNY), NOON) for _ in "12")
    assert isinstance(first, BuyQuote)
    assert isinstance(second, BuyQuote)
    assert buy(bank, "saving_y3", 4_010_000) is Refusal.OVER_LIMIT
    assert isinstance(post_bought(bank, "saving_y3", 4_000_000, first), str)
    assert post_bought(bank, "saving_y3", 4_000_000, second) is Refusal.BAD_QUOTE
    assert isinstance(buy(bank, "saving_y5", 10_000), str)


@pytest.mark.parametrize(
    ("sub", "part", "fen", "interest", "fee"),
    [
        ("8001", None, 500_000, 8_000, 0),  # a year at 1.60, nothing for the month after it
        ("8001", 100_000, 100_000, 1_600, 0),
        # Early, from 28 December 2024: 427 days less 180 at 2.38: 16,329.44.
        ("8002", None, 1_000_000, 16_329, 1_000),
        ("8002", 10_000, 10_000, 163, 10),
        ("8003", None, 200_000, 0, 200),  # held for three months
        # Early, from 28 October 2022: 1,219 days less 60 at 3.10: 29,940.83.
        ("8004", None, 300_000, 29_941, 300),
    ],
)
def test_interest_and_fee_of_what_is_redeemed(  # noqa: PLR0917
    bank: Lending, sub: str, part: int | None, fen: int, interest: int, fee: int
) -> None:
    quote = redeem_quote(bank, sub, part)
    assert isinstance(quote, RedeemQuote)
    found = (quote.amount.minor, quote.interest.minor, quote.fee.minor)
    assert found == (fen, interest, fee)
    assert quote.early == ("matured" if sub == "8001" else "early")
    key = post_redeemed(bank, sub, quote)
    assert bank.held == 1_000_000 + fen + interest - fee
    assert bank.balance("treasury:CNY") == 2_000_000 - fen - interest
    assert bank.balance("bonds:CNY") == -2_000_000 + fen
    assert bank.balance("fees:CNY") == fee
    left = SEEDED | {sub: SEEDED[sub] - fen}
    assert holds(bank) == {number: held for number, held in left.items() if held}
    assert bank.findings() == []
    assert bank.undo(key, NOON + timedelta(days=1))
    assert (bank.held, holds(bank), bank.balance("fees:CNY")) == (1_000_000, SEEDED, 0)
    assert bank.balance("treasury:CNY") == 2_000_000


@pytest.mark.parametrize(
    ("day", "interest"),
    [
        (date(2024, 8, 31), 0),
        (date(2025, 2, 27), 0),
        (date(2025, 2, 28), 7),  # six months to the last of February: 181 days less 180
        (date(2026, 8, 30), 3_630),  # 729 less 180: 3,629.5
        (date(2026, 8, 31), 4_231),  # 730 less 90: two years
        (date(2027, 8, 30), 6_638),  # 1,094 less 90
        (date(2027, 8, 31), 7_140),  # three whole years at 2.38
        (date(2040, 1, 1), 7_140),
    ],
)
def test_the_longer_it_is_held_the_less_is_lost(day: date, interest: int) -> None:
    held = Held(Decimal("2.38"), "y3", date(2024, 8, 31))
    tariff = load_bond_tariff()
    assert tariff.interest(held, 100_000, day) == interest
    assert tariff.fee(held, 100_500, day) == (101 if day < held.matures else 0)


@pytest.mark.parametrize(
    ("sub", "part", "refusal"),
    [
        ("8001", 0, Refusal.BAD_AMOUNT),
        ("8001", 5_000, Refusal.BAD_AMOUNT),
        ("8001", 510_000, Refusal.BAD_AMOUNT),
        ("8099", None, Refusal.NO_ACCOUNT),
        ("0001", None, Refusal.NO_ACCOUNT),
    ],
)
def test_what_cannot_be_redeemed_is_refused_at_the_quote(
    bank: Lending, sub: str, part: int | None, refusal: Refusal
) -> None:
    assert redeem_quote(bank, sub, part) is refusal


def test_a_quote_is_posted_once_as_agreed_and_in_time(bank: Lending) -> None:
    quote = redeem_quote(bank, "8002")
    assert isinstance(quote, RedeemQuote)
    right, fee = {"sub": "8002", "interest": "16329"}, quote.fee
    for kind, fen, about, terms, refusal in (
        (BOND_REDEEM, 1_000_000, right | {"interest": "0"}, fee, Refusal.BAD_QUOTE),
        (BOND_REDEEM, 1_000_000, right | {"sub": "8001"}, fee, Refusal.BAD_QUOTE),
        (BOND_REDEEM, 1_000_000, right, NOTHING, Refusal.BAD_QUOTE),
        (BOND_BUY, 1_000_000, right, fee, Refusal.BAD_QUOTE),
        (BOND_REDEEM, 10_000, right, fee, Refusal.BAD_AMOUNT),
    ):
        assert bank.order(kind, quote.id, (Money(fen, CNY), terms), about) is refusal
    late = NOON + timedelta(seconds=121)
    assert post_redeemed(bank, "8002", quote, late) is Refusal.EXPIRED_QUOTE


def test_a_redemption_that_another_overtook_is_refused(bank: Lending) -> None:
    first, second = redeem_quote(bank, "8002", 10_000), redeem_quote(bank, "8002", 500_000)
    assert isinstance(first, RedeemQuote)
    assert isinstance(second, RedeemQuote)
    assert isinstance(post_redeemed(bank, "8002", first), str)
    assert post_redeemed(bank, "8002", second) is Refusal.BAD_QUOTE
    assert post_redeemed(bank, "8002", first) is Refusal.BAD_QUOTE
    assert redeem(bank, "8002", 1_000_000) is Refusal.BAD_AMOUNT


def test_a_bond_is_bought_as_of_the_day_of_its_quote(bank: Lending) -> None:
    before = datetime(2026, 3, 31, 15, 59, 30, tzinfo=UTC)  # half a minute to midnight at the bank
    quote = bank.bonds.buy(CARD, "saving_y3", Money(10_000, CNY), before)
    assert isinstance(quote, BuyQuote)
    assert isinstance(
        post_bought(bank, "saving_y3", 10_000, quote, before + timedelta(seconds=60)), str
    )
    assert find(bank, "8005").terms.matures == quote.matures == date(2029, 3, 31)


def test_entries_of_bonds_have_words() -> None:
    assert set(WORDS) == {BOND_BUY, BOND_REDEEM}


@pytest.mark.parametrize("seed", range(6))
def test_whatever_is_done_and_undone_the_books_agree(bank: Lending, seed: int) -> None:
    """Random purchases and redemptions over years, some undone, in any order."""
    rng, now = random.Random(seed), NOON
    done: list[str] = []
    for _ in range(80):
        now += timedelta(days=rng.choice([0, 0, 3, 20, 60]))
        match rng.randrange(5):
            case 0 | 1:
                issue = rng.choice(["saving_y3", "saving_y5", "book_y1", "special_y5"])
                key = buy(bank, issue, rng.choice([10_000, 50_000, 120_000]), now)
            case 2 | 3 if holds(bank):
                sub = rng.choice(list(holds(bank)))
                key = redeem(bank, sub, rng.choice([None, 10_000, 40_000]), now)
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
    assert (bank.held, holds(bank), bank.balance("fees:CNY")) == (1_000_000, SEEDED, 0)
    assert (bank.balance("treasury:CNY"), bank.balance("bonds:CNY")) == (2_000_000, -2_000_000)
