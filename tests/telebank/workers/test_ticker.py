"""The schedule of ticks, in slots or whole frames, on a clock of the test's own."""

import pytest

from telebank.workers.ticker import FRAME_SECONDS, Ticker

FRAMES = 25
"""Made up for, as of faxes."""


def slotted(now: float, offset: float = 0.0) -> Ticker:
    """Four slots, and nothing made up for after a stop, as of calls."""
    return Ticker(now, tolerated=3, made_up=0, slots=4, offset=offset)


def test_each_slot_is_due_every_twenty_milliseconds_without_drift() -> None:
    ticker = slotted(1_000.0031)
    seen: dict[int, list[float]] = {0: [], 1: [], 2: [], 3: []}
    for _ in range(4 * 50 * 3_600):
        seen[ticker.slot].append(ticker.due)
        ticker.done(ticker.due)
    assert seen[0][0] == pytest.approx(1_000.02)
    for slot in range(4):
        assert seen[slot][0] == pytest.approx(1_000.02 + slot * 0.005)
        assert seen[slot][-1] - seen[slot][0] == pytest.approx(0.020 * (50 * 3_600 - 1))


def test_workers_are_offset_within_a_slot() -> None:
    assert (slotted(50.001, 0.0025).due - slotted(50.001).due) % 0.020 == pytest.approx(0.0025)


def test_lateness_is_from_due_to_sent() -> None:
    ticker = slotted(0.0)
    for number in range(1_000):
        ticker.done(ticker.due + (0.004 if number % 50 == 0 else 0.001))
    assert ticker.late_p99() == pytest.approx(0.004)
    assert ticker.ticks == 1_000


def test_a_little_late_catches_up_and_far_too_late_leaves_frames_out() -> None:
    ticker = slotted(0.0)
    due = ticker.due
    assert ticker.skip(due + 0.050) == 0
    assert ticker.skip(due + 1.001) == 50
    assert ticker.slot == 0
    assert ticker.due == pytest.approx(due + 1.0)


def test_restart_owes_nothing_for_the_time_without_calls() -> None:
    ticker = slotted(0.0)
    ticker.restart(500.0)
    assert ticker.skip(500.0) == 0
    assert 0 < ticker.due - 500.0 < 0.0201


def test_a_slot_without_calls_is_no_tick() -> None:
    ticker = slotted(0.0)
    due = ticker.due
    ticker.pass_over()
    assert (ticker.slot, ticker.ticks, ticker.late_p99()) == (1, 0, 0.0)
    assert ticker.due == pytest.approx(due + 0.005)


def test_a_late_tick_is_made_up_for_and_a_stopped_process_leaves_frames_out() -> None:
    ticker = Ticker(100.0, tolerated=FRAMES, made_up=FRAMES)
    due = ticker.due
    assert 100.0 < due <= 100.0 + FRAME_SECONDS
    late = due + (FRAMES - 1) * FRAME_SECONDS
    made = 0
    while ticker.due <= late:
        assert ticker.skip(late) == 0
        ticker.done(late)
        made += 1
    assert made >= FRAMES - 1
    skipped = ticker.skip(late + 10)
    assert skipped > 400
    assert ticker.due > late + 10 - (FRAMES + 2) * FRAME_SECONDS
    ticker.restart(200.0)
    assert 200.0 < ticker.due <= 200.0 + 1.01 * FRAME_SECONDS
    assert ticker.ticks == made
    assert ticker.late_p99() > 0
