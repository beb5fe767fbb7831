"""Deposits placed and drawn: what is offered, what is refused, what comes of undoing."""

import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from itertools import count
from pathlib import Path

import pytest

from core_adapters.corehost.bank import Balances
from core_adapters.corehost.house import House, findings, open_house
from core_adapters.corehost.ledger import transaction
from core_adapters.corehost.products.deposits.accounts import Deposit
from core_adapters.corehost.products.deposits.orders import DrawQuote, PlaceQuote
from core_adapters.corehost.products.orders import DRAW, PLACE, Agreed
from core_adapters.corehost.refusal import Refusal
from core_adapters.corehost.rules import Rules
from core_adapters.corehost.seed import DEMO
from core_adapters.corehost.totals import day_totals
from transactions.money import Money, currency
from transactions.ports import Tally

NOON = datetime(2026, 2, 28, 4, tzinfo=UTC)
DAY = date(2026, 2, 28)
CNY = currency("CNY")
KEYS = count(1)
ONE, RICH, POOR, EMPTY = DEMO[0], DEMO[3], DEMO[4], DEMO[5]


@dataclass(frozen=True)
class Customer:
    """One card at the bank."""

    house: House
    card: str
    account: str

    def of(self, kind: str) -> list[Deposit]:
        return self.house.bank.deposits.deposits.of_account(self.account, kind)

    @property
    def held(self) -> int:
        return self.house.bank.ledger.balance(self.account).minor

    def place_quote(
        self, kind: str, fen: int, term: str = "", now: datetime = NOON
    ) -> PlaceQuote | Refusal:
        return self.house.bank.deposits.place(self.card, kind, term, Money(fen, CNY), now)

    def place(self, kind: str, fen: int, term: str = "", now: datetime = NOON) -> str | Refusal:
        """Quoted and posted; gives the business key."""
        quote = self.place_quote(kind, fen, term, now)
        if isinstance(quote, Refusal):
            return quote
        about = {"kind": kind, "term": term}
        return self.post(PLACE, quote.id, Money(fen, CNY), about, now)

    def draw_quote(
        self, sub: str, part: int | None = None, now: datetime = NOON
    ) -> DrawQuote | Refusal:
        asked = None if part is None else Money(part, CNY)
        return self.house.bank.deposits.draw(self.card, sub, asked, now)

    def draw(self, sub: str, part: int | None = None, now: datetime = NOON) -> str | Refusal:
        quote = self.draw_quote(sub, part, now)
        if isinstance(quote, Refusal):
            return quote
        return self.post_draw(sub, quote, now)

    def post_draw(self, sub: str, quote: DrawQuote, now: datetime = NOON) -> str | Refusal:
        about = {"sub": sub, "interest": str(quote.interest.minor)}
        return self.post(DRAW, quote.id, quote.amount, about, now)

    def post(
        self, kind: str, quote: str, amount: Money, about: dict[str, str], now: datetime
    ) -> str | Refusal:
        key = f"2026-02-28/TB010001/{next(KEYS):06d}/0228040000"
        order = Agreed(key, self.card, kind, quote, amount, Money(0, CNY), about=about)
        with transaction(self.house.db):
            held = self.house.bank.post(order, now)
        return held if isinstance(held, Refusal) else key

    def undo(self, key: str | Refusal, now: datetime = NOON) -> bool:
        assert isinstance(key, str), key
        with transaction(self.house.db):
            return self.house.bank.undo(key, now)


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    opened = open_house(tmp_path / "bank", Rules(), NOON)
    yield opened
    assert findings(opened.folder) == []
    opened.close()


def customer(house: House, number: int) -> Customer:
    return Customer(house, DEMO[number].card, DEMO[number].account)


@pytest.fixture
def one(house: House) -> Customer:
    return customer(house, 0)


def test_the_first_customer_has_one_of_everything(one: Customer) -> None:
    held = [(each.sub, each.kind, each.term, each.held) for each in one.of("")]
    assert held == [
        ("0001", "savings", "", 2_000_000),
        ("0002", "passbook", "", 300_000),
        ("0003", "time", "y1", 1_000_000),
        ("0004", "time", "y1", 500_000),
        ("0005", "instalment", "y1", 250_000),
        ("0006", "either", "", 800_000),
        ("0007", "notice", "d7", 1_200_000),
    ]
    ends = [each.matures for each in one.of("")]
    assert ends == [
        None,
        None,
        date(2026, 1, 28),
        date(2026, 10, 28),
        date(2026, 9, 28),
        None,
        None,
    ]


