"""What one job of the writer sees, and the rows that a whole commit writes at its end."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Executable, insert

from telebank.store import tables
from telebank.store.clock import Stamp
from telebank.store.errors import ConnectionBroken
from telebank.store.events import EventRow, clean_event, clean_text, event_row
from telebank.store.statements import Result, Statements
from transactions.journal import JournalEvent
from transactions.lifecycle import State

_INSERT_STATE = insert(tables.request_state)
_INSERT_EVENT = insert(tables.event)
_INSERT_LEAF = insert(tables.leaf)


class Refused(Exception):  # noqa: N818 - reads as what it is
    """Ends a job with a value: its rows are undone, its events are kept."""

    def __init__(self, value: object, *events: JournalEvent) -> None:
        super().__init__()
        self.value = value
        self.events = list(events)


@dataclass(slots=True)
class Transaction:
    """One job's part of a commit. Events and state rows are collected, and dropped where the job
    fails; the commit writes them in one go at its end."""

    connection: Connection
    stamp: Stamp
    node: str
    epoch: int
    events: list[JournalEvent] = field(default_factory=list)
    states: list[dict[str, Any]] = field(default_factory=list)

    @property
    def now(self) -> datetime:
        """UTC time of the job."""
        return self.stamp.utc

    def execute(self, statement: Executable, values: Mapping[str, Any] | None = None) -> Result:
        """Run one statement inside the commit."""
        return Statements.of(self.connection).run(statement, values or {})

    def execute_many(self, statement: Executable, rows: Sequence[Mapping[str, Any]]) -> None:
        """Run one statement for each of some rows."""
        Statements.of(self.connection).run_many(statement, rows)

    def event(self, event: JournalEvent) -> None:
        """Add an event with its leaf."""
        self.events.append(clean_event(event))

    def state(self, request_id: str, ordinal: int, state: State, why: str) -> None:
        """Add a row to a request's history."""
        row = {"request": request_id, "ordinal": ordinal, "state": state.value}
        self.states.append(row | {"why": clean_text(why, tables.TEXT), "at": self.now})

    def only(self, events: Iterable[JournalEvent]) -> None:
        """Drop what was collected for statements that are undone; keep these events alone."""
        self.states.clear()
        self.events.clear()
        for event in events:
            self.event(event)


Work = Callable[[Transaction], Any]


class NeedsSavepoints(Exception):  # noqa: N818 - reads as what it is
    """A job of a batch that has none is to be undone: undo the batch, and do it again with them."""


class Batch:
    """One commit: its jobs, and the rows gathered from them.

    Nearly every job is kept, and two savepoints a job cost as much as its smaller statements. So a
    batch is done without them; where one job is to be undone, all are, and the batch is done again
    with a savepoint around each. Savepoints are given to the driver directly: they are the same
    words everywhere.
    """

    def __init__(
        self, connection: Connection, node: str, boot: str, sequence: int, *, savepoints: bool
    ) -> None:
        self.connection = connection
        self._savepoints = savepoints
        self._driver: Any = connection.connection.driver_connection
        self._driver_error: type[Exception] = connection.dialect.loaded_dbapi.Error
        self._node = node
        self._boot = boot
        self._sequence = sequence
        self._states: list[dict[str, Any]] = []
        self._events: list[EventRow] = []

    def savepoint(self) -> None:
        """Begin a job."""
        if self._savepoints:
            self._say("SAVEPOINT job")

    def roll_back(self) -> None:
        """Undo the job's statements; its savepoint stands. Raises `NeedsSavepoints`."""
        if not self._savepoints:
            raise NeedsSavepoints
        self._say("ROLLBACK TO SAVEPOINT job")

    def undo(self) -> None:
        """Undo the job's statements and end it. Raises `NeedsSavepoints`."""
        self.roll_back()
        self._say("RELEASE SAVEPOINT job")

    def release(self, part: Transaction) -> None:
        """Keep the job's statements and gather its rows. Rows are made first: where one cannot be
        made, the job can still be undone."""
        first = self._sequence + 1
        made = [
            event_row(event, self._node, number, part.stamp, self._boot)
            for number, event in enumerate(part.events, start=first)
        ]
        if self._savepoints:
            self._say("RELEASE SAVEPOINT job")
        self._sequence += len(made)
        self._states += part.states
        self._events += made

    def write(self) -> int:
        """Write the gathered rows; return the node's last sequence."""
        statements = Statements.of(self.connection)
        if self._states:
            statements.run_many(_INSERT_STATE, self._states)
        if self._events:
            statements.run_many(_INSERT_EVENT, [row.event for row in self._events])
            statements.run_many(_INSERT_LEAF, [row.leaf for row in self._events])
        return self._sequence

    @property
    def last_leaf(self) -> Mapping[str, Any] | None:
        """The last leaf written: node, sequence, hash; None where the batch has no event."""
        return self._events[-1].leaf if self._events else None

    def _say(self, words: str) -> None:
        try:
            self._driver.execute(words)
        except self._driver_error as error:
            raise ConnectionBroken(type(error).__name__) from error
