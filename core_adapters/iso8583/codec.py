"""Messages to bytes and back, on pyiso8583, with errors and pictures that never carry a secret."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

import iso8583

from core_adapters.iso8583.errors import DecodeError, EncodeError
from core_adapters.iso8583.format.ber import is_tag
from core_adapters.iso8583.format.fields import FieldSpec, pyiso_spec
from core_adapters.iso8583.format.layout import NOTHING, Layout, Path
from core_adapters.iso8583.format.mac import MAC_BYTES, Mac
from core_adapters.iso8583.format.masking import DOTS, masked
from core_adapters.iso8583.format.message import MTI_DIGITS, Message
from core_adapters.iso8583.format.parts import Shape, build_parts, parse_parts
from core_adapters.iso8583.format.tlv import build_tlv, parse_tlv
from core_adapters.iso8583.profile import Profile

PRIMARY_MAC, SECONDARY_MAC = 64, 128
NO_MAC = "00" * MAC_BYTES
NEVER = frozenset({35, 36, 45, 52})
"""Tracks and the PIN block: shown by no profile."""


@dataclass(frozen=True, slots=True)
class FieldView:
    """One line of a decoded message: `number` is `4` or `48.01`; `text` is masked."""

    number: str
    name: str
    text: str

    def __str__(self) -> str:
        return f"{self.number:>6}  {self.name:<32} {self.text}"


class Codec:
    """Encodes and decodes by one profile; costs a sixth more than pyiso8583 alone."""

    def __init__(self, profile: Profile) -> None:
        self._profile = profile
        self._fields = profile.fields
        self._spec = pyiso_spec(profile.fields, profile.wire)
        own = (PRIMARY_MAC, SECONDARY_MAC)
        rows = {number: (str(number), spec.test) for number, spec in profile.fields.items()}
        self._outgoing = {number: row for number, row in rows.items() if number not in own}
        self._incoming = {key: (number, test) for number, (key, test) in rows.items()}

    @property
    def profile(self) -> Profile:
        """The profile this codec was made of."""
        return self._profile

    def encode(self, message: Message, mac: Mac | None = None) -> bytes:
        """Bytes of the message, with its MAC in 64 or 128 by the highest field present.

        `mac` None, or an exempt MTI, sends none. Raises `EncodeError`.
        """
        fields = self._checked(message)
        sealed = mac is not None and message.mti not in self._profile.mac_exempt
        if sealed:
            highest = max(message.fields, default=0)
            fields["128" if highest > PRIMARY_MAC else "64"] = NO_MAC
        try:
            data, _ = iso8583.encode(fields, self._spec)
        except iso8583.EncodeError as error:
            raise EncodeError(error.field, error.msg) from None
        if sealed and mac is not None:
            data[-MAC_BYTES:] = mac.compute(bytes(data[:-MAC_BYTES]))
        return bytes(data)

    def _checked(self, message: Message) -> dict[str, str]:
        """The message as pyiso8583 takes it."""
        mti = message.mti
        if len(mti) != MTI_DIGITS or not (mti.isascii() and mti.isdigit()):
            raise EncodeError("t", "an MTI has four digits")
        fields = {"t": mti}
        rows = self._outgoing
        for number, value in message.fields.items():
            row = rows.get(number)
            if row is None:
                raise EncodeError(str(number), self._why_not(number))
            key, test = row
            if not test(value):
                raise EncodeError(key, _wrong_kind(self._fields[number]))
            fields[key] = value
        return fields

    def _why_not(self, number: int) -> str:
        if number in (PRIMARY_MAC, SECONDARY_MAC):
            return "the MAC is the codec's own"
        return f"not in profile {self._profile.name}; add it there"

    def decode(self, data: bytes) -> Message:
        """The message in `data`; raises `DecodeError` naming the field, never its value."""
        try:
            decoded, _ = iso8583.decode(data, self._spec)
        except iso8583.DecodeError as error:
            raise DecodeError(error.field, error.msg, error.pos) from None
        except KeyError as error:
            raise DecodeError(str(error.args[0]), "not in the profile; add it there") from None
        mti = decoded["t"]
        if not (mti.isascii() and mti.isdigit()):
            raise DecodeError("t", "an MTI has four digits")
        fields: dict[int, str] = {}
        rows, number = self._incoming, 0
        for key, value in decoded.items():
            row = rows.get(key)
            if row is None:
                continue  # message type and bitmaps
            number, test = row
            if not test(value):
                raise DecodeError(key, _wrong_kind(self._fields[number]))
            fields[number] = value
        # Fields stand in rising order, so that the last one is the highest.
        mac = bytes.fromhex(fields.pop(number)) if number in (PRIMARY_MAC, SECONDARY_MAC) else b""
        return Message(mti, MappingProxyType(fields), mac)

    def mac_ok(self, data: bytes, message: Message, macs: Sequence[Mac]) -> bool:
        """Whether `data` ends in a MAC that one of the keys verifies (or needs none)."""
        if not message.mac:
            return message.mti in self._profile.mac_exempt
        return any(mac.verify(data[:-MAC_BYTES], message.mac) for mac in macs)

    def subfields(self, message: Message, number: int) -> dict[str, str]:
        """Subfields of a field by name, those inside others as `outer.inner`; what the profile does
        not know has its tag for a name. Empty where the field is absent; raises `DecodeError`."""
        value = message.fields.get(number)
        if value is None:
            return {}
        spec = self._fields[number]
        if spec.flat:
            tags = parse_tlv(value, number, spec.encoding)
            return {spec.names.get(tag, tag): text for tag, text in tags.items()}
        parts = parse_parts(value, spec.inside or NOTHING, shape_of(spec))
        return {".".join(spec.names_of(path)): text for path, text in parts.items()}

    def join(self, number: int, values: Mapping[str, str]) -> str:
        """A field of named subfields, in the order given (a name that the profile does not know is
        taken for a tag); raises `EncodeError`."""
        spec = self._fields[number]
        parts: dict[Path, str] = {}
        for name, text in values.items():
            path = spec.paths.get(name) or _tags_of(spec, name)
            if path in parts:
                raise EncodeError(f"{number}.{'.'.join(path)}", "the tag comes twice")
            parts[path] = text
        if spec.flat and all(len(path) == 1 for path in parts):
            return build_tlv({path[0]: text for path, text in parts.items()}, number, spec.encoding)
        return build_parts(parts, spec.inside or NOTHING, shape_of(spec))

    def view(self, message: Message) -> tuple[FieldView, ...]:
        """The message field by field, with names, masked as the profile says."""
        lines: list[FieldView] = []
        shown = self._profile.bin_digits
        for number in sorted(message.fields):
            spec = self._fields.get(number)
            value = message.fields[number]
            if spec is None:
                lines.append(FieldView(str(number), "not in the profile", masked(value, "masked")))
            elif spec.inside is not None:
                lines.extend(_part_views(spec, spec.inside, value, shown))
            else:
                show = "never" if number in NEVER else spec.show
                lines.append(FieldView(str(number), spec.name, masked(value, show, shown)))
        if message.mac:
            lines.append(FieldView("mac", "MAC", f"{DOTS} ({len(message.mac)} bytes)"))
        return tuple(lines)

    def describe(self, message: Message) -> str:
        """`view` as text, the MTI first: fit for a log or a terminal."""
        return "\n".join([message.mti, *(str(line) for line in self.view(message))])


def _wrong_kind(spec: FieldSpec) -> str:
    return f"a character that kind {spec.kind} cannot hold"


def shape_of(spec: FieldSpec) -> Shape:
    """How a field's subfields are written."""
    return Shape(spec.number, spec.encoding, 2 if spec.kind == "b" else 1)


