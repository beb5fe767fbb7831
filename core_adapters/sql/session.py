"""One connection and what is done on it. Blocking; used by one thread only."""

import re
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, Protocol

from core_adapters.sql.odbc import pyodbc
from core_adapters.sql.statements import Parameters
from core_adapters.sql.values import Row, whole

MAX_ROWS = 1_000
"""Rows taken of one reply; more of them is a reply of too many rows."""
_NATIVE = re.compile(r"\((-?\d+)\) \(SQL\w+\)\s*$")
_SQLSTATE = re.compile(r"[0-9A-Z]{5}")

Bound = tuple[str, Parameters]
"""A statement and its positional parameters; these may hold a PIN, so it is never printed."""


@dataclass(frozen=True, slots=True)
class Job:
    """One database transaction: `begin`, then `steps`; the last rows are the reply.

    It is committed where `keep` says of the reply that it is understood, else rolled back.
    `commit` is the statement that does it; without one the driver's own commit is called.
    """

    steps: Sequence[Bound] = field(repr=False)
    begin: Sequence[Bound] = field(default=(), repr=False)
    keep: Callable[[Sequence[Row]], bool] = lambda _rows: True
    commit: str = ""


class Stage(Enum):
    """How far a job has come; from EXECUTING on, something may have happened."""

    WAITING = "waiting"
    EXECUTING = "executing"
    COMMITTING = "committing"


