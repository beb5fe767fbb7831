"""Codec, subfields and framing: round trips, pieces, truncation, and only the room's own errors."""

import contextlib
import json
import random
from collections.abc import Mapping
from pathlib import Path

import iso8583
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core_adapters.iso8583.errors import DecodeError, EncodeError, FramingError
from core_adapters.iso8583.format.fields import FieldSpec, pyiso_spec
from core_adapters.iso8583.format.framing import FrameOptions, Framer, swap_tpdu, wrap
from core_adapters.iso8583.format.message import Message, is_reply, mti_class, reply_mti
from core_adapters.iso8583.format.tlv import build_tlv, parse_tlv
from support.iso8583_kit import CARD, MAC, VECTORS, codec, pin_block, tb87
from support.iso8583_peer import approve

FIELDS = tb87().fields
ALPHABETS = {
    "n": "0123456789",
    "a": "ABCxyz ",
    "an": "ABCxyz019 ",
    "ns": "0123456789-/",
    "z": "0123456789=D",
    "ans": "ABCxyz019 *,.",
}


def _content(spec: FieldSpec) -> st.SearchStrategy[str]:
    if spec.kind == "x+n":
        return st.text("0123456789", min_size=spec.size - 1, max_size=spec.size - 1).map(
            "D".__add__
        )
    width = spec.size
    least = 0 if spec.length_digits else width
    if spec.kind == "b":
        data = st.binary(min_size=least, max_size=width)
        return data.map(lambda content: content.hex().upper())
    alphabet = ALPHABETS[spec.kind]
    if spec.encoding == "utf-8":
        return st.text(alphabet + "陈海", max_size=width // 3)
    return st.text(alphabet, min_size=least, max_size=width)


USABLE = sorted(set(FIELDS) - {64, 65, 128})


@st.composite
def messages(draw: st.DrawFn) -> Message:
    numbers = draw(st.lists(st.sampled_from(USABLE), max_size=12, unique=True))
    mti = draw(st.sampled_from(["0200", "0210", "0302", "0420", "0421", "0800"]))
    return Message(mti, {number: draw(_content(FIELDS[number])) for number in numbers})


@given(messages())
def test_round_trip_and_pyiso8583_agrees(message: Message) -> None:
    data = codec().encode(message, MAC)
    decoded = codec().decode(data)
    assert (decoded.mti, dict(decoded.fields)) == (message.mti, dict(message.fields))
    assert codec().mac_ok(data, decoded, [MAC])
    plain, _ = iso8583.decode(data, pyiso_spec(FIELDS, tb87().wire))
    theirs = {int(n): v for n, v in plain.items() if n.isdigit() and n not in ("1", "64", "128")}
    assert theirs == dict(message.fields)


@given(messages(), st.data())
@settings(max_examples=50)
def test_a_changed_byte_never_passes_the_mac(message: Message, data: st.DataObject) -> None:
    good = codec().encode(message, MAC)
    at = data.draw(st.integers(0, len(good) - 1))
    bad = bytearray(good)
    bad[at] ^= data.draw(st.integers(1, 255))
    try:
        decoded = codec().decode(bytes(bad))
    except DecodeError:
        return
    assert not codec().mac_ok(bytes(bad), decoded, [MAC])


@given(st.binary(max_size=300))
def test_random_bytes_are_messages_or_decode_errors(data: bytes) -> None:
    with contextlib.suppress(DecodeError):
        assert codec().decode(data).mti.isdigit()


@pytest.mark.parametrize("path", sorted(VECTORS.glob("*.json")), ids=lambda path: path.stem)
def test_truncated_at_every_byte_with_a_random_tail(path: Path) -> None:
    body = bytes.fromhex(json.loads(path.read_text(encoding="utf-8"))["frame"])[2:]
    chance = random.Random(path.stem)
    for cut in range(len(body)):
        with pytest.raises(DecodeError):
            codec().decode(body[:cut])
        tail = chance.randbytes(chance.randrange(1, 40))
        try:
            decoded = codec().decode(body[:cut] + tail)
        except DecodeError:
            continue
        assert not codec().mac_ok(body[:cut] + tail, decoded, [MAC])


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({2: "62270O"}, "2"),
        ({3: "31000"}, "3"),
        ({4: "1" * 13}, "4"),
        ({48: "x" * 1000}, "48"),
        ({64: "00" * 8}, "64"),
        ({28: "200"}, "28"),
        ({119: "x"}, "119"),
    ],
)
def test_encode_errors_name_the_field_and_never_its_value(
    fields: Mapping[int, str], field: str
) -> None:
    with pytest.raises(EncodeError) as caught:
        codec().encode(Message("0200", fields))
    assert caught.value.field == field
    assert next(iter(fields.values())) not in str(caught.value)
    assert caught.value.__cause__ is None


def test_a_field_that_is_not_in_the_profile_is_named() -> None:
    spec = pyiso_spec(FIELDS, tb87().wire)
    spec["119"] = dict(spec["120"])
    data, _ = iso8583.encode({"t": "0200", "119": CARD.digits}, spec)
    with pytest.raises(DecodeError, match="field 119") as caught:
        codec().decode(bytes(data))
    assert CARD.digits not in str(caught.value)


