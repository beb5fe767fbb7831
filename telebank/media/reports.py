"""One leg's RTCP: what we report and when (RFC 3550 section 6), and what the peer's reports say.

No I/O and no clock: `now` is monotonic seconds. NTP times in our reports are that clock plus a
constant, which is enough for the round-trip time (section 6.4.1) and tells nobody the date.
"""

import random
import secrets
from base64 import b64encode
from collections import deque
from typing import NamedTuple

from telebank.media import rtcp
from telebank.media.reception import Span

INTERVAL_S = 5.0
"""Least mean interval of reports (section 6.2); two members never need a longer one."""
COMPENSATION = 1.21828
"""e - 3/2: what randomised reconsideration shortens intervals by (section 6.3.1)."""
REMEMBERED = 4
"""Sender reports of ours whose echo still gives a round-trip time."""
MAX_ROUND_TRIP_S = 10.0
CLOCK_STEP_S = 0.01
"""A peer may count its delay so coarsely that a round trip seems to end before it began."""
_UNITS = 65_536
_WORD = 1 << 32
_RATE = 8_000


class Sent(NamedTuple):
    """What a leg has sent so far; `timestamp` is the RTP time of this moment."""

    ssrc: int
    timestamp: int
    packets: int
    octets: int
    sending: bool


class PeerView(NamedTuple):
    """How the peer says that it hears us; None where it has not said."""

    loss: float | None
    """Part of our packets lost, as of its last report."""
    jitter_ms: float | None
    mos: float | None
    """Its own estimate, from XR."""


class Reports:
    """Reports both ways of one leg."""

    def __init__(self) -> None:
        self._name = b64encode(secrets.token_bytes(12))  # RFC 7022: says nothing of the host
        self._offset = 2_208_988_800 + secrets.randbits(24)
        self._sent_at: deque[tuple[int, float]] = deque(maxlen=REMEMBERED)
        self._last: tuple[int, float] | None = None
        """Middle of the NTP time of the peer's last SR, and when it came."""
        self._before: Span | None = None
        self.round_trip_s: float | None = None
        self.peer = PeerView(None, None, None)
        self.left = False
        """Whether the peer has said BYE: noted, no more."""
        self.malformed = 0

    # -- what we say --------------------------------------------------------------------------

    def build(self, sent: Sent, heard: Span | None, now: float) -> bytes:
        """The compound that is due: SR or RR, and SDES with our CNAME."""
        blocks = () if heard is None else (self._block(heard, now),)
        sender = None
        if sent.sending:
            ntp = int((now + self._offset) * _WORD)
            sender = rtcp.Sender(ntp, sent.timestamp, sent.packets, sent.octets)
            self._sent_at.append((ntp >> 16 & (_WORD - 1), now))
        report = rtcp.Report(sent.ssrc, sender, blocks)
        return rtcp.build_report(report) + rtcp.build_name(sent.ssrc, self._name)

    def _block(self, heard: Span, now: float) -> rtcp.Block:
        before = self._before
        if before is None or before.ssrc != heard.ssrc or before.expected > heard.expected:
            before = Span(heard.ssrc, 0, 0, 0, 0)
        self._before = heard
        expected, lost = heard.expected - before.expected, heard.lost - before.lost
        fraction = min(255, lost * 256 // expected) if expected > 0 and lost > 0 else 0
        last, delay = 0, 0
        if self._last is not None:
            last, delay = self._last[0], int((now - self._last[1]) * _UNITS)
        return rtcp.Block(
            heard.ssrc, fraction, heard.lost, heard.highest, heard.jitter, last, delay
        )

    # -- what the peer says -------------------------------------------------------------------

    def receive(self, data: bytes, ssrc: int, now: float) -> bool:
        """Take a datagram of the peer's; `ssrc` is ours. Whether it was RTCP at all."""
        try:
            compound = rtcp.parse(data)
        except rtcp.MalformedRtcp:
            self.malformed += 1
            return False
        for report in compound.reports:
            if report.sender is not None:
                self._last = report.sender.ntp >> 16 & (_WORD - 1), now
            for block in report.blocks:
                if block.ssrc == ssrc:
                    self._judged(block, now)
        for metrics in compound.metrics:
            if metrics.ssrc == ssrc:
                self.peer = self.peer._replace(mos=metrics.mos)
        self.left |= bool(compound.left)
        return True

    def _judged(self, block: rtcp.Block, now: float) -> None:
        self.peer = self.peer._replace(
            loss=block.fraction_lost / 256, jitter_ms=min(block.jitter, _WORD) * 1_000 / _RATE
        )
        for middle, at in self._sent_at:
            if block.last_sender_report == middle:
                round_trip = now - at - block.delay / _UNITS
                if -CLOCK_STEP_S <= round_trip <= MAX_ROUND_TRIP_S:
                    self.round_trip_s = max(0.0, round_trip)


def interval(draw: random.Random, *, first: bool) -> float:
    """Seconds to the next report (section 6.3.1); the first comes after half as long."""
    mean = INTERVAL_S / 2 if first else INTERVAL_S
    return mean * (0.5 + draw.random()) / COMPENSATION
