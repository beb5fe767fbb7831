"""Reads how a node takes an entry: digits, an amount, a rate, a date, a time."""

from collections.abc import Callable, Mapping
from decimal import Decimal
from types import MappingProxyType
from typing import cast, get_args

from telebank.flow.model import (
    Check,
    DateEntry,
    DigitEntry,
    Entry,
    MoneyEntry,
    RateEntry,
    TimeEntry,
)
from telebank.flow.options import MAX_ENTRY
from telebank.flow.reader import Block
from transactions.money import CURRENCIES


def entry_of(block: Block) -> Entry:
    """The entry of a node that collects one."""
    kinds = [key for key in _ENTRIES if key in block]
    inner = block.block(kinds[0], f"{block.what} {kinds[0]}") if len(kinds) == 1 else None
    if inner is None:
        for key in kinds:
            block.take(key)
        block.refuse("kind", f"not one of {', '.join(_ENTRIES)}", "give exactly one of them")
        return DateEntry()
    entry = _ENTRIES[kinds[0]](inner)
    if entry.end not in ("#", "*"):
        inner.refuse("end", "an entry ends with # or *", 'write `end: "#"`')
    inner.finish()
    return entry


def _digits(block: Block) -> Entry:
    low = block.whole("min", 1, MAX_ENTRY)
    high = block.whole("max", low, MAX_ENTRY)
    check = cast(Check, block.one_of("check", get_args(Check), "none") or "none")
    return DigitEntry(low, high, block.text("end", "#"), check)


def _money(block: Block) -> Entry:
    code = block.text("currency", "CNY")
    of = code[1:] if code.startswith("$") and len(code) > 1 else None
    if of is None and code not in CURRENCIES:
        known = ", ".join(CURRENCIES)
        mend = f"use {known}, or $variable where a word says which (usd)"
        block.refuse("currency", f"unknown currency {code}", mend)
    low, high, point, end = _pointed(block)
    return MoneyEntry(low, high, CURRENCIES.get(code), point, end, of)


def _rate(block: Block) -> Entry:
    return RateEntry(*_pointed(block))


def _pointed(block: Block) -> tuple[Decimal, Decimal, str, str]:
    """`min`, `max`, `point` and `end` of an entry with a decimal point."""
    low, high = block.decimal("min"), block.decimal("max")
    if low < 0 or high < low:
        block.refuse("max", "not 0 <= min <= max", "correct the limits")
    point, end = block.text("point", "*"), block.text("end", "#")
    if point not in ("*", "#") or point == end:
        block.refuse("point", "the point is * or #, and not the end key", 'write `point: "*"`')
    return low, high, point, end


def _date(block: Block) -> Entry:
    return DateEntry(block.text("end", "#"))


def _time(block: Block) -> Entry:
    return TimeEntry(block.text("end", "#"))


_ENTRIES: Mapping[str, Callable[[Block], Entry]] = MappingProxyType(
    {"digits": _digits, "money": _money, "rate": _rate, "date": _date, "time": _time}
)
