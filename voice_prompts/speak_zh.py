"""Mandarin readings.

Numbers go in groups of four (万, 亿, 万亿). One 零 stands for each skipped run, also where a lower
group is below 1000 or a whole group is skipped; trailing zeros are silent; 十 leads alone but is
一十 inside. 二 in amounts, 两 only before a counter when exactly two and for two o'clock; 幺 for 1
only in card, telephone and reference numbers.
"""

from datetime import date, time
from functools import cache

from transactions.money import Money
from voice_prompts.segment import segment
from voice_prompts.values import (
    GAP_DIGITS,
    GAP_GROUPS,
    GAP_INSIDE,
    Number,
    Reading,
    ReadingError,
)

DIGITS = "零一二三四五六七八九"
WEEKDAYS = "一二三四五六日"
COUNTERS = {
    "transaction": "笔",
    "message": "条",
    "month": "个月",
    "day": "天",
    "year": "年",
    "time": "次",
    "card": "张",
    "person": "位",
    "minute": "分钟",
    "second": "秒",
    "installment": "期",
}
MAJOR = {
    "CNY": "元",
    "USD": "美元",
    "HKD": "港元",
    "EUR": "欧元",
    "GBP": "英镑",
    "AUD": "澳大利亚元",
    "CAD": "加拿大元",
    "CHF": "瑞士法郎",
    "SGD": "新加坡元",
    "JPY": "日元",
}
MINOR = {
    "USD": "美分",
    "EUR": "欧分",
    "GBP": "便士",
    "AUD": "分",
    "CAD": "分",
    "CHF": "生丁",
    "SGD": "分",
}
TENTHS = frozenset({"CNY", "HKD"})
"""Currencies whose minor part is said as 角 and 分."""

THOUSAND, HUNDRED, TEN = 1000, 100, 10
WAN, YI = 10_000, 100_000_000
YEARS = range(2015, 2036)
"""Years recorded whole; any other is joined from its digits."""


def whole(value: int) -> str:
    """The reading of a whole number from 0 below 10^16."""
    if value == 0:
        return DIGITS[0]
    text = _below_wan_yi(value)
    return text[1:] if text.startswith("一十") else text


