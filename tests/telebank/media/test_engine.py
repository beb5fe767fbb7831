"""The sending plane without sockets: rows, plays, joints, headers."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from telebank.media.bank import FRAME, Bank
from telebank.media.engine import Ended, Slot
from telebank.media.rtp import Packet, parse

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


def slot_of(capacity: int = 4) -> Slot:
    return Slot(Bank(A_LAW, MU_LAW), capacity)


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
