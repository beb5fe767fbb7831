"""One entrance for every kind of value that a prompt can speak."""

from collections.abc import Callable, Mapping
from types import MappingProxyType

from voice_prompts import speak_en, speak_zh
from voice_prompts.values import (
    Reading,
    ReadingError,
    date_of,
    digit_groups_of,
    money_of,
    number_of,
    size_of,
    tail_of,
    time_of,
    whole_of,
)

LANGUAGES = ("zh", "en")
MAX_COUNT = 9_999_999
MAX_ORDINAL = 9999

Reader = Callable[[object], Reading]


def _zh() -> dict[str, Reader]:
    say, joined, spelled = speak_zh, speak_zh.joined, speak_zh.spelled
    return {
        "money": lambda v: joined(say.money_text(money_of(v))),
        "money_formal": lambda v: joined(say.money_text(money_of(v), formal=True)),
        "money_size": lambda v: joined(say.money_text(size_of(v))),
        "number": lambda v: joined(say.number_text(number_of(v))),
        "rate": lambda v: joined(say.number_text(number_of(v))),
        "digits": lambda v: spelled(digit_groups_of(v)),
        "digits_plain": lambda v: spelled(digit_groups_of(v), "一"),
        "tail": lambda v: spelled((tail_of(v),)),
        "date": lambda v: joined(say.date_text(date_of(v))),
        "month": lambda v: joined(say.month_text(date_of(v))),
        "weekday": lambda v: joined(say.weekday_text(date_of(v))),
        "time": lambda v: joined(say.time_text(time_of(v))),
        "percent": lambda v: joined(say.share_text(number_of(v).trimmed(), "百")),
        "per_mille": lambda v: joined(say.share_text(number_of(v).trimmed(), "千")),
        "per_ten_thousand": lambda v: joined(say.share_text(number_of(v).trimmed(), "万")),
        "ordinal": lambda v: joined(say.ordinal_text(whole_of(v, 1, MAX_ORDINAL))),
    }


def _en() -> dict[str, Reader]:
    say, joined, spelled = speak_en, speak_en.joined, speak_en.spelled
    return {
        "money": lambda v: joined(say.money_text(money_of(v))),
        "money_formal": lambda v: joined(say.money_text(money_of(v))),
        "money_size": lambda v: joined(say.money_text(size_of(v))),
        "number": lambda v: joined(say.number_text(number_of(v))),
        "rate": lambda v: joined(say.number_text(number_of(v))),
        "digits": lambda v: spelled(digit_groups_of(v)),
        "digits_plain": lambda v: spelled(digit_groups_of(v)),
        "tail": lambda v: spelled((tail_of(v),)),
        "date": lambda v: joined(say.date_text(date_of(v))),
        "month": lambda v: joined(say.month_text(date_of(v))),
        "weekday": lambda v: joined(say.weekday_text(date_of(v))),
        "time": lambda v: joined(say.time_text(time_of(v))),
        "percent": lambda v: joined(say.share_text(number_of(v).trimmed(), "percent")),
        "per_mille": lambda v: joined(say.share_text(number_of(v).trimmed(), "per thousand")),
        "per_ten_thousand": lambda v: joined(
            say.share_text(number_of(v).trimmed(), "per ten thousand")
        ),
        "ordinal": lambda v: joined(say.ordinal_text(whole_of(v, 1, MAX_ORDINAL))),
    }


def _counts(language: str) -> dict[str, Reader]:
    def reader(counter: str) -> Reader:
        if language == "zh":
            return lambda v: speak_zh.joined(
                speak_zh.count_text(whole_of(v, 0, MAX_COUNT), counter)
            )
        return lambda v: speak_en.joined(speak_en.count_text(whole_of(v, 0, MAX_COUNT), counter))

    return {f"count:{counter}": reader(counter) for counter in speak_zh.COUNTERS}


READERS: Mapping[str, Mapping[str, Reader]] = MappingProxyType(
    {
        "zh": MappingProxyType(_zh() | _counts("zh")),
        "en": MappingProxyType(_en() | _counts("en")),
    }
)
"""Language -> kind -> how a value of that kind is read."""

KINDS = tuple(READERS["zh"])


def read(kind: str, value: object, language: str) -> Reading:
    """The reading of `value` as `kind` in `language`; ReadingError says what does not fit."""
    readers = READERS.get(language)
    if readers is None:
        raise ReadingError(f"no readings in {language!r}; known are {', '.join(LANGUAGES)}")
    if kind not in readers:
        raise ReadingError(f"unknown kind {kind!r}; known are {', '.join(KINDS)}")
    return readers[kind](value)


def units(language: str) -> frozenset[str]:
    """The texts of every recorded value unit of a language."""
    return speak_zh.units_zh() if language == "zh" else speak_en.units_en()
