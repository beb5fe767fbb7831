"""RTP of a fax over G.711 (RFC 3550 section 5.1, RFC 3551): 160 octets each 20 ms."""

import random

from telebank.rtp import HEADER, MARKER, VERSION

FRAME = 160
"""Samples, and octets, in 20 ms at 8000 a second."""
_USUAL = frozenset({0, 8, 9, 13, 18, *range(72, 77), *range(96, 128)})
"""Payload types of telephones and, in the same place, RTCP's packet types (RFC 3551, RFC 5761)."""


def looks_like_rtp(data: bytes) -> bool:
    """Whether a datagram on another port may be RTP or RTCP of a telephone."""
    return len(data) >= HEADER.size and data[0] >> 6 == VERSION and data[1] & 0x7F in _USUAL


class Outgoing:
    """The stream that we send: numbers each frame, and counts the time of those left out."""

    def __init__(self, payload_type: int) -> None:
        self._second = payload_type | MARKER
        self._sequence = random.getrandbits(16)
        self._timestamp = random.getrandbits(32)
        self._ssrc = random.getrandbits(32)

    def packet(self, octets: bytes) -> bytes:
        """The next 20 ms; the first one, and one after a gap, is marked."""
        header = HEADER.pack(
            VERSION << 6, self._second, self._sequence, self._timestamp, self._ssrc
        )
        self._second &= ~MARKER
        self._sequence = (self._sequence + 1) & 0xFFFF
        self._timestamp = (self._timestamp + FRAME) & 0xFFFFFFFF
        return header + octets

    def leave_out(self, frames: int) -> None:
        """So many frames are never sent; the clock goes on."""
        self._timestamp = (self._timestamp + FRAME * frames) & 0xFFFFFFFF
        self._second |= MARKER
