"""How long texts are said: by the recordings that callers hear, shipped or a release's own."""

from pathlib import Path

import soundfile

from telebank.flow.check.budget import Seconds
from telebank.flow.check.quick import Lead
from telebank.settings import packs_dir
from transactions.request import Language
from voice_prompts import overlay, pack
from voice_prompts.bank import BankIndex
from voice_prompts.catalogue import WORD, Catalogue, CatalogueError
from voice_prompts.speaker import MissingClips, Speaker, needed

RATE = 8_000
"""Samples a second of the voice bank."""
_SAMPLES = {
    "money": "1234.56",
    "digits": "010000000001",
    "tail": "1234",
    "date": "2026-01-20",
    "time": "08:30",
    "month": "2026-01-01",
    "rate": "7.1234",
}
"""A value of usual length for each way of reading."""


def lengths(config: Path) -> tuple[Seconds, Lead] | tuple[None, None]:
    """Seconds of each text of a configuration folder, and of what comes before a value in it; none
    where not every text is recorded: then they are estimated."""
    try:
        speaker = _speaker(config)
    except (pack.PackError, CatalogueError, MissingClips, OSError, soundfile.SoundFileError):
        return None, None
    return _seconds(speaker), _lead(speaker)


def _speaker(config: Path) -> Speaker:
    clips: dict[str, tuple[int, int]] = {}
    for path in sorted(packs_dir().glob(f"*/{pack.MANIFEST}")):
        manifest = pack.load(path.parent)
        clips |= {f"{manifest.language}/{one.id}": (0, one.samples) for one in manifest.prompts}
    catalogue, recorded = Catalogue.load(config / "prompts"), overlay.recordings(config)
    for key in needed(catalogue) if recorded else ():
        own = recorded.get(overlay.name_of(key))
        if own is not None:
            clips[key] = (0, _samples(own))
    return Speaker(catalogue, BankIndex(clips, {}))


def _samples(path: Path) -> int:
    info = soundfile.info(path)
    return int(info.frames * RATE // info.samplerate)


def _seconds(speaker: Speaker) -> Seconds:
    """Seconds of a text by its recordings, with values of usual length."""

    def seconds(prompt: str, language: Language) -> float:
        return speaker.seconds(prompt, _usual(speaker, prompt), language)

    return seconds


def _lead(speaker: Speaker) -> Lead:
    """Seconds of a text's recordings before a value begins."""

    def lead(prompt: str, slot: str, language: Language) -> float:
        return speaker.seconds_before(prompt, slot, _usual(speaker, prompt), language)

    return lead


def _usual(speaker: Speaker, prompt: str) -> dict[str, str]:
    catalogue = speaker.catalogue
    return {
        name: catalogue.longest_word(kind.removeprefix(WORD))
        if kind.startswith(WORD)
        else _SAMPLES.get(kind, "12")
        for name, kind in catalogue.variables(prompt).items()
    }
