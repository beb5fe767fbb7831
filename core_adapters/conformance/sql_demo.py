"""Databases that the kit makes itself of the shipped stubs: a SQLite file, a private PostgreSQL."""

import contextlib
import os
import pwd
import shutil
import sqlite3
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from core_adapters.conformance.people import People, Person
from core_adapters.conformance.sql_bench import NO_WIRE, Database
from core_adapters.sql.odbc import pyodbc
from core_adapters.sql.stubs import stubs
from transactions.card import CardNumber

SQLITE, POSTGRESQL = "SQLite3", "PostgreSQL Unicode"
OPENING = 1_000_000
"""Fen on each account: 10,000.00."""
LOCK_MS = 250
"""How long a statement waits for a lock, so that a lock ends before the time-out does."""
PG_PORT, START_S = 5432, 60
UNPRIVILEGED = ("postgres", "nobody")
Rows = list[tuple[Any, ...]]


class DemoMissing(Exception):  # noqa: N818 - reads as what it is
    """A driver or program that the demo database needs: which package to install."""


@dataclass(frozen=True, slots=True)
class DemoBank:
    """A database with the test customers, and the owner's view of its books."""

    database: Database
    owner: str
    prefix: str
    dialect: str

    def query(self, text: str, *parameters: object) -> Rows:
        """Rows of a statement of the bank's own; {t} stands for the prefix of its tables."""
        with contextlib.closing(pyodbc.connect(self.owner, autocommit=True)) as connection:
            cursor = connection.execute(text.replace("{t}", self.prefix), *parameters)
            return [tuple(row) for row in cursor.fetchall()] if cursor.description else []

    def seed(self, people: People) -> None:
        """Open an account for each card."""
        with contextlib.closing(pyodbc.connect(self.owner, autocommit=False)) as connection:
            for number, one in enumerate(people.payers):
                self._open(connection, f"P{number}", one, "payer")
            for role, one in people.others.items():
                if role != "unknown":
                    self._open(connection, f"R-{role}", one, role)
            connection.commit()

    def _open(self, connection: Any, account: str, one: Person, role: str) -> None:
        t, held = self.prefix, 0 if role == "poor" else OPENING
        into_account = f"INSERT INTO {t}account VALUES (?, 'CNY', ?, 'true')"  # noqa: S608
        connection.execute(into_account, account, held)
        into_card = f"INSERT INTO {t}card (number, account, holder, identity)"
        row = (one.card.digits, account, "测试客户", one.identity)
        connection.execute(f"{into_card} VALUES (?, ?, ?, ?)", *row)
        pin = "pin = ?" if self.dialect == "sqlite" else f"pin_hash = {t}pin_hash(pin_salt, ?)"
        more = {"hot": ", hot_at = CURRENT_TIMESTAMP", "locked": ", pin_wrong = 3"}.get(role, "")
        change = f"UPDATE {t}card SET {pin}{more} WHERE number = ?"  # noqa: S608 - our own words
        connection.execute(change, one.pin, one.card.digits)

    @contextlib.contextmanager
    def locked(self, card: CardNumber) -> Iterator[None]:
        """Another customer's transaction holds the account (SQLite: the whole file)."""
        connection = pyodbc.connect(self.owner, autocommit=False)
        try:
            connection.execute(
                f"UPDATE {self.prefix}account SET minor = minor WHERE id ="  # noqa: S608
                f" (SELECT account FROM {self.prefix}card WHERE number = ?)",
                card.digits,
            )
            yield
        finally:
            connection.rollback()
            connection.close()

    def findings(self) -> list[str]:
        """What is wrong with the books: money made or lost, an account unlike its entries."""
        opened = f"CASE WHEN a.id IN ('FEES', 'R-poor') THEN 0 ELSE {OPENING} END"
        rows = self.query(
            f"SELECT a.id FROM {{t}}account a WHERE a.minor <> {opened} + coalesce("  # noqa: S608
            "(SELECT sum(e.minor) FROM {t}entry e WHERE e.account = a.id), 0)"
        )
        found = [f"account {row[0]} is not its opening and its entries" for row in rows]
        uneven = self.query("SELECT request FROM {t}entry GROUP BY request HAVING sum(minor) <> 0")
        return found + [f"entries of {row[0]} do not add up to nothing" for row in uneven]


def need_driver(name: str, package: str) -> None:
    """Raise `DemoMissing` with the package of a driver that is not there."""
    if name not in pyodbc.drivers():
        raise DemoMissing(f"no ODBC driver {name!r}: install the package {package}")


def server_of(connection: str) -> str:
    """Product and driver behind a connection, by their own word; empty where nothing answers."""
    try:
        with contextlib.closing(pyodbc.connect(connection, timeout=5)) as found:
            product = f"{found.getinfo(pyodbc.SQL_DBMS_NAME)} {found.getinfo(pyodbc.SQL_DBMS_VER)}"
            driver, version = pyodbc.SQL_DRIVER_NAME, pyodbc.SQL_DRIVER_VER
            return f"{product} by {found.getinfo(driver)} {found.getinfo(version)}"
    except pyodbc.Error:
        return ""


