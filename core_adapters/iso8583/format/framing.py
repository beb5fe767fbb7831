"""Cuts a TCP stream into messages: a length in front, with or without a TPDU behind it."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

from core_adapters.iso8583.errors import EncodeError, FramingError

TPDU_BYTES = 5
TPDU_ID = 0x60
"""First byte of a TPDU; no MTI of a known encoding begins with it."""

TpduUse = Literal["none", "optional", "required"]
LengthForm = Literal["binary", "bcd", "ascii"]
MAX_HEADER: Mapping[LengthForm, int] = MappingProxyType({"binary": 4, "bcd": 4, "ascii": 6})
"""Most bytes of a length header."""
CHECK = "check wire.frame (size, form, counts_itself) of the profile"


@dataclass(frozen=True, slots=True)
class FrameOptions:
    """How messages stand in the stream."""

    size: int = 2
    """Bytes of the length header: 1 to 4, as digits up to 6."""
    max_bytes: int = 8192
    """Longest frame behind the header, TPDU included."""
    tpdu: TpduUse = "none"
    """Whether a five-byte TPDU stands in front of the message."""
    tpdu_value: bytes = b""
    """The TPDU that we send: id, destination (2), origin (2)."""
    form: LengthForm = "binary"
    """How the length header is written: big-endian, packed digits or ASCII digits."""
    counts_itself: bool = False
    """Whether the length counts the header's own bytes too."""

    def __post_init__(self) -> None:
        longest = MAX_HEADER[self.form]
        if not 1 <= self.size <= longest:
            raise ValueError(f"wire.frame.size of form {self.form} is 1 to {longest}")
        if not 1 <= self.max_bytes <= self.most:
            raise ValueError(
                f"wire.frame.max is 1 to {self.most}: a header of {self.size} {self.form} bytes "
                "cannot say more"
            )

    @property
    def most(self) -> int:
        """The longest frame that the header can tell of, without the header."""
        if self.form == "binary":
            return (1 << 8 * self.size) - 1 - self.own
        digits = 2 * self.size if self.form == "bcd" else self.size
        return int("9" * digits) - self.own

    @property
    def own(self) -> int:
        """Bytes of the header that the length counts."""
        return self.size if self.counts_itself else 0


@dataclass(frozen=True, slots=True, repr=False)
class Frame:
    """One message's bytes, and the TPDU that came with them or nothing."""

    body: bytes
    tpdu: bytes = b""

    def __repr__(self) -> str:
        return f"Frame({len(self.body)} bytes)"


def swap_tpdu(tpdu: bytes) -> bytes:
    """The TPDU of a reply: destination and origin change places."""
    return tpdu[:1] + tpdu[3:5] + tpdu[1:3] if tpdu else b""


def wrap(body: bytes, options: FrameOptions, tpdu: bytes | None = None) -> bytes:
    """Put TPDU and length in front of a message; `tpdu` overrides the profile's (a reply)."""
    if tpdu is None:
        tpdu = options.tpdu_value if options.tpdu != "none" else b""
    size = len(tpdu) + len(body)
    if not body or size > options.max_bytes:
        raise EncodeError("frame", f"a message has 1 to {options.max_bytes} bytes, not {size}")
    return _header(size + options.own, options) + tpdu + body


def _header(length: int, options: FrameOptions) -> bytes:
    match options.form:
        case "binary":
            return length.to_bytes(options.size, "big")
        case "bcd":
            return bytes.fromhex(f"{length:0{2 * options.size}d}")
        case "ascii":
            return b"%0*d" % (options.size, length)


def _length(header: bytes, options: FrameOptions) -> int:
    """What a header says; raises `FramingError` where it has other than digits."""
    if options.form == "binary":
        return int.from_bytes(header, "big")
    digits = header.hex() if options.form == "bcd" else header.decode("latin-1")
    if not (digits.isascii() and digits.isdigit()):
        kind = "packed digits" if options.form == "bcd" else "ASCII digits"
        raise FramingError(f"a length header that is not {kind}; {CHECK}")
    return int(digits)


class Framer:
    """Incremental: feed any piece of the stream, get the frames that it completes.

    After a `FramingError` the stream has lost its place; close the connection. A frame that never
    ends is the owner's to give up: `pending` says that one has begun.
    """

    def __init__(self, options: FrameOptions) -> None:
        self._options = options
        self._buffer = bytearray()

    @property
    def pending(self) -> int:
        """Bytes of a frame that is not whole yet."""
        return len(self._buffer)

    def feed(self, data: bytes) -> Iterator[Frame]:
        """Take bytes; yields whole frames. Raises `FramingError` on a length that cannot be."""
        self._buffer += data
        while True:
            frame = self._next()
            if frame is None:
                return
            yield frame

    def _next(self) -> Frame | None:
        head = self._options.size
        if len(self._buffer) < head:
            return None
        size = _length(bytes(self._buffer[:head]), self._options) - self._options.own
        if size <= 0:
            raise FramingError(f"a frame of no bytes; {CHECK}")
        if size > self._options.max_bytes:
            raise FramingError(
                f"a frame of {size} bytes is above wire.frame.max ({self._options.max_bytes}); "
                f"{CHECK}"
            )
        if len(self._buffer) < head + size:
            return None
        whole = bytes(self._buffer[head : head + size])
        del self._buffer[: head + size]
        return self._split(whole)

    def _split(self, whole: bytes) -> Frame:
        use = self._options.tpdu
        if use == "none" or (use == "optional" and whole[0] != TPDU_ID):
            return Frame(whole)
        if whole[0] != TPDU_ID or len(whole) <= TPDU_BYTES:
            raise FramingError("a frame without the TPDU that the profile requires")
        return Frame(whole[TPDU_BYTES:], whole[:TPDU_BYTES])
