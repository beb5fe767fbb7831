"""Reads and checks a profile; every complaint has file, line and what to do."""

import re
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

from core_adapters.iso8583.fields import MAX_FIELD, SHOWS, FieldSpec, TagSpec, parse_notation
from core_adapters.iso8583.fields import WireOptions as Wire
from core_adapters.iso8583.framing import FrameOptions
from core_adapters.iso8583.profile import (
    CODE_CLASSES,
    AdviceMap,
    CodeMeaning,
    MatchRule,
    NetworkMap,
    Profile,
    ReversalMap,
    ServiceMap,
)
from core_adapters.iso8583.templates import Source, Template, parse_reply, parse_source
from core_adapters.profiles.errors import ProfileError
from core_adapters.profiles.yamlread import Section, read_yaml

SCHEMA = 1
MAX_FRAME = 65_535
MAX_TIMEOUT_S = 120.0
MAX_SERVICES = 500
_TAG = re.compile(r"[0-9]{2}")
_MTI = re.compile(r"[0-9]{4}")
_CODE = re.compile(r"[0-9A-Z]{2}")
_PROCESSING = re.compile(r"[0-9]{6}")


def load_profile(path: Path) -> Profile:
    """Read a profile; raises `ProfileError`."""
    top = read_yaml(path)
    if top.take("schema", int) != SCHEMA:
        raise top.error(f"must begin with `schema: {SCHEMA}`", "schema")
    if top.take("edition", int, 1987) != 1987:  # noqa: PLR2004 - a year
        raise top.error("only the 1987 version is known here", "edition")
    fields = _fields(top.section("fields"), top.section("tags"))
    mac = top.section("mac")
    _pin(top.section("pin"))
    profile = Profile(
        name=top.take("profile", str),
        version=top.take("version", int),
        test=top.take("test", bool, False),
        wire=_wire(top.section("wire")),
        frame=_frame(top.section("wire")),
        mac=mac.choice("algorithm", ("aes-cmac", "x9.19")),
        mac_exempt=frozenset(_mti(mac, one) for one in mac.take("exempt", list, [])),
        fields=fields,
        balances=_balances(top.section("balances")),
        common=_templates(top.section("common"), fields),
        services=_services(top.section("services"), fields),
        codes=_codes(top.section("codes")),
        match=_match(top.section("match"), fields),
        network=_network(top.section("network"), fields),
        reversal=_reversal(top.section("reversal"), fields),
    )
    mac.done()
    top.done()
    return profile


def _wire(section: Section) -> Wire:
    section.section("frame")
    section.section("tpdu")
    wire = Wire(
        mti=section.choice("mti", ("ascii", "bcd"), "ascii"),
        bitmap=section.choice("bitmap", ("binary", "hex"), "binary"),
        numeric=section.choice("numeric", ("ascii", "bcd"), "ascii"),
        lengths=section.choice("lengths", ("ascii", "bcd"), "ascii"),
    )
    section.done()
    return wire


def _frame(section: Section) -> FrameOptions:
    frame, tpdu = section.section("frame"), section.section("tpdu")
    size, longest = frame.take("size", int), frame.take("max", int)
    if size not in (2, 4) or not 0 < longest <= MAX_FRAME:
        raise frame.error(f"size is 2 or 4, max 1 to {MAX_FRAME}")
    use = tpdu.choice("use", ("none", "optional", "required"), "none")
    try:
        value = bytes.fromhex(tpdu.take("value", str, "6000000000"))
    except ValueError:
        value = b""
    if len(value) != 5 or value[0] != 0x60:  # noqa: PLR2004 - a TPDU of ISO 8073 use here
        raise tpdu.error("a TPDU is ten hexadecimal digits beginning with 60", "value")
    frame.done()
    tpdu.done()
    return FrameOptions(size, longest, use, value)


def _pin(section: Section) -> None:
    if section.take("format", int) != 0:
        raise section.error("only PIN block format 0 is known here", "format")
    section.choice("pad", ("K1K2K1",), "K1K2K1")
    section.done()


