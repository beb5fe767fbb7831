"""RTP packets (RFC 3550 section 5.1): parse what came, build what goes.

0                   1                   2                   3
|V=2|P|X|  CC   |M|     PT      |       sequence number         |
|                           timestamp                           |
|                             SSRC                              |
|                       CSRC (CC words)                         |
|       extension: profile      |        length in words        |
"""

import struct
from typing import NamedTuple

HEADER = struct.Struct("!BBHII")
VERSION = 2
MAX_PACKET = 1_500
"""Longest RTP packet taken, in bytes: one Ethernet frame."""
MARKER = 0x80
RTCP_TYPES = range(192, 224)
"""Second byte of RTCP multiplexed on the RTP port (RFC 5761 section 4)."""
CONSECUTIVE = 4
"""Packets in unbroken sequence that make an address the source of a stream."""

Address = tuple[str, int]


class MalformedRtp(ValueError):  # noqa: N818 - what it is, not that it is an error
    """The peer sent bytes that are no RTP packet; the text names the field at fault."""


class Packet(NamedTuple):
    """One RTP packet; `sequence` is 16 bits, `timestamp` and `ssrc` 32, `payload` unpadded."""

    payload_type: int
    marker: bool
    sequence: int
    timestamp: int
    ssrc: int
    payload: bytes


def is_rtcp(data: bytes) -> bool:
    """Whether a datagram on a multiplexed port is RTCP (RFC 5761)."""
    return len(data) > 1 and data[1] in RTCP_TYPES


def parse(data: bytes) -> Packet:
    """Parse one datagram; raises `MalformedRtp` for anything that is not a whole RTP packet."""
    size = len(data)
    if not HEADER.size <= size <= MAX_PACKET:
        raise MalformedRtp(f"length {size}")
    first, second, sequence, timestamp, ssrc = HEADER.unpack_from(data)
    if first >> 6 != VERSION:
        raise MalformedRtp(f"version {first >> 6}")
    start, end = HEADER.size, size
    if first & 0x3F:
        start, end = _payload_bounds(data, first)
    return Packet(second & 0x7F, second >= MARKER, sequence, timestamp, ssrc, data[start:end])


def _payload_bounds(data: bytes, first: int) -> tuple[int, int]:
    """Start and end of the payload behind CSRCs, an extension and before padding."""
    start, end = HEADER.size + 4 * (first & 0x0F), len(data)
    if first & 0x10:
        if start + 4 > end:
            raise MalformedRtp("extension header cut short")
        start += 4 + 4 * int.from_bytes(data[start + 2 : start + 4], "big")
    if first & 0x20:
        padding = data[-1]
        if padding == 0:
            raise MalformedRtp("padding of no bytes")
        end -= padding
    if start > end:
        raise MalformedRtp("header longer than the packet")
    return start, end


def build(packet: Packet) -> bytes:
    """The bytes of a packet, without CSRCs, extension or padding."""
    second = packet.payload_type | (MARKER if packet.marker else 0)
    header = HEADER.pack(
        VERSION << 6,
        second,
        packet.sequence & 0xFFFF,
        packet.timestamp & 0xFFFFFFFF,
        packet.ssrc & 0xFFFFFFFF,
    )
    return header + packet.payload


def sequence_step(earlier: int, later: int) -> int:
    """Signed distance of two sequence numbers modulo 2^16: -32768 to 32767."""
    return ((later - earlier + 0x8000) & 0xFFFF) - 0x8000


def timestamp_step(earlier: int, later: int) -> int:
    """Signed distance of two timestamps modulo 2^32."""
    return ((later - earlier + 0x80000000) & 0xFFFFFFFF) - 0x80000000


class Run:
    """How many packets of one stream have come in unbroken sequence (RFC 3550 appendix A.1)."""

    def __init__(self) -> None:
        self._stream: tuple[Address, int] | None = None
        self._next = 0
        self._length = 0

    def settles(self, sender: Address, ssrc: int, sequence: int) -> bool:
        """Take a packet; whether it is the last of `CONSECUTIVE` in a row, or a later one."""
        follows = (sender, ssrc) == self._stream and sequence == self._next
        self._length = self._length + 1 if follows else 1
        self._stream = sender, ssrc
        self._next = (sequence + 1) & 0xFFFF
        return self._length >= CONSECUTIVE
