"""Measures and cuts of 16-bit speech: level, peak, trimming, fades.

Levels are in dBov (RMS of active speech against a full-scale square wave), peaks in dBFS.
"""

import numpy as np
from numpy.typing import NDArray

Samples = NDArray[np.float64]

RATE = 8000
"""Samples a second of every clip."""
FULL_SCALE = 32768.0
TARGET_RMS = 2600.0
"""Active level of every clip: -22 dBov."""
LEVEL_TOLERANCE_DB = 1.0
PEAK_LIMIT_DBFS = -3.0
TRIM_DB = -42.0
"""Sound below this, against the clip's peak, is silence at its ends."""
KEEP_BEFORE, KEEP_AFTER = 0.010, 0.030
FADE_IN, FADE_OUT = 0.004, 0.012
"""Seconds kept before and after the sound, and of the fades."""
ACTIVE_DB = -20.0
"""A frame counts as speech within this of the loudest one."""
FRAME = 80
"""Ten milliseconds."""


def decibels(ratio: float) -> float:
    return float(20 * np.log10(max(ratio, 1e-9)))


def active_rms(samples: Samples) -> float:
    """RMS over the 10 ms frames within 20 dB of the loudest; same scale as the samples."""
    frames = max(1, -(-len(samples) // FRAME))
    padded = np.zeros(frames * FRAME)
    padded[: len(samples)] = samples
    power = (padded.reshape(frames, FRAME) ** 2).mean(axis=1)
    active = power[power >= power.max() * 10 ** (ACTIVE_DB / 10)]
    return float(np.sqrt(active.mean()))


def level_dbov(samples: Samples) -> float:
    """Active level of samples in 16-bit steps."""
    return decibels(active_rms(samples) / FULL_SCALE)


def peak_dbfs(samples: Samples) -> float:
    return decibels(float(np.abs(samples).max(initial=0.0)) / FULL_SCALE)


TARGET_DBOV = decibels(TARGET_RMS / FULL_SCALE)


def trimmed(samples: Samples, rate: int = RATE) -> Samples:
    """Without the silence at both ends, but for a short margin of it."""
    loud = np.flatnonzero(np.abs(samples) >= np.abs(samples).max() * 10 ** (TRIM_DB / 20))
    start = max(0, int(loud[0]) - round(KEEP_BEFORE * rate))
    return samples[start : int(loud[-1]) + 1 + round(KEEP_AFTER * rate)]


def faded(samples: Samples, rate: int = RATE) -> Samples:
    """With a raised-cosine fade at both ends."""
    out = samples.copy()
    for seconds, ends in ((FADE_IN, slice(None)), (FADE_OUT, slice(None, None, -1))):
        count = min(round(seconds * rate), len(out))
        out[ends][:count] *= (1 - np.cos(np.pi * (np.arange(count) + 0.5) / count)) / 2
    return out


def levelled(samples: Samples) -> Samples:
    """In 16-bit steps at the target level, peaks softened above the limit."""
    out = samples * (TARGET_RMS / active_rms(samples))
    limit = FULL_SCALE * 10 ** ((PEAK_LIMIT_DBFS - 0.1) / 20)
    knee = 0.8 * limit
    over = np.abs(out) > knee
    room = limit - knee
    out[over] = np.sign(out[over]) * (knee + room * np.tanh((np.abs(out[over]) - knee) / room))
    return out
