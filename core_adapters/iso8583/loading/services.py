"""`common`, `services`: which message a service is, and what its reply gives."""

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from core_adapters.iso8583.format.fields import FieldSpec
from core_adapters.iso8583.format.templates import (
    Place,
    ReplySource,
    Source,
    Template,
    parse_reply,
    parse_source,
)
from core_adapters.iso8583.loading.codes import read_overrides
from core_adapters.iso8583.loading.common import known_field, mti, seconds
from core_adapters.iso8583.profile import AdviceMap, ServiceMap
from core_adapters.profiles.tree import Node
from core_adapters.profiles.yamlread import Section, nearest

MAX_SERVICES = 500
PROCESSING_CODE = 3
_PROCESSING = re.compile(r"[0-9]{6}")


def read_templates(
    section: Section, fields: Mapping[int, FieldSpec], place: Place = "request"
) -> Mapping[int, Template]:
    """Field number to its source, or to its subfields' sources by name."""
    found: dict[int, Template] = {}
    for number in section:
        known_field(section, number, number, fields)
        found[number] = _template(section, fields[number], place)
    return MappingProxyType(found)


def _template(section: Section, spec: FieldSpec, place: Place) -> Template:
    if not spec.tags:
        return _source(section, spec.number, place)
    inner = section.section(spec.number)
    parts: dict[str, Source] = {}
    for name in inner:
        if spec.path_of(str(name)) is None:
            near = nearest(str(name), spec.paths)
            why = f"{name!r} is no subfield; name it under tags.{spec.number}{near}"
            raise inner.error(why, name)
        parts[str(name)] = _source(inner, name, place)
    return MappingProxyType(parts)


def _source(section: Section, key: Any, place: Place) -> Source:
    text = section.take(key, str)
    try:
        return parse_source(text, place)
    except ValueError as error:
        raise section.error(str(error), key) from None


def read_services(
    section: Section, fields: Mapping[int, FieldSpec], codes: re.Pattern[str]
) -> Mapping[str, ServiceMap]:
    """`services` by name; `codes` is what a code of field 39 looks like."""
    names = list(section)
    if not 0 < len(names) <= MAX_SERVICES:
        raise section.error(f"1 to {MAX_SERVICES} services")
    rows = {str(name): section.section(name) for name in names}
    return MappingProxyType({name: _service(name, rows[name], fields, codes) for name in rows})


def _service(
    name: str, row: Section, fields: Mapping[int, FieldSpec], codes: re.Pattern[str]
) -> ServiceMap:
    processing = row.take("processing_code", str, "")
    if processing and not _PROCESSING.fullmatch(processing):
        raise row.error("six quoted digits", "processing_code")
    request = dict(read_templates(row.section("request"), fields))
    if processing:
        request[PROCESSING_CODE] = parse_source(processing)
    service = ServiceMap(
        name=name,
        version=row.take("version", int),
        mti=mti(row, "mti"),
        processing_code=processing,
        timeout_s=seconds(row, "timeout_s"),
        request=MappingProxyType(request),
        reply=_reply(row.section("reply"), fields),
        codes=read_overrides(row.section("codes"), codes) if row.has("codes") else {},
        repeat_mti=mti(row, "repeat_mti") if row.has("repeat_mti") else "",
        advice=_advice(row.section("advice")) if row.has("advice") else None,
        place=str(row.place_of(None)),
    )
    row.done()
    return service


def _advice(row: Section) -> AdviceMap:
    advice = AdviceMap(mti(row, "mti"), mti(row, "repeat_mti"), seconds(row, "after_s"))
    row.done()
    return advice


def _reply(section: Section, fields: Mapping[int, FieldSpec]) -> Mapping[str, ReplySource]:
    found: dict[str, ReplySource] = {}
    for name in section:
        found[str(name)] = _output(section, name, fields)
    return MappingProxyType(found)


def _output(section: Section, name: Any, fields: Mapping[int, FieldSpec]) -> ReplySource:
    value = section.take(name, object)
    if isinstance(value, Node):
        return _rows(section.section(name), fields)
    try:
        source = parse_reply(str(value))
    except ValueError as error:
        raise section.error(str(error), name) from None
    known_field(section, source.field, name, fields)
    return source


def _rows(row: Section, fields: Mapping[int, FieldSpec]) -> ReplySource:
    """`{field: 120, rows: {column: name under tags}}`."""
    number = known_field(row, row.take("field", int), "field", fields)
    layout = fields[number].inside
    if layout is None or not layout.rows:
        raise row.error(f"tags.{number} has no rows; give it `rows` and `columns`", "field")
    known = [one.name for one in layout.columns.values()]
    wanted = row.section("rows")
    columns = {str(name): str(wanted.take(name, str)) for name in wanted}
    for name, column in columns.items():
        if column not in known:
            near = nearest(column, known)
            why = f"{column!r} is no column; name it under tags.{number}.columns{near}"
            raise wanted.error(why, name)
    row.done()
    return ReplySource(number, columns=MappingProxyType(columns))
