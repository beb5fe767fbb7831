"""What a caller's telephone sends, as a capture that sipp plays: silence, keys in their time."""

import struct
from collections.abc import Sequence
from pathlib import Path

from telebank.media.keys import DIGITS, TelephoneEvent, build_event
from telebank.rtp import Packet, build
from voice_prompts import g711

FRAME = 160
FRAME_S = 0.02
A_LAW, EVENTS = 8, 101
VOLUME = 10
UPDATES, ENDS, GAP = 5, 3, 4
"""Frames of a key: while it is down, its end said again, and none before the next."""
_SSRC = 0x50AC0001
_PORT = 6_000
"""sipp counts ports from the lowest of the capture, and sends to where the bank says."""
_FILE = struct.pack("<IHHIIII", 0xA1B2C3D4, 2, 4, 0, 0, 65_535, 1)

Keys = Sequence[tuple[float, str]]
"""What is pressed, and at which second of the call."""


def key_seconds(digits: str) -> float:
    """How long it takes to press them."""
    return len(digits) * (UPDATES + ENDS + GAP) * FRAME_S


def write_sound(path: Path, keys: Keys, seconds: float) -> None:
    """A capture of so many seconds (pcap, Ethernet, IPv4, UDP), 50 packets each."""
    events = _events(keys)
    silence = bytes([g711.SILENCE["pcma"]]) * FRAME
    with path.open("wb") as file:
        file.write(_FILE)
        for frame in range(round(seconds / FRAME_S)):
            stamp, event = events.get(frame, (frame, None))
            kind, payload = (A_LAW, silence) if event is None else (EVENTS, build_event(event))
            first = event is not None and stamp == frame
            packet = Packet(kind, first, frame & 0xFFFF, stamp * FRAME, _SSRC, payload)
            file.write(_record(frame * FRAME_S, build(packet)))


def _events(keys: Keys) -> dict[int, tuple[int, TelephoneEvent]]:
    """By frame: the frame in which its key began, and the event (RFC 4733 2.5.1)."""
    found: dict[int, tuple[int, TelephoneEvent]] = {}
    for at, digits in keys:
        for nth, digit in enumerate(digits):
            began = round(at / FRAME_S) + nth * (UPDATES + ENDS + GAP)
            for step in range(UPDATES + ENDS):
                length = min(step + 1, UPDATES) * FRAME
                event = TelephoneEvent(DIGITS.index(digit), step >= UPDATES, VOLUME, length)
                found[began + step] = began, event
    return found


def _record(at: float, rtp: bytes) -> bytes:
    udp = struct.pack("!HHHH", _PORT, _PORT, 8 + len(rtp), 0) + rtp
    ip = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 20 + len(udp), 0, 0, 64, 17, 0, *_LOOPBACK) + udp
    frame = _ETHERNET + ip
    seconds, rest = divmod(round(at * 1_000_000), 1_000_000)
    return struct.pack("<IIII", seconds, rest, len(frame), len(frame)) + frame


_LOOPBACK = (b"\x7f\0\0\1", b"\x7f\0\0\1")
_ETHERNET = bytes(12) + b"\x08\x00"
