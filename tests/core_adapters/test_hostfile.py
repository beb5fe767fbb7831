"""The host's daily file: forms that profiles describe, rows and files that make no sense."""

import csv
import json
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from core_adapters.hostfile import FileLimits, read_host_file
from core_adapters.hostfile_form import COLUMNS, KEYS, HostFileError, read_form
from core_adapters.iso8583.profile_load import load_profile
from transactions.money import CURRENCIES
from transactions.reconcile_values import HostRow, UnreadableRow

CONFIG = Path(__file__).resolve().parents[2] / "config" / "hosts"
DAY = date(2026, 11, 22)
NAMES = (
    *("reference", "stan", "field7", "terminal", "service"),
    *("amount", "fee", "currency", "business_date", "status"),
)
SECTION: Mapping[str, Any] = {
    "columns": {name: name for name in NAMES},
    "status": {"posted": "posted", "reversed": "reversed"},
}
GOOD = "010000000001,000001,1122010203,TB010001,420000,12345,200,CNY,2026-11-22,posted"
ROW = HostRow(
    *("010000000001", 12_345, "CNY", "posted", DAY, 200),
    *("000001", "1122010203", "TB010001", "420000", 2),
)


def write(path: Path, *lines: str, encoding: str = "utf-8") -> Path:
    path.write_bytes("\n".join([*lines, ""]).encode(encoding))
    return path


def read(path: Path, section: Mapping[str, Any] = SECTION, **limits: int) -> list[Any]:
    return list(read_host_file(path, section, FileLimits(**limits)))


def test_the_shipped_profile(tmp_path: Path) -> None:
    section = load_profile(CONFIG / "tb87.yaml").host_file
    assert section is not None
    file = write(tmp_path / "day.csv", ",".join(NAMES), GOOD)
    assert read(file, section) == [ROW]


def test_byte_order_mark_quotes_and_line_ends(tmp_path: Path) -> None:
    file = tmp_path / "day.csv"
    head = ",".join(f'"{name}"' for name in NAMES)
    file.write_bytes(f"\ufeff{head}\r\n{GOOD}\r\n\r\n".encode())
    assert read(file) == [ROW]


def test_other_words_decimals_dates_and_chinese(tmp_path: Path) -> None:
    section = {
        "encoding": "gb18030",
        "delimiter": "|",
        "skip": 1,
        "ignore": ["T|"],
        "columns": {
            "reference": "流水号",
            "amount": "金额",
            "business_date": "日期",
            "status": "状态",
        },
        "status": {"成功": "posted", "冲正": "reversed"},
        "amount": "decimal",
        "date": "YYYYMMDD",
        "currency": "CNY",
    }
    lines = ("某某银行日终文件", "日期|流水号|金额|状态|备注")
    rows = ("20261122|010000000001|123.45|成功|龘", "20261122|010000000002|6|冲正|", "T|2|129.45|")
    file = write(tmp_path / "day.txt", *lines, *rows, encoding="gb18030")
    assert read(file, section) == [
        HostRow("010000000001", 12_345, "CNY", "posted", DAY, line=3),
        HostRow("010000000002", 600, "CNY", "reversed", DAY, line=4),
    ]


def test_columns_by_number(tmp_path: Path) -> None:
    section = {
        "header": False,
        "columns": {"reference": 2, "amount": 3, "currency": 4, "business_date": 1, "status": 5},
        "status": {"P": "posted"},
    }
    file = write(tmp_path / "day.csv", "2026-11-22,010000000001,00000012345,156,P")
    assert read(file, section) == [HostRow("010000000001", 12_345, "CNY", "posted", DAY, line=1)]


def test_positions(tmp_path: Path) -> None:
    section = {
        "format": "positions",
        "columns": {
            "reference": [1, 12],
            "amount": [13, 12],
            "business_date": [25, 8],
            "status": [33, 1],
        },
        "status": {"P": "posted", "R": "reversed"},
        "date": "YYYYMMDD",
        "currency": "JPY",
    }
    file = write(tmp_path / "day.txt", "01000000000100000001234520261122P", "010000000002")
    row, short = read(file, section)
    assert row == HostRow("010000000001", 12_345, "JPY", "posted", DAY, line=1)
    assert short == UnreadableRow(2, "", "fewer columns than it must have")


