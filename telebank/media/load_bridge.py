"""`python -m telebank.media.load_bridge`: pairs of callers who talk to each other through the
plane, for `telebank bench bridge`.

A process of its own, so that its CPU time is not counted as ours. Reads an `Order` as one line of
JSON, prints its own ports as one line (two a call), talks for the time ordered, and prints one
`Heard` per leg as a last line. Each caller says a clip over and over and looks for the other's in
what it hears, octet by octet.
"""

import select
import socket
import sys
import time

import msgspec
import numpy as np

from telebank.media.bank import FRAME
from telebank.media.engine import SLOTS
from telebank.media.load import MOST_LATE
from telebank.rtp import HEADER, VERSION
from telebank.workers.ticker import FRAME_SECONDS

AUDIO_TYPE = 8
CLIP_FRAMES = 50
SLOT_SECONDS = FRAME_SECONDS / SLOTS
KNOWN_BY = 8
"""Octets by which a place in a clip is known."""


class Order(msgspec.Struct, frozen=True):
    """What to do; `ports` of the worker, two a call."""

    ports: list[int]
    seconds: float


class Heard(msgspec.Struct):
    """One leg's judgement of what it received, in packets."""

    packets: int = 0
    right: int = 0
    gaps: int = 0
    wrong: int = 0


class Clip:
    """A second of speech-like noise, no octet of it silence."""

    def __init__(self, seed: int) -> None:
        octets = np.random.default_rng(seed).integers(0, 0x50, CLIP_FRAMES * FRAME, dtype=np.uint8)
        self.octets = octets.tobytes()
        self.frames = [self.octets[at : at + FRAME] for at in range(0, len(octets), FRAME)]
        self._twice = self.octets + self.octets[:FRAME]
        self._places = {self._twice[at : at + KNOWN_BY]: at for at in range(len(octets) - KNOWN_BY)}

    def holds(self, payload: bytes) -> bool:
        """Whether a frame is a piece of it."""
        at = self._places.get(payload[:KNOWN_BY])
        return at is not None and self._twice[at : at + FRAME] == payload


class Caller:
    """One leg: a connected socket, what it says, whom it hears."""

    def __init__(self, port: int, says: Clip, hears: Clip, phase: int) -> None:
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", 0))
        self.socket.connect(("127.0.0.1", port))
        self.socket.setblocking(False)
        self.heard = Heard()
        self._says, self._hears = says, hears
        self._tick = phase
        self._sequence = port
        self._packet = bytearray(HEADER.size + FRAME)
        self._next = -1

    def speak(self) -> None:
        """Send this frame's packet."""
        self._tick += 1
        self._sequence = (self._sequence + 1) & 0xFFFF
        tick = self._tick
        HEADER.pack_into(self._packet, 0, VERSION << 6, AUDIO_TYPE, self._sequence, tick * FRAME, 1)
        self._packet[HEADER.size :] = self._says.frames[tick % CLIP_FRAMES]
        self.socket.send(self._packet)

    def listen(self) -> None:
        """Read what waits and look for it in the other's clip."""
        heard = self.heard
        try:
            while True:
                data = self.socket.recv(2_048)
                sequence = data[2] << 8 | data[3]
                heard.gaps += self._next not in (-1, sequence)
                self._next = (sequence + 1) & 0xFFFF
                heard.packets += 1
                if self._hears.holds(data[HEADER.size :]):
                    heard.right += 1
                else:
                    heard.wrong += 1
        except BlockingIOError:
            return


def run(order: Order, callers: list[Caller]) -> None:
    """Talk and listen for the time ordered, a quarter of the callers each five milliseconds."""
    by_descriptor = {caller.socket.fileno(): caller for caller in callers}
    poller = select.epoll()
    for descriptor in by_descriptor:
        poller.register(descriptor, select.EPOLLIN)
    start = time.monotonic()
    for tick in range(int(order.seconds / SLOT_SECONDS)):
        if time.monotonic() - start > MOST_LATE * order.seconds:
            return
        for caller in callers[tick % SLOTS :: SLOTS]:
            caller.speak()
        while True:
            for descriptor, _ in poller.poll(0, len(callers)):
                by_descriptor[descriptor].listen()
            pause = start + (tick + 1) * SLOT_SECONDS - time.monotonic()
            if pause <= 0:
                break
            time.sleep(min(pause, SLOT_SECONDS))


def main() -> None:
    """See the head of this file."""
    order = msgspec.json.decode(sys.stdin.readline(), type=Order)
    left, right = Clip(1), Clip(2)
    sides = ((left, right), (right, left))
    callers = [Caller(port, *sides[i % 2], phase=i) for i, port in enumerate(order.ports)]
    _say([caller.socket.getsockname()[1] for caller in callers])
    run(order, callers)
    _say([caller.heard for caller in callers])


def _say(value: object) -> None:
    sys.stdout.write(msgspec.json.encode(value).decode() + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
