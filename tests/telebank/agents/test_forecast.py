"""The told wait where callers give up: at which rate they do, and what comes of it in plays."""

from dataclasses import replace

import pytest

from telebank.agents.forecast import Quits, steps_s
from telebank.agents.simulation.comparing import alone
from telebank.agents.simulation.play import play


@pytest.mark.parametrize("steps", [1, 2, 5, 20])
@pytest.mark.parametrize("quits", [1e-9, 1 / 600, 1 / 120])
def test_steps_are_the_sum_over_those_in_front(steps: int, quits: float) -> None:
    rate = 10 / 180
    exact = sum(1 / (rate + before * quits) for before in range(steps))
    assert steps_s(steps, rate, quits) == pytest.approx(exact, rel=0.01)


def test_where_nobody_gives_up_nothing_changes() -> None:
    assert steps_s(4, 10 / 180, Quits().per_s) == 72.0


def test_where_nearly_all_give_up_at_once_the_wait_is_no_negative_one() -> None:
    assert 0.0 < steps_s(1, 0.001, 1.0) < 1_000.0


def test_the_rate_is_of_waited_seconds_and_the_latest_count_most() -> None:
    quits = Quits()
    for _ in range(1_000):
        quits.add(30.0, gave_up=False)
        quits.add(60.0, gave_up=True)
    assert quits.per_s == pytest.approx(1 / 90, rel=0.03)
    for _ in range(500):
        quits.add(30.0, gave_up=False)
    assert quits.per_s < 1 / 100_000


@pytest.mark.parametrize(
    ("load", "patience_s", "give_up"), [(1.0, 300.0, 0.10), (1.2, 200.0, 0.21), (1.4, 200.0, 0.30)]
)
def test_what_is_told_stays_true_where_callers_give_up(
    load: float, patience_s: float, give_up: float
) -> None:
    """Without the rate of giving up they wait 0.83, 0.78 and 0.75 of what they are told."""
    whole = play(replace(alone(load, 6_000), patience_s=patience_s), 1).all()
    assert whole.abandoned / whole.came == pytest.approx(give_up, abs=0.03)
    assert whole.forecasts.ratio == pytest.approx(0.94, abs=0.06)
    assert whole.forecasts.kept is not None
    assert whole.forecasts.kept > 0.8
