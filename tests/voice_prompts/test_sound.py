import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from support.voice_pack import tone
from voice_prompts import sound


@given(st.floats(1e-4, 1e4), st.integers(0, 2**32 - 1))
def test_every_clip_comes_to_the_same_level(gain: float, seed: int) -> None:
    noise = np.random.default_rng(seed).normal(size=2000) * gain
    levelled = sound.levelled(noise)
    assert abs(sound.level_dbov(levelled) - sound.TARGET_DBOV) < sound.LEVEL_TOLERANCE_DB
    assert sound.peak_dbfs(levelled) <= sound.PEAK_LIMIT_DBFS


def test_a_click_is_softened() -> None:
    speech = np.random.default_rng(1).normal(size=8000)
    speech[4000] = 40.0
    levelled = sound.levelled(speech)
    assert sound.peak_dbfs(levelled) == pytest.approx(sound.PEAK_LIMIT_DBFS, abs=0.3)


def test_silence_does_not_count_in_the_level() -> None:
    speech = tone(0.5).astype(np.float64)
    quiet = np.concatenate([speech, np.zeros(8000)])
    assert sound.level_dbov(quiet) == pytest.approx(sound.level_dbov(speech), abs=0.05)
    assert sound.level_dbov(speech) == pytest.approx(-22.0, abs=0.1)


def test_trimming_keeps_a_margin() -> None:
    speech = np.concatenate([np.zeros(4000), np.ones(1000), np.full(4000, 0.005)])
    assert len(sound.trimmed(speech)) == 80 + 1000 + 240
    assert len(sound.trimmed(np.ones(10))) == 10


def test_fades_start_and_end_in_silence() -> None:
    faded = sound.faded(np.ones(1000))
    assert faded[0] < 0.01
    assert faded[-1] < 0.01
    assert np.all(faded[32:-96] == 1.0)
    assert np.all(np.diff(faded[:32]) > 0)
