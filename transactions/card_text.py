"""Card numbers in text that somebody else wrote: found however they are spaced, and masked."""

import re
from collections.abc import Collection

from transactions.card import MIN_DIGITS, mask

_RUN = re.compile(r"\d(?:[\s‐-―-]{0,2}\d)+")
"""Digits with up to two blanks or hyphens between any two of them."""
HANDLES = ("quote", "cursor")
"""Outputs that the host finds again what they stand for by, as the shipped contracts call them."""
REFERENCE = re.compile(r"0[0-9]{11}")
"""A reference of ours (field 37): no card number begins with a nought (ISO/IEC 7812-1)."""


def digits_of(text: str) -> str:
    """The digits of `text` alone, those of other scripts too, as 0 to 9."""
    return "".join(str(int(char)) for char in text if char.isdecimal())


def without_numbers(text: str) -> str:
    """`text` with every run of twelve digits or more masked; a reference of ours stays."""
    if REFERENCE.fullmatch(text):
        return text
    return _RUN.sub(_masked, text)


def host_text(name: str, text: str, handles: Collection[str] = HANDLES) -> str:
    """A text output of a host as we keep, speak and show it. The host looks `handles` up again,
    so those stay as they are; which they are, a service's contract says (`terms.handles`), and
    where there is none at hand, the names that the shipped contracts use."""
    return text if name in handles else without_numbers(text)


def _masked(run: re.Match[str]) -> str:
    digits = digits_of(run[0])
    return mask(digits) if len(digits) >= MIN_DIGITS else run[0]


def hidden(text: str) -> str:
    """`text` for a report; of a text with a card number in it, the number's ends alone.

    Whatever has twelve digits or more counts as one, with or without a right check digit, for a
    column that is shifted holds anything; what stands beside it may be a track's, and is left out.
    """
    if REFERENCE.fullmatch(text):
        return text
    for run in _RUN.finditer(text):
        digits = digits_of(run[0])
        if len(digits) >= MIN_DIGITS:
            return mask(digits)
    return text
