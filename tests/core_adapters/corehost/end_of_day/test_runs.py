"""Ends of business dates as a whole: money, order, once for each date, whole or not at all."""

import random
import sqlite3
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from core_adapters.corehost.ledger import LedgerError, Leg, transaction
from core_adapters.corehost.products.deposits.accounts import Deposits
from core_adapters.corehost.products.end_of_day.book import FAILED, Item
from core_adapters.corehost.products.end_of_day.interest import settle_interest
from core_adapters.corehost.products.end_of_day.run import STEPS, EndOfDay
from core_adapters.corehost.products.end_of_day.terms import load_day_terms
from core_adapters.corehost.products.end_of_day.work import Closing, Subject, Work
from core_adapters.corehost.products.exchange.accounts import FxAccounts
from core_adapters.corehost.products.exchange.moves import FX_ROLL, FxMoves
from core_adapters.corehost.products.orders import DRAW, PLACE
from core_adapters.corehost.refusal import Refusal
from support.bank_services import ACCOUNT, CARD, CNY
from support.ending_bank import DayBank, noon
from transactions.money import Money, currency

BEGIN = date(2026, 3, 2)
DAYS = 400


@pytest.fixture
def bank(tmp_path: Path) -> Iterator[DayBank]:
    opened = DayBank(tmp_path / "bank.sqlite3", BEGIN)
    yield opened
    opened.close()


def furnish(bank: DayBank, draw: random.Random) -> None:
    """A few products drawn at random, opened on the bank's day."""
    for _ in range(4):
        kind, term, rate = draw.choice(
            [
                ("savings", "", "0.35"),
                ("passbook", "", "0.35"),
                ("time", "m3", "1.10"),
                ("time", "y1", "1.50"),
                ("notice", "d1", "0.80"),
                ("notice", "d7", "1.35"),
                ("either", "", "0.35"),
            ]
        )
        bank.deposit(kind, term, draw.randrange(100_000, 9_000_000), rate)
    for code, term, rate in (("USD", "", "0.05"), ("JPY", "m1", "0.01"), ("EUR", "m3", "0.05")):
        amount = Money(draw.randrange(1_000, 9_000_000), currency(code))
        bank.foreign(amount, term, rate)


def customers(bank: DayBank) -> dict[str, int]:
    """What customers have, and what the bank's own accounts say of it, by currency."""
    rows = bank.db.execute(
        "SELECT a.currency, CASE WHEN l.account LIKE 'interest:%' THEN 'interest'"
        " WHEN l.account LIKE '%:%' THEN 'house' ELSE 'customers' END, SUM(l.minor)"
        " FROM leg l JOIN ledger_account a ON a.id = l.account GROUP BY 1, 2"
    )
    return {f"{code} {whose}": minor for code, whose, minor in rows}


@pytest.mark.parametrize("seed", range(3))
def test_money_is_conserved_over_four_hundred_days(bank: DayBank, seed: int) -> None:
    draw = random.Random(seed)
    subscribers = [f"555{n:04d}" for n in range(3)]
    with transaction(bank.db):
        for biller in bank.bills.table:
            for number in subscribers:
                bank.bills.subscribe(biller, number)
    before = customers(bank)
    put_in, end = 0, BEGIN + timedelta(days=DAYS)
    while bank.day < end:
        bank.pass_to(min(end, bank.day + timedelta(days=draw.randrange(1, 40))))
        held = bank.held
        furnish(bank, draw)
        assert bank.held == held
        with transaction(bank.db):
            bank.cash(f"in:{bank.day}", ACCOUNT, 12_345, bank.day)
        put_in += 12_345
        order(bank, draw)
        assert bank.findings() == []
    assert bank.ended()[0].day == end - timedelta(days=1)
    assert len(bank.ended()) == DAYS + 1
    after = customers(bank)
    for code in ("CNY", "USD", "JPY", "EUR"):
        parts = [minor for name, minor in after.items() if name.startswith(code)]
        assert sum(parts) == 0, code
        assert after[f"{code} interest"] < before.get(f"{code} interest", 0)
    # All that ends of days paid is on their lists, and no more of it than was posted.
    rows = bank.db.execute(
        "SELECT currency, SUM(interest) FROM day_item WHERE what <> 'bond_matured' GROUP BY 1"
    )
    paid = dict(rows.fetchall())
    drawn = orders_interest(bank)
    assert {code: paid[code] for code in ("USD", "JPY", "EUR")} == {
        code: -after[f"{code} interest"] for code in ("USD", "JPY", "EUR")
    }
    assert paid["CNY"] + drawn == -after["CNY interest"]