def _tags_of(spec: FieldSpec, name: str) -> Path:
    """A dotted name of which some words are tags that the profile does not know."""
    path: list[str] = []
    layout = spec.inside
    for word in name.split("."):
        tag = (layout.tag_of(word) if layout is not None else None) or word
        path.append(tag)
        known = layout is not None and (layout.form != "ber" or is_tag(tag))
        layout = layout.inside(tag) if layout is not None and known else None
    return tuple(path)


def _part_views(
    spec: FieldSpec, layout: Layout, value: str, bin_digits: int
) -> Iterator[FieldView]:
    try:
        parts = parse_parts(value, layout, shape_of(spec))
    except DecodeError:
        yield FieldView(str(spec.number), spec.name, f"{DOTS} (no subfields of this profile)")
        return
    if layout.rows:
        yield from _row_views(spec, layout, parts, bin_digits)
        return
    for path, text in parts.items():
        known = layout.find(path)
        name = known.name if known is not None else "unknown tag"
        show = layout.shown(path)
        yield FieldView(".".join((str(spec.number), *path)), name, masked(text, show, bin_digits))


def _row_views(
    spec: FieldSpec, layout: Layout, parts: Mapping[Path, str], bin_digits: int
) -> Iterator[FieldView]:
    """A line for each row: its columns by name."""
    rows: dict[str, list[str]] = {}
    for path, text in parts.items():
        known = layout.find(path)
        name = known.name if known is not None and path[1:] else "unknown tag"
        shown = masked(text, layout.shown(path), bin_digits)
        rows.setdefault(path[0], []).append(f"{name}={shown}")
    for tag, cells in rows.items():
        yield FieldView(f"{spec.number}.{tag}", f"{spec.name}, row {int(tag)}", "  ".join(cells))
