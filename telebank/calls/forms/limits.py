"""What may be written into a field: as what may be keyed for it, or as wide as the contract."""

from dataclasses import dataclass, replace
from decimal import Decimal

from telebank.calls.forms.model import Pair
from telebank.flow.model import DigitEntry, Entry, MoneyEntry, RateEntry
from transactions.card import MAX_DIGITS as MOST_OF_CARD
from transactions.card import MIN_DIGITS as LEAST_OF_CARD
from transactions.inputs import MAX_DIGITS, MAX_TEXT
from transactions.kinds import Kind

HOME = "CNY"
"""Currency of an amount of which no menu says another."""


@dataclass(frozen=True, slots=True)
class Bounds:
    """See `telebank.calls.forms.model.Field`."""

    shortest: int = 1
    longest: int = MAX_DIGITS
    luhn: bool = False
    least: str = ""
    most: str = ""
    currency: str = ""
    currency_of: str = ""


WIDE: dict[Kind, Bounds] = {
    "card_no": Bounds(LEAST_OF_CARD, MOST_OF_CARD, luhn=True),
    "money": Bounds(longest=16, currency=HOME),
    "text": Bounds(longest=MAX_TEXT),
    "number": Bounds(longest=9),
    "rate": Bounds(longest=16),
    "date": Bounds(shortest=7, longest=10),
    "time": Bounds(shortest=5, longest=5),
    "word": Bounds(longest=24),
}


def bounds_of(kind: Kind, entries: tuple[Entry, ...]) -> Bounds:
    """The widest that any of these entries takes."""
    wide = WIDE.get(kind, Bounds())
    digits = [entry for entry in entries if isinstance(entry, DigitEntry)]
    if digits:
        low, high = min(one.min for one in digits), max(one.max for one in digits)
        luhn = all(one.check == "luhn" for one in digits)
        return replace(wide, shortest=low, longest=high, luhn=luhn)
    pointed = [entry for entry in entries if isinstance(entry, MoneyEntry | RateEntry)]
    if not pointed:
        return wide
    least, most = min(one.min for one in pointed), max(one.max for one in pointed)
    bounds = replace(wide, least=_plain(least), most=_plain(most))
    first = pointed[0]
    if isinstance(first, MoneyEntry):
        code = first.currency.code if first.currency is not None else ""
        return replace(bounds, currency=code, currency_of=first.of or "")
    return bounds


HELP: dict[Kind, Pair] = {
    "date": Pair("年-月-日，如 2026-03-31", "Year-month-day: 2026-03-31"),
    "time": Pair("时:分，如 09:30", "Hour:minute: 09:30"),
    "number": Pair("整数", "A whole number"),
}


def help_of(kind: Kind, bounds: Bounds) -> Pair:
    """What to write, in a few words; empty where the label says it."""
    if kind == "card_no" or (kind == "digits" and bounds.longest < MAX_DIGITS):
        low, high = bounds.shortest, bounds.longest
        span = f"{low}" if low == high else f"{low}–{high}"
        return Pair(f"{span} 位数字", f"{span} digits")
    if bounds.most:
        span = f"{bounds.least} – {bounds.most} {bounds.currency}".rstrip()
        return Pair(span, span)
    return HELP.get(kind, Pair("", ""))


def _plain(number: Decimal) -> str:
    return format(number, "f")
