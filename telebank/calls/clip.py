"""Sound that is no prompt of the menus: what is played, and what was recorded."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Clip:
    """A bank of one clip, by the number that media workers know it under, and its length."""

    bank: int
    samples: int


@dataclass(frozen=True, slots=True)
class Taped:
    """What a caller said, as it came: octets of one law, whose codec is named."""

    octets: bytes
    codec: str