def _below_wan_yi(value: int) -> str:
    high, low = divmod(value, YI)
    if not high:
        return _below_yi(low)
    text = _below_yi(high) + "亿"
    if not low:
        return text
    return text + (DIGITS[0] if low < YI // TEN else "") + _below_yi(low)


def _below_yi(value: int) -> str:
    high, low = divmod(value, WAN)
    if not high:
        return _below_wan(low)
    text = _below_wan(high) + "万"
    if not low:
        return text
    return text + (DIGITS[0] if low < THOUSAND else "") + _below_wan(low)


def _below_wan(value: int) -> str:
    text, skipped = "", False
    for scale, name in ((THOUSAND, "千"), (HUNDRED, "百"), (TEN, "十"), (1, "")):
        digit = value // scale % TEN
        if not digit:
            skipped = bool(text)
            continue
        text += (DIGITS[0] if skipped else "") + DIGITS[digit] + name
        skipped = False
    return text


def digit_text(digits: str, one: str = "一") -> str:
    """Digits one by one; `one` is 幺 in card, telephone and reference numbers."""
    return "".join(one if digit == "1" else DIGITS[int(digit)] for digit in digits)


def number_text(number: Number) -> str:
    """A decimal number, its decimals one by one."""
    text = ("负" if number.negative else "") + whole(number.whole)
    return f"{text}点{digit_text(number.decimals)}" if number.decimals else text


def money_text(money: Money, *, formal: bool = False) -> str:
    """An amount; `formal` puts 人民币 first and 整 after a whole amount."""
    code = money.currency.code
    if code not in MAJOR:
        raise ReadingError(f"no Mandarin reading of {code}; known are {', '.join(MAJOR)}")
    per_major = TEN**money.currency.exponent
    major, minor = divmod(abs(money.minor), per_major)
    text = whole(major) + MAJOR[code] if major or not minor else ""
    if minor:
        text += _minor_text(code, minor, after_major=bool(text))
    text = ("负" if money.minor < 0 else "") + text
    if formal and code == "CNY":
        text = "人民币" + text + ("" if minor else "整")
    return text


def _minor_text(code: str, minor: int, *, after_major: bool) -> str:
    zero = DIGITS[0] if after_major and minor < TEN else ""
    if code not in TENTHS:
        return zero + whole(minor) + MINOR[code]
    tenths, hundredths = divmod(minor, TEN)
    text = zero
    if tenths:
        text += DIGITS[tenths] + "角"
    if hundredths:
        text += DIGITS[hundredths] + "分"
    return text


def date_text(day: date) -> str:
    """Year digit by digit (with 一), month and day as numbers."""
    return f"{digit_text(f'{day.year:04d}')}年{whole(day.month)}月{whole(day.day)}日"


def month_text(day: date) -> str:
    """The month that a day is in: 二零二六年一月."""
    return f"{digit_text(f'{day.year:04d}')}年{whole(day.month)}月"


def time_text(at: time) -> str:
    """The 24-hour clock: 八点整, 两点零二分."""
    hour = "两" if at.hour == 2 else whole(at.hour)  # noqa: PLR2004  (two o'clock)
    if not at.minute:
        return f"{hour}点整"
    zero = DIGITS[0] if at.minute < TEN else ""
    return f"{hour}点{zero}{whole(at.minute)}分"


def share_text(number: Number, base: str) -> str:
    """A percentage (`base` 百), per mille (千) or per ten thousand (万)."""
    sign = "负" if number.negative else ""
    return f"{sign}{base}分之{number_text(Number(False, number.whole, number.decimals))}"


def count_text(count: int, counter: str) -> str:
    """A count with its measure word; exactly two is 两."""
    two = count == 2  # noqa: PLR2004  (the language's own two)
    return ("两" if two else whole(count)) + COUNTERS[counter]


def ordinal_text(rank: int) -> str:
    return "第" + whole(rank)


def weekday_text(day: date) -> str:
    return "星期" + WEEKDAYS[day.weekday()]


def joined(text: str) -> Reading:
    """A reading whose clips are found by cutting `text` into recorded units."""
    units = segment(text, "", units_zh())
    return Reading(units, text, (GAP_INSIDE,) * (len(units) - 1))


def spelled(groups: tuple[str, ...], one: str = "幺") -> Reading:
    """Digits one by one with a longer pause between groups."""
    texts = [digit_text(group, one) for group in groups]
    gaps = [gap for text in texts for gap in (*[GAP_DIGITS] * (len(text) - 1), GAP_GROUPS)]
    text = "".join(texts)
    return Reading(tuple(text), text, tuple(gaps[:-1]))


@cache
def units_zh() -> frozenset[str]:
    """The texts of all Mandarin value units."""
    ones = DIGITS[1:]
    tens = ["十", *(f"{digit}十" for digit in ones)]
    units = {whole(n) for n in range(100)} | {f"一十{digit}" for digit in ones}
    units |= {f"{digit}{scale}" for digit in ones for scale in "百千万亿元角分日月点"}
    units |= {f"{ten}{scale}" for ten in tens for scale in "万元"}
    units |= {f"{digit}{scale}万" for digit in ones for scale in "百千"}
    units |= {f"{digit}{scale}元" for digit in ones for scale in "百千"}
    units |= {f"零{digit}分" for digit in ones} | {f"{ten}分" for ten in tens}
    units |= {whole(n) + "月" for n in range(1, 13)} | {whole(n) + "日" for n in range(1, 32)}
    units |= {whole(n) + "点" for n in range(24)} | {"两点"}
    units |= {digit_text(str(year)) + "年" for year in YEARS}
    units |= {"星期" + day for day in WEEKDAYS} | {"第" + whole(n) for n in range(1, 11)}
    units |= {*COUNTERS.values(), *MAJOR.values(), *MINOR.values()}
    units |= {f"{digit}{counter}" for digit in "一两三四五" for counter in "笔次天"}
    units |= {f"{digit}分钟" for digit in "一两三四五"}
    units |= set("两幺负整第点万亿元角分年月日十")
    return frozenset(units | {"人民币", "百分之", "千分之", "万分之"})
