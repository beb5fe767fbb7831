"""Slow speech: longer by a quarter, at the same pitch, from every clip of every bank."""

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from support.voice_pack import write_pack, write_texts
from voice_prompts import g711, overlay, pack, slow, sound
from voice_prompts.bank import Bank, BankIndex, build_bank
from voice_prompts.catalogue import Catalogue
from voice_prompts.speaker import Speaker, needed

PACKS = Path(__file__).resolve().parents[2] / "voice_prompts" / "packs"
FRAME = 480
"""Samples that a pitch is measured over (60 ms)."""


def tone(hertz: float, seconds: float) -> NDArray[np.int16]:
    """A buzz with the overtones that a voice has."""
    at = np.arange(round(seconds * sound.RATE)) / sound.RATE
    waves = [np.sin(2 * np.pi * hertz * n * at) / n for n in range(1, 8)]
    return (3_000 * np.sum(waves, axis=0)).astype(np.int16)


def pitch(samples: NDArray[np.float64]) -> float | None:
    """Hertz by autocorrelation, between samples; None where it is no voice."""
    window = np.hanning(len(samples))
    power = np.abs(np.fft.rfft((samples - samples.mean()) * window, 1_024)) ** 2
    alike = np.fft.irfft(power)
    alike /= np.maximum(np.fft.irfft(np.abs(np.fft.rfft(window, 1_024)) ** 2), 1e-9)
    best = 0.95 * alike[20:110].max()  # the first peak as high: a multiple of a period is one too
    peaks = (alike[20:110] >= best) & (alike[20:110] >= alike[19:109])
    at = 20 + int(np.argmax(peaks & (alike[20:110] >= alike[21:111])))
    before, here, after = alike[at - 1 : at + 2]
    if at in (20, 109) or here < 0.7 * alike[0] or (samples**2).mean() < 600**2:
        return None
    return sound.RATE / (at + (before - after) / (2 * (before - 2 * here + after)))


def semitones(clip: NDArray[np.int16], made: NDArray[np.int16]) -> list[float]:
    """How much higher the slow clip is than the clip, at the same places of the words."""
    found: list[float] = []
    for start in range(0, len(clip) - FRAME, 160):
        there = round((start + FRAME / 2) / slow.SPEED - FRAME / 2)
        usual = pitch(clip[start : start + FRAME].astype(float))
        slowly = pitch(made[there : there + FRAME].astype(float))
        if usual and slowly:
            found.append(12 * float(np.log2(slowly / usual)))
    return found


@pytest.mark.parametrize("hertz", [90.0, 140.0, 220.0, 330.0])
def test_a_tone_lasts_longer_and_is_as_high_as_it_was(hertz: float) -> None:
    clip = tone(hertz, 0.7)
    (made,) = slow.stretched([clip])
    assert len(made) == round(len(clip) / slow.SPEED)
    off = semitones(clip, made)
    assert len(off) > 10
    assert max(abs(one) for one in off) < 0.1


@pytest.mark.parametrize("language", ["zh", "en"])
def test_the_voices_keep_their_pitch_and_their_level(language: str) -> None:
    manifest = pack.load(PACKS / language)
    clips = [clip for clip in manifest.prompts if 8_000 < clip.samples < 32_000][::20][:15]
    spoken = [pack.samples(PACKS / language, clip) for clip in clips]
    for clip, made in zip(spoken, slow.stretched(spoken), strict=True):
        off = semitones(clip, made)
        assert len(off) > 8
        assert abs(float(np.median(off))) < 0.5
        levels = [sound.level_dbov(each.astype(float)) for each in (clip, made)]
        assert abs(levels[1] - levels[0]) < sound.LEVEL_TOLERANCE_DB
        assert sound.peak_dbfs(made.astype(float)) < 0


def test_what_is_made_does_not_depend_on_what_is_made_beside_it() -> None:
    clips = [tone(120 + 3 * n, 0.05 + 0.01 * n) for n in range(slow.BATCH + 3)]
    together = slow.stretched(clips)
    for at in (0, 7, len(clips) - 1):
        (alone,) = slow.stretched([clips[at]])
        assert np.array_equal(together[at], alone)


@pytest.mark.parametrize("samples", [0, 1, slow.FRAME, slow.FRAME + 1, slow.FRAME + 120])
def test_clips_of_any_length_are_made(samples: int) -> None:
    (made,) = slow.stretched([np.full(samples, 500, np.int16)])
    assert len(made) == (samples if samples <= slow.FRAME else round(samples / slow.SPEED))


