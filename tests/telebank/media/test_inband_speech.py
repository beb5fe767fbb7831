"""No key in speech: both voices, louder and fainter, faster and slower, and at once."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from telebank.media import bench_dtmf_material as material
from telebank.media.bench_dtmf import bench_dtmf, heard_keys
from telebank.media.inband_values import InbandOptions
from telebank.settings import packs_dir

EVERY = 18
"""Clips, in the ordinary run: half an hour of speech."""
ANYTHING = InbandOptions(left_over=1e9, hum=1e9, dial=1e9)


def false_keys(options: InbandOptions) -> tuple[int, float]:
    """Keys in the sample, and its hours."""
    clips = material.voices(packs_dir(), EVERY)
    keys = hours = 0.0
    for _, rows in material.speech(clips):
        keys += sum(map(len, heard_keys(rows, options)))
        hours += rows.size / 8_000 / 3_600
    return int(keys), hours


def test_half_an_hour_of_speech_has_no_key() -> None:
    keys, hours = false_keys(InbandOptions())
    assert hours > 0.5
    assert keys == 0


def test_it_is_the_fit_that_keeps_them_out() -> None:
    """The same speech looks like keys at many places, and there is room to the limit."""
    assert false_keys(ANYTHING)[0] > 20
    assert false_keys(replace(InbandOptions(), left_over=0.25))[0] == 0


@pytest.mark.long
def test_eleven_hours_of_speech(
    capsys: pytest.CaptureFixture[str], record_property: Callable[[str, object], None]
) -> None:
    result = bench_dtmf(packs_dir(), channels=100, every=1, advance=lambda _: None)
    record_property("dtmf", result)
    with capsys.disabled():
        print(f"\n{result}")
    assert result.speech_hours > 10
    assert result.false_in_speech <= result.speech_hours
    assert (result.missed, result.false_keys - result.false_in_speech) == (0, 0)
    if result.spandsp is not None:
        assert result.false_in_speech <= max(result.spandsp.false_in_speech, result.speech_hours)
