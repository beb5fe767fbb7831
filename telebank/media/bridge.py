"""What a slot's calls have to do with each other: mixers, secret keys, recordings.

Once a tick, before its packets go out, a slot asks three things of its bridge:

    hear(rows, samples, keyed)    what callers said in these 20 ms
    fill(payload, laws, playing)  the sound for those who are joined and play nothing
    keep(payload, laws, sending)  what each row is sent, for the recordings

Everything that others or a recording get has passed `Secrecy`. Telephone events are no sound: they
never come here, so none is ever passed on.

Pure: no clock and no I/O but what the recorder's `Hand` does.
"""

import numpy as np
from numpy.typing import NDArray

from telebank.media.bank import FRAME, LAWS, SILENCE
from telebank.media.mixer import Leg, Mixers
from telebank.media.recorder import Hand, Recorder
from telebank.media.secrecy import Secrecy
from telebank.media.tones import Sounds

Samples = NDArray[np.int16]
Payload = NDArray[np.uint8]
Places = NDArray[np.intp]
Flags = NDArray[np.bool_]

_NO_ROWS: Places = np.zeros(0, np.intp)
_NO_SAMPLES: Samples = np.zeros((0, FRAME), np.int16)


class Bridge:
    """The bridge of one slot."""

    def __init__(self, capacity: int, sounds: Sounds, hand: Hand) -> None:
        self._mixers = Mixers(sounds)
        self._secrecy = Secrecy(capacity, sounds.frames[sounds.place("flat")[0]])
        self._recorder = Recorder(capacity, hand)
        self._said: tuple[Places, Samples] = (_NO_ROWS, _NO_SAMPLES)

    # -- commands -----------------------------------------------------------------------------

    def join(self, leg: Leg) -> None:
        """Take a row into a mixer, or give it another part; `ValueError` as `Mixers.join`."""
        self._mixers.join(leg)

    def leave(self, row: int) -> None:
        """The row is in no mixer any more."""
        self._mixers.leave(row)

    def secret(self, row: int, *, secret: bool) -> None:
        """Secret keys are entered from now on, or have been."""
        if secret:
            self._secrecy.begin(row)
        else:
            self._secrecy.end(row)

    def doubt(self, row: int) -> None:
        """A key was pressed, which may be of a secret; that matters where somebody hears it."""
        if self.wants(row):
            self._secrecy.doubt(row)

    def record(self, row: int, number: int, most: int) -> None:
        """Record what the row says and is sent; see `Recorder.begin`."""
        self._recorder.begin(row, number, most)

    def pause(self, row: int, *, paused: bool) -> None:
        """Record silence, or go on."""
        self._recorder.pause(row, paused=paused)

    def stop(self, row: int, cut: str = "") -> None:
        """End the row's recording."""
        self._recorder.end(row, cut)

    def forget(self, row: int) -> None:
        """The row's call is over."""
        self.leave(row)
        self.stop(row)
        self._secrecy.forget(row)

    def wants(self, row: int) -> bool:
        """Whether what this row says is to be listened to."""
        return row in self._recorder or self._mixers.listens(row)

    def joined(self, row: int) -> bool:
        """Whether the row is in a mixer."""
        return row in self._mixers

    def empty(self, mixer: int) -> bool:
        """Whether nobody is in a mixer."""
        return not self._mixers.of(mixer)

    def recorded(self, row: int) -> bool:
        """Whether the row is being recorded."""
        return row in self._recorder

    # -- the tick -----------------------------------------------------------------------------

    def hear(self, rows: Places, samples: Samples, keyed: Flags) -> None:
        """What was said in these 20 ms: 160 samples of each of `rows`, which are sorted. `keyed`:
        by row, whether its keys are in the sound; those found there were told by now."""
        self._said = rows, self._secrecy.apply(rows, samples, keyed)

    def fill(self, payload: Payload, laws: Places, playing: Flags) -> None:
        """Write what the joined rows hear, save those that play a clip."""
        if not len(self._mixers):
            return
        rows, samples = self._mixers.mix(*self._said)
        free = ~playing[rows]
        if not free.all():
            rows, samples = rows[free], samples[free]
        for law in range(len(LAWS)):
            of_law = laws[rows] == law
            if of_law.all():
                payload[rows] = self._mixers.encode(samples, law)
                return
            if of_law.any():
                payload[rows[of_law]] = self._mixers.encode(samples[of_law], law)

    def keep(self, payload: Payload, laws: Places, sending: Flags) -> None:
        """Record; who is sent nothing hears silence."""
        if len(self._recorder):
            rows = self._recorder.rows
            quiet = rows[~sending[rows]]
            if len(quiet):
                payload[quiet] = SILENCE[laws[quiet]][:, None]
            self._recorder.take(self._said, payload, laws, self._secrecy.covered)
        self._said = _NO_ROWS, _NO_SAMPLES

    def skip(self, frames: int) -> None:
        """Frames that never were."""
        self._recorder.skip(frames)
