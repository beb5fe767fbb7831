"""Packets of sound that are just what was expected, taken for all callers at once.

Of a peer that talks, nearly every packet is the one after the last: same source, next sequence
number, next timestamp, 20 ms. Those are read into rows of one array, compared and laid into the
jitter buffers' rings by a few numpy operations, at a fifth of the time that one by one would take.
They are read when their slot listens: the more at once, the warmer are the caches. Whatever else
comes, and one packet in `EVERY`, goes the usual way through its channel, which learns of those
taken here (`Lane.passed`) before it looks at another, and reads what else waits. So delay, loss and
jitter are kept there alone; jitter is measured between the packets that the channel sees, and the
kernel says when they came.

A channel opens its lane packet by packet: `Lane.expect` after one that it placed.
"""

import operator
import select
import socket
from collections.abc import Callable, Sequence
from contextlib import suppress

import numpy as np
from numpy.typing import NDArray

from telebank.media.bank import FRAME
from telebank.media.jitter import MOST_AHEAD, Expected
from telebank.media.listening import Listening
from telebank.rtp import HEADER, MAX_PACKET, VERSION, Packet

EVERY = 32
"""One packet in so many is seen by its channel."""
BATCH = 512
"""Packets taken at once."""
ROUNDS = 4
"""Packets of one lane read at once."""
_STRIDE = MAX_PACKET + 4
_SIZE = HEADER.size + FRAME
_NOTHING = -1
_KIND, _SEQUENCE = 0xFFFF0000, 0xFFFF
"""Halves of a header's first word."""

Fallback = Callable[[bytes | None, float], None]
Poll = Callable[[int, bool], None]
"""Ask of a descriptor whether it is ready, or no more."""


