"""Reading the event log: by cursor, and as it grows.

A cursor is a vector: the last sequence seen of each node. A live screen takes a snapshot with its
cursor and then follows from there, so that it misses nothing and needs no pushed message.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Engine, RowMapping, bindparam, func, select

from telebank.store import tables
from telebank.store.clock import from_us, to_us
from telebank.store.engine import open_read_only

__all__ = [
    "Cursor",
    "LoggedEvent",
    "Page",
    "end_before",
    "end_of_log",
    "follow",
    "logged",
    "open_read_only",
    "read_events",
]

Cursor = Mapping[str, int]
"""Last sequence seen by node; a node that is absent has not been read."""

MAX_READ = 1_000
"""Events in one read at most."""
_E = tables.event.c
_AFTER = (
    select(tables.event)
    .where(_E.node == bindparam("of_node"), _E.sequence > bindparam("after"))
    .order_by(_E.sequence)
    .limit(bindparam("most"))
)
_FROM = (
    select(_E.utc_us)
    .where(_E.node == bindparam("of_node"), _E.sequence > bindparam("after"))
    .order_by(_E.sequence)
    .limit(1)
)
_LAST = select(_E.node, func.max(_E.sequence)).group_by(_E.node)


@dataclass(frozen=True, slots=True)
class LoggedEvent:
    """An event as it stands in the log; `detail` includes the personal part while it is kept."""

    node: str
    sequence: int
    at: datetime
    monotonic_us: int
    boot: str
    kind: str
    call: str | None
    leg: str | None
    request: str | None
    actor: str
    role: str
    origin: str
    outcome: str
    detail: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Page:
    """Events in order (by node, then sequence) and the cursor after them."""

    events: Sequence[LoggedEvent]
    cursor: Cursor


def logged(row: RowMapping) -> LoggedEvent:
    """An event of a row of table `event`."""
    return LoggedEvent(
        node=row["node"],
        sequence=row["sequence"],
        at=from_us(row["utc_us"]),
        monotonic_us=row["monotonic_us"],
        boot=row["boot"],
        kind=row["kind"],
        call=row["call"],
        leg=row["leg"],
        request=row["request"],
        actor=row["actor"],
        role=row["role"],
        origin=row["origin"],
        outcome=row["outcome"],
        detail={**row["detail"], **(row["personal"] or {})},
    )


def end_of_log(connection: Connection) -> Cursor:
    """The cursor after everything there is now."""
    return {node: int(last) for node, last in connection.execute(_LAST)}


def end_before(connection: Connection, node: str, last: int, moment: datetime) -> int:
    """The last of a node's events 1 to `last` before that moment, by halves: the log has no index
    of times, and its numbers grow with them. Where the clock was put back it is one of the places
    at which the log passes that moment."""
    low, high, least = 0, last, to_us(moment)
    while low < high:
        middle = (low + high) // 2
        at = connection.execute(_FROM, {"of_node": node, "after": middle}).scalar()
        if at is None or at >= least:
            high = middle
        else:
            low = middle + 1
    return low


def read_events(connection: Connection, cursor: Cursor, limit: int = MAX_READ) -> Page:
    """Read up to `limit` events after `cursor`; an empty page means there are none yet."""
    left = max(0, min(limit, MAX_READ))
    events: list[LoggedEvent] = []
    seen = dict(cursor)
    for node, last in sorted(end_of_log(connection).items()):
        if left == 0 or last <= seen.get(node, 0):
            continue
        values = {"of_node": node, "after": seen.get(node, 0), "most": left}
        found = [logged(row) for row in connection.execute(_AFTER, values).mappings()]
        left -= len(found)
        events += found
        if found:
            seen[node] = found[-1].sequence
    return Page(events, seen)


def follow(
    engine: Engine, cursor: Cursor, wait: Callable[[float], bool], every_s: float = 0.5
) -> Iterator[Page]:
    """Yield pages as the log grows, and an empty page after each wait that brought nothing.

    `wait(seconds)` returns True to stop: `threading.Event().wait` serves. No transaction is held
    open between reads.
    """
    while True:
        with engine.connect() as connection:
            page = read_events(connection, cursor)
        yield page
        cursor = page.cursor
        if not page.events and wait(every_s):
            return
