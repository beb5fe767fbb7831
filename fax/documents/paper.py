"""What stands on a document, ready to be set: strings alone, formatted and masked."""

from dataclasses import dataclass
from typing import Literal

from fax.words import Language

Align = Literal["left", "right"]

TEXT_MM = 174.0
"""Width of the text, in millimetres."""
MAX_FACTS = 40
MAX_TABLES = 8
MAX_ROWS = 2000
"""Rows of all tables of one paper."""
MAX_COLUMNS = 8
MAX_CELL = 400
"""Longest text of a cell, a fact or a title, in characters."""
MAX_NOTE = 4000
"""Longest note, in characters."""


class PaperError(ValueError):
    """A paper that cannot be set; the message says what to change."""


@dataclass(frozen=True, slots=True)
class Table:
    """Rows under a head that every page repeats."""

    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    widths: tuple[float, ...]
    """Of the columns, in millimetres; together at most the text's width (`TEXT_MM`)."""
    align: tuple[Align, ...]
    title: str = ""
    totals: tuple[tuple[str, ...], ...] = ()
    """Rows after the last, always on the page of the rows that they follow."""
    closing: str = ""
    """A line behind the table: how many rows there were, and that there are no more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Paper:
    """One document in one language."""

    kind: str
    """Name of the kind of document, or a word for a paper of none: for file names and logs."""
    title: str
    language: Language
    bank: str
    """Name at the top; empty: a general one."""
    reference: str
    """What a customer quotes when he asks about the paper."""
    made_at: str
    """Date and time on the bank's wall clock, as printed."""
    facts: tuple[tuple[str, str], ...] = ()
    """Labels with their values, above the tables."""
    tables: tuple[Table, ...] = ()
    note: str = ""
    """What stands under everything; a line break begins a new paragraph."""

    def check(self) -> None:
        """Raise `PaperError` where the paper is larger than can be set, or has uneven rows."""
        rows = sum(len(table.rows) + len(table.totals) for table in self.tables)
        if rows > MAX_ROWS:
            raise PaperError(f"{rows} rows are too many for one paper: give at most {MAX_ROWS}")
        if len(self.facts) > MAX_FACTS or len(self.tables) > MAX_TABLES:
            raise PaperError(f"give at most {MAX_FACTS} facts and {MAX_TABLES} tables")
        if len(self.note) > MAX_NOTE:
            raise PaperError(f"the note is too long: keep it under {MAX_NOTE} characters")
        lines = [(self.title, self.bank, self.reference, self.made_at), *self.facts]
        for table in self.tables:
            lines += [(table.title, table.closing), *_even(table)]
        if any(len(text) > MAX_CELL for line in lines for text in line):
            raise PaperError(f"a text is too long: keep each under {MAX_CELL} characters")


def _even(table: Table) -> tuple[tuple[str, ...], ...]:
    """All lines of a table; raises `PaperError` where they are not of one length."""
    count = len(table.head)
    lines = (table.head, *table.rows, *table.totals)
    if not 0 < count <= MAX_COLUMNS:
        raise PaperError(f"a table has 1 to {MAX_COLUMNS} columns")
    if {len(table.widths), len(table.align), *map(len, lines)} != {count}:
        raise PaperError("head, rows, totals, widths and align of a table are of one length")
    if min(table.widths) <= 0:
        raise PaperError("the width of a column is a positive number of millimetres")
    return lines
