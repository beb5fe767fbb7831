"""Card numbers in others' text: whatever their spacing, length and check digit."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from transactions.card_text import digits_of, hidden, host_text, without_numbers


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("6227009000000013", "622700******0013"),
        ("6227009000000014", "622700******0014"),
        ("6227 0090 0000 0013", "622700******0013"),
        ("6227-0090-0000-0013 ZHANG", "622700******0013"),
        ("6227009000000013=2512", "622700******0013"),
        ("%B6227009000000013^DOE/JOHN^2512", "622700******0013"),
        ("６２２７００９０００００００１３", "622700******0013"),
        ("6227 00\u00a090\u20110000 0013", "622700******0013"),
        ("5018 0000 0009", "501800**0009"),
        ("501800000009", "501800**0009"),
        ("0100 0000 0001", "010000**0001"),
        ("010000000001", "010000000001"),
        ("TB010001", "TB010001"),
        ("transfer.card_to_card", "transfer.card_to_card"),
        ("622700******0013", "622700******0013"),
        ("", ""),
    ],
)
def test_what_is_shown(text: str, shown: str) -> None:
    assert hidden(text) == shown


@given(
    st.text("123456789", min_size=12, max_size=19),
    st.lists(st.sampled_from(["", " ", "-", "  ", " -"]), min_size=20, max_size=20),
    st.text("AB ,=^", max_size=5),
)
def test_no_twelve_digits_are_left(number: str, gaps: list[str], beside: str) -> None:
    text = beside + "".join(one + gap for one, gap in zip(number, gaps, strict=False)) + beside
    shown = hidden(text)
    assert not re.search(r"[0-9]{7}", shown)
    assert len(digits_of(shown)) == 10


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("ZHANG 6227 0012 3456 7899, LI", "ZHANG 622700******7899, LI"),
        ("6227001234567899/9900001234567893", "622700******7899/990000******7893"),
        ("*三 (2026-03-31)", "*三 (2026-03-31)"),
        ("010000000007", "010000000007"),
        ("", ""),
    ],
)
def test_numbers_in_a_text_are_masked_and_the_rest_stays(text: str, kept: str) -> None:
    assert without_numbers(text) == kept
    assert without_numbers(kept) == kept
    assert host_text("payee_masked", text) == kept
    assert host_text("quote", text) == text
