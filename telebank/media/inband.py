"""Keys heard in the audio itself (DTMF, ITU-T Q.23 and Q.24), for all channels of a worker at once.

Every tick one matrix product gives the eight tones of all channels at four overlapping looks. Where
one low and one high tone stand out at four looks running, the 35 ms that these span are fitted with
two steady sinusoids: a key is what leaves next to nothing over. Speech has such moments, but hardly
any that is two sinusoids of a key's frequencies and no more for so long.

Pure: no clock and no I/O. Times are samples (8000 a second) since the receiver was made.
"""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from telebank.media.inband_bank import (
    FRAME,
    GRID,
    HOP,
    HOPS,
    KEPT,
    KEYS,
    RATE,
    SPAN,
    TONES,
    WIDEST,
    Bank,
)
from telebank.media.inband_values import PEAK_0_DBM0, Event, InbandOptions, KeyOff, KeyOn

_GROUP = 4
"""Tones of a group."""
_BEFORE = 3
"""Looks of the tick before that belong to the first span of this one."""
_QUIET = np.int16(-1)
_EARLY = 15
"""Samples by which the first span that fits begins before its key, as a rule."""
_LATE = 68
"""Samples from the end of a key to the end of the last look that has it, as a rule."""

Block = NDArray[np.int16]
"""(channels, 160)"""
Places = NDArray[np.intp]
Flags = NDArray[np.bool_]
Floats = NDArray[np.float32]
Rows = Places | slice


class _Spans(NamedTuple):
    """Spans that may hold a key, in the order of time."""

    hop: Places
    """Of the newest frame, at the end of which the span ends."""
    row: Places
    tones: Places
    """(n, 2) the low and the high one, 0 to 7."""
    offsets: Floats
    """(n, 2) part of its frequency that each is off."""
    power: Floats
    """(n, 2) of each: a peak squared."""

    def keep(self, which: Flags) -> "_Spans":
        return _Spans(
            self.hop[which],
            self.row[which],
            self.tones[which],
            self.offsets[which],
            self.power[which],
        )


