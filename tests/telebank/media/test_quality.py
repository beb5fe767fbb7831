"""The E-model's figures."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from telebank.media.quality import delay_impairment, loss_impairment, mos, mos_of


def test_a_perfect_call_is_that_of_the_default_values() -> None:
    assert mos(0.0, 0.0, concealed=True) == pytest.approx(4.41, abs=0.005)


@pytest.mark.parametrize(
    ("r", "quality"),
    [(-5, 1.0), (0, 1.0), (50, 2.58), (60, 3.1), (70, 3.6), (80, 4.02), (90, 4.34), (100, 4.5)],
)
def test_ratings_and_quality_are_those_of_annex_b(r: float, quality: float) -> None:
    """G.107 Annex B, table B.1, gives the limits of the categories."""
    assert mos_of(r) == pytest.approx(quality, abs=0.005)


@pytest.mark.parametrize(
    ("percent", "concealed", "impairment"),
    [(1, True, 3.64), (5, True, 15.78), (1, False, 17.92), (5, False, 51.08)],
)
def test_loss_impairs_by_its_formula(percent: float, concealed: bool, impairment: float) -> None:
    """95 * Ppl / (Ppl + Bpl), by hand."""
    assert loss_impairment(percent / 100, concealed) == pytest.approx(impairment, abs=0.005)


@pytest.mark.parametrize(
    ("delay", "least", "most"), [(0, 0, 0), (100, 0, 0), (150, 0, 1), (200, 1, 6), (400, 22, 28)]
)
def test_delay_begins_to_matter_beyond_150_ms(delay: float, least: float, most: float) -> None:
    assert least <= delay_impairment(delay) <= most


@given(st.floats(0, 1), st.floats(0, 5_000), st.booleans())
def test_worse_is_never_better(loss: float, delay: float, concealed: bool) -> None:
    quality = mos(loss, delay, concealed=concealed)
    assert 1.0 <= quality <= 4.5
    assert mos(min(1.0, loss + 0.1), delay, concealed=concealed) <= quality + 1e-9
    assert mos(loss, delay + 50, concealed=concealed) <= quality + 1e-9
    assert mos(loss, delay, concealed=False) <= mos(loss, delay, concealed=True) + 1e-9
