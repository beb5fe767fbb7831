"""What key recognition is measured on: keys at the edges of what is one, and hours of speech."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import product
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from telebank.media.inband_bank import FRAME, HIGH, KEYS, LOW, RATE
from telebank.media.inband_values import PEAK_0_DBM0
from voice_prompts import g711, pack
from voice_prompts.overlay import resampled

ALL_KEYS = "".join(KEYS)
ROWS = 8
"""Lines of a case: they begin at so many places of a frame."""
SPEECH_ROWS = 64
"""Channels that a piece of speech is cut into."""
FASTER = (1.0, 0.9, 1.1)
LEVELS_DB = (0.0, -6.0, 6.0)
_LEAD = 800
"""Samples before the first key and after the last."""

Block = NDArray[np.int16]
Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Case:
    """A line of keys, each of them twice running."""

    name: str
    low: float = -10.0
    high: float = -10.0
    """dBm0 of each tone."""
    low_off: float = 0.0
    high_off: float = 0.0
    """Part of its frequency by which each tone is off."""
    on_ms: float = 40.0
    off_ms: float = 40.0
    noise_db: float | None = None
    """White noise this far below the key."""
    beside: Mapping[float, float] = field(default_factory=dict)
    """Hz to dBm0 of tones that last."""
    offset: int = 0
    """Direct current, in 16-bit steps."""
    keys: bool = True
    """Whether these are keys at all."""
    group: str = "other sound beside them"
    """What of keys this is the edge of."""


class Lines(NamedTuple):
    """(rows, samples), and the keys in each row."""

    name: str
    rows: Block
    wanted: tuple[str, ...]


class Speech(NamedTuple):
    """(rows, samples) without any key."""

    name: str
    rows: Block


NO_KEY = Case("", keys=False, group="nearly keys")


def cases() -> Iterator[Case]:
    """The edges of Q.24, as the project asks for them."""
    for level in range(-30, -2, 3):
        yield Case(f"{level} dBm0", level, level, group="level")
    for low, high in ((-3, -11), (-11, -3), (-22, -30), (-30, -22)):
        twisted = Case(f"twist {low}/{high} dBm0", low, high, group="twist")
        yield twisted
        yield replace(twisted, name=f"{twisted.name}, noise", noise_db=15)
    for low_off, high_off in product((-0.015, 0.015), repeat=2):
        name = f"off {low_off:+.1%} {high_off:+.1%}"
        off = Case(name, low_off=low_off, high_off=high_off, group="frequency")
        yield off
        yield replace(off, name=f"{off.name}, noise", noise_db=15)
    for low_off, high_off in product((-0.035, 0.0, 0.035), repeat=2):
        if low_off or high_off:
            name = f"refused: off {low_off:+.1%} {high_off:+.1%}"
            off = replace(NO_KEY, name=name, low_off=low_off, high_off=high_off)
            yield off
            yield replace(off, name=f"{name}, long", on_ms=200)
    yield Case("noise at 15 dB", noise_db=15)
    yield Case("long and slow", on_ms=250, off_ms=200, noise_db=15)
    yield Case("offset", -25, -25, offset=500)
    yield Case("hum", -25, -25, beside={50: -20})
    yield Case("dial tone 350+440", beside={350: -13, 440: -13})
    yield Case("dial tone 450", beside={450: -10})
    yield replace(NO_KEY, name="refused: 23 ms", on_ms=23)


def lines(case: Case, seed: int = 1) -> Lines:
    """A case through both laws, beginning at all places of a frame."""
    random = np.random.default_rng(seed)
    spoken, wanted = [], []
    for row in range(ROWS):
        keys = "".join(2 * key for key in random.permutation(list(ALL_KEYS)))
        lead = _LEAD + row * FRAME // ROWS + int(random.integers(FRAME // ROWS))
        spoken.append(through(line(case, keys, lead, random), g711.LAWS[row % 2]))
        wanted.append(keys if case.keys else "")
    return Lines(case.name, stacked(spoken), tuple(wanted))


def line(case: Case, keys: str, lead: int, random: np.random.Generator) -> Block:
    """One line, as it is before G.711; the first key begins at sample `lead`."""
    pause = np.zeros(round(case.off_ms * RATE / 1000))
    parts = [np.zeros(lead)]
    for key in keys:
        parts += [tones(case, key, random), pause]
    samples = np.concatenate([*parts, np.zeros(_LEAD)])
    if case.noise_db is not None:
        power = (10 ** (case.low / 10) + 10 ** (case.high / 10)) * PEAK_0_DBM0**2 / 2
        samples += random.normal(0, np.sqrt(power * 10 ** (-case.noise_db / 10)), len(samples))
    for hertz, dbm0 in case.beside.items():
        samples += _sine(hertz, dbm0, len(samples), random)
    return _clipped(samples + case.offset)


def tones(case: Case, key: str, random: np.random.Generator) -> Floats:
    """One key of a case."""
    low, high = divmod(ALL_KEYS.index(key), len(HIGH))
    count = round(case.on_ms * RATE / 1000)
    first = _sine(LOW[low] * (1 + case.low_off), case.low, count, random)
    return first + _sine(HIGH[high] * (1 + case.high_off), case.high, count, random)


def _sine(hertz: float, dbm0: float, count: int, random: np.random.Generator) -> Floats:
    turns = 2 * np.pi * (hertz * np.arange(count) / RATE + random.random())
    return np.asarray(10 ** (dbm0 / 20) * PEAK_0_DBM0 * np.sin(turns))


# -- speech -----------------------------------------------------------------------------------


def voices(packs: Path, every: int = 1) -> dict[str, list[Block]]:
    """The clips of each language, or every so manieth; PackError as `voice_prompts.pack` has it."""
    return {
        folder.name: [pack.samples(folder, clip) for clip in pack.load(folder).prompts[::every]]
        for folder in sorted(packs.iterdir())
        if (folder / pack.MANIFEST).is_file()
    }


def speech(clips: Mapping[str, Sequence[Block]]) -> Iterator[Speech]:
    """Every voice at three speeds and three levels, and all voices at once."""
    laws = dict(zip(sorted(clips), g711.LAWS * len(clips), strict=False))
    for faster in FASTER:
        spoken = {language: _spoken(clips[language], faster) for language in sorted(clips)}
        for level, (language, samples) in product(LEVELS_DB, spoken.items()):
            louder = _clipped(samples * 10 ** (level / 20))
            name = f"{language}, {faster:g} times as fast, {level:+g} dB"
            yield Speech(name, cut(through(louder, laws[language]), SPEECH_ROWS))
        shortest = min(map(len, spoken.values()))
        babble = sum(samples[:shortest].astype(np.float32) for samples in spoken.values())
        mixed = through(_clipped(np.asarray(babble)), g711.LAWS[0])
        yield Speech(f"babble, {faster:g} times as fast", cut(mixed, SPEECH_ROWS))


def pieces() -> int:
    """How many `speech` yields for two voices."""
    return len(FASTER) * (2 * len(LEVELS_DB) + 1)


def _spoken(clips: Sequence[Block], faster: float) -> Block:
    if faster == 1.0:
        return np.concatenate(clips)
    return np.concatenate(
        [resampled(clip.astype(np.float64), round(RATE * faster)) for clip in clips]
    )


def through(samples: Block, law: g711.Law) -> Block:
    """What G.711 leaves of it."""
    return g711.decode(g711.encode(samples, law), law)


def cut(samples: Block, rows: int) -> Block:
    """(rows, whole frames): one long piece as so many channels."""
    length = len(samples) // (rows * FRAME) * FRAME
    return samples[: rows * length].reshape(rows, length)


def stacked(lines: Sequence[Block]) -> Block:
    """(rows, whole frames) of lines that may differ in length."""
    length = -(-max(map(len, lines)) // FRAME) * FRAME
    rows = np.zeros((len(lines), length), np.int16)
    for row, samples in zip(rows, lines, strict=True):
        row[: len(samples)] = samples
    return rows


def _clipped(samples: NDArray[np.floating]) -> Block:
    return np.asarray(np.clip(np.rint(samples), -32_768, 32_767), np.int16)
