"""A PIN typed before it is asked for: searched by two receivers of keys in the recording as it is
opened, and in what the other leg was sent."""

import asyncio
from pathlib import Path

import numpy as np
import pytest
import soundfile
from numpy.typing import NDArray

from support.media_bridge import Leg, Talker, open_leg, order, talk, tone
from support.media_peer import EVENTS
from telebank import wire
from telebank.media.bench_dtmf_material import Case, line
from telebank.media.bench_dtmf_spandsp import Spandsp
from telebank.media.client import MediaWorkers
from telebank.media.inband import InbandKeys
from telebank.media.inband_values import KeyOn
from telebank.media.keys import DIGITS, TelephoneEvent, build_event
from telebank.media.recording import play
from telebank.rtp import Packet, build

PIN = "918273"
FRAME = 160
ON, OFF = 5, 5
"""Frames of a key, and of the pause after it."""
Samples = NDArray[np.int16]


def keys_in(sound: Samples) -> tuple[str, str]:
    """What our receiver finds, and what spandsp's does."""
    receiver, ours = InbandKeys(1), ""
    for frame in sound[: len(sound) // FRAME * FRAME].reshape(-1, 1, FRAME):
        heard = receiver.hear(frame, np.ones(1, np.bool_))
        ours += "".join(event.key for event in heard if isinstance(event, KeyOn))
    spandsp = Spandsp.load()
    assert spandsp is not None, "libspandsp2 is not installed"
    return ours, spandsp.keys(sound)


def typed(digits: str) -> Samples:
    case = Case("plain", on_ms=20 * ON, off_ms=20 * OFF)
    return line(case, digits, 0, np.random.default_rng(1)).astype(np.int16)


class Gateway(Talker):
    """Sends telephone events, and leaves the keys in the sound as well."""

    def event(self, digit: str, began: int, frame: int) -> None:
        key = TelephoneEvent(DIGITS.index(digit), frame >= ON - 1, 10, FRAME * (frame + 1))
        self.sequence = (self.sequence + 1) & 0xFFFF
        payload = build_event(key)
        self.send(build(Packet(EVENTS, frame == 0, self.sequence, began, self.ssrc, payload)))


async def type_keys(legs: list[Leg], digits: str, *, events: bool) -> None:
    """The first leg types, in real time; the others say what they say."""
    first, loop = legs[0].peer, asyncio.get_running_loop()
    first.say(typed(digits))
    begin = loop.time()
    for tick in range(len(digits) * (ON + OFF)):
        key, frame = divmod(tick, ON + OFF)
        for leg in legs:
            leg.peer.listen()
            leg.peer.speak()
        if frame == 0:
            began = first.timestamp
        if events and frame < ON and isinstance(first, Gateway):
            first.event(digits[key], began, frame)
        await asyncio.sleep(max(0.0, begin + (tick + 1) * 0.02 - loop.time()))
    first.say(np.zeros(8_000, np.int16))


async def conversation(pool: MediaWorkers, path: Path, event_type: int | None) -> list[Leg]:
    """Two legs that hear each other; the first is recorded."""
    a = await open_leg(pool, event_type=event_type)
    a.peer = Gateway(a.channel.port)
    a.channel.set_remote(a.peer.remote(event_type=event_type))
    b = await open_leg(pool, a)
    a.channel.join(1)
    b.channel.join(1)
    a.peer.say(np.zeros(8_000, np.int16))
    b.peer.say(tone(2_000))
    await talk([a, b], 0.6)
    a.channel.send(order(str(path)))
    return [a, b]


async def asked_and_ended(legs: list[Leg]) -> tuple[Samples, wire.CallRecorded]:
    """The node asks for a PIN, finds that all of it was typed, and goes on; what the caller says
    in the recording, opened."""
    a = legs[0]
    await talk(legs, 0.3)
    a.channel.collect(True)
    a.channel.collect(False)
    await talk(legs, 2.5)
    a.channel.close()
    recorded = await a.events.of(wire.CallRecorded)
    flac = Path(recorded.path).with_suffix(".flac")
    play(Path(recorded.path), lambda _: bytes(range(32)), flac)
    sound, _ = soundfile.read(flac, dtype="int16", always_2d=True)
    assert len(sound) > 8_000
    return sound[:, 0], recorded


def test_what_is_typed_here_is_found_by_both_receivers() -> None:
    assert keys_in(typed(PIN)) == (PIN, PIN)


@pytest.mark.parametrize("events", [False, True], ids=["in the sound", "as events too"])
async def test_a_pin_typed_ahead_is_in_no_recording_and_in_nobody_s_ear(
    pool: MediaWorkers, tmp_path: Path, events: bool
) -> None:
    legs = await conversation(pool, tmp_path / "call.rec", EVENTS if events else None)
    await type_keys(legs, PIN, events=events)
    digits = [(await legs[0].events.of(wire.Key)).digit for _ in PIN]
    assert "".join(digits) == PIN
    said, recorded = await asked_and_ended(legs)
    assert keys_in(said) == ("", "")
    assert keys_in(legs[1].peer.audio) == ("", "")
    kinds = {kind for kind, _, _ in recorded.marks}
    assert kinds - {"lost"} == {"secret"}, "sound is lost where a busy machine stops the worker"


async def test_keys_that_come_by_info_and_sound_as_well_are_in_no_recording(
    pool: MediaWorkers, tmp_path: Path
) -> None:
    """The first is known when its INFO has come, so that the other leg has heard that one."""
    legs = await conversation(pool, tmp_path / "call.rec", EVENTS)
    await type_keys(legs, PIN[:1], events=False)
    legs[0].channel.keys_by("info")
    await type_keys(legs, PIN[1:], events=False)
    said, _ = await asked_and_ended(legs)
    assert keys_in(said) == ("", "")
    assert set("".join(keys_in(legs[1].peer.audio))) <= {PIN[0]}
    assert not [event for event in legs[0].events.all if isinstance(event, wire.Key)]
