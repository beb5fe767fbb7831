"""Small values that every part of a profile has: MTIs, seconds, field numbers."""

import re
from collections.abc import Mapping
from typing import Any

from core_adapters.iso8583.format.fields import FieldSpec
from core_adapters.profiles.yamlread import Section

MAX_TIMEOUT_S = 120.0
MAX_LATE_S = 86_400.0
VERSION_DIGIT = {1987: "0", 1993: "1"}
"""First digit of an MTI, by the edition of ISO 8583."""
_MTI = re.compile(r"[0-9]{4}")


def mti(section: Section, key: str) -> str:
    """Four quoted digits under `key`."""
    return as_mti(section, section.take(key, str), key)


def as_mti(section: Section, value: Any, key: str) -> str:
    """A value that stands under `key` as an MTI."""
    if not isinstance(value, str) or not _MTI.fullmatch(value):
        raise section.error('an MTI is four quoted digits, such as "0200"', key)
    return value


def seconds(section: Section, key: str, most: float = MAX_TIMEOUT_S) -> float:
    """Seconds above 0 and up to `most`."""
    value = section.take(key, object)
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value <= most:
        raise section.error(f"{key!r} is seconds, above 0 and up to {most:g}", key)
    return float(value)


def numbers(section: Section, key: str, fields: Mapping[int, FieldSpec]) -> tuple[int, ...]:
    """A list of fields of the profile."""
    found = section.take(key, list)
    return tuple(known_field(section, number, key, fields) for number in found)


def known_field(section: Section, number: Any, key: Any, fields: Mapping[int, FieldSpec]) -> int:
    """A field's number, which must be among `fields`."""
    if isinstance(number, bool) or not isinstance(number, int) or number not in fields:
        raise section.error(f"field {number!r} is not among `fields`", key)
    return number
