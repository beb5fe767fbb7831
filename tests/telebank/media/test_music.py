"""Our own music on hold: its level, its seam, its frequencies; a bank may give its own."""

from pathlib import Path

import numpy as np
import pytest
import soundfile

from telebank.media.inband_values import PEAK_0_DBM0
from telebank.media.music import LEVEL_DBM0, RATE, music
from telebank.media.options import MediaOptions
from telebank.media.tones import MAX_MUSIC_S, MusicError, sounds_of

FRAME = 160
KEYS = (697, 770, 852, 941, 1_209, 1_336, 1_477, 1_633)


def dbm0(sound: np.ndarray) -> float:
    power = np.mean(sound.astype(float) ** 2)
    return float(10 * np.log10(2 * power / PEAK_0_DBM0**2))


def test_it_is_the_same_each_time_and_whole_frames_long() -> None:
    first = music()
    assert np.array_equal(first, music())
    assert len(first) % FRAME == 0
    assert 20 <= len(first) / RATE <= 40


def test_it_is_heard_all_the_time_and_never_loud() -> None:
    sound = music()
    assert dbm0(sound) == pytest.approx(LEVEL_DBM0, abs=0.1)
    parts = [dbm0(part) for part in sound.reshape(-1, RATE // 10)]
    assert min(parts) > LEVEL_DBM0 - 10
    assert max(parts) < LEVEL_DBM0 + 10
    assert int(np.abs(sound.astype(int)).max()) < 16_384  # half of the scale: nothing is cut off


def test_nothing_clicks_where_it_begins_again() -> None:
    sound = music().astype(float)
    twice = np.concatenate([sound, sound])
    bends = np.abs(np.diff(twice, 2))
    at = len(sound)
    assert bends[at - 40 : at + 40].max() < np.percentile(bends, 99.9)


def test_it_lies_where_no_key_does_and_a_telephone_carries_it() -> None:
    sound = music().astype(float)
    power = np.abs(np.fft.rfft(sound)) ** 2
    hertz = np.fft.rfftfreq(len(sound), 1 / RATE)
    assert power[(hertz >= 190) & (hertz < 680)].sum() > 0.97 * power.sum()
    for key in KEYS:
        near = np.abs(hertz - key) < 0.02 * key
        assert power[near].sum() < 0.01 * power.sum()


def test_it_is_what_a_leg_hears_where_the_bank_gives_none() -> None:
    sounds = sounds_of(MediaOptions())
    start, frames, loops = sounds.place("music")
    assert loops
    assert np.array_equal(sounds.frames[start : start + frames].reshape(-1), music())


def test_a_banks_own_takes_its_place(tmp_path: Path) -> None:
    own = (1_000 * np.sin(np.arange(RATE) / 5)).astype(np.int16)
    soundfile.write(tmp_path / "own.wav", own, RATE, "PCM_16")
    sounds = sounds_of(MediaOptions(music_file=str(tmp_path / "own.wav")))
    start, frames, _ = sounds.place("music")
    assert np.array_equal(sounds.frames[start : start + frames].reshape(-1), own)


@pytest.mark.parametrize(
    ("rate", "seconds", "words"),
    [(44_100, 1, "convert it first"), (RATE, MAX_MUSIC_S + 1, "up to 300 s")],
)
def test_what_cannot_be_played_is_said_with_what_to_do(
    tmp_path: Path, rate: int, seconds: int, words: str
) -> None:
    soundfile.write(tmp_path / "own.wav", np.zeros(rate * seconds, np.int16), rate, "PCM_16")
    with pytest.raises(MusicError, match=words):
        sounds_of(MediaOptions(music_file=str(tmp_path / "own.wav")))
    (tmp_path / "text.wav").write_text("no sound")
    with pytest.raises(MusicError, match="give a WAV or FLAC file"):
        sounds_of(MediaOptions(music_file=str(tmp_path / "text.wav")))