class InbandKeys:
    """A receiver of `channels` rows: 2 kB a row, and 0.6 MB for them all.

    One BLAS thread is best (OPENBLAS_NUM_THREADS, as the workers have it): the product is small.
    """

    def __init__(self, channels: int, options: InbandOptions | None = None) -> None:
        self.channels = channels
        self._options = options or InbandOptions()
        self._bank = Bank.make()
        self._least = (10 ** (self._options.lowest_dbm0 / 20) * PEAK_0_DBM0) ** 2
        self._ticks = 0
        self._heard = np.zeros((channels, KEPT), np.float32)
        self._looks = np.zeros((_BEFORE + HOPS, 2, len(TONES), channels), np.float32)
        self._may = np.zeros((_BEFORE + HOPS, channels), np.bool_)
        self._key = np.full(channels, _QUIET)
        self._level = np.zeros((2, channels), np.float32)
        self._began = np.zeros(channels, np.int64)
        self._latest = np.zeros(channels, np.int64)
        self._gone = np.zeros(channels, np.int16)
        self._missing = np.zeros(channels, np.int16)

    @property
    def samples(self) -> int:
        """The time: samples heard so far, of every row."""
        return self._ticks * FRAME

    def reset(self, row: int) -> None:
        """Forget a row: it is another channel's from now on. A key in it ends without a word."""
        self._silence(np.array([row]))
        self._key[row] = _QUIET
        self._missing[row] = 0

    def hear(self, block: Block, active: Flags) -> list[Event]:
        """The next 20 ms of all rows, and in which of them there is audio at all.

        A row without it (a packet lost, or not listened to) stands still: what is in its part of
        the block is not looked at. Raises `ValueError` for another shape.
        """
        if block.shape != (self.channels, FRAME) or active.shape != (self.channels,):
            raise ValueError(f"{block.shape}, {active.shape}: not {self.channels} rows of {FRAME}")
        events: list[Event] = list(self._miss(active))
        rows: Rows = slice(None) if active.all() else np.flatnonzero(active)
        if isinstance(rows, slice) or len(rows):
            self._look(block, rows)
            events += self._lapse(np.flatnonzero(self._key != _QUIET), np.array(0))
            events += self._begin()
        self._ticks += 1
        return events

    # -- a tick ---------------------------------------------------------------------------------

    def _miss(self, active: Flags) -> Iterator[KeyOff]:
        """Rows without audio: silent for the spans to come; after a while their key has ended."""
        self._missing[active] = 0
        rows = np.flatnonzero(~active)
        if not len(rows):
            return
        self._silence(rows[self._missing[rows] == 0])
        self._may[:, rows] = False
        self._missing[rows] = np.minimum(self._missing[rows] + 1, self._options.missing_ticks)
        over = (self._missing[rows] == self._options.missing_ticks) & (self._key[rows] != _QUIET)
        for row in rows[over].tolist():
            yield self._end(row)

    def _silence(self, rows: Places) -> None:
        self._heard[rows] = 0
        self._looks[..., rows] = 0
        self._may[:, rows] = False

    def _look(self, block: Block, rows: Rows) -> None:
        """Take the block in, and look at it: the matrix product."""
        heard, looks, may = self._heard[rows], self._looks[..., rows], self._may[:, rows]
        heard[:, :FRAME] = heard[:, FRAME : 2 * FRAME]
        heard[:, FRAME : KEPT - FRAME] = heard[:, 2 * FRAME :]
        heard[:, KEPT - FRAME :] = block[rows]
        looks[:_BEFORE] = looks[HOPS:]
        looks[_BEFORE:] = (self._bank.looks @ heard[:, KEPT - SPAN :].T).reshape(
            HOPS, 2, len(TONES), -1
        )
        may[:_BEFORE] = may[HOPS:]
        may[_BEFORE:] = self._stand_out(looks[_BEFORE:])
        if not isinstance(rows, slice):
            self._heard[rows], self._looks[..., rows], self._may[:, rows] = heard, looks, may

    def _stand_out(self, looks: NDArray[np.float32]) -> Flags:
        """(hops, rows): whether one tone of each group stands out, loud enough."""
        power = looks[:, 0] ** 2 + looks[:, 1] ** 2
        low, high = power[:, :_GROUP], power[:, _GROUP:]
        most_low, most_high = low.max(axis=1), high.max(axis=1)
        twist = np.float32(10 ** (self._options.twist_db / 10))
        alone = np.float32(self._options.alone)
        may: Flags = np.minimum(most_low, most_high) > self._least
        may &= most_low > alone * low.sum(axis=1)
        may &= most_high > alone * high.sum(axis=1)
        may &= most_low < twist * most_high
        may &= most_high < twist * most_low
        return may

    # -- keys that end --------------------------------------------------------------------------

    def _lapse(self, rows: Places, since: Places) -> Iterator[KeyOff]:
        """Follow the keys that are on, from hop `since` on, to the look that ends them."""
        rows = rows[self._missing[rows] == 0]
        if not len(rows):
            return
        there = self._present(rows) | (np.arange(HOPS)[:, None] < since)
        gone, over = self._gone[rows], np.zeros(len(rows), np.bool_)
        for hop in range(HOPS):
            gone = np.where(there[hop], 0, gone + 1)
            over |= gone >= self._options.gone
            self._latest[rows[there[hop] & ~over]] = self.samples + (hop + 1) * HOP
        self._gone[rows] = gone
        for row in rows[over].tolist():
            yield self._end(row)

    def _present(self, rows: Places) -> Flags:
        """(hops, rows): whether both tones of the row's key are there."""
        low, high = np.divmod(self._key[rows], _GROUP)
        least = self._level[:, rows] * np.float32(10 ** (-self._options.present_db / 10))
        there = np.ones((HOPS, len(rows)), np.bool_)
        for tone, limit in ((low, least[0]), (high + _GROUP, least[1])):
            looks = self._looks[_BEFORE:, :, tone, rows]
            there &= (looks**2).sum(axis=1) >= limit
        return there

    def _end(self, row: int) -> KeyOff:
        key, self._key[row] = _name(int(self._key[row])), _QUIET
        end = int(self._latest[row]) - _LATE
        return KeyOff(row, key, end, end - int(self._began[row]))

    # -- keys that begin ------------------------------------------------------------------------

    def _begin(self) -> Iterator[Event]:
        """The keys found in this tick, in the order of time."""
        may = self._may
        hops, rows = np.nonzero(may[:HOPS] & may[1 : 1 + HOPS] & may[2 : 2 + HOPS] & may[3:])
        if not len(rows):
            return
        spans = self._candidates(hops, rows)
        spans = spans.keep(self._fits(spans))
        keys = spans.tones[:, 0] * _GROUP + spans.tones[:, 1] - _GROUP
        pressed: dict[int, int] = {}
        for index, key in enumerate(keys.tolist()):
            row = int(spans.row[index])
            if key == self._key[row]:
                continue
            if self._key[row] != _QUIET:
                yield self._end(row)
            yield self._press(spans, index, key)
            pressed[row] = int(spans.hop[index]) + 1
        if pressed:
            yield from self._lapse(np.array(list(pressed)), np.array(list(pressed.values())))

    def _candidates(self, hop: Places, row: Places) -> _Spans:
        """Those spans of which every look shows the same steady pair, near its frequencies."""
        looks = self._looks[hop[:, None] + np.arange(HOPS), :, :, row[:, None]]
        power = (looks**2).sum(axis=(1, 2))
        tones = np.stack([power[:, :_GROUP].argmax(1), power[:, _GROUP:].argmax(1) + _GROUP], 1)
        new = self._key[row] != tones[:, 0] * _GROUP + tones[:, 1] - _GROUP
        hop, row, tones, looks = hop[new], row[new], tones[new], looks[new]
        pair = np.moveaxis(looks[np.arange(len(row))[:, None], :, :, tones], -1, 0)
        steady, offsets = self._measure(pair[0] + 1j * pair[1], tones)
        return _Spans(hop, row, tones, offsets, (pair**2).sum(axis=0).mean(axis=2)).keep(steady)

    def _measure(self, looks: NDArray[np.complex64], tones: Places) -> tuple[Flags, Floats]:
        """Of (n, 2, 4) looks at tones: whether all is steady, and how far off the tones are."""
        power = looks.real**2 + looks.imag**2
        steps = looks[..., 1:] * looks[..., :-1].conj() * self._bank.turn[tones][..., None]
        slope = np.angle(steps.sum(axis=2))
        bend = np.abs(np.angle(steps * np.exp(-1j * slope)[..., None])).max(axis=2)
        offsets = slope * (RATE / (2 * np.pi * HOP)) / TONES[tones]
        limit = 10 ** (self._options.steady_db / 10)
        steady = power.max(axis=2) < limit * power.min(axis=2)
        steady &= (bend < self._options.straight) & (np.abs(offsets) < self._options.offset)
        return steady.all(axis=1), offsets

    def _fits(self, spans: _Spans) -> Flags:
        """Whether two steady sinusoids are nearly all there is in a span, hum and dial tone apart.

        Least squares with the two frequencies as measured.
        """
        options, bank = self._options, self._bank
        heard = self._heard[spans.row[:, None], spans.hop[:, None] * HOP + np.arange(SPAN)]
        beside = heard @ bank.beside.T
        rest = heard - beside @ bank.beside
        offset = np.rint(spans.offsets * (GRID / WIDEST)).astype(np.intp) + GRID
        waves = bank.waves[spans.tones, offset].reshape(-1, _GROUP, SPAN)
        match = waves @ rest[:, :, None]
        sizes = np.linalg.solve(waves @ waves.transpose(0, 2, 1), match)
        key = (sizes * match).sum(axis=(1, 2))
        left = (rest**2).sum(axis=1) - key
        hum, dial = (beside[:, : bank.hum] ** 2).sum(1), (beside[:, bank.hum :] ** 2).sum(1)
        fits: Flags = left < options.left_over * key
        fits &= (hum < options.hum * key) & (dial < options.dial * key)
        return fits

    def _press(self, spans: _Spans, index: int, key: int) -> KeyOn:
        row, end = int(spans.row[index]), self.samples + (int(spans.hop[index]) + 1) * HOP
        self._key[row], self._gone[row] = key, 0
        self._level[:, row] = spans.power[index]
        self._began[row] = max(0, end - SPAN + _EARLY)
        self._latest[row] = end
        level = 10 * np.log10(float(spans.power[index].sum()) / PEAK_0_DBM0**2)
        return KeyOn(row, _name(key), int(self._began[row]), round(level, 1))


def _name(key: int) -> str:
    return KEYS[key // _GROUP][key % _GROUP]
