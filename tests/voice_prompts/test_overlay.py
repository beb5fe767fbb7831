"""A release's recordings over the shipped voice: what is missing or stale, and the bank."""

from pathlib import Path

import numpy as np
import pytest
import soundfile

from support.voice_pack import tone, write_pack, write_texts
from voice_prompts import g711, overlay
from voice_prompts.bank import Bank, build_bank
from voice_prompts.catalogue import Catalogue
from voice_prompts.readings import LANGUAGES, units

ZH = {"a.hello": "您好。", "a.gas": "煤气费{due|money}。"}
EN = {"a.hello": "Hello.", "a.gas": "Your gas bill is {due|money}."}


@pytest.fixture
def base(tmp_path: Path) -> Path:
    """A bank that says hello in both languages, and every value."""
    for language, hello in zip(LANGUAGES, ("您好。", "Hello there."), strict=True):
        clips = {f"unit:{unit}": unit for unit in units(language)}
        write_pack(tmp_path / "packs" / language, language, clips | {"a.hello#0": hello})
    build_bank(tmp_path / "packs", tmp_path / "base")
    return tmp_path / "base"


@pytest.fixture
def config(tmp_path: Path) -> Path:
    write_texts(tmp_path / "config" / "prompts", ZH, EN)
    return tmp_path / "config"


def record(config: Path, name: str, seconds: float = 0.3, rate: int = 8_000) -> Path:
    path = config / "recordings" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    at = np.arange(round(seconds * rate)) / rate
    wave = 2_600 * np.sqrt(2) * np.sin(2 * np.pi * 440 * at)
    soundfile.write(path, np.rint(wave).astype(np.int16), rate, "PCM_16")
    return path


def found(config: Path, base: Path) -> list[str]:
    catalogue = Catalogue.load(config / "prompts")
    index = Bank.open(base).index
    rows = [*overlay.missing(catalogue, index, config), *overlay.faults(catalogue, config)]
    return [str(row) for row in rows]


def test_what_nobody_recorded_or_recorded_in_other_words_is_named(base: Path, config: Path) -> None:
    rows = found(config, base)
    assert [row.partition(":")[0] for row in rows] == [
        "recordings/zh/a.gas-0.flac",
        "recordings/en/a.hello-0.flac",
        "recordings/en/a.gas-0.flac",
    ]
    assert "says 'Hello there." in rows[1]
    for name in ("zh/a.gas-0.flac", "en/a.hello-0.wav", "en/a.gas-0.flac"):
        record(config, name)
    assert found(config, base) == []


def test_wrong_recordings_are_named(base: Path, config: Path) -> None:
    for name in ("zh/a.gas-0.flac", "en/a.hello-0.flac"):
        record(config, name)
    record(config, "en/a.gas-0.wav", seconds=61)
    record(config, "en/a.goose-0.flac")
    (config / "recordings/zh/a.gas-0.flac").write_bytes(b"fLaC but no more")
    record(config, "zh/a.hello-0.flac")
    soundfile.write(config / "recordings/zh/a.hello-0.flac", tone(0.3, level_db=4), 8_000, "PCM_16")
    stereo = np.stack([tone(0.2), tone(0.2)], axis=1)
    soundfile.write(config / "recordings/en/a.hello-0.flac", stereo, 8_000, "PCM_16")
    rows = found(config, base)
    words = ("at most 60 s", "no text needs it", "one channel", "cannot be read", "level -18.0")
    for word in words:
        assert any(word in row for row in rows), word
    assert len(rows) == len(words)


@pytest.mark.parametrize("rate", [8_000, 24_000, 44_100])
def test_the_bank_has_the_shipped_clips_where_they_were_and_the_new_ones_behind(
    base: Path, config: Path, tmp_path: Path, rate: int
) -> None:
    path = record(config, "zh/a.gas-0.flac", rate=rate)
    for name in ("en/a.hello-0.flac", "en/a.gas-0.flac"):
        record(config, name)
    catalogue = Catalogue.load(config / "prompts")
    overlay.lay_over(base, config, tmp_path / "out", catalogue)
    under, over = Bank.open(base), Bank.open(tmp_path / "out")
    length = len(under.laws["pcma"])
    assert np.array_equal(over.laws["pcma"][:length], under.laws["pcma"])
    start, count = over.index.clips["zh/a.gas#0"]
    assert (start >= length, count) == (True, 2_400)
    samples = overlay.read(path)
    assert np.array_equal(over.laws["pcmu"][start : start + count], g711.encode(samples, "pcmu"))
    # The middle is the sine that was recorded, whatever its rate was.
    wanted = tone(0.3)[400:2_000].astype(float)
    assert np.abs(samples[400:2_000] - wanted).max() < 60
    assert over.index.clips["en/a.hello#0"][0] >= length
    assert over.index.texts["en/a.hello#0"] == "Hello."
    before = (tmp_path / "out" / "index.json").stat().st_mtime_ns
    overlay.lay_over(base, config, tmp_path / "out", catalogue)
    assert (tmp_path / "out" / "index.json").stat().st_mtime_ns == before
