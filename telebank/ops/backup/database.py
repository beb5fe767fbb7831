"""A copy of the SQLite database as it was at one moment, while a node writes on."""

import os
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Final

from telebank.ops.backup.manifest import BackupError, Damaged

PAGES: Final = 2_000
"""Copied at a time, 8 MB of the usual pages."""
BUSY_S: Final = 10.0
FILE_MODE = 0o600

Moved = Callable[[int], None]
"""Told of so many bytes more."""


def copy(source: Path, target: Path, moved: Moved) -> None:
    """Make `target`, new. Raises `BackupError` where the database cannot be read."""
    os.close(os.open(target, os.O_CREAT | os.O_EXCL | os.O_WRONLY, FILE_MODE))
    try:
        with (
            closing(sqlite3.connect(f"file:{_quoted(source)}?mode=ro", uri=True)) as live,
            closing(sqlite3.connect(target)) as copied,
        ):
            live.execute(f"PRAGMA busy_timeout={BUSY_S * 1_000:.0f}")
            (size,) = live.execute("PRAGMA page_size").fetchone()
            # One read transaction from beginning to end: all pages are of one moment, and the
            # copying never begins anew because the node writes.
            live.execute("BEGIN")
            live.execute("SELECT count(*) FROM sqlite_schema").fetchone()
            done = 0

            def progress(status: int, left: int, total: int) -> None:
                nonlocal done
                moved((total - left - done) * size)
                done = total - left

            live.backup(copied, pages=PAGES, progress=progress)
            # One file, which nothing must lie beside.
            copied.execute("PRAGMA journal_mode=DELETE")
    except sqlite3.Error as error:
        raise BackupError(f"cannot copy {source}: {error}") from error


def revision(path: Path) -> str:
    """The tables' revision; raises `Damaged` where the database is not whole."""
    try:
        with closing(sqlite3.connect(f"file:{_quoted(path)}?mode=ro", uri=True)) as connection:
            (said,) = connection.execute("PRAGMA quick_check(1)").fetchone()
            rows = connection.execute("SELECT version_num FROM alembic_version").fetchall()
    except sqlite3.Error as error:
        raise Damaged(f"{path.name} is no whole database of a node: {error}") from error
    if said != "ok" or len(rows) != 1:
        raise Damaged(f"{path.name} is no whole database of a node: {said}")
    return str(rows[0][0])


def _quoted(path: Path) -> str:
    return path.absolute().as_uri().removeprefix("file://")
