"""Slow speech: every clip stretched to 1.25 times its length, its pitch kept.

Waveform similarity overlap-add (WSOLA: W. Verhelst and M. Roelands, ICASSP 1993): the output is
joined of overlapping frames taken from the clip at a slower pace, each shifted by up to 8 ms to
where its sound goes on as that of the frame before did. Many clips are stretched side by side, so
that a whole bank takes seconds.
"""

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

SPEED = 0.8
"""Of the recording's own."""
PAUSES = 1.6
"""How many times as long the silences between clips are."""
MARK = "~slow"
"""Behind the language in the key of a stretched clip: `zh~slow/bal.amount#0`."""

HOP = 120
"""Samples between frames of the output (15 ms), and the overlap of two."""
STEP = round(HOP * SPEED)
"""Samples between frames of the clip."""
FRAME = 2 * HOP
REACH = 64
"""Samples that a frame may be shifted either way: a period of 62.5 Hz can be found."""
BATCH = 64
"""Clips stretched side by side; neighbours in length, for little is padded so."""

_LAGS = 2 * REACH + 1
_SPECTRUM = 256
"""Size of the transform that compares: holds `HOP + 2 * REACH` without wrapping."""

Sound = NDArray[np.int16]
Batch = NDArray[np.float32]


def key_of(clip: str) -> str:
    """The key of a clip's slow form."""
    language, _, name = clip.partition("/")
    return f"{language}{MARK}/{name}"


def pause(samples: int) -> int:
    """A silence between clips in slow speech."""
    return round(samples * PAUSES)


def plain(key: str) -> str:
    """The key of the clip that a key, slow or not, is a form of."""
    return key.replace(MARK, "", 1)


def slowed(clips: Mapping[str, Sound]) -> dict[str, Sound]:
    """The slow forms of clips (16-bit samples at 8 kHz) under their own keys, in the same order."""
    made = stretched(list(clips.values()))
    return {key_of(key): samples for key, samples in zip(clips, made, strict=True)}


def stretched(clips: Sequence[Sound]) -> list[Sound]:
    """Each clip at `SPEED`; what is shorter than a frame comes back as it is."""
    made = [np.asarray(clip, np.int16) for clip in clips]
    long = [at for at, clip in enumerate(clips) if len(clip) > FRAME]
    for some in _batches(sorted(long, key=lambda at: len(clips[at]))):
        for at, samples in zip(some, _stretch([clips[at] for at in some]), strict=True):
            made[at] = samples
    return made


def _batches(order: list[int]) -> Iterator[list[int]]:
    for start in range(0, len(order), BATCH):
        yield order[start : start + BATCH]


def _stretch(clips: Sequence[Sound]) -> Iterator[Sound]:
    sizes = np.array([len(clip) for clip in clips])
    outs = np.rint(sizes / SPEED).astype(np.int64)
    frames = int(-(-outs.max() // HOP)) + 1
    sound = _padded(clips, int(sizes.max()))
    out = np.zeros((len(clips), (frames + 1) * HOP), np.float32)
    fade = (0.5 - 0.5 * np.cos(np.pi * (np.arange(HOP) + 0.5) / HOP)).astype(np.float32)
    # The first frame begins at its full height: there is nothing before it to join.
    at = np.full(len(clips), REACH, np.int64)
    out[:, :HOP] = _cut(sound, at, HOP)
    for frame in range(1, frames):
        following = at + HOP
        wanted = np.minimum(frame * STEP, np.maximum(sizes - FRAME, 0)) + REACH
        at = wanted - REACH + _best(sound, following, wanted - REACH)
        here = slice(frame * HOP, (frame + 1) * HOP)
        going, coming = _cut(sound, following, HOP), _cut(sound, at, HOP)
        out[:, here] = going * fade[::-1] + coming * fade
    for row, size in zip(out, outs, strict=True):
        yield np.clip(np.rint(row[:size]), -32_768, 32_767).astype(np.int16)


def _padded(clips: Sequence[Sound], longest: int) -> Batch:
    """The clips one under the other, with silence before and behind them."""
    sound = np.zeros((len(clips), longest + 2 * REACH + 4 * FRAME), np.float32)
    for row, clip in zip(sound, clips, strict=True):
        row[REACH : REACH + len(clip)] = clip
    return sound


def _cut(sound: Batch, at: NDArray[np.int64], size: int) -> Batch:
    """`size` samples of each clip from where it is at."""
    rows = np.arange(len(sound))[:, None]
    cut = sound[rows, np.minimum(at, sound.shape[1] - size)[:, None] + np.arange(size)]
    return np.asarray(cut, np.float32)


def _best(
    sound: Batch, following: NDArray[np.int64], first: NDArray[np.int64]
) -> NDArray[np.int64]:
    """Of the lags from `first` on the one that is most like what would follow, for each clip."""
    wanted = _cut(sound, following, HOP)
    found = _cut(sound, first, HOP + _LAGS - 1)
    spectrum = np.fft.rfft(found, _SPECTRUM) * np.conj(np.fft.rfft(wanted, _SPECTRUM))
    alike = np.fft.irfft(spectrum, _SPECTRUM)[:, :_LAGS]
    energy = np.cumsum(np.pad(found.astype(np.float64) ** 2, ((0, 0), (1, 0))), axis=1)
    loudness = np.sqrt(energy[:, HOP:] - energy[:, :_LAGS]) + 1.0
    return np.asarray(np.argmax(alike / loudness, axis=1), np.int64)
