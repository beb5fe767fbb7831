"""UDPTL datagrams: their bytes, and what is not one."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fax.udptl import MalformedUdptl, Packet, Parity, decode, encode
from fax.udptl.packet import LARGEST_DATAGRAM, encoded_size

IFP = st.binary(max_size=300)
PACKETS = st.tuples(st.integers(0, 0xFFFF), IFP, st.lists(IFP, max_size=4))


def test_bytes_of_an_indicator_with_two_before_it() -> None:
    """T.38: 0x06 is the indicator of V.21 flags, 0x02 of CNG, 0x00 of no signal."""
    datagram = encode(0x0102, b"\x06", [b"\x02", b"\x00"])
    assert datagram == bytes.fromhex("0102 01 06 00 02 0102 0100")
    assert decode(datagram) == Packet(0x0102, b"\x06", (b"\x02", b"\x00"))


def test_long_packets_have_two_bytes_of_length() -> None:
    assert encode(0, bytes(128))[2:4] == b"\x80\x80"
    assert encode(0, bytes(127))[2:3] == b"\x7f"


def test_parity_is_read() -> None:
    datagram = bytes.fromhex("0009 01 aa 80 01 03 02 01 11 02 2233")
    assert decode(datagram) == Packet(9, b"\xaa", (), Parity(3, (b"\x11", b"\x22\x33")))


@given(PACKETS)
def test_round_trip(packet: tuple[int, bytes, list[bytes]]) -> None:
    sequence, primary, secondaries = packet
    datagram = encode(sequence, primary, secondaries)
    assert decode(datagram) == Packet(sequence, primary, tuple(secondaries))
    assert len(datagram) == encoded_size(primary, secondaries)


@given(PACKETS, st.binary(min_size=1, max_size=8))
def test_cut_short_anywhere_or_with_a_tail_it_is_malformed(
    packet: tuple[int, bytes, list[bytes]], tail: bytes
) -> None:
    datagram = encode(*packet)
    for length in range(len(datagram)):
        with pytest.raises(MalformedUdptl):
            decode(datagram[:length])
    with pytest.raises(MalformedUdptl):
        decode(datagram + tail)


@given(st.binary(max_size=LARGEST_DATAGRAM + 2))
def test_anything_is_a_packet_or_malformed(data: bytes) -> None:
    try:
        packet = decode(data)
    except MalformedUdptl:
        return
    assert len(packet.primary) + sum(map(len, packet.secondaries)) < len(data)


@given(st.integers(0, 127), st.integers(0, 0xFFFF), st.randoms(use_true_random=False))
def test_stray_rtp_is_malformed(payload_type: int, sequence: int, dice: object) -> None:
    """20 ms of G.711 that come late on the port."""
    audio = bytes(dice.randrange(256) for _ in range(160))  # type: ignore[attr-defined]
    header = bytes([0x80, payload_type]) + sequence.to_bytes(2, "big") + audio[:8]
    with pytest.raises(MalformedUdptl):
        decode(header + audio)


@pytest.mark.parametrize(
    ("datagram", "why"),
    [
        (bytes(LARGEST_DATAGRAM + 1), "longer than 2048"),
        (b"", "sequence number"),
        (bytes.fromhex("0000 c1 00 00"), "fragments"),
        (bytes.fromhex("0000 8401") + bytes(1100), "longer than 1024"),
        (bytes.fromhex("0000 01 aa 40 00"), "neither 0x00 nor 0x80"),
        (bytes.fromhex("0000 01 aa 80 02 0001 00"), "more than one byte"),
        (bytes.fromhex("0000 01 aa 00 02 01 bb"), "earlier packets"),
    ],
)
def test_what_is_malformed_says_why(datagram: bytes, why: str) -> None:
    with pytest.raises(MalformedUdptl, match=why):
        decode(datagram)
