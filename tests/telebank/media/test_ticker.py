"""The schedule of the slots, on a clock of the test's own."""

import pytest

from telebank.media.ticker import Ticker


def test_each_slot_is_due_every_twenty_milliseconds_without_drift() -> None:
    ticker = Ticker(now=1_000.0031)
    seen: dict[int, list[float]] = {0: [], 1: [], 2: [], 3: []}
    for _ in range(4 * 50 * 3_600):
        seen[ticker.slot].append(ticker.due)
        ticker.done(ticker.due)
    assert seen[0][0] == pytest.approx(1_000.02)
    for slot in range(4):
        assert seen[slot][0] == pytest.approx(1_000.02 + slot * 0.005)
        assert seen[slot][-1] - seen[slot][0] == pytest.approx(0.020 * (50 * 3_600 - 1))


def test_workers_are_offset_within_a_slot() -> None:
    assert (Ticker(50.001, 0.0025).due - Ticker(50.001).due) % 0.020 == pytest.approx(0.0025)


def test_lateness_is_from_due_to_sent() -> None:
    ticker = Ticker(0.0)
    for number in range(1_000):
        ticker.done(ticker.due + (0.004 if number % 50 == 0 else 0.001))
    assert ticker.late_p99() == pytest.approx(0.004)
    assert ticker.ticks == 1_000


def test_a_little_late_catches_up_and_far_too_late_leaves_frames_out() -> None:
    ticker = Ticker(0.0)
    due = ticker.due
    assert ticker.skip(due + 0.050) == 0
    assert ticker.skip(due + 1.001) == 50
    assert ticker.slot == 0
    assert ticker.due == pytest.approx(due + 1.0)


def test_restart_owes_nothing_for_the_time_without_calls() -> None:
    ticker = Ticker(0.0)
    ticker.restart(500.0)
    assert ticker.skip(500.0) == 0
    assert 0 < ticker.due - 500.0 < 0.0201


def test_a_slot_without_calls_is_no_tick() -> None:
    ticker = Ticker(0.0)
    due = ticker.due
    ticker.pass_over()
    assert (ticker.slot, ticker.ticks, ticker.late_p99()) == (1, 0, 0.0)
    assert ticker.due == pytest.approx(due + 0.005)
