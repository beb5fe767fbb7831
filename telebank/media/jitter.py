"""Where a packet's sound belongs in time: an adaptive playout of one stream, by RTP timestamps.

Sound is read on a grid of ticks; a packet is placed so that all but one in fifty come before their
place is read, and no more than `MOST_DELAY` after they might have been. Sequence numbers tell the
four cases that are no plain arrival: repeated, late, missing (a gap before it) and restarted.

Pure: no clock and no I/O. Times are samples, 8000 a second, of the reader's clock.
"""

from collections import deque
from enum import Enum
from typing import NamedTuple

from telebank.rtp import Packet, sequence_step, timestamp_step

TICK = 160
"""Samples read at once: what a packet needs to be early by, at most."""
FIRST_DELAY = 240
"""Samples allowed for jitter until enough has been seen (30 ms)."""
MOST_DELAY = 1_600
"""Samples allowed for jitter at most (200 ms)."""
MOST_AHEAD = 2_800
"""Samples from the place read next to the end of a packet: what a reader must keep."""
LONGEST = 480
"""Samples in one packet (60 ms)."""
SEEN = 200
"""Packets whose transit times are kept."""
LOOKED_AT = 25
"""Packets between two looks at them."""
MISSED = 50
"""One packet in so many may come too late."""
GROW = 40
SHRINK = 160
SHRINK_ANYHOW = 480
SHRINK_STEP = 80
"""The delay grows when it is short, to 5 ms more than it must be; it shrinks in quiet when it is
20 ms too long, by 10 ms at a time, and in speech only when it is 60 ms too long."""
BEHIND = 3
"""So many new packets running too late: the peer's timestamps stood still, or the network did."""
WILD_TIME = 8_000
WILD_SEQUENCE = 3_000
"""Further off than this is a new stream, once a second packet agrees (RFC 3550 appendix A.1)."""
_HISTORY = 64


class Case(Enum):
    """What a packet was."""

    NEXT = "next"
    REPEATED = "repeated"
    LATE = "late"
    MISSING = "missing"
    RESTARTED = "restarted"
    WILD = "wild"
    """It fits nothing yet: dropped, and remembered."""


class Expected(NamedTuple):
    """The next packet of a stream, and the place of its first sample."""

    ssrc: int
    sequence: int
    timestamp: int
    at: int