@pytest.mark.parametrize(
    ("kind", "term", "fen", "rate"),
    [
        ("savings", "", 1, "0.35"),
        ("passbook", "", 100_000, "0.35"),
        ("time", "m3", 5_000, "1.10"),
        ("time", "y5", 100_000, "2.80"),
        ("instalment", "y1", 50_000, "1.10"),
        ("either", "", 5_000, "0.35"),
        ("notice", "d1", 100_000, "0.80"),
    ],
)
def test_each_kind_is_placed_and_undone(
    one: Customer, kind: str, term: str, fen: int, rate: str
) -> None:
    before, deposits = one.held, one.of("")
    quote = one.place_quote(kind, fen, term)
    assert isinstance(quote, PlaceQuote)
    assert (quote.fee.minor, quote.rate) == (0, Decimal(rate))
    key = one.place(kind, fen, term)
    assert one.held == before - fen
    assert sum(each.held for each in one.of("")) == sum(each.held for each in deposits) + fen
    assert len(one.of(kind)) - len([d for d in deposits if d.kind == kind]) == (
        kind in ("time", "either", "notice")
    )
    assert one.undo(key)
    assert not one.undo(key)
    assert (one.held, one.of("")) == (before, deposits)


@pytest.mark.parametrize(
    ("kind", "term", "fen", "refusal"),
    [
        ("time", "", 100_000, Refusal.BAD_TERM),
        ("time", "d7", 100_000, Refusal.BAD_TERM),
        ("either", "y1", 100_000, Refusal.BAD_TERM),
        ("savings", "y1", 100_000, Refusal.BAD_TERM),
        ("gold", "", 100_000, Refusal.BAD_TERM),
        ("instalment", "y3", 50_000, Refusal.BAD_TERM),  # he has one of another term
        ("time", "y1", 4_999, Refusal.BAD_AMOUNT),
        ("time", "y1", 0, Refusal.BAD_AMOUNT),
        ("notice", "d7", 99_999, Refusal.BAD_AMOUNT),
        ("instalment", "y1", 40_000, Refusal.BAD_AMOUNT),  # not the sum agreed to
        ("time", "y1", 5_000_001, Refusal.OVER_LIMIT),
        ("time", "y1", 1_300_000, Refusal.INSUFFICIENT),
    ],
)
def test_what_cannot_be_placed_is_refused_at_the_quote(
    one: Customer, kind: str, term: str, fen: int, refusal: Refusal
) -> None:
    assert one.place_quote(kind, fen, term) is refusal


def test_what_is_held_back_cannot_be_placed(one: Customer) -> None:
    balances = one.house.bank.balances(one.card)
    assert isinstance(balances, Balances)
    assert (balances.ledger.minor, balances.available.minor) == (1_268_050 + 33_300, 1_268_050)
    assert one.place_quote("time", 1_268_051, "y1") is Refusal.INSUFFICIENT
    assert isinstance(one.place("time", 1_268_050, "y1"), str)


def test_an_instalment_is_opened_once_and_paid_once_a_month(house: House) -> None:
    empty = customer(house, 3)
    (old,) = empty.of("instalment")
    assert isinstance(empty.draw(old.sub), str)
    first = empty.place_quote("instalment", 10_000, "y1")
    second = empty.place_quote("instalment", 10_000, "y3")
    assert isinstance(first, PlaceQuote)
    assert isinstance(second, PlaceQuote)
    about = {"kind": "instalment", "term": "y1"}
    opened = empty.post(PLACE, first.id, Money(10_000, CNY), about, NOON)
    about["term"] = "y3"
    late = empty.post(PLACE, second.id, Money(10_000, CNY), about, NOON)
    assert late is Refusal.BAD_QUOTE
    assert empty.place_quote("instalment", 10_000) is Refusal.BAD_AMOUNT  # paid this month
    next_month = NOON + timedelta(days=31)
    assert isinstance(empty.place("instalment", 10_000, "", next_month), str)
    assert empty.place("instalment", 10_000, "", next_month) is Refusal.BAD_AMOUNT
    assert [each.held for each in empty.of("instalment")] == [20_000]
    assert isinstance(opened, str)


def test_a_number_is_not_used_again(one: Customer) -> None:
    key = one.place("time", 10_000, "m3")
    assert one.of("time")[-1].sub == "0008"
    assert one.undo(key)
    one.place("time", 10_000, "m3")
    assert one.of("time")[-1].sub == "0009"


