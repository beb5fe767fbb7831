"""Engines: the writer's own, and read-only ones for everybody else."""

import os
from pathlib import Path
from sqlite3 import Connection as SqliteConnection
from typing import Any

from sqlalchemy import Engine, create_engine, event, inspect, make_url
from sqlalchemy.engine import URL
from sqlalchemy.exc import OperationalError
from sqlalchemy.pool import NullPool

from telebank.store.errors import StoreMissing
from telebank.store.options import StoreOptions

FILE_MODE = 0o600
DIRECTORY_MODE = 0o700


def database_url(data: Path) -> str:
    """The default store of a data directory: `DATA/telebank.db`."""
    return f"sqlite:///{data.absolute() / 'telebank.db'}"


def is_sqlite(url: str) -> bool:
    """Whether the store is an SQLite file."""
    return make_url(url).get_backend_name() == "sqlite"


def _path(url: URL) -> Path:
    if not url.database or url.database == ":memory:":
        raise ValueError("the store must be a file: sqlite:///path/to/telebank.db")
    return Path(url.database)


def make_file(url: str) -> None:
    """Make the SQLite file with mode 0600 (its WAL takes the same) and its folder, if absent."""
    if not is_sqlite(url):
        return
    path = _path(make_url(url))
    path.parent.mkdir(mode=DIRECTORY_MODE, parents=True, exist_ok=True)
    os.close(os.open(path, os.O_CREAT | os.O_RDWR, FILE_MODE))


def open_writer(url: str, options: StoreOptions, *, foreign_keys: bool = True) -> Engine:
    """An engine of one connection for the writer; every transaction begins with the write lock.

    Migrations turn foreign keys off, because they may make a table anew.
    """
    if not is_sqlite(url):
        return create_engine(url, poolclass=NullPool)
    engine = create_engine(url, poolclass=NullPool, connect_args={"check_same_thread": False})

    @event.listens_for(engine, "connect")
    def _prepare(connection: SqliteConnection, record: Any) -> None:
        connection.isolation_level = None
        connection.execute(f"PRAGMA busy_timeout={options.busy_timeout_ms:d}")
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=FULL")
        connection.execute(f"PRAGMA foreign_keys={foreign_keys:d}")
        if options.max_bytes is not None:
            (page,) = connection.execute("PRAGMA page_size").fetchone()
            connection.execute(f"PRAGMA max_page_count={options.max_bytes // page:d}")

    @event.listens_for(engine, "begin")
    def _begin(connection: Any) -> None:
        connection.exec_driver_sql("BEGIN IMMEDIATE")

    return engine


def open_read_only(url: str) -> Engine:
    """An engine that cannot write, for the console and the command line.

    Raises `StoreMissing` where there is no database or it has no tables yet.
    """
    engine = _sqlite_reader(url) if is_sqlite(url) else _server_reader(url)
    try:
        with engine.connect() as connection:
            found = inspect(connection).has_table("event")
    except OperationalError as error:
        raise StoreMissing(f"cannot open the database: {error.orig}") from error
    if not found:
        raise StoreMissing(f"{make_url(url).database} has no tables yet: start the node once")
    return engine


def _sqlite_reader(url: str) -> Engine:
    path = _path(make_url(url))
    if not path.is_file():
        raise StoreMissing(f"there is no database at {path}: start the node once, or give --data")
    engine = create_engine(
        f"sqlite:///file:{path.absolute()}?mode=ro&uri=true",
        connect_args={"check_same_thread": False},
    )

    @event.listens_for(engine, "connect")
    def _prepare(connection: SqliteConnection, record: Any) -> None:
        connection.execute("PRAGMA busy_timeout=2000")
        connection.execute("PRAGMA query_only=ON")

    return engine


def _server_reader(url: str) -> Engine:
    return create_engine(url, execution_options={"postgresql_readonly": True})
