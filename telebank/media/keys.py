"""Keys as telephone events (RFC 4733): one report a key press, whatever the network does.

A press is many packets of one timestamp: begin, updates, and the end three times. A key is reported
at the first packet of its timestamp that arrives, be it begin, update or end; every other packet of
that timestamp, and of the few before it, is a repeat.
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
        if -LATE_LIMIT <= step < 0:
            self.overtaken += 1
            self._seen.append(timestamp)
            return True
        return False
