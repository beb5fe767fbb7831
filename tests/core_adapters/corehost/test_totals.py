"""Totals and file of a day agree with each other and with the ledger, whatever happened."""

import csv
import io
import random
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from core_adapters.corehost.bank import Balances, Quote, TransferOrder
from core_adapters.corehost.house import House, day_file, findings, open_house
from core_adapters.corehost.ledger import Leg
from core_adapters.corehost.orders import Order
from core_adapters.corehost.rules import Rules
from core_adapters.corehost.seed import trial_set
from core_adapters.corehost.totals import COLUMNS, day_totals, figures, totals_answer
from core_adapters.iso8583.codec import Codec
from core_adapters.iso8583.format.message import Message
from support.iso8583_kit import tb87
from transactions.money import MAX_MINOR, Money, currency
from transactions.ports import Tally

START = datetime(2026, 12, 30, 1, tzinfo=UTC)
CNY = currency("CNY")
CARDS = [one.card for one in trial_set()[:60]]


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    opened = open_house(tmp_path / "bank", Rules(), START, test_data=True)
    yield opened
    opened.close()


@dataclass
class Expected:
    """What a day should say: count and fen of debits and reversals, and the fees."""

    debits: list[int] = field(default_factory=list)
    reversals: list[int] = field(default_factory=list)
    fees: int = 0


def pay(house: House, number: int, rng: random.Random, now: datetime) -> TransferOrder:
    # Nobody pays a second time: 5,001.00 with its fee goes once out of 10,000.00.
    payer, payee = CARDS[number], rng.choice(CARDS[50:])
    amount = Money(rng.choice([1, 100, 2000, rng.randint(1, 2000), 500_100]), CNY)
    quote = house.bank.quote(payer, payee, amount, now)
    assert isinstance(quote, Quote), quote
    key = f"{now:%Y-%m-%d}/TB010001/{number:06d}/{now:%m%d%H%M%S}"
    order = TransferOrder(
        key, payer, payee, amount, quote.fee, quote.id, f"01{number:010d}", "420000"
    )
    assert isinstance(house.bank.transfer(order, now), Balances)
    return order


def rows_of(house: House, day: date) -> list[dict[str, str]]:
    out = io.StringIO()
    count = day_file(house.folder, day, out)
    rows = list(csv.DictReader(io.StringIO(out.getvalue())))
    assert len(rows) == count
    return rows


def agree(house: House, day: date, expected: Expected) -> None:
    totals = day_totals(house.db, day, CNY)
    assert (totals.debits.count, totals.debits.minor) == (
        len(expected.debits),
        sum(expected.debits),
    )
    assert (totals.debit_reversals.count, totals.debit_reversals.minor) == (
        len(expected.reversals),
        sum(expected.reversals),
    )
    assert totals.fees == expected.fees
    rows = rows_of(house, day)
    today = [row for row in rows if row["business_date"] == day.isoformat()]
    back = [row for row in rows if row["status"] == "reversed"]
    assert sorted(int(row["amount"]) for row in today) == sorted(expected.debits)
    assert sorted(int(row["amount"]) for row in back) == sorted(expected.reversals)
    fees = sum(int(row["fee"]) for row in today) - sum(int(row["fee"]) for row in back)
    assert fees == expected.fees


@pytest.mark.parametrize("seed", range(5))
def test_random_days_agree_with_what_was_done(house: House, seed: int) -> None:
    rng, now = random.Random(seed), START
    days: dict[date, Expected] = defaultdict(Expected)
    open_orders: list[TransferOrder] = []
    for number in range(50):
        now += timedelta(minutes=rng.randint(1, 60))
        today = house.bank.calendar.today(now)
        if rng.random() < 0.04 and (today - START.date()).days < 2:
            today = house.bank.calendar.cut_over(now)
        if open_orders and rng.random() < 0.35:
            order = open_orders.pop(rng.randrange(len(open_orders)))
            assert house.bank.undo(order.key, now)
            days[today].reversals.append(order.amount.minor)
            days[today].fees -= order.fee.minor
            continue
        order = pay(house, number, rng, now)
        open_orders.append(order)
        days[today].debits.append(order.amount.minor)
        days[today].fees += order.fee.minor
    assert len(days) > 1
    for day, expected in days.items():
        agree(house, day, expected)
    assert findings(house.folder) == []


