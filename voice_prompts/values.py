"""What a value is before it is spoken: a reading, and the checked forms of what callers hear.

Every `*_of` function takes what a flow or a command line may hold (the typed value or its text)
and returns one canonical form, or raises `ReadingError` saying what was expected.
"""

import re
from dataclasses import dataclass
from datetime import date, datetime, time
from decimal import Decimal

from transactions.card import CardNumber
from transactions.money import Money, MoneyError

MAX_WHOLE_DIGITS = 16
"""Largest count of digits before the point that has a reading (below ten quadrillion)."""

MAX_DECIMALS = 8
MAX_DIGITS = 32
"""Longest string of digits that is read out one by one."""

GAP_INSIDE = 20
"""Milliseconds between the clips of one amount, date or count."""
GAP_DIGITS = 60
"""Milliseconds between single digits."""
GAP_GROUPS = 250
"""Milliseconds between groups of digits."""

_NUMBER = re.compile(rf"(-?)(\d{{1,{MAX_WHOLE_DIGITS}}})(?:\.(\d{{1,{MAX_DECIMALS}}}))?")
_DIGITS = re.compile(r"\d+(?:[ -]\d+)*")
_MONEY = re.compile(r"(?:([A-Z]{3}) )?(-?\d+(?:\.\d+)?)(?: ([A-Z]{3}))?")
GROUP = 4
_MOBILE_NUMBER = re.compile(r"1\d{10}")


class ReadingError(ValueError):
    """A value that cannot be read as the kind asked for."""


@dataclass(frozen=True, slots=True)
class Reading:
    """How a value is said.

    `units` are the texts of the clips in order, `gaps` the milliseconds of silence after each
    but the last, `text` the reading as it is written.
    """

    units: tuple[str, ...]
    text: str
    gaps: tuple[int, ...]

    def __post_init__(self) -> None:
        if len(self.gaps) != max(0, len(self.units) - 1):
            raise ReadingError(f"{len(self.units)} units need one gap fewer, not {len(self.gaps)}")


@dataclass(frozen=True, slots=True)
class Number:
    """A decimal number as it is written: `decimals` keeps its trailing zeros."""

    negative: bool
    whole: int
    decimals: str = ""

    def trimmed(self) -> "Number":
        """The same number without trailing zeros after the point."""
        return Number(self.negative, self.whole, self.decimals.rstrip("0"))


def number_of(value: object) -> Number:
    """A number from an int, a Decimal or text such as `-12.50`."""
    if isinstance(value, bool | float):
        raise ReadingError(f"{value!r} is not a number as written; give a Decimal or text")
    text = format(value, "f") if isinstance(value, Decimal) else str(value)
    match = _NUMBER.fullmatch(text)
    if match is None:
        raise ReadingError(
            f"{text!r} is not a number of at most {MAX_WHOLE_DIGITS} digits, "
            f"with at most {MAX_DECIMALS} decimals after a point"
        )
    sign, whole, decimals = match.groups()
    return Number(sign == "-", int(whole), decimals or "")


def whole_of(value: object, lowest: int, highest: int) -> int:
    """A whole number from `lowest` to `highest`."""
    number = number_of(value)
    whole = -number.whole if number.negative else number.whole
    if number.decimals or not lowest <= whole <= highest:
        raise ReadingError(f"{value} is not a whole number from {lowest} to {highest}")
    return whole


def money_of(value: object) -> Money:
    """An amount from `Money` or text: `12.34 CNY`, `CNY 12.34` or, in yuan, `12.34`."""
    if isinstance(value, Money):
        return value
    match = _MONEY.fullmatch(str(value))
    if match is None or (match[1] and match[3]):
        raise ReadingError(f"{value!r} is not an amount such as '12.34 CNY'")
    try:
        return Money.parse(match[2], match[1] or match[3] or "CNY")
    except MoneyError as error:
        raise ReadingError(str(error)) from None


def size_of(value: object) -> Money:
    """An amount without its sign, for where a word before it says which way the money went."""
    amount = money_of(value)
    return Money(abs(amount.minor), amount.currency)


def digit_groups_of(value: object) -> tuple[str, ...]:
    """Digits in the groups they are read in.

    Spaces or hyphens in the text are kept as groups; otherwise a Chinese mobile number is
    3-4-4 and anything else is in fours from the left.
    """
    text = str(value)
    if _DIGITS.fullmatch(text) is None or len(re.sub(r"\D", "", text)) > MAX_DIGITS:
        raise ReadingError(f"expected at most {MAX_DIGITS} digits, in groups or not")
    groups = re.split("[ -]", text)
    if len(groups) > 1:
        return tuple(groups)
    first = 3 if _MOBILE_NUMBER.fullmatch(text) else GROUP
    rest = text[first:]
    return (text[:first], *(rest[i : i + GROUP] for i in range(0, len(rest), GROUP)))


def tail_of(value: object) -> str:
    """The last four digits of a card, or of a masked or plain number."""
    shown = value.masked if isinstance(value, CardNumber) else str(value)
    text = shown[-GROUP:]
    if len(text) < GROUP or not text.isascii() or not text.isdigit():
        raise ReadingError("expected a number, masked or not, that ends in four clear digits")
    return text


def date_of(value: object) -> date:
    """A date from `date`, `datetime` or text such as `2026-01-20`."""
    if isinstance(value, datetime):
        return value.date()
    if isinstance(value, date):
        return value
    try:
        return date.fromisoformat(str(value))
    except ValueError:
        raise ReadingError(f"{value!r} is not a date such as 2026-01-20") from None


def time_of(value: object) -> time:
    """A time of day from `time`, `datetime` or text such as `08:30`; seconds are not read."""
    if isinstance(value, datetime):
        return value.time()
    if isinstance(value, time):
        return value
    try:
        return time.fromisoformat(str(value))
    except ValueError:
        raise ReadingError(f"{value!r} is not a time such as 08:30") from None
