"""`python -m telebank.media.load`: many callers in one process, for `telebank bench media`.

A process of its own, so that its CPU time is not counted as ours. Reads an `Order` as one line of
JSON, prints its own ports as one line, talks for the time ordered, and prints one `Heard` per call
as a last line. Each caller sends 20 ms of audio without pause and a key now and then, and compares
every packet that it receives with the bank.
"""

import select
import socket
import sys
import time
from collections.abc import Callable
from hashlib import sha512
from pathlib import Path

import msgspec

from telebank import wire
from telebank.media.bank import FILE_NAMES, FRAME
from telebank.media.engine import SLOTS
from telebank.media.keys import DIGITS, TelephoneEvent, build_event
from telebank.media.srtp import Srtp
from telebank.rtp import HEADER, MARKER, VERSION
from telebank.workers.ticker import FRAME_SECONDS

AUDIO_TYPE = 8
EVENT_TYPE = 101
KEY = "5"
KEY_PACKETS = 6
"""Packets of a press: three grow, three say that it ended."""
LAST_WORDS_SECONDS = 0.5
"""No key is begun so close to the end."""
MOST_LATE = 1.5
"""Callers who need so many times the time ordered cannot keep up, and stop."""
SUITE = "AES_CM_128_HMAC_SHA1_80"
FORGED = bytes(HEADER.size + FRAME)
"""What does not open is heard as this, which is wrong."""
SILENCE = b"\xd5" * FRAME
SLOT_SECONDS = FRAME_SECONDS / SLOTS


class Order(msgspec.Struct, frozen=True):
    """What to do; `ports` of the worker, `bank` its folder, `key_every` in frames."""

    ports: list[int]
    bank: str
    seconds: float
    key_every: int
    secure: bool = False
    """SRTP, by the keys of `keys_of`."""


def keys_of(call: int) -> wire.SdesKeys:
    """The keys of one call of a benchmark; nobody else's are made so."""
    octets = sha512(b"telebank bench media %d" % call).digest()
    return wire.SdesKeys(suite=SUITE, send=octets[:30], receive=octets[30:60])


class Heard(msgspec.Struct):
    """One call's judgement of what it received, in packets; `keys` it pressed."""

    packets: int = 0
    speech: int = 0
    gaps: int = 0
    wrong: int = 0
    keys: int = 0


class Caller:
    """One call: a connected socket, what it sends next, what it expects next."""

    def __init__(
        self,
        port: int,
        order: Order,
        frames: list[bytes],
        phase: int,
        keys: wire.SdesKeys | None = None,
    ) -> None:
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", 0))
        self.socket.connect(("127.0.0.1", port))
        self.socket.setblocking(False)
        self.heard = Heard()
        self._order = order
        self._send: Callable[[bytes | bytearray], object] = self.socket.send
        self._open: Callable[[bytes], bytes | None] | None = None
        if keys is not None:
            self._protect(keys)
        self._frames = frames
        self._tick = phase
        self._sequence = port
        self._packet = bytearray(HEADER.size) + bytearray(b"\x55" * FRAME)
        self._next = -1
        self._frame = 0
        self._pressing = 0

    def _protect(self, keys: wire.SdesKeys) -> None:
        srtp = Srtp()
        srtp.agree(keys.suite, keys.receive, keys.send)
        send = srtp.sender(self.socket.send)
        self._send = lambda data: send(memoryview(data))
        self._open = srtp.unprotect

    def speak(self, may_press: bool) -> None:
        """Send this frame's packet: of a key press under way, or audio."""
        self._tick += 1
        self._sequence = (self._sequence + 1) & 0xFFFF
        if may_press and not self._pressing and self._tick % self._order.key_every == 0:
            self._pressing = KEY_PACKETS
            self.heard.keys += 1
        if self._pressing:
            self._press()
        else:
            self._stamp(AUDIO_TYPE, self._tick)
            self._send(self._packet)

    def _press(self) -> None:
        index = KEY_PACKETS - self._pressing
        self._pressing -= 1
        marker = MARKER if index == 0 else 0
        self._stamp(EVENT_TYPE | marker, self._tick - index)
        ended = index >= KEY_PACKETS // 2
        event = TelephoneEvent(DIGITS.index(KEY), ended, 10, FRAME * (index + 1))
        self._send(self._packet[: HEADER.size] + build_event(event))

    def _stamp(self, second: int, tick: int) -> None:
        HEADER.pack_into(self._packet, 0, VERSION << 6, second, self._sequence, tick * FRAME, 1)

    def listen(self) -> None:
        """Read what waits and compare it with the bank; silence between plays is right too."""
        heard = self.heard
        try:
            while True:
                data = self.socket.recv(2_048)
                if self._open is not None:
                    data = self._open(data) or FORGED
                sequence = data[2] << 8 | data[3]
                heard.gaps += self._next not in (-1, sequence)
                self._next = (sequence + 1) & 0xFFFF
                heard.packets += 1
                if data[1] >= MARKER:
                    self._frame = 0
                self._compare(data[HEADER.size :])
        except BlockingIOError:
            return

    def _compare(self, payload: bytes) -> None:
        frames, index = self._frames, self._frame
        if index < len(frames) and payload == frames[index]:
            self.heard.speech += 1
        elif payload != SILENCE:
            self.heard.wrong += 1
        self._frame += 1


def run(order: Order, callers: list[Caller]) -> None:
    """Talk and listen for the time ordered, a quarter of the callers each five milliseconds."""
    by_descriptor = {caller.socket.fileno(): caller for caller in callers}
    poller = select.epoll()
    for descriptor in by_descriptor:
        poller.register(descriptor, select.EPOLLIN)
    start = time.monotonic()
    ticks = int(order.seconds / SLOT_SECONDS)
    last_key = ticks - int(LAST_WORDS_SECONDS / SLOT_SECONDS)
    for tick in range(ticks):
        if time.monotonic() - start > MOST_LATE * order.seconds:
            return
        for caller in callers[tick % SLOTS :: SLOTS]:
            caller.speak(may_press=tick < last_key)
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
    law = (Path(order.bank) / FILE_NAMES[0]).read_bytes()
    frames = [law[start : start + FRAME] for start in range(0, len(law), FRAME)]
    step = max(1, order.key_every // max(1, len(order.ports)))
    callers = [
        Caller(port, order, frames, i * step, keys_of(i) if order.secure else None)
        for i, port in enumerate(order.ports)
    ]
    _say([caller.socket.getsockname()[1] for caller in callers])
    run(order, callers)
    time.sleep(2 * FRAME_SECONDS)
    _say([caller.heard for caller in callers])


def _say(value: object) -> None:
    sys.stdout.write(msgspec.json.encode(value).decode() + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
