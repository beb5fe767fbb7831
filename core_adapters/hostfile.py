"""Reads the host's daily file by section `host_file` of its profile.

Values with a delimiter, or lines with positions. Rows stream: one is in memory at a time. A row
that makes no sense is given as an `UnreadableRow` with line and column, so that nothing is lost; a
file that as a whole is not what the profile says is a `HostFileError`. Neither quotes the file: a
column that is shifted holds a card number.
"""

import csv
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any, TextIO

from core_adapters.hostfile_form import FileForm, HostFileError, read_form
from transactions.money import MoneyError, currency
from transactions.reconcile_values import HostRow, UnreadableRow

MAX_COLUMNS = 200
MAX_TEXT = 64
"""Longest value kept of a row, in characters."""
MAX_DIGITS = 12
"""Digits of an amount in minor units (field 4)."""
_NOT_TEXT = re.compile(r"[\x00-\x1f\x7f\ud800-\udfff]")
Spot = int | tuple[int, int]
"""Index of a column, or index of its first character and its length."""


@dataclass(frozen=True, slots=True)
class FileLimits:
    """What is read of a file at most."""

    max_bytes: int = 1_000_000_000
    """Largest file, in bytes."""
    max_line: int = 4_096
    """Longest line, in characters."""
    max_rows: int = 5_000_000
    """Rows."""
    max_unreadable: int = 1_000
    """Rows that make no sense; with more the section does not fit the file."""


def read_host_file(
    path: Path, section: Mapping[str, Any], limits: FileLimits | None = None
) -> Iterator[HostRow | UnreadableRow]:
    """Rows of the file, one at a time; raises `HostFileError` where the file cannot be used."""
    form, limits = read_form(section), limits or FileLimits()
    try:
        size = path.stat().st_size
        if size > limits.max_bytes:
            raise HostFileError(f"{path}: {size} bytes; at most {limits.max_bytes} are read")
        encoding = "utf-8-sig" if form.encoding == "utf-8" else form.encoding
        with path.open(encoding=encoding, errors="surrogateescape", newline="") as file:
            yield from _Reader(path, form, limits).rows(file)
    except OSError as error:
        raise HostFileError(f"{path}: cannot be read ({error.strerror})") from error


