"""Recording codes, the sound of a notice, and what a call plays before its menus."""

import asyncio
import stat
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast

import numpy as np
import pytest

from telebank import wire
from telebank.calls import notice_sound as sound
from telebank.calls.aside import Aside
from telebank.calls.clip import Clip, Taped
from telebank.calls.leg import Leg
from telebank.calls.notice_codes import HELD_MAX, VALID_S, WRONG_MAX, Permit, RecordingCodes
from telebank.flow.commands import Say
from telebank.media.bank import FRAME, Bank
from transactions.approval import Actor
from transactions.secret import Secret
from voice_prompts import g711

WU = Permit(Actor("wu", "supervisor", "desk"), "zh")


def other(code: str) -> Secret:
    """A wrong code."""
    return Secret(f"{(int(code) + 1) % 10**8:08d}")


def test_a_code_is_taken_once_and_wiped() -> None:
    codes = RecordingCodes()
    code = codes.draw(WU, 0.0)
    digits = code.reveal()
    assert len(digits) == 8
    assert codes.take(other(digits), 1.0) is None
    assert codes.take(Secret(digits), 2.0) == WU
    assert len(code) == 0
    assert codes.take(Secret(digits), 3.0) is None


def test_a_code_is_over_by_time_by_another_of_the_same_person_and_by_mistakes() -> None:
    codes = RecordingCodes()
    first = codes.draw(WU, 0.0).reveal()
    assert codes.take(Secret(first), VALID_S) is None
    second = codes.draw(WU, VALID_S).reveal()
    third = codes.draw(WU, VALID_S)
    assert len(codes) == 1
    assert second == third.reveal() or codes.take(Secret(second), VALID_S) is None
    digits = third.reveal()
    for _ in range(WRONG_MAX):
        codes.take(other(digits), VALID_S)
    assert (len(codes), len(third)) == (0, 0)
    people = [Permit(Actor(f"p{number}", "supervisor", ""), "en") for number in range(20)]
    for person in people:
        codes.draw(person, VALID_S)
    assert len(codes) == HELD_MAX


def tone(frames: int, law: g711.Law) -> bytes:
    """A loud sound in one law."""
    wave = 8_000 * np.sin(np.arange(frames * FRAME) * 0.4)
    return g711.encode(wave.astype(np.int16), law).tobytes()


@pytest.mark.parametrize("law", g711.LAWS)
def test_silence_at_the_ends_is_cut_off_and_the_rest_is_kept_whole(law: g711.Law) -> None:
    quiet, loud = bytes([g711.SILENCE[law]]) * FRAME, tone(50, law)
    said = quiet * 100 + loud + quiet * 30 + loud + quiet * 200
    made = sound.recording_of(said, law.upper())
    assert made.samples == (50 + 30 + 50 + 30) * FRAME
    mine = made.octets[g711.LAWS.index(law)]
    assert loud + quiet * 30 + loud in mine
    assert sound.recording_of(quiet * 500, law.upper()).samples == 0
    assert sound.recording_of(b"", law.upper()).samples == 0


def test_a_recording_is_a_bank_of_its_hash_that_nobody_else_reads(tmp_path: Path) -> None:
    made = sound.recording_of(tone(60, "pcma"), "PCMA")
    folder = sound.write(made, tmp_path / "notices")
    assert folder.name == made.content
    assert Bank.open(folder).samples == made.samples
    files = sorted(folder.iterdir())
    assert {stat.S_IMODE(file.stat().st_mode) for file in files} == {0o600}
    assert sound.intact(folder)
    files[0].write_bytes(files[0].read_bytes()[:-1] + b"\x00")
    assert not sound.intact(folder)
    sound.drop_others(tmp_path / "notices", {made.content})
    assert folder.exists()
    sound.drop_others(tmp_path / "notices", set())
    assert not folder.exists()


@dataclass
class Wire:
    """What a channel is told."""

    plays: list[tuple[int, int]] = field(default_factory=list)
    """Token and bank."""
    records: list[int] = field(default_factory=list)
    stopped: int = 0

    def play(self, segments: Sequence[tuple[int, int]], keys: str, token: int, bank: int) -> None:
        self.plays.append((token, bank))

    def record(self, token: int, most: int) -> None:
        self.records.append(token)

    def stop_record(self) -> None:
        self.stopped += 1


@dataclass
class Party:
    """As much of a leg as is asked here."""

    channel: Wire | None


@pytest.fixture
def channel() -> Wire:
    return Wire()


@pytest.fixture
def aside(channel: Wire) -> Aside:
    """Of a bank whose notice in Mandarin is bank 5."""
    leg = cast("Leg", Party(channel))
    return Aside(leg, lambda language: Clip(5, 800) if language == "zh" else None)


def prompt(token: int, language: str = "zh") -> Say:
    """A prompt that keys stop."""
    return Say((), "123", token, "zh" if language == "zh" else "en")


def ended(token: int, reason: str) -> wire.PlayEnded:
    return wire.PlayEnded(token=token, reason=reason, played=800)


@pytest.mark.parametrize("reason", ["done", "stopped"])
def test_a_notice_goes_once_before_the_first_menu(aside: Aside, channel: Wire, reason: str) -> None:
    aside.say(prompt(1), (), 0, menu=True)  # the choice of the language
    aside.chose_language()
    aside.say(prompt(2), (), 0, menu=False)
    menu = prompt(3)
    aside.say(menu, (), 0, menu=True)
    assert channel.plays == [(1, 0), (2, 0), (-3, 5)]
    assert not aside.ended(ended(2, "replaced"), menu)
    assert aside.ended(ended(-3, reason), menu)
    aside.say(prompt(4), (), 0, menu=True)
    assert channel.plays[3:] == [(3, 0), (4, 0)]


def test_a_key_stops_it_with_its_menu_and_a_later_prompt_replaces_it(
    aside: Aside, channel: Wire
) -> None:
    aside.chose_language()
    menu, later = prompt(1), prompt(2)
    aside.say(menu, (), 0, menu=True)
    assert aside.ended(ended(-1, "key"), menu)
    aside.say(later, (), 0, menu=True)
    assert aside.ended(ended(-1, "replaced"), later)
    assert channel.plays == [(-1, 5), (2, 0)]


def test_there_may_be_none_in_a_language(aside: Aside, channel: Wire) -> None:
    aside.chose_language()
    aside.say(prompt(1, "en"), (), 0, menu=True)
    assert channel.plays == [(1, 0)]


async def test_a_recording_is_waited_for_and_ends_with_its_key(aside: Aside, channel: Wire) -> None:
    assert not aside.takes("#")
    assert await aside.record(60, 0.0) == "more"
    assert channel.records == [1]
    assert aside.takes("5")
    assert aside.takes("#")
    assert channel.stopped == 1
    waiting = asyncio.ensure_future(aside.record(60, 10))
    await asyncio.sleep(0)
    aside.recorded(wire.Recorded(token=1, codec="PCMA", octets=b"ab", last=False))
    aside.recorded(wire.Recorded(token=1, codec="PCMA", octets=b"cd", last=True))
    assert await waiting == Taped(b"abcd", "PCMA")
    assert channel.records == [1]
    assert not aside.takes("#")


async def test_a_line_that_is_gone_recorded_nothing(aside: Aside) -> None:
    waiting = asyncio.ensure_future(aside.record(60, 10))
    await asyncio.sleep(0)
    aside.close()
    assert await waiting is None
