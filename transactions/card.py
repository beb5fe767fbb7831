"""Card numbers: masked in print, sealed at rest, found by token."""

from dataclasses import dataclass
from typing import Protocol

MIN_DIGITS = 12
MAX_DIGITS = 19
"""Lengths of a primary account number (ISO/IEC 7812-1)."""
EIGHT_OF = 16
"""Digits of a number of which the first eight may be shown; six of shorter ones."""


class CardNumberError(ValueError):
    """Not a card number; the message never carries the digits."""


def luhn_valid(digits: str) -> bool:
    """Tell whether the last digit is the check digit of ISO/IEC 7812-1 annex B."""
    total = 0
    for index, char in enumerate(reversed(digits)):
        value = ord(char) - 48
        if index % 2:
            value = value * 2 - 9 if value > 4 else value * 2  # noqa: PLR2004 - two digits added
        total += value
    return total % 10 == 0


def mask(digits: str, bin_digits: int = 6) -> str:
    """First six (or eight of sixteen or more) and last four digits, stars between (PCI DSS 3.4).

    What is too short to be a card number shows its last four at most, and half of it at most.
    """
    size = len(digits)
    if size < MIN_DIGITS:
        tail = min(4, size // 2)
        return "*" * (size - tail) + digits[size - tail :]
    head = bin_digits if size >= EIGHT_OF else 6
    return f"{digits[:head]}{'*' * (size - head - 4)}{digits[-4:]}"


@dataclass(frozen=True, slots=True, repr=False)
class CardNumber:
    """A clear card number in memory. Only the host adapter and the vault read `digits`."""

    digits: str

    def __post_init__(self) -> None:
        text = self.digits
        if not (text.isascii() and text.isdigit() and MIN_DIGITS <= len(text) <= MAX_DIGITS):
            raise CardNumberError(f"a card number has {MIN_DIGITS} to {MAX_DIGITS} digits")

    @property
    def masked(self) -> str:
        """What a person may see: `622700******1234`."""
        return mask(self.digits)

    @property
    def tail(self) -> str:
        """The last four digits."""
        return self.digits[-4:]

    def __repr__(self) -> str:
        return f"CardNumber({self.masked})"

    __str__ = __repr__


@dataclass(frozen=True, slots=True)
class SealedCard:
    """A card number at rest: HMAC token for look-up, AES-GCM ciphertext with its key's id."""

    token: str
    masked: str
    key_id: str
    ciphertext: bytes


class CardVault(Protocol):
    """Seals and finds card numbers; `unseal` is for the host adapter alone."""

    def token(self, card: CardNumber) -> str:
        """HMAC-SHA-256 of the digits under the look-up key, hexadecimal."""
        ...

    def digest(self, text: str) -> str:
        """HMAC-SHA-256 of any text under the look-up key, hexadecimal: for what could be guessed
        from a plain hash."""
        ...

    def seal(self, card: CardNumber) -> SealedCard:
        """Encrypt under the current key."""
        ...

    def unseal(self, sealed: SealedCard) -> CardNumber:
        """Decrypt; raises `CardNumberError` where the key is missing or the text was changed."""
        ...
