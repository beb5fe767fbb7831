"""The lane for expected packets beside the usual way: the same sound, the same counts."""

import random
import socket
from collections.abc import Iterator

import numpy as np
import pytest

from telebank.media.bank import FRAME
from telebank.media.express import EVERY, Express
from telebank.media.jitter import Case
from telebank.media.listening import Listening, Tables
from telebank.media.reception import Reception
from telebank.rtp import MAX_PACKET, Packet, build, parse

CAPACITY, ROW, SLOT = 4, 2, 1
TABLES = Tables()


class Ends:
    """Two sockets connected to each other."""

    def __init__(self) -> None:
        self.peer, self.ours = (socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(2))
        for end in (self.peer, self.ours):
            end.bind(("127.0.0.1", 0))
        self.peer.connect(self.ours.getsockname())
        self.ours.connect(self.peer.getsockname())
        self.ours.setblocking(False)


@pytest.fixture
def ends() -> Iterator[Ends]:
    both = Ends()
    yield both
    both.peer.close()
    both.ours.close()


class Ear:
    """A row listened to, by way of a lane or without; as a channel does."""

    def __init__(self, ends: Ends, drained: bool) -> None:
        self.listenings = [Listening(CAPACITY, TABLES) for _ in range(2)]
        self.reception = Reception()
        self.listening = self.listenings[SLOT]
        self.listening.add(ROW, 0)
        self.polled: dict[int, bool] = {}
        self.express = Express(self.listenings, CAPACITY, self.polled.__setitem__)
        self.lane = self.express.lane(SLOT, ROW, ends.ours, self.usual)
        self.lane.drained = drained
        self.ends = ends
        self.seen = 0
        self.sound: list[np.ndarray] = []

    def usual(self, data: bytes | None, now: float) -> None:
        self.catch_up()
        if data is None:
            return
        self.seen += 1
        packet = parse(data)
        self.reception.receive(packet, now)
        self.listening.put(ROW, packet, now)
        self.lane.expect(packet, self.listening.expects(ROW, packet))

    def catch_up(self) -> None:
        if count := self.lane.passed():
            self.reception.passed(count)
            self.listening.passed(ROW, count)

    def readable(self, now: float) -> None:
        """What the worker calls while the lane is shut."""
        self.usual(self.ends.ours.recv(MAX_PACKET + 1), now)

    def take(self, data: bytes, now: float) -> None:
        self.ends.peer.send(data)
        if self.polled.get(self.ends.ours.fileno(), True):
            self.readable(now)
        else:
            self.express.read(SLOT, now)

    def tick(self, now: float) -> None:
        self.sound.append(self.listening.frames(now).samples[0].copy())


def stream(seed: int, packets: int, trouble: float) -> list[tuple[float, bytes]]:
    """Arrival times and packets: jitter of some ms; where there is `trouble`, loss, repeats, late
    ones, jumps, keys' marker bits, other lengths and sources."""
    draw = random.Random(seed)
    sequence, timestamp, ssrc = 65_500, 4_294_960_000, 7
    sent: list[tuple[float, bytes]] = []
    for number in range(packets):
        at = 0.02 * number + draw.uniform(0, 0.004)
        length, marker = FRAME, False
        if draw.random() < trouble:
            kind = draw.choice(["lose", "repeat", "late", "restart", "marker", "long", "jump"])
            marker = kind == "marker"
            length = 2 * FRAME if kind == "long" else FRAME
            ssrc += kind == "restart"
            sequence += 7 if kind == "jump" else 0
            at += 0.05 if kind == "late" else 0.0
            if kind == "lose":
                sequence, timestamp = sequence + 1, timestamp + FRAME
                continue
        payload = bytes(draw.randrange(256) for _ in range(length))
        packet = Packet(8, marker, sequence & 0xFFFF, timestamp & 0xFFFFFFFF, ssrc, payload)
        sent += [(at, build(packet))] * (2 if draw.random() < trouble / 5 else 1)
        sequence, timestamp = sequence + 1, timestamp + length
    return sorted(sent, key=lambda item: item[0])


def listen(ear: Ear, sent: list[tuple[float, bytes]]) -> None:
    waiting = list(sent)
    for tick in range(int(sent[-1][0] / 0.02) + 20):
        now = 100 + 0.02 * tick
        while waiting and 100 + waiting[0][0] < now:
            ear.take(waiting.pop(0)[1], now - 0.001)
        ear.tick(now)
    ear.catch_up()


@pytest.mark.parametrize("trouble", [0.0, 0.02, 0.2])
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_the_lane_gives_the_sound_and_the_counts_of_the_usual_way(
    ends: Ends, seed: int, trouble: float
) -> None:
    sent = stream(seed, 700, trouble)
    lane, usual = Ear(ends, drained=True), Ear(ends, drained=False)
    listen(lane, sent)
    listen(usual, sent)
    assert usual.seen == len(sent)
    if not trouble:
        assert lane.seen <= len(sent) / EVERY + 2
    assert lane.seen < 0.9 * len(sent)
    assert lane.reception.counts() == usual.reception.counts()
    counts, wanted = lane.listening.counts(ROW), usual.listening.counts(ROW)
    assert sum(counts.values()) == sum(wanted.values())
    if not trouble:
        assert counts == wanted
        assert counts[Case.NEXT] == len(sent)
        assert all(map(np.array_equal, lane.sound, usual.sound))


def test_a_shut_lane_takes_nothing(ends: Ends) -> None:
    ear = Ear(ends, drained=False)
    listen(ear, stream(1, 60, 0.0))
    assert ear.seen == 60


@pytest.mark.parametrize("change", ["ssrc", "sequence", "timestamp", "type", "version", "size"])
def test_what_is_not_expected_to_the_bit_goes_the_usual_way(ends: Ends, change: str) -> None:
    ear = Ear(ends, drained=True)
    for number in range(4):
        ear.tick(100 + 0.02 * number)
        packet = Packet(8, False, number, number * FRAME, 7, bytes(FRAME))
        ear.take(build(packet), 100.01 + 0.02 * number)
    assert ear.seen == 1
    good = Packet(8, False, 4, 4 * FRAME, 7, bytes(FRAME))
    changes: dict[str, Packet] = {
        "ssrc": good._replace(ssrc=8),
        "sequence": good._replace(sequence=5),
        "timestamp": good._replace(timestamp=5 * FRAME),
        "type": good._replace(payload_type=9),
        "size": good._replace(payload=bytes(FRAME + 1)),
    }
    data = build(changes.get(change, good))
    if change == "version":
        data = bytes([data[0] | 0x0F]) + data[1:12] + bytes(60) + data[12:]
    seen: list[bytes] = []
    ear.lane.other = lambda data, now: seen.append(data)
    ear.take(data, 100.09)
    assert seen == [data]
    assert ear.lane.passed() == 3


def test_a_datagram_longer_than_a_packet_may_be_is_given_on_as_long_as_it_can_be(
    ends: Ends,
) -> None:
    ear = Ear(ends, drained=True)
    ear.take(build(Packet(8, False, 1, FRAME, 7, bytes(FRAME))), 100.0)
    seen: list[bytes] = []
    ear.lane.other = lambda data, now: seen.append(data)
    ear.take(bytes(4_000), 100.02)
    assert [len(data) > MAX_PACKET for data in seen] == [True]