def test_decode_error_carries_no_bytes_of_the_message() -> None:
    data = codec().encode(Message("0200", {2: CARD.digits, 52: "AB" * 8}), MAC)
    with pytest.raises(DecodeError) as caught:
        codec().decode(data + CARD.digits.encode())
    assert CARD.digits not in repr(vars(caught.value)) + str(caught.value)
    assert caught.value.__cause__ is None


def test_the_picture_masks_what_it_must() -> None:
    block = pin_block()
    subs = codec().join(48, {"identity": "40219", "reason": "lost", "77": "kept but hidden"})
    fields = {2: CARD.digits, 3: "910000", 35: f"{CARD.digits}=99121010000", 48: subs}
    fields |= {
        52: block,
        53: "2600000000000000",
        55: "9F2608",
        63: "sealed words",
        102: "0100123456",
    }
    fields |= {103: CARD.digits, 120: "row of data", 41: "TB010001"}
    message = codec().decode(codec().encode(Message("0600", fields), MAC))
    text = codec().describe(message) + repr(message) + repr(codec().view(message))
    hidden = (
        CARD.digits,
        block,
        "40219",
        "9912",
        "kept but",
        "9F2608",
        "sealed words",
        "0100123456",
    )
    for secret in (*hidden, "26000000", "row of"):
        assert secret not in text
    for shown in ("622700******0001", "Processing code", "910000", "TB010001", "48.02", "lost"):
        assert shown in text
    assert codec().subfields(message, 48)["77"] == "kept but hidden"


@given(
    st.dictionaries(st.from_regex(r"[0-9]{2}", fullmatch=True), st.text(max_size=60), max_size=9)
)
def test_subfields_round_trip_in_order(values: dict[str, str]) -> None:
    values = {tag: text for tag, text in values.items() if text < "\ud800" or text.isascii()}
    try:
        text = build_tlv(values, 48)
    except EncodeError:
        return
    assert list(parse_tlv(text, 48).items()) == list(values.items())


@given(st.text(alphabet="0123456789abc陈", max_size=60))
def test_any_text_is_subfields_or_a_decode_error(text: str) -> None:
    try:
        found = parse_tlv(text, 48)
    except DecodeError:
        return
    assert build_tlv(found, 48) == text


def test_subfields_cut_anywhere_or_twice_are_errors() -> None:
    whole = build_tlv({"01": "4021", "03": "陈*海"}, 48)
    for cut in range(1, len(whole)):
        if cut != len("010044021"):
            with pytest.raises(DecodeError):
                parse_tlv(whole[:cut], 48)
    with pytest.raises(DecodeError, match="twice"):
        parse_tlv("01001a01001b", 48)


@given(st.lists(st.binary(min_size=1, max_size=50), max_size=6), st.data())
def test_frames_in_any_pieces(bodies: list[bytes], data: st.DataObject) -> None:
    stream = b"".join(wrap(body, FrameOptions()) for body in bodies)
    framer, found = Framer(FrameOptions()), []
    while stream:
        size = data.draw(st.integers(1, len(stream)))
        found += [frame.body for frame in framer.feed(stream[:size])]
        stream = stream[size:]
    assert found == bodies
    assert framer.pending == 0


def test_frames_byte_by_byte() -> None:
    body = codec().encode(approve(Message("0200", {11: "000001"})), MAC)
    framer, found = Framer(FrameOptions()), []
    for byte in wrap(body, FrameOptions()):
        found += list(framer.feed(bytes([byte])))
    assert [frame.body for frame in found] == [body]


@pytest.mark.parametrize("head", [b"\x00\x00", b"\x20\x01", b"\xff\xff"])
def test_zero_and_oversized_frames_are_errors(head: bytes) -> None:
    with pytest.raises(FramingError):
        list(Framer(FrameOptions()).feed(head))


def test_the_longest_frame_passes_and_one_more_is_ours_to_refuse() -> None:
    body = bytes(8192)
    assert [frame.body for frame in Framer(FrameOptions()).feed(wrap(body, FrameOptions()))] == [
        body
    ]
    with pytest.raises(EncodeError):
        wrap(body + b"x", FrameOptions())
    with pytest.raises(EncodeError):
        wrap(b"", FrameOptions())


def test_tpdu() -> None:
    tpdu = bytes.fromhex("6000010002")
    options = FrameOptions(tpdu="required", tpdu_value=tpdu)
    (frame,) = Framer(options).feed(wrap(b"0800", options))
    assert (frame.body, frame.tpdu) == (b"0800", tpdu)
    assert swap_tpdu(tpdu) == bytes.fromhex("6000020001")
    assert swap_tpdu(b"") == b""
    with pytest.raises(FramingError):
        list(Framer(options).feed(wrap(b"0800", FrameOptions())))
    either = FrameOptions(tpdu="optional", tpdu_value=tpdu)
    stream = wrap(b"0800", FrameOptions()) + wrap(b"0810", options)
    assert [f.tpdu for f in Framer(either).feed(stream)] == [b"", tpdu]


@pytest.mark.parametrize(
    ("mti", "reply"),
    [
        *(("0200", "0210"), ("0201", "0210"), ("0302", "0312"), ("0303", "0312")),
        *(("0322", "0332"), ("0323", "0332"), ("0420", "0430"), ("0421", "0430")),
        *(("0600", "0610"), ("0800", "0810")),
    ],
)
def test_reply_mtis(mti: str, reply: str) -> None:
    assert reply_mti(mti) == reply
    assert is_reply(reply)
    assert not is_reply(mti)
    assert mti_class(mti) == mti_class(reply)
