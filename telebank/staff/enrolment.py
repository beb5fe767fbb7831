"""Enrolment codes: two halves, one given to each of the two people who let somebody in.

Neither half suffices. The person himself brings both together, chooses his password and receives
the seed of his second factor, so neither of the two ever holds what he logs in by.
"""

import hashlib
import secrets
from collections.abc import Sequence

ALPHABET = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"
"""Thirty-two characters, without those that are read for another."""
HALF_CHARACTERS = 16
"""Characters of a half: 80 bits, so that whoever has one cannot guess the other."""
GROUP = 4
MAX_TYPED = 64
"""Longest half as typed, with hyphens and spaces."""


def new_half() -> str:
    """A random half, for reading and typing: `7KQ2-M4XD-…`."""
    plain = "".join(secrets.choice(ALPHABET) for _ in range(HALF_CHARACTERS))
    return "-".join(plain[at : at + GROUP] for at in range(0, HALF_CHARACTERS, GROUP))


def digest(half: str) -> str:
    """What is kept of a half: SHA-256 in hexadecimal of what was typed, without hyphens and
    spaces. Eighty random bits need no salt."""
    plain = "".join(half.split()).replace("-", "").upper()
    return hashlib.sha256(plain.encode("utf-8", "replace")).hexdigest()


def digests(halves: Sequence[str]) -> tuple[str, ...]:
    """Those of some halves, in whichever order they were typed."""
    return tuple(sorted(digest(half) for half in halves))
