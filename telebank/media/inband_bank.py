"""The fixed matrices of in-band key recognition (8000 samples a second).

The eight tones of ITU-T Q.23, seen through a Hann window at four places of a tick, are one matrix.
What a key may be accompanied by (hum, direct current, dial tone) is two small orthonormal bases;
a key's two tones, on a grid of offsets around their frequencies, are a table with that taken out.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

RATE = 8_000
FRAME = 160
"""Samples of a tick of 20 ms."""
HOP = 40
"""Samples from one look to the next: 5 ms."""
HOPS = FRAME // HOP
WINDOW = 160
"""Samples of a Hann window: tones of the two groups do not reach into each other."""
SPAN = WINDOW + 3 * HOP
"""Samples (35 ms) that a key must fill whole: every key of 40 ms does, wherever it begins."""
KEPT = SPAN + FRAME - HOP
"""Samples kept of a channel: the spans that end at each hop of the newest frame."""

LOW = (697.0, 770.0, 852.0, 941.0)
HIGH = (1209.0, 1336.0, 1477.0, 1633.0)
"""Hz (Q.23)."""
TONES = np.array(LOW + HIGH)
KEYS = ("123A", "456B", "789C", "*0#D")
"""By low tone, then high tone."""

GRID = 16
"""Offsets tabled on either side of a tone."""
WIDEST = 0.026
"""Part of a tone's frequency that the outermost of them is off."""
HUM_HZ = (0.0, 70.0)
DIAL_HZ = (335.0, 465.0)
"""Bands that a key may be accompanied in: mains hum and offset; 350, 440 and 450 Hz."""
_NEGLIGIBLE = 3e-4
"""Directions of a band that hold less than this part of its energy are left out."""

Matrix = NDArray[np.float32]


def _waves(frequencies: NDArray[np.float64], samples: int) -> NDArray[np.float64]:
    """(frequencies, samples) cycles, the middle sample at phase 0."""
    middle = np.arange(samples) - (samples - 1) / 2
    return np.outer(frequencies / RATE, middle)


def _looks() -> Matrix:
    """(HOPS * 2 * 8, SPAN): real and imaginary part of each tone at each hop.

    A sinusoid of amplitude 1 gives a power of 1.
    """
    hann = 0.5 - 0.5 * np.cos(2 * np.pi * (np.arange(WINDOW) + 0.5) / WINDOW)
    turns = 2 * np.pi * _waves(TONES, WINDOW)
    both = np.stack([np.cos(turns), -np.sin(turns)]) * hann * (2 / hann.sum())
    looks = np.zeros((HOPS, 2, len(TONES), SPAN))
    for hop in range(HOPS):
        looks[hop, :, :, hop * HOP : hop * HOP + WINDOW] = both
    return looks.reshape(-1, SPAN).astype(np.float32)


def _band(lowest: float, highest: float) -> NDArray[np.float64]:
    """(dimensions, SPAN) orthonormal: nearly all that a band can do in a span."""
    turns = 2 * np.pi * _waves(np.arange(lowest, highest + 1, 2.5), SPAN)
    directions, sizes, _ = np.linalg.svd(np.concatenate([np.cos(turns), np.sin(turns)]).T)
    energy = sizes**2 / (sizes**2).sum()
    return directions[:, : int((energy > _NEGLIGIBLE).sum())].T.copy()


@dataclass(frozen=True)
class Bank:
    """Made once a process and shared by all receivers in it; read only."""

    looks: Matrix
    """(64, 280): hop, part, tone by sample."""
    turn: NDArray[np.complex64]
    """(8,) What a tone's phase does in a hop, undone."""
    beside: Matrix
    """(dimensions, 280) orthonormal: hum, then dial tone."""
    hum: int
    """How many of the dimensions are hum."""
    waves: Matrix
    """(8, 33, 2, 280): each tone at each offset, less what lies in `beside`."""

    @classmethod
    def make(cls) -> "Bank":
        hum = _band(*HUM_HZ)
        beside = np.linalg.qr(np.concatenate([hum, _band(*DIAL_HZ)]).T)[0].T
        offsets = 1 + np.linspace(-WIDEST, WIDEST, 2 * GRID + 1)
        turns = 2 * np.pi * _waves(np.outer(TONES, offsets).ravel(), SPAN)
        waves = np.stack([np.cos(turns), np.sin(turns)], axis=1)
        waves -= waves @ beside.T @ beside
        return cls(
            looks=_looks(),
            turn=np.exp(-2j * np.pi * TONES * HOP / RATE).astype(np.complex64),
            beside=beside.astype(np.float32),
            hum=len(hum),
            waves=waves.reshape(len(TONES), -1, 2, SPAN).astype(np.float32),
        )
