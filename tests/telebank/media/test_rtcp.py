"""RTCP as bytes, reports both ways, and what they tell."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from telebank.media import rtcp
from telebank.media.reception import Reception, Span
from telebank.media.reports import INTERVAL_S, Reports, Sent, interval
from telebank.media.rtcp import Block, MalformedRtcp, Report, Sender
from telebank.rtp import Packet

SENT = Sent(ssrc=7, timestamp=800, packets=5, octets=800, sending=True)
WORD = st.integers(0, 2**32 - 1)
BLOCKS = st.builds(
    Block, WORD, st.integers(0, 255), st.integers(-(2**23), 2**23 - 1), WORD, WORD, WORD, WORD
)
SENDERS = st.none() | st.builds(Sender, st.integers(0, 2**64 - 1), WORD, WORD, WORD)
REPORTS = st.builds(Report, WORD, SENDERS, st.lists(BLOCKS, max_size=31).map(tuple))


def xr(ssrc: int, mos: int) -> bytes:
    """An XR packet with one VoIP metrics block (RFC 3611 section 4.7)."""
    block = bytes([7, 0, 0, 8]) + ssrc.to_bytes(4, "big") + bytes([26, 13, 0, 0]) + bytes(8)
    block += bytes([0, 0, 0, 16, 80, 127, mos, mos, 0, 0]) + bytes(6)
    return bytes([0x80, 207, 0, 1 + len(block) // 4]) + bytes(4) + block


@given(REPORTS, st.binary(min_size=1, max_size=255))
def test_what_is_built_is_read_back(report: Report, name: bytes) -> None:
    data = rtcp.build_report(report) + rtcp.build_name(9, name) + rtcp.build_goodbye(9)
    if len(data) > rtcp.MAX_DATAGRAM:
        return
    assert len(data) % 4 == 0
    compound = rtcp.parse(data)
    assert compound.reports == (report,)
    assert compound.left == (9,)


def test_the_layout_is_that_of_rfc_3550() -> None:
    data = rtcp.build_report(
        Report(1, Sender(2 << 32 | 3, 4, 5, 6), (Block(7, 8, -1, 9, 10, 11, 12),))
    )
    assert data.hex(" ", 4) == (
        "81c8000c 00000001 00000002 00000003 00000004 00000005 00000006 "
        "00000007 08ffffff 00000009 0000000a 0000000b 0000000c"
    )
    assert rtcp.build_name(1, b"ab").hex(" ", 4) == "81ca0003 00000001 01026162 00000000"
    assert rtcp.build_goodbye(1).hex(" ", 4) == "81cb0001 00000001"


def test_voip_metrics_are_read() -> None:
    [metrics] = rtcp.parse(xr(7, 41)).metrics
    assert (metrics.ssrc, metrics.mos, round(metrics.lost, 2)) == (7, 4.1, 0.1)
    assert rtcp.parse(xr(7, 127)).metrics[0].mos is None


def test_padding_is_the_last_packets_alone() -> None:
    report = bytearray(rtcp.build_report(Report(1, None, ())))
    padded = report + bytes([0, 0, 0, 4])
    padded[0] |= 0x20
    padded[3] += 1
    assert rtcp.parse(bytes(padded)).reports[0].ssrc == 1
    with pytest.raises(MalformedRtcp, match="before the last"):
        rtcp.parse(bytes(padded) + bytes(report))
    padded[-1] = 5
    with pytest.raises(MalformedRtcp, match="padding of 5"):
        rtcp.parse(bytes(padded))


def test_no_truncation_is_taken_for_the_whole() -> None:
    block = Block(7, 8, 1, 9, 10, 11, 12)
    whole = rtcp.build_report(Report(1, Sender(1, 2, 3, 4), (block,))) + xr(7, 41)
    first = len(whole) - len(xr(7, 41))
    for cut in range(len(whole)):
        if cut == first:
            continue
        with pytest.raises(MalformedRtcp):
            rtcp.parse(whole[:cut])


@given(
    st.binary(max_size=200), st.sampled_from([b"", b"\x81\xc8", b"\x80\xcf", b"\xa1\xcb\x00\x01"])
)
def test_no_bytes_raise_anything_else(tail: bytes, head: bytes) -> None:
    reports = Reports()
    taken = reports.receive(head + tail, 7, 1.0)
    assert taken == (reports.malformed == 0)


@given(st.integers(0, 3_000), st.integers(0, 2**32), st.floats(0, 2), st.floats(0, 1e6))
def test_the_round_trip_is_what_the_network_took(
    delay_ms: int, ntp: int, held: float, now: float
) -> None:
    ours, theirs = Reports(), Reports()
    data = ours.build(SENT, None, now)
    theirs.receive(data, 99, now + delay_ms / 2_000)
    back = Sent(ssrc=99, timestamp=0, packets=1, octets=160, sending=True)
    at = now + delay_ms / 2_000 + held
    answer = theirs.build(back, Span(7, 5, 6, 0, 0), at)
    ours.receive(answer, 7, at + delay_ms / 2_000)
    assert ours.round_trip_s == pytest.approx(delay_ms / 1_000, abs=0.001)


def test_an_echo_of_no_report_of_ours_says_nothing_of_time() -> None:
    reports = Reports()
    reports.build(SENT, None, 10.0)
    block = Block(7, 64, 3, 9, 80, 12_345, 0)
    reports.receive(rtcp.build_report(Report(99, None, (block,))), 7, 10.1)
    assert reports.round_trip_s is None
    assert reports.peer.loss == 0.25
    assert reports.peer.jitter_ms == 10.0
    reports.receive(rtcp.build_report(Report(99, None, (block._replace(ssrc=8),))), 8 + 1, 10.1)
    assert reports.peer.loss == 0.25


def test_a_goodbye_is_noted() -> None:
    reports = Reports()
    reports.receive(rtcp.build_goodbye(99), 7, 1.0)
    assert reports.left


def test_blocks_tell_loss_since_the_report_before() -> None:
    reception, reports = Reception(), Reports()
    for sequence in range(100):
        reception.receive(Packet(8, False, sequence, sequence * 160, 5, b""), sequence * 0.02)
    [first] = rtcp.parse(reports.build(SENT, reception.span(), 2.0)).reports[0].blocks
    for sequence in range(100, 200):
        if sequence % 4:
            reception.receive(Packet(8, False, sequence, sequence * 160, 5, b""), sequence * 0.02)
    [second] = rtcp.parse(reports.build(SENT, reception.span(), 4.0)).reports[0].blocks
    assert (first.ssrc, first.fraction_lost, first.lost, first.highest) == (5, 0, 0, 99)
    assert (second.fraction_lost, second.lost, second.highest) == (64, 25, 199)


def test_a_receiver_says_so_and_a_narrowed_one_says_nothing_of_loss() -> None:
    reception, reports = Reception(), Reports()
    reception.receive(Packet(8, False, 64, 0, 5, b""), 0.0)
    reception.sample(True)
    reception.receive(Packet(8, False, 128, 0, 5, b""), 0.0)
    assert reception.span() is None
    [report] = rtcp.parse(
        reports.build(SENT._replace(sending=False), reception.span(), 2.0)
    ).reports
    assert (report.sender, report.blocks) == (None, ())


def test_jitter_is_that_of_appendix_a8_and_wraps() -> None:
    reception = Reception()
    draw, jitter, before = random.Random(2), 0.0, None
    for number in range(500):
        late = draw.uniform(0, 0.03)
        timestamp = (2**32 - 8_000 + number * 160) % 2**32
        reception.receive(Packet(8, False, number, timestamp, 5, b""), number * 0.02 + late)
        if before is not None:
            jitter += (abs(late - before) * 8_000 - jitter) / 16
        before = late
    assert reception.jitter_ms == pytest.approx(jitter / 8, rel=0.01)
    assert Reception().jitter_ms is None


def test_reports_are_five_seconds_apart_at_random() -> None:
    draw = random.Random(1)
    drawn = [interval(draw, first=False) for _ in range(5_000)]
    assert min(drawn) >= INTERVAL_S / 2 / 1.21828
    assert max(drawn) <= INTERVAL_S * 1.5 / 1.21828
    assert sum(drawn) / 5_000 == pytest.approx(INTERVAL_S / 1.21828, rel=0.02)
    assert interval(draw, first=True) <= INTERVAL_S * 0.75 / 1.21828
