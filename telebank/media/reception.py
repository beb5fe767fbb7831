"""Counts of what a peer sent: exact while every packet is seen, estimated once one in 64 is.

RFC 3550 appendix A.3 counts expected packets by extended sequence number; a narrowed filter shows
only those whose sequence number is a multiple of `SAMPLE_EVERY`, so there the same sum is done over
samples and multiplied.
"""

from dataclasses import dataclass

from telebank.media.filter import SAMPLE_EVERY
from telebank.media.rtp import Packet, sequence_step

MAX_DROPOUT = 3_000
"""A sequence number further off than this begins a new stream (RFC 3550 appendix A.1)."""


@dataclass(frozen=True, slots=True)
class Counts:
    """Packets received and lost; `sampled` when either is an estimate."""

    received: int
    lost: int
    sampled: bool


class Reception:
    """Sequence bookkeeping of one leg; no I/O, no clock."""

    def __init__(self) -> None:
        self._step = 1
        self._sampled = False
        self._received = 0
        self._lost = 0
        self._ssrc = -1
        self._highest = 0
        self._span = 0
        self._seen = 0

    def sample(self, sampled: bool) -> None:
        """From now on only one packet in 64 is shown (or every packet again)."""
        self._close_span()
        self._step = SAMPLE_EVERY if sampled else 1
        self._sampled |= sampled

    def receive(self, packet: Packet) -> None:
        """Count one packet of the peer."""
        if packet.sequence % self._step:
            return
        step = sequence_step(self._highest, packet.sequence)
        if not self._seen or packet.ssrc != self._ssrc or abs(step) > MAX_DROPOUT:
            self._close_span()
            self._ssrc, self._highest = packet.ssrc, packet.sequence
        elif step > 0:
            self._span += step
            self._highest = packet.sequence
        self._seen += 1

    def counts(self) -> Counts:
        """Totals so far."""
        received, lost = self._span_counts()
        return Counts(self._received + received, self._lost + lost, self._sampled)

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
