"""The sending plane: one packet for every call each 20 ms, built for a whole slot at once by numpy.

The channels of a worker are in up to four slots, 5 ms apart, so that no burst holds all calls; few
channels are in one, since each slot in use costs 50 ticks a second of caches gone cold.
A slot keeps one row of arrays per call; a tick counts sequence and timestamp of all rows on,
gathers the payloads of those who play from the bank, and hands each row to its socket. Python runs
per call only in the ticks in which one of its clips ends: a calendar says which those are.
"""

import operator
import secrets
from collections import defaultdict, deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from telebank.media.bank import FRAME, LAWS, SILENCE, Bank, Banks
from telebank.media.speakers import Speakers
from telebank.rtp import MARKER, VERSION

SLOTS = 4
"""Ticks in 20 ms, each of its own rows."""
SILENT = -1
"""Start of a segment that is a pause."""
MAX_RUN = 3_000
"""Frames that a row goes without a look at it: the calendar holds a minute at most."""

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
    """What one tick did: rows whose play sent its first packet, plays that ended, and rows whose
    `Send` raised what no network does."""

    started: list[int]
    ended: list[Ended]
    failed: list[tuple[int, Exception]]


@dataclass(slots=True)
class _Play:
    """Where a row is in its segments, as of tick `since`; positions and counts in samples."""

    segments: Segments
    bank: int = 0
    next: int = 0
    position: int = SILENT
    remaining: int = 0
    played: int = 0
    since: int = 0
    joint: int = -1
    """The tick at which Python must build the frame; -1 while the row is muted."""

    def load(self) -> bool:
        """Go to the next segment that has samples; False at the end."""
        while self.next < len(self.segments):
            self.position, self.remaining = self.segments[self.next]
            self.next += 1
            if self.remaining:
                return True
        return False

    def advance(self, samples: int) -> None:
        """These samples of the segment have been sent."""
        if self.position != SILENT:
            self.position += samples
        self.remaining -= samples
        self.played += samples


class Joined(Protocol):
    """Fills the payload of rows that are joined, and keeps what rows are sent. Arrays are by row:
    the payload, the law, whether a clip plays, whether the row sends."""

    def fill(
        self, payload: NDArray[np.uint8], laws: NDArray[np.intp], playing: NDArray[np.bool_]
    ) -> None:
        """Before a tick's packets are built."""

    def keep(
        self, payload: NDArray[np.uint8], laws: NDArray[np.intp], sending: NDArray[np.bool_]
    ) -> None:
        """After they were sent."""


