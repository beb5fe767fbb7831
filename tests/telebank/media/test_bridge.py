"""One slot's bridge without sockets: who hears whom, secret keys, what recordings get."""

import numpy as np
import pytest
from numpy.typing import NDArray

from telebank.media import writing
from telebank.media.bank import FRAME, SILENCE
from telebank.media.bench_dtmf_spandsp import Spandsp
from telebank.media.bridge import Bridge
from telebank.media.inband import InbandKeys
from telebank.media.inband_values import KeyOn
from telebank.media.mixer import Leg
from telebank.media.recorder import BEFORE, HELD, PIECE
from telebank.media.secrecy import CLEAR, HOLD_OVER, LAG, key_like
from telebank.media.tones import Sounds
from voice_prompts import g711

Samples = NDArray[np.int16]
ROWS = 8
PIN = "918273645501"
LOW, HIGH = (697, 770, 852, 941), (1_209, 1_336, 1_477, 1_633)
KEYS = ("123A", "456B", "789C", "*0#D")
DRAW = np.random.default_rng(12)


def dtmf(digit: str, ms: int = 100, peak: float = 5_000) -> Samples:
    [(row, column)] = [(r, line.index(digit)) for r, line in enumerate(KEYS) if digit in line]
    times = np.arange(ms * 8) / 8_000
    wave = np.sin(2 * np.pi * LOW[row] * times) + np.sin(2 * np.pi * HIGH[column] * times)
    return np.rint(peak * wave).astype(np.int16)


def keyed(digits: str, pause_ms: int = 100) -> Samples:
    pause = np.zeros(pause_ms * 8, np.int16)
    return np.concatenate([piece for digit in digits for piece in (dtmf(digit), pause)])


