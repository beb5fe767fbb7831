"""Redundancy goes with each packet as far as the peer's limit lets."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fax.udptl import Sender, decode, usable_datagram


def test_each_packet_takes_the_three_before_it() -> None:
    sender = Sender()
    sent = [decode(sender.packet(bytes([n]))) for n in range(5)]
    assert [packet.sequence for packet in sent] == [0, 1, 2, 3, 4]
    assert sent[0].secondaries == ()
    assert sent[4].secondaries == (b"\x03", b"\x02", b"\x01")


@pytest.mark.parametrize(
    ("said", "used"),
    [
        (None, 400),
        (0, 400),
        (-1, 400),
        (-(2**40), 400),
        (1, 72),
        (72, 72),
        (300, 300),
        (1401, 1400),
        (2**64, 1400),
    ],
)
def test_what_a_peer_says_of_its_datagrams(said: int | None, used: int) -> None:
    assert usable_datagram(said) == used
    assert Sender(max_datagram=said).max_datagram == used


@given(st.lists(st.binary(min_size=1, max_size=64), max_size=60), st.integers(-10, 500))
def test_no_datagram_is_longer_and_the_newest_are_kept(ifps: list[bytes], said: int) -> None:
    sender = Sender(max_datagram=said)
    for at, ifp in enumerate(ifps):
        datagram = sender.packet(ifp)
        packet = decode(datagram)
        assert len(datagram) <= usable_datagram(said)
        newest_first = tuple(ifps[max(0, at - 3) : at][::-1])
        assert packet.primary == ifp
        assert packet.secondaries == newest_first[: len(packet.secondaries)]


def test_a_packet_too_long_alone_goes_alone() -> None:
    sender = Sender(max_datagram=72)
    sender.packet(b"\x01")
    assert decode(sender.packet(bytes(200))).secondaries == ()


def test_numbers_begin_anew_after_65535() -> None:
    sender = Sender(redundancy=0)
    last = [decode(sender.packet(b"\x00")).sequence for _ in range(65537)][-2:]
    assert last == [65535, 0]


@pytest.mark.parametrize("redundancy", [-1, 16])
def test_redundancy_has_limits(redundancy: int) -> None:
    with pytest.raises(ValueError, match="0 to 15"):
        Sender(redundancy)
