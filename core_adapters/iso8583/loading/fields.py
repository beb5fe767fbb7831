"""`fields`, `tags` and `balances`: what stands in a message, and what may be shown of it."""

import re
from collections.abc import Mapping
from types import MappingProxyType

from core_adapters.iso8583.fields import MAX_FIELD, SHOWS, FieldSpec, TagSpec, parse_notation
from core_adapters.profiles.errors import ProfileError
from core_adapters.profiles.yamlread import Section

PIN_FIELD = 52
PIN_BLOCK_BYTES = {0: 8, 3: 8, 4: 16}
"""Bytes of a PIN block, by its format."""
CONTENTS = ("text", "pin_block")
_TAG = re.compile(r"[0-9]{2}")


def read_fields(section: Section, tags: Section, pin_format: int) -> Mapping[int, FieldSpec]:
    """`fields` with the subfields of `tags`."""
    fields: dict[int, FieldSpec] = {}
    for number in section:
        if not isinstance(number, int) or not 1 < number <= MAX_FIELD:
            raise section.error(f"a field is a number from 2 to {MAX_FIELD}", number)
        inner = _tags(tags.section(number)) if tags.has(number) else {}
        fields[number] = _field(section.section(number), number, inner)
    tags.done()
    block = PIN_BLOCK_BYTES[pin_format]
    pin = fields.get(PIN_FIELD)
    if pin is not None and (pin.kind, pin.length_digits, pin.size) != ("b", 0, block):
        raise section.error(f"a PIN block of format {pin_format} is b{block}", PIN_FIELD)
    return MappingProxyType(fields)


def _field(row: Section, number: int, tags: Mapping[str, TagSpec]) -> FieldSpec:
    try:
        kind, digits, size = parse_notation(row.take("is", str))
    except ProfileError as error:
        raise row.error(str(error), "is") from None
    spec = FieldSpec(
        number=number,
        name=row.take("name", str),
        kind=kind,
        length_digits=digits,
        size=size,
        show=row.choice("show", SHOWS, "clear"),
        encoding=row.choice("encoding", ("ascii", "utf-8", "gb18030"), "ascii"),
        tags=tags,
    )
    row.done()
    return spec


def _tags(section: Section) -> Mapping[str, TagSpec]:
    tags: dict[str, TagSpec] = {}
    for tag in section:
        if not isinstance(tag, str) or not _TAG.fullmatch(tag):
            raise section.error('a tag is two quoted digits, such as "01"', tag)
        tags[tag] = _tag(section.section(tag), tag)
    names = [spec.name for spec in tags.values()]
    if len(set(names)) != len(names):
        raise section.error("two tags have one name")
    return MappingProxyType(tags)


def _tag(row: Section, tag: str) -> TagSpec:
    holds = row.choice("holds", CONTENTS, "text")
    show = row.choice("show", SHOWS, "masked")
    if holds == "pin_block" and show != "never":
        raise row.error("a PIN block needs `show: never`", "show")
    spec = TagSpec(tag, row.take("name", str), show, holds)
    row.done()
    return spec


def read_balances(section: Section) -> Mapping[str, str]:
    """`balances`: names of the amount types of field 54."""
    found = {str(name): section.take(name, str) for name in section}
    if not all(_TAG.fullmatch(value) for value in found.values()):
        raise section.error('an amount type of field 54 is two quoted digits, such as "01"')
    return MappingProxyType(found)