@contextlib.contextmanager
def sqlite_demo(folder: Path, people: People) -> Iterator[DemoBank]:
    """A bank in a file."""
    need_driver(SQLITE, "libsqliteodbc")
    path = folder / "bank.db"
    with contextlib.closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.executescript(stubs("sqlite"))
    pragmas = "JournalMode=WAL;FKSupport=1;BigInt=1;SyncPragma=FULL"
    text = f"DRIVER={SQLITE};DATABASE={path};{pragmas};Timeout={LOCK_MS}"
    yield _opened("sqlite", text, text, None, "tb_", people)


@contextlib.contextmanager
def postgresql_demo(folder: Path, people: People) -> Iterator[DemoBank]:
    """A bank in a PostgreSQL server of its own, on a Unix socket, which ends with it."""
    del folder  # its user may not be let in there
    need_driver(POSTGRESQL, "odbc-postgresql")
    server = PrivatePostgresql()
    try:
        server.start()
        server.run_script(stubs("postgresql"))
        owner = server.connection(str(server.folder), str(PG_PORT), "owner")
        through = server.connection("{host}", "{port}", "telebank_gateway")
        through += f"ConnSettings={{SET lock_timeout = {LOCK_MS}}};"
        yield _opened("postgresql", through, owner, server.socket, "telebank.", people)
    finally:
        server.remove()


DEMOS: dict[str, Callable[[Path, People], AbstractContextManager[DemoBank]]] = {
    "sqlite": sqlite_demo,
    "postgresql": postgresql_demo,
}


def _opened(  # noqa: PLR0917 - the parts of a bank
    dialect: str, connection: str, owner: str, wire: str | None, prefix: str, people: People
) -> DemoBank:
    books = DemoBank(Database(dialect, connection), owner, prefix, dialect)
    database = Database(dialect, connection, wire, NO_WIRE, books.locked)
    bank = DemoBank(database, owner, prefix, dialect)
    bank.seed(people)
    return bank


def _program(name: str) -> Path:
    found = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"))
    on_path = shutil.which(name)
    if not found and on_path is None:
        raise DemoMissing(f"no program {name}: install the package postgresql")
    return found[-1] if found else Path(str(on_path))


class PrivatePostgresql:
    """A server in a temporary folder, reached by a Unix socket in it alone."""

    def __init__(self) -> None:
        self._ctl, self._initdb, self._psql = map(_program, ("pg_ctl", "initdb", "psql"))
        self._user: str | None = None
        if os.geteuid() == 0:  # PostgreSQL refuses to be run by root
            known = {entry.pw_name for entry in pwd.getpwall()}
            self._user = next(name for name in UNPRIVILEGED if name in known)
        self.folder = Path(tempfile.mkdtemp(prefix="certify-pg-"))
        self._running = False

    @property
    def socket(self) -> str:
        """Path of its socket."""
        return str(self.folder / f".s.PGSQL.{PG_PORT}")

    @staticmethod
    def connection(server: str, port: str, user: str) -> str:
        """An ODBC connection string."""
        return (
            f"DRIVER={{{POSTGRESQL}}};Server={server};Port={port};Database=postgres;UID={user};"
            "BoolsAsChar=0;MaxVarcharSize=0;Protocol=7.4-0;"
        )

    def start(self) -> None:
        """Make it and start it."""
        if self._user is not None:
            shutil.chown(self.folder, self._user)
        data = self.folder / "data"
        self._run([self._initdb, "-D", data, "-A", "trust", "-U", "owner", "-E", "UTF8", "-N"])
        options = f"-k {self.folder} -h '' -p {PG_PORT} -c fsync=off"
        start = ["-w", "-l", self.folder / "log", "-o", options, "start"]
        self._run([self._ctl, "-D", data, *start])
        self._running = True

    def run_script(self, text: str) -> None:
        """As the bank's people do: psql, in one transaction, stopping at the first error."""
        words = [self._psql, "-X", "-q", "-1", "-v", "ON_ERROR_STOP=1", "-h", self.folder]
        self._run([*words, "-U", "owner", "-d", "postgres"], text)

    def remove(self) -> None:
        """Stop it and take its folder away."""
        if self._running:
            self._run([self._ctl, "-D", self.folder / "data", "-w", "-m", "immediate", "stop"])
        shutil.rmtree(self.folder)

    def _run(self, command: Sequence[object], text: str = "") -> None:
        try:
            subprocess.run(  # noqa: S603 - PostgreSQL's own programs
                [str(word) for word in command],
                check=True,
                user=self._user,
                cwd=self.folder,
                input=text,
                text=True,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.STDOUT,
                timeout=START_S,
            )
        except (subprocess.SubprocessError, OSError) as error:
            raise DemoMissing(f"the demo's PostgreSQL: {error}") from error
