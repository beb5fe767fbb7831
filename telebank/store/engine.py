"""Engines: the writer's own, and read-only ones for everybody else."""

import os
from pathlib import Path
from sqlite3 import Connection as SqliteConnection
from typing import Any

from sqlalchemy import Engine, create_engine, event, inspect, make_url
from sqlalchemy.engine import URL
from sqlalchemy.exc import ArgumentError, OperationalError
from sqlalchemy.pool import NullPool

from telebank.store.errors import KeyFileError, StoreMissing, said
from telebank.store.options import StoreOptions
from telebank.store.postgresql import open_server, open_server_reader

FILE_MODE = 0o600
DIRECTORY_MODE = 0o700
MAX_PASSWORD_BYTES = 1_000


def database_url(data: Path) -> str:
    """The default store of a data directory: `DATA/telebank.db`."""
    return f"sqlite:///{data.absolute() / 'telebank.db'}"


def configured_url(data: Path, options: StoreOptions) -> str:
    """The store that the settings name, with its password where a file holds it: not for print.

    Raises `KeyFileError` for a password file that is missing or open to others, `ValueError` for
    what is no URL.
    """
    if not options.url:
        return database_url(data)
    try:
        url = make_url(options.url)
    except (ArgumentError, ValueError):
        raise ValueError(
            "store.url cannot be read: give postgresql+psycopg://user@host:5432/database"
        ) from None  # which quotes it
    if "password" in url.query:
        raise ValueError("store.url has a password in its query: give store.password_file")
    if url.get_backend_name() != "sqlite" and not url.database:
        raise ValueError("store.url names no database: postgresql+psycopg://user@host/database")
    if options.password_file:
        url = url.set(password=_password(data / options.password_file))
    return url.render_as_string(hide_password=False)


def masked_url(url: str) -> str:
    """A store's URL with its password as stars, for people."""
    try:
        found = make_url(url) if url else None
    except (ArgumentError, ValueError):
        return "***"
    if found is None:
        return ""
    return found.difference_update_query(["password"]).render_as_string(hide_password=True)


def _password(path: Path) -> str:
    try:
        if path.stat().st_mode & 0o077:
            raise KeyFileError(f"{path} can be read by others: chmod 600 {path}")
        with path.open(encoding="utf-8") as file:
            return file.read(MAX_PASSWORD_BYTES).strip()
    except (OSError, UnicodeDecodeError) as error:
        why = getattr(error, "strerror", None) or "not text"
        raise KeyFileError(
            f"{path}, the database's password (store.password_file): {why}"
        ) from error


def is_sqlite(url: str) -> bool:
    """Whether the store is an SQLite file."""
    return make_url(url).get_backend_name() == "sqlite"


def sqlite_path(url: str) -> Path:
    """The file of an SQLite store."""
    return _path(make_url(url))


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
        return open_server(url, options, bounded=foreign_keys)
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


def open_read_only(url: str, options: StoreOptions | None = None) -> Engine:
    """An engine that cannot write, for the console and the command line.

    Raises `StoreMissing` where there is no database or it has no tables yet.
    """
    if is_sqlite(url):
        engine = _sqlite_reader(url)
    else:
        engine = open_server_reader(url, options or StoreOptions())
    try:
        with engine.connect() as connection:
            found = inspect(connection).has_table("event")
    except OperationalError as error:
        engine.dispose()
        raise StoreMissing(f"cannot open the database: {said(error)}") from error
    if not found:
        engine.dispose()
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
