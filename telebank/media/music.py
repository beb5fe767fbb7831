"""Music on hold where the bank gives none: a calm piece of our own, made here, free of any licence.

Eight bars of four seconds: a chord that swells and fades, a harp that plays it note by note, and a
few notes of a melody above. It is made in a ring, so that what still sounds at its end sounds on at
its beginning: there is no seam. All notes lie between 196 and 660 Hz with soft overtones: within
what a telephone carries, and beneath every frequency that a key has (ITU-T Q.23), which an echo of
it could otherwise be taken for.
"""

import numpy as np
from numpy.typing import NDArray

from telebank.media.inband_values import PEAK_0_DBM0

RATE = 8_000
BAR_S = 4.0
LEVEL_DBM0 = -20.0
"""Of the whole: music on a line is to stay well beneath speech."""
_A4 = 440.0
_BARS = (
    ("C4", "E4", "G4", "C5"),
    ("A3", "E4", "A4", "C5"),
    ("F4", "A4", "C5", "F4"),
    ("G3", "D4", "G4", "B4"),
    ("C4", "E4", "G4", "C5"),
    ("E4", "G4", "B4", "E4"),
    ("F4", "A4", "C5", "D5"),
    ("G3", "D4", "F4", "B4"),
)
"""A chord each bar, from below."""
_HARP = (0, 2, 1, 3, 2, 1, 3, 2)
"""Which of its notes the harp plays, each half second."""
_MELODY = (
    *((1.0, "E5"), (3.0, "D5"), (5.0, "C5"), (9.0, "A4"), (10.0, "C5"), (13.0, "B4")),
    *((15.0, "D5"), (17.0, "E5"), (19.0, "C5"), (21.0, "B4"), (25.0, "C5"), (26.0, "D5")),
    *((27.0, "E5"), (29.0, "D5"), (30.0, "B4")),
)
"""Second and note."""
_STEPS = {"C": -9, "D": -7, "E": -5, "F": -4, "G": -2, "A": 0, "B": 2}
_OVERTONES = (1.0, 0.12, 0.03)
Wave = NDArray[np.float64]


def hertz(note: str) -> float:
    """Of a note as `C4`, in equal temperament."""
    return float(_A4 * 2 ** (_STEPS[note[0]] / 12 + int(note[1]) - 4))


def music() -> NDArray[np.int16]:
    """One round, in samples at 8000 a second; it goes on at its end as it begins."""
    ring = np.zeros(int(len(_BARS) * BAR_S * RATE))
    plucked = {note: _plucked(note) for note in _notes()}
    for bar, chord in enumerate(_BARS):
        for note in chord:
            _add(ring, bar * BAR_S, 0.10 * _swelling(note))
        for step, which in enumerate(_HARP):
            _add(ring, bar * BAR_S + step / 2, 0.5 * plucked[chord[which]])
    for at, note in _MELODY:
        _add(ring, at, 0.7 * plucked[note])
    wanted = PEAK_0_DBM0 / np.sqrt(2) * 10 ** (LEVEL_DBM0 / 20)
    ring *= wanted / np.sqrt(np.mean(ring**2))
    return np.rint(ring).astype(np.int16)


def _notes() -> set[str]:
    """All that the harp and the melody play."""
    return {note for chord in _BARS for note in chord} | {note for _, note in _MELODY}


def _add(ring: Wave, at: float, wave: Wave) -> None:
    """Sound from that second on, past the end too."""
    begin = int(at * RATE)
    before = min(len(wave), len(ring) - begin)
    ring[begin : begin + before] += wave[:before]
    ring[: len(wave) - before] += wave[before:]


def _tone(note: str, seconds: float) -> Wave:
    times = np.arange(int(seconds * RATE)) / RATE
    turns = 2 * np.pi * hertz(note) * times
    wave: Wave = sum(part * np.sin(n * turns) for n, part in enumerate(_OVERTONES, 1))  # type: ignore[assignment]
    return wave


def _plucked(note: str) -> Wave:
    """A string of a harp: there in 8 ms, fading for two and a half seconds."""
    wave = _tone(note, 2.5)
    times = np.arange(len(wave)) / RATE
    pluck: Wave = np.minimum(1, times / 0.008) * np.exp(-times * 1.8) * _end(len(wave))
    return wave * pluck


def _swelling(note: str) -> Wave:
    """A part of a chord: it comes and goes over a bar and a half."""
    wave = _tone(note, 1.5 * BAR_S)
    swell: Wave = np.sin(np.pi * np.arange(len(wave)) / len(wave)) ** 2
    return wave * swell


def _end(samples: int) -> Wave:
    """Down to nothing in the last tenth of a second."""
    left = np.arange(samples, 0, -1) / RATE
    return np.minimum(1, left / 0.1)