@pytest.mark.parametrize(
    ("sub", "part", "fen", "interest"),
    [
        ("0001", 100_000, 100_000, 0),
        ("0002", 300_000, 300_000, 0),
        # A year at 1.50, then 31 days at 0.35: 15,000 + 301.39.
        ("0003", None, 1_000_000, 15_301),
        ("0003", 400_000, 400_000, 6_121),  # 6,120.56
        # Early: from 28 October, 123 days at 0.35.
        ("0004", None, 500_000, 598),  # 597.92
        ("0004", 200_000, 200_000, 239),  # 239.17
        # 50,000 for 153, 123, 92, 62 and 31 days at 0.35, closed early.
        ("0005", None, 250_000, 224),  # 224.10
        # From 28 July, seven months: 215 days at 60 % of 1.30.
        ("0006", None, 800_000, 3_727),  # 3,726.67
        # No notice given: 62 days at 0.35.
        ("0007", None, 1_200_000, 723),  # 723.33
        ("0007", 200_000, 200_000, 121),  # 120.56
    ],
)
def test_interest_on_what_is_drawn(
    one: Customer, sub: str, part: int | None, fen: int, interest: int
) -> None:
    quote = one.draw_quote(sub, part)
    assert isinstance(quote, DrawQuote)
    assert (quote.amount.minor, quote.interest.minor, quote.fee.minor) == (fen, interest, 0)
    before, deposits = one.held, one.of("")
    expense = one.house.bank.ledger.balance("interest:CNY").minor
    key = one.post_draw(sub, quote)
    assert one.held == before + fen + interest
    assert one.house.bank.ledger.balance("interest:CNY").minor == expense - interest
    there = {each.sub: each.held for each in one.of("")}
    whole = next(each.held for each in deposits if each.sub == sub)
    closes = fen == whole and sub not in ("0001", "0002")
    assert there.get(sub) == (None if closes else whole - fen)
    tomorrow = NOON + timedelta(days=1)
    assert one.undo(key, tomorrow)
    assert (one.held, one.of("")) == (before, deposits)


