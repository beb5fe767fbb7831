"""What the peer says, put in order and held back 60 ms; what did not come in time is lost.

A modem's carrier bears no stretching, so the delay is fixed: it is set by the first packet, and
again only where the stream begins anew (another SSRC, a jump of its timestamp) or runs so far off
that every packet of a while comes too late.
"""

import numpy as np
from numpy.typing import NDArray

from telebank.faxing.rtp import FRAME
from telebank.rtp import Packet, timestamp_step

DELAY = 480
"""Samples held back: 60 ms."""
SIZE = 8_000
"""Samples kept at most: a second."""
MAX_LATE = 25
"""Packets in a row that come too late, after which the delay is set again."""


class JitterBuffer:
    """Samples of one stream by their RTP timestamp; no clock: `take` passes 20 ms."""

    def __init__(self, table: NDArray[np.int16]) -> None:
        """`table`: the linear value of each of 256 octets (G.711)."""
        self._table = table
        self._ring = np.zeros(SIZE, np.int16)
        self._filled = np.zeros(SIZE, np.bool_)
        self._at = 0
        self._due = 0
        self._ssrc = -1
        self._late = 0

    def put(self, packet: Packet) -> None:
        """Keep what a packet says; too late, it is left out."""
        samples = self._table[np.frombuffer(packet.payload, np.uint8)]
        ahead = timestamp_step(self._due, packet.timestamp)
        if packet.ssrc != self._ssrc or abs(ahead) > SIZE or self._late >= MAX_LATE:
            self._begin(packet)
            ahead = DELAY
        self._late = self._late + 1 if ahead < 0 else 0
        if ahead >= 0 and ahead + len(samples) <= SIZE:
            places = (self._at + ahead + np.arange(len(samples))) % SIZE
            self._ring[places] = samples
            self._filled[places] = True

    def take(self) -> NDArray[np.int16] | None:
        """The next 160 samples, silence where a part did not come; None where nothing did."""
        now = slice(self._at, self._at + FRAME)
        heard = self._ring[now].copy() if self._filled[now].any() else None
        self._ring[now] = 0
        self._filled[now] = False
        self._at = (self._at + FRAME) % SIZE
        self._due = (self._due + FRAME) & 0xFFFFFFFF
        return heard

    def leave_out(self, frames: int) -> None:
        """So many frames pass unheard."""
        for _ in range(min(frames, SIZE // FRAME)):
            self.take()
        rest = max(0, frames - SIZE // FRAME)
        self._due = (self._due + FRAME * rest) & 0xFFFFFFFF

    def _begin(self, packet: Packet) -> None:
        self._ssrc = packet.ssrc
        self._due = (packet.timestamp - DELAY) & 0xFFFFFFFF
        self._late = 0
        self._ring[:] = 0
        self._filled[:] = False
