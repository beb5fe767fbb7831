"""What a key means to the node that takes it: pure functions from keys to a verdict."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, time
from decimal import Decimal, InvalidOperation

from telebank.flow.model import (
    Collect,
    DateEntry,
    DigitEntry,
    Entry,
    MoneyEntry,
    PointedEntry,
    RateEntry,
    TimeEntry,
)
from telebank.flow.options import MAX_ENTRY
from transactions.card import CardNumber, CardNumberError, luhn_valid
from transactions.contract import Kind
from transactions.money import CURRENCIES, Currency, Money, MoneyError
from transactions.outcome import Value
from transactions.secret import Secret

DATE_DIGITS = 8
TIME_DIGITS = 4
RATE_DECIMALS = 6
"""Most decimals of a rate that is keyed in."""


@dataclass(frozen=True, slots=True)
class More:
    """The entry goes on."""

    entry: str


@dataclass(frozen=True, slots=True)
class Chosen:
    """A choice or key leads to `target`."""

    target: str


@dataclass(frozen=True, slots=True)
class Completed:
    """An entry is whole; `full` where it ended by its length and not by its end key."""

    value: Value
    full: bool = False


@dataclass(frozen=True, slots=True)
class Invalid:
    """No such choice, or no such entry."""


@dataclass(frozen=True, slots=True)
class Again:
    """Say the node's prompt again and start over."""


Verdict = More | Chosen | Completed | Invalid | Again


def choose(choices: Mapping[str, str], entry: str, key: str) -> Verdict:
    """A key at a menu or confirm; `#` repeats unless it is bound."""
    typed = entry + key
    if typed in choices:
        return Chosen(choices[typed])
    if any(choice.startswith(typed) for choice in choices):
        return More(typed)
    return Again() if typed == "#" else Invalid()


def currency_of(word: Value | None) -> Currency | None:
    """The currency of a word (`usd`); None where it is no currency's."""
    known = isinstance(word, str) and word == word.lower()
    return CURRENCIES.get(str(word).upper()) if known else None


def in_currency(node: Collect, unit: Currency | None) -> Collect:
    """The node with its amount in the currency that a variable says."""
    if not isinstance(node.entry, MoneyEntry) or node.entry.of is None:
        return node
    return replace(node, entry=replace(node.entry, currency=unit))


def take(node: Collect, kind: Kind, entry: str, key: str) -> Verdict:
    """A key at a collect. Keys such as `*` act at once: with something typed they start the
    entry over. Entries such as `0#` lead away; `#` on an empty entry repeats the prompt."""
    keys, spec = node.asking.keys, node.entry
    if key in keys and not _belongs(spec, key):
        return Again() if entry else Chosen(keys[key])
    if key == spec.end:
        return _ended(node, kind, entry)
    if not _belongs(spec, key):
        return Again() if key == "#" and not entry else Invalid()
    typed = entry + key
    if len(typed) >= _longest(spec) and not isinstance(spec, PointedEntry):
        value = parse(spec, kind, typed)
        return Invalid() if value is None else Completed(value, full=True)
    return More(typed) if len(typed) <= MAX_ENTRY else Invalid()


def timed_out(node: Collect, kind: Kind, entry: str) -> Verdict:
    """The inter-digit time is over with something typed: whole if it may be, else invalid.

    An amount or a rate is whole only with its end key: half of one is one too.
    """
    if isinstance(node.entry, PointedEntry):
        return Invalid()
    return _whole(node, kind, entry)


def _whole(node: Collect, kind: Kind, entry: str) -> Verdict:
    value = parse(node.entry, kind, entry)
    return Invalid() if value is None else Completed(value)


def _ended(node: Collect, kind: Kind, entry: str) -> Verdict:
    target = node.asking.keys.get(entry + node.entry.end)
    if target is not None and entry:
        return Chosen(target)
    if not entry:
        return Again()
    return _whole(node, kind, entry)


def _belongs(spec: Entry, key: str) -> bool:
    return key.isdigit() or (isinstance(spec, PointedEntry) and key == spec.point and _parts(spec))


def _parts(spec: PointedEntry) -> bool:
    """Whether there is anything after a point: yen have nothing smaller."""
    return isinstance(spec, RateEntry) or spec.currency is None or spec.currency.exponent > 0


def _longest(spec: Entry) -> int:
    match spec:
        case DigitEntry():
            return spec.max
        case DateEntry():
            return DATE_DIGITS
        case TimeEntry():
            return TIME_DIGITS
        case MoneyEntry() | RateEntry():
            return MAX_ENTRY


def parse(spec: Entry, kind: Kind, typed: str) -> Value | None:
    """The value that `typed` stands for, or None where it stands for none."""
    match spec:
        case DigitEntry():
            return _digits(spec, kind, typed)
        case MoneyEntry():
            return _money(spec, typed)
        case RateEntry():
            return _rate(spec, typed)
        case DateEntry():
            return _date(typed)
        case TimeEntry():
            return _time(typed)


def _digits(spec: DigitEntry, kind: Kind, typed: str) -> Value | None:
    if not spec.min <= len(typed) <= spec.max or (spec.check == "luhn" and not luhn_valid(typed)):
        return None
    match kind:
        case "secret":
            return Secret(typed)
        case "number":
            return int(typed)
        case "card_no":
            return _card(typed)
        case _:
            return typed


def _card(typed: str) -> CardNumber | None:
    try:
        return CardNumber(typed)
    except CardNumberError:
        return None


def _money(spec: MoneyEntry, typed: str) -> Money | None:
    amount = _between(spec, typed)
    if amount is None or spec.currency is None:
        return None
    try:
        return Money.parse(str(amount), spec.currency.code)
    except MoneyError:
        return None


def _rate(spec: RateEntry, typed: str) -> Decimal | None:
    rate = _between(spec, typed)
    if rate is None or -int(rate.as_tuple().exponent) > RATE_DECIMALS:
        return None
    return rate


def _between(spec: PointedEntry, typed: str) -> Decimal | None:
    """The number as it was typed, where it is one and within the entry's limits."""
    try:
        number = Decimal(typed.replace(spec.point, "."))
    except InvalidOperation:
        return None
    return number if spec.min <= number <= spec.max else None


def _date(typed: str) -> date | None:
    if len(typed) != DATE_DIGITS:
        return None
    try:
        return date(int(typed[:4]), int(typed[4:6]), int(typed[6:]))
    except ValueError:
        return None


def _time(typed: str) -> time | None:
    if len(typed) != TIME_DIGITS:
        return None
    hour, minute = int(typed[:2]), int(typed[2:])
    return time(hour, minute) if hour < 24 and minute < 60 else None  # noqa: PLR2004 - a clock's
