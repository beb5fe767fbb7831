"""The phone's media: silence and keys out, packets in (RFC 3550, RFC 4733)."""

import asyncio
import secrets
import time
from collections import deque
from collections.abc import Callable
from typing import cast

from telebank import rtp
from telebank.media.keys import TelephoneEvent, build_event
from telebank.sip import Answer
from voice_prompts import g711

SAMPLES = 160
"""Samples in a packet of 20 ms."""
KEY_FRAMES = 5
"""A key lasts 100 ms."""
END_REPEATS = 3
GAP_FRAMES = 4
"""80 ms between keys."""
VOLUME = 10
"""Key level in -dBm0."""
EVENTS = "0123456789*#ABCD"

OnPacket = Callable[[rtp.Packet, float], None]


class PhoneMedia(asyncio.DatagramProtocol):
    """One call's RTP socket. `tick` every 20 ms sends what is due."""

    def __init__(self, on_packet: OnPacket) -> None:
        self._on_packet = on_packet
        self._loop = asyncio.get_running_loop()
        self._transport: asyncio.DatagramTransport | None = None
        self._answer: Answer | None = None
        self._sequence = secrets.randbelow(1 << 16)
        self._timestamp = secrets.randbelow(1 << 32)
        self._ssrc = secrets.randbelow(1 << 32)
        self._frames: deque[tuple[TelephoneEvent | None, bool, int]] = deque()
        self._speech: deque[bytes] = deque()
        self._keys_waiting = 0
        self.last_key_at: float | None = None
        """When the first event packet of the newest key went out, monotonic seconds."""
        self.muted = False

    @classmethod
    async def open(cls, address: str, on_packet: OnPacket) -> "PhoneMedia":
        """Bind a free UDP port on `address`."""
        media = cls(on_packet)
        await media._loop.create_datagram_endpoint(lambda: media, local_addr=(address, 0))
        return media

    @property
    def port(self) -> int:
        """The UDP port for the SDP."""
        assert self._transport is not None
        return int(self._transport.get_extra_info("sockname")[1])

    @property
    def remote(self) -> tuple[str, int] | None:
        """Where we send: the bank's media address, once it has answered."""
        return self._answer.remote if self._answer is not None else None

    @property
    def pressing(self) -> bool:
        """Whether keys are still going out."""
        return bool(self._frames)

    @property
    def pressed_at(self) -> float | None:
        """When the first event packet of the last key went out; None while keys wait."""
        return None if self._keys_waiting else self.last_key_at

    def connect(self, answer: Answer) -> None:
        """Send there from now on."""
        self._answer = answer

    def press(self, keys: str) -> None:
        """Queue keys; each 100 ms with 80 ms between."""
        for key in keys:
            code = EVENTS.index(key)
            self._keys_waiting += 1
            for frame in range(1, KEY_FRAMES + 1):
                event = TelephoneEvent(code, False, VOLUME, frame * SAMPLES)
                self._frames.append((event, frame == 1, (frame - 1) * SAMPLES))
            length = KEY_FRAMES * SAMPLES
            for repeat in range(END_REPEATS):
                event = TelephoneEvent(code, True, VOLUME, length)
                self._frames.append((event, False, length + repeat * SAMPLES))
            self._frames.extend([(None, False, 0)] * GAP_FRAMES)

    @property
    def speaking(self) -> bool:
        """Whether sound is still going out."""
        return bool(self._speech)

    def speak(self, octets: bytes) -> None:
        """Queue sound, 8000 octets a second in the law of the call; keys go before it."""
        self._speech.extend(octets[at : at + SAMPLES] for at in range(0, len(octets), SAMPLES))

    def tick(self) -> None:
        """Send this frame's packet: a key's event, or silence."""
        answer, transport = self._answer, self._transport
        if answer is None or transport is None:
            return
        event, first, behind = self._frames.popleft() if self._frames else (None, False, 0)
        if first:
            self._keys_waiting -= 1
        if event is not None and answer.event_payload_type is not None:
            if first:
                self.last_key_at = time.monotonic()
            # All packets of one key carry the time at which it began (RFC 4733 2.5.1.2).
            stamp = (self._timestamp - behind) & 0xFFFFFFFF
            payload, kind = build_event(event), answer.event_payload_type
        elif self.muted:
            payload, kind, stamp = b"", 0, 0
        else:
            law: g711.Law = "pcma" if answer.codec == "PCMA" else "pcmu"
            said = self._speech.popleft() if self._speech else b""
            payload = said.ljust(SAMPLES, bytes([g711.SILENCE[law]]))
            kind = answer.payload_type
            stamp = self._timestamp
        if payload:
            packet = rtp.Packet(kind, first, self._sequence, stamp, self._ssrc, payload)
            transport.sendto(rtp.build(packet), answer.remote)
            self._sequence = (self._sequence + 1) & 0xFFFF
        self._timestamp = (self._timestamp + SAMPLES) & 0xFFFFFFFF

    def close(self) -> None:
        """Close the socket."""
        if self._transport is not None:
            self._transport.close()
            self._transport = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # uvloop's transports do not derive from asyncio's.
        self._transport = cast("asyncio.DatagramTransport", transport)

    def datagram_received(self, data: bytes, addr: tuple[str | int, ...]) -> None:
        try:
            packet = rtp.parse(data)
        except rtp.MalformedRtp:
            return
        # The loop's own clock stands still while a busy turn of the loop lasts.
        self._on_packet(packet, time.monotonic())

    def error_received(self, exc: Exception) -> None:
        """The far port is closed; the SIP side will say so."""
