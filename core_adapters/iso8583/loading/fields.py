"""`fields`, `tags` and `balances`: what stands in a message, and what may be shown of it."""

import re
from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType

from core_adapters.iso8583.format.fields import MAX_FIELD, FieldSpec, parse_notation
from core_adapters.iso8583.format.layout import SHOWS
from core_adapters.iso8583.loading.layouts import read_layout
from core_adapters.profiles.errors import ProfileError
from core_adapters.profiles.yamlread import Section

PIN_FIELD = 52
PIN_BLOCK_BYTES = {0: 8, 3: 8, 4: 16}
"""Bytes of a PIN block, by its format."""
_TAG = re.compile(r"[0-9]{2}")


def read_fields(section: Section, tags: Section, pin_format: int) -> Mapping[int, FieldSpec]:
    """`fields` with the subfields of `tags`."""
    fields: dict[int, FieldSpec] = {}
    for number in section:
        if not isinstance(number, int) or not 1 < number <= MAX_FIELD:
            raise section.error(f"a field is a number from 2 to {MAX_FIELD}", number)
        spec = _field(section.section(number), number)
        if tags.has(number):
            inside = read_layout(tags.section(number), "bytes" if spec.kind == "b" else "text")
            spec = replace(spec, inside=inside)
        fields[number] = spec
    tags.done()
    block = PIN_BLOCK_BYTES[pin_format]
    pin = fields.get(PIN_FIELD)
    if pin is not None and (pin.kind, pin.length_digits, pin.size) != ("b", 0, block):
        raise section.error(f"a PIN block of format {pin_format} is b{block}", PIN_FIELD)
    return MappingProxyType(fields)


def _field(row: Section, number: int) -> FieldSpec:
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
    )
    row.done()
    return spec


def read_balances(section: Section) -> Mapping[str, str]:
    """`balances`: names of the amount types of field 54."""
    found = {str(name): section.take(name, str) for name in section}
    if not all(_TAG.fullmatch(value) for value in found.values()):
        raise section.error('an amount type of field 54 is two quoted digits, such as "01"')
    return MappingProxyType(found)
