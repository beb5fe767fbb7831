"""English readings.

No "and" inside integers, "and" between major and minor units; yuan, fen and yen are invariant;
"zero" for digits, "oh five" in minutes and years.
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

_ONES = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen "
    "fifteen sixteen seventeen eighteen nineteen"
)
ONES = tuple(_ONES.split())
TENS = ("", "", "twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety")
SCALES = ("", "thousand", "million", "billion", "trillion", "quadrillion")
_MONTHS = "January February March April May June July August September October November December"
MONTHS = tuple(_MONTHS.split())
_WEEKDAYS = "Monday Tuesday Wednesday Thursday Friday Saturday Sunday"
WEEKDAYS = tuple(_WEEKDAYS.split())
IRREGULAR_ORDINALS = {
    "one": "first",
    "two": "second",
    "three": "third",
    "five": "fifth",
    "eight": "eighth",
    "nine": "ninth",
    "twelve": "twelfth",
}
COUNTERS = {
    "transaction": ("transaction", "transactions"),
    "message": ("message", "messages"),
    "month": ("month", "months"),
    "day": ("day", "days"),
    "year": ("year", "years"),
    "time": ("time", "times"),
    "card": ("card", "cards"),
    "person": ("person", "people"),
    "minute": ("minute", "minutes"),
    "second": ("second", "seconds"),
    "installment": ("installment", "installments"),
}
MAJOR = {
    "CNY": ("yuan", "yuan"),
    "USD": ("U.S. dollar", "U.S. dollars"),
    "HKD": ("Hong Kong dollar", "Hong Kong dollars"),
    "EUR": ("euro", "euros"),
    "GBP": ("pound", "pounds"),
    "AUD": ("Australian dollar", "Australian dollars"),
    "CAD": ("Canadian dollar", "Canadian dollars"),
    "CHF": ("Swiss franc", "Swiss francs"),
    "SGD": ("Singapore dollar", "Singapore dollars"),
    "JPY": ("yen", "yen"),
}
CENTS = ("cent", "cents")
MINOR = {
    "CNY": ("fen", "fen"),
    "USD": CENTS,
    "HKD": CENTS,
    "EUR": CENTS,
    "GBP": ("penny", "pence"),
    "AUD": CENTS,
    "CAD": CENTS,
    "CHF": ("centime", "centimes"),
    "SGD": CENTS,
}
HUNDRED, THOUSAND, NOON = 100, 1000, 12
YEARS = range(2015, 2036)
"""Years recorded whole; any other is joined from its parts."""


def below_hundred(value: int) -> str:
    """0 to 99: `zero`, `twelve`, `thirty-four`."""
    if value < len(ONES):
        return ONES[value]
    tens, ones = divmod(value, 10)
    return TENS[tens] + (f"-{ONES[ones]}" if ones else "")


def _below_thousand(value: int) -> str:
    hundreds, rest = divmod(value, HUNDRED)
    words = [f"{ONES[hundreds]} hundred"] if hundreds else []
    return " ".join([*words, below_hundred(rest)] if rest else words)


def whole(value: int) -> str:
    """The reading of a whole number from 0 below 10^16."""
    if value == 0:
        return ONES[0]
    words: list[str] = []
    for scale in SCALES:
        value, group = divmod(value, THOUSAND)
        if group:
            words.insert(0, f"{_below_thousand(group)} {scale}".rstrip())
    return " ".join(words)


def digit_text(digits: str) -> str:
    return " ".join(ONES[int(digit)] for digit in digits)


def number_text(number: Number) -> str:
    """A decimal number, its decimals one by one."""
    text = ("minus " if number.negative else "") + whole(number.whole)
    return f"{text} point {digit_text(number.decimals)}" if number.decimals else text


def money_text(money: Money) -> str:
    code = money.currency.code
    if code not in MAJOR:
        raise ReadingError(f"no English reading of {code}; known are {', '.join(MAJOR)}")
    major, minor = divmod(abs(money.minor), 10**money.currency.exponent)
    parts = [f"{whole(major)} {MAJOR[code][major != 1]}"] if major or not minor else []
    if minor:
        parts.append(f"{whole(minor)} {MINOR[code][minor != 1]}")
    return ("minus " if money.minor < 0 else "") + " and ".join(parts)


def year_text(year: int) -> str:
    """`nineteen oh five`, `twenty twenty-six`, `two thousand five`."""
    century, rest = divmod(year, HUNDRED)
    if century % 10 == 0:
        if rest < 10:  # noqa: PLR2004  (the first decade of a millennium)
            return whole(year)
    elif not rest:
        return f"{below_hundred(century)} hundred"
    return f"{below_hundred(century)} {_oh(rest)}"


def _oh(value: int) -> str:
    return f"oh {ONES[value]}" if value < 10 else below_hundred(value)  # noqa: PLR2004


def date_text(day: date) -> str:
    return f"{MONTHS[day.month - 1]} {ordinal_text(day.day)}, {year_text(day.year)}"


def month_text(day: date) -> str:
    """The month that a day is in: `January, twenty twenty-six`."""
    return f"{MONTHS[day.month - 1]}, {year_text(day.year)}"


def time_text(at: time) -> str:
    """The 12-hour clock: `twelve thirty p.m.`, `eight oh five a.m.`, `eight a.m.`."""
    half = "p.m." if at.hour >= NOON else "a.m."
    hour = below_hundred(at.hour % NOON or NOON)
    return f"{hour} {_oh(at.minute)} {half}" if at.minute else f"{hour} {half}"


def share_text(number: Number, base: str) -> str:
    """A share; `base` is `percent`, `per thousand` or `per ten thousand`."""
    return f"{number_text(number)} {base}"


def count_text(count: int, counter: str) -> str:
    return f"{whole(count)} {COUNTERS[counter][count != 1]}"


def ordinal_text(rank: int) -> str:
    """`first`, `twenty-first`, `one hundred first`."""
    head, dash, last = whole(rank).rpartition("-")
    if not dash:
        head, dash, last = whole(rank).rpartition(" ")
    if last in IRREGULAR_ORDINALS:
        last = IRREGULAR_ORDINALS[last]
    else:
        last = (last[:-1] + "ie" if last.endswith("y") else last) + "th"
    return head + dash + last


def weekday_text(day: date) -> str:
    return WEEKDAYS[day.weekday()]


def joined(text: str) -> Reading:
    """A reading whose clips are found by cutting `text` into recorded units."""
    units = segment(text.replace(",", "").replace("-", " ").split(), " ", units_en())
    return Reading(units, text, (GAP_INSIDE,) * (len(units) - 1))


def spelled(groups: tuple[str, ...]) -> Reading:
    """Digits one by one with a longer pause between groups."""
    units = tuple(ONES[int(digit)] for group in groups for digit in group)
    gaps = [gap for group in groups for gap in (*[GAP_DIGITS] * (len(group) - 1), GAP_GROUPS)]
    return Reading(units, " ".join(units), tuple(gaps[:-1]))


@cache
def units_en() -> frozenset[str]:
    """The texts of all English value units; hyphens are spaces, so that `forty-first` can join."""
    ones = ONES[1:10]
    thousands = [*ONES[1:], *TENS[2:], *(f"{one} hundred" for one in ones)]
    units = {below_hundred(n) for n in range(HUNDRED)} | {f"{one} hundred" for one in ones}
    units |= {f"{count} thousand" for count in thousands}
    units |= {f"{one} million" for one in ones} | {f"oh {one}" for one in ones}
    units |= {*SCALES[1:], *MONTHS, *WEEKDAYS, "hundred", "hundredth", "thousandth"}
    units |= {ordinal_text(n) for n in range(1, 32)} | {ordinal_text(n) for n in range(40, 100, 10)}
    units |= {year_text(year) for year in YEARS}
    units |= {name for names in COUNTERS.values() for name in names}
    units |= {name for names in (*MAJOR.values(), *MINOR.values()) for name in names}
    units |= {f"{plural} and" for _, plural in MAJOR.values()}
    units |= {
        "and",
        "minus",
        "point",
        "percent",
        "per thousand",
        "per ten thousand",
        "a.m.",
        "p.m.",
    }
    return frozenset(unit.replace("-", " ") for unit in units)