def _fields(section: Section, tags: Section) -> Mapping[int, FieldSpec]:
    fields: dict[int, FieldSpec] = {}
    for number in section:
        if not isinstance(number, int) or not 1 < number <= MAX_FIELD:
            raise section.error(f"a field is a number from 2 to {MAX_FIELD}", number)
        row = section.section(number)
        try:
            kind, digits, size = parse_notation(row.take("is", str))
        except ProfileError as error:
            raise row.error(str(error), "is") from None
        fields[number] = FieldSpec(
            number=number,
            name=row.take("name", str),
            kind=kind,
            length_digits=digits,
            size=size,
            show=row.choice("show", SHOWS, "clear"),
            encoding=row.choice("encoding", ("ascii", "utf-8", "gb18030"), "ascii"),
            tags=_tags(tags.section(number)) if tags.has(number) else {},
        )
        row.done()
    tags.done()
    return MappingProxyType(fields)


def _tags(section: Section) -> Mapping[str, TagSpec]:
    tags: dict[str, TagSpec] = {}
    for tag in section:
        if not isinstance(tag, str) or not _TAG.fullmatch(tag):
            raise section.error('a tag is two quoted digits, such as "01"', tag)
        row = section.section(tag)
        tags[tag] = TagSpec(tag, row.take("name", str), row.choice("show", SHOWS, "masked"))
        row.done()
    names = [spec.name for spec in tags.values()]
    if len(set(names)) != len(names):
        raise section.error("two tags have one name")
    return MappingProxyType(tags)


def _balances(section: Section) -> Mapping[str, str]:
    found = {str(name): section.take(name, str) for name in section}
    if not all(_TAG.fullmatch(value) for value in found.values()):
        raise section.error('an amount type of field 54 is two quoted digits, such as "01"')
    return MappingProxyType(found)


def _templates(section: Section, fields: Mapping[int, FieldSpec]) -> Mapping[int, Template]:
    found: dict[int, Template] = {}
    for number in section:
        spec = fields.get(number)
        if spec is None:
            raise section.error(f"field {number!r} is not among `fields`", number)
        found[number] = _template(section, number, spec)
    return MappingProxyType(found)


def _template(section: Section, number: int, spec: FieldSpec) -> Template:
    if not spec.tags:
        return _source(section, number)
    inner = section.section(number)
    parts: dict[str, Source] = {}
    for name in inner:
        if spec.tag_of(str(name)) is None:
            raise inner.error(f"{name!r} is no subfield; name it under tags.{number}", name)
        parts[str(name)] = _source(inner, name)
    return MappingProxyType(parts)


def _source(section: Section, key: Any) -> Source:
    text = section.take(key, str)
    try:
        return parse_source(text)
    except ValueError as error:
        raise section.error(str(error), key) from None


def _services(section: Section, fields: Mapping[int, FieldSpec]) -> Mapping[str, ServiceMap]:
    names = list(section)
    if not 0 < len(names) <= MAX_SERVICES:
        raise section.error(f"1 to {MAX_SERVICES} services")
    found = {str(name): _service(str(name), section.section(name), fields) for name in names}
    return MappingProxyType(found)


def _service(name: str, row: Section, fields: Mapping[int, FieldSpec]) -> ServiceMap:
    processing = row.take("processing_code", str, "")
    if processing and not _PROCESSING.fullmatch(processing):
        raise row.error("six quoted digits", "processing_code")
    request = dict(_templates(row.section("request"), fields))
    if processing:
        request[3] = parse_source(processing)
    service = ServiceMap(
        name=name,
        version=row.take("version", int),
        mti=_mti(row, row.take("mti", str)),
        processing_code=processing,
        timeout_s=_seconds(row, "timeout_s"),
        request=MappingProxyType(request),
        reply=_reply(row.section("reply"), fields),
        codes=_overrides(row.section("codes")) if row.has("codes") else {},
        repeat_mti=_mti(row, row.take("repeat_mti", str)) if row.has("repeat_mti") else "",
        advice=_advice(row.section("advice")) if row.has("advice") else None,
        line=row.line,
    )
    row.done()
    return service


def _advice(row: Section) -> AdviceMap:
    advice = AdviceMap(
        _mti(row, row.take("mti", str)),
        _mti(row, row.take("repeat_mti", str)),
        _seconds(row, "after_s"),
    )
    row.done()
    return advice


