"""Counting what a peer sent, exactly and from one packet in 64."""

import random

from telebank.media.reception import Counts, Reception
from telebank.rtp import Packet


def packet(sequence: int, ssrc: int = 1) -> Packet:
    return Packet(8, False, sequence & 0xFFFF, 0, ssrc, b"")


def test_exact_counts_over_a_wrap() -> None:
    reception = Reception()
    for sequence in [65_533, 65_534, 0, 2, 1, 5]:
        reception.receive(packet(sequence))
    assert reception.counts() == Counts(received=6, lost=3, sampled=False)


def test_a_new_stream_loses_nothing() -> None:
    reception = Reception()
    for each in (packet(1), packet(2), packet(40_000), packet(40_001), packet(7, 2), packet(8, 2)):
        reception.receive(each)
    assert reception.counts() == Counts(received=6, lost=0, sampled=False)


def test_sampled_loss_is_near_the_truth_and_marked() -> None:
    draw, reception = random.Random(5), Reception()
    reception.receive(packet(99))
    reception.sample(True)
    sent, lost = 200_000, 0
    for sequence in range(100, 100 + sent):
        if draw.random() < 0.05:
            lost += 1
        elif sequence % 64 == 0 or sequence % 100 == 0:  # the filter, and keys between
            reception.receive(packet(sequence))
    counts = reception.counts()
    assert counts.sampled
    assert abs(counts.lost - lost) < 0.02 * sent
    assert abs(counts.received + counts.lost - sent) < 200


def test_nothing_received_is_nothing() -> None:
    assert Reception().counts() == Counts(0, 0, False)
