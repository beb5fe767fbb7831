"""Callers who stay on the line while something pours in, and know of each packet when it came: the
kernel's own note, so that a busy test is not taken for a late bank."""

import asyncio
import contextlib
import itertools
import re
import socket
import struct
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass

import numpy as np

from support.calls_peer import Peer as Dialog
from support.media_peer import Peer as Media
from telebank import rtp
from telebank.media.control import SO_TIMESTAMPNS

FRAME, FRAME_S = 160, 0.02
AGAIN_S = 8.0
"""So often a caller has the menu said again, and the bank does not take him for gone."""
_TIMESPEC = struct.Struct("@ll")
_NOTES = socket.CMSG_SPACE(_TIMESPEC.size)
_EVENTS = b"a=rtpmap:101 telephone-event/8000\r\n"
_PORT = re.compile(rb"m=audio (\d+) ")


@dataclass(frozen=True, slots=True)
class Sound:
    """What came of a call's sound; lateness in ms after the packet that came earliest of all."""

    packets: int
    gaps: int
    """Steps of the sequence that are not one."""
    skips: int
    """Steps of its time that are not one frame: a worker that was too busy goes on in time."""
    late_p99: float
    late_most: float


class Ear:
    """One call. He talks (silence) all the while, and writes down what he hears."""

    def __init__(self, node: tuple[str, int], name: str, *, events: bool = True) -> None:
        """`events`: whether he offers telephone-event (RFC 4733)."""
        self._events = events
        self.dialog = Dialog(node, name)
        self.media = Media(0)
        self._heard: list[tuple[float, rtp.Packet]] = []
        self._tasks: list[asyncio.Task[None]] = []
        sock = self.media.socket
        sock.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 21)

    async def answered(self) -> None:
        """Be let in, say nothing yet."""
        offer = self.dialog.sdp(self.media.socket)
        if not self._events:
            offer = offer.replace(b" 8 101", b" 8").replace(_EVENTS, b"")
        self.dialog.send("INVITE", offer)
        status, sdp = await self.dialog.response("INVITE")
        assert status == 200, status
        found = _PORT.search(sdp)
        assert found is not None, sdp
        self.media.to = ("127.0.0.1", int(found[1]))
        self.dialog.send("ACK", cseq=self.dialog.cseq)
        asyncio.get_running_loop().add_reader(self.media.socket, self._read)

    def talk(self, *, again: bool = True) -> None:
        """Begin to send; `again`: choose English and have the menu said again and again."""
        self._tasks.append(asyncio.create_task(self._talk(), name="talks"))
        if again:
            self._tasks.append(asyncio.create_task(self._stay(), name="stays"))

    async def hang_up(self) -> None:
        """BYE, and its answer."""
        self.dialog.send("BYE")
        assert (await self.dialog.response("BYE"))[0] == 200

    async def close(self) -> None:
        """Give everything back."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        asyncio.get_running_loop().remove_reader(self.media.socket)
        self.media.close()
        self.dialog.close()

    @property
    def count(self) -> int:
        """Packets so far."""
        return len(self._heard)

    def sound(self, since: int = 0) -> Sound:
        """Of the packets from the `since`th on."""
        heard = self._heard[since:]
        assert len(heard) > 50, f"{len(heard)} packets"
        pairs = list(itertools.pairwise(heard))
        steps = [rtp.sequence_step(one.sequence, two.sequence) for (_, one), (_, two) in pairs]
        frames = [rtp.timestamp_step(one.timestamp, two.timestamp) for (_, one), (_, two) in pairs]
        gaps = sum(step != 1 for step in steps)
        skips = sum(frame != FRAME for frame in frames)
        due = np.concatenate([[0], np.cumsum(steps)]) * FRAME_S
        late = np.array([at for at, _ in heard]) - due
        late = 1_000 * (late - late.min())
        return Sound(len(heard), gaps, skips, float(np.percentile(late, 99)), float(late.max()))

    def _read(self) -> None:
        with contextlib.suppress(BlockingIOError):
            while True:
                data, notes, _, source = self.media.socket.recvmsg(2_048, _NOTES)
                seconds, nanoseconds = _TIMESPEC.unpack(notes[0][2])
                if source[:2] == self.media.to:
                    self._heard.append((seconds + nanoseconds / 1e9, rtp.parse(data)))

    async def _talk(self) -> None:
        loop = asyncio.get_running_loop()
        due = loop.time()
        while True:
            self.media.talk(1)
            due = max(due + FRAME_S, loop.time() - 0.1)
            await asyncio.sleep(due - loop.time())

    async def _stay(self) -> None:
        await asyncio.sleep(2.0)
        key = "2"
        while True:
            self.media.press(key)
            key = "#"
            await asyncio.sleep(AGAIN_S)


@contextlib.asynccontextmanager
async def ears(node: tuple[str, int], count: int) -> AsyncIterator[list[Ear]]:
    """So many callers on the line; in the end each hangs up and is answered."""
    listening = [Ear(node, f"ear{nth}") for nth in range(count)]
    try:
        for ear in listening:
            await ear.answered()
            ear.talk()
        yield listening
        for ear in listening:
            await ear.hang_up()
    finally:
        for ear in listening:
            await ear.close()


def worst(sounds: Sequence[Sound]) -> Sound:
    """The worst of each."""
    return Sound(
        min(one.packets for one in sounds),
        sum(one.gaps for one in sounds),
        sum(one.skips for one in sounds),
        max(one.late_p99 for one in sounds),
        max(one.late_most for one in sounds),
    )
