"""What stands inside a field: subfields by tag or by position, and subfields inside those."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Literal

Show = Literal["clear", "pan", "masked", "never"]
SHOWS: tuple[Show, ...] = ("clear", "pan", "masked", "never")
Form = Literal["tlv", "fixed", "ber"]
FORMS = ("tlv", "fixed", "ber")
"""Two digits of tag and three of length; parts of a fixed size; BER-TLV (ISO/IEC 8825-1)."""
MAX_LEVELS = 4
"""Subfields inside subfields, the field's own counted as one."""
MAX_PARTS = 200
"""Subfields of one field, on all levels."""
REST = "rest"
"""Name of what stands behind the last fixed part; kept, and travels on."""


@dataclass(frozen=True, slots=True)
class TagSpec:
    """One subfield; `tag` is its name where parts are found by position."""

    tag: str
    name: str
    show: Show = "masked"
    holds: Literal["text", "pin_block"] = "text"
    """A PIN block is made by the security module and is never kept."""
    size: int = 0
    """Of a fixed part: characters, or bytes in a field of kind b."""
    pad: Literal["space", "zero"] = "space"
    """How a fixed part that is too short is filled: spaces behind, zeros in front."""
    inside: "Layout | None" = None


@dataclass(frozen=True, slots=True)
class Layout:
    """The subfields of a field or of a subfield."""

    form: Form = "tlv"
    parts: Mapping[str, TagSpec] = field(default_factory=dict)
    """By tag."""
    rows: int = 0
    """Most rows that it holds, where its parts are rows: tags "01", "02" … with the same columns
    inside each."""

    @property
    def columns(self) -> Mapping[str, TagSpec]:
        """What stands in each row, by tag; empty where the parts are no rows."""
        first = next(iter(self.parts.values()), None) if self.rows else None
        return first.inside.parts if first is not None and first.inside is not None else {}

    def tag_of(self, name: str) -> str | None:
        """The tag of a part's name, or None where the profile has none."""
        return next((one.tag for one in self.parts.values() if one.name == name), None)

    def inside(self, tag: str) -> "Layout | None":
        """The layout of what stands in a part; a constructed tag of BER-TLV always has one."""
        spec = self.parts.get(tag)
        if spec is not None and spec.inside is not None:
            return spec.inside
        return UNKNOWN_BER if self.form == "ber" and constructed(tag) else None

    def find(self, path: "Path") -> TagSpec | None:
        """The part at the end of a path of tags, or None where the profile has none."""
        spec, layout = None, self
        for tag in path:
            spec = layout.parts.get(tag)
            layout = layout.inside(tag) or NOTHING
        return spec

    def shown(self, path: "Path") -> Show:
        """What may be shown of a value: the strictest of all parts that it stands in."""
        layout, strictest = self, 0
        for place, tag in enumerate(path, 1):
            spec = layout.parts.get(tag)
            inner = layout.inside(tag)
            last = place == len(path)
            show: Show = spec.show if spec is not None else "masked"
            if last or show == "never":
                strictest = max(strictest, SHOWS.index(show))
            layout = inner or NOTHING
        return SHOWS[strictest]

    def walk(self, above: "Path" = ()) -> Iterator[tuple["Path", TagSpec]]:
        """Every part that the profile names, with its path of tags."""
        for tag, spec in self.parts.items():
            yield (*above, tag), spec
            if spec.inside is not None:
                yield from spec.inside.walk((*above, tag))


Path = tuple[str, ...]
"""Tags from the field inwards."""
NOTHING = Layout("tlv", MappingProxyType({}))
UNKNOWN_BER = Layout("ber", MappingProxyType({}))


def constructed(tag: str) -> bool:
    """Whether a BER tag (hexadecimal) holds further tags: bit 6 of its first byte."""
    return bool(int(tag[:2], 16) & 0x20)
