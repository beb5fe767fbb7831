"""Subfields inside subfields: by tag, by position and as BER-TLV; round trips, cuts, limits, and a
reference written on its own to differ from."""

import random
from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core_adapters.iso8583.errors import DecodeError, EncodeError
from core_adapters.iso8583.format.ber import is_tag, join_ber, split_ber
from core_adapters.iso8583.format.layout import MAX_LEVELS, MAX_PARTS, Layout, Path, TagSpec
from core_adapters.iso8583.format.parts import Shape, build_parts, parse_parts

TEXT = Shape(48)
BYTES = Shape(55, "ascii", 2)
SECRET = "6227009000000013"

ADDRESS = Layout(
    "fixed",
    {"street": TagSpec("street", "street", size=6)}
    | {
        "house": TagSpec("house", "house", size=3, pad="zero"),
    },
)
INNER = Layout("tlv", {"01": TagSpec("01", "place", inside=ADDRESS), "02": TagSpec("02", "note")})
PRIVATE = Layout("tlv", {"10": TagSpec("10", "person", inside=INNER), "11": TagSpec("11", "word")})
CHIP = Layout("ber", {"9F26": TagSpec("9F26", "cryptogram")})

BER_TAGS = ("57", "82", "9A", "9F26", "9F36", "DF8101", "DFFF7F", "5F2A", "1F01")
BER_GROUPS = ("E1", "77", "BF0C", "FF8101")


def reference(data: bytes) -> Iterator[tuple[Path, bytes]]:
    """BER-TLV by recursion on slices; knows nothing of the code under test."""
    while data:
        tag, data = data[:1], data[1:]
        if tag[0] % 32 == 31:
            while True:
                tag, data = tag + data[:1], data[1:]
                if tag[-1] < 128:
                    break
        size, data = data[0], data[1:]
        if size > 128:
            count = size - 128
            size, data = int.from_bytes(data[:count], "big"), data[count:]
        value, data = data[:size], data[size:]
        name = tag.hex().upper()
        if tag[0] // 32 % 2 and value:
            yield from (((name, *path), text) for path, text in reference(value))
        else:
            yield (name,), value


def contents(depth: int) -> st.SearchStrategy[dict[str, object]]:
    values = st.binary(max_size=300) if depth == 1 else st.binary(max_size=20)
    leaves = st.dictionaries(st.sampled_from(BER_TAGS), values, max_size=4)
    if depth == MAX_LEVELS:
        return leaves  # type: ignore[return-value]
    groups = st.dictionaries(st.sampled_from(BER_GROUPS), contents(depth + 1), max_size=2)
    return st.builds(lambda a, b: {**a, **b}, leaves, groups)


def paths(tree: dict[str, object], above: Path = ()) -> dict[Path, str]:
    found: dict[Path, str] = {}
    for tag, value in tree.items():
        if isinstance(value, bytes):
            found[(*above, tag)] = value.hex().upper()
        elif isinstance(value, dict):
            found |= paths(value, (*above, tag)) or {(*above, tag): ""}
    return found


@given(contents(1))
def test_ber_round_trip_and_the_reference_agrees(tree: dict[str, object]) -> None:
    values = paths(tree)
    text = build_parts(values, CHIP, BYTES)
    assert list(parse_parts(text, CHIP, BYTES).items()) == list(values.items())
    theirs = {path: value.hex().upper() for path, value in reference(bytes.fromhex(text))}
    assert theirs == values


@given(st.binary(max_size=80))
@settings(max_examples=300)
def test_any_bytes_are_ber_or_a_decode_error(data: bytes) -> None:
    try:
        found = parse_parts(data.hex().upper(), CHIP, BYTES)
    except DecodeError:
        return
    again = build_parts(found, CHIP, BYTES)
    assert parse_parts(again, CHIP, BYTES) == found


def test_ber_cut_at_every_byte_with_a_random_tail() -> None:
    tree: dict[Path, str] = {("E1", "BF0C", "9F26"): "A1" * 8, ("E1", "82"): "1980"}
    tree |= {("DF8101",): SECRET, ("57",): "00" * 200, ("5F2A",): "0156"}
    whole = bytes.fromhex(build_parts(tree, CHIP, BYTES))
    ends = {0, *_ends(whole)}
    chance = random.Random(55)
    for cut in range(len(whole)):
        if cut not in ends:
            with pytest.raises(DecodeError) as caught:
                parse_parts(whole[:cut].hex().upper(), CHIP, BYTES)
            assert SECRET not in str(caught.value)
        _no_secret_said((whole[:cut] + chance.randbytes(9)).hex().upper())


def _no_secret_said(text: str) -> None:
    said = ""
    try:
        parse_parts(text, CHIP, BYTES)
    except DecodeError as error:
        said = str(error)
    assert SECRET not in said


def _ends(whole: bytes) -> list[int]:
    at, ends = 0, []
    for tag, value in split_ber(whole.hex(), "55"):
        at += len(bytes.fromhex(join_ber([(tag, value)], "55")))
        ends.append(at)
    return ends


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("9F", "field 55 at byte 0: a tag is cut off"),
        ("9FFFFFFF7F01AA", "field 55 at byte 0: a tag is longer than 3 bytes"),
        ("82", "field 55.82 at byte 1: the length is cut off"),
        ("8282FF", "field 55.82 at byte 1: the length is cut off"),
        ("828001", "field 55.82 at byte 1: a length in this form"),
        ("8283000001AA", "field 55.82 at byte 1: a length in this form"),
        ("820319", "field 55.82 at byte 2: the value is shorter than its length"),
        ("E103820319", "field 55.E1.82 at byte 2: the value is shorter"),
        ("82011982011A", "field 55.82 at byte 0: the tag comes twice"),
        ("E108E106E104E102E100", "field 55.E1.E1.E1.E1 at byte 0: subfields deeper than 4"),
    ],
)
def test_ber_faults_name_the_path_and_the_byte(text: str, said: str) -> None:
    with pytest.raises(DecodeError) as caught:
        parse_parts(text, CHIP, BYTES)
    assert str(caught.value).startswith(said)