def _reply(section: Section, fields: Mapping[int, FieldSpec]) -> Mapping[str, Any]:
    found: dict[str, Any] = {}
    for name in section:
        text = str(section.take(name, object))
        try:
            source = parse_reply(text)
        except ValueError as error:
            raise section.error(str(error), name) from None
        if source.field not in fields:
            raise section.error(f"field {source.field} is not among `fields`", name)
        found[str(name)] = source
    return MappingProxyType(found)


def _overrides(section: Section) -> Mapping[str, CodeMeaning]:
    found: dict[str, CodeMeaning] = {}
    for code in section:
        word = section.take(code, str)
        kind: Any = "success" if word == "ok" else "decline"
        found[_code(section, code)] = CodeMeaning(code, kind, word)
    return MappingProxyType(found)


def _codes(section: Section) -> Mapping[str, CodeMeaning]:
    found: dict[str, CodeMeaning] = {}
    for code in section:
        row = section.section(code)
        kind = row.choice("class", CODE_CLASSES)
        found[_code(section, code)] = CodeMeaning(code, kind, row.take("reason", str, kind))
        row.done()
    return MappingProxyType(found)


def _match(section: Section, fields: Mapping[int, FieldSpec]) -> Mapping[str, MatchRule]:
    found: dict[str, MatchRule] = {}
    for key in section:
        row = section.section(key)
        key_fields = _numbers(row, "key", fields)
        if 11 not in key_fields:  # noqa: PLR2004 - field 11 is the STAN
            raise row.error("a key needs field 11 (STAN)", "key")
        found[str(key)] = MatchRule(key_fields, _numbers(row, "agree", fields))
        row.done()
    if "default" not in found:
        raise section.error("needs `default`")
    return MappingProxyType(found)


def _network(section: Section, fields: Mapping[int, FieldSpec]) -> NetworkMap:
    network = NetworkMap(
        mti=_mti(section, section.take("mti", str)),
        request=_templates(section.section("request"), fields),
        sign_on=section.take("sign_on", str),
        sign_off=section.take("sign_off", str),
        key_change=section.take("key_change", str),
        cut_over=section.take("cut_over", str),
        echo=section.take("echo", str),
    )
    section.done()
    return network


def _reversal(section: Section, fields: Mapping[int, FieldSpec]) -> ReversalMap:
    keep = _numbers(section, "keep", fields)
    if {35, 36, 45, 52, 53} & set(keep):
        raise section.error("a reversal never carries PIN or track data", "keep")
    reasons = section.section("reasons")
    reversal = ReversalMap(
        mti=_mti(section, section.take("mti", str)),
        repeat_mti=_mti(section, section.take("repeat_mti", str)),
        keep=keep,
        request=_templates(section.section("request"), fields),
        stan=section.choice("stan", ("original", "new"), "original"),
        reasons=MappingProxyType({str(k): reasons.take(k, str) for k in reasons}),
        default_reason=section.take("default_reason", str),
        late_window_s=_seconds(section, "late_window_s", 86_400.0),
        tombstones=section.take("tombstones", bool, False),
        duplicate_is_reversed=section.take("duplicate_is_reversed", bool, False),
    )
    section.done()
    return reversal


def _numbers(section: Section, key: str, fields: Mapping[int, FieldSpec]) -> tuple[int, ...]:
    numbers = section.take(key, list)
    for number in numbers:
        if number not in fields:
            raise section.error(f"field {number!r} is not among `fields`", key)
    return tuple(int(number) for number in numbers)


def _seconds(section: Section, key: str, most: float = MAX_TIMEOUT_S) -> float:
    value = section.take(key, object)
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value <= most:
        raise section.error(f"{key!r} is seconds, above 0 and up to {most:g}", key)
    return float(value)


def _mti(section: Section, value: Any) -> str:
    if not isinstance(value, str) or not _MTI.fullmatch(value):
        raise section.error('an MTI is four quoted digits, such as "0200"')
    return value


def _code(section: Section, value: Any) -> str:
    if not isinstance(value, str) or not _CODE.fullmatch(value):
        raise section.error('a code of field 39 is two quoted characters, such as "05"', value)
    return value
