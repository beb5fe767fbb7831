"""Inputs of a service to contents of fields, and back to outputs."""

import re
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, time
from decimal import Decimal

from core_adapters.iso8583.codec import Codec
from core_adapters.iso8583.errors import EncodeError
from core_adapters.iso8583.format.fields import FieldSpec
from core_adapters.iso8583.format.message import Message
from core_adapters.iso8583.format.templates import ReplySource
from transactions.card import CardNumber
from transactions.contract import Kind
from transactions.money import CURRENCIES, Currency, Money, currency
from transactions.outcome import Value

CURRENCY = 49
ADDITIONAL_AMOUNTS = 54
_AMOUNT = re.compile(r"(?P<account>..)(?P<type>\d\d)(?P<currency>\d{3})(?P<sign>[CD])(?P<n>\d{12})")
AMOUNT_CHARS = 20
MONTH_DAY, FULL_DATE, CLOCK = 4, 8, 6
_NUMBERS: Mapping[str, Currency] = {unit.number: unit for unit in CURRENCIES.values()}


def field_text(spec: FieldSpec, value: Value) -> str:
    """A value as a field (not PIN, not sealed card) holds it, padded where its length is fixed."""
    text = _plain(spec, value)
    if spec.length_digits or spec.kind == "b":
        return text
    if spec.kind == "n":
        return text.zfill(spec.size)
    return text.ljust(spec.size) if spec.kind in ("a", "an", "ans") else text


def _plain(spec: FieldSpec, value: Value) -> str:
    match value:
        case Money():
            if value.minor < 0:
                raise EncodeError(str(spec.number), "an amount to send is never negative")
            # A fee is taken from the customer: D for debit (ISO 8583 x+n).
            signed = spec.kind == "x+n"
            return f"D{value.minor:0{spec.size - 1}d}" if signed else str(value.minor)
        case CardNumber():
            return value.digits
        case datetime() | date():
            return value.strftime("%Y%m%d")
        case time():
            return value.strftime("%H%M%S")
        case str() | int() | Decimal():
            return str(value)
    raise EncodeError(str(spec.number), f"a {type(value).__name__} cannot travel in this field")


def output(
    codec: Codec, reply: Message, source: ReplySource, kind: Kind, unit: str | None
) -> Value | None:
    """One output of a reply, or None where it is absent or not of its kind. `unit` is the
    currency of the request (field 49), used where the reply has none."""
    if source.field == ADDITIONAL_AMOUNTS and source.sub:
        wanted = codec.profile.balances.get(source.sub, "")
        return balance(reply.get(ADDITIONAL_AMOUNTS) or "", wanted)
    if source.sub:
        text = codec.subfields(reply, source.field).get(source.sub)
    else:
        text = reply.get(source.field)
    return None if text is None else _typed(text.strip(), kind, reply.get(CURRENCY) or unit)


def balance(text: str, amount_type: str) -> Money | None:
    """The first amount of this type in field 54 (up to six of account type 2, amount type 2,
    currency 3, sign, amount 12), or None."""
    for start in range(0, len(text), AMOUNT_CHARS):
        match = _AMOUNT.fullmatch(text[start : start + AMOUNT_CHARS])
        if match is None:
            return None
        if match["type"] == amount_type and match["currency"] in _NUMBERS:
            minor = int(match["n"]) * (1 if match["sign"] == "C" else -1)
            return Money(minor, currency(match["currency"]))
    return None


def _typed(text: str, kind: Kind, unit: str | None) -> Value | None:
    digits = text.isascii() and text.isdigit()
    if kind == "text":
        return text
    if not digits:
        return _typed_fee(text, unit) if kind == "money" else None
    return _typed_digits(text, kind, unit)


def _typed_fee(text: str, unit: str | None) -> Value | None:
    """`D00000200`: a fee as in field 28."""
    rest = text[1:]
    known = _NUMBERS.get(unit or "")
    if text[:1] not in ("C", "D") or not rest.isdigit() or known is None:
        return None
    return Money(int(rest[-12:]), known)


def _typed_digits(text: str, kind: Kind, unit: str | None) -> Value | None:
    known = _NUMBERS.get(unit or "")
    if kind == "money":
        return Money(int(text[-12:]), known) if known is not None else None
    convert = _DIGITS.get(kind)
    return convert(text) if convert is not None else None


def _time(text: str) -> time | None:
    if len(text) != CLOCK:
        return None
    try:
        return time(int(text[:2]), int(text[2:4]), int(text[4:]))
    except ValueError:
        return None


def _date(text: str) -> date | None:
    if len(text) == MONTH_DAY:
        return nearest_date(text, datetime.now(UTC).date())
    try:
        return (
            date(int(text[:4]), int(text[4:6]), int(text[6:])) if len(text) == FULL_DATE else None
        )
    except ValueError:
        return None


def nearest_date(month_day: str, today: date) -> date | None:
    """Field 13 or 15 (MMDD) in the year that puts it nearest to `today`; None if it is none."""
    found: list[date] = []
    for year in (today.year - 1, today.year, today.year + 1):
        try:
            found.append(date(year, int(month_day[:2]), int(month_day[2:])))
        except ValueError:
            continue
    return min(found, key=lambda day: abs((day - today).days), default=None)


def _rate(text: str) -> Decimal:
    """Fields 9 and 10: the first digit counts the decimals of the rest."""
    return Decimal(int(text[1:] or "0")).scaleb(-int(text[0]))


_DIGITS: Mapping[str, Callable[[str], Value | None]] = {
    "digits": str,
    "number": int,
    "rate": _rate,
    "time": _time,
    "date": _date,
}
