"""Which datagrams on the port of T.38 are taken for T.38, over real sockets and without waiting."""

import select
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from fax.terminal import Accept, Library, T38Peer, T38Terminal, TerminalOptions, library
from support.fax_lines import fax as fax_work
from support.fax_lines import page, read_pages, same, spandsp
from telebank.faxing.endpoint import MAX_DATAGRAMS, Endpoint
from telebank.faxing.over_t38 import MAX_JUMP, OverT38
from telebank.faxing.rtp import Outgoing
from telebank.faxing.source import Learning, Source
from telebank.workers.ports import Ports

HOST = "127.0.0.1"
NO_SIGNAL = bytes([1, 0, 0, 0])
"""Behind the sequence number: one packet of an indicator, no redundancy."""


class Peer:
    """Sends to a fax over T.38, and counts what it makes of it."""

    def __init__(self, fax: OverT38, endpoint: Endpoint, udp: socket.socket, folder: Path) -> None:
        self.fax = fax
        self.folder = folder
        self._to = (HOST, endpoint.port)
        self._udp = udp

    def send_only(self, data: bytes) -> None:
        self._udp.sendto(data, self._to)

    def heard(self) -> Iterator[bytes]:
        """What the fax has sent meanwhile."""
        while select.select([self._udp], [], [], 0)[0]:
            yield self._udp.recv(2_048)

    def send(self, *datagrams: bytes) -> tuple[int, int]:
        """Datagrams left out so far, as strays and as nobody's, after these have come."""
        for data in datagrams:
            self._udp.sendto(data, self._to)
            self.fax.tick(time.monotonic())
        return self.fax.strays, self.fax.foreign


def numbered(sequence: int) -> bytes:
    return (sequence & 0xFFFF).to_bytes(2, "big") + NO_SIGNAL


@pytest.fixture
def peer(tmp_path: Path) -> Iterator[Peer]:
    spandsp = library()
    assert isinstance(spandsp, Library)
    terminal = T38Terminal(
        spandsp, Accept(tmp_path / "a.tiff"), False, TerminalOptions(), T38Peer()
    )
    endpoint = Endpoint(Ports(0, 0).bind(HOST))
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
        udp.bind((HOST, 0))
        source = Source(udp.getsockname()[:2], Learning("127.0.0.1", 0.0))
        fax = OverT38(terminal, endpoint, source)
        yield Peer(fax, endpoint, udp, tmp_path)
        fax.close()
        endpoint.close()


def test_audio_that_is_still_under_way_is_left_out_first_and_later(peer: Peer) -> None:
    stray = Outgoing(8)
    assert peer.send(*(stray.packet(bytes(160)) for _ in range(5))) == (5, 0)
    assert peer.send(numbered(0), numbered(1)) == (5, 0)
    assert peer.send(stray.packet(bytes(160)), numbered(2)) == (6, 0)
    assert peer.fax.malformed == 6


def test_a_long_fax_reaches_the_numbers_that_look_like_audio(peer: Peer) -> None:
    longest = b"\1\0" + bytes(20)  # long enough to be RTP
    for sequence in [*range(0, 0x8000, MAX_JUMP), *range(0x8000, 0x8070)]:
        assert peer.send((sequence & 0xFFFF).to_bytes(2, "big") + longest) == (0, 0)


def test_a_peer_that_counts_anew_is_heard_again(peer: Peer) -> None:
    """Nothing is left out here, wherever it goes on: what is anew, the receiver decides."""
    for first in (0, 5_000, 0, 33_000, 65_530):
        assert peer.send(*(numbered(n) for n in range(first, first + 10))) == (0, 0)


@pytest.mark.parametrize(
    ("further", "strays"), [(0, 0), (100, 0), (29_800, 0), (60_000, 0), (32_768, 32)]
)
def test_a_fax_whose_peer_counts_anew_in_the_middle_arrives(
    peer: Peer, further: int, strays: int
) -> None:
    """Through the sockets of a line, and in virtual time. Where it goes on with numbers of audio, a
    few are taken for audio, until the first that cannot be."""
    whole, _ = fax_work(peer.folder, [page(1), page(2)])
    caller = T38Terminal(spandsp(), whole, True, TerminalOptions(), T38Peer())
    for _ in range(120 * 50):
        for datagram in caller.tick():
            number = int.from_bytes(datagram[:2], "big")
            anew = number + further if number >= 200 else number
            peer.send_only((anew & 0xFFFF).to_bytes(2, "big") + datagram[2:])
        peer.fax.tick(time.monotonic())
        for datagram in peer.heard():
            caller.datagram(datagram)
        if caller.finished:
            break
    assert peer.fax.strays <= strays
    assert (caller.close().pages, peer.fax.terminal.close().pages) == (2, 2)
    assert same([page(1), page(2)], read_pages(peer.folder / "a.tiff"))


def test_stumps_and_giants_are_left_out_and_a_flood_is_read_in_parts(peer: Peer) -> None:
    assert peer.send(b"", b"\0", bytes(1_501), bytes(60_000)) == (4, 0)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as stranger:
        for _ in range(2 * MAX_DATAGRAMS):
            stranger.sendto(numbered(7), (HOST, peer.fax.endpoint.port))
    peer.fax.tick(time.monotonic())
    assert peer.fax.foreign == MAX_DATAGRAMS
