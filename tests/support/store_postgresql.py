"""Databases for the store's tests in a PostgreSQL that the tests start themselves.

server = StoreServer.start()            # initdb in a temporary folder, a socket in it, no TCP
name = server.lend(folder)              # a database with all tables; the folder's settings name it
server.take_back(name); server.remove()

A missing PostgreSQL fails the tests and names the package; nothing is skipped.
"""

import itertools
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

import psycopg

from support.sql_servers import Cluster
from telebank.store import (
    audit_tables,
    customer_tables,
    desk_phone_tables,
    fax_tables,
    notice_tables,
    order_tables,
    seat_tables,
    tables,
)
from telebank.store.migrate import migrate

assert customer_tables.payee.metadata is tables.metadata  # imported for what they add to it
assert order_tables.proposal.metadata is tables.metadata
assert notice_tables.notice.metadata is tables.metadata
assert fax_tables.fax_job.metadata is tables.metadata
assert desk_phone_tables.desk_phone.metadata is tables.metadata
assert seat_tables.contact.metadata is tables.metadata
assert audit_tables.checkpoint.metadata is tables.metadata
TEMPLATE = "telebank_template"
FILE = "telebank.toml"


@dataclass
class StoreServer:
    """One server for a whole run, and a database for each test."""

    cluster: Cluster
    numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1))
    returned: list[str] = field(default_factory=list)
    """Databases whose tests are over."""

    @classmethod
    def start(cls, settings: str = "-c fsync=off") -> Self:
        """Start a server whose template database has all tables. `fsync=off` is for speed: nothing
        here cuts the machine's power."""
        server = cls(Cluster(settings))
        server.say(f"CREATE DATABASE {TEMPLATE}")
        migrate(server.url(TEMPLATE))
        return server

    def remove(self) -> None:
        """Stop it and remove its folder."""
        self.cluster.remove()

    def url(self, database: str, folder: Path | None = None) -> str:
        """The URL of a database, by the socket in `folder`."""
        return f"postgresql+psycopg://owner@/{database}?host={folder or self.cluster.folder}"

    def say(self, command: str, database: str = "postgres") -> Any:
        """Give the server a command as its owner; the first row, if there is one."""
        words: Any = command
        with psycopg.connect(
            host=str(self.cluster.folder), user="owner", dbname=database, autocommit=True
        ) as connection:
            cursor = connection.execute(words)
            return cursor.fetchone() if cursor.description else None

    def empty(self) -> str:
        """A new database without tables; its name."""
        name = f"t{next(self.numbers)}"
        self.say(f"CREATE DATABASE {name} STRATEGY file_copy")
        return name

    def lend(self, folder: Path) -> str:
        """A database with all tables and no rows, named by the settings under `folder`."""
        if not self.returned:
            name = f"t{next(self.numbers)}"
            self.say(f"CREATE DATABASE {name} TEMPLATE {TEMPLATE} STRATEGY file_copy")
            self.returned.append(name)
        name_in_settings(folder, self.url(name := self.returned.pop()))
        return name

    def take_back(self, name: str) -> None:
        """Throw out whoever still uses a database, and its rows: ten times cheaper than a new
        one. A test that changed more than rows must `drop` it."""
        self.say(
            "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity"
            f" WHERE datname = '{name}' AND pid <> pg_backend_pid()"
        )
        every = reversed(tables.metadata.sorted_tables)  # those that were imported by now
        self.say(";".join(f'DELETE FROM "{table.name}"' for table in every), name)
        self.returned.append(name)

    def drop(self, name: str) -> None:
        """Remove a database, whoever still uses it."""
        self.say(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")


def name_in_settings(folder: Path, url: str, **more: str) -> None:
    """Let the settings of a data folder name a store."""
    path = folder / "config" / FILE
    path.parent.mkdir(parents=True, exist_ok=True)
    lines = [f'{name} = "{value}"' for name, value in {"url": url, **more}.items()]
    path.write_text("\n".join(["schema = 1", "[store]", *lines, ""]), encoding="utf-8")
