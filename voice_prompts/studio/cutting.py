"""From a line of the script to a finished clip: carrier, cut, telephone band, level.

A unit is never spoken alone, where the model swallows it: it opens a carrier sentence, so that it
starts out of silence, and is cut off in the closure of the plosive that follows, the only place
where the model is reliably silent inside a sentence. A fragment that stands before a value is
spoken with a stand-in value that starts with a plosive, for the melody, and cut off likewise.
"""

import re
from dataclasses import dataclass
from typing import Any

import numpy as np

from voice_prompts import sound
from voice_prompts.studio.model import RATE, Speech
from voice_prompts.studio.phonemes import phonemes
from voice_prompts.studio.tools import tool

CHAIN = "tb-chain-1"
"""Name of everything below; a new name makes every clip again."""
HIGH_PASS_HZ = 150.0
SENTENCE_GAP = 0.4
"""Seconds between the sentences (menu items) of one clip."""
RESOLUTION = 8
"""Steps of 13 bits, as fine as A-law at its finest; the masters are a quarter smaller for it."""
CARRIERS = {"zh": "对吧", "en": "please"}
STAND_INS = {"zh": "八百元", "en": "please"}
UNIT_SPEED = {"zh": 0.9, "en": 0.95}
TEXT_SPEED = {"zh": 0.92, "en": 1.0}
SENTENCES = re.compile(r"(?<=[。！？!?；;])|(?<=[.])\s+")
QUIET_RUN = 0.02
"""Seconds over which the quietest point of a pause is measured."""


@dataclass(frozen=True, slots=True)
class Line:
    """One clip of the script.

    `kind` is `unit` or `text`; `after` says that a value follows inside the same sentence.
    """

    id: str
    language: str
    kind: str
    text: str
    after: bool = False


def script(line: Line) -> tuple[str, ...]:
    """The phonemes of each sentence; `|` marks where the clip ends and the carrier goes on."""
    if line.kind == "unit":
        carrier = phonemes(CARRIERS[line.language], line.language)
        return (f"{phonemes(line.text, line.language)}, |{carrier}.",)
    sentences = [each.strip() for each in SENTENCES.split(line.text) if each and each.strip()]
    said = [phonemes(each, line.language) for each in sentences]
    marks = ["?" if each[-1] in "?？" else "." for each in sentences]
    spoken = [f"{each}{mark}" for each, mark in zip(said, marks, strict=True)]
    if line.after:
        spoken[-1] = f"{said[-1]}, |{phonemes(STAND_INS[line.language], line.language)}."
    return tuple(spoken)


def make(speech: Speech, line: Line, voice: str) -> sound.Samples:
    """The clip in 16-bit steps at 8 kHz."""
    speeds = UNIT_SPEED if line.kind == "unit" else TEXT_SPEED
    pieces = []
    for sentence in script(line):
        samples = telephone_band(_spoken(speech, sentence, voice, speeds[line.language]))
        pieces.append(sound.faded(sound.trimmed(samples)))
        pieces.append(np.zeros(round(SENTENCE_GAP * sound.RATE)))
    clip = sound.levelled(np.concatenate(pieces[:-1]))
    return np.asarray(np.rint(clip / RESOLUTION) * RESOLUTION)


def _spoken(speech: Speech, sentence: str, voice: str, speed: float) -> Any:
    clip, _, carrier = sentence.partition("|")
    samples, starts = speech.say(clip + carrier, voice, speed)
    if not carrier:
        return samples
    return samples[: _quietest(samples, int(starts[len(clip) - 2]), int(starts[len(clip) + 1]))]


def _quietest(samples: Any, low: int, high: int) -> int:
    """The middle of the quietest 20 ms from `low` to `high`: the pause and the closure."""
    run = round(QUIET_RUN * RATE)
    power = np.convolve(np.asarray(samples[low:high], np.float64) ** 2, np.ones(run), "same")
    return low + int(np.argmin(power))


def telephone_band(samples: Any) -> sound.Samples:
    """24 kHz to 8 kHz at soxr's best quality, then a zero-phase high-pass at 150 Hz."""
    narrow = tool("soxr").resample(np.asarray(samples, np.float64), RATE, sound.RATE, "VHQ")
    padded = np.concatenate([np.zeros(sound.RATE // 10), narrow, np.zeros(sound.RATE // 10)])
    spectrum = np.fft.rfft(padded)
    frequency = np.fft.rfftfreq(len(padded), 1 / sound.RATE)
    spectrum *= 1 / np.sqrt(1 + (HIGH_PASS_HZ / np.maximum(frequency, 1e-3)) ** 8)
    clean = np.fft.irfft(spectrum, len(padded))
    return np.asarray(clean[sound.RATE // 10 : -sound.RATE // 10])
