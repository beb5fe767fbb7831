"""The worker's side of recordings: keeps what a slot's callers say and hear, a second at a
time, and hands it to the process that writes. No file is touched here.

The last second stays here: when it turns out that keys are secret, or may be, what the caller said
just before is taken back. 64 kB a recording.

Pure: no clock and no I/O but the `Hand` given.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from telebank.media import writing
from telebank.media.bank import FRAME
from voice_prompts.g711 import LAWS as G711_LAWS
from voice_prompts.g711 import decode_table

LAW_OCTETS = 256
"""Entries of a law's table."""
PIECE = 50
"""Frames handed over at once."""
HELD = 50
"""Frames (1 s) that are not handed over yet."""
BEFORE = 25
"""Frames (0.5 s) that are covered too before a cover: a key that is told of by an event whose first
packets were lost, or by an INFO, was heard before."""
GROUPS = 5
"""Not all recordings hand over in the same tick, nor each by itself: a second of sound for which
the writer is woken takes it a third more time than one among others."""

Samples = NDArray[np.int16]
Places = NDArray[np.intp]
Hand = Callable[[writing.ToWriter], object]


@dataclass(slots=True)
class _Recorded:
    """One row's recording; times in samples since it began, -1 for none."""

    number: int
    place: int
    most: int
    at: int = 0
    """Of the first frame of the piece under way."""
    paused_from: int = -1
    covered_from: int = -1


