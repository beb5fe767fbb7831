"""What one peer says, put in order by RTP timestamps; what did not come is silence."""

from telebank import wire
from telebank.media.bank import LAWS, SILENCE
from telebank.rtp import Packet

GRACE_S = 1.0
"""Seconds beyond its length after which a recording ends without another packet."""
_HALF = 1 << 31


class Tape:
    """One recording; no I/O, no clock. Bounded by its length whatever the peer sends."""

    def __init__(self, token: int, most: int, law: int, now: float) -> None:
        """`most` in samples, `law` as in `LAWS`, `now` in monotonic seconds."""
        self.token = token
        self.law = law
        self._most = max(1, min(most, wire.MAX_RECORDED))
        self._until = now + self._most / 8_000 + GRACE_S
        self._octets = bytearray()
        self._ssrc = -1
        self._first = self._base = 0

    def over(self, now: float) -> bool:
        """Whether it is full, or its time is over."""
        return len(self._octets) >= self._most or now >= self._until

    def add(self, packet: Packet) -> None:
        """Lay a packet where its timestamp says; one from before the beginning is dropped."""
        if packet.ssrc != self._ssrc:  # timestamps of another source begin anywhere
            self._ssrc, self._first, self._base = packet.ssrc, packet.timestamp, len(self._octets)
        ahead = (packet.timestamp - self._first) & 0xFFFFFFFF
        start = self._base + (ahead if ahead < _HALF else ahead - 2 * _HALF)
        if start < self._base or start >= self._most:
            if start >= self._most:
                self._fill(self._most)
            return
        end = min(start + len(packet.payload), self._most)
        self._fill(end)
        self._octets[start:end] = packet.payload[: end - start]

    def parts(self, channel: int) -> list[wire.Recorded]:
        """All of it, as the node is told."""
        step, whole = wire.RECORDED_PART, bytes(self._octets)
        pieces = [whole[at : at + step] for at in range(0, len(whole), step)] or [b""]
        return [
            wire.Recorded(
                channel=channel,
                token=self.token,
                codec=LAWS[self.law],
                octets=piece,
                last=number == len(pieces),
            )
            for number, piece in enumerate(pieces, 1)
        ]

    def _fill(self, end: int) -> None:
        missing = end - len(self._octets)
        self._octets += bytes([SILENCE[self.law]]) * max(0, missing)
