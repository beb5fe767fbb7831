"""The sending plane without sockets: rows, plays, joints, headers."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from telebank.media.bank import FRAME, Bank
from telebank.media.engine import Ended, Slot
from telebank.rtp import Packet, parse

SAMPLES = 4_000
DRAW = np.random.default_rng(4)
A_LAW = DRAW.integers(0, 200, SAMPLES, dtype=np.uint8)
MU_LAW = DRAW.integers(0, 200, SAMPLES, dtype=np.uint8)
LAWS = [(A_LAW.tobytes(), b"\xd5"), (MU_LAW.tobytes(), b"\xff")]


class Wire:
    """Takes what a row sends."""

    def __init__(self) -> None:
        self.packets: list[Packet] = []

    def __call__(self, view: memoryview) -> None:
        self.packets.append(parse(bytes(view)))

    @property
    def audio(self) -> bytes:
        return b"".join(packet.payload for packet in self.packets)


class Reference:
    """What a row must send, one sample after another."""

    def __init__(self) -> None:
        self.law = 0
        self.sending = False
        self.left: list[int] | None = None
        self.played = 0

    def play(self, segments: list[tuple[int, int]]) -> None:
        self.played = 0
        self.left = [-1 if a < 0 else a + i for a, n in segments for i in range(n)]

    def frame(self) -> bytes:
        data, silence = LAWS[self.law]
        now, self.left = (self.left or [])[:FRAME], (self.left or [])[FRAME:] or None
        self.played += len(now)
        return b"".join(silence if at < 0 else data[at : at + 1] for at in now).ljust(
            FRAME, silence
        )


def slot_of(capacity: int = 4) -> Slot:
    return Slot({0: Bank(A_LAW, MU_LAW)}, capacity)


SEGMENT = st.one_of(
    st.tuples(st.just(-1), st.integers(0, 500)),
    st.integers(0, SAMPLES).flatmap(
        lambda start: st.tuples(st.just(start), st.integers(0, min(700, SAMPLES - start)))
    ),
)
PLAYS = st.lists(st.tuples(st.integers(0, 1), st.lists(SEGMENT, max_size=6)), max_size=5)


@settings(max_examples=150)
@given(PLAYS)
def test_every_row_sends_its_segments_joined_and_silence_after(
    plays: list[tuple[int, list[tuple[int, int]]]],
) -> None:
    slot, wires, wanted = slot_of(5), {}, {}
    for law, segments in plays:
        row = slot.add()
        wires[row] = Wire()
        slot.direct(row, law, 8, wires[row])
        slot.play(row, segments)
        data, silence = LAWS[law]
        joined = [silence * n if start < 0 else data[start : start + n] for start, n in segments]
        wanted[row] = (b"".join(joined), silence)
    ended: dict[int, int] = {}
    for tick in range(30):
        for end in slot.tick().ended:
            ended[end.row] = end.played
            assert end.played <= (tick + 1) * FRAME < end.played + FRAME or end.played == 0
    for row, (audio, silence) in wanted.items():
        assert wires[row].audio == audio.ljust(30 * FRAME, silence)
        assert ended[row] == len(audio)
        assert not slot.playing(row)


def test_first_packet_and_end_are_told_in_their_ticks() -> None:
    slot, wire = slot_of(), Wire()
    row = slot.add()
    slot.direct(row, 0, 8, wire)
    assert slot.tick().started == []
    slot.play(row, [(0, 2 * FRAME)])
    assert [slot.tick().started for _ in range(1)] == [[row]]
    assert slot.tick().ended == [Ended(row, 2 * FRAME)]
    assert slot.tick().ended == []
    assert [packet.marker for packet in wire.packets] == [True, True, False, False]


def test_a_muted_row_sends_nothing_and_its_play_waits() -> None:
    slot, wire = slot_of(), Wire()
    row = slot.add()
    slot.direct(row, 0, 8, wire)
    slot.play(row, [(0, 4 * FRAME)])
    slot.tick()
    slot.mute(row)
    for _ in range(5):
        assert slot.tick().ended == []
    slot.direct(row, 0, 8, wire)
    ticks = [slot.tick() for _ in range(3)]
    assert ticks[-1].ended == [Ended(row, 4 * FRAME)]
    assert wire.audio == LAWS[0][0][: 4 * FRAME]
    one, two = wire.packets[:2]
    assert two.sequence == (one.sequence + 1) & 0xFFFF
    assert (two.timestamp - one.timestamp) & 0xFFFFFFFF == 6 * FRAME
    assert two.marker


def test_frames_left_out_move_the_timestamp_only() -> None:
    slot, wire = slot_of(), Wire()
    row = slot.add()
    slot.direct(row, 0, 8, wire)
    slot.tick()
    slot.skip(10)
    slot.tick()
    one, two = wire.packets
    assert (two.timestamp - one.timestamp) & 0xFFFFFFFF == 11 * FRAME
    assert two.sequence == (one.sequence + 1) & 0xFFFF


def test_one_socket_that_refuses_keeps_no_other_waiting() -> None:
    slot, wires = slot_of(3), [Wire(), Wire()]

    def refuse(_: memoryview) -> None:
        raise ConnectionRefusedError

    for send in (wires[0], refuse, wires[1]):
        slot.direct(slot.add(), 0, 8, send)
    slot.tick()
    assert [len(wire.packets) for wire in wires] == [1, 1]
    assert slot.send_errors == 1


def test_rows_are_given_back_clean_and_the_slot_fills_up() -> None:
    slot, wire = slot_of(1), Wire()
    row = slot.add()
    slot.direct(row, 1, 0, wire)
    slot.play(row, [(0, 3_000)])
    slot.tick()
    with pytest.raises(IndexError):
        slot.add()
    slot.remove(row)
    assert (slot.rows, slot.tick().ended) == (0, [])
    again = Wire()
    assert slot.add() == row
    slot.direct(row, 0, 8, again)
    slot.tick()
    assert again.audio == b"\xd5" * FRAME
    assert slot.sent(row) == 1
    assert len(wire.packets) == 1
    assert again.packets[0].ssrc != wire.packets[0].ssrc


OPERATIONS = st.lists(
    st.one_of(
        st.tuples(st.just("play"), st.integers(0, 2), st.lists(SEGMENT, max_size=4)),
        st.tuples(st.just("stop"), st.integers(0, 2), st.none()),
        st.tuples(st.just("mute"), st.integers(0, 2), st.none()),
        st.tuples(st.just("direct"), st.integers(0, 2), st.integers(0, 1)),
        st.tuples(st.just("tick"), st.integers(1, 5), st.none()),
    ),
    max_size=40,
)


@settings(max_examples=300, deadline=None)
@given(OPERATIONS)
def test_rows_agree_with_a_player_of_single_samples(
    operations: list[tuple[str, int, object]],
) -> None:
    slot, wires, models = slot_of(3), [Wire() for _ in range(3)], [Reference() for _ in range(3)]
    rows = [slot.add() for _ in range(3)]
    expected: list[list[bytes]] = [[], [], []]
    for name, number, value in [*operations, ("tick", 40, None)]:
        match name, value:
            case "play", list(segments):
                slot.play(rows[number], segments)
                models[number].play(segments)
            case "stop", _:
                was = slot.playing(rows[number])
                assert slot.stop(rows[number]) == (models[number].played if was else 0)
                models[number].left = None
            case "mute", _:
                slot.mute(rows[number])
                models[number].sending = False
            case "direct", int(law):
                slot.direct(rows[number], law, 8, wires[number])
                models[number].law, models[number].sending = law, True
            case _:
                for _ in range(number):
                    slot.tick()
                    for model, frames in zip(models, expected, strict=True):
                        if model.sending:
                            frames.append(model.frame())
    for wire, frames in zip(wires, expected, strict=True):
        assert [packet.payload for packet in wire.packets] == frames
        steps = [b.sequence - a.sequence & 0xFFFF for a, b in pairwise(wire.packets)]
        assert set(steps) <= {1}


def test_a_bank_shorter_than_a_frame_plays() -> None:
    slot, wire = Slot({0: Bank(A_LAW[:50], MU_LAW[:50])}, 1), Wire()
    row = slot.add()
    slot.direct(row, 0, 8, wire)
    slot.play(row, [(0, 50)] * 7)
    assert [slot.tick().ended for _ in range(3)][2] == [Ended(row, 350)]
    assert wire.audio == (A_LAW[:50].tobytes() * 7).ljust(480, b"\xd5")


def test_a_clip_longer_than_the_calendar_plays_through() -> None:
    slot, wire = slot_of(1), Wire()
    row = slot.add()
    slot.direct(row, 0, 8, wire)
    slot.play(row, [(-1, 3_500 * FRAME), (0, FRAME)])
    ended = [tick for tick in range(3_600) if slot.tick().ended]
    assert ended == [3_500]
    assert wire.packets[3_500].payload == LAWS[0][0][:FRAME]
    assert wire.packets[3_499].payload == b"\xd5" * FRAME
