"""Lists for people: a table where it fits the terminal, else one line a row that nothing cuts.

Ids and numbers are copied and typed again, so they are never wrapped, neither on a narrow terminal
nor where the list goes through a pipe.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import IO

import click
from rich.cells import cell_len, set_cell_size
from rich.console import Console
from rich.table import Table
from rich.text import Text

GAP = "  "
LEAST = 12
"""Cells that a column which gives way needs at least, to be worth reading."""


@dataclass(frozen=True, slots=True)
class Column:
    """A heading; `gives` way on a narrow terminal: prose, never an id or a number."""

    name: str
    gives: bool = False


def terminal_width(console: Console) -> int | None:
    """Cells of a line of the terminal; None where it is none (a pipe, a file)."""
    stream: IO[str] = console.file
    return console.width if stream.isatty() else None


def show(columns: Sequence[Column], rows: Sequence[Sequence[str]]) -> None:
    """Print a row for each; cells are one line."""
    plain = [[Text(cell).plain for cell in row] for row in rows]
    widths = [
        max(cell_len(column.name), *(cell_len(row[at]) for row in plain), 0)
        for at, column in enumerate(columns)
    ]
    console = Console()
    room = terminal_width(console)
    needed = sum(
        min(width, LEAST) if column.gives else width
        for column, width in zip(columns, widths, strict=True)
    )
    if room is None or needed + len(columns) - 1 > room:
        for row in [[column.name for column in columns], *plain]:
            cells = (set_cell_size(cell, width) for cell, width in zip(row, widths, strict=True))
            click.echo(GAP.join(cells).rstrip())
        return
    console.print(_table(columns, plain, widths))


def _table(
    columns: Sequence[Column], rows: Sequence[Sequence[str]], widths: Sequence[int]
) -> Table:
    table = Table(box=None, padding=(0, 1, 0, 0), pad_edge=False, header_style="bold")
    for column, width in zip(columns, widths, strict=True):
        least = min(width, LEAST) if column.gives else width
        table.add_column(column.name, no_wrap=not column.gives, overflow="fold", min_width=least)
    for row in rows:
        table.add_row(*map(Text, row))
    return table
