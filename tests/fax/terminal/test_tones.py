"""Fax machines are heard on a voice call, and voices are not taken for them."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from fax.terminal import Accept, AudioTerminal, TerminalOptions, ToneListener
from support.fax_lines import Samples, fax, page, spandsp, through_a_law

SILENCE = np.zeros(160, np.int16)


@pytest.fixture
def listener() -> Iterator[ToneListener]:
    one = ToneListener(spandsp())
    yield one
    one.close()


def heard(listener: ToneListener, terminal: AudioTerminal, seconds: int) -> list[tuple[str, int]]:
    """The tones of a machine that nobody answers, with the tick in which each began."""
    tones = []
    for tick in range(seconds * 50):
        tone = listener.hear(through_a_law(terminal.tick(SILENCE)))
        if tone is not None:
            tones.append((tone, tick))
    terminal.close()
    return tones


def test_a_calling_machine_says_cng_again_and_again(listener: ToneListener, tmp_path: Path) -> None:
    work = fax(tmp_path, [page(1)])[0]
    tones = heard(listener, AudioTerminal(spandsp(), work, True, TerminalOptions()), 12)
    assert len(tones) >= 3
    assert {tone for tone, _ in tones} == {"CNG"}
    assert all(19 <= tick < 600 for _, tick in tones)


def test_an_answering_machine_says_ced_and_then_the_preamble(
    listener: ToneListener, tmp_path: Path
) -> None:
    called = AudioTerminal(spandsp(), Accept(tmp_path / "a.tiff"), False, TerminalOptions())
    tones = [tone for tone, _ in heard(listener, called, 12)]
    assert tones[0] == "CED"
    assert "V21" in tones[1:]
    assert "CNG" not in tones


def tone(frequency: float, seconds: float, level: int = 8000) -> Samples:
    at = np.arange(int(seconds * 8000)) / 8000
    return (level * np.sin(2 * np.pi * frequency * at)).astype(np.int16)


def frames(samples: Samples) -> list[Samples]:
    return [samples[at : at + 160] for at in range(0, len(samples) - 159, 160)]


@pytest.mark.parametrize(("frequency", "expected"), [(1100, "CNG"), (2100, "CED")])
def test_pure_tones(listener: ToneListener, frequency: float, expected: str) -> None:
    found = [listener.hear(frame) for frame in frames(tone(frequency, 0.6))]
    assert [one for one in found if one] == [expected]


@pytest.mark.parametrize("pair", [(697, 1209), (941, 1336), (770, 1477), (852, 1633)])
def test_keys_are_no_machine(listener: ToneListener, pair: tuple[int, int]) -> None:
    pressed = tone(pair[0], 0.4) + tone(pair[1], 0.4)
    silent = np.zeros(800, np.int16)
    for _ in range(10):
        for frame in frames(np.concatenate([pressed, silent])):
            assert listener.hear(frame) is None


def test_noise_and_silence_are_no_machine(listener: ToneListener) -> None:
    dice = np.random.default_rng(3)
    for _ in range(500):
        assert listener.hear(dice.normal(0, 3000, 160).clip(-32768, 32767).astype(np.int16)) is None
        assert listener.hear(SILENCE) is None


def test_more_than_a_second_at_once_is_refused(listener: ToneListener) -> None:
    with pytest.raises(ValueError, match="at most 8000"):
        listener.hear(np.zeros(8001, np.int16))
    assert listener.hear(np.zeros(0, np.int16)) is None
    listener.close()
    listener.close()
