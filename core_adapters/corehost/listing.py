"""Lists in answers: values of columns as they are written, and a page of rows at a time."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal

from core_adapters.corehost.orders import Answer, BadMessage, Order
from core_adapters.corehost.rules import BANK_OFFSET
from transactions.money import Currency, Money, currency

PAGE = 5
"""Rows of one answer: what a caller listens to, and what field 120 (999 octets) has room for."""
MAX_CURSOR = 9
CNY = currency("CNY")
OK = "00"
Row = Mapping[str, str]


def money_column(minor: int, unit: Currency = CNY) -> str:
    """An amount in a row: currency number, C or D, twelve digits of minor units."""
    money = Money(minor, unit)
    return f"{unit.number}{'C' if money.minor >= 0 else 'D'}{abs(money.minor):012d}"


def rate_text(rate: Decimal) -> str:
    """A rate as in fields 9 and 10: the first digit counts decimals; 3.85 is 2385, 0.35 is 2035."""
    decimals = max(0, -int(rate.as_tuple().exponent))
    return f"{decimals}{int(rate.scaleb(decimals)):0{decimals + 1}d}"


def date_text(day: date) -> str:
    """YYYYMMDD."""
    return f"{day:%Y%m%d}"


def time_text(at: datetime) -> str:
    """The bank's wall clock, hhmmss."""
    return f"{at + BANK_OFFSET:%H%M%S}"


def cursor_of(order: Order) -> int:
    """Where the page begins (62.cursor): a number that an answer gave; 0 without one."""
    text = order.sub(62, "cursor")
    if not text:
        return 0
    if len(text) > MAX_CURSOR or not (text.isascii() and text.isdigit()):
        raise BadMessage("62.cursor is none of this bank's")
    return int(text)


def paged(rows: Sequence[Row], more: int | None) -> Answer:
    """An answer with rows, and in 62.cursor where the next page begins if there is `more`."""
    subs = {62: {"cursor": str(more)}} if more is not None else {}
    return Answer(OK, rows=rows, subs=subs)


def page_of(rows: Sequence[Row], order: Order) -> Answer:
    """One page of a list that is all there; the cursor counts the rows before it."""
    begin = cursor_of(order)
    end = begin + PAGE
    return paged(rows[begin:end], end if len(rows) > end else None)
