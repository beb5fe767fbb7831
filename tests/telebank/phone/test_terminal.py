"""Words, recordings and sound at a terminal."""

import io
import stat
import wave
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console

from telebank.phone.hearing import ClipHeard, texts_with_marks
from telebank.phone.recording import Recording
from telebank.phone.report import CallReport
from telebank.phone.terminal import Loudspeaker, Teller
from telebank.settings import seed_dir
from voice_prompts import g711
from voice_prompts.bank import BankIndex
from voice_prompts.catalogue import Catalogue


def clip(key: str, text: str, whole: bool = True) -> ClipHeard:
    return ClipHeard(key, text, whole, 1.0)


HEARD = [
    clip("en/bal.amount#0", "The card ending"),
    clip("en/unit:one", "one"),
    clip("en/bal.amount#1", "has"),
    clip("zh/lang.zh#0", "中文服务，请按一。", whole=False),
]


def test_a_prompt_is_a_line_with_its_values() -> None:
    paper = io.StringIO()
    teller = Teller(Console(file=paper, width=200), quiet=False)
    for one in HEARD:
        teller.heard(one)
    teller.end_line()
    lines = [" ".join(line.split()) for line in paper.getvalue().splitlines()]
    assert lines == ["bal.amount The card ending one has", "lang.zh 中文服务，请按一。 …"]


def test_a_prompt_that_begins_like_others_waits_for_its_name() -> None:
    paper = io.StringIO()
    teller = Teller(Console(file=paper, width=200), quiet=False)
    shared = [
        ClipHeard("en/notice.not_posted#0", "On", True, 1.0, shared=True),
        clip("en/unit:one", "one"),
        ClipHeard("en/notice.not_posted#1", "your transfer", True, 1.0, shared=True),
    ]
    for one in (*shared, clip("en/notice.posted#2", "was made."), *HEARD[:1], *shared):
        teller.heard(one)
    teller.end_line()
    lines = [" ".join(line.split()) for line in paper.getvalue().splitlines()]
    assert lines == [
        "notice.posted On one your transfer was made.",
        "bal.amount The card ending",
        "notice.not_posted? On one your transfer",
    ]


def test_marks_around_values_come_from_the_texts() -> None:
    catalogue = Catalogue.load(seed_dir() / "prompts")
    spoken = {"zh/bal.amount#2": "账面余额为", "en/tr.confirm#2": "another wording"}
    spoken |= {"en/tr.confirm#3": "Press one to confirm, two to change the amount, star to cancel."}
    texts = texts_with_marks(catalogue, BankIndex({}, spoken))
    assert texts["zh/bal.amount#2"] == "，账面余额为"
    assert "en/tr.confirm#2" not in texts, "the recording is older than the text"
    report = CallReport("sip:bank@127.0.0.1")
    for key, text in (("tr.confirm#2", "fee"), ("unit:ten", "ten"), ("unit:yuan", "yuan")):
        report.add(clip(f"en/{key}", text), 0.0)
    report.add(clip("en/tr.confirm#3", texts["en/tr.confirm#3"]), 0.0)
    assert report.prompts[0].words.startswith("fee ten yuan. Press one to confirm, two")


def test_the_report_holds_prompts_with_their_words() -> None:
    report = CallReport("sip:bank@127.0.0.1")
    report.add(clip("zh/unit:一", "一"), 0.0)  # a value alone belongs to no prompt
    for one in HEARD:
        report.add(one, 2.0)
    report.add(clip("en/bal.amount#0", "The card ending"), 3.0)
    assert [(p.prompt, p.words) for p in report.prompts] == [
        ("bal.amount", "The card ending one has"),
        ("lang.zh", "中文服务，请按一。"),
        ("bal.amount", "The card ending"),
    ]
    assert report.heard("lang.zh")
    assert not report.heard("lang.zh", since=2)


@pytest.mark.parametrize(("codec", "law"), [("PCMA", "pcma"), ("PCMU", "pcmu")])
def test_a_recording_is_what_was_sent(tmp_path: Path, codec: str, law: g711.Law) -> None:
    octets = np.random.default_rng(5).integers(0, 256, 1_600, np.uint8)
    recording = Recording()
    for start in range(0, 1_600, 160):
        recording.add(codec, octets[start : start + 160].tobytes())
    recording.write(tmp_path / "heard.wav")
    with wave.open(str(tmp_path / "heard.wav")) as sound:
        assert (sound.getframerate(), sound.getnchannels(), sound.getsampwidth()) == (8_000, 1, 2)
        samples = np.frombuffer(sound.readframes(2_000), np.int16)
    assert np.array_equal(samples, g711.decode(octets, law))


def test_the_loudspeaker_hands_sound_to_aplay(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    player = tmp_path / "aplay"
    player.write_text(f'#!/bin/sh\necho "$@" > {tmp_path}/words\nexec cat > {tmp_path}/sound\n')
    player.chmod(player.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    speaker = Loudspeaker()
    assert speaker.there()
    for number in range(20):
        speaker.play("PCMU", bytes([number]) * 160)
    speaker.close()
    assert "MU_LAW" in (tmp_path / "words").read_text()
    assert (tmp_path / "sound").read_bytes() == b"".join(bytes([n]) * 160 for n in range(20))
