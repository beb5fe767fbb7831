"""Counts of what a peer sent: exact while every packet is seen, estimated once one in 64 is.

RFC 3550 appendix A.3 counts expected packets by extended sequence number; a narrowed filter shows
only those whose sequence number is a multiple of `SAMPLE_EVERY`, so there the same sum is done over
samples and multiplied. Jitter (appendix A.8) is measured only while every packet is seen.
"""

from dataclasses import dataclass
from typing import NamedTuple

from telebank.media.filter import SAMPLE_EVERY
from telebank.rtp import Packet, sequence_step

MAX_DROPOUT = 3_000
"""A sequence number further off than this begins a new stream (RFC 3550 appendix A.1)."""
RATE = 8_000
_WRAP = 1 << 16
_JITTER_MOST = RATE
"""A step of transit time beyond a second is a new timestamp, no jitter."""


@dataclass(frozen=True, slots=True)
class Counts:
    """Packets received and lost; `sampled` when either is an estimate."""

    received: int
    lost: int
    sampled: bool

    @property
    def loss(self) -> float:
        """The part lost, 0 to 1."""
        return self.lost / (self.received + self.lost) if self.lost else 0.0


class Span(NamedTuple):
    """What a report block needs of the stream at hand (RFC 3550 section 6.4.1)."""

    ssrc: int
    highest: int
    """Sequence number with its wraps."""
    expected: int
    lost: int
    jitter: int
    """In timestamp units."""


class Reception:
    """Sequence bookkeeping of one leg; no I/O, no clock."""

    def __init__(self) -> None:
        self._step = 1
        self._sampled = False
        self._received = 0
        self._lost = 0
        self._ssrc = -1
        self._highest = 0
        self._wraps = 0
        self._span = 0
        self._seen = 0
        self._transit: float | None = None
        self._jitter = 0.0
        self._jitter_known = False

    @property
    def jitter_ms(self) -> float | None:
        """Interarrival jitter as last measured; None where it never was."""
        return self._jitter * 1_000 / RATE if self._jitter_known else None

    @property
    def ssrc(self) -> int:
        """Of the stream at hand; -1 before there is one."""
        return self._ssrc

    def sample(self, sampled: bool) -> None:
        """From now on only one packet in 64 is shown (or every packet again)."""
        self._close_span()
        self._step = SAMPLE_EVERY if sampled else 1
        self._sampled |= sampled
        self._transit = None

    def receive(self, packet: Packet, arrival: float | None = None) -> None:
        """Count one packet of the peer; `arrival` in seconds where its timestamp says when it was
        sent: that of a telephone event does not."""
        if packet.sequence % self._step:
            return
        step = sequence_step(self._highest, packet.sequence)
        if not self._seen or packet.ssrc != self._ssrc or abs(step) > MAX_DROPOUT:
            self._begin(packet)
        elif step > 0:
            self._span += step
            self._wraps += packet.sequence < self._highest
            self._highest = packet.sequence
        self._seen += 1
        if arrival is not None and self._step == 1:
            self._measure(arrival * RATE - packet.timestamp)

    def passed(self, count: int) -> None:
        """So many packets came in sequence after the last one received here."""
        highest = self._highest + count
        self._span += count
        self._seen += count
        self._wraps += highest >> 16
        self._highest = highest & 0xFFFF

    def counts(self) -> Counts:
        """Totals so far."""
        received, lost = self._span_counts()
        return Counts(self._received + received, self._lost + lost, self._sampled)

    def span(self) -> Span | None:
        """The stream at hand since every packet of it is seen; None while only samples are."""
        if self._step != 1 or not self._seen:
            return None
        highest = self._wraps * _WRAP + self._highest
        expected = self._span + 1
        return Span(self._ssrc, highest, expected, expected - self._seen, int(self._jitter))

    def _begin(self, packet: Packet) -> None:
        self._close_span()
        if packet.ssrc != self._ssrc:
            self._wraps = 0
        self._ssrc, self._highest = packet.ssrc, packet.sequence
        self._transit = None

    def _measure(self, transit: float) -> None:
        before, self._transit = self._transit, transit
        if before is None:
            return
        step = abs((transit - before + (1 << 31)) % (1 << 32) - (1 << 31))
        if step < _JITTER_MOST:
            self._jitter += (step - self._jitter) / 16
            self._jitter_known = True

    def _span_counts(self) -> tuple[int, int]:
        if not self._seen:
            return 0, 0
        expected = self._span // self._step + 1
        lost = max(0, expected - self._seen) * self._step
        return expected * self._step - lost, lost

    def _close_span(self) -> None:
        received, lost = self._span_counts()
        self._received += received
        self._lost += lost
        self._span = self._seen = 0
