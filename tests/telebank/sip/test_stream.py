"""Messages cut out of a stream: however the bytes come, the same messages come out."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from telebank.sip.message import MAX_LINE, MalformedMessage, parse
from telebank.sip.stream import (
    MAX_BODY,
    MAX_HEAD,
    Framed,
    Framer,
    FramingBroken,
    MessageFramed,
    PingHeard,
)

VECTORS = sorted((Path(__file__).parents[2] / "vectors" / "sip").glob("*.txt"))
LINES = (
    "Via: SIP/2.0/TCP 192.0.2.20:5062;branch=z9hG4bK1\r\nFrom: <sip:a@peer>;tag=p\r\n"
    "To: <sip:b@bank>\r\nCall-ID: 1@peer\r\nCSeq: 7 OPTIONS\r\n"
)


def message(body: bytes = b"", length: str | None = None, start: str = "OPTIONS sip:b SIP/2.0",
            name: str = "Content-Length") -> bytes:  # fmt: skip
    size = f"{name}: {len(body)}\r\n" if length is None else length
    return f"{start}\r\n{LINES}{size}\r\n".encode() + body


ONE, TWO = message(b"v=0\r\n\r\nsecond"), message(start="SIP/2.0 200 OK")
PING = PingHeard()


def fed(data: bytes, *cuts: int) -> list[Framed]:
    framer, found, at = Framer(), [], 0
    for cut in [*sorted(cuts), len(data)]:
        found += framer.receive(data[at:cut])
        at = cut
    return found


def bytewise(data: bytes) -> list[Framed]:
    return fed(data, *range(len(data)))


def broken(data: bytes) -> FramingBroken:
    found = fed(data)
    assert found == bytewise(data)
    assert isinstance(found[-1], FramingBroken)
    return found[-1]


def test_two_messages_in_one_segment() -> None:
    assert fed(ONE + TWO) == [MessageFramed(ONE), MessageFramed(TWO)]


def test_byte_by_byte() -> None:
    assert bytewise(ONE + TWO + ONE) == [MessageFramed(one) for one in (ONE, TWO, ONE)]


def test_keep_alives_stand_between_messages() -> None:
    data = b"\r\n\r\n" + ONE + b"\r\n" + TWO + b"\r\n\r\n\r\n\r\n\r\n" + ONE
    expected = [PING, MessageFramed(ONE), MessageFramed(TWO), PING, PING, MessageFramed(ONE)]
    assert fed(data) == expected
    assert bytewise(data) == expected


@pytest.mark.parametrize("name", ["Content-Length", "l", "CONTENT-length ", "L\t"])
def test_the_length_by_every_name(name: str) -> None:
    data = message(b"body", name=name)
    assert fed(data + TWO) == [MessageFramed(data), MessageFramed(TWO)]


def test_a_folded_length() -> None:
    data = message(b"", "Content-Length:\r\n  0\r\n")
    assert fed(data) == [MessageFramed(data)]


def test_a_length_within_another_header_is_none() -> None:
    data = message(b"abcd", "Subject: x\r\n Content-Length: 99\r\nContent-Length: 4\r\n")
    assert fed(data) == [MessageFramed(data)]
    parsed = parse(data)
    assert parsed.body == b"abcd"


@pytest.mark.parametrize(
    ("length", "why"),
    [
        ("", "missing"),
        ("Content-Length: 0\r\nl: 0\r\n", "more than one"),
        ("Content-Length: -1\r\n", "not a number"),
        ("Content-Length: 1 1\r\n", "not a number"),
        ("Content-Length: 99999999999\r\n", "not a number"),
        ("Content-Length: ١\r\n", "not a number"),
        ("Content-Length:\r\n", "not a number"),
    ],
)
def test_a_length_nobody_can_read_ends_it_with_400(length: str, why: str) -> None:
    found = broken(message(b"", length))
    assert why in found.why
    refusal = parse(found.refusal)
    assert getattr(refusal, "status", 0) == 400
    assert refusal.call_id == "1@peer"


def test_a_body_too_long_is_413() -> None:
    assert fed(message(bytes(MAX_BODY)))[0] == MessageFramed(message(bytes(MAX_BODY)))
    found = broken(message(b"", f"Content-Length: {MAX_BODY + 1}\r\n"))
    assert getattr(parse(found.refusal), "status", 0) == 413


@pytest.mark.parametrize("start", ["SIP/2.0 200 OK", "ACK sip:b SIP/2.0"])
def test_responses_and_acks_are_not_answered(start: str) -> None:
    assert broken(message(b"", "", start)).refusal == b""


@pytest.mark.parametrize(
    "data",
    [
        b"GET / HTTP/1.1\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\r\n",
        b"\rOPTIONS sip:b SIP/2.0\r\n",
        b"x" * (MAX_LINE + 2),
        b"SIP/2.0 999 x\r\n",
    ],
)
def test_what_begins_like_no_sip_is_cut_at_once(data: bytes) -> None:
    assert broken(data) == FramingBroken("no SIP start line")


def test_a_header_block_without_end() -> None:
    start = b"OPTIONS sip:b SIP/2.0\r\n"
    fits = start + b"x" * (MAX_HEAD - len(start))
    assert fed(fits) == []
    assert broken(fits + b"xxxx") == FramingBroken("a header block too long")


def test_the_longest_header_block() -> None:
    base = message()
    data = message(b"", "X: " + "x" * (MAX_HEAD + 4 - len(base) - 5) + "\r\nContent-Length: 0\r\n")
    assert len(data) == MAX_HEAD + 4
    assert fed(data) == bytewise(data) == [MessageFramed(data)]


def test_nothing_is_read_after_the_end() -> None:
    framer = Framer()
    framer.receive(b"GET / HTTP/1.1\r\n")
    assert framer.receive(ONE) == []
    assert framer.broken


def test_inside() -> None:
    framer = Framer()
    assert not framer.inside
    framer.receive(b"\r")
    assert not framer.inside
    framer.receive(b"\nO")
    assert framer.inside
    framer.receive(ONE[1:-1])
    assert framer.inside
    framer.receive(ONE[-1:])
    assert not framer.inside


@pytest.mark.parametrize("path", VECTORS, ids=lambda path: path.stem)
def test_vectors_by_byte_and_truncated_everywhere(path: Path) -> None:
    data = path.read_bytes().replace(b"\n", b"\r\n")
    whole = fed(data + ONE)
    assert bytewise(data + ONE) == whole
    for end in range(len(data)):
        found = fed(data[:end])
        assert found == whole[: len(found)] or isinstance(found[-1], FramingBroken)


PIECES = st.sampled_from(
    [ONE, TWO, b"\r\n", b"\r\n\r\n", b"\r", b"\n", ONE[:40], ONE[40:], message(b"", ""), b"l: 3",
     b"INVITE sip:x SIP/2.0\r\n", b"x", b"Content-Length: 5\r\n", b"\x00\xff"]
)  # fmt: skip


@settings(max_examples=400, deadline=None)
@given(st.lists(PIECES, max_size=8), st.lists(st.integers(0, 2_000), max_size=12))
def test_splits_change_nothing(pieces: list[bytes], cuts: list[int]) -> None:
    data = b"".join(pieces)
    whole = fed(data)
    assert fed(data, *(cut for cut in cuts if cut < len(data))) == whole
    assert bytewise(data) == whole
    for framed in whole:
        if isinstance(framed, MessageFramed):
            try:
                parse(framed.data)
            except MalformedMessage as error:
                assert error.why  # noqa: PT017 - any other exception is the failure


@settings(max_examples=200, deadline=None)
@given(st.lists(st.binary(max_size=60), max_size=20))
def test_noise(pieces: list[bytes]) -> None:
    assert fed(b"".join(pieces)) == bytewise(b"".join(pieces))
