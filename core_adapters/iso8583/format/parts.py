"""Subfields of a field, on every level, to values by their path of tags, and back.

What the profile does not name is kept in its place. Errors carry the path and never the value.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from core_adapters.iso8583.errors import DecodeError, EncodeError
from core_adapters.iso8583.format.ber import is_tag, join_ber, split_ber
from core_adapters.iso8583.format.layout import MAX_LEVELS, MAX_PARTS, REST, Layout, Path, TagSpec
from core_adapters.iso8583.format.tlv import build_tlv, parse_tlv


@dataclass(frozen=True, slots=True)
class Shape:
    """How the field itself is written: `width` is 2 where a byte is two characters (kind b)."""

    number: int
    encoding: str = "utf-8"
    width: int = 1

    def at(self, path: Path) -> str:
        """`48.17.street`, for complaints."""
        return ".".join((str(self.number), *path))


def parse_parts(text: str, layout: Layout, shape: Shape) -> dict[Path, str]:
    """Every value by its path of tags, in order of the wire; raises `DecodeError`."""
    found: dict[Path, str] = {}
    _parse(text, layout, shape, (), found)
    return found


def _parse(text: str, layout: Layout, shape: Shape, above: Path, found: dict[Path, str]) -> None:
    if len(above) >= MAX_LEVELS:
        raise DecodeError(shape.at(above), f"subfields deeper than {MAX_LEVELS} levels")
    for tag, value in _split(text, layout, shape, above):
        path, inner = (*above, tag), layout.inside(tag)
        if len(found) >= MAX_PARTS:
            raise DecodeError(shape.at(path), f"more than {MAX_PARTS} subfields")
        if inner is None or not value:
            found[path] = value
        else:
            _parse(value, inner, shape, path, found)


def _split(text: str, layout: Layout, shape: Shape, above: Path) -> list[tuple[str, str]]:
    match layout.form:
        case "tlv":
            return list(parse_tlv(text, shape.at(above), shape.encoding).items())
        case "ber":
            return _once(split_ber(text, shape.at(above)), shape, above)
        case "fixed":
            return _cut(text, layout, shape, above)


def _once(parts: list[tuple[str, str]], shape: Shape, above: Path) -> list[tuple[str, str]]:
    seen: set[str] = set()
    for tag, _ in parts:
        if tag in seen:
            raise DecodeError(shape.at((*above, tag)), "the tag comes twice")
        seen.add(tag)
    return parts


def _cut(text: str, layout: Layout, shape: Shape, above: Path) -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    at = 0
    for spec in layout.parts.values():
        end = at + spec.size * shape.width
        if end > len(text):
            why = "the value is shorter than its size"
            raise DecodeError(shape.at((*above, spec.tag)), why, at)
        found.append((spec.tag, text[at:end]))
        at = end
    return [*found, (REST, text[at:])] if at < len(text) else found


def build_parts(values: Mapping[Path, str], layout: Layout, shape: Shape) -> str:
    """The text of values by their paths, in the order given; raises `EncodeError`.

    A value whose path ends at a part that has parts of its own is taken as their text.
    """
    if len(values) > MAX_PARTS:
        raise EncodeError(shape.at(()), f"more than {MAX_PARTS} subfields")
    return _build(values, layout, shape, ())


def _build(values: Mapping[Path, str], layout: Layout, shape: Shape, above: Path) -> str:
    if len(above) >= MAX_LEVELS:
        raise EncodeError(shape.at(above), f"subfields deeper than {MAX_LEVELS} levels")
    groups: dict[str, dict[Path, str]] = {}
    for path, text in values.items():
        groups.setdefault(path[0], {})[path[1:]] = text
    parts = {tag: _group(tag, group, layout, shape, (*above, tag)) for tag, group in groups.items()}
    return _join(parts, layout, shape, above)


def _group(tag: str, group: Mapping[Path, str], layout: Layout, shape: Shape, path: Path) -> str:
    """One part's text: given as it is, or made of what stands in it."""
    if () in group:
        if len(group) > 1:
            raise EncodeError(shape.at(path), "the tag comes twice")
        return group[()]
    inner = None if layout.form == "ber" and not is_tag(tag) else layout.inside(tag)
    if inner is None:
        raise EncodeError(shape.at(path), "no subfields stand in this one")
    return _build(group, inner, shape, path)


def _join(parts: Mapping[str, str], layout: Layout, shape: Shape, above: Path) -> str:
    match layout.form:
        case "tlv":
            return build_tlv(parts, shape.at(above), shape.encoding)
        case "ber":
            return join_ber(list(parts.items()), shape.at(above))
        case "fixed":
            return _lay(parts, layout, shape, above)


def _lay(parts: Mapping[str, str], layout: Layout, shape: Shape, above: Path) -> str:
    unknown = parts.keys() - layout.parts.keys() - {REST}
    if unknown:
        raise EncodeError(shape.at((*above, min(unknown))), "no part of this field")
    laid = [_fill(parts.get(tag, ""), spec, shape, above) for tag, spec in layout.parts.items()]
    return "".join([*laid, parts.get(REST, "")])


def _fill(text: str, spec: TagSpec, shape: Shape, above: Path) -> str:
    size = spec.size * shape.width
    if len(text) > size:
        raise EncodeError(shape.at((*above, spec.tag)), f"longer than {spec.size}")
    return text.rjust(size, "0") if spec.pad == "zero" or shape.width > 1 else text.ljust(size)
