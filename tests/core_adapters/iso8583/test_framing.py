"""Every way of writing the length: round trips, any pieces, truncation, lengths that cannot be."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core_adapters.iso8583.errors import EncodeError, FramingError
from core_adapters.iso8583.format.framing import FrameOptions, Framer, LengthForm, wrap

SIZES: dict[LengthForm, tuple[int, ...]] = {
    "binary": (1, 2, 3, 4),
    "bcd": (1, 2, 3, 4),
    "ascii": (1, 2, 3, 4, 5, 6),
}
LARGEST = 300
FORMS = [
    FrameOptions(size, 9 if (form, size) == ("ascii", 1) else 90, "none", b"", form, own)
    for form, sizes in SIZES.items()
    for size in sizes
    for own in (False, True)
    if (form, size, own) != ("ascii", 1, True)
]
FORMS.append(FrameOptions(1, 8, "none", b"", "ascii", True))
forms = st.sampled_from(FORMS)


def named(options: FrameOptions) -> str:
    return f"{options.size} {options.form}{' with itself' if options.counts_itself else ''}"


def body_of(options: FrameOptions, data: st.DataObject) -> bytes:
    return data.draw(st.binary(min_size=1, max_size=options.max_bytes))


@pytest.mark.parametrize(
    ("options", "header"),
    [
        (FrameOptions(2), "000c"),
        (FrameOptions(4), "0000000c"),
        (FrameOptions(2, counts_itself=True), "000e"),
        (FrameOptions(2, form="bcd"), "0012"),
        (FrameOptions(2, form="bcd", counts_itself=True, max_bytes=9997), "0014"),
        (FrameOptions(4, form="ascii"), b"0012".hex()),
        (FrameOptions(4, form="ascii", counts_itself=True), b"0016".hex()),
        (FrameOptions(6, form="ascii"), b"000012".hex()),
    ],
    ids=lambda one: named(one) if isinstance(one, FrameOptions) else "",
)
def test_headers_as_banks_write_them(options: FrameOptions, header: str) -> None:
    assert wrap(b"0800ABCDEFGH", options) == bytes.fromhex(header) + b"0800ABCDEFGH"


@given(forms, st.data())
def test_frames_in_any_pieces(options: FrameOptions, data: st.DataObject) -> None:
    bodies = [body_of(options, data) for _ in range(data.draw(st.integers(1, 4)))]
    stream = b"".join(wrap(body, options) for body in bodies)
    cuts = sorted(data.draw(st.sets(st.integers(0, len(stream)), max_size=8)) | {0, len(stream)})
    framer = Framer(options)
    found = [
        frame.body
        for start, end in itertools.pairwise(cuts)
        for frame in framer.feed(stream[start:end])
    ]
    assert found == bodies
    assert framer.pending == 0


@pytest.mark.parametrize("options", FORMS, ids=named)
def test_byte_by_byte_and_cut_at_every_byte(options: FrameOptions) -> None:
    body = bytes(range(1, options.max_bytes + 1))
    framer, stream = Framer(options), wrap(body, options)
    for number, byte in enumerate(stream, 1):
        found = list(framer.feed(bytes([byte])))
        assert [frame.body for frame in found] == ([body] if number == len(stream) else [])
        assert framer.pending == (0 if found else number)


@given(forms, st.data())
def test_a_truncated_frame_with_a_random_tail_gives_frames_or_a_framing_error(
    options: FrameOptions, data: st.DataObject
) -> None:
    """Whatever follows a cut: never another error, never a frame above the limit."""
    stream = wrap(body_of(options, data), options)
    cut = data.draw(st.integers(0, len(stream) - 1))
    framer = Framer(options)
    try:
        frames = list(framer.feed(stream[:cut] + data.draw(st.binary(max_size=LARGEST))))
    except FramingError:
        return
    assert all(1 <= len(frame.body) <= options.max_bytes for frame in frames)
    assert framer.pending < options.max_bytes + options.size


@pytest.mark.parametrize("options", FORMS, ids=named)
def test_lengths_at_their_limits(options: FrameOptions) -> None:
    body = b"x" * options.max_bytes
    assert [frame.body for frame in Framer(options).feed(wrap(body, options))] == [body]
    with pytest.raises(EncodeError):
        wrap(body + b"x", options)
    with pytest.raises(EncodeError):
        wrap(b"", options)
    roomier = FrameOptions(
        options.size, min(options.most, 200), "none", b"", options.form, options.counts_itself
    )
    if roomier.max_bytes > options.max_bytes:
        with pytest.raises(FramingError, match=r"above wire\.frame\.max"):
            list(Framer(options).feed(wrap(body + b"x", roomier)))


@pytest.mark.parametrize("options", FORMS, ids=named)
def test_a_length_of_nothing_is_an_error(options: FrameOptions) -> None:
    """Zero, and with the header counted: any length up to the header's own."""
    whole = wrap(b"x", options)[: options.size]
    lengths = range(options.own + 1)
    for length in lengths:
        header = _written(length, options)
        assert len(header) == len(whole)
        with pytest.raises(FramingError, match="no bytes"):
            list(Framer(options).feed(header))


def _written(length: int, options: FrameOptions) -> bytes:
    if options.form == "binary":
        return length.to_bytes(options.size, "big")
    digits = 2 * options.size if options.form == "bcd" else options.size
    text = str(length).rjust(digits, "0")
    return bytes.fromhex(text) if options.form == "bcd" else text.encode()


@pytest.mark.parametrize(
    ("options", "header"),
    [
        (FrameOptions(2, form="bcd"), b"\x00\x1a"),
        (FrameOptions(2, form="bcd"), b"\xf0\x12"),
        (FrameOptions(4, form="ascii"), b"00 9"),
        (FrameOptions(4, form="ascii"), b"-001"),
        (FrameOptions(4, form="ascii"), b"0x10"),
        (FrameOptions(4, form="ascii"), b"1_00"),
        (FrameOptions(4, form="ascii"), "²²".encode("latin-1") * 2),
        (FrameOptions(4, form="ascii"), b"\x00\x00\x00\x0c"),
    ],
)
def test_bad_digits_say_what_to_check(options: FrameOptions, header: bytes) -> None:
    with pytest.raises(FramingError, match=r"digits; check wire\.frame"):
        list(Framer(options).feed(header + b"0800"))


@pytest.mark.parametrize(
    ("size", "longest", "form", "own"),
    [
        (0, 10, "binary", False),
        (5, 10, "binary", False),
        (7, 10, "ascii", False),
        (2, 0, "binary", False),
        (2, 65_536, "binary", False),
        (2, 65_534, "binary", True),
        (2, 10_000, "bcd", False),
        (2, 9_998, "bcd", True),
        (4, 9_996, "ascii", True),
    ],
)
def test_a_header_that_cannot_say_the_limit_is_refused(
    size: int, longest: int, form: LengthForm, own: bool
) -> None:
    with pytest.raises(ValueError, match=r"wire\.frame"):
        FrameOptions(size, longest, "none", b"", form, own)