def frames(sound: Samples) -> Samples:
    padded = np.zeros(-(-len(sound) // FRAME) * FRAME, np.int16)
    padded[: len(sound)] = sound
    return padded.reshape(-1, FRAME)


def ours(sound: Samples) -> str:
    keys, found = InbandKeys(1), ""
    for frame in frames(sound):
        heard = keys.hear(frame[None], np.ones(1, np.bool_))
        found += "".join(event.key for event in heard if isinstance(event, KeyOn))
    return found


def theirs(sound: Samples) -> str:
    spandsp = Spandsp.load()
    assert spandsp is not None, "libspandsp2 is not installed"
    return spandsp.keys(sound)


class House:
    """A bridge and the arrays of a slot; every row sends A-law."""

    def __init__(self) -> None:
        self.given: list[writing.ToWriter] = []
        self.bridge = Bridge(ROWS, Sounds(), self.given.append)
        self.payload = np.full((ROWS, FRAME), SILENCE[0], np.uint8)
        self.laws = np.zeros(ROWS, np.intp)
        self.playing = np.zeros(ROWS, np.bool_)
        self.sending = np.ones(ROWS, np.bool_)
        self.keyed = np.zeros(ROWS, np.bool_)
        self.sent: list[NDArray[np.uint8]] = []

    def tick(self, **said: Samples) -> None:
        """`r0=frame`: row 0 says it."""
        rows = sorted(int(name[1:]) for name in said)
        block = np.array([said[f"r{row}"] for row in rows], np.int16).reshape(-1, FRAME)
        self.bridge.hear(np.array(rows, np.intp), block, self.keyed)
        self.bridge.fill(self.payload, self.laws, self.playing)
        self.sent.append(self.payload.copy())
        self.bridge.keep(self.payload, self.laws, self.sending)

    def heard(self, row: int) -> Samples:
        return np.concatenate([g711.decode(payload[row], "pcma") for payload in self.sent])

    def recorded(self, number: int = 1) -> Samples:
        pieces = [m for m in self.given if isinstance(m, writing.Sound) and m.number == number]
        at = 0
        for piece in pieces:
            assert piece.at == at
            at += len(piece.samples) // 4
        return np.frombuffer(b"".join(p.samples for p in pieces), np.int16).reshape(-1, 2)

    def marks(self, kind: str) -> list[tuple[int, int]]:
        found = [m for m in self.given if isinstance(m, writing.Left) and m.kind == kind]
        return [(mark.start // FRAME, mark.end // FRAME) for mark in found]


def four(house: House) -> None:
    """A customer, a teller, a coach who whispers to the teller, a monitor; two are recorded."""
    for leg in (Leg(0, 1), Leg(1, 1), Leg(2, 1, "whisper", 1), Leg(3, 1, "monitor")):
        house.bridge.join(leg)
    house.bridge.record(0, 1, 8_000 * 600)
    house.bridge.record(1, 2, 8_000 * 600)


def test_the_keys_of_these_tests_are_heard_where_nothing_covers_them() -> None:
    house = House()
    four(house)
    for frame in frames(keyed(PIN)):
        house.tick(r0=frame)
    house.bridge.stop(0)
    house.bridge.stop(1)
    for sound in (house.heard(1), house.heard(3), house.recorded(1)[:, 0], house.recorded(2)[:, 1]):
        assert ours(sound) == theirs(sound) == PIN


@pytest.mark.parametrize("after", [0, 1, 7, 20])
def test_secret_keys_are_in_nothing_that_others_or_recordings_get(after: int) -> None:
    """`after`: frames that the last key still sounds after the entry is over."""
    house = House()
    four(house)
    voice = frames(DRAW.normal(0, 900, 8_000).astype(np.int16))
    for frame in voice:
        house.tick(r0=frame, r1=frame, r2=frame)
    before = len(house.sent)
    house.bridge.secret(0, secret=True)
    entry = frames(np.concatenate([keyed(PIN), dtmf("7", 20 * after + 300)]))
    for index, frame in enumerate(entry):
        if index == len(entry) - 15:
            house.bridge.secret(0, secret=False)
        house.tick(r0=frame, r1=voice[0], r2=voice[1])
    for _ in range(HOLD_OVER + CLEAR):
        house.tick(r0=np.zeros(FRAME, np.int16), r1=voice[0], r2=voice[1])
    covered_until = len(house.sent)
    for frame in voice:
        house.tick(r0=frame)
    house.bridge.stop(0)
    house.bridge.stop(1)
    alone = house.recorded(1)[:, 0][before * FRAME : covered_until * FRAME]
    for sound in (house.heard(1), house.heard(2), house.heard(3), *house.recorded(1).T, alone):
        assert ours(sound) == theirs(sound) == ""
    assert not ours(house.recorded(2)[:, 0]) + ours(house.recorded(2)[:, 1])
    assert np.unique(np.abs(alone[: len(entry) * FRAME])).max() < 900  # the flat tone, all of it
    [(start, end)] = house.marks("secret")
    assert start == before - BEFORE
    assert before + len(entry) + CLEAR <= end <= covered_until
    assert np.array_equal(
        house.recorded(1)[:, 0][covered_until * FRAME :].reshape(-1, FRAME), voice
    )


def test_the_customer_hears_the_others_while_the_keys_are_covered() -> None:
    house = House()
    four(house)
    house.bridge.secret(0, secret=True)
    word = g711.decode(np.arange(FRAME, dtype=np.uint8), "pcma")
    house.tick(r0=dtmf("5", 20), r1=word)
    assert np.array_equal(house.heard(0), word)


def test_what_sounds_like_a_key_keeps_the_cover_on_and_speech_does_not() -> None:
    assert all(key_like(frame) for frame in frames(dtmf("0", 400, 200)))
    assert not key_like(np.zeros(FRAME, np.int16))
    house = House()
    house.bridge.join(Leg(0, 1))
    house.bridge.join(Leg(1, 1))
    house.bridge.secret(0, secret=True)
    house.bridge.secret(0, secret=False)
    for frame in frames(dtmf("5", 4_000)):  # a key held down for four seconds
        house.tick(r0=frame)
    assert not ours(house.heard(1))
    house.bridge.secret(0, secret=False)
    for _ in range(CLEAR):
        house.tick(r0=np.zeros(FRAME, np.int16))
    word = g711.decode(np.arange(FRAME, dtype=np.uint8), "pcma")
    house.tick(r0=word)
    assert np.array_equal(house.heard(1)[-FRAME:], word)


def test_a_new_entry_within_the_hold_over_is_covered_whole() -> None:
    house = House()
    house.bridge.join(Leg(0, 1))
    house.bridge.join(Leg(1, 1))
    house.bridge.secret(0, secret=True)
    house.bridge.secret(0, secret=False)
    house.tick(r0=np.zeros(FRAME, np.int16))
    house.bridge.secret(0, secret=True)
    for frame in frames(np.concatenate([np.zeros(16_000, np.int16), keyed(PIN)])):
        house.tick(r0=frame)
    assert ours(house.heard(1)) == ""


def test_a_recording_is_what_was_said_and_what_was_sent_side_by_side() -> None:
    house = House()
    house.bridge.record(4, 3, 8_000 * 600)
    said = frames(DRAW.integers(-3_000, 3_000, 90 * FRAME).astype(np.int16))
    sent = DRAW.integers(0, 255, (90, FRAME)).astype(np.uint8)
    for tick, (left, right) in enumerate(zip(said, sent, strict=True)):
        house.payload[4] = right
        house.sending[4] = not 60 <= tick < 70
        if 20 <= tick < 30:
            house.tick()  # nothing came
        else:
            house.tick(r4=left)
    house.bridge.stop(4)
    recording = house.recorded(3).reshape(90, FRAME, 2)
    for tick in range(90):
        left = np.zeros(FRAME) if 20 <= tick < 30 else said[tick]
        right = g711.decode(sent[tick], "pcma")
        if 60 <= tick < 70:
            right = np.full(FRAME, g711.decode(SILENCE[:1], "pcma")[0])
        assert np.array_equal(recording[tick, :, 0], left)
        assert np.array_equal(recording[tick, :, 1], right)
    assert house.given[-1] == writing.End(number=3)


def test_a_pause_is_silence_on_both_sides_and_listed() -> None:
    house = House()
    house.bridge.record(0, 1, 8_000 * 600)
    house.payload[0] = 7
    loud = np.full(FRAME, 5_000, np.int16)
    for tick in range(120):
        if tick in {40, 41, 100}:
            house.bridge.pause(0, paused=True)
        if tick == 70:
            house.bridge.pause(0, paused=False)
        house.tick(r0=loud)
    house.bridge.stop(0)
    recording = house.recorded().reshape(120, FRAME, 2)
    silent = [tick for tick in range(120) if not recording[tick].any()]
    assert silent == [*range(40, 70), *range(100, 120)]
    assert house.marks("paused") == [(40, 70), (100, 120)]


def test_frames_left_out_leave_a_gap_for_the_writer() -> None:
    house = House()
    house.bridge.record(0, 1, 8_000 * 600)
    for _ in range(3):
        house.tick(r0=np.ones(FRAME, np.int16))
    house.bridge.skip(50)
    house.tick(r0=np.ones(FRAME, np.int16))
    house.bridge.stop(0)
    sounds = [m for m in house.given if isinstance(m, writing.Sound)]
    assert [sound.at // FRAME for sound in sounds] == [0, 53]


def test_a_recording_ends_at_its_longest() -> None:
    house = House()
    house.bridge.record(0, 1, 8_000)
    for _ in range(100):
        house.tick(r0=np.ones(FRAME, np.int16))
    assert len(house.recorded()) == 8_000
    last = house.given[-1]
    assert isinstance(last, writing.End)
    assert last.cut
    assert not house.bridge.recorded(0)


class Ears:
    """Looks for keys in what row 0 says, as a worker does: before the bridge hears it."""

    def __init__(self, house: House) -> None:
        self._house = house
        self._keys = InbandKeys(1)
        house.keyed[0] = True

    def tick(self, frame: Samples) -> None:
        for event in self._keys.hear(frame[None], np.ones(1, np.bool_)):
            if isinstance(event, KeyOn):
                self._house.bridge.doubt(0)
        self._house.tick(r0=frame)


@pytest.mark.parametrize("shift", range(0, FRAME, 40))
@pytest.mark.parametrize("pause_ms", [60, 1_700])
def test_keys_typed_before_they_are_asked_for_are_in_nothing_either(
    shift: int, pause_ms: int
) -> None:
    """Quickly, and so slowly that each is covered by itself; wherever in a frame they begin."""
    house = House()
    four(house)
    ears = Ears(house)
    sound = keyed(PIN[:6], pause_ms)
    ahead = frames(np.concatenate([np.zeros(8_000 + shift, np.int16), sound]))
    for frame in ahead:
        ears.tick(frame)
    house.bridge.secret(0, secret=True)
    for _ in range(5):
        ears.tick(np.zeros(FRAME, np.int16))
    house.bridge.secret(0, secret=False)
    for _ in range(HELD + HOLD_OVER + CLEAR):
        ears.tick(np.zeros(FRAME, np.int16))
    house.bridge.stop(0)
    house.bridge.stop(1)
    assert ours(ahead.reshape(-1)) == PIN[:6]
    for sound in (house.heard(1), house.heard(3), house.recorded(1)[:, 0], house.recorded(2)[:, 1]):
        assert ours(sound) + theirs(sound) == ""
    assert np.abs(house.heard(1)).max() < 1_000  # the tone that covers: nothing leaks at all
    assert house.marks("secret")


def test_what_was_said_before_a_key_is_taken_back_from_the_recording_and_no_more() -> None:
    house = House()
    house.bridge.record(0, 1, 8_000 * 600)
    said = frames(DRAW.integers(100, 3_000, 300 * FRAME).astype(np.int16))
    for tick, frame in enumerate(said):
        if tick == 120:  # the packets of an event, the first of them lost
            house.bridge.doubt(0)
        house.tick(r0=frame)
    house.bridge.stop(0)
    alone = house.recorded()[:, 0].reshape(-1, FRAME)
    assert np.array_equal(alone[: 120 - BEFORE], said[: 120 - BEFORE])
    assert not alone[120 - BEFORE : 120].any()
    assert np.unique(np.abs(alone[120 : 120 + HOLD_OVER])).max() < 900
    assert np.array_equal(alone[-HELD:], said[-HELD:])
    [(start, end)] = house.marks("secret")
    assert start == 120 - BEFORE
    assert end >= 120 + HOLD_OVER - 1


def test_a_second_is_held_back_and_memory_is_as_counted() -> None:
    house = House()
    house.bridge.record(0, 5, 8_000 * 600)  # 5: handed over with the first group
    for tick in range(1, 1_000):
        house.tick(r0=np.full(FRAME, tick, np.int16))
        gone = len(house.recorded(5)) // FRAME
        assert min(tick, HELD) <= tick - gone < HELD + PIECE
    house.bridge.stop(0)
    assert np.array_equal(house.recorded(5)[::FRAME, 0], np.arange(1, 1_000))


def test_nobody_is_covered_for_a_key_that_nobody_hears() -> None:
    house = House()
    word = g711.decode(np.arange(FRAME, dtype=np.uint8), "pcma")
    house.bridge.doubt(0)
    house.bridge.join(Leg(0, 1))
    house.bridge.join(Leg(1, 1))
    house.tick(r0=word)
    assert np.array_equal(house.heard(1), word)


def test_a_caller_whose_keys_sound_is_heard_a_little_later_and_nothing_of_a_former_call() -> None:
    house = House()
    house.bridge.join(Leg(0, 1))
    house.bridge.join(Leg(1, 1))
    said = frames(g711.decode(DRAW.integers(0, 255, 40 * FRAME).astype(np.uint8), "pcma"))
    house.keyed[0] = True
    for frame in said[:20]:
        house.tick(r0=frame)
    assert np.array_equal(house.heard(1)[LAG * FRAME :], said[: 20 - LAG].reshape(-1))
    house.keyed[0] = False
    house.tick(r0=said[20])
    house.keyed[0] = True
    del house.sent[:]
    for frame in said[21:]:
        house.tick(r0=frame)
    assert np.abs(house.heard(1)[: LAG * FRAME]).max() <= 8
    assert np.array_equal(house.heard(1)[LAG * FRAME :], said[21 : 40 - LAG].reshape(-1))


def test_a_clip_that_plays_goes_before_the_mix() -> None:
    house = House()
    house.bridge.join(Leg(0, 1))
    house.bridge.join(Leg(1, 1))
    house.laws[1] = 1
    word = g711.decode(np.arange(FRAME, dtype=np.uint8), "pcma")
    house.playing[0] = True
    house.payload[0] = 33
    house.tick(r0=word, r1=word)
    assert set(house.payload[0].tolist()) == {33}
    assert np.array_equal(house.payload[1], g711.encode(word, "pcmu"))
    house.playing[0] = False
    house.tick(r0=word, r1=word)
    assert np.array_equal(house.payload[0], np.arange(FRAME))


def test_whom_nobody_hears_is_not_listened_to() -> None:
    house = House()
    bridge = house.bridge
    four(house)
    assert [bridge.wants(row) for row in range(4)] == [True, True, True, False]
    bridge.join(Leg(1, 1, "music", sound="music"))
    assert bridge.wants(1)  # it is being recorded
    bridge.stop(1)
    assert not bridge.wants(1)
    bridge.forget(0)
    assert (bridge.wants(0), bridge.joined(0), bridge.recorded(0)) == (False, False, False)