class Slot:
    """A quarter of a worker's calls; no clock, and no I/O but the `Send` of each row."""

    def __init__(self, banks: Banks, capacity: int) -> None:
        self._banks = banks
        self._capacity = capacity
        self._packets = np.zeros(capacity, dtype=_PACKET)
        self._packets["first"] = VERSION << 6
        self._payload: NDArray[np.uint8] = self._packets["payload"]
        flat = self._packets.view(np.uint8).data
        size = _PACKET.itemsize
        self._views = [flat[row * size : (row + 1) * size] for row in range(capacity)]
        self._sequence = np.zeros(capacity, dtype=np.int64)
        self._timestamp = np.zeros(capacity, dtype=np.uint32)
        self._sending = np.zeros(capacity, dtype=np.bool_)
        self._sent = np.zeros(capacity, dtype=np.int64)
        self._clock = 0
        self._law = np.zeros(capacity, dtype=np.intp)
        self._playing = np.zeros(capacity, dtype=np.bool_)
        self.bridge: Joined | None = None
        """What the rows have to do with each other, if anything."""
        self._speakers: list[dict[int, Speakers]] = [{} for _ in LAWS]
        """By law, then by bank."""
        self._plays: dict[int, _Play] = {}
        self._calendar: defaultdict[int, list[int]] = defaultdict(list)
        self._now = 0
        self._marked: set[int] = set()
        self._send: dict[int, Send] = {}
        self._free = list(range(capacity - 1, -1, -1))
        self._batch: tuple[list[int], list[Send], list[memoryview]] = ([], [], [])
        self._changed = False
        self.rows = 0
        """Rows in use."""
        self.send_errors = 0
        """Packets the kernel did not take (full buffer, unreachable peer)."""
        for number, bank in banks.items():
            self.take(number, bank)

    # -- banks --------------------------------------------------------------------------------

    def take(self, number: int, bank: Bank) -> None:
        """Play from this bank too, which is in `banks` by now."""
        for speakers, windows in zip(self._speakers, bank.windows, strict=True):
            speakers[number] = Speakers(windows, self._capacity)

    def leave(self, number: int) -> None:
        """Play from this bank no more; what still does is stopped."""
        for row in [row for row, play in self._plays.items() if play.bank == number]:
            self.stop(row)
        for speakers in self._speakers:
            del speakers[number]

    # -- membership ---------------------------------------------------------------------------

    def add(self) -> int:
        """A row for a new call, silent and not yet sending; `IndexError` when the slot is full."""
        row = self._free.pop()
        self.rows += 1
        self._sequence[row] = secrets.randbits(15)  # no wrap while keys may settle (RFC 3711 3.3.1)
        self._timestamp[row] = secrets.randbits(32)
        self._packets["ssrc"][row] = secrets.randbits(32)
        self._sent[row] = 0
        return row

    @property
    def full(self) -> bool:
        """Whether no row is left."""
        return not self._free

    def remove(self, row: int) -> None:
        """Give the row back."""
        self.stop(row)
        self.mute(row)
        self._free.append(row)
        self.rows -= 1

    def direct(self, row: int, law: int, payload_type: int, send: Send) -> None:
        """Send the row from now on: law as in `bank.LAWS`, and where to."""
        begins = not self._sending[row]
        self._pause(row)
        self._law[row] = law
        self._hush(row)
        self._packets["second"][row] = payload_type
        if begins or row in self._marked:
            self._mark(row)
        self._sending[row] = True
        self._send[row] = send
        self._changed = True
        self._resume(row)

    def mute(self, row: int) -> None:
        """Send nothing; a play waits where it is. Timestamps go on with the clock."""
        self._pause(row)
        self._sending[row] = False
        self._changed |= self._send.pop(row, None) is not None

    def sent(self, row: int) -> int:
        """Packets of the row sent so far."""
        return int(self._sent[row])

    def hush(self, row: int) -> None:
        """Silence where nothing plays: the row is joined no more."""
        if row not in self._plays:
            self._hush(row)

    def sending(self, row: int) -> bool:
        """Whether the row sends."""
        return bool(self._sending[row])

    def ssrc(self, row: int) -> int:
        """The row's synchronisation source."""
        return int(self._packets["ssrc"][row])

    def timestamp(self, row: int) -> int:
        """RTP time of the row's next packet."""
        return (int(self._timestamp[row]) + self._clock) & 0xFFFFFFFF

    # -- plays --------------------------------------------------------------------------------

    def play(self, row: int, segments: Segments, bank: int = 0) -> None:
        """Begin the segments of a bank with the next packet, in place of what played."""
        self.stop(row)
        self._plays[row] = _Play(segments, bank)
        self._playing[row] = True
        self._mark(row)
        self._resume(row)

    def stop(self, row: int) -> int:
        """Send silence from the next packet on; returns the samples played."""
        self._pause(row)
        self._hush(row)
        self._playing[row] = False
        play = self._plays.pop(row, None)
        return play.played if play else 0

    def playing(self, row: int) -> bool:
        """Whether a play is running, or waiting, in the row."""
        return row in self._plays

    def _pause(self, row: int) -> None:
        """Book what has been sent, and take the row off the calendar and out of the gather."""
        play = self._plays.get(row)
        if play is not None:
            self._speakers[self._law[row]][play.bank].drop(row)
        if play is not None and play.joint >= 0:
            play.advance((self._now - play.since) * FRAME)
            play.joint = -1

    def _resume(self, row: int) -> None:
        play = self._plays.get(row)
        if play is not None and self._sending[row]:
            self._run(row, play, self._now)

    def _run(self, row: int, play: _Play, tick: int) -> None:
        """From `tick` on whole frames of the segment, until the one that holds its last sample."""
        frames = min(max(play.remaining - 1, 0) // FRAME, MAX_RUN)
        play.since, play.joint = tick, tick + frames
        self._calendar[play.joint].append(row)
        speakers = self._speakers[self._law[row]][play.bank]
        if frames and play.position != SILENT:
            speakers.put(row, play.position)
        else:
            speakers.drop(row)

    def _mark(self, row: int) -> None:
        """The next packet begins a talk spurt (RFC 3551 section 4.1)."""
        self._packets["second"][row] |= MARKER
        self._marked.add(row)

    def _hush(self, row: int) -> None:
        self._payload[row] = SILENCE[self._law[row]]

    # -- the tick -----------------------------------------------------------------------------

    def skip(self, ticks: int) -> None:
        """Ticks that were never sent (the process was stopped): timestamps follow the clock."""
        self._clock += ticks * FRAME

    def tick(self) -> Ticked:
        """Build and send one packet of every sending row."""
        if self.bridge is not None:
            self.bridge.fill(self._payload, self._law, self._playing)
        for of_law in self._speakers:
            for speakers in of_law.values():
                speakers.gather(self._payload)
        ticked = Ticked([], [], [])
        silent = [row for row in self._calendar.pop(self._now, ()) if self._join(row, ticked)]
        self._stamp()
        self._transmit(ticked.failed)
        if self.bridge is not None:
            self.bridge.keep(self._payload, self._law, self._sending)
        for row in silent:
            self._hush(row)
        self._now += 1
        return ticked

    def _join(self, row: int, ticked: Ticked) -> bool:
        """Build the frame in which a segment ends; True when silence follows it."""
        play = self._plays.get(row)
        if play is None or play.joint != self._now:
            return False  # stopped or replaced since it was put in the calendar
        if play.next == 0:
            ticked.started.append(row)
        play.advance((self._now - play.since) * FRAME)
        if self._fill(row, play):
            self._run(row, play, self._now + 1)
            return play.position == SILENT
        self._speakers[self._law[row]][play.bank].drop(row)
        del self._plays[row]
        self._playing[row] = False
        ticked.ended.append(Ended(row, play.played))
        return True

    def _fill(self, row: int, play: _Play) -> bool:
        """One frame, sample by sample over its joints; False when the play ends with it."""
        law = self._banks[play.bank].laws[self._law[row]]
        frame, filled = self._payload[row], 0
        self._hush(row)
        while filled < FRAME:
            if not play.remaining and not play.load():
                return False
            take = min(FRAME - filled, play.remaining)
            if play.position != SILENT:
                frame[filled : filled + take] = law[play.position : play.position + take]
            play.advance(take)
            filled += take
        return play.remaining > 0 or play.load()

    def _stamp(self) -> None:
        """Headers of all rows: sequence counts packets sent, timestamp follows the clock."""
        self._packets["sequence"] = self._sequence + self._sent
        self._packets["timestamp"] = self._timestamp + np.uint32(self._clock & 0xFFFFFFFF)
        self._sent += self._sending
        self._clock += FRAME

    def _transmit(self, failed: list[tuple[int, Exception]]) -> None:
        """Hand every packet to its socket; one that refuses does not keep the others waiting."""
        if self._changed:
            rows = sorted(self._send)
            sends, views = [self._send[row] for row in rows], [self._views[row] for row in rows]
            self._batch = (rows, sends, views)
            self._changed = False
        rows, sends, views = self._batch
        left = iter(sends)
        packets = map(operator.call, left, views)
        while True:
            try:
                deque(packets, maxlen=0)
            except OSError:
                self.send_errors += 1
            except Exception as error:  # noqa: BLE001 - a bug of ours: that row's, not the slot's
                failed.append((rows[-1 - operator.length_hint(left)], error))
            else:
                break
        if self._marked:
            self._unmark()

    def _unmark(self) -> None:
        for row in self._marked & self._send.keys():
            self._packets["second"][row] &= MARKER - 1
            self._marked.discard(row)
