"""When another node is taken for dead, and which one is settled next."""

from datetime import UTC, datetime, timedelta

from telebank.ops.neighbours import RETRY_CAP_S, RETRY_FIRST_S, Watch
from telebank.store.succession import Neighbour, Seen

AFTER = 120.0
NOON = datetime(2026, 3, 31, 4, 0, tzinfo=UTC)


def found(node: str, beats: int = 0, *, rows: int = 1, epoch: int = 1) -> Neighbour:
    seen = Seen(epoch, NOON + timedelta(seconds=10 * beats))
    return Neighbour(node, seen, "somebody", nodes=3, terminal="", open=rows, manual=0)


def test_a_node_is_dead_when_nothing_of_its_lease_moved_for_so_long() -> None:
    watch = Watch(AFTER)
    assert watch.looked([found("01")], 0.0) is None  # how old its heartbeat is says nothing
    assert watch.looked([found("01")], AFTER - 0.1) is None
    assert watch.looked([found("01")], AFTER) == found("01")
    assert (watch.busy, watch.silent_for("01", AFTER)) == ("01", AFTER)


def test_a_heartbeat_or_another_holder_begins_the_silence_anew() -> None:
    watch = Watch(AFTER)
    watch.looked([found("01")], 0.0)
    assert watch.looked([found("01", beats=1)], 119.0) is None
    assert watch.looked([found("01", beats=1)], 238.0) is None
    assert watch.looked([found("01", beats=1, epoch=2)], 239.0) is None
    assert watch.looked([found("01", beats=1, epoch=2)], 358.0) is None
    assert watch.looked([found("01", beats=1, epoch=2)], 359.0) is not None


def test_a_silent_node_without_open_rows_is_left_alone_until_it_has_some() -> None:
    watch = Watch(AFTER)
    watch.looked([found("01", rows=0)], 0.0)
    assert watch.looked([found("01", rows=0)], 500.0) is None
    assert watch.looked([found("01")], 510.0) is not None


def test_one_at_a_time_and_the_one_with_most_rows_first() -> None:
    watch = Watch(AFTER)
    both = [found("01"), found("03", rows=7)]
    watch.looked(both, 0.0)
    assert watch.looked(both, AFTER) == both[1]
    assert watch.looked(both, AFTER + 1) is None
    watch.ended(0, AFTER + 2)
    assert watch.looked(both, AFTER + 3) == both[0]


def test_a_failure_is_tried_again_later_and_later() -> None:
    watch = Watch(AFTER)
    watch.looked([found("01")], 0.0)
    now, waits = AFTER, []
    for _ in range(8):
        assert watch.looked([found("01")], now) is not None
        waits.append(watch.ended(3, now))
        assert watch.looked([found("01")], now + waits[-1] - 0.1) is None
        now += waits[-1]
    assert waits[:3] == [RETRY_FIRST_S, 2 * RETRY_FIRST_S, 4 * RETRY_FIRST_S]
    assert waits[-1] == RETRY_CAP_S
    assert watch.looked([found("01")], now) is not None
    assert watch.ended(0, now) == RETRY_FIRST_S


def test_zero_switches_it_off() -> None:
    watch = Watch(0.0)
    for now in (0.0, 1e6):
        assert watch.looked([found("01")], now) is None
