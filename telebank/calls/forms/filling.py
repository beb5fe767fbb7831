"""What a teller wrote into a form, as the inputs of its service; or what is wrong, field by field.

A wrong entry is told in both languages, and its text is never repeated: it may be a card number.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, time
from decimal import Decimal, InvalidOperation

from telebank.calls.forms.model import Field, Form, Pair
from transactions.card import CardNumber, CardNumberError, luhn_valid
from transactions.inputs import KINDS
from transactions.kinds import WORD, Kind
from transactions.money import CURRENCIES, Money, MoneyError
from transactions.outcome import Value

_BLANKS = re.compile(r"[\s‐-―-]")
"""Between the groups of a card's digits."""
_AMOUNT = re.compile(r"\d{1,10}(\.\d{1,3})?")
_RATE = re.compile(r"\d{1,8}(\.\d{1,6})?")
_MONTH = re.compile(r"\d{4}-\d{2}")

MISSING = Pair("请填写", "Fill this in")
NO_FIELD = Pair("没有这一项", "There is no such field")
_CARD = Pair("卡号不对，请核对", "This is no card number: look at its digits")
_OWN = Pair("这是客户自己的卡：请填写收款人的卡号", "The customer's own card: write the payee's")
_AMOUNT_WRONG = Pair("请填写金额，如 100.00", "An amount, such as 100.00")
_DIGITS = Pair("只能填写数字", "Digits only")
_NUMBER = Pair("请填写整数", "A whole number")
_RATE_WRONG = Pair("请填写数值，如 7.1234", "A number, such as 7.1234")
_DATE = Pair("请填写日期，如 2026-03-31", "A date, such as 2026-03-31")
_TIME = Pair("请填写时间，如 09:30", "A time, such as 09:30")
_CHOICE = Pair("请从列表中选择", "Choose one of the list")
_TEXT = Pair("这里不能这样填写", "This cannot stand here")


class Wrong(ValueError):  # noqa: N818 - what a person wrote
    """An entry that cannot be meant; `words` say why."""

    def __init__(self, words: Pair) -> None:
        super().__init__(words.en)
        self.words = words


@dataclass(frozen=True, slots=True)
class Filled:
    """The inputs, or what is wrong by field."""

    inputs: Mapping[str, Value] = field(repr=False)
    wrong: Mapping[str, Pair]


def fill(form: Form, written: Mapping[str, str], own: CardNumber | None) -> Filled:
    """Take every field of a form; the caller's own card is put where the form wants it."""
    inputs: dict[str, Value] = {}
    known = {one.name for one in form.fields}
    wrong = dict.fromkeys((name for name in written if name not in known), NO_FIELD)
    for one in form.fields:
        text = written.get(one.name, "").strip()
        try:
            value = _value(one, text, written) if text else _left_out(one, own)
        except Wrong as why:
            wrong[one.name] = why.words
            continue
        if value is not None and value == own and not one.own:
            wrong[one.name] = _OWN
        elif value is not None:
            inputs[one.name] = value
    if form.customer and own is not None:
        inputs[form.customer] = own
    return Filled(inputs, wrong)


def _left_out(one: Field, own: CardNumber | None) -> Value | None:
    if one.own and own is not None:
        return own
    if one.optional:
        return None
    raise Wrong(MISSING)


def _value(one: Field, text: str, written: Mapping[str, str]) -> Value:
    if one.kind == "money":
        return _money(one, text, written)
    return _READ.get(one.kind, _text)(one, text)


def _text(one: Field, text: str) -> str:
    if not KINDS["text"](text) or len(text) > one.longest:
        raise Wrong(_TEXT)
    return text


def _card(one: Field, text: str) -> CardNumber:
    digits = _BLANKS.sub("", text)
    if not one.shortest <= len(digits) <= one.longest:
        raise Wrong(_CARD)
    try:
        card = CardNumber(digits)
    except CardNumberError:
        raise Wrong(_CARD) from None
    if one.luhn and not luhn_valid(digits):
        raise Wrong(_CARD)
    return card


def _money(one: Field, text: str, written: Mapping[str, str]) -> Money:
    code = one.currency or written.get(one.currency_of, "").strip().upper()
    plain = text.replace(",", "").replace("，", "")
    if code not in CURRENCIES or not _AMOUNT.fullmatch(plain):
        raise Wrong(_AMOUNT_WRONG)
    try:
        amount = Money.parse(plain, code)
    except MoneyError:
        raise Wrong(_AMOUNT_WRONG) from None
    _between(one, amount.decimal)
    if not KINDS["money"](amount):
        raise Wrong(_AMOUNT_WRONG)
    return amount


def _between(one: Field, number: Decimal) -> None:
    low, high = one.least, one.most
    if (low and number < Decimal(low)) or (high and number > Decimal(high)):
        raise Wrong(Pair(f"请填写 {low} 到 {high}", f"From {low} to {high}"))


def _digits(one: Field, text: str) -> str:
    digits = text.upper()
    if not KINDS["digits"](digits):
        raise Wrong(_DIGITS)
    low, high = one.shortest, one.longest
    if not low <= len(digits) <= high:
        span = f"{low}" if low == high else f"{low}–{high}"
        raise Wrong(Pair(f"请填写 {span} 位", f"{span} digits"))
    return digits


def _number(one: Field, text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) <= one.longest):
        raise Wrong(_NUMBER)
    return int(text)


def _rate(one: Field, text: str) -> Decimal:
    if not _RATE.fullmatch(text):
        raise Wrong(_RATE_WRONG)
    try:
        rate = Decimal(text)
    except InvalidOperation:
        raise Wrong(_RATE_WRONG) from None
    _between(one, rate)
    return rate


def _date(_one: Field, text: str) -> date:
    try:
        return date.fromisoformat(f"{text}-01" if _MONTH.fullmatch(text) else text)
    except ValueError:
        raise Wrong(_DATE) from None


def _time(_one: Field, text: str) -> time:
    try:
        return time.fromisoformat(text)
    except ValueError:
        raise Wrong(_TIME) from None


def _word(one: Field, text: str) -> str:
    codes = {choice.code for choice in one.choices}
    if (codes and text not in codes) or not WORD.fullmatch(text):
        raise Wrong(_CHOICE)
    return text


_READ: Mapping[Kind, Callable[[Field, str], Value]] = {
    "card_no": _card,
    "digits": _digits,
    "number": _number,
    "rate": _rate,
    "date": _date,
    "time": _time,
    "word": _word,
}
