"""The sending plane: one packet for every call each 20 ms, built for a whole slot at once by numpy.

The channels of a worker are spread over four slots, 5 ms apart, so that no burst holds all calls.
A slot keeps one row of arrays per call; a tick adds to sequence and timestamp of all rows, gathers
the payloads of those who play from the bank, and hands each row to its socket. Python runs per call
only where a clip ends inside the frame.
"""

import operator
import secrets
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from telebank.media.bank import FRAME, SILENCE, Bank
from telebank.media.rtp import MARKER

FRAME_SECONDS = 0.020
SLOTS = 4
SLOT_SECONDS = FRAME_SECONDS / SLOTS
SILENT = -1
"""Start of a segment that is a pause."""

_PACKET = np.dtype(
    [
        ("first", "u1"),
        ("second", "u1"),
        ("sequence", ">u2"),
        ("timestamp", ">u4"),
        ("ssrc", ">u4"),
        ("payload", "u1", FRAME),
    ]
)

Segments = Sequence[tuple[int, int]]
Send = Callable[[memoryview], object]


@dataclass(frozen=True, slots=True)
class Ended:
    """A row's play was sent to its end in this tick; `played` in samples, without padding."""

    row: int
    played: int


@dataclass(frozen=True, slots=True)
class Ticked:
    """What one tick did: rows whose play sent its first packet, and plays that ended."""

    started: list[int]
    ended: list[Ended]


@dataclass(slots=True)
class _Play:
    """The segments of a row's play that are not yet in the row's arrays."""

    segments: Segments
    next: int = 0

    def advance(self) -> tuple[int, int] | None:
        while self.next < len(self.segments):
            segment = self.segments[self.next]
            self.next += 1
            if segment[1] > 0:
                return segment
        return None


