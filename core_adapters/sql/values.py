"""Inputs to parameters and columns to outputs. Errors name the place, never the value."""

from collections.abc import Callable, Mapping
from datetime import date, datetime, time
from decimal import Decimal, InvalidOperation

from core_adapters.sql.profile import Column
from transactions.card import CardNumber, CardVault, SealedCard
from transactions.contract import Kind
from transactions.kinds import WORD
from transactions.money import Money, MoneyError, currency
from transactions.outcome import Value
from transactions.secret import Secret

MAX_PLACES = 40
"""Digits before and behind the point of any number; what claims more is none of a bank's."""
Row = Mapping[str, object]
"""A row of the reply by column name in small letters."""


class BuildError(ValueError):
    """A request that this profile cannot carry; nothing was sent."""


def parameter(name: str, value: Value, vault: CardVault | None) -> object:
    """A value as the driver takes it; money is an integer of minor units."""
    match value:
        case Money():
            return value.minor
        case CardNumber():
            return value.digits
        case SealedCard():
            if vault is None:
                raise BuildError(f"{name}: a sealed card, and no vault to open it")
            return vault.unseal(value).digits
        case Secret():
            raise BuildError(f"{name}: a secret is a parameter only as {{secret:{name}}}")
        case _:
            return value


def output(row: Row, column: Column, kind: Kind, unit: str) -> Value | None:
    """One output, or None where it is absent or not of its kind. `unit` is the currency where
    the row has none of its own."""
    raw = row.get(column.name)
    if raw is None:
        return None
    if kind == "money":
        code = row.get(column.currency) if column.currency else unit
        return _money(raw, code)
    convert = _KINDS.get(kind)
    return convert(raw) if convert is not None else None


def whole(raw: object) -> int | None:
    """An integer, however the driver gives it (SQLite gives DECIMAL as text)."""
    if isinstance(raw, bool | float):
        return None
    if isinstance(raw, int):
        return raw
    number = _decimal(str(raw))
    return int(number) if number is not None and number == number.to_integral_value() else None


def _decimal(raw: str | int | Decimal) -> Decimal | None:
    """A finite number of bounded size: "1E999999" as an integer would take a gigabyte."""
    try:
        number = Decimal(raw)
    except (InvalidOperation, ValueError):
        return None
    exponent = number.as_tuple().exponent
    if not isinstance(exponent, int):
        return None  # infinite, or no number
    small = exponent >= -MAX_PLACES and (not number or number.adjusted() < MAX_PLACES)
    return number if small and exponent < MAX_PLACES else None


def _money(raw: object, code: object) -> Money | None:
    minor = whole(raw)
    if minor is None or not isinstance(code, str):
        return None
    try:
        return Money(minor, currency(code.strip()))
    except MoneyError:
        return None


def _digits(raw: object) -> str | None:
    text = str(raw).strip() if isinstance(raw, str | int) and not isinstance(raw, bool) else ""
    return text if text.isascii() and text.isalnum() else None


def _word(text: str) -> str | None:
    return text if WORD.fullmatch(text) else None


def day(raw: object) -> date | None:
    """A date, or text that begins with one (ISO 8601, with or without hyphens)."""
    match raw:
        case datetime():
            return raw.date()
        case date():
            return raw
        case str():
            try:
                return datetime.fromisoformat(raw.strip()).date()
            except ValueError:
                return None
    return None


def _time(raw: object) -> time | None:
    match raw:
        case datetime():
            return raw.time().replace(microsecond=0)
        case time():
            return raw.replace(microsecond=0)
        case str():
            return _time_of(raw.strip())
    return None


def _time_of(text: str) -> time | None:
    try:
        if "-" in text or "T" in text:
            return datetime.fromisoformat(text).time().replace(microsecond=0)
        return time.fromisoformat(text).replace(microsecond=0, tzinfo=None)
    except ValueError:
        return None


def _rate(raw: object) -> Decimal | None:
    """Exact decimals only: a float has lost what it was."""
    if isinstance(raw, float | bool) or not isinstance(raw, str | int | Decimal):
        return None
    return _decimal(raw)


_KINDS: Mapping[Kind, Callable[[object], Value | None]] = {
    "text": lambda raw: raw.rstrip() if isinstance(raw, str) else None,
    "digits": _digits,
    "word": lambda raw: _word(raw.strip()) if isinstance(raw, str) else None,
    "number": whole,
    "rate": _rate,
    "date": day,
    "time": _time,
}
