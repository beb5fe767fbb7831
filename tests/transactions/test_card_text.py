"""Card numbers in others' text: whatever their spacing, length and check digit."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from transactions.card_text import digits_of, hidden


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