class Slot:
    """A quarter of a worker's calls; no clock, and no I/O but the `Send` of each row."""

    def __init__(self, bank: Bank, capacity: int) -> None:
        self._bank = bank
        self._packets = np.zeros(capacity, dtype=_PACKET)
        self._packets["first"] = 0x80
        self._payload: NDArray[np.uint8] = self._packets["payload"]
        flat = self._packets.view(np.uint8).data
        size = _PACKET.itemsize
        self._views = [flat[row * size : (row + 1) * size] for row in range(capacity)]
        self._sequence = np.zeros(capacity, dtype=np.uint16)
        self._timestamp = np.zeros(capacity, dtype=np.uint32)
        self._type = np.zeros(capacity, dtype=np.uint8)
        self._marker = np.zeros(capacity, dtype=np.uint8)
        self._law = np.zeros(capacity, dtype=np.uint8)
        self._sending = np.zeros(capacity, dtype=np.bool_)
        self._stale = np.zeros(capacity, dtype=np.bool_)
        self._playing = np.zeros(capacity, dtype=np.bool_)
        self._position = np.zeros(capacity, dtype=np.int64)
        self._remaining = np.zeros(capacity, dtype=np.int64)
        self._played = np.zeros(capacity, dtype=np.int64)
        self._sent = np.zeros(capacity, dtype=np.int64)
        self._plays: dict[int, _Play] = {}
        self._started: list[int] = []
        self._send: dict[int, Send] = {}
        self._free = list(range(capacity - 1, -1, -1))
        self._batch: tuple[list[Send], list[memoryview]] = ([], [])
        self._changed = False
        self.rows = 0
        """Rows in use."""
        self.send_errors = 0
        """Packets the kernel did not take (full buffer, unreachable peer)."""

    # -- membership ---------------------------------------------------------------------------

    def add(self) -> int:
        """A row for a new call, silent and not yet sending; `IndexError` when the slot is full."""
        row = self._free.pop()
        self.rows += 1
        self._sequence[row] = secrets.randbits(16)
        self._timestamp[row] = secrets.randbits(32)
        self._packets["ssrc"][row] = secrets.randbits(32)
        self._remaining[row] = self._played[row] = self._sent[row] = 0
        self._stale[row] = True
        return row

    def remove(self, row: int) -> None:
        """Give the row back."""
        self.stop(row)
        self.mute(row)
        self._free.append(row)
        self.rows -= 1

    def direct(self, row: int, law: int, payload_type: int, send: Send) -> None:
        """Send the row from now on: law as in `bank.LAWS`, and where to."""
        if not self._sending[row]:
            self._marker[row] = MARKER
        self._stale[row] |= self._law[row] != law
        self._law[row] = law
        self._type[row] = payload_type
        self._sending[row] = True
        self._send[row] = send
        self._changed = True

    def mute(self, row: int) -> None:
        """Send nothing; a play waits where it is. Timestamps go on with the clock."""
        self._sending[row] = False
        self._changed |= self._send.pop(row, None) is not None

    def sent(self, row: int) -> int:
        """Packets of the row sent so far."""
        return int(self._sent[row])

    # -- plays --------------------------------------------------------------------------------

    def play(self, row: int, segments: Segments) -> None:
        """Begin the segments with the next packet, in place of what played."""
        self._plays[row] = _Play(segments)
        self._playing[row] = True
        self._played[row] = self._remaining[row] = 0
        self._marker[row] = MARKER

    def stop(self, row: int) -> int:
        """Send silence from the next packet on; returns the samples played."""
        self._plays.pop(row, None)
        self._playing[row] = False
        self._remaining[row] = 0
        return int(self._played[row])

    def playing(self, row: int) -> bool:
        """Whether a play is running, or waiting, in the row."""
        return row in self._plays

    # -- the tick -----------------------------------------------------------------------------

    def skip(self, ticks: int) -> None:
        """Ticks that were never sent (the process was stopped): timestamps follow the clock."""
        self._timestamp += np.uint32(ticks * FRAME & 0xFFFFFFFF)

    def tick(self) -> Ticked:
        """Build and send one packet of every sending row."""
        self._started = []
        ended = self._fill()
        self._stamp()
        if self._changed:
            rows = sorted(self._send)
            self._batch = ([self._send[row] for row in rows], [self._views[row] for row in rows])
            self._changed = False
        self._transmit()
        return Ticked(self._started, ended)

    def _fill(self) -> list[Ended]:
        """Payloads: whole frames by one gather per law, frames with a joint one by one, silence."""
        active = self._playing & self._sending
        whole = active & (self._remaining >= FRAME)
        edge = np.flatnonzero(active & ~whole).tolist()
        speaking = whole & (self._position != SILENT)
        self._hush(speaking)
        for law, windows in enumerate(self._bank.windows):
            rows = np.flatnonzero(speaking & (self._law == law))
            if len(rows):
                self._payload[rows] = windows[self._position[rows]]
        self._stale |= speaking
        self._position[speaking] += FRAME
        self._remaining[whole] -= FRAME
        self._played[whole] += FRAME
        return [end for row in edge if (end := self._join(row)) is not None] + self._finished(whole)

    def _hush(self, speaking: NDArray[np.bool_]) -> None:
        rows = np.flatnonzero(self._stale & ~speaking)
        if len(rows):
            self._payload[rows] = SILENCE[self._law[rows], None]
            self._stale[rows] = False

    def _finished(self, whole: NDArray[np.bool_]) -> list[Ended]:
        """Rows whose last segment ended exactly with this frame."""
        rows = np.flatnonzero(whole & (self._remaining == 0))
        return [end for row in rows.tolist() if (end := self._load(row)) is not None]

    def _load(self, row: int) -> Ended | None:
        """Bring the row's next segment into its arrays; an `Ended` when there is none."""
        play = self._plays[row]
        if play.next == 0:
            self._started.append(row)
        segment = play.advance()
        if segment is not None:
            self._position[row], self._remaining[row] = segment
            return None
        return Ended(row, self.stop(row))

    def _join(self, row: int) -> Ended | None:
        """A frame in which a segment ends: the next one follows sample by sample."""
        law = self._bank.laws[self._law[row]]
        frame, filled = self._payload[row], 0
        self._stale[row] = True
        frame[:] = SILENCE[self._law[row]]
        while filled < FRAME:
            if not self._remaining[row] and (ended := self._load(row)) is not None:
                return ended
            position, remaining = int(self._position[row]), int(self._remaining[row])
            take = min(FRAME - filled, remaining)
            if position != SILENT:
                frame[filled : filled + take] = law[position : position + take]
                self._position[row] += take
            self._remaining[row] -= take
            self._played[row] += take
            filled += take
        return None if self._remaining[row] else self._load(row)

    def _stamp(self) -> None:
        """Headers of all rows: sequence counts packets sent, timestamp follows the clock."""
        self._packets["sequence"] = self._sequence
        self._packets["timestamp"] = self._timestamp
        self._packets["second"] = self._type | self._marker
        self._sequence += self._sending
        self._sent += self._sending
        self._marker[self._sending] = 0
        self._timestamp += np.uint32(FRAME)

    def _transmit(self) -> None:
        """Hand every packet to its socket; one that refuses does not keep the others waiting."""
        packets = map(operator.call, *self._batch)
        while True:
            try:
                deque(packets, maxlen=0)
            except OSError:
                self.send_errors += 1
            else:
                return
