"""While a caller enters secret keys, nobody hears that caller: not a teller, not a recording.

Muting digit by digit leaks, since a key is known only after 40 ms of it; so the whole entry is
covered, from the moment the node asks for it. It ends later than the node says: the last key still
sounds, and its beginning may still wait in a jitter buffer. Nothing is uncovered before a second
has passed, and then half a second without the two tones of a key.

Secret keys may be typed before they are asked for. So any key at all covers the caller as an entry
that is over at once does; the node's word, if it comes, takes over. Of callers whose keys are in
the sound, the others and the recording hear what was said 40 ms ago: a key is known by then. One
that noise makes known a frame later leaks 20 ms, which no receiver takes for a key (23 ms are to be
ignored, ITU-T Q.24).

Pure: no clock and no I/O.
"""

import numpy as np
from numpy.typing import NDArray

from telebank.media.bank import FRAME

HOLD_OVER = 50
"""Frames (1 s) that stay covered after the end of an entry: more than any jitter buffer holds."""
CLEAR = 25
"""Frames (0.5 s) without a key's tones that must have passed by then."""
TONES = (697, 770, 852, 941, 1_209, 1_336, 1_477, 1_633)
LAG = 2
"""Frames (40 ms) by which others hear a caller later whose keys are in the sound: a key is known
with the second frame after that in which it began."""
KEY_SHARE = 0.4
"""Part of a frame's energy in one low and one high tone that is taken for a key."""
FAINT = 20.0
"""Root mean square under which a frame has no key (-58 dBm0)."""

Samples = NDArray[np.int16]
Places = NDArray[np.intp]
Flags = NDArray[np.bool_]

_TIMES = 2 * np.pi * np.outer(TONES, np.arange(FRAME)) / 8_000
_WAVES = np.exp(1j * _TIMES) / np.sqrt(FRAME / 2)


def key_like(samples: Samples) -> bool:
    """Whether a frame may have a key in it; rather too often than too seldom."""
    wave = samples.astype(np.float64)
    energy = float(wave @ wave)
    if energy < FAINT**2 * FRAME:
        return False
    power = np.abs(_WAVES @ wave) ** 2
    return bool(power[:4].max() + power[4:].max() > KEY_SHARE * energy)


class Secrecy:
    """Which rows of a slot are covered, and by what."""

    def __init__(self, capacity: int, cover: Samples) -> None:
        """`cover`: one frame that stands in for the caller's; a tone that loops, or silence."""
        self.covered = np.zeros(capacity, np.bool_)
        """By row."""
        self._cover = cover
        self._ending: dict[int, int] = {}
        """Frames still to cover, by row."""
        self._lag = np.zeros((capacity, LAG, FRAME), np.int16)
        """What was said and is heard later, by row; 640 octets of each that ever had any."""
        self._lagged = np.full(capacity, -1, np.int64)
        """The tick of the newest of them."""
        self._tick = 0

    def begin(self, row: int) -> None:
        """From the next frame on."""
        self.covered[row] = True
        self._ending.pop(row, None)

    def end(self, row: int) -> None:
        """The entry is over; the row is uncovered as the head of this file says."""
        if self.covered[row]:
            self._ending.setdefault(row, HOLD_OVER)

    def doubt(self, row: int) -> None:
        """A key was pressed: it may be of a secret that nobody has asked for yet."""
        if self.covered[row] and row not in self._ending:
            return  # it was asked for
        self.covered[row] = True
        self._ending[row] = HOLD_OVER

    def forget(self, row: int) -> None:
        """The row is another caller's from now on."""
        self.covered[row] = False
        self._ending.pop(row, None)

    def apply(self, rows: Places, samples: Samples, keyed: Flags) -> Samples:
        """The tick's frames as others may hear them; `samples` themselves are left as they are.
        `keyed`: by row, whether keys are looked for in the sound."""
        self._tick += 1
        if keyed.any():
            samples = self._later(rows, samples, keyed[rows])
        covered = self.covered[rows]
        if not covered.any():
            self._count(rows, samples)
            return samples
        safe = samples.copy()
        safe[covered] = self._cover
        self._count(rows, samples)
        return safe

    def _later(self, rows: Places, samples: Samples, keyed: Flags) -> Samples:
        """Of keyed rows, what they said `LAG` ticks ago; silence where that was not kept."""
        which, place = rows[keyed], self._tick % LAG
        self._lag[which[self._lagged[which] != self._tick - 1]] = 0
        later = samples.copy()
        later[keyed] = self._lag[which, place]
        self._lag[which, place] = samples[keyed]
        self._lagged[which] = self._tick
        return later

    def _count(self, rows: Places, samples: Samples) -> None:
        for row in list(self._ending):
            at = int(np.searchsorted(rows, row))
            heard = at < len(rows) and rows[at] == row
            left = self._ending[row] - 1
            if heard and key_like(samples[at]):
                left = max(left, CLEAR)
            self._ending[row] = left
            if left <= 0:
                self.forget(row)
