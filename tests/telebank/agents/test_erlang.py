"""Erlang's formulas beside published figures, and beside each other."""

from math import exp, inf

import pytest

from telebank.agents.erlang import (
    erlang_a,
    erlang_b,
    erlang_c,
    mean_wait_s,
    seats_for,
    service_level,
)


@pytest.mark.parametrize(
    ("offered", "seats", "blocked"),
    # Tables of the loss formula: the load that so many lines carry at so much loss.
    [(4.461, 10, 0.01), (12.03, 20, 0.01), (84.06, 100, 0.01), (6.216, 10, 0.05), (1.0, 1, 0.5)],
)
def test_loss_is_that_of_the_tables(offered: float, seats: int, blocked: float) -> None:
    assert erlang_b(offered, seats) == pytest.approx(blocked, rel=2e-3)


def test_one_seat_is_the_queue_of_the_textbook() -> None:
    """M/M/1: who waits is the load, the mean wait is load / (1 - load) talks."""
    assert erlang_c(0.8, 1) == pytest.approx(0.8)
    assert mean_wait_s(0.8, 1, 60.0) == pytest.approx(60.0 * 0.8 / 0.2)
    assert service_level(0.8, 1, 60.0, 30.0) == pytest.approx(1 - 0.8 * exp(-0.2 * 0.5))


def test_two_seats_by_hand() -> None:
    """M/M/2: C = 2 r² / (1 + r), r being the load of a seat."""
    assert erlang_c(1.5, 2) == pytest.approx(2 * 0.75**2 / 1.75)


def test_more_than_seats_can_do_never_ends() -> None:
    assert (erlang_c(10.0, 10), mean_wait_s(10.0, 10, 60.0)) == (1.0, inf)
    assert service_level(11.0, 10, 60.0, 20.0) == 0.0


def test_seats_needed_are_the_fewest() -> None:
    seats = seats_for(20.0, 180.0, 20.0, 0.8)
    assert service_level(20.0, seats, 180.0, 20.0) >= 0.8
    assert service_level(20.0, seats - 1, 180.0, 20.0) < 0.8


def test_endless_patience_is_erlang_c() -> None:
    found = erlang_a(8.0, 10, 180.0, 1e9)
    assert found.waits == pytest.approx(erlang_c(8.0, 10), rel=1e-4)
    assert found.mean_wait_s == pytest.approx(mean_wait_s(8.0, 10, 180.0), rel=1e-4)
    assert found.abandons < 1e-4


def test_patience_as_long_as_a_talk_is_as_if_all_were_served_at_once() -> None:
    """Everybody leaves at the same rate, waiting or talking: callers are Poisson, M/M/∞."""
    found = erlang_a(1.0, 1, 60.0, 60.0)
    assert found.waits == pytest.approx(1 - exp(-1))
    assert found.occupancy == pytest.approx(1 - exp(-1))
    assert found.abandons == pytest.approx(exp(-1))


@pytest.mark.parametrize("offered", [0.5, 12.0, 4_999.0])
def test_who_comes_is_served_or_gives_up(offered: float) -> None:
    seats = 10 if offered < 100 else 4_000
    found = erlang_a(offered, seats, 180.0, 300.0)
    assert found.occupancy * seats == pytest.approx(offered * (1 - found.abandons))


@pytest.mark.parametrize(
    ("call", "told"),
    [
        (lambda: erlang_b(6_000.0, 10), "6000 erlangs are offered: give 0 to 5000"),
        (lambda: erlang_c(1.0, 20_000), "20000 seats: give 0 to 10000"),
        (lambda: erlang_c(float("nan"), 2), "nan erlangs are offered"),
        (lambda: seats_for(1.0, 180.0, 20.0, 1.0), "a service level of 1 cannot be had"),
        (lambda: erlang_a(5_000.0, 1, 0.1, 7_200.0), "over 1000000 callers would wait at once"),
    ],
)
def test_limits(call: object, told: str) -> None:
    with pytest.raises(ValueError, match=f"^{told}"):
        call()  # type: ignore[operator]
