"""What is heard when a call of ours is answered: speech of the shipped packs, tones, silence."""

import numpy as np
import soundfile
from numpy.typing import NDArray

from telebank.settings import packs_dir

Samples = NDArray[np.int16]
RATE = 8_000
DRAW = np.random.default_rng(3)


def silence(ms: int, level: float = 3.0) -> Samples:
    return DRAW.normal(0, level, ms * 8).astype(np.int16)


def tone(hertz: float, ms: int, peak: float = 4_000) -> Samples:
    return np.rint(peak * np.sin(2 * np.pi * hertz * np.arange(ms * 8) / RATE)).astype(np.int16)


def clips(least_s: float, most_s: float, count: int) -> list[Samples]:
    """Speech of the shipped packs, of both languages."""
    found: list[Samples] = []
    for pack in sorted(path for path in packs_dir().iterdir() if path.is_dir()):
        some = 0
        for path in sorted(pack.rglob("*.flac")):
            info = soundfile.info(path)
            if least_s <= info.frames / info.samplerate <= most_s:
                sound, rate = soundfile.read(path, dtype="float64")
                step = rate / RATE
                places = np.arange(int(len(sound) / step)) * step
                narrow = np.interp(places, np.arange(len(sound)), sound)
                found.append(
                    np.rint(narrow * 20_000 / max(np.abs(narrow).max(), 1e-6)).astype(np.int16)
                )
                some += 1
            if some == count:
                break
    return found


def greeting() -> Samples:
    """Of a machine, or of a person who says much: three seconds and more without a pause to it."""
    return clips(3.0, 4.0, 1)[0]