def test_ber_lengths_padding_and_tags() -> None:
    long_forms = "8281021980" + "00" + "9F2682000101"
    assert parse_parts(long_forms, CHIP, BYTES) == {("82",): "1980", ("9F26",): "01"}
    for size in (0, 127, 128, 255, 256, 65_535):
        text = join_ber([("9F26", "AB" * size)], "55")
        assert split_ber(text, "55") == [("9F26", "AB" * size)]
    with pytest.raises(EncodeError, match="longer than 65535"):
        join_ber([("9F26", "AB" * 65_536)], "55")
    good = ("82", "9F26", "DF8101", "E1")
    bad = ("", "9", "9f26", "00", "9F", "8299", "DF81", "DF818101", "XX")
    assert [is_tag(tag) for tag in (*good, *bad)] == [True] * len(good) + [False] * len(bad)


PEOPLE = st.fixed_dictionaries(
    {},
    optional={
        ("11",): st.text("ab陈", max_size=9),
        ("10", "01", "street"): st.text("abc", min_size=6, max_size=6),
        ("10", "02"): st.text("ab海", max_size=9),
        ("77",): st.text("xyz", max_size=9),
    },
)


@given(PEOPLE)
def test_parts_inside_parts_round_trip(values: dict[Path, str]) -> None:
    text = build_parts(values, PRIVATE, TEXT)
    found = parse_parts(text, PRIVATE, TEXT)
    house = ("10", "01", "house")
    expected = {}
    for path, value in values.items():
        expected[path] = value
        if path[-1] == "street":
            expected[house] = "000"
    assert found == expected
    assert build_parts(found, PRIVATE, TEXT) == text


def test_the_wire_form_of_nested_parts() -> None:
    values = {("10", "01", "street"): "Nanjin", ("10", "01", "house"): "7", ("10", "99"): "?"}
    text = build_parts({**values, ("88",): "kept"}, PRIVATE, TEXT)
    assert text == "10020" + "01009Nanjin007" + "99001?" + "88004kept"
    found = parse_parts(text, PRIVATE, TEXT)
    assert found == {**values, ("10", "01", "house"): "007", ("88",): "kept"}
    assert list(found)[-1] == ("88",)


def test_what_stands_behind_fixed_parts_is_kept() -> None:
    found = parse_parts("Nanjin007 and more", ADDRESS, TEXT)
    assert found[("rest",)] == " and more"
    assert build_parts(found, ADDRESS, TEXT) == "Nanjin007 and more"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            "1001301008Nanjin00",
            "field 48.10.01.house at byte 6: the value is shorter than its size",
        ),
        ("1000501", "field 48.10 at byte 5: the value is shorter"),
        ("100050200", "field 48.10 at byte 5: the value is shorter"),
        ("1000702003ab", "field 48.10.02 at byte 5: the value is shorter"),
        ("1001002000" + "02000", "field 48.10.02 at byte 10: the tag comes twice"),
    ],
)
def test_faults_inside_name_the_path(text: str, said: str) -> None:
    with pytest.raises(DecodeError) as caught:
        parse_parts(text, PRIVATE, TEXT)
    assert str(caught.value).startswith(said)


def test_nested_parts_cut_at_every_character() -> None:
    values = {("10", "01", "street"): "Nanjin", ("10", "02"): SECRET, ("11",): "word"}
    whole = build_parts(values, PRIVATE, TEXT)
    for cut in range(1, len(whole)):
        if cut == whole.index("11004word"):
            continue
        with pytest.raises(DecodeError) as caught:
            parse_parts(whole[:cut], PRIVATE, TEXT)
        assert SECRET not in str(caught.value)


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({("11", "01"): "x"}, "48.11: no subfields stand in this one"),
        ({("10",): "02000", ("10", "02"): "x"}, "48.10: the tag comes twice"),
        ({("10", "01", "street"): SECRET}, "48.10.01.street: longer than 6"),
        ({("10", "01", "city"): "x"}, "48.10.01.city: no part of this field"),
        ({("1",): "x"}, "48.1: a tag has two digits"),
        ({("10", "02"): "x" * 1000}, "48.10.02: longer than 999 bytes"),
        (
            {(f"{n // 100}{n:02d}",): "" for n in range(MAX_PARTS + 1)},
            "48: more than 200 subfields",
        ),
    ],
)
def test_what_cannot_be_built_is_named(values: dict[Path, str], said: str) -> None:
    with pytest.raises(EncodeError) as caught:
        build_parts(values, PRIVATE, TEXT)
    assert str(caught.value) == f"field {said}"


def test_more_subfields_than_the_limit_are_refused() -> None:
    many = "".join(f"DF{0x81 + n // 128:02X}{n % 128:02X}00" for n in range(MAX_PARTS + 1))
    with pytest.raises(DecodeError, match="more than 200 subfields"):
        parse_parts(many, CHIP, BYTES)


def test_the_strictest_of_all_that_a_value_stands_in_is_shown() -> None:
    leaf = Layout("tlv", {"01": TagSpec("01", "open", "clear")})
    outer = {"10": TagSpec("10", "closed", "never", inside=leaf)}
    outer["11"] = TagSpec("11", "half", "masked", inside=leaf)
    layout = Layout("tlv", outer)
    shown = [layout.shown(path) for path in (("10", "01"), ("11", "01"), ("11", "02"), ("12",))]
    assert shown == ["never", "clear", "masked", "masked"]
