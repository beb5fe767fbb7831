"""Keys as telephone events (RFC 4733): one report a key press, whatever the network does.

A press is many packets of one timestamp: begin, updates, and the end three times. A key is reported
at the first packet of its timestamp that arrives, be it begin, update or end; every other packet of
that timestamp, and of the few before it, is a repeat. No finger presses as fast as packets can
come: presses have a least distance, and a channel's keys a rate, whichever way they are sent.
"""

import struct
from collections import deque
from typing import NamedTuple

from telebank.rtp import Packet, timestamp_step

DIGITS = "0123456789*#ABCD"
"""Event codes 0 to 15 (RFC 4733 section 3.2); flash and tones are no keys."""
MAX_DURATION = 0xFFFF
"""A longer press goes on as a further segment at timestamp + 65535 (section 2.5.1.3)."""
REMEMBERED = 8
"""Presses whose late packets are still known as repeats."""
LATE_LIMIT = 5 * 8_000
"""Older by more timestamp units than this is a peer that began anew, not a late packet."""
SHORTEST = 320
"""Timestamp units (40 ms) from one press to the next at least: half of the shortest key and pause
that a receiver of tones must know (ITU-T Q.24)."""
A_SECOND = 20
"""Keys of one channel told to the node, in the long run."""
AT_ONCE = 40
"""Keys that may come together: what a dialler types ahead, or the network kept back."""

_END = 0x80
_PAYLOAD = struct.Struct("!BBH")


class TelephoneEvent(NamedTuple):
    """The payload of one event packet; `duration` in timestamp units, `volume` in -dBm0."""

    code: int
    end: bool
    volume: int
    duration: int


def parse_event(payload: bytes) -> TelephoneEvent | None:
    """The first event block of a payload; None when it is cut short."""
    if len(payload) < _PAYLOAD.size:
        return None
    code, flags, duration = _PAYLOAD.unpack_from(payload)
    return TelephoneEvent(code, bool(flags & _END), flags & 0x3F, duration)


def build_event(event: TelephoneEvent) -> bytes:
    """The four bytes of an event (RFC 4733 section 2.3)."""
    flags = (_END if event.end else 0) | (event.volume & 0x3F)
    return _PAYLOAD.pack(event.code, flags, min(event.duration, MAX_DURATION))


class KeyReceiver:
    """Turns event packets of one peer into key presses; no I/O, no clock."""

    def __init__(self) -> None:
        self._ssrc = -1
        self._latest = 0
        self._code = -1
        self._seen: deque[int] = deque(maxlen=REMEMBERED)
        self.overtaken = 0
        """Presses dropped since every packet of theirs came after a later press's."""
        self.crowded = 0
        """Packets dropped since they began a press too soon after another."""

    def receive(self, packet: Packet) -> str | None:
        """The digit pressed, when this packet is the first of a press; else None.

        A press wholly overtaken by a later one is dropped and counted: digits in the wrong order
        are worse than one missing, which the caller is asked for again.
        """
        event = parse_event(packet.payload)
        if event is None or event.code >= len(DIGITS):
            return None
        if packet.ssrc != self._ssrc:
            self._ssrc = packet.ssrc
            self._seen.clear()
        if self._is_repeat(packet.timestamp, event.code):
            return None
        self._latest, self._code = packet.timestamp, event.code
        self._seen.append(packet.timestamp)
        return DIGITS[event.code]

    def _is_repeat(self, timestamp: int, code: int) -> bool:
        if not self._seen:
            return False
        if timestamp in self._seen:
            return True
        step = timestamp_step(self._latest, timestamp)
        if step == MAX_DURATION and code == self._code:
            self._latest = timestamp
            self._seen.append(timestamp)
            return True
        if 0 < step < SHORTEST:
            self.crowded += 1
            return True
        if -LATE_LIMIT <= step < 0:
            self.overtaken += 1
            self._seen.append(timestamp)
            return True
        return False


class KeyRate:
    """Lets the keys of one channel pass, up to their limits; no clock."""

    def __init__(self) -> None:
        self._left = float(AT_ONCE)
        self._at = 0.0
        self.dropped = 0

    def takes(self, now: float) -> bool:
        """Whether a key that came at this time (seconds) passes; those that do not are counted."""
        self._left = min(self._left + (now - self._at) * A_SECOND, float(AT_ONCE))
        self._at = now
        if self._left < 1:
            self.dropped += 1
            return False
        self._left -= 1
        return True
