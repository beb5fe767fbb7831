"""Moves of a fax: what its machine says, written with its event in the same commit, where the row
is still as it was read."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import bindparam, select, update

from fax.job import Job, State
from telebank.store.customer_events import Told
from telebank.store.events import clean_text
from telebank.store.fax_rows import Fax, alarm, fax_of, life_columns, tell
from telebank.store.fax_tables import fax_job
from telebank.store.fax_tolls import OverLimit
from telebank.store.tables import ID
from telebank.store.transaction import Transaction
from transactions.approval import Actor

_F = fax_job.c
_ONE = select(fax_job).where(_F.id == bindparam("of_id"))
_SET = (
    update(fax_job)
    .where(
        _F.id == bindparam("of_id"),
        _F.state == bindparam("was_state"),
        _F.node == bindparam("was_node"),
        _F.epoch == bindparam("was_epoch"),
    )
    .values(
        state=bindparam("state", type_=_F.state.type),
        why=bindparam("why", type_=_F.why.type),
        confirmed=bindparam("confirmed", type_=_F.confirmed.type),
        begun=bindparam("begun", type_=_F.begun.type),
        attempt=bindparam("attempt", type_=_F.attempt.type),
        due_at=bindparam("due", type_=_F.due_at.type),
        node=bindparam("of_node", type_=_F.node.type),
        epoch=bindparam("of_epoch", type_=_F.epoch.type),
        held_until=bindparam("until", type_=_F.held_until.type),
        stop_by=bindparam("stop", type_=_F.stop_by.type),
        changed_at=bindparam("at", type_=_F.changed_at.type),
    )
)


def row_with(part: Transaction, fax: str) -> Any:
    """The row with this id, or None."""
    return part.execute(_ONE, {"of_id": fax}).first()


def again(part: Transaction, fax: str) -> Fax:
    """A fax that is there, as it is now."""
    return fax_of(row_with(part, fax))


def wait(part: Transaction, row: Any, over: OverLimit) -> None:
    """Due again when the limit is worth asking; told once for each reason."""
    known = row.why == over.rule
    _set(part, row, _columns(row) | {"why": over.rule, "due": over.until})
    if not known:
        life = replace(fax_of(row).life, why=over.rule)
        tell(part, row, life, due=over.until.isoformat())


def move(
    part: Transaction,
    row: Any,
    life: Job,
    *,
    until: datetime | None = None,
    by: Actor | None = None,
    told: Mapping[str, Told] | None = None,
    for_people: bool = False,
) -> bool:
    """Write what the machine said, with its event; `by` wants it no more, `for_people` must be told
    too. False where the row is not as it was read."""
    due = row.due_at
    if life.state is State.QUEUED:
        due = part.now + timedelta(seconds=life.wait_s)
    stop = row.stop_by if by is None else clean_text(by.id, ID)
    changes = life_columns(life) | {"due": due, "until": until or part.now, "stop": stop}
    if not _set(part, row, changes):
        return False
    more = dict(told or {}) | ({"stopped_by": stop} if stop else {})
    if life.state is State.QUEUED:
        more["due"] = due.isoformat()
    began = life.state is State.SENDING and row.state != life.state.value
    tell(part, row, life, "fax.sending" if began else "", by, **more)
    if for_people:
        part.event(alarm(row.id, life))
    return True


def _columns(row: Any) -> dict[str, Any]:
    names = ("state", "confirmed", "begun", "attempt")
    same = {name: getattr(row, name) for name in names}
    return same | {"until": row.held_until, "stop": row.stop_by}


def _set(part: Transaction, row: Any, changes: Mapping[str, Any]) -> bool:
    was = {"of_id": row.id, "was_state": row.state, "was_node": row.node, "was_epoch": row.epoch}
    ours = {"of_node": part.node, "of_epoch": part.epoch, "at": part.now}
    return part.execute(_SET, {**was, **changes, **ours}).rowcount == 1
