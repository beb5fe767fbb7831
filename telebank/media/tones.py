"""Tones and music as frames: what a leg hears that no person says.

Cadences are those of China (YD/T 965, listed in ITU-T E.180 supplement 2): all of 450 Hz. They are
made once into 16-bit samples; a cadence is whole frames long, so that it loops without a seam.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from telebank.media.bank import FRAME, Bank
from telebank.media.inband_values import PEAK_0_DBM0
from telebank.media.music import music
from telebank.media.options import MediaOptions
from voice_prompts.g711 import decode_table

RATE = 8_000
RAMP = 40
"""Samples (5 ms) over which a tone comes and goes, so that it does not click."""
MAX_MUSIC_S = 300
"""Seconds of music on hold kept in memory, at most (5 MB)."""

Samples = NDArray[np.int16]


class MusicError(ValueError):
    """The music on hold cannot be played; the text says what to do."""


@dataclass(frozen=True, slots=True)
class Cadence:
    """A tone: `steps` are (milliseconds on, milliseconds off), again and again where it `loops`.

    The sum of all steps is a multiple of 20 ms.
    """

    hertz: tuple[int, ...]
    steps: tuple[tuple[int, int], ...]
    dbm0: float = -13.0
    """Of each frequency."""
    loops: bool = True


TONES: Mapping[str, Cadence] = MappingProxyType(
    {
        "dial": Cadence((450,), ((20, 0),)),
        "ring-back": Cadence((450,), ((1_000, 4_000),)),
        "busy": Cadence((450,), ((350, 350),)),
        "congestion": Cadence((450,), ((700, 700),)),
        "unobtainable": Cadence((450,), (*(((100, 100),) * 3), (400, 400))),
        "call-waiting": Cadence((450,), ((400, 4_000),)),
        "flat": Cadence((450,), ((20, 0),), -30.0),
        "music": Cadence((450,), ((100, 4_900),), -23.0),
        "beep": Cadence((1_000,), ((200, 20),), loops=False),
    }
)
"""`flat` stands in for a caller who enters secret keys; `music` for music until there is some
(`sounds_of`); `beep` says: speak now."""


def make(cadence: Cadence) -> Samples:
    """One round of a cadence, in samples; a multiple of a frame."""
    pieces = []
    for on, off in cadence.steps:
        size = on * RATE // 1_000
        times = np.arange(size) / RATE
        peak = PEAK_0_DBM0 * 10 ** (cadence.dbm0 / 20)
        wave = sum(peak * np.sin(2 * np.pi * hertz * times) for hertz in cadence.hertz)
        if off:
            ramp = np.minimum(1, np.arange(size) / RAMP)
            wave = wave * ramp * ramp[::-1]
        pieces += [wave, np.zeros(off * RATE // 1_000)]
    whole = np.concatenate(pieces)
    if len(whole) % FRAME:
        raise ValueError(f"a cadence of {len(whole)} samples is not whole frames of {FRAME}")
    return np.rint(whole).astype(np.int16)


class Sounds:
    """Named sounds side by side: `frames[start : start + length]` of one, 160 samples a frame.

    Silence is frame 0.
    """

    def __init__(self) -> None:
        self.frames: Samples = np.zeros((1, FRAME), np.int16)
        self._place: dict[str, tuple[int, int, bool]] = {}
        for name, cadence in TONES.items():
            self.add(name, make(cadence), loops=cadence.loops)

    def add(self, name: str, samples: Samples, *, loops: bool = True) -> None:
        """Keep a sound under a name, in place of one before; its end is filled with silence."""
        if not len(samples):
            raise ValueError(f"sound {name} is empty")
        padded = np.zeros(-(-len(samples) // FRAME) * FRAME, np.int16)
        padded[: len(samples)] = samples
        start = len(self.frames)
        self.frames = np.concatenate([self.frames, padded.reshape(-1, FRAME)])
        self._place[name] = (start, len(self.frames) - start, loops)

    def __contains__(self, name: str) -> bool:
        return name in self._place

    def place(self, name: str) -> tuple[int, int, bool]:
        """First frame, frames, and whether it begins again at its end; `KeyError` if unknown."""
        return self._place[name]


def music_of_bank(bank: Bank, start: int, samples: int) -> Samples:
    """A clip of a bank as music; raises `MusicError` where it lies outside."""
    if start < 0 or not samples or not bank.holds(start, samples):
        raise MusicError(f"music on hold: samples {start} to {start + samples} are not in the bank")
    if samples > MAX_MUSIC_S * RATE:
        raise MusicError(f"music on hold: {samples // RATE} s, {MAX_MUSIC_S} s at most")
    return decode_table("pcma")[bank.laws[0][start : start + samples]]


def music_of_file(path: Path) -> Samples:
    """A WAV or FLAC file as music: 8000 samples a second, one channel or more (mixed into one).

    Raises `MusicError`.
    """
    import soundfile  # a worker without such a file does not need it

    try:
        with soundfile.SoundFile(path) as file:
            if file.samplerate != RATE:
                raise MusicError(
                    f"{path}: {file.samplerate} samples a second; convert it first: "
                    f"sox {path.name} -r 8000 -c 1 -b 16 music.wav"
                )
            if not 0 < file.frames <= MAX_MUSIC_S * RATE:
                raise MusicError(f"{path}: {file.frames / RATE:.0f} s; up to {MAX_MUSIC_S} s")
            sound = file.read(dtype="int16", always_2d=True)
    except (OSError, RuntimeError) as error:
        raise MusicError(f"{path}: {error}; give a WAV or FLAC file") from error
    mixed: Samples = np.rint(sound.mean(axis=1)).astype(np.int16)
    return mixed


def sounds_of(options: MediaOptions) -> Sounds:
    """All tones, and music: what the options name, or our own. Raises `MusicError`."""
    sounds = Sounds()
    given = options.music_file
    sounds.add("music", music_of_file(Path(given)) if given else music())
    return sounds
