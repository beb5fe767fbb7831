"""Callers who send sound of their own and keep what they hear, for tests of joined legs."""

import asyncio
import time

import numpy as np
from numpy.typing import NDArray

from support.media_peer import Events, Peer
from telebank import wire
from telebank.media.client import MediaChannel, MediaWorkers
from telebank.rtp import MalformedRtp, build, parse
from voice_prompts import g711

FRAME = 160
Samples = NDArray[np.int16]
LAW_OF: dict[str, g711.Law] = {"PCMA": "pcma", "PCMU": "pcmu"}


class Talker(Peer):
    """A peer that says `sound` over and over, one frame each 20 ms, while `talking`."""

    def __init__(self, to_port: int, codec: str = "PCMA") -> None:
        super().__init__(to_port, 8 if codec == "PCMA" else 0)
        self.law = LAW_OF[codec]
        self.codec = codec
        self.sound: Samples = np.zeros(FRAME, np.int16)
        self.heard: list[bytes] = []
        self.ssrcs: set[int] = set()
        self.types: set[int] = set()
        self.first_bytes: set[int] = set()
        self._at = 0

    def say(self, sound: Samples) -> None:
        whole = len(sound) // FRAME * FRAME
        self.sound, self._at = sound[:whole], 0

    def speak(self) -> None:
        frame = self.sound[self._at : self._at + FRAME]
        self._at = (self._at + FRAME) % len(self.sound)
        self.timestamp += FRAME
        self.send(build(self.packet(self.payload_type, g711.encode(frame, self.law).tobytes())))

    def listen(self) -> None:
        while True:
            try:
                data = self.socket.recv(2_048)
            except BlockingIOError:
                return
            try:
                packet = parse(data)
            except MalformedRtp:
                continue
            self.first_bytes.add(data[0])
            self.ssrcs.add(packet.ssrc)
            self.types.add(packet.payload_type)
            self.heard.append(packet.payload)

    @property
    def audio(self) -> Samples:
        """All that was heard, in samples."""
        octets = np.frombuffer(b"".join(self.heard), np.uint8)
        return g711.decode(octets, self.law)


class Leg:
    """A talker and its channel."""

    def __init__(self, channel: MediaChannel, peer: Talker, events: Events) -> None:
        self.channel, self.peer, self.events = channel, peer, events


async def open_leg(
    pool: MediaWorkers, beside: Leg | None = None, codec: str = "PCMA", **remote: object
) -> Leg:
    events = Events()
    near = None if beside is None else beside.channel
    channel = await pool.open("127.0.0.1", events, near)
    assert isinstance(channel, MediaChannel), channel
    peer = Talker(channel.port, codec)
    channel.set_remote(peer.remote(codec, **remote))
    return Leg(channel, peer, events)


async def talk(legs: list[Leg], seconds: float) -> None:
    """All legs speak and listen in real time."""
    start = time.monotonic()
    for tick in range(int(seconds * 50)):
        for leg in legs:
            leg.peer.listen()
            leg.peer.speak()
        await asyncio.sleep(max(0.0, start + (tick + 1) * 0.02 - time.monotonic()))
    for leg in legs:
        leg.peer.listen()


def tone(hertz: float, seconds: float = 1.0, peak: float = 6_000) -> Samples:
    times = np.arange(int(seconds * 8_000)) / 8_000
    return np.rint(peak * np.sin(2 * np.pi * hertz * times)).astype(np.int16)


def share(sound: Samples, hertz: float) -> float:
    """Part of a sound's energy within 20 Hz of a frequency."""
    if len(sound) < FRAME or not sound.any():
        return 0.0
    power = np.abs(np.fft.rfft(sound.astype(float) * np.hanning(len(sound)))) ** 2
    around = np.abs(np.fft.rfftfreq(len(sound), 1 / 8_000) - hertz) < 20
    return float(power[around].sum() / power.sum())


def order(path: str, key: bytes = bytes(range(32)), **more: object) -> wire.RecordCall:
    given = {"wrapped": "k1:wrapped", "begun": "2026-11-23T01:02:03Z", **more}
    return wire.RecordCall(path=path, key=key, **given)
