"""ITU-T G.711: 16-bit linear to and from A-law and mu-law, by table.

Codes are octets as they travel in RTP (A-law with its even bits inverted, mu-law inverted).
"""

from functools import cache
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Law = Literal["pcma", "pcmu"]
LAWS: tuple[Law, ...] = ("pcma", "pcmu")
SILENCE: dict[Law, int] = {"pcma": 0xD5, "pcmu": 0xFF}
"""The octet of digital silence."""

_MU_BIAS = 0x84
_A_INVERT = 0x55
_SIGN, _SEGMENT, _STEP = 0x80, 0x07, 0x0F


def _mu_value(code: int) -> int:
    code = ~code & 0xFF
    magnitude = ((code & _STEP) << 3) + _MU_BIAS << ((code >> 4) & _SEGMENT)
    return _MU_BIAS - magnitude if code & _SIGN else magnitude - _MU_BIAS


def _a_value(code: int) -> int:
    code ^= _A_INVERT
    magnitude, segment = (code & _STEP) << 4, (code >> 4) & _SEGMENT
    magnitude += 8 if segment == 0 else 0x108
    magnitude <<= max(0, segment - 1)
    return magnitude if code & _SIGN else -magnitude


@cache
def decode_table(law: Law) -> NDArray[np.int16]:
    """256 linear values by code (G.711 tables 1a, 1b, 2a and 2b, scaled to 16 bits)."""
    value = _a_value if law == "pcma" else _mu_value
    table = np.array([value(code) for code in range(256)], np.int16)
    table.setflags(write=False)
    return table


def _a_code(value: int) -> int:
    magnitude = (value if value >= 0 else ~value) >> 4
    shift = max(0, magnitude.bit_length() - 5)
    code = (shift << 4) + (magnitude >> shift)
    return (code | (_SIGN if value >= 0 else 0)) ^ _A_INVERT


def _mu_code(value: int) -> int:
    magnitude = min(((value if value >= 0 else ~value) >> 2) + 33, 0x1FFF)
    segment = magnitude.bit_length() - 6
    code = (segment << 4) | ((magnitude >> (segment + 1)) & _STEP)
    return ~(code | (0 if value >= 0 else _SIGN)) & 0xFF


@cache
def encode_table(law: Law) -> NDArray[np.uint8]:
    """65536 codes by 16-bit value read as unsigned, as ITU-T G.191 compresses.

    A-law takes the upper 12 bits of the magnitude, mu-law the upper 14; negative values are
    folded by one's complement, so that 0 is positive and -1 the smallest negative.
    """
    code = _a_code if law == "pcma" else _mu_code
    values = (*range(32768), *range(-32768, 0))
    table = np.array([code(value) for value in values], np.uint8)
    table.setflags(write=False)
    return table


def encode(samples: NDArray[np.int16], law: Law) -> NDArray[np.uint8]:
    """Octets of 16-bit linear samples."""
    return encode_table(law)[samples.view(np.uint16)]


def decode(octets: NDArray[np.uint8], law: Law) -> NDArray[np.int16]:
    """16-bit linear samples of octets."""
    return decode_table(law)[octets]