class _Reader:
    """One pass over one file."""

    def __init__(self, path: Path, form: FileForm, limits: FileLimits) -> None:
        self._path, self._form, self._limits = path, form, limits
        self._date = _date_pattern(form.date)
        self._line = 0
        self._places: Mapping[str, Spot] = {}
        self._unreadable = 0

    def rows(self, file: TextIO) -> Iterator[HostRow | UnreadableRow]:
        lines = self._lines(file)
        for _ in range(self._form.skip):
            next(lines, None)
        self._places = self._find_columns(lines)
        count = 0
        for line in lines:
            if not line.strip() or line.startswith(self._form.ignore):
                continue
            count += 1
            if count > self._limits.max_rows:
                raise self._error(f"more than {self._limits.max_rows} rows")
            row = self._row(line)
            if isinstance(row, UnreadableRow):
                self._count_unreadable(row)
            yield row

    def _lines(self, file: TextIO) -> Iterator[str]:
        """Lines without their ends; one that is too long ends the reading, for its row is not."""
        most = self._limits.max_line
        while text := file.readline(most + 2):
            self._line += 1
            line = text.rstrip("\r\n")
            if len(line) > most:
                raise self._error(f"a line of more than {most} characters")
            yield line

    def _find_columns(self, lines: Iterator[str]) -> Mapping[str, Spot]:
        form = self._form
        if form.format == "positions":
            return {
                name: (place[0] - 1, place[1])
                for name, place in form.columns.items()
                if isinstance(place, tuple)
            }
        if not form.header:
            return {name: int(str(place)) - 1 for name, place in form.columns.items()}
        head = next(lines, None)
        if head is None:
            raise self._error("is empty; it needs a header line")
        names = [name.strip() for name in self._split(head)]
        return {ours: self._column(names, str(theirs)) for ours, theirs in form.columns.items()}

    def _column(self, names: Sequence[str], wanted: str) -> int:
        if names.count(wanted) != 1:
            # Never what stands there: a file without a header begins with a customer's row.
            how = "twice" if wanted in names else "not"
            raise self._error(
                f"column {wanted!r} is {how} among the {len(names)} words of the header; "
                "mend host_file.columns, or host_file.header"
            )
        return names.index(wanted)

    def _split(self, line: str) -> list[str]:
        values = next(csv.reader([line], delimiter=self._form.delimiter, strict=True), [])
        if len(values) > MAX_COLUMNS:
            raise self._error(f"more than {MAX_COLUMNS} columns")
        return values

    def _row(self, line: str) -> HostRow | UnreadableRow:
        try:
            values = self._values(line)
        except (csv.Error, IndexError) as error:
            why = str(error) if isinstance(error, csv.Error) else "fewer columns than it must have"
            return UnreadableRow(self._line, "", why)
        if _NOT_TEXT.search("".join(values.values())):
            broken = next(name for name, value in values.items() if _NOT_TEXT.search(value))
            return UnreadableRow(self._line, broken, f"is not {self._form.encoding}")
        reference = values["reference"]
        if not 0 < len(reference) <= MAX_TEXT:
            return UnreadableRow(self._line, "reference", "is empty or too long")
        try:
            return self._build(values, reference)
        except _Bad as bad:
            return UnreadableRow(self._line, bad.column, bad.why, reference)

    def _values(self, line: str) -> dict[str, str]:
        if self._form.format == "positions":
            found = {}
            for name, place in self._places.items():
                assert isinstance(place, tuple)
                if len(line) < place[0] + place[1]:
                    raise IndexError
                found[name] = line[place[0] : place[0] + place[1]].strip()
            return found
        cells = self._split(line)
        return {
            name: cells[place].strip()
            for name, place in self._places.items()
            if isinstance(place, int)
        }

    def _build(self, values: Mapping[str, str], reference: str) -> HostRow:
        form = self._form
        code = _currency(values.get("currency") or form.currency)
        amount = _amount("amount", values["amount"], code, form.amount)
        fee = values.get("fee", "")
        word = values["status"]
        if word not in form.status:
            raise _Bad("status", "is no word of host_file.status")
        return HostRow(
            reference=reference,
            amount=amount,
            currency=code,
            status=form.status[word],
            business_date=_day(values["business_date"], self._date, form.date),
            fee=_amount("fee", fee, code, form.amount) if fee else None,
            stan=values.get("stan", "")[:MAX_TEXT],
            field7=values.get("field7", "")[:MAX_TEXT],
            terminal=values.get("terminal", "")[:MAX_TEXT],
            service=values.get("service", "")[:MAX_TEXT],
            line=self._line,
        )

    def _count_unreadable(self, row: UnreadableRow) -> None:
        self._unreadable += 1
        if self._unreadable > self._limits.max_unreadable:
            column = f", column {row.column}" if row.column else ""
            raise self._error(
                f"more than {self._limits.max_unreadable} rows make no sense, the last for: "
                f"{row.why}{column}; does host_file of the profile describe this file?"
            )

    def _error(self, why: str) -> HostFileError:
        return HostFileError(f"{self._path}:{self._line}: {why}")


class _Bad(Exception):  # noqa: N818 - a value on its way up
    """A column that makes no sense; `why` never quotes it."""

    def __init__(self, column: str, why: str) -> None:
        super().__init__(why)
        self.column, self.why = column, why


def _currency(text: str) -> str:
    try:
        return currency(text).code
    except MoneyError:
        raise _Bad("currency", "is no currency known here") from None


def _amount(column: str, text: str, code: str, form: str) -> int:
    digits = currency(code).exponent
    if form == "decimal":
        whole, _, part = text.partition(".")
        if len(part) > digits:
            raise _Bad(column, f"has more decimals than {code} has")
        if not (whole or part):
            raise _Bad(column, "has no digits")
        text = whole + part.ljust(digits, "0")
    if not (text.isascii() and text.isdigit()) or len(text.lstrip("0")) > MAX_DIGITS:
        raise _Bad(column, "is no amount of at most twelve digits")
    return int(text)


def _date_pattern(form: str) -> re.Pattern[str]:
    """`YYYY-MM-DD` as a pattern with groups y, m and d."""
    text = re.escape(form).replace("YYYY", "(?P<y>[0-9]{4})")
    return re.compile(text.replace("MM", "(?P<m>[0-9]{2})").replace("DD", "(?P<d>[0-9]{2})"))


def _day(text: str, pattern: re.Pattern[str], form: str) -> date:
    found = pattern.fullmatch(text)
    try:
        if found is not None:
            return date(int(found["y"]), int(found["m"]), int(found["d"]))
    except ValueError:
        pass  # the 31st of June
    raise _Bad("business_date", f"is no {form}")
