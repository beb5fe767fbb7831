"""Sound put in order: jitter, loss, restarts, drift, comfort noise; and what is made up for it."""

import random
from collections.abc import Iterable
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from telebank.media.bank import FRAME
from telebank.media.concealment import FADED, HISTORY, MERGE_MOST, Concealer, pitch
from telebank.media.jitter import Case
from telebank.media.listening import RING, Listening, Samples, Tables
from telebank.rtp import Packet
from voice_prompts import g711

TABLES = Tables()
TICK_S = 0.02


def tone(samples: int, hertz: float = 200.0, peak: int = 8_000) -> Samples:
    return (peak * np.sin(2 * np.pi * hertz * np.arange(samples) / 8_000)).astype(np.int16)


def voice(samples: int) -> Samples:
    """Something like a vowel: a pitch that moves, and its overtones."""
    at = np.arange(samples) / 8_000
    phase = 2 * np.pi * np.cumsum(130 + 25 * np.sin(2 * np.pi * 1.5 * at)) / 8_000
    made = np.sum([np.sin(n * phase) / n for n in (1, 2, 3, 5, 8)], axis=0)
    sound: Samples = (5_000 * made).astype(np.int16)
    return sound


def packets(
    sound: Samples, samples: int = FRAME, first: int = 65_500, ssrc: int = 3
) -> list[Packet]:
    """A stream from sequence number and timestamp `first` on, which both wrap soon."""
    octets = g711.encode(sound, "pcma").tobytes()
    return [
        Packet(
            8,
            False,
            (first + n) & 0xFFFF,
            (2**32 - 3_000 + at) & 0xFFFFFFFF,
            ssrc,
            octets[at : at + samples],
        )
        for n, at in enumerate(range(0, len(octets) - samples + 1, samples))
    ]


def hear(
    arrivals: Iterable[tuple[float, Packet]], ticks: int, listening: Listening | None = None
) -> tuple[Samples, np.ndarray, Listening]:
    """What a listener hears of packets that come at such times: samples, and which are real."""
    if listening is None:
        listening = Listening(2, TABLES)
    if 1 not in listening:
        listening.add(1, 0)
    waiting = sorted(arrivals, key=lambda each: each[0])
    samples, real = [], []
    for tick in range(ticks):
        now = tick * TICK_S
        while waiting and waiting[0][0] <= now:
            at, packet = waiting.pop(0)
            listening.put(1, packet, at)
        heard = listening.frames(now)
        assert heard.samples.shape == heard.real.shape == (1, FRAME)
        samples.append(heard.samples[0])
        real.append(heard.real[0])
    return np.concatenate(samples), np.concatenate(real), listening


def timely(stream: list[Packet], start: float = 0.1) -> list[tuple[float, Packet]]:
    step = len(stream[0].payload) / 8_000
    return [(start + n * step, packet) for n, packet in enumerate(stream)]


