"""Tones by their spectrum and cadence; music from a bank and from files."""

from pathlib import Path

import numpy as np
import pytest
import soundfile

from telebank.media.bank import FRAME, Bank
from telebank.media.inband_values import PEAK_0_DBM0
from telebank.media.tones import (
    TONES,
    Cadence,
    MusicError,
    Sounds,
    make,
    music_of_bank,
    music_of_file,
)


@pytest.mark.parametrize("name", TONES)
def test_a_tone_has_its_frequency_level_and_cadence(name: str) -> None:
    cadence, sound = TONES[name], make(TONES[name]).astype(float)
    assert len(sound) % FRAME == 0
    at = 0
    for on, off in cadence.steps:
        spurt, pause = sound[at : at + on * 8], sound[at + on * 8 : at + (on + off) * 8]
        at += (on + off) * 8
        assert not pause.any()
        reached = 20 * np.log10(np.abs(spurt).max() / PEAK_0_DBM0)
        assert abs(reached - cadence.dbm0) < 0.5
        spectrum = np.abs(np.fft.rfft(spurt, 8_000))
        assert abs(int(spectrum.argmax()) - cadence.hertz[0]) <= 2
    assert at == len(sound)


def test_a_continuous_tone_has_no_seam() -> None:
    twice = np.concatenate([make(TONES["flat"])] * 2).astype(float)
    times = np.arange(len(twice)) / 8_000
    wave = PEAK_0_DBM0 * 10 ** (-30 / 20) * np.sin(2 * np.pi * 450 * times)
    assert np.abs(twice - wave).max() < 1


def test_a_cadence_that_is_not_whole_frames_is_refused() -> None:
    with pytest.raises(ValueError, match="whole frames"):
        make(Cadence((450,), ((30, 0),)))


def test_sounds_lie_side_by_side_and_may_be_replaced() -> None:
    sounds = Sounds()
    one = np.arange(1, 201, dtype=np.int16)
    sounds.add("music", one)
    start, frames, loops = sounds.place("music")
    assert (frames, loops) == (2, True)
    assert np.array_equal(sounds.frames[start : start + 2].reshape(-1)[:200], one)
    sounds.add("music", one[:160])
    assert sounds.place("music")[1] == 1
    with pytest.raises(ValueError, match="empty"):
        sounds.add("music", one[:0])


def test_music_comes_from_a_clip_of_the_bank() -> None:
    octets = np.arange(256, dtype=np.uint8)
    bank = Bank(octets, octets)
    assert len(music_of_bank(bank, 10, 100)) == 100
    for start, samples in [(200, 100), (-1, 10), (0, 0)]:
        with pytest.raises(MusicError):
            music_of_bank(bank, start, samples)


def test_music_comes_from_a_file_of_the_right_rate(tmp_path: Path) -> None:
    good, wide, other = (tmp_path / name for name in ("good.flac", "wide.wav", "other.wav"))
    stereo = np.stack([np.full(800, 100, np.int16), np.full(800, 300, np.int16)], axis=1)
    soundfile.write(good, stereo, 8_000)
    soundfile.write(wide, stereo, 44_100)
    other.write_bytes(b"no sound at all")
    assert music_of_file(good).tolist() == [200] * 800
    with pytest.raises(MusicError, match="sox"):
        music_of_file(wide)
    for bad in (other, tmp_path / "absent.wav"):
        with pytest.raises(MusicError, match="give a WAV"):
            music_of_file(bad)