def test_the_file_of_a_day_does_not_change_after_it(house: House) -> None:
    rng, day = random.Random(7), house.bank.calendar.today(START)
    order = pay(house, 1, rng, START)
    before = rows_of(house, day)
    assert [row["status"] for row in before] == ["posted"]
    tomorrow = START + timedelta(days=1)
    assert house.bank.undo(order.key, tomorrow)
    assert rows_of(house, day) == before
    (late,) = rows_of(house, day + timedelta(days=1))
    assert (late["business_date"], late["status"]) == (day.isoformat(), "reversed")


def test_a_row_has_what_finds_the_message_again_and_no_card(house: House) -> None:
    order = pay(house, 42, random.Random(1), START)
    (row,) = rows_of(house, house.bank.calendar.today(START))
    assert tuple(row) == COLUMNS
    assert row == {
        "reference": "010000000042",
        "stan": "000042",
        "field7": "1230010000",
        "terminal": "TB010001",
        "service": "420000",
        "amount": str(order.amount.minor),
        "fee": str(order.fee.minor),
        "currency": "CNY",
        "business_date": "2026-12-30",
        "status": "posted",
    }


def test_a_day_that_gave_back_more_fees_than_it_took_has_a_credit_of_fees(house: House) -> None:
    quote = house.bank.quote(CARDS[0], CARDS[1], Money(900_000, CNY), START)
    assert isinstance(quote, Quote)
    order = TransferOrder("d/t/s/7", CARDS[0], CARDS[1], Money(900_000, CNY), quote.fee, quote.id)
    assert isinstance(house.bank.transfer(order, START), Balances)
    tomorrow = START + timedelta(days=1)
    assert house.bank.undo(order.key, tomorrow)
    first = figures(day_totals(house.db, date(2026, 12, 30), CNY))
    assert (first[76], first[88], first[84]) == ("0000000001", "0000000000900000", "000000000900")
    assert (first[97], 82 in first) == ("D0000000000900000", False)
    second = figures(day_totals(house.db, date(2026, 12, 31), CNY))
    assert (second[77], second[89], second[97]) == (
        "0000000001",
        "0000000000900000",
        "C0000000000900000",
    )
    assert (second[84], second[82]) == ("000000000000", "000000000900")


def huge_order(house: House, key: str, minor: int, fee: int) -> date:
    """An order that no customer could pay, as if one had."""
    payer, payee = trial_set()[0], trial_set()[1]
    day = house.bank.calendar.today(START)
    legs = [Leg(payer.account, -minor - fee), Leg(payee.account, minor), Leg("fees:CNY", fee)]
    legs = [leg for leg in legs if leg.minor]
    house.bank.ledger.post(key, "transfer", legs, day, START)
    house.db.execute(
        "INSERT INTO posted_order (key, card, business_date, minor, fee) VALUES (?, ?, ?, ?, ?)",
        (key, payer.card, day.isoformat(), minor, fee),
    )
    return day


def test_a_day_above_what_one_amount_can_hold_has_sixteen_digits(house: House) -> None:
    days = [huge_order(house, f"d/t/s/{number}", MAX_MINOR, 0) for number in range(2)]
    told = day_totals(house.db, days[0], CNY)
    assert told.debits == Tally(2, 2 * MAX_MINOR)
    assert figures(told)[88] == f"{2 * MAX_MINOR:016d}"


def test_a_day_of_fees_that_field_84_cannot_hold_is_a_failure_with_a_word(
    house: House, capsys: pytest.CaptureFixture[str]
) -> None:
    codec = Codec(tb87())
    day = house.bank.calendar.today(START)
    order = Order(Message("0500", {15: f"{day:%m%d}", 50: CNY.number}), codec)
    for number, code in enumerate(("00", "96")):
        huge_order(house, f"d/t/s/{number}", 1, MAX_MINOR)
        answer = totals_answer(house.db, order, day)
        assert answer.code == code
        codec.encode(Message("0510", answer.fields))
    assert answer.fields == {}
    assert "totals_do_not_fit" in capsys.readouterr().out


def test_a_day_of_nothing_has_zeros_and_only_a_header(house: House) -> None:
    day = date(2020, 1, 1)
    assert set(figures(day_totals(house.db, day, CNY)).values()) == {
        "0" * 10,
        "0" * 12,
        "0" * 16,
        "C" + "0" * 16,
    }
    assert rows_of(house, day) == []
