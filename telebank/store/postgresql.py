"""Connections to a PostgreSQL server that never wait for ever, and what became of a lost COMMIT.

A node does not stand still because its database does: each wait ends, on the server by its own
time-outs and here by a deadline, since a server that is gone ends nothing. Where the connection is
lost while COMMIT is under way nobody knows whether it was made; the server remembers, and is asked
by the transaction's number as soon as it answers again.
"""

import hashlib
import select
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg.abc import RV, PQGen
from sqlalchemy import Connection, Engine, create_engine, event, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import NullPool

from telebank.store.options import StoreOptions

DRIVER = "postgresql+psycopg"
STRIPES = 4_096
"""Locks of the judging jobs, of all nodes together; two keys may share one, and then only wait."""
LOCK_SPACE = 0x7462
"""First number of our advisory locks (`tb`), apart from those of others in the database."""
MIGRATING = STRIPES
"""The lock of whoever brings the tables up to date."""
LOCK_GRACE_MS = 2_000
"""A lock is waited for longer than a node that stands still may hold it."""
LEAST_IDLE_MS = 1_000
ASK_AGAIN_S = 0.2
KEEPALIVE: Mapping[str, int] = {
    "keepalives": 1,
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 15_000,
}
"""libpq's names; seconds, and milliseconds for the last: a machine that is gone is noticed."""
_STATUS = text("SELECT pg_xact_status(CAST(:mark AS xid8))")
_WRITTEN = text(
    "SELECT count(*) FROM leaf WHERE node = :node AND sequence = :sequence AND hash = :hash"
)
IN_THE_FUTURE = "22023"
"""SQLSTATE of `pg_xact_status` for a number that was not given out yet."""
_LOCK = text(
    "SELECT pg_advisory_xact_lock(:space, stripe) FROM unnest(CAST(:stripes AS int[])) AS stripe"
)


class CommitUnknown(Exception):  # noqa: N818 - reads as what it is
    """The connection was lost at COMMIT, and the server could not be asked about it in time."""


class Bounded(psycopg.Connection[Any]):
    """A connection each of whose waits for the server ends after `answer_s` seconds."""

    answer_s: float = 60.0

    def wait(self, gen: PQGen[RV], interval: float = 0.1, timeout: float | None = None) -> RV:
        """Wait for the server; a connection that was given up is closed, for its state is lost."""
        try:
            return super().wait(gen, interval, self.answer_s if timeout is None else timeout)
        except psycopg.errors._WaitTimeout as error:
            self.pgconn.finish()
            raise psycopg.OperationalError(f"no answer in {self.answer_s:g} s") from error


def open_server(url: str, options: StoreOptions, *, bounded: bool = True) -> Engine:
    """An engine of one connection for the writer. `bounded=False` is for migrations: a table may
    take long to change."""
    idle = max(options.busy_timeout_ms, LEAST_IDLE_MS)
    lock = options.busy_timeout_ms + LOCK_GRACE_MS
    said = {
        # What was written before a lock was given is seen by the next reading.
        "default_transaction_isolation": "read\\ committed",
        "synchronous_commit": "on",
        "idle_in_transaction_session_timeout": idle if bounded else 0,
        "lock_timeout": lock,
        "statement_timeout": 2 * lock if bounded else 0,
    }
    engine = create_engine(
        url,
        poolclass=NullPool,
        connect_args=_connecting(options, said),
    )
    if bounded:
        _bound(engine, 3 * lock / 1000)
    return engine


def open_server_reader(url: str, options: StoreOptions) -> Engine:
    """An engine that cannot write; what one connection reads at a time is of one moment."""
    engine = create_engine(
        url,
        isolation_level="REPEATABLE READ",
        pool_pre_ping=True,
        connect_args=_connecting(options, {"default_transaction_read_only": "on"}),
    )
    _bound(engine, 60.0)
    return engine


def _connecting(options: StoreOptions, said: Mapping[str, object]) -> dict[str, Any]:
    return {
        "connect_timeout": options.connect_timeout_s,
        "application_name": "telebank",
        "client_encoding": "utf8",
        "options": " ".join(f"-c {name}={value}" for name, value in said.items()),
        **KEEPALIVE,
    }


def _bound(engine: Engine, answer_s: float) -> None:
    @event.listens_for(engine, "do_connect")
    def _open(dialect: Any, record: Any, cargs: Any, cparams: Any) -> Bounded:
        connection = Bounded.connect(*cargs, **cparams)
        connection.answer_s = answer_s
        return connection


def is_server(connection: Connection) -> bool:
    """Whether it is a PostgreSQL."""
    return connection.dialect.name == "postgresql"


def has_ended(connection: Connection) -> bool:
    """Whether the server has closed an idle connection; asks nobody. What it says unasked counts
    too: a new connection is dearer, but never wrong."""
    driver: Any = connection.connection.driver_connection
    if not isinstance(driver, psycopg.Connection):
        return False
    if driver.closed:
        return True
    readable, _, _ = select.select([driver.fileno()], [], [], 0)
    return bool(readable)


def stripe_of(key: str) -> int:
    """The lock that stands for a key."""
    return int.from_bytes(hashlib.blake2b(key.encode(), digest_size=4).digest()) % STRIPES


def lock_all(connection: Connection, keys: Iterable[str]) -> None:
    """Wait for the locks of all keys, until the commit; in one order for everybody, so that no two
    nodes wait for each other. SQLite has one writer at a time and needs none."""
    stripes = sorted({stripe_of(key) for key in keys})
    if stripes and is_server(connection):
        connection.execute(_LOCK, {"space": LOCK_SPACE, "stripes": stripes})


def lock_migrations(connection: Connection) -> None:
    """Wait for whoever brings the same tables up to date."""
    if is_server(connection):
        connection.execute(_LOCK, {"space": LOCK_SPACE, "stripes": [MIGRATING]})


@dataclass(frozen=True, slots=True)
class Mark:
    """By what a transaction is known again. A server that fell over may give the number of one that
    it lost to another, so its own row counts where it wrote one."""

    number: str
    """In the server (xid8)."""
    leaf: Mapping[str, Any] | None
    """The last row of `leaf` that it wrote; None: none."""


def was_made(
    engine: Engine, mark: Mark, within_s: float, sleep: Callable[[float], None] = time.sleep
) -> bool:
    """Whether a transaction was committed.

    Raises `CommitUnknown` where the server could not say so within `within_s` seconds.
    """
    deadline = time.monotonic() + within_s
    while True:
        match _status(engine, mark):
            case "committed":
                return True
            case "aborted":
                return False
        if time.monotonic() >= deadline:
            raise CommitUnknown(f"no word of the last commit in {within_s:g} s")
        sleep(ASK_AGAIN_S)


def _status(engine: Engine, mark: Mark) -> str:
    """`in progress` lasts until the server misses the connection; empty: it cannot be asked."""
    try:
        with engine.connect() as connection:
            status = str(connection.execute(_STATUS, {"mark": mark.number}).scalar() or "")
            if status != "committed" or mark.leaf is None:
                return status
            connection.rollback()  # the look below sees what was committed before now
            written = connection.execute(_WRITTEN, mark.leaf).scalar()
            return "committed" if written else "aborted"
    except DBAPIError as error:
        # A number that a server gave out and no longer knows was lost with all that it did.
        future = getattr(error.orig, "sqlstate", None) == IN_THE_FUTURE
        return "aborted" if future else ""
