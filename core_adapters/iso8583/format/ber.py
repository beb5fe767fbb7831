"""BER-TLV (ISO/IEC 8825-1, as EMV book 3 annex B uses it).

Tags of one to three bytes, lengths in short form and in long form of one or two bytes. Values are
hexadecimal text, as in fields of kind b.
"""

from core_adapters.iso8583.errors import DecodeError, EncodeError

MAX_TAG_BYTES = 3
MAX_VALUE_BYTES = 65_535
LOW, MORE = 0x1F, 0x80
"""Tag number that says "more bytes follow", and the bit with which each says so of the next."""
LONG_ONE, LONG_TWO = 0x81, 0x82
PADDING = 0x00
"""May stand between data objects (EMV book 3, B.1); no tag begins with it."""


def is_tag(text: str) -> bool:
    """Whether this is a tag in upper-case hexadecimal, of one to three bytes."""
    try:
        data = bytes.fromhex(text)
    except ValueError:
        return False
    if not data or text != data.hex().upper() or data[0] == PADDING:
        return False
    try:
        return _tag(data, 0, "") == len(data)
    except DecodeError:
        return False


def split_ber(text: str, where: str) -> list[tuple[str, str]]:
    """Tags and values in order of the wire; raises `DecodeError` at the byte of the fault."""
    try:
        data = bytes.fromhex(text)
    except ValueError:
        raise DecodeError(where, "BER-TLV must be bytes") from None
    found: list[tuple[str, str]] = []
    at = 0
    while at < len(data):
        if data[at] == PADDING:
            at += 1
            continue
        end = _tag(data, at, where)
        tag = data[at:end].hex().upper()
        start, size = _length(data, end, f"{where}.{tag}")
        at = start + size
        if at > len(data):
            raise DecodeError(f"{where}.{tag}", "the value is shorter than its length", start)
        found.append((tag, data[start:at].hex().upper()))
    return found


def _tag(data: bytes, at: int, where: str) -> int:
    """The position behind the tag that begins at `at`."""
    end = at + 1
    if data[at] & LOW == LOW:
        while end < len(data) and data[end] & MORE and end - at < MAX_TAG_BYTES:
            end += 1
        end += 1
    if end > len(data):
        raise DecodeError(where, "a tag is cut off", at)
    if end - at > MAX_TAG_BYTES:
        raise DecodeError(where, f"a tag is longer than {MAX_TAG_BYTES} bytes", at)
    return end


def _length(data: bytes, at: int, where: str) -> tuple[int, int]:
    """Where the value begins, and its bytes."""
    first = data[at] if at < len(data) else None
    if first is not None and first < MORE:
        return at + 1, first
    more = {LONG_ONE: 1, LONG_TWO: 2}.get(first or 0)
    if first is None or (more is not None and at + 1 + more > len(data)):
        raise DecodeError(where, "the length is cut off", at)
    if more is None:
        raise DecodeError(where, "a length in this form (indefinite, or over two bytes)", at)
    return at + 1 + more, int.from_bytes(data[at + 1 : at + 1 + more], "big")


def join_ber(parts: list[tuple[str, str]], where: str) -> str:
    """Tags and values (hexadecimal) in the order given; the shortest form of each length."""
    out: list[str] = []
    for tag, value in parts:
        if not is_tag(tag):
            raise EncodeError(f"{where}.{tag[:8]}", "a tag is one to three bytes in hexadecimal")
        try:
            size = len(bytes.fromhex(value))
        except ValueError:
            raise EncodeError(f"{where}.{tag}", "a value is bytes in hexadecimal") from None
        if size > MAX_VALUE_BYTES:
            raise EncodeError(f"{where}.{tag}", f"longer than {MAX_VALUE_BYTES} bytes")
        out.append(f"{tag}{_size_text(size)}{value.upper()}")
    return "".join(out)


def _size_text(size: int) -> str:
    if size < MORE:
        return f"{size:02X}"
    return f"81{size:02X}" if size <= 0xFF else f"82{size:04X}"  # noqa: PLR2004 - one byte
