"""Who answered: our own voices as persons and machines, tones, noise, silence."""

import numpy as np
import pytest

from support.answering import Samples, clips, silence, tone
from telebank.media.amd import (
    AmdOptions,
    Answered,
    AnsweringMachineDetector,
    Beeped,
    Event,
    sounded,
)
from telebank.media.bank import FRAME
from telebank.media.tones import TONES, make
from voice_prompts import g711


def heard(*sounds: Samples, options: AmdOptions | None = None) -> list[Event]:
    detector, events = AnsweringMachineDetector(options), list[Event]()
    whole = np.concatenate(sounds)
    through = g711.decode(g711.encode(whole, "pcma"), "pcma")
    for at in range(0, len(through) - FRAME + 1, FRAME):
        events += detector.hear(through[at : at + FRAME])
    return events


def who(*sounds: Samples) -> str:
    verdicts = [event for event in heard(*sounds) if isinstance(event, Answered)]
    assert len(verdicts) <= 1
    return verdicts[0].who if verdicts else ""


def test_a_short_greeting_and_silence_is_a_person() -> None:
    words = clips(0.3, 1.1, 15)
    assert len(words) >= 15
    found = [who(silence(400), word, silence(2_000)) for word in words]
    assert found.count("person") >= 0.95 * len(found), found


def test_a_long_greeting_is_a_machine() -> None:
    texts = clips(3.0, 12.0, 15)
    assert len(texts) >= 15
    found = [who(silence(300), text, silence(500), text, silence(2_000)) for text in texts]
    assert found.count("machine") >= 0.95 * len(found), found


@pytest.mark.parametrize("hertz", [440, 1_000, 1_400])
def test_a_beep_after_a_greeting_is_told(hertz: int) -> None:
    [text, *_] = clips(3.0, 6.0, 1)
    events = heard(silence(300), text, silence(400), tone(hertz, 300), silence(1_000))
    assert [type(event) for event in events] == [Answered, Beeped]
    beep = events[1]
    assert isinstance(beep, Beeped)
    assert abs(beep.hertz - hertz) <= 5
    over = 300 + len(text) // 8 + 400 + 300
    assert -20 <= beep.at_ms - over <= 60


def test_a_short_greeting_and_a_beep_is_a_machine() -> None:
    [word, *_] = clips(0.5, 1.0, 1)
    assert who(silence(300), word, silence(300), tone(1_000, 400), silence(2_000)) == "machine"


def test_nothing_is_silence_and_so_is_the_noise_of_a_line() -> None:
    assert who(silence(5_000)) == "silence"
    assert who(silence(5_000, 60.0)) == "silence"
    assert heard(silence(3_900)) == []


@pytest.mark.parametrize(("hertz", "ms"), [(1_100, 500), (2_100, 2_600)])
def test_a_fax_is_told_by_its_tones(hertz: int, ms: int) -> None:
    assert who(silence(600), tone(hertz, ms), silence(3_000)) == "fax"


@pytest.mark.parametrize(("name", "verdict"), [("busy", "busy"), ("congestion", "congestion")])
def test_cadences_of_450_hz_are_told_apart(name: str, verdict: str) -> None:
    spurts = np.concatenate([make(TONES[name])] * 6)
    assert who(silence(200), spurts, silence(1_000)) == verdict


def test_dial_tone_is_a_tone_and_ring_back_is_waited_for() -> None:
    assert who(tone(450, 4_000)) == "tone"
    ringing = np.concatenate([make(TONES["ring-back"])] * 3)
    [word, *_] = clips(0.5, 1.0, 1)
    assert who(ringing) == ""
    assert who(ringing, word, silence(2_000)) == "person"


def test_a_verdict_comes_once_and_in_time() -> None:
    [text, *_] = clips(4.0, 12.0, 1)
    events = heard(silence(300), *[text] * 4)
    [verdict] = [event for event in events if isinstance(event, Answered)]
    assert verdict.at_ms <= 300 + AmdOptions().greeting_ms + 500
    assert not any(isinstance(event, Beeped) for event in events)


def test_no_clip_of_a_pack_has_a_beep() -> None:
    for text in clips(2.0, 12.0, 40):
        assert not [event for event in heard(text, silence(800)) if isinstance(event, Beeped)]


def test_frames_are_measured_in_dbm0() -> None:
    frame = tone(1_000, 20, 22_750 / 10)
    found = sounded(frame, 0.92)
    assert abs(found.dbm0 + 20) < 0.2
    assert abs(found.hertz - 1_000) < 3
    assert sounded(np.zeros(FRAME, np.int16), 0.92).hertz == 0
