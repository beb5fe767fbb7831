"""One UDPTL datagram and its bytes (T.38, 9.1 and the UDPTLPacket of annex A, packed as in X.691).

    sequence number (2) | primary IFP | recovery flag (1) | what the flag says
    flag 0x00: how many earlier IFPs | the IFPs, newest first
    flag 0x80: 0x01 span (2) | how many parities | the parities

Each IFP and parity stands behind its length: one byte below 128, else two with the top bit set.
"""

from collections.abc import Sequence
from dataclasses import dataclass

LARGEST_DATAGRAM = 2048
"""Bytes; nothing longer is looked at. A T.38 packet of 14400 bit/s has some sixty."""
LARGEST_IFP = 1024
"""Bytes of one facsimile packet; HDLC frames of error correction have 260."""

_SECONDARIES = 0x00
_PARITIES = 0x80
_TWO_BYTES = 0x80
_LARGEST_LENGTH = 0x3FFF
_SEQUENCES = 0x10000


class MalformedUdptl(ValueError):  # noqa: N818 - what it is, as in "malformed datagram"
    """The datagram is not UDPTL. Says where it stops making sense, never what it carries."""


@dataclass(frozen=True, slots=True)
class Parity:
    """Forward error correction of a datagram with sequence number s: parity m of n is the
    exclusive-or of the IFPs s + m - span * n, then every n-th, below s + m."""

    span: int
    data: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class Packet:
    """One datagram: its sequence number (0 to 65535), its IFP, and what repairs earlier losses."""

    sequence: int
    primary: bytes
    secondaries: tuple[bytes, ...] = ()
    """Earlier IFPs, newest first: sequence - 1, sequence - 2, and so on."""
    parity: Parity | None = None


def encode(sequence: int, primary: bytes, secondaries: Sequence[bytes] = ()) -> bytes:
    """The datagram of an IFP with redundancy. ValueError: an IFP of more than 16383 bytes."""
    parts = [(sequence % _SEQUENCES).to_bytes(2, "big"), _behind_length(primary), b"\x00"]
    parts.append(_length(len(secondaries)))
    parts.extend(_behind_length(secondary) for secondary in secondaries)
    return b"".join(parts)


def encoded_size(primary: bytes, secondaries: Sequence[bytes] = ()) -> int:
    """The size of the datagram that `encode` would make, in bytes."""
    inside = sum(len(_length(len(ifp))) + len(ifp) for ifp in (primary, *secondaries))
    return 3 + len(_length(len(secondaries))) + inside


def decode(datagram: bytes) -> Packet:
    """Take a datagram apart. MalformedUdptl: too long, cut short, or with bytes left over (which is
    how stray RTP on the port is told from facsimile)."""
    if len(datagram) > LARGEST_DATAGRAM:
        raise MalformedUdptl(f"{len(datagram)} bytes: longer than {LARGEST_DATAGRAM}")
    bytes_left = _Bytes(datagram)
    sequence = int.from_bytes(bytes_left.take(2, "the sequence number"), "big")
    primary = bytes_left.behind_length("the primary packet")
    flag = bytes_left.take(1, "the recovery flag")[0]
    packet = _recovery(bytes_left, sequence, primary, flag)
    if bytes_left.left:
        raise MalformedUdptl(f"{bytes_left.left} bytes after the end")
    return packet


def _recovery(bytes_left: "_Bytes", sequence: int, primary: bytes, flag: int) -> Packet:
    if flag == _SECONDARIES:
        return Packet(sequence, primary, bytes_left.several("the earlier packets"))
    if flag != _PARITIES:
        raise MalformedUdptl(f"recovery flag {flag:#04x}, neither 0x00 nor 0x80")
    if bytes_left.take(1, "the span")[0] != 1:
        raise MalformedUdptl("the span has more than one byte")
    span = bytes_left.take(1, "the span")[0]
    return Packet(sequence, primary, (), Parity(span, bytes_left.several("the parities")))


def _length(length: int) -> bytes:
    if length < _TWO_BYTES:
        return bytes([length])
    if length > _LARGEST_LENGTH:
        raise ValueError(f"{length} is too long for UDPTL: at most {_LARGEST_LENGTH}")
    return (length | _TWO_BYTES << 8).to_bytes(2, "big")


def _behind_length(ifp: bytes) -> bytes:
    return _length(len(ifp)) + ifp


class _Bytes:
    """The rest of a datagram, taken from its front."""

    def __init__(self, datagram: bytes) -> None:
        self._datagram = datagram
        self._at = 0

    @property
    def left(self) -> int:
        return len(self._datagram) - self._at

    def take(self, count: int, what: str) -> bytes:
        if count > self.left:
            raise MalformedUdptl(f"cut short in {what}: {self.left} bytes left, {count} wanted")
        self._at += count
        return self._datagram[self._at - count : self._at]

    def length(self, what: str) -> int:
        first = self.take(1, what)[0]
        if first < _TWO_BYTES:
            return first
        if first >= _TWO_BYTES | 0x40:
            raise MalformedUdptl(f"{what} in fragments")
        return (first & 0x3F) << 8 | self.take(1, what)[0]

    def behind_length(self, what: str) -> bytes:
        length = self.length(what)
        if length > LARGEST_IFP:
            raise MalformedUdptl(f"{what} of {length} bytes: longer than {LARGEST_IFP}")
        return self.take(length, what)

    def several(self, what: str) -> tuple[bytes, ...]:
        return tuple(self.behind_length(what) for _ in range(self.length(what)))
