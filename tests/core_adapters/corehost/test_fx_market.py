"""The market: the same rates for everybody, on both sides, and found when they are waited for."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core_adapters.corehost.products.exchange.market import (
    YUAN,
    Rate,
    Wanted,
    converted,
    load_market,
)
from core_adapters.corehost.rules import Rules
from transactions.money import Currency, Money, currency

MARKET = load_market(Rules())
WORDS = sorted(MARKET.traded)
MONDAY = datetime(2026, 3, 2, 4, tzinfo=UTC)
NOW = MARKET.tick(MONDAY)
DAY = 8640
pairs = st.lists(st.sampled_from(WORDS), min_size=2, max_size=2, unique=True)


def first_of_all(wanted: Wanted, after: int, until: int) -> int | None:
    """As `Market.reached`, tick by tick."""
    for tick in range(after + 1, until + 1):
        pays = MARKET.rate(wanted.sold, wanted.bought, tick).buy
        met = pays >= wanted.limit or (wanted.stop is not None and pays <= wanted.stop)
        if met and MARKET.is_open(MARKET.began(tick)):
            return tick
    return None


def test_rates_are_these_for_ever() -> None:
    """A change here moves the market under orders that wait."""
    assert MARKET.rate("usd", YUAN, NOW) == Rate(Decimal("704.56"), Decimal("707.56"))
    assert MARKET.rate("jpy", YUAN, NOW) == Rate(Decimal("4.6190"), Decimal("4.6530"))


def test_a_hundred_is_worth_its_par_within_a_tenth() -> None:
    for word, par in (("usd", "712.17"), ("jpy", "4.7385"), ("gbp", "905.69"), ("cny", "100")):
        for tick in range(NOW, NOW + 400 * DAY, 1717):
            if word != YUAN:
                rate = MARKET.rate(word, YUAN, tick)
                assert Decimal(par) * Decimal("0.9") < rate.buy < rate.sell
                assert rate.sell < Decimal(par) * Decimal("1.1")


def test_rates_walk() -> None:
    rates = [MARKET.rate("usd", YUAN, NOW + step).buy for step in range(2000)]
    steps = [abs(after - before) for before, after in pairwise(rates)]
    assert max(steps) < Decimal("0.5")
    assert sum(step > 0 for step in steps) > len(steps) * 3 // 4
    days = [MARKET.rate("usd", YUAN, NOW + DAY * step).buy for step in range(60)]
    assert max(days) - min(days) > 5


@given(pairs, st.integers(0, 2000))
@settings(max_examples=150, deadline=None)
def test_the_bank_never_pays_what_it_asks(pair: list[str], step: int) -> None:
    sold, bought = pair
    there, back = (MARKET.rate(*way, NOW + step) for way in ((sold, bought), (bought, sold)))
    assert there.buy < there.sell
    least, most = MARKET.traded[sold].least, MARKET.traded[sold].most
    for minor in (least, (least + most) // 3, most):
        gets = converted(Money(minor, MARKET.traded[sold].unit), there.buy, _unit(bought))
        again = converted(gets, back.buy, _unit(sold))
        assert again.minor < minor
        digits = [len(str(rate).replace(".", "").lstrip("0")) for rate in (there.buy, back.buy)]
        assert max(digits) == 5


def _unit(word: str) -> Currency:
    return MARKET.traded[word].unit


@given(
    pairs,
    st.integers(0, 30 * DAY),
    st.integers(1, 900),
    st.integers(1, 400),
    st.none() | st.integers(1, 400),
)
@settings(max_examples=120, deadline=None)
def test_a_rate_is_found_at_the_first_tick_that_has_it(
    pair: list[str], begin: int, span: int, above: int, below: int | None
) -> None:
    after = NOW + begin
    pays = MARKET.rate(pair[0], pair[1], after).buy
    hair = pays / 100_000
    stop = None if below is None else pays - hair * below
    wanted = Wanted(pair[0], pair[1], pays + hair * above, stop)
    assert MARKET.reached(wanted, after, after + span) == first_of_all(wanted, after, after + span)


def test_ten_years_that_never_come_near_are_passed_over() -> None:
    """Tick by tick it would be half an hour."""
    wanted = Wanted("usd", YUAN, Decimal("2000"), Decimal("300"))
    assert MARKET.reached(wanted, NOW, NOW + 3650 * DAY) is None


def test_nothing_is_found_while_the_market_is_closed() -> None:
    saturday = MARKET.tick(datetime(2026, 3, 6, 16, tzinfo=UTC))  # midnight at the bank
    assert [MARKET.is_open(MARKET.began(saturday + n)) for n in (-1, 0)] == [True, False]
    low = Wanted("usd", YUAN, Decimal("1"), None)
    assert MARKET.reached(low, saturday - 1, saturday + 2 * DAY - 1) is None
    assert MARKET.reached(low, saturday - 1, saturday + 3 * DAY) == saturday + 2 * DAY


def test_on_a_closed_day_the_last_rate_stands() -> None:
    friday = MARKET.tick(datetime(2026, 3, 6, 15, 59, 55, tzinfo=UTC))
    for hours in (0, 1, 30, 47):
        later = datetime(2026, 3, 6, 16, tzinfo=UTC) + timedelta(hours=hours)
        assert not MARKET.is_open(later)
        assert MARKET.last(later) == friday
    assert MARKET.last(MONDAY) == NOW
    assert MARKET.began(MARKET.day_ends(date(2026, 3, 6))) == datetime(2026, 3, 6, 16, tzinfo=UTC)


@pytest.mark.parametrize(
    ("given_", "rate", "into", "gets"),
    [
        ("100.00 USD", "710.66", "CNY", 71066),
        ("0.01 USD", "710.66", "CNY", 7),
        ("10.05 USD", "50", "CNY", 503),  # 5.025, half up
        ("100.00 CNY", "2060.9", "JPY", 2061),  # 2060.9
        ("1000 JPY", "4.8168", "CNY", 4817),  # 48.168
        ("99.99 EUR", "105.28", "USD", 10527),
    ],
)
def test_converted_half_up_to_the_minor_unit(given_: str, rate: str, into: str, gets: int) -> None:
    amount = Money.parse(*given_.split())
    assert converted(amount, Decimal(rate), currency(into)) == Money(gets, currency(into))
