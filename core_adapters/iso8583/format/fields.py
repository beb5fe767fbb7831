"""Field specs: the notation of ISO 8583 (`n..19`, `b8`), what may be shown, pyiso8583's spec."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Literal

from core_adapters.iso8583.format.layout import NOTHING, Layout, Path, Show, TagSpec
from core_adapters.profiles.errors import ProfileError

Kind = Literal["n", "a", "an", "ans", "ns", "z", "b", "x+n"]
NUMERIC = frozenset({"n", "x+n"})
MAX_FIELD = 128

_NOTATION = re.compile(r"(?P<kind>x\+n|ans|an|ns|a|n|z|b)(?P<dots>\.{2,3})?(?P<size>[1-9]\d{0,2})")
_CONTENT: Mapping[str, re.Pattern[str]] = MappingProxyType(
    {
        "x+n": re.compile(r"[CD][0-9]*"),
        "a": re.compile(r"[A-Za-z ]*"),
        "an": re.compile(r"[A-Za-z0-9 ]*"),
        "ns": re.compile(r"[^A-Za-z\x00-\x1f\x7f]*"),
        "z": re.compile(r"[0-9:;<=>?DF]*"),
        "ans": re.compile(r"[^\x00-\x1f\x7f]*"),
        "b": re.compile(r"(?:[0-9A-F]{2})*"),
    }
)


def _digits(value: str) -> bool:
    return (value.isascii() and value.isdigit()) or not value


def _letters_and_digits(value: str) -> object:
    return (value.isascii() and value.isalnum()) or _CONTENT["an"].fullmatch(value)


def _text(value: str) -> object:
    return value.isprintable() or _CONTENT["ans"].fullmatch(value)


_QUICK: Mapping[Kind, Callable[[str], object]] = MappingProxyType(
    {"n": _digits, "an": _letters_and_digits, "ans": _text}
)
"""As the patterns would tell, in a fifth of the time: most fields are of these kinds."""


@dataclass(frozen=True, slots=True)
class FieldSpec:
    """One field. `size` is in digits or characters (bytes for `b`); `length_digits` 0 is fixed."""

    number: int
    name: str
    kind: Kind
    length_digits: int
    size: int
    show: Show = "clear"
    encoding: str = "ascii"
    inside: Layout | None = None
    """Its subfields, where it has any."""
    flat: bool = field(init=False)
    """Whether they are tags without subfields of their own, as nearly all are."""
    names: Mapping[str, str] = field(init=False, repr=False)
    """Names of the subfields' first level, by tag."""
    paths: Mapping[str, Path] = field(init=False, repr=False)
    """Tags of every subfield, by its name as templates write it."""

    def __post_init__(self) -> None:
        layout = self.inside or NOTHING
        flat = layout.form == "tlv" and all(one.inside is None for one in layout.parts.values())
        object.__setattr__(self, "flat", flat)
        names = {tag: one.name for tag, one in layout.parts.items()}
        object.__setattr__(self, "names", MappingProxyType(names))
        paths = {".".join(self.names_of(path)): path for path, _ in layout.walk()}
        object.__setattr__(self, "paths", MappingProxyType(paths))

    @property
    def tags(self) -> Mapping[str, TagSpec]:
        """Its subfields by tag, those of the first level."""
        return self.inside.parts if self.inside is not None else {}

    def path_of(self, name: str) -> Path | None:
        """Tags of a subfield's name (`fee`, or `address.city` inside another); None where the
        profile has none."""
        return self.paths.get(name)

    def part(self, name: str) -> TagSpec | None:
        """The subfield of a name, or None."""
        path = self.path_of(name)
        return self.inside.find(path) if self.inside is not None and path else None

    def names_of(self, path: Path) -> list[str]:
        """A path of tags as names; a tag that the profile does not know is its own name."""
        names: list[str] = []
        layout: Layout | None = self.inside
        for tag in path:
            spec = layout.parts.get(tag) if layout is not None else None
            names.append(spec.name if spec is not None else tag)
            layout = layout.inside(tag) if layout is not None else None
        return names

    @property
    def test(self) -> Callable[[str], object]:
        """Gives something true where every character may stand in this kind of field."""
        return _QUICK.get(self.kind) or _CONTENT[self.kind].fullmatch

    def holds(self, value: str) -> bool:
        """Whether every character may stand in this kind of field."""
        return bool(self.test(value))


@dataclass(frozen=True, slots=True)
class WireOptions:
    """Encodings of a profile's messages."""

    mti: Literal["ascii", "bcd"] = "ascii"
    """Message type indicator."""
    bitmap: Literal["binary", "hex"] = "binary"
    """Eight bytes, or sixteen hexadecimal characters."""
    numeric: Literal["ascii", "bcd"] = "ascii"
    """Fields of kind n."""
    lengths: Literal["ascii", "bcd"] = "ascii"
    """Length of LLVAR and LLLVAR fields."""


def parse_notation(text: str) -> tuple[Kind, int, int]:
    """`n..19` to kind, length digits, size; raises `ProfileError`."""
    match = _NOTATION.fullmatch(text.replace(" ", ""))
    if match is None:
        raise ProfileError(f"{text!r} is not a notation such as n6, n..19, ans...999, b8, x+n8")
    kind: Any = match["kind"]
    signs = 1 if kind == "x+n" else 0
    return kind, len(match["dots"] or ""), int(match["size"]) + signs


def pyiso_spec(fields: Mapping[int, FieldSpec], wire: WireOptions) -> dict[str, dict[str, Any]]:
    """The specification that pyiso8583 encodes and decodes by."""
    bitmap = {
        "data_enc": "b" if wire.bitmap == "binary" else "ascii",
        "len_enc": "ascii",
        "len_type": 0,
        "max_len": 8 if wire.bitmap == "binary" else 16,
        "desc": "bitmap",
    }
    spec: dict[str, dict[str, Any]] = {
        "h": {"data_enc": "b", "len_enc": "b", "len_type": 0, "max_len": 0, "desc": "header"},
        "t": _type_spec(wire),
        "p": bitmap,
        "1": dict(bitmap),
    }
    for one in fields.values():
        spec[str(one.number)] = _field_spec(one, wire)
    return spec


def _type_spec(wire: WireOptions) -> dict[str, Any]:
    packed = wire.mti == "bcd"
    return {
        "data_enc": "b" if packed else "ascii",
        "len_enc": "ascii",
        "len_type": 0,
        "max_len": 2 if packed else 4,
        "desc": "message type",
    }


def _field_spec(one: FieldSpec, wire: WireOptions) -> dict[str, Any]:
    packed = wire.lengths == "bcd"
    # A packed length of three digits takes two bytes, of two digits one.
    spec: dict[str, Any] = {
        "data_enc": "b" if one.kind == "b" else one.encoding,
        "len_enc": "bcd" if packed else "ascii",
        "len_type": (one.length_digits + 1) // 2 if packed else one.length_digits,
        "max_len": one.size,
        "desc": one.name,
    }
    if one.kind == "n" and wire.numeric == "bcd":
        spec |= {"data_enc": "b", "len_count": "nibbles", "left_pad": "0"}
    return spec