class Recorder:
    """The recordings of a slot, by row."""

    def __init__(self, capacity: int, hand: Hand) -> None:
        self._hand = hand
        self._recorded: dict[int, _Recorded] = {}
        self.rows: Places = np.zeros(0, np.intp)
        """Those that are recorded, sorted."""
        self._pieces = np.zeros((0, HELD + PIECE, FRAME, 2), np.int16)
        self._free: list[int] = []
        self._place = np.zeros(capacity, np.intp)
        self._filled = np.zeros(capacity, np.intp)
        """Frames of the piece under way, by row."""
        self._full = np.zeros(capacity, np.intp)
        """Frames at which it is handed over."""
        self._paused = np.zeros(capacity, np.bool_)
        self._covered = np.zeros(capacity, np.bool_)
        self._decode = np.concatenate([decode_table(law) for law in G711_LAWS])
        """The tables of all laws, one after the other."""

    def __len__(self) -> int:
        return len(self._recorded)

    def __contains__(self, row: int) -> bool:
        return row in self._recorded

    # -- commands -----------------------------------------------------------------------------

    def begin(self, row: int, number: int, most: int) -> None:
        """Record a row from the next tick on, under a number of the writer's, for `most` samples
        or a little more. One a row: `ValueError`."""
        if row in self._recorded:
            raise ValueError("the channel is being recorded already")
        self._recorded[row] = _Recorded(number, self._taken(), most)
        self._place[row] = self._recorded[row].place
        self._filled[row] = 0
        self._full[row] = self._due(row, HELD + PIECE - number % GROUPS * (PIECE // GROUPS))
        self._paused[row] = self._covered[row] = False
        self.rows = np.array(sorted(self._recorded), np.intp)

    def pause(self, row: int, *, paused: bool) -> None:
        """Record silence, or go on; nothing happens where nothing is recorded."""
        recorded = self._recorded.get(row)
        if recorded is None or bool(self._paused[row]) == paused:
            return
        self._paused[row] = paused
        if paused:
            recorded.paused_from = self._now(row)
        else:
            self._mark(row, "paused", recorded.paused_from)

    def end(self, row: int, cut: str = "") -> None:
        """The recording is over; the writer is told, and why if it comes too early."""
        recorded = self._recorded.get(row)
        if recorded is None:
            return
        self._give(row)
        if self._paused[row]:
            self._mark(row, "paused", recorded.paused_from)
        if self._covered[row]:
            self._mark(row, "secret", recorded.covered_from)
        self._hand(writing.End(number=recorded.number, cut=cut))
        self._free.append(recorded.place)
        del self._recorded[row]
        self.rows = np.array(sorted(self._recorded), np.intp)

    def skip(self, frames: int) -> None:
        """Frames that never were (the process was stopped): the writer fills them."""
        for row, recorded in self._recorded.items():
            self._give(row)
            recorded.at += frames * FRAME

    # -- the tick -----------------------------------------------------------------------------

    def take(
        self,
        said: tuple[Places, Samples],
        sent: NDArray[np.uint8],
        laws: Places,
        covered: NDArray[np.bool_],
    ) -> None:
        """What callers said (rows, sorted, and a frame of each), and by row what each was sent, by
        which law, and whether it is covered while secret keys are entered."""
        rows = self.rows
        if not len(rows):
            return
        if (covered[rows] != self._covered[rows]).any():
            self._cover(covered)
        left = _of(rows, *said)
        right = self._decode[sent[rows] + laws[rows][:, None] * LAW_OCTETS]
        if self._paused[rows].any():
            left[self._paused[rows]] = right[self._paused[rows]] = 0
        place, filled = self._place[rows], self._filled[rows]
        self._pieces[place, filled, :, 0] = left
        self._pieces[place, filled, :, 1] = right
        self._filled[rows] = filled + 1
        for row in rows[filled + 1 == self._full[rows]].tolist():
            if self._now(row) >= self._recorded[row].most:
                self.end(row, "it was as long as may be")
            else:
                self._give(row, HELD)
                self._full[row] = self._due(row, HELD + PIECE)

    def _due(self, row: int, full: int) -> int:
        """At how many frames the row is looked at: `full`, or its longest."""
        recorded = self._recorded[row]
        return min(full, max(1, -(-(recorded.most - recorded.at) // FRAME)))

    def _cover(self, covered: NDArray[np.bool_]) -> None:
        for row, recorded in self._recorded.items():
            if covered[row] and not self._covered[row]:
                recorded.covered_from = self._now(row) - self._take_back(row) * FRAME
            elif self._covered[row] and not covered[row]:
                self._mark(row, "secret", recorded.covered_from)
            self._covered[row] = covered[row]

    def _take_back(self, row: int) -> int:
        """The caller's last words are silence; how many frames."""
        filled = int(self._filled[row])
        back = min(BEFORE, filled)
        self._pieces[self._recorded[row].place, filled - back : filled, :, 0] = 0
        return back

    def _now(self, row: int) -> int:
        return self._recorded[row].at + int(self._filled[row]) * FRAME

    def _give(self, row: int, held: int = 0) -> None:
        """Hand over all but the last frames."""
        recorded, filled = self._recorded[row], int(self._filled[row])
        given, pieces = filled - held, self._pieces[recorded.place]
        if given > 0:
            samples = pieces[:given].tobytes()
            self._hand(writing.Sound(number=recorded.number, at=recorded.at, samples=samples))
            recorded.at += given * FRAME
            pieces[:held] = pieces[given:filled].copy()
            self._filled[row] = held

    def _mark(self, row: int, kind: writing.MarkKind, start: int) -> None:
        number = self._recorded[row].number
        self._hand(writing.Left(number=number, kind=kind, start=start, end=self._now(row)))

    def _taken(self) -> int:
        """A place among the pieces, of which there are more as they are needed."""
        if not self._free:
            count = len(self._pieces)
            grown = np.zeros((max(8, 2 * count), *self._pieces.shape[1:]), np.int16)
            grown[:count] = self._pieces
            self._pieces = grown
            self._free = list(range(len(grown) - 1, count - 1, -1))
        return self._free.pop()


def _of(rows: Places, heard: Places, samples: Samples) -> Samples:
    """The frames of `rows`; silence of those that are not among `heard`."""
    frames = np.zeros((len(rows), FRAME), np.int16)
    if len(heard):
        at = np.minimum(np.searchsorted(heard, rows), len(heard) - 1)
        here = heard[at] == rows
        frames[here] = samples[at[here]]
    return frames
