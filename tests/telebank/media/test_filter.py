"""The packet filter: an interpreter of its instructions, and the kernel, agree on what passes."""

import random
import socket

import pytest
from hypothesis import given
from hypothesis import strategies as st

from telebank.media.filter import COMFORT_NOISE, Instruction, attach, detach, narrow

EVENTS = 101
UDP_HEADER = bytes(8)


def passes(program: list[Instruction], datagram: bytes) -> bool:
    """Run classic BPF as the kernel does: loads count from the UDP header."""
    data, accumulator, at = UDP_HEADER + datagram, 0, 0
    while True:
        code, jump_true, jump_false, k = program[at]
        at += 1
        match code:
            case 0x30 | 0x28:
                size = 1 if code == 0x30 else 2
                if k + size > len(data):
                    return False
                accumulator = int.from_bytes(data[k : k + size], "big")
            case 0x54:
                accumulator &= k
            case 0x15:
                at += jump_true if accumulator == k else jump_false
            case 0x35:
                at += jump_true if accumulator >= k else jump_false
            case 0x06:
                return k > 0
            case _:
                raise AssertionError(f"instruction {code:#x} is unknown here")


def wanted(datagram: bytes, event_type: int | None, rtcp_mux: bool, signals: bool = False) -> bool:
    """What `narrow` promises, said plainly."""
    if signals and datagram and datagram[0] < 128:
        return True
    if len(datagram) < 2:
        return False
    if rtcp_mux and 192 <= datagram[1] <= 223:
        return True
    if event_type is not None and datagram[1] & 0x7F == event_type:
        return True
    if datagram[1] & 0x7F == COMFORT_NOISE:
        return True
    return len(datagram) >= 4 and int.from_bytes(datagram[2:4], "big") % 64 == 0


CHOICES = [(EVENTS, False), (EVENTS, True), (96, True), (None, False), (None, True)]


@pytest.mark.parametrize(("event_type", "rtcp_mux"), CHOICES)
@given(datagram=st.binary(max_size=20))
def test_the_program_means_what_it_says(
    event_type: int | None, rtcp_mux: bool, datagram: bytes
) -> None:
    for signals in (False, True):
        program = narrow(event_type, rtcp_mux, signals)
        assert passes(program, datagram) == wanted(datagram, event_type, rtcp_mux, signals)


@pytest.mark.parametrize("signals", [False, True])
@pytest.mark.parametrize(("event_type", "rtcp_mux"), CHOICES)
def test_the_kernel_agrees(event_type: int | None, rtcp_mux: bool, signals: bool) -> None:
    draw = random.Random(3)
    types = [8, EVENTS, 0x80 | EVENTS, 96, 191, 192, 200, 203, 223, 224, 13]
    datagrams = [
        bytes([0x80, draw.choice(types), draw.choice([0, 1, 255]), draw.choice([0, 1, 63, 64])])
        + bytes([number])
        for number in range(200)
    ]
    datagrams += [b"", b"\x80", b"\x80\x08", bytes([0x80, EVENTS]), b"\x80\x08\x00"]
    datagrams += [b"\x00\x01", b"\x16", b"\x3f\xfe", b"\x7f\x08\x00\x01", b"\xc0\x08\x00\x01"]
    ours, theirs = (socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(2))
    with ours, theirs:
        ours.bind(("127.0.0.1", 0))
        ours.setblocking(False)
        attach(ours, narrow(event_type, rtcp_mux, signals))
        received = []
        for datagram in datagrams:
            theirs.sendto(datagram, ours.getsockname())
            received += read_all(ours)
        assert received == [d for d in datagrams if wanted(d, event_type, rtcp_mux, signals)]
        detach(ours)
        theirs.sendto(b"\x80\x08\x00\x01", ours.getsockname())
        assert read_all(ours) == [b"\x80\x08\x00\x01"]


def read_all(endpoint: socket.socket) -> list[bytes]:
    """Loopback delivers within the send, so what passed is there."""
    received = []
    while True:
        try:
            received.append(endpoint.recv(2_048))
        except BlockingIOError:
            return received
