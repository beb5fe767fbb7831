import json
from datetime import date, time
from decimal import Decimal
from pathlib import Path
from typing import Any

import cn2an
import pytest
from hypothesis import given
from hypothesis import strategies as st
from num2words import num2words

from telebank.commands.say import canonical
from transactions.card import CardNumber
from transactions.money import Money
from voice_prompts import speak_en, speak_zh
from voice_prompts.readings import KINDS, LANGUAGES, read, units
from voice_prompts.values import Reading, ReadingError

ROWS: list[dict[str, Any]] = json.loads((Path(__file__).parent / "readings.json").read_text())
VARIANTS = {"formal": "money_formal", "weekday": "weekday", "no_yao": "digits_plain"}
CASES = [
    (*canonical(row["kind"], row["value"]), language, row[language])
    for row in ROWS
    for language in LANGUAGES
] + [
    (kind, canonical(row["kind"], row["value"])[1], language, row[f"{language}_{variant}"])
    for row in ROWS
    for variant, kind in VARIANTS.items()
    for language in LANGUAGES
    if f"{language}_{variant}" in row
]


@pytest.mark.parametrize(("kind", "value", "language", "text"), CASES)
def test_given_readings(kind: str, value: str, language: str, text: str) -> None:
    assert read(kind, value, language).text == text


@given(st.integers(0, 10**16 - 1) | st.integers(0, 10**6))
def test_mandarin_integers_agree_with_cn2an(value: int) -> None:
    expected = cn2an.an2cn(value, "low")
    if value > 10**8 and not value // 10**4 % 10**4 and value % 10**4 >= 1000:
        # cn2an is silent where the whole group of 万 is skipped; our rule says one 零.
        head, _, tail = expected.rpartition("亿")
        expected = f"{head}亿零{tail}"
    assert speak_zh.whole(value) == expected


@given(st.integers(0, 10**16 - 1) | st.integers(0, 10**6))
def test_english_integers_agree_with_num2words(value: int) -> None:
    expected = num2words(value).replace(",", "").replace(" and ", " ")
    assert speak_en.whole(value) == expected


@given(st.integers(1, 9999))
def test_english_ordinals_agree_with_num2words(rank: int) -> None:
    expected = num2words(rank, to="ordinal").replace(",", "").replace(" and ", " ")
    assert speak_en.ordinal_text(rank) == expected


def spoken(reading: Reading, language: str) -> str:
    if language == "zh":
        return "".join(reading.units)
    return " ".join(reading.units)


AMOUNTS = st.builds(
    lambda minor, code: Money.parse(minor if code != "JPY" else str(int(Decimal(minor))), code),
    st.decimals(-(10**9), 10**9, places=2).map(str),
    st.sampled_from(sorted(speak_zh.MAJOR)),
)
VALUES = (
    st.tuples(st.just("money"), AMOUNTS)
    | st.tuples(st.just("number"), st.integers(-(10**16) + 1, 10**16 - 1))
    | st.tuples(st.just("rate"), st.decimals(0, 10**5, places=4))
    | st.tuples(st.just("percent"), st.decimals(-100, 100, places=2))
    | st.tuples(st.just("date"), st.dates())
    | st.tuples(st.just("time"), st.times())
    | st.tuples(st.just("weekday"), st.dates())
    | st.tuples(st.just("ordinal"), st.integers(1, 9999))
    | st.tuples(st.just("digits"), st.from_regex(r"\A[0-9]{1,32}\Z"))
    | st.tuples(
        st.sampled_from([kind for kind in KINDS if kind.startswith("count:")]),
        st.integers(0, 9_999_999),
    )
)


@given(VALUES, st.sampled_from(LANGUAGES))
def test_every_reading_is_said_by_recorded_units(
    kind_value: tuple[str, object], language: str
) -> None:
    kind, value = kind_value
    reading = read(kind, value, language)
    assert set(reading.units) <= units(language)
    text = reading.text if language == "zh" else reading.text.replace(",", "").replace("-", " ")
    assert spoken(reading, language) == text


@pytest.mark.parametrize(
    ("value", "zh", "en"),
    [
        ("0", "零元", "zero yuan"),
        ("-0.05", "负五分", "minus five fen"),
        ("0.00 GBP", "零英镑", "zero pounds"),
        ("0.01 GBP", "一便士", "one penny"),
        ("JPY 100000", "十万日元", "one hundred thousand yen"),
        ("20000003", "二千万零三元", "twenty million three yuan"),
        (Money.parse("1.00", "USD"), "一美元", "one U.S. dollar"),
        ("1.50 CAD", "一加拿大元五十分", "one Canadian dollar and fifty cents"),
        ("CAD 230", "二百三十加拿大元", "two hundred thirty Canadian dollars"),
        ("12.01 CHF", "十二瑞士法郎零一生丁", "twelve Swiss francs and one centime"),
        ("CHF 0.20", "二十生丁", "twenty centimes"),
    ],
)
def test_money_at_its_edges(value: object, zh: str, en: str) -> None:
    assert (read("money", value, "zh").text, read("money", value, "en").text) == (zh, en)


@pytest.mark.parametrize("value", ["-12.50 CNY", "12.50 CNY"])
def test_the_size_of_an_amount_has_no_sign(value: str) -> None:
    assert read("money_size", value, "zh").text == "十二元五角"
    assert read("money_size", value, "en").text == "twelve yuan and fifty fen"
    assert read("money", "-12.50 CNY", "zh").text == "负十二元五角"


def test_digits_are_grouped() -> None:
    assert read("digits", "6227001234567890", "zh").gaps == ((60, 60, 60, 250) * 4)[:-1]
    assert read("digits", "13911112222", "en").gaps == (60, 60, 250, 60, 60, 60, 250, 60, 60, 60)
    assert read("digits", "12 345", "zh").gaps == (60, 250, 60, 60)


def test_tail_of_a_masked_card() -> None:
    assert read("tail", "622700******1234", "zh").text == "幺二三四"
    assert read("tail", CardNumber("6227001234567894"), "zh").text == "七八九四"
    assert read("tail", "6227001234561234", "en").text == "one two three four"


def test_typed_values() -> None:
    assert read("date", date(2026, 11, 22), "zh").text == "二零二六年十一月二十二日"
    assert read("time", time(14, 2), "zh").text == "十四点零二分"
    assert read("time", time(2, 0), "zh").text == "两点整"
    assert read("percent", Decimal("3.850"), "zh").text == "百分之三点八五"
    assert read("percent", Decimal("10"), "en").text == "ten percent"


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        ("money", "12.345"),
        ("money", "1 KWD"),
        ("money", "1 XYZ"),
        ("money", "CNY 1 CNY"),
        ("number", "1e5"),
        ("number", 0.1),
        ("number", True),
        ("number", "12345678901234567"),
        ("digits", "12a"),
        ("digits", "1" * 33),
        ("tail", "62*"),
        ("date", "2026-02-30"),
        ("time", "25:00"),
        ("count:day", "-1"),
        ("count:day", "1.5"),
        ("count:year", "10000000"),
        ("ordinal", "0"),
        ("count:cow", "1"),
        ("shout", "1"),
    ],
)
@pytest.mark.parametrize("language", LANGUAGES)
def test_what_has_no_reading(kind: str, value: object, language: str) -> None:
    with pytest.raises(ReadingError):
        read(kind, value, language)


def test_no_third_language() -> None:
    with pytest.raises(ReadingError, match="zh, en"):
        read("number", 1, "fr")
