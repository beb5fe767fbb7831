"""The mix against a reference of single samples; monitors, whispers, sounds, octets."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from telebank.media.bank import FRAME
from telebank.media.mixer import MAX_LEGS, ROLES, Leg, Mixers
from telebank.media.tones import Sounds
from voice_prompts import g711

Samples = NDArray[np.int16]
SOUNDS = Sounds()
DRAW = np.random.default_rng(6)
HEARERS = [name for name, rights in ROLES.items() if rights.hears]


def noise(rows: int) -> Samples:
    return DRAW.integers(-32_768, 32_767, (rows, FRAME)).astype(np.int16)


def heard(mixers: Mixers, samples: dict[int, Samples]) -> dict[int, Samples]:
    rows = np.array(sorted(samples), np.intp)
    block = np.array([samples[row] for row in sorted(samples)], np.int16).reshape(-1, FRAME)
    out, frames = mixers.mix(rows, block)
    return dict(zip(out.tolist(), frames, strict=True))


def reference(legs: list[Leg], samples: dict[int, Samples], leg: Leg) -> Samples:
    total = np.zeros(FRAME, np.int64)
    for other in legs:
        near = other.mixer == leg.mixer and other.row != leg.row
        to_it = other.rights.aside and other.toward == leg.row
        if leg.rights.hears and near and (other.rights.speaks or to_it) and other.row in samples:
            total += samples[other.row]
    return np.clip(total, -32_768, 32_767).astype(np.int16)


@st.composite
def casts(draw: st.DrawFn) -> list[Leg]:
    legs: list[Leg] = []
    for row in draw(st.lists(st.integers(0, 30), unique=True, max_size=14)):
        role, mixer = draw(st.sampled_from(HEARERS)), draw(st.integers(1, 3))
        others = [leg.row for leg in legs if leg.mixer == mixer]
        if role == "whisper" and not others:
            role = "muted"
        toward = draw(st.sampled_from(others)) if role == "whisper" else -1
        legs.append(Leg(row, mixer, role, toward))
    return legs


@settings(max_examples=300, deadline=None)
@given(casts(), st.sets(st.integers(0, 30)))
def test_each_leg_hears_the_sum_of_those_whom_its_role_lets_it_hear(
    legs: list[Leg], silent: set[int]
) -> None:
    mixers = Mixers(SOUNDS)
    for leg in legs:
        mixers.join(leg)
    samples = {row: noise(1)[0] for row in range(31) if row not in silent}
    for _ in range(2):
        frames = heard(mixers, samples)
        assert sorted(frames) == sorted(leg.row for leg in legs)
        for leg in legs:
            assert np.array_equal(frames[leg.row], reference(legs, samples, leg))


@pytest.mark.parametrize("parties", [2, 3])
@pytest.mark.parametrize("watcher", ["monitor", "whisper", "muted"])
def test_a_watcher_changes_no_sample_of_what_those_hear_whom_it_does_not_address(
    parties: int, watcher: str
) -> None:
    samples = {row: noise(1)[0] for row in range(parties + 1)}
    alone, watched = Mixers(SOUNDS), Mixers(SOUNDS)
    for row in range(parties):
        alone.join(Leg(row, 1))
        watched.join(Leg(row, 1))
    watched.join(Leg(parties, 1, watcher, 0 if watcher == "whisper" else -1))
    before, after = heard(alone, samples), heard(watched, samples)
    addressed = {0} if watcher == "whisper" else set()
    for row in range(parties):
        assert np.array_equal(before[row], after[row]) == (row not in addressed)
    whole = np.clip(sum(samples[row].astype(int) for row in range(parties)), -32_768, 32_767)
    assert np.array_equal(after[parties], whole)


@pytest.mark.parametrize("law", [0, 1])
def test_between_two_parties_octets_come_out_as_they_went_in(law: int) -> None:
    name = g711.LAWS[law]
    octets = np.resize(np.arange(256, dtype=np.uint8), (1, FRAME * 2))[:, :FRAME]
    every = np.concatenate([octets, (octets + np.uint8(FRAME))])
    mixers = Mixers(SOUNDS)
    mixers.join(Leg(0, 1))
    mixers.join(Leg(1, 1))
    for frame in every:
        frames = heard(mixers, {0: g711.decode(frame, name)})
        out = mixers.encode(frames[1], law)
        same = out == frame
        # mu-law has two zeros, of which the negative one comes out as the positive
        assert set(frame[~same].tolist()) <= ({0x7F} if name == "pcmu" else set())
        assert not frames[0].any()


def test_a_leg_on_music_hears_it_in_a_loop_and_is_heard_by_nobody() -> None:
    sounds = Sounds()
    music = noise(3)
    sounds.add("music", music.reshape(-1)[: 2 * FRAME + 40])
    music[2, 40:] = 0
    mixers = Mixers(sounds)
    mixers.join(Leg(0, 1))
    mixers.join(Leg(1, 1))
    heard(mixers, {0: noise(1)[0]})
    mixers.join(Leg(0, 1, "music", sound="music"))
    for tick in range(7):
        frames = heard(mixers, {0: noise(1)[0], 1: noise(1)[0]})
        assert np.array_equal(frames[0], music[tick % 3])
        assert not frames[1].any()
    assert not mixers.listens(0)
    mixers.join(Leg(0, 1))
    voice = noise(1)[0]
    assert np.array_equal(heard(mixers, {0: voice})[1], voice)


def test_a_beep_is_heard_once() -> None:
    mixers = Mixers(SOUNDS)
    mixers.join(Leg(4, 1, "tone", sound="beep"))
    levels = [int(np.abs(heard(mixers, {})[4]).max()) for _ in range(40)]
    assert all(level > 1_000 for level in levels[:10])
    assert not any(levels[11:])


def test_mixers_are_apart_and_who_left_is_heard_no_more() -> None:
    mixers = Mixers(SOUNDS)
    for row in range(4):
        mixers.join(Leg(row, row // 2))
    samples = {row: noise(1)[0] for row in range(4)}
    frames = heard(mixers, samples)
    assert [np.array_equal(frames[row], samples[row ^ 1]) for row in range(4)] == [True] * 4
    mixers.leave(0)
    mixers.leave(0)
    frames = heard(mixers, samples)
    assert sorted(frames) == [1, 2, 3]
    assert not frames[1].any()
    assert [leg.row for leg in mixers.of(1)] == [2, 3]


def test_a_whisper_for_one_who_left_is_heard_by_nobody() -> None:
    mixers = Mixers(SOUNDS)
    mixers.join(Leg(0, 1))
    mixers.join(Leg(1, 1))
    mixers.join(Leg(2, 1, "whisper", 0))
    mixers.leave(0)
    frames = heard(mixers, {2: noise(1)[0]})
    assert not frames[1].any()
    mixers.join(Leg(0, 1))  # another call, in the same row
    assert not heard(mixers, {2: noise(1)[0]})[0].any()


def test_a_whisper_goes_on_when_its_listener_changes_its_part() -> None:
    mixers = Mixers(SOUNDS)
    mixers.join(Leg(0, 1))
    mixers.join(Leg(1, 1))
    mixers.join(Leg(2, 1, "whisper", 0))
    mixers.join(Leg(0, 1, "muted"))
    whisper = noise(1)[0]
    assert np.array_equal(heard(mixers, {2: whisper})[0], whisper)
    mixers.join(Leg(0, 2))
    assert not heard(mixers, {2: whisper})[0].any()


def test_what_cannot_be_is_refused() -> None:
    mixers = Mixers(SOUNDS)
    mixers.join(Leg(0, 1))
    for leg, why in [
        (Leg(1, 1, "choir"), "no role"),
        (Leg(1, 2, "whisper", 0), "not in its mixer"),
        (Leg(0, 1, "whisper", 0), "not in its mixer"),
        (Leg(1, 1, "tone", sound="gong"), "no sound"),
    ]:
        with pytest.raises(ValueError, match=why):
            mixers.join(leg)
    for row in range(1, MAX_LEGS):
        mixers.join(Leg(row, 1))
    with pytest.raises(ValueError, match="the most"):
        mixers.join(Leg(MAX_LEGS, 1))
    mixers.join(Leg(3, 1, "muted"))
    loud = {row: np.full(FRAME, -32_768, np.int16) for row in range(MAX_LEGS)}
    assert heard(mixers, loud)[3].tolist() == [-32_768] * FRAME
