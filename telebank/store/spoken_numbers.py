"""Numbers of orders and proposals: callers hear them and key them in."""

FIRST_NUMBER = 100_001
"""Numbers have six digits for long."""
MAX_DIGITS = 18
"""Of a number that a caller may give."""


def number_of(text: str) -> int:
    """A number that came in from outside; 0, which is nobody's, where it is none."""
    return int(text) if text.isascii() and text.isdigit() and len(text) <= MAX_DIGITS else 0


def number_after(last: int | None) -> int:
    """The next number; `last` is the highest that was given."""
    return (last or FIRST_NUMBER - 1) + 1