class Ticket:
    """Shared by the thread that works and the caller who may give up: who gives up before the
    statement begins knows that nothing will happen, and before the commit, that none will be sent.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._stage = Stage.WAITING
        self._given_up = False

    def go_on(self, stage: Stage) -> bool:
        """Enter a stage; False where the caller has given up."""
        with self._lock:
            if not self._given_up:
                self._stage = stage
            return not self._given_up

    def give_up(self) -> Stage:
        """Stop at the next stage; returns how far it had come."""
        with self._lock:
            self._given_up = True
            return self._stage


@dataclass(frozen=True, slots=True)
class Replied:
    """The statements were answered; `committed` tells what became of the transaction."""

    rows: Sequence[Row] = field(repr=False)
    committed: bool


@dataclass(frozen=True, slots=True)
class Broken:
    """An error, by SQLSTATE and native code alone: a database's text may quote values.

    `stage` WAITING: the service's own statements had not begun. `rolled_back`: our ROLLBACK was
    confirmed after it, on a connection that still answers.
    """

    stage: Stage
    sqlstate: str
    native: str
    rolled_back: bool


End = Replied | Broken


class Connection(Protocol):
    """What we use of a connection of a driver (PEP 249)."""

    def cursor(self) -> Any:
        """A cursor: execute, description, fetchmany, close."""
        ...

    def commit(self) -> None:
        """Commit."""
        ...

    def rollback(self) -> None:
        """Roll back."""
        ...

    def close(self) -> None:
        """Hang up."""
        ...


Connector = Callable[[str, int], Connection]
"""Opens a connection: ODBC connection string, seconds to wait. Raises `pyodbc.Error`."""


def odbc(connection_string: str, login_s: int) -> Connection:
    """By unixODBC."""
    pyodbc.pooling = False  # a pool below ours would hand out connections that we gave up
    found: Connection = pyodbc.connect(connection_string, autocommit=False, timeout=login_s)
    return found


WIDE = 5_000_000_000
"""What column `wide` of a ping must be."""
CUT_NUMBERS = "22003"
"""SQLSTATE "numeric value out of range", for a driver that does not give it whole."""
GIVEN_UP = "-"
"""In place of an SQLSTATE: the caller gave up."""


class Session:
    """A connection that is opened when asked and dropped when in doubt."""

    def __init__(
        self, connection_string: str, login_s: int, ping: Job, connector: Connector = odbc
    ) -> None:
        self._connection_string = connection_string
        self._login_s = login_s
        self._ping = ping
        self._connector = connector
        self._connection: Connection | None = None

    @property
    def alive(self) -> bool:
        """Whether a connection is held that nothing has gone wrong with."""
        return self._connection is not None

    def connect(self) -> End:
        """Open a connection and try it."""
        self.drop()
        try:
            self._connection = self._connector(self._connection_string, self._login_s)
        except pyodbc.Error as error:
            return self._broken(Stage.WAITING, error)
        return self.ping()

    def ping(self) -> End:
        """Ask something small; a connection that does not answer is dropped."""
        end = self.run(self._ping, Ticket())
        if isinstance(end, Replied) and not _whole(end.rows):
            end = Broken(Stage.WAITING, CUT_NUMBERS, "", rolled_back=False)
        if isinstance(end, Broken):
            self.drop()
        return end

    def drop(self) -> None:
        """Close the connection; what was not committed is lost."""
        connection, self._connection = self._connection, None
        if connection is not None:
            try:
                connection.close()
            except pyodbc.Error:
                return

    def run(self, job: Job, ticket: Ticket) -> End:
        """Carry out a job in one database transaction."""
        if self._connection is None:
            return Broken(Stage.WAITING, "08003", "", rolled_back=False)
        connection, stage = self._connection, Stage.WAITING
        try:
            _rows_of(connection, job.begin)
            if not ticket.go_on(Stage.EXECUTING):
                return self._given_up(stage)
            stage = Stage.EXECUTING
            rows = _rows_of(connection, job.steps)
            if not job.keep(rows):
                self._roll_back()
                return Replied(rows, committed=False)
            if not ticket.go_on(Stage.COMMITTING):
                return self._given_up(stage)
            stage = Stage.COMMITTING
            proved = self._commit(connection, job.commit)
        except pyodbc.Error as error:
            return self._broken(stage, error)
        return Replied(rows, committed=True) if proved else self._unproved(stage)

    def _commit(self, connection: Connection, statement: str) -> bool:
        """Commit; False where the driver says success and the database is not there to say it.

        psqlODBC answers SQLEndTran with success on a connection that died after the statement:
        it counts as out of any transaction, so nothing is sent. A COMMIT sent as a statement must
        be answered by the server; after the driver's own, only a connection that answers counts.
        """
        if statement:
            _rows_of(connection, [(statement, ())])
            return True
        connection.commit()
        return self._answers()

    def _unproved(self, stage: Stage) -> Broken:
        self.drop()
        return Broken(stage, "08007", "", rolled_back=False)

    def _given_up(self, stage: Stage) -> Broken:
        return Broken(stage, GIVEN_UP, "", self._roll_back())

    def _broken(self, stage: Stage, error: pyodbc.Error) -> Broken:
        sqlstate, native = _codes(error)
        # An aborted transaction answers COMMIT with success (PostgreSQL): only ROLLBACK follows.
        # A driver may answer ROLLBACK on a dead connection (psqlODBC): only an answer proves it.
        rolled_back = self._roll_back() and self._answers()
        if not rolled_back or stage is Stage.COMMITTING:
            self.drop()
        return Broken(stage, sqlstate, native, rolled_back)

    def _answers(self) -> bool:
        if self._connection is None:
            return False
        try:
            _rows_of(self._connection, self._ping.steps)
        except pyodbc.Error:
            return False
        return self._roll_back()

    def _roll_back(self) -> bool:
        if self._connection is None:
            return False
        try:
            self._connection.rollback()
        except pyodbc.Error:
            self.drop()
            return False
        return True


def _whole(rows: Sequence[Row]) -> bool:
    """Whether the driver gives large numbers whole: one for SQLite cuts them to 32 bits unless
    told otherwise (BigInt=1), and an amount would be wrong without any error."""
    return len(rows) == 1 and whole(rows[0].get("wide")) == WIDE


def _rows_of(connection: Connection, steps: Sequence[Bound]) -> Sequence[Row]:
    """Run statements in order; the rows of the last one that gave any."""
    rows: Sequence[Row] = ()
    for text, parameters in steps:
        cursor = connection.cursor()
        try:
            cursor.execute(text, parameters)
            if cursor.description is not None:
                names = [str(column[0]).lower() for column in cursor.description]
                found = cursor.fetchmany(MAX_ROWS + 1)
                rows = [dict(zip(names, row, strict=True)) for row in found]
        finally:
            cursor.close()
    return rows


def _codes(error: pyodbc.Error) -> tuple[str, str]:
    """SQLSTATE and native code; never anything else of the text."""
    state = str(error.args[0]) if error.args else ""
    text = str(error.args[1]) if len(error.args) > 1 else ""
    native = _NATIVE.search(text)
    known = state if _SQLSTATE.fullmatch(state) else "HY000"
    return known, native[1] if native else ""
