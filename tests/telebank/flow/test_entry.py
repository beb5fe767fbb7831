"""Keys and entries as tables: what each key means to a menu, to digits, to money, to a date."""

from datetime import date
from decimal import Decimal
from types import MappingProxyType

import pytest
from hypothesis import given
from hypothesis import strategies as st

from telebank.flow.entry import (
    Again,
    Chosen,
    Completed,
    Invalid,
    More,
    Verdict,
    choose,
    currency_of,
    in_currency,
    parse,
    take,
    timed_out,
)
from telebank.flow.model import (
    Asking,
    Collect,
    DateEntry,
    DigitEntry,
    Entry,
    MoneyEntry,
    RateEntry,
)
from transactions.card import CardNumber
from transactions.contract import Kind
from transactions.money import CURRENCIES, Money

CNY = MoneyEntry(Decimal("0.01"), Decimal("50000"), CURRENCIES["CNY"])
JPY = MoneyEntry(Decimal(1), Decimal(50000), CURRENCIES["JPY"])
SAID = MoneyEntry(Decimal(1), Decimal(50000), None, of="unit")
RATE = RateEntry(Decimal("0.01"), Decimal(2000))


def collect(entry: Entry, keys: dict[str, str]) -> Collect:
    asking = Asking(6.0, 3.0, 3, True, ("n",), ("i",), "end", MappingProxyType(keys))
    return Collect(name="c", line=1, asking=asking, into="x", entry=entry, next="on")


@pytest.mark.parametrize(
    ("entry", "key", "verdict"),
    [
        ("", "1", Chosen("a")),
        ("", "2", More("2")),
        ("2", "1", Chosen("b")),
        ("2", "2", Invalid()),
        ("", "9", Invalid()),
        ("", "#", Again()),
    ],
)
def test_choices(entry: str, key: str, verdict: Verdict) -> None:
    assert choose({"1": "a", "21": "b"}, entry, key) == verdict


def test_a_bound_hash_key_is_a_choice() -> None:
    assert choose({"#": "a"}, "", "#") == Chosen("a")


@pytest.mark.parametrize(
    ("entry", "key", "verdict"),
    [
        ("", "1", More("1")),
        ("12", "3", More("123")),
        ("123", "#", Completed("123")),
        ("12", "#", Invalid()),
        ("123", "4", Completed("1234", full=True)),
        ("", "#", Again()),
        ("", "*", Chosen("back")),
        ("1", "*", Again()),
        ("0", "#", Chosen("agent")),
    ],
)
def test_digits(entry: str, key: str, verdict: Verdict) -> None:
    node = collect(DigitEntry(3, 4), {"*": "back", "0#": "agent"})
    assert take(node, "digits", entry, key) == verdict


@pytest.mark.parametrize(
    ("typed", "amount"),
    [
        ("12", "12.00"),
        ("12*5", "12.50"),
        ("12*50", "12.50"),
        ("0*01", "0.01"),
        ("*5", "0.50"),
        ("50000", "50000"),
        ("50000*01", None),
        ("0", None),
        ("1*234", None),
        ("1*2*3", None),
        ("*", None),
        ("", None),
        ("9" * 32, None),
    ],
)
def test_amounts(typed: str, amount: str | None) -> None:
    expected = None if amount is None else Money.parse(amount)
    assert parse(CNY, "money", typed) == expected


def test_the_point_is_a_point_and_never_a_way_out() -> None:
    assert take(collect(CNY, {"*": "back"}), "money", "12", "*") == More("12*")


def test_a_currency_without_minor_unit_takes_no_decimals() -> None:
    assert parse(JPY, "money", "12") == Money.parse("12", "JPY")
    assert parse(JPY, "money", "12*5") is None
    assert take(collect(JPY, {}), "money", "12", "*") == Invalid()


def test_an_amount_whose_currency_is_not_known_is_none() -> None:
    assert parse(SAID, "money", "12") is None
    known = in_currency(collect(SAID, {}), currency_of("jpy")).entry
    assert parse(known, "money", "12") == Money.parse("12", "JPY")


@pytest.mark.parametrize("word", ["JPY", "yen", "", None, 392])
def test_words_that_are_no_currency(word: str | int | None) -> None:
    assert currency_of(word) is None


@pytest.mark.parametrize(
    ("typed", "rate"),
    [
        ("716*955", "716.955"),
        ("0*010000", "0.010000"),
        ("2000", "2000"),
        ("7*1234567", None),
        ("2000*1", None),
        ("0", None),
        ("7*1*6", None),
        ("*", None),
    ],
)
def test_rates(typed: str, rate: str | None) -> None:
    assert parse(RATE, "rate", typed) == (None if rate is None else Decimal(rate))
    assert timed_out(collect(RATE, {}), "rate", typed) == Invalid()


def test_an_amount_never_ends_by_its_length() -> None:
    node, entry = collect(CNY, {}), ""
    for _ in range(32):
        verdict = take(node, "money", entry, "9")
        assert isinstance(verdict, More)
        entry = verdict.entry
    assert take(node, "money", entry, "9") == Invalid()


@pytest.mark.parametrize(
    ("typed", "day"),
    [("20240229", date(2024, 2, 29)), ("20230229", None), ("2024022", None), ("20241301", None)],
)
def test_dates(typed: str, day: date | None) -> None:
    assert parse(DateEntry(), "date", typed) == day


@pytest.mark.parametrize(
    ("typed", "good"), [("6227000000000012", True), ("6227000000000013", False)]
)
def test_card_numbers(typed: str, good: bool) -> None:
    found = parse(DigitEntry(16, 19, check="luhn"), "card_no", typed)
    assert found == (CardNumber(typed) if good else None)


def test_time_over_takes_what_may_be_whole() -> None:
    node = collect(DigitEntry(3, 6), {})
    assert timed_out(node, "digits", "123") == Completed("123")
    assert timed_out(node, "digits", "12") == Invalid()


@given(
    st.text("0123456789*#", max_size=40),
    st.sampled_from(
        [DigitEntry(3, 6), DigitEntry(16, 19, check="luhn"), CNY, JPY, SAID, RATE, DateEntry()]
    ),
    st.sampled_from(["digits", "card_no", "secret", "number", "text"]),
)
def test_any_keys_have_a_verdict(keys: str, spec: Entry, kind: Kind) -> None:
    node, entry = collect(spec, {"*": "back", "0#": "agent"}), ""
    for key in keys:
        verdict = take(node, kind, entry, key)
        entry = verdict.entry if isinstance(verdict, More) else ""
        timed_out(node, kind, entry)
