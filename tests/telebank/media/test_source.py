"""Latching the source: agreed at once, learnt only from a peer whose SDP was wrong."""

import pytest

from telebank.media.source import EARLY_EVENTS, EARLY_SOURCES, SourceLatch, Verdict
from telebank.rtp import Address, Packet

AGREED, STRANGER, THIRD = ("192.0.2.1", 4_000), ("203.0.113.9", 5_000), ("203.0.113.9", 5_002)
HEARD, LATCHED, FOREIGN = Verdict.HEARD, Verdict.LATCHED, Verdict.FOREIGN


def packet(sequence: int, ssrc: int = 1) -> Packet:
    return Packet(8, False, sequence & 0xFFFF, 0, ssrc, b"")


def latch(learn_from: str = STRANGER[0]) -> SourceLatch:
    return SourceLatch(AGREED, since=100.0, learn_after=1.0, learn_from=learn_from)


def feed(it: SourceLatch, address: Address, sequences: list[int], now: float) -> list[Verdict]:
    return [it.receive(address, packet(sequence), now) for sequence in sequences]


def test_agreed_is_heard_at_once_and_latched_by_the_fourth() -> None:
    it = latch()
    assert feed(it, AGREED, [65_534, 65_535, 0, 1], 100.0) == [HEARD, HEARD, HEARD, LATCHED]
    assert it.source == AGREED


def test_four_must_be_consecutive() -> None:
    it = latch()
    assert feed(it, AGREED, [1, 2, 3, 5, 6, 7], 100.0) == [HEARD] * 6
    assert feed(it, AGREED, [8], 100.0) == [LATCHED]


def test_strangers_are_foreign_while_the_agreed_may_still_speak() -> None:
    it = latch()
    assert feed(it, STRANGER, [1, 2, 3, 4, 5], 100.9) == [FOREIGN] * 5
    assert it.source is None


def test_strangers_never_win_once_the_agreed_spoke() -> None:
    it = latch()
    assert feed(it, AGREED, [1], 100.0) == [HEARD]
    assert feed(it, STRANGER, [1, 2, 3, 4, 5], 200.0) == [FOREIGN] * 5


def test_a_peer_behind_translation_is_learnt_by_its_fourth_packet() -> None:
    it = latch()
    assert feed(it, STRANGER, [1, 2, 3, 4], 101.0) == [FOREIGN, FOREIGN, FOREIGN, LATCHED]
    assert it.source == STRANGER


def test_keys_from_before_it_was_learnt_are_those_of_the_one_that_is() -> None:
    it = latch()
    for port in range(6_000, 6_000 + EARLY_SOURCES - 1):
        it.receive((STRANGER[0], port), packet(1), 100.1, event=True)
    for sequence in range(EARLY_EVENTS + 10):
        it.receive(STRANGER, packet(sequence), 100.2, event=True)
    it.receive(STRANGER, packet(900), 100.3)
    it.receive(THIRD, packet(1), 100.4, event=True)
    it.receive(("198.51.100.7", 5_000), packet(1), 100.5, event=True)
    assert it.early == []
    verdicts = [it.receive(STRANGER, packet(n), 102.0, event=True) for n in range(1_000, 1_004)]
    assert verdicts == [FOREIGN, FOREIGN, FOREIGN, LATCHED]
    assert [one.sequence for one in it.early] == [
        *range(13, EARLY_EVENTS + 10),
        1_000,
        1_001,
        1_002,
    ]


def test_strangers_keys_count_for_nothing_once_the_agreed_is_latched() -> None:
    it = latch()
    it.receive(STRANGER, packet(1), 100.1, event=True)
    assert feed(it, AGREED, [1, 2, 3, 4], 100.2)[-1] is LATCHED
    assert it.early == []


def test_two_strangers_in_turn_are_not_learnt() -> None:
    it = latch()
    for sequence in range(20):
        for address in (STRANGER, THIRD):
            assert it.receive(address, packet(sequence), 102.0) is FOREIGN


def test_one_address_with_two_streams_is_not_learnt() -> None:
    it = latch()
    for sequence in range(20):
        for ssrc in (1, 2):
            assert it.receive(STRANGER, packet(sequence, ssrc), 102.0) is FOREIGN


@pytest.mark.parametrize("now", [100.0, 101.0, 1_000.0])
def test_nothing_is_learnt_where_that_is_off(now: float) -> None:
    assert feed(latch(""), STRANGER, [1, 2, 3, 4, 5], now) == [FOREIGN] * 5


@pytest.mark.parametrize("learn_from", [AGREED[0], "198.51.100.7"])
def test_nothing_is_learnt_from_another_host_than_the_signalling_has(learn_from: str) -> None:
    it = latch(learn_from)
    assert feed(it, STRANGER, list(range(100)), 200.0) == [FOREIGN] * 100
    assert feed(it, (learn_from, 9_000), [1, 2, 3, 4], 200.0)[-1] is LATCHED
    assert it.source == (learn_from, 9_000)