@pytest.mark.parametrize(
    ("column", "value", "why"),
    [
        ("amount", "12.50", "is no amount"),
        ("amount", "-1", "is no amount"),
        ("amount", "", "is no amount"),
        ("amount", "٣", "is no amount"),
        ("amount", "1000000000000", "is no amount"),
        ("fee", "x", "is no amount"),
        ("currency", "RMB", "is no currency"),
        ("business_date", "2026-02-30", "is no YYYY-MM-DD"),
        ("business_date", "22.11.2026", "is no YYYY-MM-DD"),
        ("status", "done", "is no word of host_file.status"),
        ("reference", "", "is empty or too long"),
        ("reference", "9" * 65, "is empty or too long"),
        ("reference", "01\x000000", "is not utf-8"),
    ],
)
def test_a_row_that_makes_no_sense(tmp_path: Path, column: str, value: str, why: str) -> None:
    values = dict(zip(NAMES, GOOD.split(","), strict=True)) | {column: value}
    file = write(tmp_path / "day.csv", ",".join(NAMES), ",".join(values.values()), GOOD)
    bad, good = read(file)
    assert isinstance(bad, UnreadableRow)
    assert (bad.line, bad.column) == (2, column)
    assert bad.why.startswith(why)
    assert bad.reference == ("010000000001" if column != "reference" else "")
    assert good.reference == "010000000001"


CARD = "6227009000000013"


@pytest.mark.parametrize("text", [CARD, f"{CARD}=2512", "6227 0090 0000 0013", "6227-0090"])
@pytest.mark.parametrize("column", ["amount", "fee", "currency", "business_date", "status"])
@pytest.mark.parametrize("form", ["minor", "decimal"])
def test_a_column_that_makes_no_sense_is_named_and_never_quoted(
    tmp_path: Path, text: str, column: str, form: str
) -> None:
    values = dict(zip(NAMES, GOOD.split(","), strict=True)) | {column: text}
    file = write(tmp_path / "day.csv", ",".join(NAMES), ",".join(values.values()))
    (bad,) = read(file, {**SECTION, "amount": form})
    assert isinstance(bad, UnreadableRow)
    assert (bad.line, bad.column) == (2, column)
    assert not any(sign.isdigit() for sign in bad.why)


def test_a_first_row_taken_for_a_header_is_not_quoted(tmp_path: Path) -> None:
    with pytest.raises(HostFileError) as caught:
        read(write(tmp_path / "day.csv", GOOD.replace("010000000001", CARD)))
    assert CARD not in str(caught.value)
    assert "is not among the 10 words of the header" in str(caught.value)


@pytest.mark.parametrize("text", ["", ".", " . "])
@pytest.mark.parametrize("column", ["amount", "fee"])
def test_no_digits_are_no_amount(tmp_path: Path, text: str, column: str) -> None:
    values = dict(zip(NAMES, GOOD.split(","), strict=True)) | {column: text}
    file = write(tmp_path / "day.csv", ",".join(NAMES), ",".join(values.values()))
    (row,) = read(file, {**SECTION, "amount": "decimal"})
    if column == "fee" and not text:
        assert row.fee is None  # a fee may be left out, an amount may not
    else:
        assert (row.line, row.column, row.why) == (2, column, "has no digits")


def test_a_decimal_without_its_nought(tmp_path: Path) -> None:
    file = write(tmp_path / "day.csv", ",".join(NAMES), GOOD.replace("12345", ".5"))
    (row,) = read(file, {**SECTION, "amount": "decimal"})
    assert row.amount == 50


def test_a_row_of_other_bytes_keeps_its_neighbours(tmp_path: Path) -> None:
    file = tmp_path / "day.csv"
    broken = GOOD.encode().replace(b"TB010001", b"TB\xff\xfe0001")
    file.write_bytes(b"\n".join([",".join(NAMES).encode(), broken, GOOD.encode()]))
    bad, good = read(file)
    assert (bad.line, bad.column, bad.why) == (2, "terminal", "is not utf-8")
    assert good.line == 3


@pytest.mark.parametrize("row", ['"010000000001,1', "010000000001", '"a"b,c'])
def test_a_row_that_is_not_csv(tmp_path: Path, row: str) -> None:
    (bad,) = read(write(tmp_path / "day.csv", ",".join(NAMES), row))
    assert isinstance(bad, UnreadableRow)
    assert (bad.line, bad.column) == (2, "")


def test_limits(tmp_path: Path) -> None:
    file = write(tmp_path / "day.csv", ",".join(NAMES), GOOD, GOOD, GOOD)
    with pytest.raises(HostFileError, match=r"day.csv:4: more than 2 rows"):
        read(file, max_rows=2)
    with pytest.raises(HostFileError, match="at most 100 are read"):
        read(file, max_bytes=100)
    with pytest.raises(HostFileError, match=r"day.csv:1: a line of more than 20 characters"):
        read(file, max_line=20)
    bad = write(tmp_path / "bad.csv", ",".join(NAMES), "x", "y", "z")
    with pytest.raises(HostFileError, match=r"bad.csv:4: more than 2 rows make no sense"):
        read(bad, max_unreadable=2)


