"""A caller's end of RTP for the media room's tests, a small prompt bank, and a list of events."""

import asyncio
import random
import socket
from pathlib import Path
from typing import TypeVar

import numpy as np

from telebank import wire
from telebank.media.bench_dtmf_material import Case, line
from telebank.media.client import Event, MediaChannel, MediaWorkers
from telebank.media.keys import DIGITS, TelephoneEvent, build_event
from telebank.rtp import Packet, build, parse
from voice_prompts import g711

E = TypeVar("E")
A_LAW, MU_LAW, EVENTS = 8, 0, 101
FRAME = 160


def make_bank(directory: Path, seconds: int = 4) -> dict[str, bytes]:
    """Write a bank of noise, no byte of it silence; returns the bytes by codec."""
    draw = random.Random(87)
    laws = {}
    for codec, name, silence in (("PCMA", "pcma", 0xD5), ("PCMU", "pcmu", 0xFF)):
        values = [value for value in range(256) if value != silence]
        laws[codec] = bytes(draw.choices(values, k=8_000 * seconds))
        (directory / f"prompts.{name}").write_bytes(laws[codec])
    return laws


class Events:
    """What a channel reported; `await events.of(Kind)` takes the next of a kind."""

    def __init__(self) -> None:
        self.all: list[Event] = []
        self._came = asyncio.Event()

    def __call__(self, event: Event) -> None:
        self.all.append(event)
        self._came.set()

    async def of(self, kind: type[E]) -> E:
        while True:
            for index, event in enumerate(self.all):
                if isinstance(event, kind):
                    del self.all[index]
                    return event
            self._came.clear()
            async with asyncio.timeout(40):
                await self._came.wait()


class Peer:
    """A UDP socket that speaks RTP as a telephone does."""

    def __init__(self, to_port: int, payload_type: int = A_LAW, port: int = 0) -> None:
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", port))
        self.socket.setblocking(False)
        self.port: int = self.socket.getsockname()[1]
        self.to = ("127.0.0.1", to_port)
        self.payload_type = payload_type
        self.ssrc = random.getrandbits(32)
        self.sequence = 1_000
        self.timestamp = 5_000

    def remote(self, codec: str = "PCMA", **more: object) -> wire.SetRemote:
        given = {"event_type": EVENTS, "payload_type": self.payload_type, **more}
        return wire.SetRemote(address="127.0.0.1", port=self.port, codec=codec, **given)

    def packet(self, payload_type: int, payload: bytes, marker: bool = False) -> Packet:
        self.sequence = (self.sequence + 1) & 0xFFFF
        return Packet(payload_type, marker, self.sequence, self.timestamp, self.ssrc, payload)

    def send(self, data: bytes) -> None:
        self.socket.sendto(data, self.to)

    def talk(self, packets: int = 4) -> None:
        for _ in range(packets):
            self.timestamp += FRAME
            self.send(build(self.packet(self.payload_type, bytes(FRAME))))

    def key_packets(self, digit: str, updates: int = 3, ends: int = 3) -> list[Packet]:
        self.timestamp += FRAME
        code, made = DIGITS.index(digit), []
        for index in range(updates + ends):
            duration = FRAME * (min(index, updates) + 1)
            event = TelephoneEvent(code, index >= updates, 10, duration)
            made.append(self.packet(EVENTS, build_event(event), marker=index == 0))
        self.timestamp += FRAME * (updates + 4)
        return made

    def press(self, digits: str) -> None:
        for digit in digits:
            for packet in self.key_packets(digit):
                self.send(build(packet))

    async def speak(self, keys: str, law: g711.Law = "pcma", samples: int = FRAME) -> None:
        """Press keys as tones, in real time, with silence around them; packets of so many."""
        case = Case("plain", on_ms=100, off_ms=80)
        sound = line(case, keys, 800, np.random.default_rng(1))
        octets = g711.encode(np.concatenate([sound, np.zeros(2_400, np.int16)]), law).tobytes()
        loop = asyncio.get_running_loop()
        begin = loop.time()
        for at in range(0, len(octets) - samples, samples):
            self.timestamp += samples
            self.send(build(self.packet(self.payload_type, octets[at : at + samples])))
            await asyncio.sleep(max(0.0, begin + at / 8_000 - loop.time()))

    async def hear(self) -> Packet:
        loop = asyncio.get_running_loop()
        async with asyncio.timeout(40):
            return parse(await loop.sock_recv(self.socket, 2_048))

    async def hear_play(self) -> Packet:
        """The next packet that begins a talk spurt."""
        while not (packet := await self.hear()).marker:
            pass
        return packet

    def close(self) -> None:
        self.socket.close()


async def open_call(pool: MediaWorkers, **remote: object) -> tuple[MediaChannel, Peer, Events]:
    """An open channel whose remote is a peer, and the peer has been latched."""
    events = Events()
    channel = await pool.open("127.0.0.1", events)
    assert isinstance(channel, MediaChannel), channel
    peer = Peer(channel.port)
    channel.set_remote(peer.remote(**remote))
    await peer.hear()
    peer.talk()
    return channel, peer, events
