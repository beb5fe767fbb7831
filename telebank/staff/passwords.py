"""Passwords: what is a good one, and argon2id (RFC 9106) over it.

Hashing and verifying take tens of milliseconds of one core by intent: never on the event loop.
"""

import unicodedata

from argon2 import PasswordHasher, Type
from argon2.exceptions import InvalidHashError, VerificationError

from telebank.staff.options import StaffOptions

MIN_CHARACTERS, MAX_CHARACTERS = 12, 128
MIN_DIFFERENT = 5
"""Different characters that a password has at least."""
COMMON = ("password", "telebank", "qwerty", "123456", "letmein", "welcome", "administrator")
"""Words that make more than half of no password."""
_SALT_BYTES, _HASH_BYTES = 16, 32


def complaint(password: str, name: str) -> str | None:
    """What is wrong with a new password of `name`, and what to do; None where it is good."""
    text = prepared(password)
    if not MIN_CHARACTERS <= len(text) <= MAX_CHARACTERS:
        return f"a password has {MIN_CHARACTERS} to {MAX_CHARACTERS} characters"
    if not text.isprintable():
        return "a password has no control characters"
    if len(set(text)) < MIN_DIFFERENT:
        return f"a password has at least {MIN_DIFFERENT} different characters"
    low = text.casefold()
    for word in (name.casefold(), *COMMON):
        if word and word in low and len(word) * 2 > len(low):
            return f"a password is more than {word!r}; four unrelated words make a good one"
    return None


def prepared(password: str) -> str:
    """The password as it is hashed: the same whichever keyboard composed it (NFKC)."""
    return unicodedata.normalize("NFKC", password)


class Passwords:
    """argon2id with the options' parameters; safe to use from threads."""

    def __init__(self, options: StaffOptions) -> None:
        self._hasher = PasswordHasher(
            time_cost=options.argon2_time,
            memory_cost=options.argon2_memory_kib,
            parallelism=options.argon2_lanes,
            hash_len=_HASH_BYTES,
            salt_len=_SALT_BYTES,
            type=Type.ID,
        )
        self.nobody = self._hasher.hash("nobody's, so that an unknown name takes as long")
        """Hash to verify against where there is no person."""

    def hash(self, password: str) -> str:
        """The encoded hash, with its parameters and salt."""
        return self._hasher.hash(prepared(password))

    def verify(self, encoded: str, password: str) -> bool:
        """Whether it is the password; a hash that cannot be read is nobody's."""
        try:
            return self._hasher.verify(encoded, prepared(password))
        except (VerificationError, InvalidHashError):
            return False
