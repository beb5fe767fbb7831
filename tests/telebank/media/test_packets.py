"""Packets cut anew, to another length than the plane's."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from telebank.media.packets import Packer, packet_time
from telebank.rtp import Packet, build, parse

TICK = 160


def tick(number: int, *, marker: bool = False, timestamp: int | None = None) -> memoryview:
    """The row's packet of a tick: octets count on."""
    at = number * TICK
    octets = bytes((at + n) % 251 for n in range(TICK))
    time = (2**32 - 1_000 + at) if timestamp is None else timestamp
    return memoryview(build(Packet(8, marker, 65_530 + number, time, 7, octets)))


def packed(packet_ms: int, ticks: int) -> list[Packet]:
    sent: list[Packet] = []
    packer = Packer(packet_ms, lambda view: sent.append(parse(bytes(view))))
    for number in range(ticks):
        packer(tick(number, marker=number in {0, 7}))
        packer.flush()
    assert packer.sent == len(sent)
    assert packer.octets == sum(len(each.payload) for each in sent)
    return sent


@pytest.mark.parametrize("packet_ms", [10, 20, 30, 40, 50, 60])
def test_every_octet_is_sent_once_in_packets_of_the_length_asked(packet_ms: int) -> None:
    sent = packed(packet_ms, 60)
    octets = b"".join(each.payload for each in sent)
    assert octets == bytes(n % 251 for n in range(60 * TICK))[: len(octets)]
    assert len(octets) > 60 * TICK - packet_ms * 8
    assert {len(each.payload) for each in sent} == {packet_ms * 8}
    for number, each in enumerate(sent):
        assert each.sequence == (65_530 + number) & 0xFFFF
        assert each.timestamp == (2**32 - 1_000 + number * packet_ms * 8) & 0xFFFFFFFF
        assert (each.payload_type, each.ssrc) == (8, 7)
    marked = [each.timestamp for each in sent if each.marker]
    assert marked[0] == sent[0].timestamp
    assert len(marked) == 2


def test_the_second_half_waits_for_its_time() -> None:
    sent: list[int] = []
    packer = Packer(10, lambda view: sent.append(len(view)))
    packer(tick(0))
    assert sent == [92]
    packer.flush()
    assert sent == [92, 92]
    packer(tick(1))
    packer(tick(2))  # a flush was left out: nothing is lost
    assert len(sent) == 5


def test_what_waited_before_a_pause_is_not_sent_after_it() -> None:
    sent: list[Packet] = []
    packer = Packer(30, lambda view: sent.append(parse(bytes(view))))
    packer(tick(0))
    packer(tick(9))
    packer(tick(10))
    assert [each.timestamp for each in sent] == [(2**32 - 1_000 + 9 * TICK) & 0xFFFFFFFF]


def test_another_length_keeps_the_sequence() -> None:
    sent: list[Packet] = []
    packer = Packer(10, lambda view: sent.append(parse(bytes(view))))
    for number in range(4):
        packer(tick(number))
        packer.flush()
    packer.change(60, lambda view: sent.append(parse(bytes(view))))
    for number in range(4, 10):
        packer(tick(number))
    assert [each.sequence for each in sent] == [(65_530 + n) & 0xFFFF for n in range(10)]


@given(st.integers(-5, 5_000))
def test_a_packet_time_is_a_whole_ten_of_milliseconds(asked: int) -> None:
    given_ms = packet_time(asked)
    assert given_ms in (10, 20, 30, 40, 50, 60)
    if 10 <= asked <= 60:
        assert abs(given_ms - asked) <= 5


def test_a_packet_that_the_system_refuses_costs_no_other() -> None:
    sent: list[Packet] = []

    def send(view: memoryview) -> None:
        packet = parse(bytes(view))
        if packet.sequence % 2:
            raise PermissionError(13, "Permission denied")
        sent.append(packet)

    packer = Packer(10, send)
    for number in range(4):
        packer(tick(number))
        packer.flush()
    assert packer.refused == len(sent) == 4
    assert (packer.sent, packer.octets) == (8, 640)
    assert sent[0].payload == bytes(n % 251 for n in range(80))
