"""Messages to bytes and back, on pyiso8583, with errors and pictures that never carry a secret."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

import iso8583

from core_adapters.iso8583.errors import DecodeError, EncodeError
from core_adapters.iso8583.fields import FieldSpec, Show, pyiso_spec
from core_adapters.iso8583.mac import MAC_BYTES, Mac
from core_adapters.iso8583.message import MTI_DIGITS, Message
from core_adapters.iso8583.profile import Profile
from core_adapters.iso8583.tlv import build_tlv, parse_tlv
from transactions.card import mask

PRIMARY_MAC, SECONDARY_MAC = 64, 128
DOTS = "•••"
_BITMAPS = frozenset({"t", "p", "1", "h"})


@dataclass(frozen=True, slots=True)
class FieldView:
    """One line of a decoded message: `number` is `4` or `48.01`; `text` is masked."""

    number: str
    name: str
    text: str

    def __str__(self) -> str:
        return f"{self.number:>6}  {self.name:<32} {self.text}"


class Codec:
    """Encodes and decodes by one profile. Costs about 60 to 90 µs a message each way."""

    def __init__(self, profile: Profile) -> None:
        self._profile = profile
        self._fields = profile.fields
        self._spec = pyiso_spec(profile.fields, profile.wire)

    @property
    def profile(self) -> Profile:
        """The profile this codec was made of."""
        return self._profile

    def encode(self, message: Message, mac: Mac | None = None) -> bytes:
        """Bytes of the message, with its MAC in 64 or 128 by the highest field present.

        `mac` None, or an exempt MTI, sends none. Raises `EncodeError`.
        """
        self._check_outgoing(message)
        fields = {str(number): value for number, value in message.fields.items()}
        fields["t"] = message.mti
        sealed = mac is not None and message.mti not in self._profile.mac_exempt
        if sealed:
            place = SECONDARY_MAC if max(message.fields, default=0) > PRIMARY_MAC else PRIMARY_MAC
            fields[str(place)] = "00" * MAC_BYTES
        try:
            data, _ = iso8583.encode(fields, self._spec)
        except iso8583.EncodeError as error:
            raise EncodeError(error.field, error.msg) from None
        if sealed and mac is not None:
            data[-MAC_BYTES:] = mac.compute(bytes(data[:-MAC_BYTES]))
        return bytes(data)

    def _check_outgoing(self, message: Message) -> None:
        if len(message.mti) != MTI_DIGITS or not (message.mti.isascii() and message.mti.isdigit()):
            raise EncodeError("t", "an MTI has four digits")
        for number, value in message.fields.items():
            spec = self._fields.get(number)
            if spec is None:
                raise EncodeError(str(number), f"not in profile {self._profile.name}; add it there")
            if number in (PRIMARY_MAC, SECONDARY_MAC):
                raise EncodeError(str(number), "the MAC is the codec's own")
            if not spec.holds(value):
                raise EncodeError(str(number), f"a character that kind {spec.kind} cannot hold")

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
        fields = {int(key): value for key, value in decoded.items() if key not in _BITMAPS}
        for number, value in fields.items():
            if not self._fields[number].holds(value):
                kind = self._fields[number].kind
                raise DecodeError(str(number), f"a character that kind {kind} cannot hold")
        highest = max(fields, default=0)
        mac = b""
        if highest in (PRIMARY_MAC, SECONDARY_MAC):
            mac = bytes.fromhex(fields.pop(highest))
        return Message(mti, MappingProxyType(fields), mac)

    def mac_ok(self, data: bytes, message: Message, macs: Sequence[Mac]) -> bool:
        """Whether `data` ends in a MAC that one of the keys verifies (or needs none)."""
        if not message.mac:
            return message.mti in self._profile.mac_exempt
        return any(mac.verify(data[:-MAC_BYTES], message.mac) for mac in macs)

    def subfields(self, message: Message, number: int) -> dict[str, str]:
        """Subfields of a private field by name (unknown tags by tag); empty where absent."""
        value = message.fields.get(number)
        if value is None:
            return {}
        spec = self._fields[number]
        tags = parse_tlv(value, number, spec.encoding)
        return {spec.name_of(tag): text for tag, text in tags.items()}

    def join(self, number: int, values: Mapping[str, str]) -> str:
        """A private field of named subfields (a name that is two digits is a tag itself)."""
        spec = self._fields[number]
        tags: dict[str, str] = {}
        for name, text in values.items():
            tag = spec.tag_of(name) or name
            if tag in tags:
                raise EncodeError(f"{number}.{tag}", "the tag comes twice")
            tags[tag] = text
        return build_tlv(tags, number, spec.encoding)

    def view(self, message: Message) -> tuple[FieldView, ...]:
        """The message field by field, with names, masked as the profile says."""
        lines: list[FieldView] = []
        for number in sorted(message.fields):
            spec = self._fields.get(number)
            value = message.fields[number]
            if spec is None:
                lines.append(FieldView(str(number), "not in the profile", masked(value, "masked")))
            elif spec.tags:
                lines.extend(_tag_views(spec, value))
            else:
                lines.append(FieldView(str(number), spec.name, masked(value, spec.show)))
        if message.mac:
            lines.append(FieldView("mac", "MAC", f"{DOTS} ({len(message.mac)} bytes)"))
        return tuple(lines)

    def describe(self, message: Message) -> str:
        """`view` as text, the MTI first: fit for a log or a terminal."""
        return "\n".join([message.mti, *(str(line) for line in self.view(message))])


def _tag_views(spec: FieldSpec, value: str) -> list[FieldView]:
    try:
        tags = parse_tlv(value, spec.number, spec.encoding)
    except DecodeError:
        return [FieldView(str(spec.number), spec.name, f"{DOTS} (no subfields of this profile)")]
    lines: list[FieldView] = []
    for tag, text in tags.items():
        known = spec.tags.get(tag)
        show: Show = known.show if known else "masked"
        name = known.name if known else "unknown tag"
        lines.append(FieldView(f"{spec.number}.{tag}", name, masked(text, show)))
    return lines


_SHOW: Mapping[Show, Callable[[str], str]] = MappingProxyType(
    {
        "clear": lambda value: value,
        "pan": mask,
        "masked": lambda value: f"{DOTS} ({len(value)})",
        "never": lambda _value: DOTS,
    }
)


def masked(value: str, show: Show) -> str:
    """What may be shown of a value: all, the card's ends, its length, or nothing."""
    return _SHOW[show](value)
