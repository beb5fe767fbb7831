"""RTP parsing: round trips, every truncation, arbitrary bytes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from telebank.rtp import (
    MAX_PACKET,
    MalformedRtp,
    Packet,
    build,
    is_rtcp,
    parse,
    sequence_step,
    timestamp_step,
)

PACKETS = st.builds(
    Packet,
    payload_type=st.integers(0, 127),
    marker=st.booleans(),
    sequence=st.integers(0, 0xFFFF),
    timestamp=st.integers(0, 0xFFFFFFFF),
    ssrc=st.integers(0, 0xFFFFFFFF),
    payload=st.binary(max_size=320),
)


@given(PACKETS)
def test_what_is_built_is_parsed(packet: Packet) -> None:
    assert parse(build(packet)) == packet


def test_payload_behind_sources_extension_and_padding() -> None:
    head = bytes([0x80 | 0x20 | 0x10 | 2, 8, 0, 1]) + bytes(8)
    data = head + bytes(8) + b"\xbe\xde\x00\x01" + b"xxxx" + b"speech" + b"\x00\x00\x03"
    assert parse(data).payload == b"speech"
    whole = 12 + 8 + 4
    for cut in range(whole):
        with pytest.raises(MalformedRtp):
            parse(data[:cut])


@pytest.mark.parametrize(
    ("data", "field"),
    [
        (b"", "length 0"),
        (bytes(12), "version 0"),
        (b"\x80" + bytes(MAX_PACKET), f"length {MAX_PACKET + 1}"),
        (b"\xa0" + bytes(11), "padding of no bytes"),
        (b"\xa0" + bytes(11) + b"\x02", "header longer"),
        (b"\x90" + bytes(13), "extension header cut short"),
        (b"\x90" + bytes(13) + b"\xff\xff", "header longer"),
        (b"\x8f" + bytes(20), "header longer"),
    ],
)
def test_malformed_names_the_field(data: bytes, field: str) -> None:
    with pytest.raises(MalformedRtp, match=field):
        parse(data)


@given(st.binary(max_size=MAX_PACKET + 10))
def test_any_bytes_are_a_packet_or_malformed(data: bytes) -> None:
    try:
        packet = parse(data)
    except MalformedRtp:
        return
    assert len(packet.payload) <= len(data) - 12


@given(st.integers(0, 0xFFFF), st.integers(-0x8000, 0x7FFF))
def test_sequence_steps_wrap(start: int, step: int) -> None:
    assert sequence_step(start, (start + step) & 0xFFFF) == step


@given(st.integers(0, 0xFFFFFFFF), st.integers(-0x80000000, 0x7FFFFFFF))
def test_timestamp_steps_wrap(start: int, step: int) -> None:
    assert timestamp_step(start, (start + step) & 0xFFFFFFFF) == step


def test_rtcp_is_told_from_rtp() -> None:
    assert is_rtcp(bytes([0x80, 203]))  # BYE
    assert not is_rtcp(bytes([0x80, 0x80 | 101]))
    assert not is_rtcp(b"\x80")
