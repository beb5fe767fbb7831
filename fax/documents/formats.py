"""Values as they are printed. Cards are masked, and so is any text that holds a card number."""

import re
from collections.abc import Callable, Mapping
from datetime import date, time
from decimal import Decimal
from types import MappingProxyType
from typing import Any

from fax.documents.kinds import WORD_FORM
from transactions.card import CardNumber, SealedCard, mask
from transactions.card_text import without_numbers
from transactions.money import Money
from transactions.outcome import Value

Texts = Callable[[str], str]
"""The release's text of an id such as `word.txn.deposit`; empty where there is none."""


_SPELLED = re.compile(r"(?<=\b[A-Z]) (?=[A-Z]\b)")


class FormatError(ValueError):
    """A value of another kind than the catalogue says; the message never quotes it."""


def printed(value: Value | None, form: str, texts: Texts, unit: str = "") -> str:
    """A value in one of the forms of the catalogue; empty where it is absent.

    `unit` is the currency that the column's head names: amounts in it stand without their code.
    """
    if value is None:
        return ""
    if (found := WORD_FORM.fullmatch(form)) is not None:
        return _word(_of(value, str, form), found[1], texts)
    if form in _MONEY:
        return _MONEY[form](_of(value, Money, form), unit)
    return _PLAIN[form](value)


def amount(money: Money, unit: str = "") -> str:
    """`CNY 1,234.56`, or `1,234.56` in a column of yuan."""
    figures = f"{money.decimal:,.{money.currency.exponent}f}"
    return figures if money.currency.code == unit else f"{money.currency.code} {figures}"


def share(money: Money, form: str) -> Money | None:
    """What of an amount a column counts: of `money_out` the debits, of `money_in` the credits,
    both without sign; None where it counts nothing."""
    if form == "money":
        return money
    if (form == "money_out") != (money.minor < 0):
        return None
    return -money if form == "money_out" else money


def _out(money: Money, unit: str) -> str:
    counted = share(money, "money_out")
    return "" if counted is None else amount(counted, unit)


def _in(money: Money, unit: str) -> str:
    counted = share(money, "money_in")
    return "" if counted is None else amount(counted, unit)


def _word(code: str, words: str, texts: Texts) -> str:
    """The code's own text, that of `other`, or the code as it is. The texts are made to be spoken:
    on paper they begin with a capital, and letters spelled one by one are joined (`U S`)."""
    own = texts(f"word.{words}.{code}") or texts(f"word.{words}.other") or code
    joined = _SPELLED.sub("", own)
    return without_numbers(joined[:1].upper() + joined[1:])


def _card(value: Value) -> str:
    """A masked number. A text was masked by who made it, and is masked again where it was not."""
    if isinstance(value, CardNumber | SealedCard):
        return _legible(value.masked)
    return _legible(without_numbers(_of(value, str, "card")))


def _legible(masked: str) -> str:
    """`622700XXXXXX1234`: after a fax, stars look like fours."""
    return masked.replace("*", "X")


def _decimal(value: Value, form: str) -> str:
    """A rate to its last figure, with two decimals at least."""
    whole, _, decimals = f"{_of(value, Decimal, form):f}".partition(".")
    return f"{whole}.{decimals.rstrip('0').ljust(2, '0')}"


def _of(value: Value, kind: type[Any], form: str) -> Any:
    if not isinstance(value, kind) or isinstance(value, bool):
        raise FormatError(f"a {type(value).__name__} cannot be printed as {form}")
    return value


_MONEY: Mapping[str, Callable[[Money, str], str]] = MappingProxyType(
    {"money": amount, "money_out": _out, "money_in": _in}
)
_PLAIN: Mapping[str, Callable[[Value], str]] = MappingProxyType(
    {
        "card": _card,
        "masked": lambda value: _legible(mask(_of(value, str, "masked"))),
        "date": lambda value: _of(value, date, "date").isoformat()[:10],
        "month": lambda value: _of(value, date, "month").isoformat()[:7],
        "time": lambda value: _of(value, time, "time").strftime("%H:%M:%S"),
        "rate": lambda value: _decimal(value, "rate"),
        "percent": lambda value: f"{_decimal(value, 'percent')}%",
        "number": lambda value: f"{_of(value, int, 'number'):,}",
        "digits": lambda value: without_numbers(_of(value, str, "digits")),
        "text": lambda value: without_numbers(_of(value, str, "text")),
    }
)
