"""Values of requests and outcomes as rows and back."""

from datetime import date, datetime, time
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from support.store_kit import NOON, PAYER
from telebank.store.key_files import SealFile
from telebank.store.sealing import Keyring
from telebank.store.values import (
    MAX_TEXT,
    MAX_VALUES,
    ValueTooLarge,
    from_json,
    join_inputs,
    outcome_columns,
    read_outcome,
    split_inputs,
    to_json,
)
from transactions.card import SealedCard
from transactions.money import CURRENCIES, Money
from transactions.outcome import Approved, Declined, NotSent, Outcome, Unknown, Value
from transactions.secret import Secret

KEYS = Keyring(
    {"k1": SealFile("k1", bytes(32), None, None)}, "k1", b"token" * 7, Path("/nonexistent")
)

_VALUES = st.one_of(
    st.text(max_size=20),
    st.integers(-(2**53) + 1, 2**53 - 1),
    st.decimals(allow_nan=False, allow_infinity=False, places=6),
    st.builds(
        Money, st.integers(-(10**12) + 1, 10**12 - 1), st.sampled_from([*CURRENCIES.values()])
    ),
    st.dates(),
    st.times(),
)


@given(_VALUES)
def test_a_value_reads_back(value: Value) -> None:
    assert from_json(to_json(value, KEYS)) == value


@given(st.dictionaries(st.sampled_from(["amount", "to", "text", "identity"]), _VALUES))
def test_inputs_read_back(values: dict[str, Value]) -> None:
    plain, sealed = split_inputs(values, KEYS)
    assert join_inputs(plain, sealed, KEYS) == values


def test_cards_and_numbers_are_sealed_and_secrets_gone() -> None:
    inputs = {"card": PAYER, "identity": "1101", "pin": Secret("123456789012"), "quote": "123456"}
    plain, sealed = split_inputs(inputs, KEYS)
    assert plain == {"quote": "123456"}
    assert [(item.name, item.kind) for item in sealed] == [("card", "card"), ("identity", "digits")]
    assert sealed[1].sealed.masked == ""


@pytest.mark.parametrize("number", ["110101199003070011", "11010119900307001X", "AB12345"])
def test_a_number_with_capitals_is_sealed_as_one_of_digits_is(number: str) -> None:
    plain, sealed = split_inputs({"number": number, "biller": "water", "term": "y1"}, KEYS)
    assert plain == {"biller": "water", "term": "y1"}
    assert [(item.name, item.kind) for item in sealed] == [("number", "digits")]
    assert join_inputs(plain, sealed, KEYS)["number"] == number


_OUTCOMES: list[Outcome] = [
    Approved({"ref": "1", "available": Money.parse("1.5"), "at": time(9, 30)}, "H1"),
    Approved(),
    Declined("insufficient", {"left": 2}),
    Unknown("no reply"),
    NotSent("deadline"),
]


@pytest.mark.parametrize("outcome", _OUTCOMES)
def test_an_outcome_reads_back(outcome: Outcome) -> None:
    columns = {"host_reference": "", **outcome_columns(outcome, KEYS)}
    read = read_outcome(
        columns["outcome"], columns["reason"], columns["outcome_data"], columns["host_reference"]
    )
    assert read == outcome


def test_a_card_in_an_outcome_is_sealed() -> None:
    columns = outcome_columns(Approved({"card": PAYER}), KEYS)
    assert PAYER.digits not in str(columns)
    read = from_json(columns["outcome_data"]["card"])
    assert isinstance(read, SealedCard)
    assert KEYS.unseal(read) == PAYER


@pytest.mark.parametrize("value", [Secret("1234"), datetime(2026, 1, 1, tzinfo=NOON.tzinfo)])
def test_what_is_never_stored(value: Value) -> None:
    with pytest.raises(TypeError):
        to_json(value, KEYS)


def test_sizes_are_bounded() -> None:
    with pytest.raises(ValueTooLarge):
        to_json("x" * (MAX_TEXT + 1), KEYS)
    with pytest.raises(ValueTooLarge):
        split_inputs({str(n): n for n in range(MAX_VALUES + 1)}, KEYS)
    with pytest.raises(ValueTooLarge):
        outcome_columns(Approved({str(n): n for n in range(MAX_VALUES + 1)}), KEYS)


def test_an_unknown_kind_is_named(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="'colour'"):
        from_json({"colour": 1})
    assert from_json(to_json(Decimal("0.10"), KEYS)) == Decimal("0.10")
    assert from_json(to_json(date(2024, 2, 29), KEYS)) == date(2024, 2, 29)
