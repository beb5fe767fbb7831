"""Packets of another length than the plane's 20 ms, for a peer that asks for them (RFC 4566 ptime).

A `Packer` stands between a row of the plane and its socket: it takes the row's packets and sends
the same octets cut anew. Rows at 20 ms, nearly all, have none and cost nothing.
"""

from collections.abc import Callable

from telebank.rtp import HEADER, MARKER, VERSION

OCTETS_A_MS = 8
SHORTEST_MS = 10
LONGEST_MS = 60
TICK_MS = 20

Send = Callable[[memoryview], object]


def packet_time(asked_ms: int) -> int:
    """What a peer is sent that asks for this: whole tens of milliseconds, 10 to 60."""
    nearest = (asked_ms + SHORTEST_MS // 2) // SHORTEST_MS * SHORTEST_MS
    return min(max(nearest, SHORTEST_MS), LONGEST_MS)


class Packer:
    """Octets waiting for their packet: less than 60 ms. No clock."""

    def __init__(self, packet_ms: int, send: Send) -> None:
        """`packet_ms` as of `packet_time`; `send` takes each packet."""
        self._send = send
        self._size = packet_ms * OCTETS_A_MS
        self._octets = bytearray()
        self._timestamp = 0
        self._second = 0
        self._ssrc = 0
        self._sequence: int | None = None
        self.sent = 0
        """Packets so far."""
        self.octets = 0
        """Of sound in them."""
        self.refused = 0
        """Packets that the system did not take: no route, or a refusal of the peer's machine."""

    def change(self, packet_ms: int, send: Send) -> None:
        """Go on with another length, or to another place; sequence numbers do not jump."""
        self._send, self._size = send, packet_ms * OCTETS_A_MS

    def __call__(self, view: memoryview) -> None:
        """The row's packet of this tick."""
        self.flush()
        _, second, sequence, timestamp, self._ssrc = HEADER.unpack_from(view)
        if self._sequence is None:
            self._sequence = sequence
        if self._octets and timestamp != (self._timestamp + len(self._octets)) & 0xFFFFFFFF:
            self._octets.clear()  # the row was mute in between
        if not self._octets:
            self._timestamp = timestamp
        self._second = (self._second & MARKER) | second
        self._octets += view[HEADER.size :]
        if len(self._octets) >= self._size:
            self._emit()

    def flush(self) -> None:
        """The second half of a tick, at packets of 10 ms: due ten milliseconds after the first."""
        while len(self._octets) >= self._size:
            self._emit()

    def _emit(self) -> None:
        assert self._sequence is not None
        header = HEADER.pack(
            VERSION << 6, self._second, self._sequence, self._timestamp, self._ssrc
        )
        packet = header + self._octets[: self._size]
        del self._octets[: self._size]
        self._timestamp = (self._timestamp + self._size) & 0xFFFFFFFF
        self._sequence = (self._sequence + 1) & 0xFFFF
        self._second &= MARKER - 1
        self.sent += 1
        self.octets += self._size
        try:
            self._send(memoryview(packet))
        except OSError:
            self.refused += 1
