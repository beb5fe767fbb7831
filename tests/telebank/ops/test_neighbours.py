"""When another node is taken for dead, and which one is settled next."""

from datetime import UTC, datetime, timedelta

import pytest

from telebank.ops.neighbours import RETRY_CAP_S, RETRY_FIRST_S, Watch
from telebank.store.succession import Neighbour, Seen

AFTER = 120.0
NOON = datetime(2026, 3, 31, 4, 0, tzinfo=UTC)


def found(
    node: str, beats: int = 0, *, rows: int = 1, epoch: int = 1, holder: str = "somebody"
) -> Neighbour:
    seen = Seen(epoch, NOON + timedelta(seconds=10 * beats))
    return Neighbour(node, seen, holder, nodes=3, terminal="", open=rows, manual=0)


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


@pytest.mark.parametrize("kept", ["", "somebody"])  # the lease tells whom it was had from
def test_what_a_settler_does_to_the_lease_is_no_sign_of_life(kept: str) -> None:
    watch = Watch(AFTER)
    watch.looked([found("01")], 0.0)
    now, epoch, waits = AFTER, 1, []
    assert watch.looked([found("01")], now) is not None
    for _ in range(4):
        epoch += 1
        for beats in (1, 2, 3):  # it takes the lease and beats while the host is away
            now += 10
            settling = found("01", epoch + beats, epoch=epoch, holder="here:1:2:3:settle")
            assert watch.looked([settling], now) is None
        waits.append(watch.ended(3, now))
        left = found("01", epoch + 3, epoch=epoch, holder=kept)
        assert watch.looked([left], now + waits[-1] - 0.1) is None
        now += waits[-1]
        assert watch.looked([left], now) == left
        assert watch.silent_for("01", now) == now
    assert waits == [RETRY_FIRST_S * 2**n for n in range(4)]


def test_a_settler_that_was_killed_is_waited_for() -> None:
    watch = Watch(AFTER)
    watch.looked([found("01")], 0.0)
    watch.looked([found("01")], AFTER)
    watch.ended(-9, AFTER + 50)
    taken = found("01", 4, epoch=2, holder="here:1:2:3:settle")
    assert watch.looked([taken], AFTER + 60) is None
    assert watch.looked([taken], 2 * AFTER + 59.9) is None
    assert watch.looked([taken], 2 * AFTER + 60) == taken


def test_a_node_that_took_itself_back_while_it_was_settled_is_alive() -> None:
    watch = Watch(AFTER)
    watch.looked([found("01")], 0.0)
    watch.looked([found("01")], AFTER)
    watch.ended(3, AFTER + 50)
    back = found("01", 17, epoch=2, holder="another")  # before our settler came to it
    assert watch.looked([back], AFTER + 100) is None
    assert watch.looked([back], 2 * AFTER + 99.9) is None
    assert watch.looked([back], 2 * AFTER + 100) == back


def test_failures_are_forgotten_when_the_node_came_back() -> None:
    watch = Watch(AFTER)
    watch.looked([found("01")], 0.0)
    now = AFTER
    for _ in range(6):
        assert watch.looked([found("01")], now) is not None
        now += watch.ended(3, now)
    back = found("01", 99, epoch=2, holder="another")
    assert watch.looked([back], now) is None
    assert watch.looked([back], now + AFTER) == back
    assert watch.ended(3, now + AFTER) == RETRY_FIRST_S


def test_zero_switches_it_off() -> None:
    watch = Watch(0.0)
    for now in (0.0, 1e6):
        assert watch.looked([found("01")], now) is None
