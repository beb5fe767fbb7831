"""A node's database asked in plain SQL beside the node, on SQLite or PostgreSQL alike.

`?` stands for each value. JSON comes as text where it is asked for as such: CAST(detail AS TEXT).
"""

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, Protocol

import psycopg

from telebank.settings import store_url
from telebank.store.engine import is_sqlite, sqlite_path

WAIT_S = 10
Rows = list[tuple[Any, ...]]


class Asking(Protocol):
    """An open connection."""

    def __call__(self, statement: str, *values: object) -> Rows: ...


@contextmanager
def asking(data: Path) -> Iterator[Asking]:
    """Ask the store of a data folder, read only, as often as need be."""
    url = store_url(data)
    connection: Any
    if is_sqlite(url):
        path = sqlite_path(url)
        connection = sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=WAIT_S)
    else:
        connection = psycopg.connect(url.replace("+psycopg", ""), autocommit=True)
        connection.read_only = True

    def ask(statement: str, *values: object) -> Rows:
        if not is_sqlite(url):
            statement = statement.replace("%", "%%").replace("?", "%s")
        rows: Rows = connection.execute(statement, values).fetchall()
        return rows

    with closing(connection):
        yield ask


def ask_once(data: Path, statement: str, *values: object) -> Sequence[tuple[Any, ...]]:
    """One question to the store of a data folder."""
    with asking(data) as ask:
        return ask(statement, *values)
