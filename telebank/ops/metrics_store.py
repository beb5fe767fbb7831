"""What the store says of a node, for its watcher: counted by SQL, nothing written."""

from collections.abc import Sequence
from datetime import UTC, datetime

from sqlalchemy import Connection, bindparam, func, select, text

from telebank.ops.metrics_types import StoreTold
from telebank.store import tables
from telebank.store.audit_tables import checkpoint
from telebank.store.clock import from_us
from telebank.store.eventlog import LoggedEvent, logged
from transactions.lifecycle import State

ON_THE_WAY = (State.RECORDED.value, State.SENT.value)
_R, _E, _L = tables.request.c, tables.event.c, tables.lease.c
_OPEN = (
    select(_R.state, func.count(), func.min(_R.created_at))
    .where(text(f"request.{tables.OPEN_STATES}"), _R.node == bindparam("of_node"))
    .group_by(_R.state)
)
_BEAT = select(_L.heartbeat).where(_L.node == bindparam("of_node"))
_LAST = (
    select(_E.sequence, _E.utc_us)
    .where(_E.node == bindparam("of_node"))
    .order_by(_E.sequence.desc())
    .limit(1)
)
_CHECKPOINT = (
    select(checkpoint.c.size, checkpoint.c.at)
    .where(checkpoint.c.node == bindparam("of_node"))
    .order_by(checkpoint.c.size.desc())
    .limit(1)
)
_BETWEEN = (
    select(tables.event)
    .where(
        _E.node == bindparam("of_node"),
        _E.sequence > bindparam("after"),
        _E.sequence <= bindparam("last"),
        _E.kind.in_(bindparam("kinds", expanding=True)) | _E.kind.startswith("alarm"),
    )
    .order_by(_E.sequence.desc())
    .limit(bindparam("most"))
)


def look(connection: Connection, node: str, now: datetime) -> StoreTold:
    """At one time; `now` in UTC."""
    pending = unknown = manual = 0
    oldest, doubtful = now, now
    for state, count, since in connection.execute(_OPEN, {"of_node": node}):
        if state in ON_THE_WAY:
            pending, oldest = pending + count, min(oldest, since)
        elif state == State.MANUAL.value:
            manual = count
        else:
            unknown, doubtful = unknown + count, min(doubtful, since)
    beat = connection.execute(_BEAT, {"of_node": node}).scalar_one_or_none()
    last = connection.execute(_LAST, {"of_node": node}).one_or_none()
    point = connection.execute(_CHECKPOINT, {"of_node": node}).one_or_none()
    return StoreTold(
        pending=pending,
        oldest_s=_age(oldest, now),
        unknown=unknown,
        unknown_oldest_s=_age(doubtful, now),
        manual=manual,
        heartbeat_s=0.0 if beat is None else _age(beat, now),
        sequence=0 if last is None else last.sequence,
        entry_s=0.0 if last is None else _age(from_us(last.utc_us), now),
        checkpoint_sequence=0 if point is None else point.size,
        checkpoint_s=None if point is None else _age(point.at, now),
    )


def last_sequence(connection: Connection, node: str) -> int:
    """Of the node's log; 0: it is empty."""
    last = connection.execute(_LAST, {"of_node": node}).one_or_none()
    return 0 if last is None else int(last.sequence)


def events_of(
    connection: Connection, node: str, span: tuple[int, int], kinds: Sequence[str], most: int
) -> list[LoggedEvent]:
    """The newest `most` events of these kinds, and alarms, in order; `span`: after a sequence, up
    to another one."""
    after, last = span
    values = {"of_node": node, "after": after, "last": last, "kinds": list(kinds), "most": most}
    found = [logged(row) for row in connection.execute(_BETWEEN, values).mappings()]
    return found[::-1]


def _age(since: datetime, now: datetime) -> float:
    return max(0.0, (now - since.astimezone(UTC)).total_seconds())