class Playout:
    """The time of one stream. `counts` by case."""

    def __init__(self) -> None:
        self._ssrc = -1
        self._highest = 0
        self._timestamp = 0
        """Of the newest packet, unwrapped."""
        self._history = 0
        """Bit n: the packet n before the newest has come."""
        self._offset = 0
        """From unwrapped timestamp to place."""
        self._transits: deque[int] = deque(maxlen=SEEN)
        self._new = 0
        self._wild: tuple[int, int, int] | None = None
        self._excess = 0
        self._behind = 0
        """New packets running that came too late."""
        self.counts = dict.fromkeys(Case, 0)
        self.discarded = 0
        """Packets that came too late to be heard."""

    @property
    def delay(self) -> int:
        """Samples that sound waits here, about: 0 before any came."""
        if not self._transits:
            return 0
        transits = sorted(self._transits)
        return max(0, self._offset - transits[len(transits) // 2])

    def place(self, packet: Packet, arrival: int, read: int) -> int | None:
        """Where its first sample belongs, or None where it is not to be heard.

        `arrival`: when it came. `read`: the place that is read next. What lies before that is too
        late; the packet ends behind it, and within `MOST_AHEAD` of it unless it begins a stream.
        """
        case, at = self._place(packet, arrival, read)
        self.counts[case] += 1
        self.discarded += case is Case.LATE and at is None
        return at

    def expects(self, packet: Packet) -> Expected | None:
        """What follows a packet just placed, if that is the newest: the same again, later."""
        if packet.ssrc != self._ssrc or packet.sequence != self._highest or self._wild:
            return None
        after = self._timestamp + len(packet.payload)
        sequence = (self._highest + 1) & 0xFFFF
        return Expected(self._ssrc, sequence, after & 0xFFFFFFFF, after + self._offset)

    def passed(self, count: int, samples: int) -> None:
        """So many packets of so many samples came as expected, and were placed elsewhere."""
        ones = (1 << min(count, _HISTORY)) - 1
        self._history = (self._history << min(count, _HISTORY) | ones) & ((1 << _HISTORY) - 1)
        self._highest = (self._highest + count) & 0xFFFF
        self._timestamp += count * samples
        self.counts[Case.NEXT] += count

    def _place(self, packet: Packet, arrival: int, read: int) -> tuple[Case, int | None]:
        if packet.ssrc != self._ssrc:
            first = self._ssrc == -1
            at = self._restart(packet, arrival)
            return Case.NEXT if first else Case.RESTARTED, at
        step = sequence_step(self._highest, packet.sequence)
        ahead = timestamp_step(self._timestamp & 0xFFFFFFFF, packet.timestamp)
        unwrapped = self._timestamp + ahead
        transit = arrival - unwrapped
        if abs(step) > WILD_SEQUENCE or abs(transit - self._transits[-1]) > WILD_TIME:
            return self._doubt(packet, arrival)
        self._wild = None
        case = self._order(step, unwrapped)
        if case is Case.REPEATED or (case is Case.LATE and step <= -_HISTORY):
            return case, None
        self._transits.append(transit)
        self._new += 1
        at = unwrapped + self._offset
        if at + len(packet.payload) <= read:
            return self._too_late(packet, arrival, new=step > 0)
        if step > 0:
            self._behind = 0
        if self._new >= LOOKED_AT:
            self._adapt()
        if at + len(packet.payload) > read + MOST_AHEAD:
            return Case.RESTARTED, self._restart(packet, arrival)
        return case, at

    def _too_late(self, packet: Packet, arrival: int, *, new: bool) -> tuple[Case, int | None]:
        """One is dropped; when new ones keep coming too late, time begins anew."""
        self._behind += new
        if self._behind >= BEHIND:
            return Case.RESTARTED, self._restart(packet, arrival)
        self._adapt()
        return Case.LATE, None

    def _order(self, step: int, unwrapped: int) -> Case:
        """Book a sequence number; a late one may still be in time for its place."""
        if step > 0:
            self._history = (self._history << min(step, _HISTORY) | 1) & ((1 << _HISTORY) - 1)
            self._highest = (self._highest + step) & 0xFFFF
            self._timestamp = unwrapped
            return Case.NEXT if step == 1 else Case.MISSING
        if step <= -_HISTORY:
            return Case.LATE
        if self._history >> -step & 1:
            return Case.REPEATED
        self._history |= 1 << -step
        return Case.LATE

    def _doubt(self, packet: Packet, arrival: int) -> tuple[Case, int | None]:
        """A packet that fits nothing: the second in a row that fits the first is a new stream."""
        before, self._wild = self._wild, (packet.sequence, packet.timestamp, arrival)
        if before is None:
            return Case.WILD, None
        follows = 0 < sequence_step(before[0], packet.sequence) <= _HISTORY
        moved = timestamp_step(before[1], packet.timestamp) - (arrival - before[2])
        if not follows or abs(moved) > WILD_TIME:
            return Case.WILD, None
        return Case.RESTARTED, self._restart(packet, arrival)

    def _restart(self, packet: Packet, arrival: int) -> int:
        timestamp = packet.timestamp
        self._ssrc, self._highest, self._timestamp = packet.ssrc, packet.sequence, timestamp
        self._history, self._wild, self._new, self._behind = 1, None, 0, 0
        self._transits.clear()
        self._transits.append(arrival - timestamp)
        self._offset = arrival - timestamp + TICK + FIRST_DELAY
        self._excess = 0
        return timestamp + self._offset

    # -- the delay ----------------------------------------------------------------------------

    def _adapt(self) -> None:
        """Look at how late packets are; grow at once, and note what may be taken away."""
        if len(self._transits) < LOOKED_AT:
            return
        self._new = 0
        transits = sorted(self._transits)
        wanted = transits[-1 - len(transits) // MISSED]
        wanted = min(wanted, transits[0] + MOST_DELAY) + TICK
        if wanted > self._offset:
            self._offset = wanted + GROW
        spare = self._offset - wanted - GROW
        self._excess = spare if spare > SHRINK else 0

    @property
    def excess(self) -> int:
        """Samples by which the delay is too long, where that is worth a cut."""
        return self._excess

    def shrink(self, *, quiet: bool) -> None:
        """Take a step off the delay, from the next packet on, if the moment is right."""
        if self._excess and (quiet or self._excess > SHRINK_ANYHOW):
            step = min(SHRINK_STEP, self._excess)
            self._offset -= step
            self._excess -= step
