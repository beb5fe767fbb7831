"""`tags`: the subfields of a field, and of its subfields."""

import re
from types import MappingProxyType
from typing import Any, Literal

from core_adapters.iso8583.format.ber import is_tag
from core_adapters.iso8583.format.layout import (
    FORMS,
    MAX_LEVELS,
    MAX_PARTS,
    REST,
    SHOWS,
    Form,
    Layout,
    TagSpec,
    constructed,
)
from core_adapters.profiles.yamlread import Section

MAX_SIZE = 999
MAX_ROWS = 99
"""A row's number is its tag of two digits."""
CONTENTS = ("text", "pin_block")
PADS = ("space", "zero")
Content = Literal["text", "bytes"]
ALLOWED: dict[Content, tuple[Form, ...]] = {"text": ("tlv", "fixed"), "bytes": ("ber", "fixed")}
"""Forms that can stand in a field of characters, and in one of kind b."""
_TLV_TAG = re.compile(r"[0-9]{2}")
_NAME = re.compile(r"[a-z][a-z0-9_]{0,39}")


def read_layout(section: Section, content: Content, level: int = 1) -> Layout:
    """`form` and the rows of a field or of a row `inside` another."""
    if level > MAX_LEVELS:
        raise section.error(f"subfields go {MAX_LEVELS} levels deep")
    if section.has("rows"):
        return _rows(section, content, level)
    first = ALLOWED[content][0]
    form: Form = section.choice("form", FORMS, first)
    if form not in ALLOWED[content]:
        why = f"in a field of {content} the form is {' or '.join(ALLOWED[content])}"
        raise section.error(why, "form")
    parts: dict[str, TagSpec] = {}
    for tag in section:
        if tag == "form":
            continue
        parts[_tag(section, tag, form)] = _part(section.section(tag), tag, form, content, level)
    names = [spec.name for spec in parts.values()]
    if len(set(names)) != len(names):
        raise section.error("two tags have one name")
    if not 0 < len(parts) <= MAX_PARTS:
        raise section.error(f"1 to {MAX_PARTS} rows")
    return Layout(form, MappingProxyType(parts))


def _rows(section: Section, content: Content, level: int) -> Layout:
    """`rows` and `columns`: every tag is a row's number, with the same columns inside."""
    if level > 1 or content != "text":
        raise section.error("rows stand in a field of characters, at its first level", "rows")
    most: int = section.take("rows", int)
    if not 0 < most <= MAX_ROWS:
        raise section.error(f"1 to {MAX_ROWS} rows", "rows")
    columns = read_layout(section.section("columns"), content, level + 1)
    if columns.form != "tlv" or any(one.inside is not None for one in columns.parts.values()):
        raise section.error("columns are tags without subfields of their own", "columns")
    section.done()
    tags = [f"{number:02d}" for number in range(1, most + 1)]
    parts = {tag: TagSpec(tag, tag, inside=columns) for tag in tags}
    return Layout("tlv", MappingProxyType(parts), most)


def _tag(section: Section, tag: Any, form: Form) -> str:
    match form:
        case "tlv" if not isinstance(tag, str) or not _TLV_TAG.fullmatch(tag):
            raise section.error('a tag is two quoted digits, such as "01"', tag)
        case "ber" if not isinstance(tag, str) or not is_tag(tag):
            raise section.error('a tag is one to three quoted bytes, such as "9F26"', tag)
        case "fixed" if not isinstance(tag, str) or not _NAME.fullmatch(tag) or tag == REST:
            raise section.error(f"a part's name is small letters, digits and _, not {REST}", tag)
    return str(tag)


def _part(row: Section, tag: str, form: Form, content: Content, level: int) -> TagSpec:
    holds = row.choice("holds", CONTENTS, "text")
    show = row.choice("show", SHOWS, "masked")
    if holds == "pin_block" and show != "never":
        raise row.error("a PIN block needs `show: never`", "show")
    fixed = form == "fixed"
    spec = TagSpec(
        tag,
        row.take("name", str, tag) if fixed else row.take("name", str),
        show,
        holds,
        _size(row) if fixed else 0,
        row.choice("pad", PADS, "space") if fixed else "space",
        _inside(row, tag, form, content, level),
    )
    if not _NAME.fullmatch(spec.name):
        raise row.error("a name is small letters, digits and _", "name")
    row.done()
    return spec


def _size(row: Section) -> int:
    size: int = row.take("size", int)
    if not 0 < size <= MAX_SIZE:
        raise row.error(f"1 to {MAX_SIZE} characters, or bytes in a field of kind b", "size")
    return size


def _inside(row: Section, tag: str, form: Form, content: Content, level: int) -> Layout | None:
    if not row.has("inside"):
        return None
    if form == "ber" and not constructed(tag):
        raise row.error("a primitive tag holds a value; tags stand in constructed ones", "inside")
    return read_layout(row.section("inside"), content, level + 1)