def test_a_file_that_is_not_the_profiles(tmp_path: Path) -> None:
    with pytest.raises(HostFileError, match="cannot be read"):
        read(tmp_path / "none.csv")
    with pytest.raises(HostFileError, match="is empty; it needs a header"):
        read(_empty(tmp_path))
    file = write(tmp_path / "day.csv", "a,b,c", GOOD)
    with pytest.raises(
        HostFileError, match=r"day.csv:1: column 'reference' is not among the 3 words"
    ):
        read(file)
    file = write(tmp_path / "day.csv", ",".join([*NAMES, "stan"]), GOOD)
    with pytest.raises(HostFileError, match="column 'stan' is twice among the 11 words"):
        read(file)


def _empty(folder: Path) -> Path:
    path = folder / "nothing.csv"
    path.touch()
    return path


@pytest.mark.parametrize(
    ("change", "key"),
    [
        ({"colour": 1}, "colour"),
        ({"format": "xml"}, "format"),
        ({"encoding": "klingon"}, "encoding"),
        ({"delimiter": "||"}, "delimiter"),
        ({"header": "yes"}, "header"),
        ({"skip": -1}, "skip"),
        ({"ignore": "T"}, "ignore"),
        ({"columns": {}}, "columns"),
        ({"columns": {**SECTION["columns"], "note": "note"}}, "columns.note"),
        ({"columns": {**SECTION["columns"], "stan": 3}}, "columns.stan"),
        ({"columns": {**SECTION["columns"], "stan": [1]}}, "columns.stan"),
        ({"status": {"ok": "done"}}, "status.ok"),
        ({"amount": "cents"}, "amount"),
        ({"date": "YY-MM-DD"}, "date"),
        ({"currency": "RMB"}, "currency"),
        ({"format": "positions"}, "columns.reference"),
    ],
)
def test_a_section_that_cannot_stand(change: Mapping[str, Any], key: str) -> None:
    with pytest.raises(HostFileError, match=f"host_file.{key} of the profile: "):
        read_form({**SECTION, **change})


def test_the_schema_for_editors_agrees() -> None:
    schema = json.loads((CONFIG.parent / "schema" / "host-profile.schema.json").read_text())
    rules = {**schema["properties"]["host_file"], "$defs": schema["$defs"]}
    check = Draft202012Validator(rules)
    shipped = load_profile(CONFIG / "tb87.yaml").host_file
    assert shipped is not None
    assert set(rules["properties"]) == KEYS
    assert set(rules["properties"]["columns"]["properties"]) == COLUMNS
    for section in (SECTION, dict(shipped)):
        assert check.is_valid(section)
    for wrong in ({"colour": 1}, {"columns": {}}, {"status": {"P": "done"}}, {"amount": "cents"}):
        assert not check.is_valid({**SECTION, **wrong})


@given(data=st.binary(max_size=300))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_bytes_give_rows_or_an_error(tmp_path: Path, data: bytes) -> None:
    file = tmp_path / "any.csv"
    file.write_bytes(",".join(NAMES).encode() + b"\n" + data)
    for row in read_host_file(file, SECTION):
        assert isinstance(row, UnreadableRow)


ROWS = st.builds(
    HostRow,
    reference=st.text("0123456789", min_size=1, max_size=12),
    amount=st.integers(0, 999_999_999_999),
    currency=st.sampled_from(sorted(CURRENCIES)),
    status=st.sampled_from(("posted", "reversed")),
    business_date=st.dates(),
    fee=st.none() | st.integers(0, 99_999),
    stan=st.text("0123456789", max_size=6),
    terminal=st.text("AB,\"' 甲", max_size=8).map(str.strip),
)


@given(rows=st.lists(ROWS, max_size=5))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_round_trip(tmp_path: Path, rows: list[HostRow]) -> None:
    file = tmp_path / "round.csv"
    with file.open("w", encoding="utf-8", newline="") as out:
        writer = csv.writer(out)
        writer.writerow(NAMES)
        for row in rows:
            fee = "" if row.fee is None else row.fee
            first = (row.reference, row.stan, row.field7, row.terminal, row.service)
            last = (row.currency, row.business_date.isoformat(), row.status)
            writer.writerow((*first, row.amount, fee, *last))
    read_back = read(file)
    assert [(row.reference, row.amount, row.fee, row.terminal) for row in read_back] == [
        (row.reference, row.amount, row.fee, row.terminal) for row in rows
    ]
    assert [row.line for row in read_back] == list(range(2, len(rows) + 2))
