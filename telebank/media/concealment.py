"""Sound in place of lost packets, after the idea of ITU-T G.711 Appendix I.

The last pitch period heard is repeated; after 10 ms two periods are, after 20 ms three, so that it
does not buzz. From 10 ms on it fades, and after 60 ms it is silence. What follows a loss is faded
in over what would have gone on. Unlike the Appendix nothing is delayed: the joint at the beginning
of a loss lies where the period ends.

Samples are float32 at 8000 a second; a `Concealer` lives from the first sample lost to the first
one heard.
"""

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

HISTORY = 400
"""Samples heard before, that a concealer wants (50 ms)."""
SHORTEST = 40
LONGEST = 120
"""Samples of a pitch period: 200 to 66 Hz."""
MATCHED = 160
"""Samples compared to find it (20 ms)."""
STEP = 80
"""Samples between changes (10 ms)."""
FADED = 480
"""Samples until silence (60 ms)."""
MERGE = 32
MERGE_LONGER = 32
MERGE_MOST = 80
"""Samples of the fade at the end of a loss: 4 ms, and 4 more each 10 ms of it, at most 10."""

Sound = NDArray[np.float32]


class Concealer:
    """What would have been said, going on from `history`: `HISTORY` samples, the newest last."""

    def __init__(self, history: Sound) -> None:
        self._history = history
        self._period = pitch(history)
        self._loop = self._looped(1)
        self._at = 0
        self._done = 0

    @property
    def silent(self) -> bool:
        """Whether all that is to come is silence."""
        return self._done >= FADED

    def next(self, samples: int) -> Sound:
        """The next samples of the loss."""
        made = np.zeros(samples, np.float32)
        filled = 0
        while filled < samples and not self.silent:
            take = min(samples - filled, STEP - self._done % STEP)
            made[filled : filled + take] = self._repeat(take) * self._gain(take)
            filled += take
            self._done += take
            if self._done in (STEP, 2 * STEP):
                self._loop = self._looped(1 + self._done // STEP)
        return made

    def merge(self, heard: Sound) -> None:
        """Fade `heard`, the first samples after the loss, in over what goes on; in place."""
        length = min(MERGE + self._done // STEP * MERGE_LONGER, MERGE_MOST, len(heard))
        before = self.next(length)
        rise = (np.arange(length, dtype=np.float32) + 1) / (length + 1)
        heard[:length] = heard[:length] * rise + before * (1 - rise)

    def _gain(self, samples: int) -> Sound:
        at = np.arange(self._done, self._done + samples, dtype=np.float32)
        return np.clip((FADED - at) / (FADED - STEP), 0, 1).astype(np.float32)

    def _repeat(self, samples: int) -> Sound:
        places = (self._at + np.arange(samples)) % len(self._loop)
        self._at = int(places[-1] + 1) % len(self._loop)
        found: Sound = self._loop[places]
        return found

    def _looped(self, periods: int) -> Sound:
        """The last periods, their end led over into what came before their beginning."""
        length, quarter = periods * self._period, self._period // 4
        loop = self._history[-length:].copy()
        lead = self._history[-length - quarter : -length]
        rise = (np.arange(quarter, dtype=np.float32) + 1) / (quarter + 1)
        loop[-quarter:] = loop[-quarter:] * (1 - rise) + lead * rise
        if periods > 1:
            self._at %= self._period
        return loop


def pitch(history: Sound) -> int:
    """The lag in samples at which the newest 20 ms look most like what came before them."""
    newest = history[-MATCHED:]
    earlier = sliding_window_view(history[-MATCHED - LONGEST : -SHORTEST], MATCHED)
    match = earlier @ newest
    energy = np.einsum("ij,ij->i", earlier, earlier)
    best = int(np.argmax(match / np.sqrt(np.maximum(energy, 1.0))))
    return LONGEST - best
