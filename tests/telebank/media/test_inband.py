"""Keys in the audio: at the edges of what is a key, beyond them, and through what lines do."""

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from telebank.media.bench_dtmf import heard_keys
from telebank.media.bench_dtmf_material import (
    ALL_KEYS,
    Block,
    Case,
    cases,
    line,
    lines,
    stacked,
    through,
    tones,
)
from telebank.media.inband import InbandKeys
from telebank.media.inband_bank import FRAME
from telebank.media.inband_values import Event, KeyOff, KeyOn

MS = 8
"""Samples."""


def hear(rows: Block, lost: Sequence[int] = (), receiver: InbandKeys | None = None) -> list[Event]:
    """All that is heard in (rows, whole frames); the frames numbered in `lost` never came."""
    receiver = receiver or InbandKeys(len(rows))
    events: list[Event] = []
    for tick in range(rows.shape[1] // FRAME):
        active = np.full(len(rows), tick not in lost)
        events += receiver.hear(rows[:, tick * FRAME : (tick + 1) * FRAME], active)
    return events


def pressed(events: Sequence[Event], row: int = 0) -> str:
    return "".join(event.key for event in events if isinstance(event, KeyOn) and event.row == row)


def keyed(case: Case, keys: str, lead: int = 800, seed: int = 1) -> Block:
    """(1, whole frames) through A-law."""
    return stacked([through(line(case, keys, lead, np.random.default_rng(seed)), "pcma")])


@pytest.mark.parametrize("case", list(cases()), ids=lambda case: case.name)
def test_the_edges_of_q24(case: Case) -> None:
    """Every key twice, at eight places of a frame, through both laws."""
    material = lines(case)
    assert heard_keys(material.rows) == list(material.wanted)


# -- one key, anywhere inside and outside ---------------------------------------------------------


@st.composite
def keys_inside(draw: st.DrawFn) -> Case:
    low = draw(st.floats(-30, -3))
    high = draw(st.floats(max(-30, low - 8), min(-3, low + 8)))
    off = st.floats(-0.015, 0.015)
    return Case(
        "inside",
        low,
        high,
        draw(off),
        draw(off),
        on_ms=draw(st.floats(40, 120)),
        noise_db=draw(st.none() | st.floats(15, 60)),
        offset=draw(st.integers(-100, 100)),
    )


@st.composite
def keys_outside(draw: st.DrawFn) -> Case:
    """One thing is wrong with it."""
    inside, far = (
        Case("outside", on_ms=draw(st.floats(40, 120)), keys=False),
        st.floats(0.035, 0.05),
    )
    signed = draw(far) * draw(st.sampled_from((-1, 1)))
    wrong = (
        Case("low tone", low_off=signed, on_ms=inside.on_ms),
        Case("high tone", high_off=signed, on_ms=inside.on_ms),
        Case("short", on_ms=draw(st.floats(1, 23))),
        Case("faint", low=-42, high=draw(st.floats(-60, -38))),
        Case("twisted", low=-8, high=-8 - draw(st.floats(13, 40))),
        Case("twisted the other way", low=-8 - draw(st.floats(13, 40)), high=-8),
        Case("noise", noise_db=draw(st.floats(-10, 4)), on_ms=inside.on_ms),
    )
    return draw(st.sampled_from(wrong))


@given(keys_inside(), st.sampled_from(ALL_KEYS), st.integers(0, 4 * FRAME), st.integers(0, 99))
@settings(deadline=None, max_examples=50)
def test_a_key_inside_is_one_key(case: Case, key: str, lead: int, seed: int) -> None:
    events = hear(keyed(case, key, lead, seed))
    on, off = events
    assert isinstance(on, KeyOn)
    assert isinstance(off, KeyOff)
    assert (on.key, off.key) == (key, key)
    assert on.at == pytest.approx(lead, abs=60)
    assert off.at == pytest.approx(lead + case.on_ms * MS, abs=60)
    assert off.duration == off.at - on.at
    power = 10 ** (case.low / 10) + 10 ** (case.high / 10)
    assert on.dbm0 == pytest.approx(10 * np.log10(power), abs=1.5)


@given(keys_outside(), st.sampled_from(ALL_KEYS), st.integers(0, 4 * FRAME), st.integers(0, 99))
@settings(deadline=None, max_examples=50)
def test_what_is_outside_is_no_key(case: Case, key: str, lead: int, seed: int) -> None:
    assert hear(keyed(case, key, lead, seed)) == []


@given(st.data())
@settings(deadline=None, max_examples=50)
def test_nothing_that_can_arrive_breaks_it(data: st.DataObject) -> None:
    """Frames of noise of any size, of extremes, and of whatever else; in any rows."""
    receiver = InbandKeys(3)
    extremes = np.array([-32_768, 32_767, 0, 1], np.int16)
    for _ in range(data.draw(st.integers(1, 6))):
        random = np.random.default_rng(data.draw(st.integers(0, 2**32)))
        loud = data.draw(st.integers(1, 32_767))
        block = random.integers(-loud, loud, (3, FRAME), dtype=np.int16)
        block[1] = random.choice(extremes, FRAME)
        block[2] = np.frombuffer(data.draw(st.binary(min_size=2, max_size=2)) * FRAME, np.int16)
        active = np.array(data.draw(st.lists(st.booleans(), min_size=3, max_size=3)))
        with np.errstate(all="raise"):
            assert receiver.hear(block, active) == []


# -- a line of keys -------------------------------------------------------------------------------


def gapped(key: str, gap_ms: float, then: str) -> Block:
    """A key, silence, and a key."""
    random = np.random.default_rng(3)
    pair = [tones(Case("", on_ms=100), each, random) for each in (key, then)]
    quiet = np.zeros(800)
    samples = np.concatenate([quiet, pair[0], np.zeros(round(gap_ms * MS)), pair[1], quiet])
    return stacked([through(np.rint(samples).astype(np.int16), "pcmu")])


@pytest.mark.parametrize("gap_ms", [0, 5, 10, 20])
def test_an_interruption_is_no_second_key(gap_ms: float) -> None:
    """Q.24 asks for 10 ms; a lost packet filled with silence is 20."""
    events = hear(gapped("5", gap_ms, "5"))
    assert pressed(events) == "5"
    assert isinstance(events[1], KeyOff)
    assert events[1].duration == pytest.approx((200 + gap_ms) * MS, abs=60)


@pytest.mark.parametrize("gap_ms", [40, 60, 200])
def test_a_pause_makes_two(gap_ms: float) -> None:
    assert pressed(hear(gapped("5", gap_ms, "5"))) == "55"


@pytest.mark.parametrize("then", ["6", "2", "A", "0"])
def test_another_key_without_a_pause(then: str) -> None:
    events = hear(gapped("5", 0, then))
    assert [(type(event), event.key) for event in events] == [
        (KeyOn, "5"),
        (KeyOff, "5"),
        (KeyOn, then),
        (KeyOff, then),
    ]


@pytest.mark.parametrize("told", [True, False], ids=["told of it", "filled with silence"])
@pytest.mark.parametrize(("on_ms", "part"), [(60, 0.5), (100, 0.8), (200, 0.97)])
def test_one_packet_in_ten_lost_doubles_no_key(on_ms: int, part: float, told: bool) -> None:
    """Never two running where they are not told, since that is a pause of 40 ms."""
    random = np.random.default_rng(on_ms)
    keys = "".join(random.permutation(list(ALL_KEYS * 8)))
    keys = "".join(key for key, before in zip(keys, " " + keys, strict=False) if key != before)
    row = keyed(Case("", on_ms=on_ms, off_ms=100), keys)
    lost = np.flatnonzero(random.random(row.shape[1] // FRAME) < 0.1)
    if not told:
        lost = lost[np.diff(lost, prepend=-2) > 1]
        for tick in lost:
            row[:, tick * FRAME : (tick + 1) * FRAME] = 8
    heard = pressed(hear(row, lost.tolist() if told else ()))
    left = iter(keys)
    assert all(key in left for key in heard), "a key that was not pressed, or twice"
    assert len(heard) > part * len(keys)


def test_silence_that_is_not_sent_ends_a_key() -> None:
    """A peer with silence suppression sends nothing between two keys."""
    row = gapped("7", 200, "7")
    quiet = range((100 + 100) // 20 + 1, (100 + 300) // 20 - 1)
    events = hear(row, list(quiet))
    assert pressed(events) == "77"
    assert len(events) == 4


def test_rows_do_not_mix_whichever_are_active() -> None:
    material = lines(Case("", on_ms=60))
    rows, together = material.rows, InbandKeys(len(material.rows))
    some = np.arange(len(rows)) % 3 == 0
    heard: list[Event] = []
    for start in range(0, rows.shape[1], FRAME):
        heard += together.hear(rows[:, start : start + FRAME], some)
    for row, keys in enumerate(material.wanted):
        assert pressed(heard, row) == (keys if some[row] else "")
    alone = hear(rows[3:4])
    assert [event._replace(row=0) for event in heard if event.row == 3] == alone


def test_a_row_begins_anew_for_another_channel() -> None:
    receiver = InbandKeys(1)
    row = keyed(Case("", on_ms=200), "9", lead=0)
    assert pressed(hear(row[:, : 5 * FRAME], receiver=receiver)) == "9"
    receiver.reset(0)
    assert hear(np.zeros((1, 20 * FRAME), np.int16), receiver=receiver) == []
    assert pressed(hear(row, receiver=receiver)) == "9"


def test_a_block_of_another_shape_is_refused() -> None:
    receiver = InbandKeys(2)
    with pytest.raises(ValueError, match="not 2 rows of 160"):
        receiver.hear(np.zeros((3, FRAME), np.int16), np.ones(3, np.bool_))
    with pytest.raises(ValueError, match="not 2 rows of 160"):
        receiver.hear(np.zeros((2, FRAME), np.int16), np.ones(3, np.bool_))
