"""The packs that are shipped."""

from pathlib import Path

from voice_prompts.bank import Bank, build_bank
from voice_prompts.catalogue import Catalogue
from voice_prompts.checking import check_packs
from voice_prompts.speaker import Speaker

ROOT = Path(__file__).resolve().parents[2]
PACKS = ROOT / "voice_prompts" / "packs"
TEXTS = ROOT / "config" / "prompts"
LIMIT_MB = 30.0
"""The audio is part of every clone."""
SAMPLES = {
    "money": "120034.56",
    "money_size": "-120034.56",
    "tail": "622700******1234",
    "digits": "320011223344",
    "date": "2026-11-22",
    "month": "2026-11-01",
    "time": "14:05",
    "number": "7",
    "rate": "7.1049",
    "percent": "3.85",
}


def test_they_are_what_manifests_texts_and_levels_promise() -> None:
    report = check_packs(PACKS, TEXTS)
    assert report.findings == ()
    assert sum(float(str(each["megabytes"])) for each in report.packs.values()) < LIMIT_MB


def sample(kind: str) -> str:
    """A value of a kind; every set of words has `other`, and what is counted is a number."""
    if kind.startswith("word:"):
        return "other"
    return SAMPLES["number" if kind.startswith("count:") else kind]


def test_every_prompt_can_be_spoken(tmp_path: Path) -> None:
    build_bank(PACKS, tmp_path)
    catalogue = Catalogue.load(TEXTS)
    speaker = Speaker(catalogue, Bank.open(tmp_path).index)
    for prompt in catalogue:
        values = {name: sample(kind) for name, kind in catalogue.variables(prompt).items()}
        for language in ("zh", "en"):
            shortest = 0.2 if prompt.startswith("word.") else 0.5
            assert shortest < speaker.seconds(prompt, values, language) < 30
