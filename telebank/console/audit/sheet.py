"""What was found as a sheet: CSV of RFC 4180 in UTF-8 with a mark, so that spreadsheets read it."""

import csv
import io
from collections.abc import Iterable, Mapping

MARK = "\ufeff"
"""Tells spreadsheets that it is UTF-8."""
_FORMULAS = ("=", "+", "-", "@", "\t", "\r")
"""How a cell begins that a spreadsheet may compute (OWASP, CSV injection)."""


def sheet(head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    """All of it; what a spreadsheet would compute is made text by an apostrophe before it."""
    out = io.StringIO()
    writer = csv.writer(out, quoting=csv.QUOTE_ALL)
    writer.writerow(map(cell, head))
    for row in rows:
        writer.writerow(map(cell, row))
    return MARK + out.getvalue()


def cell(text: str) -> str:
    """One cell; also one with blanks before such a sign, which some programs pass over."""
    return f"'{text}" if text.lstrip(" \u3000").startswith(_FORMULAS) else text


def lines(rows: Iterable[Mapping[str, str]], columns: Iterable[str]) -> Iterable[list[str]]:
    """Rows by the names of columns."""
    names = list(columns)
    return ([row[name] for name in names] for row in rows)