def test_silence_stays_silent() -> None:
    (made,) = slow.stretched([np.zeros(4_000, np.int16)])
    assert not made.any()


def test_a_bank_has_the_slow_form_of_every_clip(tmp_path: Path) -> None:
    write_pack(tmp_path / "packs/en", "en", {"a.hello#0": "Hello", "unit:p.m.": "p.m."})
    build_bank(tmp_path / "packs", tmp_path / "bank")
    bank = Bank.open(tmp_path / "bank")
    plain = {key for key in bank.index.clips if slow.MARK not in key}
    assert set(bank.index.clips) == plain | {slow.key_of(key) for key in plain}
    assert set(bank.index.texts) == plain == {slow.plain(key) for key in bank.index.clips}
    for key in plain:
        start, count = bank.index.clips[key]
        clip = g711.decode(bank.laws["pcma"][start : start + count], "pcma")
        (made,) = slow.stretched([clip])
        start, count = bank.index.clips[slow.key_of(key)]
        octets = bank.laws["pcma"][start : start + count]
        heard = g711.decode(octets, "pcma").astype(float)
        assert np.sqrt(((heard - made) ** 2).mean()) < 0.1 * sound.active_rms(heard)


def test_a_recording_of_a_release_has_its_slow_form_too(tmp_path: Path) -> None:
    write_pack(tmp_path / "packs/en", "en", {"a.hello#0": "Hello"})
    build_bank(tmp_path / "packs", tmp_path / "bank")
    catalogue = Catalogue.load(write_texts(tmp_path, {"a.hello": "您好。"}, {"a.hello": "Hello."}))
    folder = tmp_path / "config/recordings/en"
    folder.mkdir(parents=True)
    shipped = tmp_path / "packs/en" / pack.file_name("a.hello#0")
    (folder / pack.file_name("a.hello#0")).write_bytes(shipped.read_bytes())
    overlay.lay_over(tmp_path / "bank", tmp_path / "config", tmp_path / "out", catalogue)
    under, over = Bank.open(tmp_path / "bank"), Bank.open(tmp_path / "out")
    for key in ("en/a.hello#0", "en~slow/a.hello#0"):
        assert over.index.clips[key][0] >= len(under.laws["pcma"])
        assert over.index.clips[key][1] == under.index.clips[key][1]


@pytest.fixture
def catalogue(tmp_path: Path) -> Catalogue:
    texts = (
        {"a.sum": "余额为{sum|money}，{n|count:time}。"},
        {"a.sum": "{sum|money}, {n|count:time}."},
    )
    return Catalogue.load(write_texts(tmp_path, *texts))


def test_values_are_spoken_slowly_too_with_longer_pauses(catalogue: Catalogue) -> None:
    keys = list(needed(catalogue))
    clips = {key: (i * 1_000, 800) for i, key in enumerate(keys)}
    clips |= {slow.key_of(key): (90_000_000 + i * 1_000, 1_000) for i, key in enumerate(keys)}
    speaker = Speaker(catalogue, BankIndex(clips, {}))
    values = {"sum": "12.05", "n": 2}
    usual = speaker.render("a.sum", values, "zh")
    slowly = speaker.render("a.sum", values, "zh", slowly=True)
    assert (slowly.text, slowly.clips) == (usual.text, usual.clips)
    spoken = [start for start, _ in slowly.segments if start >= 0]
    assert spoken == [clips[slow.key_of(clip)][0] for clip in usual.clips]
    gaps = [samples for start, samples in usual.segments if start < 0]
    longer = [samples for start, samples in slowly.segments if start < 0]
    assert longer == [round(gap * slow.PAUSES) for gap in gaps]
    lasts = [speaker.seconds("a.sum", values, "zh", slowly=each) for each in (False, True)]
    assert lasts[1] == slowly.samples / sound.RATE > 1.25 * lasts[0]


def test_a_clip_without_a_slow_form_is_spoken_as_it_is(catalogue: Catalogue) -> None:
    clips = {key: (i * 1_000, 800) for i, key in enumerate(needed(catalogue))}
    speaker = Speaker(catalogue, BankIndex(clips, {}))
    said = speaker.render("a.sum", {"sum": "12.05", "n": 2}, "en", slowly=True)
    assert [s for s in said.segments if s[0] >= 0] == [clips[clip] for clip in said.clips]
