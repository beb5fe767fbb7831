"""Subfields by two digits of tag and three of length in bytes, then the value.

Unknown tags are kept in place, and a repeated tag is an error: nobody could say which one counts.
"""

from collections.abc import Mapping

from core_adapters.iso8583.errors import DecodeError, EncodeError

TAG_DIGITS = 2
LENGTH_DIGITS = 3
HEAD = TAG_DIGITS + LENGTH_DIGITS
MAX_VALUE_BYTES = 999


def parse_tlv(text: str, where: int | str, encoding: str = "utf-8") -> dict[str, str]:
    """Return tag to value, in order of the wire; raises `DecodeError` on anything else."""
    data = text.encode(encoding)
    found: dict[str, str] = {}
    at = 0
    while at < len(data):
        tag, size = _head(data, at, where)
        start, at = at + HEAD, at + HEAD + size
        if at > len(data):
            raise DecodeError(f"{where}.{tag}", "the value is shorter than its length", start)
        if tag in found:
            raise DecodeError(f"{where}.{tag}", "the tag comes twice", start)
        try:
            found[tag] = data[start:at].decode(encoding)
        except UnicodeDecodeError:
            raise DecodeError(f"{where}.{tag}", f"the value is not {encoding}", start) from None
    return found


def _head(data: bytes, at: int, where: int | str) -> tuple[str, int]:
    head = data[at : at + HEAD]
    if len(head) != HEAD or not head.isdigit():
        raise DecodeError(str(where), "a subfield needs two digits of tag, three of length", at)
    return head[:TAG_DIGITS].decode("ascii"), int(head[TAG_DIGITS:])


def build_tlv(values: Mapping[str, str], where: int | str, encoding: str = "utf-8") -> str:
    """Join tags and values in the order given; raises `EncodeError`."""
    parts: list[str] = []
    for tag, value in values.items():
        if len(tag) != TAG_DIGITS or not (tag.isascii() and tag.isdigit()):
            raise EncodeError(f"{where}.{tag[:TAG_DIGITS]}", "a tag has two digits")
        try:
            size = len(value.encode(encoding))
        except UnicodeEncodeError:
            raise EncodeError(f"{where}.{tag}", f"the value is not {encoding}") from None
        if size > MAX_VALUE_BYTES:
            raise EncodeError(f"{where}.{tag}", f"longer than {MAX_VALUE_BYTES} bytes")
        parts.append(f"{tag}{size:03d}{value}")
    return "".join(parts)
