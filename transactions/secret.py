"""Digits that exist only in memory: telephone PINs and one-time codes."""

from typing import NoReturn


class Secret:
    """Secret digits. Prints as dots, is never equal by content, cannot be pickled or copied.

    `reveal` is for the one place that needs the digits (the PIN block); `wipe` overwrites them as
    far as Python lets.
    """

    __slots__ = ("_digits",)

    def __init__(self, digits: str) -> None:
        self._digits = bytearray(digits, "ascii")

    def reveal(self) -> str:
        """Return the digits; callers keep no reference to them."""
        return self._digits.decode("ascii")

    def wipe(self) -> None:
        """Overwrite the digits; the secret is empty afterwards."""
        for index in range(len(self._digits)):
            self._digits[index] = 0
        self._digits.clear()

    def __len__(self) -> int:
        return len(self._digits)

    def __repr__(self) -> str:
        return "Secret(•••)"

    __str__ = __repr__

    def __reduce__(self) -> NoReturn:
        raise TypeError("a Secret is never stored or sent")

    def __copy__(self) -> NoReturn:
        raise TypeError("a Secret is never copied")

    def __deepcopy__(self, memo: object) -> NoReturn:
        raise TypeError("a Secret is never copied")