def test_an_instalment_paid_every_month_earns_its_own_rate(house: House) -> None:
    two = customer(house, 1)
    (there,) = two.of("instalment")
    assert there.opened == date(2025, 11, 28)
    for month in range(9):
        now = datetime(2026 + (1 + month) // 12, (1 + month) % 12 + 1, 28, 4, tzinfo=UTC)
        assert isinstance(two.place("instalment", 10_000, "", now), str)
    end = datetime(2026, 11, 28, 4, tzinfo=UTC)
    assert two.place("instalment", 10_000, "", end) is Refusal.BAD_AMOUNT
    days = [
        (date(2026, 11, 28) - date(2025 + (10 + m) // 12, (10 + m) % 12 + 1, 28)).days
        for m in range(12)
    ]
    assert (days[0], days[-1]) == (365, 31)
    quote = two.draw_quote(there.sub, None, end)
    assert isinstance(quote, DrawQuote)
    whole = Decimal(10_000) * sum(days) * Decimal("1.10") / 36_000
    assert quote.interest.minor == int(whole + Decimal("0.5")) == 727
    one_late = two.draw_quote(there.sub, None, end + timedelta(days=360))
    assert isinstance(one_late, DrawQuote)
    assert one_late.interest.minor == int(whole + 420 + Decimal("0.5"))  # 120,000 at 0.35


def test_an_instalment_with_a_month_missing_earns_the_demand_rate(one: Customer) -> None:
    end = datetime(2026, 9, 28, 4, tzinfo=UTC)
    quote = one.draw_quote("0005", None, end)
    assert isinstance(quote, DrawQuote)
    days = sum(
        (date(2026, 9, 28) - day).days
        for day in (
            date(2025, 9, 28),
            date(2025, 10, 28),
            date(2025, 11, 28),
            date(2025, 12, 28),
            date(2026, 1, 28),
        )
    )
    assert quote.interest.minor == round(50_000 * days * 0.35 / 36_000)


@pytest.mark.parametrize(
    ("sub", "part", "refusal"),
    [
        ("0001", None, Refusal.BAD_AMOUNT),  # demand accounts are closed at the counter
        ("0002", None, Refusal.BAD_AMOUNT),
        ("0001", 2_000_001, Refusal.BAD_AMOUNT),
        ("0003", 0, Refusal.BAD_AMOUNT),
        ("0003", 995_001, Refusal.BAD_AMOUNT),  # less than 50.00 would stay
        ("0007", 1_100_001, Refusal.BAD_AMOUNT),
        ("0005", 50_000, Refusal.NOT_DUE),  # drawn whole, or not
        ("0006", 50_000, Refusal.NOT_DUE),
        ("0099", None, Refusal.NO_ACCOUNT),
        ("", None, Refusal.NO_ACCOUNT),
    ],
)
def test_what_cannot_be_drawn_is_refused_at_the_quote(
    one: Customer, sub: str, part: int | None, refusal: Refusal
) -> None:
    assert one.draw_quote(sub, part) is refusal


def test_nobody_draws_another_customers_deposit(house: House) -> None:
    poor, quote = customer(house, 4), customer(house, 0).draw_quote("0003")
    assert isinstance(quote, DrawQuote)
    assert poor.post_draw("0003", quote) is Refusal.BAD_QUOTE
    assert customer(house, 5).draw_quote("0003") is Refusal.NO_ACCOUNT


def test_a_drawing_that_another_overtook_is_refused(one: Customer) -> None:
    whole, part = one.draw_quote("0003"), one.draw_quote("0003", 100_000)
    assert isinstance(whole, DrawQuote)
    assert isinstance(part, DrawQuote)
    assert isinstance(one.post_draw("0003", part), str)
    assert one.post_draw("0003", whole) in (Refusal.BAD_QUOTE, Refusal.INSUFFICIENT)
    assert isinstance(one.draw("0003"), str)
    assert one.draw("0003") is Refusal.NO_ACCOUNT


def test_a_quote_is_posted_once_as_agreed_and_in_time(one: Customer) -> None:
    quote = one.draw_quote("0003")
    assert isinstance(quote, DrawQuote)
    right = {"sub": "0003", "interest": str(quote.interest.minor)}
    for kind, fen, about, now, refusal in (
        (DRAW, 1_000_000, right | {"interest": "99"}, NOON, Refusal.BAD_QUOTE),
        (DRAW, 1_000_000, right | {"sub": "0004"}, NOON, Refusal.BAD_QUOTE),
        (PLACE, 1_000_000, right, NOON, Refusal.BAD_QUOTE),
        (DRAW, 999_999, right, NOON, Refusal.BAD_AMOUNT),
        (DRAW, 1_000_000, right, NOON + timedelta(seconds=121), Refusal.EXPIRED_QUOTE),
    ):
        assert one.post(kind, quote.id, Money(fen, CNY), about, now) is refusal
    assert isinstance(one.post_draw("0003", quote), str)
    assert one.post_draw("0003", quote) is Refusal.BAD_QUOTE


def test_the_day_counts_the_orders_amounts_and_not_their_legs(one: Customer) -> None:
    one.draw("0003")
    key = one.draw("0004", 200_000)
    one.place("either", 70_000)
    one.undo(key)
    told = day_totals(one.house.db, DAY, CNY)
    assert told.debits == Tally(3, 1_270_000)
    assert told.debit_reversals == Tally(1, 200_000)
    assert told.fees == 0


def test_a_reversal_out_of_turn_leaves_no_money_where_nobody_can_draw_it(one: Customer) -> None:
    before = one.held
    part = one.draw("0004", 100_000)
    interest = one.held - before - 100_000
    whole = one.draw("0004")
    assert one.undo(part)
    assert [each.held for each in one.of("time")] == [1_000_000, 100_000]
    assert one.undo(whole)
    assert [each.held for each in one.of("time")] == [1_000_000, 500_000]
    assert (one.held, interest) == (before, 120)


@pytest.mark.parametrize("seed", range(6))
def test_whatever_is_done_and_undone_the_books_agree(house: House, seed: int) -> None:
    """Random orders of random customers over two years, some undone, in any order."""
    rng, now = random.Random(seed), NOON
    people = [customer(house, number) for number in (0, 1, 2, 3)]
    done: list[tuple[Customer, str]] = []
    for _ in range(120):
        now += timedelta(days=rng.choice([0, 0, 1, 5, 20]))
        who = rng.choice(people)
        match rng.randrange(6):
            case 0 | 1:
                kind = rng.choice(["savings", "passbook", "time", "instalment", "either", "notice"])
                term = rng.choice(["", "", "m3", "y1", "d7"])
                key = who.place(kind, rng.choice([10_000, 50_000, 123_456]), term, now)
            case 2 | 3:
                key = who.draw(rng.choice(who.of("")).sub, rng.choice([None, 5_000, 77_777]), now)
            case 4 if done:
                who, old = done.pop(rng.randrange(len(done)))
                assert who.undo(old, now)
                continue
            case _:
                continue
        if isinstance(key, str):
            done.append((who, key))
    assert len(done) > 5
    rng.shuffle(done)
    for who, old in done:
        assert who.undo(old, now)
    fresh = [each.held for each in people[0].of("")]
    assert fresh == [2_000_000, 300_000, 1_000_000, 500_000, 250_000, 800_000, 1_200_000]
    assert house.bank.ledger.balance("interest:CNY").minor == 0
