"""The parts without sockets: RTP, the delay of audio, whose datagrams count, when ticks are due."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fax.terminal import TerminalOptions
from support.fax_lines import spandsp
from telebank.faxing import wire
from telebank.faxing.endpoint import Endpoint
from telebank.faxing.jitter import DELAY, MAX_LATE, JitterBuffer
from telebank.faxing.line import Line
from telebank.faxing.options import FaxingOptions
from telebank.faxing.rtp import FRAME, Outgoing, looks_like_rtp
from telebank.faxing.source import Learning, Source
from telebank.rtp import CONSECUTIVE, Address, Packet, parse
from telebank.workers.ports import Ports
from voice_prompts import g711

TABLE = g711.decode_table("pcma")
FIRST = DELAY // FRAME
"""Frames until the first packet is heard."""
AGREED: Address = ("192.0.2.1", 4_000)
OTHER_PORT: Address = ("192.0.2.1", 61_000)
OTHER_HOST: Address = ("192.0.2.9", 4_000)

# -- RTP ------------------------------------------------------------------------------------------


def test_what_goes_out_is_numbered_and_timed_across_gaps() -> None:
    out = Outgoing(8)
    data = [out.packet(bytes([n]) * FRAME) for n in range(3)]
    out.leave_out(5)
    data.append(out.packet(bytes(FRAME)))
    packets = [parse(one) for one in data]
    assert [one.payload_type for one in packets] == [8] * 4
    assert [one[1] >> 7 for one in data] == [1, 0, 0, 1]
    first = packets[0]
    steps = [
        ((one.sequence - first.sequence) & 0xFFFF, (one.timestamp - first.timestamp) & 0xFFFFFFFF)
        for one in packets
    ]
    assert steps == [(0, 0), (1, FRAME), (2, 2 * FRAME), (3, 8 * FRAME)]
    assert packets[2] == first._replace(
        marker=False,
        sequence=(first.sequence + 2) & 0xFFFF,
        timestamp=(first.timestamp + 2 * FRAME) & 0xFFFFFFFF,
        payload=b"\x02" * FRAME,
    )


def test_audio_on_the_port_of_images_is_known_by_its_first_bytes() -> None:
    assert looks_like_rtp(Outgoing(8).packet(bytes(FRAME)))
    assert looks_like_rtp(bytes([0x80, 101]) + bytes(14))
    assert not looks_like_rtp(b"\x00\x00\x01\x06\x00\x00")
    assert not looks_like_rtp(b"\x80\x08")


# -- delay ----------------------------------------------------------------------------------------


def spoken(number: int, ssrc: int = 7) -> Packet:
    """A frame whose octets all are its number."""
    octets = bytes([number % 256]) * FRAME
    return Packet(8, False, number & 0xFFFF, (number * FRAME) & 0xFFFFFFFF, ssrc, octets)


def frames(buffer: JitterBuffer, count: int) -> list[int | None]:
    """The octet of each of the next frames; None where nothing came."""
    codes = {int(TABLE[code]): code for code in range(255, -1, -1)}
    heard = []
    for _ in range(count):
        samples = buffer.take()
        if samples is not None:
            assert len(set(samples.tolist())) == 1
        heard.append(None if samples is None else codes[int(samples[0])])
    return heard


def test_audio_is_held_back_sixty_milliseconds_and_put_in_order() -> None:
    buffer = JitterBuffer(TABLE)
    assert frames(buffer, 2) == [None, None]
    for number in (1, 3, 2, 4, 4):
        buffer.put(spoken(number))
    assert frames(buffer, FIRST + 5) == [None] * FIRST + [1, 2, 3, 4, None]


def test_what_comes_too_late_is_lost_and_the_rest_stays_in_its_place() -> None:
    buffer = JitterBuffer(TABLE)
    buffer.put(spoken(1))
    frames(buffer, FIRST + 1)
    buffer.put(spoken(3))
    assert frames(buffer, 1) == [None]
    buffer.put(spoken(2))
    assert frames(buffer, 2) == [3, None]


def test_a_stream_that_begins_anew_or_runs_off_is_held_back_anew() -> None:
    buffer = JitterBuffer(TABLE)
    buffer.put(spoken(1))
    assert frames(buffer, FIRST + 1)[-1] == 1
    buffer.put(spoken(1, ssrc=8))
    assert frames(buffer, FIRST + 1) == [None] * FIRST + [1]
    buffer.put(spoken(90_000, ssrc=8))
    assert frames(buffer, FIRST + 1)[-1] == 90_000 % 256
    frames(buffer, 5)
    for number in range(90_001, 90_001 + MAX_LATE):
        buffer.put(spoken(number, ssrc=8))
        assert frames(buffer, 1) == [None]
    late = 90_001 + MAX_LATE
    buffer.put(spoken(late, ssrc=8))
    assert frames(buffer, FIRST + 1)[-1] == late % 256


def test_frames_left_out_are_not_heard_a_second_later() -> None:
    buffer = JitterBuffer(TABLE)
    for number in range(10):
        buffer.put(spoken(number))
    buffer.leave_out(FIRST + 4)
    assert frames(buffer, 2) == [4, 5]
    buffer.leave_out(500)
    assert frames(buffer, 100) == [None] * 100


@given(st.lists(st.tuples(st.integers(0, 2**32 - 1), st.binary(max_size=400)), max_size=40))
def test_no_stream_breaks_the_buffer(packets: list[tuple[int, bytes]]) -> None:
    buffer = JitterBuffer(TABLE)
    for timestamp, payload in packets:
        buffer.put(Packet(8, False, 0, timestamp, 1, payload))
        taken = buffer.take()
        assert taken is None or (len(taken), taken.dtype) == (FRAME, np.int16)


# -- memory ---------------------------------------------------------------------------------------


@dataclass
class Starved:
    """The library, which has room for so many tone detectors; counts what it gave and took back."""

    real: Any
    room: int
    terminals: int = 0
    detectors: int = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self.real, name)

    def modem_connect_tones_rx_init(self, *arguments: Any) -> Any:
        if self.detectors == self.room:
            return arguments[0]  # NULL
        self.detectors += 1
        return self.real.modem_connect_tones_rx_init(*arguments)

    def modem_connect_tones_rx_free(self, state: Any) -> int:
        self.detectors -= 1
        return int(self.real.modem_connect_tones_rx_free(state))

    def fax_init(self, *arguments: Any) -> Any:
        self.terminals += 1
        return self.real.fax_init(*arguments)

    def fax_free(self, state: Any) -> int:
        self.terminals -= 1
        return int(self.real.fax_free(state))


@pytest.mark.parametrize(("room", "name"), [(0, "a"), (1, "a"), (9, "a" * 250)])
def test_what_cannot_be_begun_keeps_no_memory(tmp_path: Path, room: int, name: str) -> None:
    """No room for the first detector, none for the second, a path too long for the terminal."""
    loaded = spandsp()
    starved = Starved(loaded.lib, room)
    told: list[wire.Message] = []
    ports = Ports(0, 0)
    endpoints = Endpoint(ports.bind("127.0.0.1")), Endpoint(ports.bind("127.0.0.1"))
    line = Line(1, endpoints, replace(loaded, lib=starved), FaxingOptions(), told.append)
    begin = wire.BeginAudio(
        address="127.0.0.1",
        port=4_000,
        codec="PCMA",
        work=wire.Room(path=str(tmp_path / name)),
        calling=False,
        terminal=TerminalOptions(),
    )
    line.begin_audio(begin, 0.0)
    (ended,) = told
    assert isinstance(ended, wire.Ended)
    assert (starved.terminals, starved.detectors) == (0, 0)
    line.close()


# -- whose datagrams ------------------------------------------------------------------------------


def feed(
    source: Source, sender: Address, count: int, now: float, first: int = 65_534
) -> list[bool]:
    return [source.takes(sender, 1, (first + n) & 0xFFFF, now) for n in range(count)]


def test_another_port_is_learnt_from_four_in_a_row_and_only_once() -> None:
    source = Source(AGREED, Learning(AGREED[0], 1.0))
    assert feed(source, OTHER_PORT, 9, now=0.5) == [False] * 9
    assert feed(source, OTHER_HOST, 9, now=2.0) == [False] * 9
    assert feed(source, OTHER_PORT, 5, now=2.0) == [False] * (CONSECUTIVE - 1) + [True] * 2
    assert source.address == OTHER_PORT
    assert feed(source, AGREED, 9, now=3.0) == [False] * 9
    assert feed(source, ("192.0.2.1", 62_000), 9, now=3.0) == [False] * 9


def test_another_host_is_learnt_only_where_it_is_the_one_of_the_signalling() -> None:
    source = Source(AGREED, Learning(OTHER_HOST[0], 0.0))
    for stranger in (("192.0.2.77", 4_000), OTHER_PORT):
        assert feed(source, stranger, 20, now=1.0) == [False] * 20
    assert source.address == AGREED
    assert feed(source, OTHER_HOST, 4, now=1.0)[-1]
    assert source.address == OTHER_HOST


def test_nothing_is_learnt_once_the_agreed_one_spoke() -> None:
    source = Source(AGREED, Learning(AGREED[0], 0.0))
    assert feed(source, AGREED, 1, now=1.0) == [True]
    assert feed(source, OTHER_PORT, 20, now=1.0) == [False] * 20
    never = Source(AGREED, Learning("", 0.0))
    assert feed(never, OTHER_PORT, 20, now=1.0) == [False] * 20


def test_four_datagrams_with_a_gap_or_of_two_streams_are_no_run() -> None:
    source = Source(AGREED, Learning(AGREED[0], 0.0))
    for sequence in (1, 2, 3, 5, 6, 7, 9):
        assert not source.takes(OTHER_PORT, 1, sequence, 1.0)
    for stream, sequence in ((1, 1), (1, 2), (2, 3), (2, 4), (2, 5)):
        assert not source.takes(OTHER_PORT, stream, sequence, 1.0)


# -- options --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("lines", 0),
        ("lines", 257),
        ("library", ""),
        ("max_seconds", 0.0),
        ("learn_after_s", -1.0),
        ("open_timeout_s", 0.0),
        ("max_file_mb", 0),
        ("max_pages", 0),
        ("max_pages", 201),
        ("port_low", 5_001),
        ("port_low", 9_000),
    ],
)
def test_options_out_of_bounds_are_refused(name: str, value: float) -> None:
    with pytest.raises(ValueError, match="fax"):
        FaxingOptions(**{"port_high": 9_000, name: value})
