"""What has had its time: found page by page, and deleted in small commits, but for what is held."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import Any

from sqlalchemy import Connection, Select, and_, delete, func, literal, null, select, tuple_, update

from telebank.retention.holds import Held, all_held
from telebank.retention.kinds import Kind
from telebank.store.transaction import Transaction
from transactions.journal import JournalEvent

PAGE = 200
"""Rows of one commit at most."""
Key = tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Old:
    """One that has had its time."""

    key: Key
    call: str | None
    customers: frozenset[str | None]
    request: str | None

    def held(self, by: Held) -> bool:
        """Whether a hold keeps it."""
        return any(by.keeps(one, self.call, self.request) for one in self.customers)


@dataclass(slots=True)
class Swept:
    """What became of one kind."""

    found: int = 0
    """At the beginning of the run."""
    deleted: int = 0
    held: int = 0
    """Kept for a legal hold."""
    failed: int = 0
    """Whose file could not be removed."""


def before(now: datetime, days: int, zone: timezone) -> datetime:
    """The moment before which things have had their time: a midnight of the bank's wall clock, so
    that a day goes whole."""
    midnight = now.astimezone(zone).replace(hour=0, minute=0, second=0, microsecond=0)
    return midnight - timedelta(days=days)


def due(now: datetime, last: datetime, hour: int, zone: timezone) -> bool:
    """Whether the hour of a day began between the last look and now. A step of the clock backwards
    at worst runs it twice, which deletes nothing more."""
    local = now.astimezone(zone)
    begins = local.replace(hour=hour, minute=0, second=0, microsecond=0)
    if begins > local:
        begins -= timedelta(days=1)
    return last < begins


def count(connection: Connection, kind: Kind, until: datetime, node: str) -> int:
    """How many have had their time, held ones too."""
    return connection.scalar(_old(kind, until, node, func.count())) or 0


def page(
    connection: Connection, kind: Kind, until: datetime, node: str, after: Key | None
) -> Sequence[Old]:
    """The next of them by their keys."""
    columns = (kind.call, kind.customer, kind.request, kind.detail)
    wanted = [null() if column is None else column for column in columns]
    question = _old(kind, until, node, *kind.keys, *wanted)
    if after is not None:
        literals = [literal(v, c.type) for v, c in zip(after, kind.keys, strict=True)]
        question = question.where(tuple_(*kind.keys) > tuple_(*literals))
    rows = connection.execute(question.order_by(*kind.keys).limit(PAGE)).all()
    many = len(kind.keys)
    return [_read(tuple(row[:many]), *row[many:]) for row in rows]


def remove(part: Transaction, kind: Kind, found: Sequence[Old], held: Held) -> int:
    """Delete them, or empty what is erased; those held by now are left. Returns how many went."""
    keys = [one.key for one in found if not one.held(held)]
    for key in keys:
        mine = and_(*(c == v for c, v in zip(kind.keys, key, strict=True)))
        for child in kind.children:
            part.connection.execute(delete(child.table).where(child == key[0]))
        if kind.erases:
            emptied = {column.name: None for column in kind.erases}
            part.connection.execute(update(kind.table).where(mine).values(emptied))
        else:
            part.connection.execute(delete(kind.table).where(mine))
    return len(keys)


def holding(part: Transaction, zone: timezone) -> Held:
    """What is held now, in the commit that deletes: a hold placed meanwhile counts."""
    return all_held(part.connection, part.now.astimezone(zone).date())


def tell(part: Transaction, swept: Mapping[str, Swept], by: str, outcome: str) -> None:
    """The event of a run, with what went and what was kept."""
    event = JournalEvent("retention.run", actor=by, role="machine", outcome=outcome)
    for name, one in swept.items():
        event.detail[name] = one.deleted
        if one.held:
            event.detail[f"{name}_held"] = one.held
        if one.failed:
            event.detail[f"{name}_failed"] = one.failed
    part.event(event)


def _old(kind: Kind, until: datetime, node: str, *columns: Any) -> Select[Any]:
    question = (
        select(*columns).select_from(kind.table).where(kind.over, kind.at < kind.moment(until))
    )
    return question if kind.home is None else question.where(kind.home == node)


def _read(
    key: Key, call: str | None, customer: str | None, request: str | None, detail: Any
) -> Old:
    named = detail.get("customer") if isinstance(detail, dict) else None
    return Old(key, call, frozenset({customer, named}), request)