def order(bank: DayBank, draw: random.Random) -> None:
    """A deposit drawn or placed by the customer, and perhaps undone."""
    there = [one for one in Deposits(bank.db).of_account(ACCOUNT) if one.held > 200_000]
    if not there:
        return
    now, one = noon(bank.day), draw.choice(there)
    with transaction(bank.db):
        quote = bank.deposits.draw(CARD, one.sub, Money(50_000, CNY), now)
    if isinstance(quote, Refusal):
        return
    about = {"sub": one.sub, "interest": str(quote.interest.minor)}
    key = bank.order(DRAW, quote.id, (quote.amount, quote.fee), about, now)
    if draw.random() < 0.5:
        assert bank.undo(key, now)


def orders_interest(bank: DayBank) -> int:
    """Fen that drawings which stand brought in interest."""
    (minor,) = bank.db.execute(
        "SELECT -COALESCE(SUM(l.minor), 0) FROM leg l JOIN posting p ON p.id = l.posting"
        " WHERE l.account = 'interest:CNY' AND p.key NOT LIKE 'day:%'"
    ).fetchone()
    return int(minor)


@settings(
    max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.integers(0, 2**32), st.lists(st.integers(1, 120), min_size=1, max_size=6))
def test_days_away_leave_the_books_that_being_there_does(
    tmp_path_factory: pytest.TempPathFactory, seed: int, gaps: list[int]
) -> None:
    states = []
    for skipping in (False, True):
        bank = DayBank(tmp_path_factory.mktemp("bank") / "bank.sqlite3", BEGIN)
        furnish(bank, random.Random(seed))
        with transaction(bank.db):
            bank.bills.subscribe("water", "5550001")
        for gap in gaps:
            bank.pass_to(bank.day + timedelta(days=gap), skipping=skipping)
        assert bank.findings() == []
        states.append(bank.state())
        bank.close()
    assert states[0] == states[1]


def test_a_date_is_ended_once(bank: DayBank) -> None:
    bank.deposit("savings", "", 1_000_000, "0.35")
    bank.pass_to(date(2026, 3, 21))
    before = bank.state()
    assert bank.days.run_due(noon(bank.day)) == 0
    assert EndOfDay(bank.office).run_due(noon(bank.day)) == 0
    # A clock that went back does nothing either.
    assert EndOfDay(bank.office).run_due(noon(date(2026, 3, 5))) == 0
    assert bank.state() == before


@pytest.mark.parametrize("step", range(len(STEPS)))
def test_what_breaks_off_in_the_middle_changed_nothing_and_is_done_whole(
    bank: DayBank, step: int
) -> None:
    bank.deposit("savings", "", 1_000_000, "0.35")
    bank.deposit("time", "m3", 1_000_000, "1.10")
    with transaction(bank.db):
        bank.bills.subscribe("water", "5550001")
    until = date(2026, 7, 1)

    def broken(closing: Closing) -> Iterator[Subject]:
        yield from STEPS[step](closing)
        raise sqlite3.OperationalError("disk I/O error")

    steps = [broken if place == step else one for place, one in enumerate(STEPS)]
    before = bank.state()
    with pytest.raises(sqlite3.OperationalError):
        EndOfDay(bank.office, steps).run_due(noon(until))
    assert bank.state() == before
    assert EndOfDay(bank.office).run_due(noon(until)) == (until - BEGIN).days
    assert bank.findings() == []


