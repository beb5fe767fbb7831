"""Sheets for spreadsheets: whatever is in a cell, nothing of it is computed."""

import csv
import io

import pytest

from telebank.console.audit.sheet import MARK, cell, lines, sheet


@pytest.mark.parametrize(
    "text", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", " =1", "\u3000@x", "=\u202e", "  -2"]
)
def test_what_would_be_computed_is_text(text: str) -> None:
    assert cell(text) == f"'{text}"


@pytest.mark.parametrize("text", ["", "100.00 CNY", "*三", "a=b", "01-4711", 'say "no", twice'])
def test_other_words_stay(text: str) -> None:
    assert cell(text) == text


def test_a_sheet_can_be_read_back() -> None:
    rows = [{"a": "=cmd", "b": 'x,"y"\nz'}, {"a": "三", "b": ""}]
    made = sheet(["A", "B"], lines(rows, ["a", "b"]))
    assert made.startswith(MARK)
    read = list(csv.reader(io.StringIO(made.removeprefix(MARK), newline="")))
    assert read == [["A", "B"], ["'=cmd", 'x,"y"\nz'], ["三", ""]]
