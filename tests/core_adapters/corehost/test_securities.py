"""Money between card and securities funds: moved, refused, undone, and found out of order."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from core_adapters.corehost.bank import Balances
from core_adapters.corehost.house import House, findings, open_house
from core_adapters.corehost.ledger import Leg
from core_adapters.corehost.products.history import entries
from core_adapters.corehost.products.orders import Agreed
from core_adapters.corehost.products.securities.funds import (
    SEC_IN,
    SEC_OUT,
    Funds,
    Hours,
    MoveQuote,
    SecuritiesOrders,
    funds_of,
    load_securities_terms,
)
from core_adapters.corehost.refusal import Refusal
from core_adapters.corehost.rules import Rules
from core_adapters.corehost.seed import DEMO
from transactions.money import Money, currency

NOON = datetime(2026, 2, 28, 4, tzinfo=UTC)
CNY, USD = currency("CNY"), currency("USD")
ONE, TWO, EMPTY, COMPANY = DEMO[0], DEMO[1], DEMO[5], DEMO[-1]
NOTHING = Money(0, CNY)


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    opened = open_house(tmp_path, Rules(), NOON)
    yield opened
    opened.close()


def moves(house: House) -> SecuritiesOrders:
    return SecuritiesOrders(house.bank.office, house.bank.orders)


def funds(house: House, account: str = ONE.account) -> Funds:
    found = funds_of(house.bank.office, account)
    assert found is not None
    return found


def quoted(house: House, kind: str, fen: int, now: datetime = NOON) -> Agreed:
    quote = moves(house).quote(ONE.card, kind, Money(fen, CNY), now)
    assert isinstance(quote, MoveQuote), quote
    return Agreed(f"k {quote.id}", ONE.card, kind, quote.id, Money(fen, CNY), quote.fee)


def moved(house: House, kind: str, fen: int) -> str:
    order = quoted(house, kind, fen)
    assert isinstance(house.bank.post(order, NOON), Balances)
    return order.key


def card(house: House) -> int:
    held = house.bank.balances(ONE.card)
    assert isinstance(held, Balances)
    return held.available.minor


@pytest.mark.parametrize(("kind", "sign"), [(SEC_IN, 1), (SEC_OUT, -1)])
def test_money_moves_to_the_fen_and_comes_back(house: House, kind: str, sign: int) -> None:
    before = card(house), funds(house).held.minor
    key = moved(house, kind, 123_456)
    assert card(house) == before[0] - sign * 123_456
    assert funds(house).held.minor == before[1] + sign * 123_456
    assert findings(house.folder) == []
    assert house.bank.undo(key, NOON)
    assert not house.bank.undo(key, NOON)
    assert (card(house), funds(house).held.minor) == before
    assert findings(house.folder) == []


def test_what_is_frozen_stays(house: House) -> None:
    there = funds(house)
    assert (there.held.minor, there.frozen.minor) == (3_075_000, 250_000)
    assert there.available.minor == 2_825_000
    one_more = moves(house).quote(ONE.card, SEC_OUT, Money(2_825_001, CNY), NOON)
    assert one_more is Refusal.INSUFFICIENT
    moved(house, SEC_OUT, 2_825_000)
    assert funds(house).available == NOTHING


def test_frozen_after_the_quote_is_refused_and_moves_nothing(house: House) -> None:
    order, before = quoted(house, SEC_OUT, 2_800_000), card(house)
    house.db.execute("UPDATE securities_account SET frozen = 300000")
    assert house.bank.post(order, NOON) is Refusal.INSUFFICIENT
    assert card(house) == before
    assert findings(house.folder) == []


def test_a_quote_is_good_for_one_way_one_amount_and_one_time(house: House) -> None:
    order = quoted(house, SEC_IN, 10_000)
    assert house.bank.post(replace(order, kind=SEC_OUT), NOON) is Refusal.BAD_QUOTE
    other = replace(order, amount=Money(9_999, CNY))
    assert house.bank.post(other, NOON) is Refusal.BAD_AMOUNT
    late = NOON + timedelta(seconds=121)
    assert house.bank.post(order, late) is Refusal.EXPIRED_QUOTE
    assert isinstance(house.bank.post(order, NOON), Balances)
    assert house.bank.post(replace(order, key="again"), NOON) is Refusal.BAD_QUOTE


@pytest.mark.parametrize(
    ("who", "kind", "amount", "refusal"),
    [
        (ONE, SEC_IN, Money(99, CNY), Refusal.BAD_AMOUNT),
        (ONE, SEC_IN, Money(10_000, USD), Refusal.WRONG_CURRENCY),
        (ONE, SEC_IN, Money(5_000_001, CNY), Refusal.OVER_LIMIT),
        (ONE, SEC_IN, Money(ONE.balance + 1, CNY), Refusal.INSUFFICIENT),
        (EMPTY, SEC_OUT, Money(10_000, CNY), Refusal.NO_ACCOUNT),
        (COMPANY, SEC_IN, Money(10_000, CNY), Refusal.NO_ACCOUNT),
    ],
)
def test_what_will_not_do(
    house: House, who: object, kind: str, amount: Money, refusal: Refusal
) -> None:
    number = getattr(who, "card", "")
    assert moves(house).quote(number, kind, amount, NOON) is refusal


@pytest.mark.parametrize(
    ("at", "is_open"),
    [
        ("2026-02-27T08:59", False),  # a Friday
        ("2026-02-27T09:00", True),
        ("2026-02-27T15:59", True),
        ("2026-02-27T16:00", False),
        ("2026-02-28T10:00", False),
    ],
)
def test_hours_are_of_the_bank_s_clock(house: House, at: str, is_open: bool) -> None:
    terms = replace(load_securities_terms(), hours=Hours(frozenset(range(1, 6)), 540, 960))
    now = datetime.fromisoformat(f"{at}:00+08:00")
    orders = SecuritiesOrders(house.bank.office, house.bank.orders, terms)
    quote = orders.quote(TWO.card, SEC_IN, Money(10_000, CNY), now)
    assert isinstance(quote, MoveQuote) == is_open
    assert is_open or quote is Refusal.MARKET_CLOSED


def test_the_demo_is_open_at_any_time() -> None:
    hours = load_securities_terms().hours
    assert all(hours.open_at(NOON + timedelta(minutes=m)) for m in range(0, 7 * 1440, 30))


def test_entries_have_words_on_both_sides(house: House) -> None:
    key = moved(house, SEC_IN, 10_000)
    house.bank.undo(key, NOON)
    today = house.bank.office.today(NOON)
    told = [
        [(one.what, one.minor) for one in entries(house.db, account, today, 0, 2)]
        for account in (ONE.account, funds(house).id)
    ]
    assert told == [
        [("refund", 10_000), ("transfer_out", -10_000)],
        [("other", -10_000), ("transfer_in", 10_000)],
    ]


@pytest.mark.parametrize(
    "damage",
    [
        "UPDATE posted_order SET minor = 9999",
        "UPDATE posted_order SET kind = 'transfer'",
        "DELETE FROM posted_order",
    ],
)
def test_the_check_finds_orders_that_disagree(house: House, damage: str) -> None:
    moved(house, SEC_IN, 10_000)
    house.db.execute(damage)
    assert findings(house.folder) != []


def test_the_check_finds_money_that_no_order_moved(house: House) -> None:
    office, there = house.bank.office, funds(house)
    legs = [Leg(ONE.account, -500), Leg(there.id, 500)]
    office.ledger.post("astray", SEC_IN, legs, office.today(NOON), NOON)
    assert len(findings(house.folder)) == 2
