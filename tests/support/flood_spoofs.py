"""What strangers send to media ports: sound, keys, reports, and what is no media at all, in the
name of a caller and in none."""

import random
import socket
import struct
from collections.abc import Sequence
from contextlib import closing, suppress

import numpy as np

from support.media_peer import A_LAW, EVENTS, FRAME, MU_LAW
from support.media_peer import Peer as Media
from telebank.media.keys import DIGITS, TelephoneEvent, build_event
from telebank.rtp import Packet, build
from voice_prompts import g711

COMFORT, UNKNOWN = 13, 96
FALSE_KEY = "7"
"""The key that strangers press, as events and as its tones; no caller does."""
_TONES = (852, 1_209)
"""Of that key, in Hz (ITU-T Q.23)."""
_RUN = 6
"""Packets in a row: four make a source, three a key that is heard."""
_STUN = struct.pack("!HHI12s", 1, 0, 0x2112A442, b"spoofer12345")
_DTLS = b"\x16\xfe\xfd" + bytes(8) + b"\x00\x30\x01" + bytes(47)


def free_range(pairs: int) -> range:
    """So many even ports in a row and the odd ones behind them, which nobody has now."""
    while True:
        low = random.randrange(12_000, 30_000, 2)
        ports = range(low, low + 2 * pairs)
        if all(map(_free, ports)):
            return ports


def _free(port: int) -> bool:
    with closing(socket.socket(socket.AF_INET, socket.SOCK_DGRAM)) as one, suppress(OSError):
        one.bind(("127.0.0.1", port))
        return True
    return False


def _sound() -> list[bytes]:
    """The key's tones, in packets."""
    at = np.arange(_RUN * FRAME) / 8_000
    tones = sum(np.sin(2 * np.pi * pitch * at) for pitch in _TONES) * 8_000
    octets = g711.encode(np.asarray(tones, np.int16), "pcma").tobytes()
    return [octets[start : start + FRAME] for start in range(0, len(octets), FRAME)]


SOUND = _sound()


def volley(known: Media | None) -> list[bytes]:
    """One of everything: with the SSRC and the next sequence numbers of a caller's own stream, or
    with others."""
    ssrc = 0xBAD0BAD0 if known is None else known.ssrc
    sequence = 7_000 if known is None else known.sequence + 1
    stamp = 9_000 if known is None else known.timestamp + FRAME
    packets = [
        Packet(kind, False, sequence + nth, stamp + nth * FRAME, ssrc, SOUND[nth])
        for kind in (A_LAW, MU_LAW, COMFORT, UNKNOWN)
        for nth in range(_RUN)
    ]
    code = DIGITS.index(FALSE_KEY)
    for nth in range(_RUN):
        event = TelephoneEvent(code, nth > 2, 10, FRAME * (nth + 1))
        key = Packet(EVENTS, nth == 0, sequence + _RUN + nth, stamp, ssrc, build_event(event))
        packets.append(key)
    # A sequence number of 64 is one of those that are looked at as a sign of life.
    packets.append(Packet(A_LAW, False, (sequence | 63) + 1, stamp, ssrc, SOUND[0]))
    return [build(packet) for packet in packets] + _reports(ssrc) + _nonsense()


def _reports(ssrc: int) -> list[bytes]:
    """RTCP: goodbye alone and behind a report, and such that cannot be read (RFC 3550 6.4, 6.6)."""
    goodbye = struct.pack("!BBHI", 0x81, 203, 1, ssrc)
    report = struct.pack("!BBHI20x", 0x80, 200, 6, ssrc)
    return [goodbye, report + goodbye, b"\x81\xcb\xff\xff", b"\x9f\xc8" + b"\xff" * 40, b"\x80\xc9"]


def _nonsense() -> list[bytes]:
    return [_STUN, _DTLS, b"", b"\x80", b"\0" * 1_400, random.randbytes(200)]


class Spoofer:
    """A stranger's socket; whatever comes back to it is a fault."""

    def __init__(self, host: str, port: int = 0) -> None:
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.setblocking(False)
        self._socket.bind((host, port))
        self.sent = 0

    def shoot(self, ports: Sequence[int], data: Sequence[bytes]) -> None:
        """Everything to every port."""
        for one in data:
            for port in ports:
                self._socket.sendto(one, ("127.0.0.1", port))
                self.sent += 1

    def came_back(self) -> list[bytes]:
        """All that anybody sent to it."""
        found: list[bytes] = []
        with suppress(BlockingIOError):
            while True:
                found.append(self._socket.recv(2_048))
        return found

    def close(self) -> None:
        self._socket.close()