def test_what_fails_is_its_own_and_is_told(bank: DayBank) -> None:
    good = bank.deposit("savings", "", 1_000_000, "0.35")

    def bad(closing: Closing) -> Iterator[Subject]:
        amount = Money(5, CNY)
        odd = Work(Item("odd", "nobody", amount, (Leg("nobody", 5), Leg(ACCOUNT, -5))))
        lame = Work(Item("lame", ACCOUNT, amount, (Leg("vault:CNY", -5), Leg(ACCOUNT, 5))), fails)
        yield Subject("odd", lambda: (odd,))
        yield Subject("lame", lambda: (lame,))
        yield Subject("blind", cannot_say)
        yield from settle_interest(closing)

    def fails(_key: str) -> None:
        raise LedgerError("no")

    def cannot_say() -> Iterator[Work]:
        yield Work(Item("done first", ACCOUNT, Money(5, CNY), legs_in))
        raise OverflowError("nobody thought of it")

    legs_in = (Leg("vault:CNY", -5), Leg(ACCOUNT, 5))

    held = bank.held
    assert EndOfDay(bank.office, [bad]).run_due(noon(date(2026, 3, 21))) == 19
    assert bank.held == held
    found = Deposits(bank.db).find(ACCOUNT, good)
    assert found is not None
    assert found.held > 1_000_000
    assert {line.what for line in bank.ended()[0].lines} == {FAILED, "interest"}
    (failed,) = [line for line in bank.ended()[0].lines if line.what == FAILED]
    assert failed.count == 3
    assert bank.findings() == []


def test_a_step_that_cannot_name_its_subjects_fails_alone(bank: DayBank) -> None:
    good = bank.deposit("savings", "", 1_000_000, "0.35")

    def blind(closing: Closing) -> Iterator[Subject]:
        yield from settle_interest(closing)
        raise ValueError("nobody thought of it")

    days = EndOfDay(bank.office, [blind, settle_interest])
    assert days.run_due(noon(date(2026, 3, 21))) == 19
    found = Deposits(bank.db).find(ACCOUNT, good)
    assert found is not None
    assert found.held > 1_000_000
    assert {line.what for line in bank.ended()[0].lines} == {FAILED, "interest"}


def test_settlement_days_follow_each_other() -> None:
    terms = load_day_terms()
    for day in (date(2026, 3, 20), date(2026, 6, 20), date(2027, 3, 20)):
        before = terms.settled_before(day)
        assert terms.settles(before)
        assert 89 <= (day - before).days <= 92
        assert terms.settled_before(day + timedelta(days=1)) == day


@pytest.mark.parametrize("first", ["open", "draw"])
def test_what_ends_of_days_made_of_a_deposit_is_undone_with_it(bank: DayBank, first: str) -> None:
    before, now = bank.held, noon(bank.day)
    with transaction(bank.db):
        quote = bank.deposits.place(CARD, "notice", "d7", Money(500_000, CNY), now)
    assert not isinstance(quote, Refusal)
    terms = (Money(500_000, CNY), quote.fee)
    opened = bank.order(PLACE, quote.id, terms, {"kind": "notice", "term": "d7"}, now)
    bank.pass_to(date(2026, 3, 30))
    (one,) = [d for d in Deposits(bank.db).of_account(ACCOUNT, "notice") if d.term == "d7"][-1:]
    assert one.held > 500_000
    now = noon(bank.day)
    with transaction(bank.db):
        drawing = bank.deposits.draw(CARD, one.sub, None, now)
    assert not isinstance(drawing, Refusal)
    about = {"sub": one.sub, "interest": str(drawing.interest.minor)}
    drawn = bank.order(DRAW, drawing.id, (drawing.amount, drawing.fee), about, now)
    for key in (opened, drawn) if first == "open" else (drawn, opened):
        assert bank.undo(key, now)
        assert bank.findings() == []
    assert bank.held == before
    assert Deposits(bank.db).find(ACCOUNT, one.sub) is None


def test_a_rolled_deposit_is_undone_with_its_renewals(bank: DayBank) -> None:
    ident = bank.foreign(Money(500_000, currency("USD")), "", "0.05")
    (one,) = [each for each in FxAccounts(bank.db).of_account(ACCOUNT) if each.id == ident]
    now = noon(bank.day)
    moves = FxMoves(bank.office, bank.orders)
    with transaction(bank.db):
        quote = moves.roll(CARD, one.sub, "m1", now)
    assert not isinstance(quote, Refusal)
    rolled = bank.order(
        FX_ROLL, quote.id, (quote.amount, quote.fee), {"sub": one.sub, "term": "m1"}, now
    )
    bank.pass_to(date(2026, 6, 5))
    assert bank.undo(rolled, noon(bank.day))
    (back,) = [each for each in FxAccounts(bank.db).of_account(ACCOUNT) if each.held.minor]
    assert back.id == ident
    assert bank.findings() == []