@pytest.mark.parametrize("packet_ms", [10, 20, 30, 40, 50, 60])
def test_packets_of_any_length_are_heard_whole_and_once(packet_ms: int) -> None:
    sound = voice(8_000 // (packet_ms * 8) * packet_ms * 8)
    samples, real, _ = hear(timely(packets(sound, packet_ms * 8)), 80)
    assert np.array_equal(samples[real], g711.decode(g711.encode(sound, "pcma"), "pcma"))
    assert np.flatnonzero(np.diff(real)).size == 2  # one beginning, one end


def test_laws_are_each_row_s_own() -> None:
    listening = Listening(2, TABLES)
    sound = voice(FRAME)
    for row, law in ((0, "pcmu"), (1, "pcma")):
        listening.add(row, 1 - row)
        octets = g711.encode(sound, law).tobytes()  # type: ignore[arg-type]
        listening.put(row, Packet(8, False, 1, 1, 1, octets), 0.0)
    both = [listening.frames(tick * TICK_S) for tick in range(6)]
    for row, law in ((0, "pcmu"), (1, "pcma")):
        heard = np.concatenate([each.samples[row] for each in both])
        real = np.concatenate([each.real[row] for each in both])
        expected = g711.decode(g711.encode(sound, law), law)  # type: ignore[arg-type]
        assert np.array_equal(heard[real], expected)


def test_jitter_and_reordering_within_reason_lose_nothing() -> None:
    draw = random.Random(4)
    stream = packets(tone(8_000 * 20))
    late = [(at + draw.uniform(0, 0.06), packet) for at, packet in timely(stream)]
    _, real, listening = hear(late, 1_040)
    counts = listening.counts(1)
    assert counts[Case.REPEATED] == counts[Case.RESTARTED] == counts[Case.WILD] == 0
    assert counts[Case.LATE] > 100  # overtaken, most of them in time all the same
    heard = real[8_000 * 2 : 8_000 * 20]  # once the jitter is known
    assert heard.mean() > 0.97
    assert listening.delay(1) < 8 * 90


def test_the_delay_follows_the_jitter_up_and_down() -> None:
    draw = random.Random(4)
    stream = packets(np.zeros(8_000 * 30, np.int16))
    arrivals = [
        (at + draw.uniform(0, 0.12 if 300 < n < 700 else 0.001), packet)
        for n, (at, packet) in enumerate(timely(stream))
    ]
    listening = Listening(2, TABLES)
    _, _, listening = hear(arrivals[:299], 295, listening)
    calm = listening.delay(1)
    first = Listening(2, TABLES)
    hear(arrivals[:700], 695, first)
    second = Listening(2, TABLES)
    hear(arrivals, 1_480, second)
    assert calm <= 400
    assert first.delay(1) > 400
    assert second.delay(1) <= 400


def test_the_four_cases_are_told_apart() -> None:
    stream = packets(tone(8_000 * 2))
    arrivals = timely(stream)
    arrivals.append((arrivals[20][0] + 0.005, stream[20]))  # repeated
    arrivals[30] = (arrivals[30][0] + 0.5, stream[30])  # late by half a second
    del arrivals[40]
    _, _, listening = hear(arrivals, 110)
    counts = listening.counts(1)
    assert counts[Case.REPEATED] == 1
    assert counts[Case.LATE] == 1
    assert counts[Case.MISSING] == 2
    restarted = [
        p._replace(
            sequence=(p.sequence + 9_000) & 0xFFFF, timestamp=(p.timestamp + 2**30) & 0xFFFFFFFF
        )
        for p in packets(tone(8_000))
    ]
    later = [(2.4 + at, packet) for at, packet in timely(restarted)]
    _, real, listening = hear([*timely(stream), *later], 200)
    assert listening.counts(1)[Case.RESTARTED] == 1
    assert real.sum() == 8_000 * 2 + 8_000 - FRAME  # the first of a new stream is not believed


@pytest.mark.parametrize("pause_s", [0.15, 0.4, 0.9, 3.0])
def test_timestamps_that_stand_still_in_a_pause_cost_a_few_packets(pause_s: float) -> None:
    stream = timely(packets(voice(8_000 * 2)))
    later = [(at + pause_s, packet) for at, packet in stream[30:]]
    _, real, _ = hear([*stream[:30], *later], 110 + round(pause_s / TICK_S))
    assert real.sum() >= 8_000 * 2 - 4 * FRAME


def test_a_network_that_stood_still_is_caught_up_with() -> None:
    """A quarter of a second of packets in one burst, then as before."""
    stream = timely(packets(np.zeros(8_000 * 12, np.int16)))
    arrivals = [(max(at, 0.1 + 1.25) if 1.0 < at < 1.4 else at, packet) for at, packet in stream]
    _, real, listening = hear(arrivals, 610)
    assert real.sum() >= 8_000 * 12 - 20 * FRAME
    assert listening.delay(1) <= 8 * 70


def test_a_new_source_is_heard_at_once_and_a_stray_packet_is_not() -> None:
    first, second = packets(voice(8_000)), packets(voice(8_000), first=7, ssrc=4)
    stray = first[10]._replace(timestamp=77, sequence=30_000)
    arrivals = [*timely(first), (0.5, stray), *timely(second, 1.2)]
    _, real, listening = hear(arrivals, 130)
    assert real.sum() == 16_000
    assert listening.counts(1)[Case.WILD] == 1
    assert listening.counts(1)[Case.RESTARTED] == 1


@pytest.mark.parametrize("parts_per_million", [-300, 300])
def test_a_clock_that_runs_fast_or_slow_is_followed(parts_per_million: int) -> None:
    """Two minutes at 300 ppm are 288 samples: nearly two packets too many, or too few."""
    stream = packets(np.zeros(8_000 * 120, np.int16))
    rate = 1 - parts_per_million / 1e6
    arrivals = [(0.1 + n * TICK_S * rate, packet) for n, packet in enumerate(stream)]
    _, real, listening = hear(arrivals, 5_990)
    assert listening.counts(1)[Case.RESTARTED] == 0
    assert real[8_000:].mean() > 0.995
    assert listening.delay(1) <= 8 * 70


def test_a_stopped_worker_goes_on_where_the_clock_is() -> None:
    listening = Listening(2, TABLES)
    arrivals = timely(packets(tone(8_000 * 4)))
    hear(arrivals[:100], 100, listening)
    listening.skip(300)
    for at, packet in arrivals[100:104]:
        listening.put(1, packet, at + 6)
    assert listening.frames(8.0).samples.shape == (1, FRAME)


# -- nothing where nothing is said ----------------------------------------------------------------


def test_silence_that_is_not_sent_is_silence() -> None:
    """A pause of half a second (DTX): timestamps go on, sequence numbers do not jump."""
    stream = packets(voice(8_000))
    after = [p._replace(timestamp=(p.timestamp + 4_000) & 0xFFFFFFFF) for p in stream[25:]]
    arrivals = [
        *timely(stream)[:25],
        *((at + 0.5, p) for (at, _), p in zip(timely(stream)[25:], after, strict=True)),
    ]
    samples, real, listening = hear(arrivals, 100)
    assert listening.counts(1)[Case.MISSING] == 0
    assert real.sum() == 8_000
    gap = np.flatnonzero(~real[np.flatnonzero(real)[0] :]) + np.flatnonzero(real)[0]
    assert np.abs(samples[gap[FADED] : gap[FADED] + 3_000]).max() <= 8  # A-law knows no zero


def test_comfort_noise_is_noise_of_its_level_and_is_not_real() -> None:
    listening = Listening(2, TABLES)
    stream = packets(voice(1_600))
    hear(timely(stream, 0.0), 15, listening)
    listening.noise(1, Packet(13, False, 0, 0, 3, bytes([40, 1, 2])))
    frames = [listening.frames(1 + n * TICK_S) for n in range(50)]
    assert not any(each.real.any() for each in frames)
    sound = np.concatenate([each.samples[0] for each in frames]).astype(float)
    level = 20 * np.log10(np.sqrt((sound**2).mean()) / 32_768)
    assert level == pytest.approx(-40, abs=0.5)
    listening.noise(1, Packet(13, False, 0, 0, 3, b""))
    listening.noise(1, Packet(13, False, 0, 0, 3, b"\xff"))
    assert np.abs(listening.frames(3.0).samples).max() <= 1


def test_a_row_that_has_heard_nothing_is_silent() -> None:
    samples, real, _ = hear([], 5)
    assert not real.any()
    assert not samples.any()


# -- loss concealed -------------------------------------------------------------------------------


def without(stream: list[Packet], lost: Iterable[int]) -> list[tuple[float, Packet]]:
    gone = set(lost)
    return [each for n, each in enumerate(timely(stream)) if n not in gone]


def aligned(sound: Samples, real: np.ndarray) -> slice:
    first = int(np.flatnonzero(real)[0])
    return slice(first, first + len(sound))


def test_a_lost_packet_of_a_voice_is_nearly_what_was_said() -> None:
    sound = voice(8_000 * 4)
    lost = range(20, 190, 10)
    samples, real, _ = hear(without(packets(sound), lost), 240)
    heard = samples[aligned(sound, real)].astype(float)
    missing = ~real[aligned(sound, real)]
    error = (heard - sound)[missing]
    assert missing.sum() == FRAME * len(lost)
    assert (error**2).mean() < 0.3 * (sound[missing].astype(float) ** 2).mean()


def test_nothing_clicks_at_the_edges_of_a_loss() -> None:
    sound = tone(8_000, 150)
    samples, real, _ = hear(without(packets(sound), [20, 21, 30]), 80)
    heard = samples[aligned(sound, real)].astype(int)
    assert np.abs(np.diff(heard)).max() <= 1.6 * np.abs(np.diff(sound.astype(int))).max()


def test_a_long_loss_fades_within_60_ms() -> None:
    sound = tone(8_000)
    samples, real, _ = hear(without(packets(sound), range(20, 30)), 80)
    heard = samples[aligned(sound, real)].astype(int)
    begin = 20 * FRAME
    peaks = [np.abs(heard[begin + at : begin + at + 80]).max() for at in range(0, 640, 80)]
    assert peaks[0] > 7_000
    assert all(later <= earlier * 1.05 for earlier, later in pairwise(peaks))
    assert max(peaks[6:]) <= 8


@pytest.mark.parametrize("hertz", [70, 100, 151, 190])
def test_the_pitch_is_found(hertz: float) -> None:
    saw = (np.arange(HISTORY) * hertz / 8_000 % 1 - 0.5).astype(np.float32) * 8_000
    found = pitch(saw)
    periods = found * hertz / 8_000
    assert abs(periods - round(periods)) < 0.03
    assert round(periods) >= 1


@given(st.integers(0, 2**32 - 1), st.lists(st.integers(1, 200), max_size=8))
def test_a_concealer_takes_any_history(seed: int, takes: list[int]) -> None:
    history = np.random.default_rng(seed).integers(-32_768, 32_767, HISTORY).astype(np.float32)
    concealer = Concealer(history)
    for take in takes:
        made = concealer.next(take)
        assert made.shape == (take,)
        assert np.abs(made).max() <= 32_768
    head = np.ones(40, np.float32)
    concealer.merge(head)
    assert np.isfinite(head).all()


# -- anything at all ------------------------------------------------------------------------------

THROWN = st.tuples(
    st.integers(0, 65_535),
    st.integers(0, 2**32 - 1) | st.integers(0, 4_000),
    st.integers(0, 2),
    st.integers(0, 500),
    st.floats(0, 0.03),
)


@settings(max_examples=200, deadline=None)
@given(
    st.lists(THROWN | st.integers(0, 40) | st.sampled_from(["noise", "skip", "anew"]), max_size=60)
)
def test_whatever_comes_frames_have_their_length(things: list[object]) -> None:
    listening = Listening(2, TABLES)
    listening.add(1, 0)
    ring = listening._ring.nbytes
    now = 0.0
    for thing in things:
        if isinstance(thing, tuple):
            sequence, timestamp, ssrc, length, pause = thing
            now += pause
            listening.put(1, Packet(8, False, sequence, timestamp, ssrc, bytes(length)), now)
        elif thing == "noise":
            listening.noise(1, Packet(13, False, 0, 0, 0, b"\x20"))
        elif thing == "skip":
            listening.skip(RING // FRAME + 3)
        elif thing == "anew":
            listening.remove(1)
            listening.add(1, 1)
        else:
            for _ in range(int(str(thing))):
                now += TICK_S
                heard = listening.frames(now)
                assert heard.samples.shape == heard.real.shape == (1, FRAME)
                assert heard.samples.dtype == np.int16
    assert listening._ring.nbytes == ring
    assert 0 <= listening.delay(1) <= 8_000 * 3


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_any_order_loss_and_repetition_of_a_stream_is_heard_in_its_place(
    data: st.DataObject,
) -> None:
    """Whatever is heard as real is the stream's sound, forwards, no sample twice."""
    count = 60
    sound = (np.arange(count * FRAME) % 251).astype(np.uint8)
    stream = [
        Packet(8, False, n, n * FRAME, 3, sound[n * FRAME : (n + 1) * FRAME].tobytes())
        for n in range(count)
    ]
    arrivals = []
    for at, packet in timely(stream):
        copies = data.draw(st.sampled_from([1, 1, 1, 0, 2]))
        arrivals += [(at + data.draw(st.floats(0, 0.05)), packet) for _ in range(copies)]
    samples, real, listening = hear(arrivals, count + 30)
    assert int(real.sum()) <= len(sound)
    counts = listening.counts(1)
    assert counts[Case.WILD] == counts[Case.RESTARTED] == 0
    octets = g711.encode(samples, "pcma").astype(int)
    edges = [0, *(np.flatnonzero(np.diff(real)) + 1).tolist(), len(real)]
    leaps = 0
    for start, end in pairwise(edges):
        if real[start]:
            steps = np.diff(octets[min(start + MERGE_MOST, end - 1) : end]) % 251
            leaps += int((steps != 1).sum())
    assert leaps <= 3  # where the delay was changed, whole samples are left out