class Express:
    """The lanes of a worker; a lane's place is its slot times the slots' capacity, plus its row."""

    def __init__(self, listenings: Sequence[Listening], capacity: int, poll: Poll) -> None:
        """`listenings`: of the slots, each of this capacity. While a lane is open, nobody else is
        to read its socket: `poll`."""
        count = len(listenings) * capacity
        self._listenings = listenings
        self._capacity = capacity
        self._head = np.zeros((count, 3), np.uint32)
        """The twelve octets of the next packet's header."""
        self._at = np.zeros(count, np.int64)
        self._left = np.zeros(count, np.int64)
        """Packets until the channel sees one; 0 while the lane is shut."""
        self._buffer = np.zeros((BATCH, _STRIDE), np.uint8)
        flat = self._buffer.reshape(-1).data
        self._views = [flat[row * _STRIDE : (row + 1) * _STRIDE] for row in range(BATCH)]
        self._heads = self._buffer[:, : HEADER.size].view(">u4")
        self._sounds = self._buffer[:, HEADER.size : _SIZE]
        self._lanes: list[dict[int, Lane]] = [{} for _ in listenings]
        """By slot and descriptor; those that are open."""
        self._pollers = [select.epoll() for _ in listenings]
        """Of the same."""
        self._poll = poll

    def lane(self, slot: int, row: int, endpoint: socket.socket, other: Fallback) -> "Lane":
        """The lane of a channel; `other` is given what is not taken here (None: nothing came),
        and when it was read."""
        return Lane(self, slot, slot * self._capacity + row, endpoint, other)

    # -- what lanes do ------------------------------------------------------------------------

    def expect(self, lane: "Lane", payload_type: int, expected: Expected) -> None:
        """The lane is open for `EVERY` packets less one."""
        place = lane.place
        first = (VERSION << 14 | payload_type) << 16 | expected.sequence
        self._head[place] = first, expected.timestamp, expected.ssrc
        self._at[place] = expected.at
        self._left[place] = EVERY - 1
        if not self._is_open(lane):
            self._lanes[lane.slot][lane.descriptor] = lane
            self._poll(lane.descriptor, False)
            self._pollers[lane.slot].register(lane.descriptor, select.EPOLLIN)

    def passed(self, lane: "Lane") -> int:
        """Packets taken since it was opened; it is shut."""
        if not self._is_open(lane):
            return 0
        del self._lanes[lane.slot][lane.descriptor]
        with suppress(OSError):  # it was closed
            self._pollers[lane.slot].unregister(lane.descriptor)
        self._poll(lane.descriptor, True)
        taken = EVERY - 1 - int(self._left[lane.place])
        self._left[lane.place] = 0
        return taken

    def _is_open(self, lane: "Lane") -> bool:
        """Whether it is its own, not that of a channel which had the descriptor before."""
        return self._lanes[lane.slot].get(lane.descriptor) is lane

    # -- the tick -----------------------------------------------------------------------------

    def read(self, slot: int, now: float) -> None:
        """Read what waits on the open lanes of a slot, one of each at a time."""
        of_slot = self._lanes[slot]
        for _ in range(ROUNDS):
            ready = self._pollers[slot].poll(0, self._capacity) if of_slot else []
            if not ready:
                return
            lanes = [of_slot[descriptor] for descriptor, _ in ready]
            for start in range(0, len(lanes), BATCH):
                self._take(slot, lanes[start : start + BATCH], now)

    def _take(self, slot: int, lanes: list["Lane"], now: float) -> None:
        sizes = self._received(lanes)
        places = np.array([lane.place for lane in lanes], np.intp)
        fit = self._fit(slot, places, np.array(sizes, np.intp))
        taken = np.flatnonzero(fit)
        self._lay(slot, places[taken], self._sounds[taken])
        for index in np.flatnonzero(~fit).tolist():
            size = sizes[index]
            data = None if size == _NOTHING else bytes(self._views[index][:size])
            lanes[index].other(data, now)

    def _received(self, lanes: list["Lane"]) -> list[int]:
        """A datagram of each, into the buffer's rows; their sizes, or `_NOTHING`."""
        sizes: list[int] = []
        reads = map(operator.call, [lane.receive for lane in lanes], self._views)
        while len(sizes) < len(lanes):
            try:
                sizes.extend(reads)
            except OSError:  # nothing there after all, or a refusal (ICMP)
                sizes.append(_NOTHING)
        return sizes

    def _fit(
        self, slot: int, places: NDArray[np.intp], sizes: NDArray[np.intp]
    ) -> NDArray[np.bool_]:
        """Which packets are just what was expected, and in time."""
        ahead = self._at[places] - self._listenings[slot].read
        fit: NDArray[np.bool_] = (sizes == _SIZE) & (self._left[places] > 0)
        fit &= (self._heads[: len(places)] == self._head[places]).all(axis=1)
        fit &= (ahead >= 0) & (ahead <= MOST_AHEAD - FRAME)
        return fit

    def _lay(self, slot: int, places: NDArray[np.intp], sounds: NDArray[np.uint8]) -> None:
        """Into the rings; and on to the next packet."""
        if not len(places):
            return
        at = self._at[places]
        self._listenings[slot].lay(places - slot * self._capacity, at, sounds)
        head = self._head[places]
        head[:, 0] = head[:, 0] & _KIND | head[:, 0] + 1 & _SEQUENCE
        head[:, 1] += FRAME
        self._head[places] = head
        self._at[places] = at + FRAME
        self._left[places] -= 1


class Lane:
    """One channel's."""

    def __init__(
        self, express: Express, slot: int, place: int, endpoint: socket.socket, other: Fallback
    ) -> None:
        self._express = express
        self.slot = slot
        self.place = place
        self.descriptor = endpoint.fileno()
        self.receive = endpoint.recv_into
        self.other = other
        self.drained = False
        """The peer is latched, and no packet from before that waits on the socket: until then one
        may be a stranger's, and the lane stays shut."""

    def expect(self, packet: Packet, expected: Expected | None) -> None:
        """Take the packets from the one expected after this on, if they can be taken here."""
        if self.drained and expected is not None and len(packet.payload) == FRAME:
            self._express.expect(self, packet.payload_type, expected)

    def passed(self) -> int:
        """Shut the lane; how many packets it took since it was opened."""
        return self._express.passed(self)
