"""Inputs of a service to contents of fields, and back to outputs."""

import re
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, time
from decimal import Decimal
from enum import Enum

from core_adapters.iso8583.codec import Codec
from core_adapters.iso8583.errors import EncodeError
from core_adapters.iso8583.format.fields import FieldSpec
from core_adapters.iso8583.format.message import Message
from core_adapters.iso8583.format.templates import ReplySource
from transactions.card import CardNumber, SealedCard
from transactions.contract import Kind
from transactions.kinds import WORD
from transactions.money import CURRENCIES, Currency, Money, currency
from transactions.outcome import Plain, Value
from transactions.secret import Secret

CURRENCY = 49
ADDITIONAL_AMOUNTS = 54
_AMOUNT = re.compile(r"(?P<account>..)(?P<type>\d\d)(?P<currency>\d{3})(?P<sign>[CD])(?P<n>\d{12})")
_MONEY = re.compile(r"(?P<currency>[0-9]{3})(?P<sign>[CD])(?P<minor>[0-9]{12})")
AMOUNT_CHARS = 20
MAX_AMOUNT = 12
"""Digits of an amount (field 4); what has more is unusable, never cut."""
MONTH_DAY, FULL_DATE, CLOCK = 4, 8, 6
MAX_PLACES = 9
"""Decimals of a rate: one digit counts them."""
_NUMBERS: Mapping[str, Currency] = {unit.number: unit for unit in CURRENCIES.values()}


class Lacking(Enum):
    """Why a reply gives no value."""

    ABSENT = "absent"
    UNUSABLE = "not of its kind"


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
        case datetime() | date() | time() | Decimal() | str() | int():
            return plain_text(value)
    raise EncodeError(str(spec.number), f"a {type(value).__name__} cannot travel in this field")


def subfield_text(number: int, value: Value) -> str:
    """A value as a subfield holds it: money in minor units of field 49, rates as `rate_text`."""
    match value:
        case Money():
            return str(value.minor)
        case CardNumber():
            return value.digits
        case Secret() | SealedCard() | tuple():
            raise EncodeError(str(number), "no value that may stand in a subfield")
    return plain_text(value)


def part_text(number: int, value: Value, part: str) -> str:
    """`$name.currency`: the number of a currency, of money or by its word (`usd`); `$name.full`:
    money as in rows."""
    if part == "full" and isinstance(value, Money):
        return full_money(value)
    if part == "currency" and isinstance(value, Money):
        return value.currency.number
    if part == "currency" and isinstance(value, str) and value.upper() in CURRENCIES:
        return CURRENCIES[value.upper()].number
    what = "money" if part == "full" else "money or the word of a currency"
    raise EncodeError(str(number), f"`.{part}` is of {what}, which this is not")


def full_money(value: Money) -> str:
    """Currency number, C or D, twelve digits of minor units: 156C000000012345."""
    sign = "C" if value.minor >= 0 else "D"
    return f"{value.currency.number}{sign}{abs(value.minor):012d}"


def money_of(text: str) -> Money | None:
    """`156D000000012345` is 123.45 yuan taken away; None where it is no such text."""
    match = _MONEY.fullmatch(text)
    if match is None or match["currency"] not in _NUMBERS:
        return None
    minor = int(match["minor"]) * (1 if match["sign"] == "C" else -1)
    return Money(minor, _NUMBERS[match["currency"]])


def plain_text(value: str | int | Decimal | Money | date | time) -> str:
    """A date as YYYYMMDD, a time as hhmmss, a rate as `rate_text`; the rest as it stands."""
    match value:
        case datetime() | date():
            return value.strftime("%Y%m%d")
        case time():
            return value.strftime("%H%M%S")
        case Decimal():
            return rate_text(value)
    return str(value)


def rate_text(value: Decimal) -> str:
    """As in fields 9 and 10, whose first digit counts the decimals of the rest: 3.85 is 2385."""
    exponent = value.as_tuple().exponent
    places = -exponent if isinstance(exponent, int) and exponent < 0 else 0
    if not value.is_finite() or value < 0 or places > MAX_PLACES:
        raise EncodeError("rate", f"a rate is 0 or more, with up to {MAX_PLACES} decimals")
    return f"{places}{int(value.scaleb(places))}"


def output(
    codec: Codec, reply: Message, source: ReplySource, kind: Kind, unit: str | None
) -> Value | Lacking:
    """One output of a reply that is no list. `unit` is the currency of the request (field 49),
    used where the reply has none. Raises `DecodeError` on bad subfields."""
    if source.field == ADDITIONAL_AMOUNTS and source.sub:
        wanted = codec.profile.balances.get(source.sub, "")
        held = balance(reply.get(ADDITIONAL_AMOUNTS) or "", wanted)
        return Lacking.ABSENT if held is None else held
    if source.sub:
        text = codec.subfields(reply, source.field).get(source.sub)
    else:
        text = reply.get(source.field)
    if text is None:
        return Lacking.ABSENT
    if kind == "money":
        value: Plain | None = _money(text.strip(), source, reply.get(CURRENCY), unit)
    else:
        value = typed(text.strip(), kind)
    return Lacking.UNUSABLE if value is None else value


def _money(text: str, source: ReplySource, answered: str | None, asked: str | None) -> Money | None:
    """Money in the message's one currency, for what is read back in one is posted in it; only
    where the profile says `full` it brings its own."""
    if source.full:
        return money_of(text)
    unit = answered or asked
    if asked and unit != asked:
        return None
    value = money_of(text) or _in_unit(text, unit)
    return None if value is None or (unit and value.currency.number != unit) else value


def _in_unit(text: str, unit: str | None) -> Money | None:
    """`200`, or `D00000200` as in field 28: taken from the customer. A credit is no such amount."""
    known = _NUMBERS.get(unit or "")
    credit = text.startswith("C")
    digits = text[1:] if text[:1] in ("C", "D") else text
    usable = digits.isascii() and digits.isdigit() and len(digits) <= MAX_AMOUNT
    if known is None or not usable or (credit and int(digits)):
        return None
    return Money(int(digits), known)


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


def typed(text: str, kind: Kind) -> Plain | None:
    """A text of the wire as a value of this kind, which is not money; None where it is none."""
    if kind == "text":
        return text
    if kind == "word":
        return text if WORD.fullmatch(text) else None
    convert = _DIGITS.get(kind) if text.isascii() and text.isdigit() else None
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


def _rate(text: str) -> Decimal | None:
    """Fields 9 and 10: the first digit counts the decimals of the rest."""
    return Decimal(int(text[1:])).scaleb(-int(text[0])) if len(text) > 1 else None


_DIGITS: Mapping[str, Callable[[str], Plain | None]] = {
    "digits": str,
    "number": int,
    "rate": _rate,
    "time": _time,
    "date": _date,
}
