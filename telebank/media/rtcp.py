"""RTCP packets (RFC 3550 section 6): parse what came, build what goes.

One datagram is a compound of packets, each with its length in 32-bit words less one:

|V=2|P|  count  |      type     |            length             |

200 SR, 201 RR, 202 SDES, 203 BYE, 204 APP, 205 and 206 feedback (RFC 4585), 207 XR (RFC 3611).
Of these SR, RR, BYE and the VoIP metrics of XR are read; others are passed over by their length.
"""

import struct
from typing import NamedTuple

VERSION = 2
SENDER, RECEIVER, SOURCES, GOODBYE, EXTENDED = 200, 201, 202, 203, 207
TYPES = range(200, 208)
MAX_DATAGRAM = 1_500
"""Longest datagram taken, in bytes; packets and blocks in it are bounded by that."""
CANONICAL_NAME = 1
"""The SDES item that must be sent (section 6.5.1)."""
VOIP_METRICS = 7
"""XR block type (RFC 3611 section 4.7)."""

_HEADER = struct.Struct("!BBHI")
_SENDER = struct.Struct("!IIIII")
_BLOCK = struct.Struct("!IIIIII")
_VOIP = struct.Struct("!BBHIBBBBHHHHbbBBBBBBBxHHH")
_LOST_SIGN = 1 << 23


class MalformedRtcp(ValueError):  # noqa: N818 - what it is, not that it is an error
    """The peer sent bytes that are no RTCP compound; the text names the field at fault."""


class Block(NamedTuple):
    """What a receiver says of one source (section 6.4.1)."""

    ssrc: int
    fraction_lost: int
    """Of 256 packets, since the report before."""
    lost: int
    """Since the beginning, 24 bits signed: duplicates may make it negative."""
    highest: int
    """Sequence number, with its wraps in the upper 16 bits."""
    jitter: int
    """In timestamp units."""
    last_sender_report: int
    """Middle 32 bits of the NTP time of the last SR that came; 0: none."""
    delay: int
    """Since that came, in 1/65536 seconds."""


class Sender(NamedTuple):
    """What a sender says of itself (section 6.4.1)."""

    ntp: int
    """64 bits: seconds and their fraction."""
    timestamp: int
    packets: int
    octets: int


class VoipMetrics(NamedTuple):
    """How a peer judges what it hears (RFC 3611 section 4.7); None where it does not say."""

    ssrc: int
    lost: float
    """Part of packets lost on the way."""
    discarded: float
    """Part of packets that came too late."""
    mos: float | None
    """Its estimate of listening quality, 1 to 5."""


class Report(NamedTuple):
    """One SR (with `sender`) or RR (without)."""

    ssrc: int
    sender: Sender | None
    blocks: tuple[Block, ...]


class Compound(NamedTuple):
    """What was read out of one datagram."""

    reports: tuple[Report, ...]
    metrics: tuple[VoipMetrics, ...]
    left: tuple[int, ...]
    """SSRCs of a BYE."""


def parse(data: bytes) -> Compound:
    """Parse one datagram; raises `MalformedRtcp` where a length or a version does not fit.

    A datagram need not begin with a report (RFC 5506): some peers send a BYE alone.
    """
    if not 4 <= len(data) <= MAX_DATAGRAM:  # noqa: PLR2004
        raise MalformedRtcp(f"length {len(data)}")
    reports: list[Report] = []
    metrics: list[VoipMetrics] = []
    left: list[int] = []
    start = 0
    while start < len(data):
        kind, count, body = _packet(data, start)
        body = _unpadded(body) if data[start] & 0x20 else body
        start += 4 + 4 * int.from_bytes(data[start + 2 : start + 4], "big")
        if kind in (SENDER, RECEIVER):
            reports.append(_report(kind, count, body))
        elif kind == GOODBYE:
            left += _left(count, body)
        elif kind == EXTENDED:
            metrics += _metrics(body)
    return Compound(tuple(reports), tuple(metrics), tuple(left))


def _packet(data: bytes, start: int) -> tuple[int, int, bytes]:
    """Type, count and body of the packet that begins at `start`."""
    if start + 4 > len(data):
        raise MalformedRtcp("header cut short")
    first, kind = data[start], data[start + 1]
    if first >> 6 != VERSION:
        raise MalformedRtcp(f"version {first >> 6}")
    if kind not in TYPES:
        raise MalformedRtcp(f"type {kind}")
    end = start + 4 + 4 * int.from_bytes(data[start + 2 : start + 4], "big")
    if end > len(data):
        raise MalformedRtcp("packet cut short")
    if first & 0x20 and end != len(data):
        raise MalformedRtcp("padding before the last packet")
    return kind, first & 0x1F, data[start + 4 : end]


