"""Canonical JSON by RFC 8785 (JCS): one byte string for one value, so that hashes can be compared.

Values are `None`, `bool`, `str`, `int` within ±(2^53 - 1), finite `float`, and lists and
string-keyed mappings of them. Keys are sorted by UTF-16 code units (section 3.2.3), numbers are
written as ECMAScript writes them (section 3.2.2.3), text is UTF-8 without a byte order mark.
"""

import math
from collections.abc import Mapping

import msgspec

MAX_INTEGER = 2**53 - 1
"""Largest integer that every JSON reader keeps exactly (RFC 7493 section 2.2)."""
MAX_DEPTH = 16
_FIRST_ASTRAL = 0x10000
_AS_IT_IS = frozenset((str, bool, type(None)))
"""Types of most values: to ask a function of each is dear."""
_PLAIN = msgspec.json.Encoder(order="sorted")
"""Writes strings as section 3.2.2.2 has them, and sorts keys by code point; eight times as fast as
the standard library's."""


class CanonicalError(ValueError):
    """A value that has no canonical form; the message names its type, never the value."""


def canonical(value: object) -> bytes:
    """Return the canonical UTF-8 bytes of `value`; raises `CanonicalError`."""
    try:
        return _PLAIN.encode(_ready(value, 0))
    except UnicodeEncodeError as error:
        raise CanonicalError("text with a lone surrogate has no canonical form") from error


def _ready(value: object, depth: int) -> object:
    """`value`, checked, as the fast writer gives its canonical form: what that writes otherwise,
    floats and mappings with keys beyond the basic plane, is written already."""
    if depth > MAX_DEPTH:
        raise CanonicalError(f"nested deeper than {MAX_DEPTH}")
    if value is None or isinstance(value, str | bool):
        return value
    if isinstance(value, int):
        if abs(value) > MAX_INTEGER:
            raise CanonicalError("an integer beyond 2^53 - 1; write it as text")
        return value
    if isinstance(value, float):
        if not math.isfinite(value):
            raise CanonicalError("a number that is not finite")
        return msgspec.Raw(number(value).encode())
    if isinstance(value, Mapping):
        return _ready_mapping(value, depth)
    if isinstance(value, list | tuple):
        return [_ready(item, depth + 1) for item in value]
    raise CanonicalError(f"a {type(value).__name__} is no JSON value")


def _ready_mapping(value: Mapping[object, object], depth: int) -> object:
    ready: dict[str, object] = {}
    astral = False
    for key, item in value.items():
        if not isinstance(key, str):
            raise CanonicalError("a key that is not text")
        astral |= not (key.isascii() or all(ord(char) < _FIRST_ASTRAL for char in key))
        ready[key] = item if type(item) in _AS_IT_IS else _ready(item, depth + 1)
    if not astral:
        return ready
    keys = sorted(ready, key=lambda key: key.encode("utf-16-be"))
    pairs = [_PLAIN.encode(key) + b":" + _PLAIN.encode(ready[key]) for key in keys]
    return msgspec.Raw(b"{" + b",".join(pairs) + b"}")


def number(value: float) -> str:
    """Write a finite float as ECMAScript's Number::toString does (ECMA-262, 6.1.6.1.20)."""
    if value == 0:
        return "0"
    sign = "-" if value < 0 else ""
    digits, exponent = _shortest(abs(value))
    point = exponent + 1
    """Digits before the decimal point; `n` in the standard."""
    if len(digits) <= point <= 21:  # noqa: PLR2004 - the standard's own bounds here and below
        return sign + digits.ljust(point, "0")
    if 0 < point <= 21:  # noqa: PLR2004
        return f"{sign}{digits[:point]}.{digits[point:]}"
    if -6 < point <= 0:  # noqa: PLR2004
        return f"{sign}0.{'0' * -point}{digits}"
    fraction = f".{digits[1:]}" if len(digits) > 1 else ""
    return f"{sign}{digits[0]}{fraction}e{exponent:+d}"


def _shortest(value: float) -> tuple[str, int]:
    """Shortest round-trip digits without trailing zeros, and the first digit's power of ten."""
    mantissa, _, power = repr(value).partition("e")
    whole, _, fraction = mantissa.partition(".")
    digits = (whole + fraction).lstrip("0")
    leading = len(whole + fraction) - len(digits)
    exponent = int(power or 0) + len(whole) - leading - 1
    return digits.rstrip("0"), exponent
