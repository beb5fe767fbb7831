"""An ISO 8583 message as values: MTI and fields by number; prints no field's content."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

MTI_DIGITS = 4


@dataclass(frozen=True, slots=True, repr=False)
class Message:
    """`mti` of four digits; `fields` by number, `b` fields as upper-case hexadecimal text.

    Fields 1, 64 and 128 (bitmap and MAC) belong to the codec: `mac` is set on a decoded message.
    """

    mti: str
    fields: Mapping[int, str]
    mac: bytes = b""

    def get(self, number: int) -> str | None:
        """The field's content, or None where it is absent."""
        return self.fields.get(number)

    def with_fields(self, mti: str, changes: Mapping[int, str]) -> "Message":
        """A copy with another MTI and some fields set."""
        return Message(mti, MappingProxyType({**self.fields, **changes}))

    def __repr__(self) -> str:
        return f"Message({self.mti}, fields {','.join(str(n) for n in sorted(self.fields))})"


def reply_mti(mti: str) -> str:
    """The response to a request or advice: 0200 0210, 0421 0430, 0302 and 0303 0312."""
    function = int(mti[2]) // 2 * 2 + 1
    origin = int(mti[3]) // 2 * 2
    return f"{mti[:2]}{function}{origin}"


def is_reply(mti: str) -> bool:
    """Whether the third digit says response."""
    return int(mti[2]) % 2 == 1


def mti_class(mti: str) -> str:
    """Version, class and origin, the same for a message, its repeat and its reply.

    The function's place keeps request (0) and advice (2) apart: 0302 is `03r2`, 0322 `03a2`.
    """
    kind = "r" if int(mti[2]) < 2 else "a"  # noqa: PLR2004 - 0, 1 request; 2, 3 advice
    return f"{mti[:2]}{kind}{int(mti[3]) // 2 * 2}"
