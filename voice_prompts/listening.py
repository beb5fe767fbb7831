"""What the studio's recogniser is asked to listen to: every prompt, and values of every kind."""

import wave
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from voice_prompts import g711
from voice_prompts.bank import Bank
from voice_prompts.catalogue import WORD, Catalogue
from voice_prompts.readings import read
from voice_prompts.sound import RATE
from voice_prompts.speaker import SILENCE, Speaker, Utterance, speak

SAMPLES = {
    "money": "12345.67",
    "digits": "6227004839",
    "tail": "622700******4839",
    "number": "5050",
    "date": "2026-11-22",
    "month": "2026-11-01",
    "time": "14:05",
    "rate": "7.1234",
    "percent": "3.85",
    "ordinal": "2",
}
"""What stands for a value of each kind inside a prompt; any count is 3."""

_AMOUNTS = (
    "120034.56 199.99 0.90 15.05 2000 1000000.01 88.88 345678.90 9876543.21 50000 "
    "4444.44 710.06 23.45"
)
VALUES: tuple[tuple[str, str], ...] = (
    *(("money", each) for each in _AMOUNTS.split()),
    ("money", "-67.30"),
    ("money", "1000.50 USD"),
    ("money", "101000 JPY"),
    ("money", "52.20 GBP"),
    ("digits", "6227004839526048"),
    ("digits", "7305"),
    ("tail", "4827"),
    ("date", "2026-01-20"),
    ("date", "2025-12-31"),
    ("date", "2031-08-03"),
    ("time", "12:30"),
    ("time", "20:05"),
    ("time", "08:00"),
    ("percent", "0.1"),
    ("rate", "7.2050"),
    ("count:minute", "12"),
    ("count:transaction", "3"),
)


@dataclass(frozen=True, slots=True)
class Trial:
    """Something to listen to: its name, language, the words and how they are played."""

    name: str
    language: str
    utterance: Utterance


def trials(catalogue: Catalogue, bank: Bank, language: str) -> Iterator[Trial]:
    """Every prompt with sample values, then values of every kind."""
    speaker = Speaker(catalogue, bank.index)
    for prompt in catalogue:
        kinds = catalogue.template(prompt, language).variables
        values = {name: _sample(catalogue, kind) for name, kind in kinds.items()}
        yield Trial(prompt, language, speaker.render(prompt, values, language))
    for kind, value in VALUES:
        reading = read(kind, value, language)
        yield Trial(f"{kind} {value}", language, speak(reading, language, bank.index))


def _sample(catalogue: Catalogue, kind: str) -> str:
    if kind.startswith(WORD):
        return catalogue.longest_word(kind.removeprefix(WORD))
    return SAMPLES.get(kind, "3")


def write_wav(path: Path, bank: Bank, utterance: Utterance) -> None:
    """What a caller with A-law hears, as a WAV file at 8 kHz."""
    octets = bank.laws["pcma"]
    pieces = [
        np.zeros(samples, np.int16)
        if start == SILENCE
        else g711.decode(octets[start : start + samples], "pcma")
        for start, samples in utterance.segments
    ]
    with wave.open(str(path), "wb") as file:
        file.setparams((1, 2, RATE, 0, "NONE", ""))
        file.writeframes(np.concatenate(pieces).astype("<i2").tobytes())