def _unpadded(body: bytes) -> bytes:
    """The body of a last packet without its padding."""
    padding = body[-1] if body else 0
    if padding == 0 or padding % 4 or padding > len(body):
        raise MalformedRtcp(f"padding of {padding} bytes")
    return body[:-padding]


def _report(kind: int, count: int, body: bytes) -> Report:
    start = 4 + (_SENDER.size if kind == SENDER else 0)
    end = start + count * _BLOCK.size
    if len(body) < end:
        raise MalformedRtcp("report cut short")
    sender = None
    if kind == SENDER:
        seconds, fraction, timestamp, packets, octets = _SENDER.unpack_from(body, 4)
        sender = Sender(seconds << 32 | fraction, timestamp, packets, octets)
    blocks = tuple(_block(body[at : at + _BLOCK.size]) for at in range(start, end, _BLOCK.size))
    return Report(int.from_bytes(body[:4], "big"), sender, blocks)


def _block(data: bytes) -> Block:
    ssrc, loss, highest, jitter, last, delay = _BLOCK.unpack(data)
    lost = loss & 0xFFFFFF
    if lost & _LOST_SIGN:
        lost -= 2 * _LOST_SIGN
    return Block(ssrc, loss >> 24, lost, highest, jitter, last, delay)


def _left(count: int, body: bytes) -> list[int]:
    if len(body) < 4 * count:
        raise MalformedRtcp("BYE cut short")
    return [int.from_bytes(body[4 * at : 4 * at + 4], "big") for at in range(count)]


def _metrics(body: bytes) -> list[VoipMetrics]:
    """The VoIP metrics blocks of an XR packet."""
    found, start = [], 4
    while start + 4 <= len(body):
        kind, size = body[start], 4 + 4 * int.from_bytes(body[start + 2 : start + 4], "big")
        if start + size > len(body):
            raise MalformedRtcp("XR block cut short")
        if kind == VOIP_METRICS and size == _VOIP.size:
            fields = _VOIP.unpack_from(body, start)
            mos = fields[18]
            known = 10 <= mos <= 50  # noqa: PLR2004 - tenths
            found.append(
                VoipMetrics(
                    fields[3], fields[4] / 256, fields[5] / 256, mos / 10 if known else None
                )
            )
        start += size
    return found


def build_report(report: Report) -> bytes:
    """An SR, or an RR where `sender` is None."""
    kind = RECEIVER if report.sender is None else SENDER
    words = 1 + 6 * len(report.blocks) + (5 if report.sender is not None else 0)
    data = _HEADER.pack(VERSION << 6 | len(report.blocks), kind, words, report.ssrc)
    if report.sender is not None:
        ntp, timestamp, packets, octets = report.sender
        data += _SENDER.pack(
            ntp >> 32 & 0xFFFFFFFF,
            ntp & 0xFFFFFFFF,
            timestamp & 0xFFFFFFFF,
            packets & 0xFFFFFFFF,
            octets & 0xFFFFFFFF,
        )
    return data + b"".join(_build_block(block) for block in report.blocks)


def _build_block(block: Block) -> bytes:
    lost = max(-_LOST_SIGN, min(block.lost, _LOST_SIGN - 1)) & 0xFFFFFF
    return _BLOCK.pack(
        block.ssrc,
        min(block.fraction_lost, 255) << 24 | lost,
        block.highest & 0xFFFFFFFF,
        min(block.jitter, 0xFFFFFFFF),
        block.last_sender_report,
        block.delay & 0xFFFFFFFF,
    )


def build_name(ssrc: int, name: bytes) -> bytes:
    """SDES with a CNAME (section 6.5), of 1 to 255 bytes."""
    item = bytes([CANONICAL_NAME, len(name)]) + name
    item += bytes(4 - len(item) % 4)  # one null byte at least ends the list
    return _HEADER.pack(VERSION << 6 | 1, SOURCES, 1 + len(item) // 4, ssrc) + item


def build_goodbye(ssrc: int) -> bytes:
    """BYE (section 6.6) without a reason."""
    return _HEADER.pack(VERSION << 6 | 1, GOODBYE, 1, ssrc)
