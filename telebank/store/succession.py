"""How a node that is already known is come by: started, or settled for another.

Heartbeats are by the clock of whoever wrote them, and machines differ. So who settles a node names
the lease as he saw it, and gets it only as long as nobody touched it since: of two that saw the
same dead node one comes first, and a node that came back has another heartbeat.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, bindparam, func, select, text

from telebank.store import options, tables
from telebank.store.errors import BeingSettled, LeaseMoved
from telebank.store.holder import certainly_gone, settles, shown
from telebank.store.record import states_in
from telebank.store.transaction import Transaction
from transactions.lifecycle import OPEN, State

SETTLER_BEATS = 3
"""A settler that missed so many heartbeats is waited for no more."""
_L, _R = tables.lease.c, tables.request.c
_ONE = select(tables.lease).where(_L.node == bindparam("of_node"))
_OPEN = (
    select(func.count())
    .where(
        _R.node == _L.node,
        # The index's own words beside ours: SQLite does not see that one list holds the other.
        text(f"request.{tables.OPEN_STATES} AND request.{states_in(OPEN)}"),
    )
    .correlate(tables.lease)
    .scalar_subquery()
)
_PEOPLES = (
    select(func.count())
    .where(
        _R.node == _L.node,
        text(f"request.{tables.OPEN_STATES} AND request.state = '{State.MANUAL}'"),
    )
    .correlate(tables.lease)
    .scalar_subquery()
)
_ALL = (
    select(tables.lease, _OPEN.label("open"), _PEOPLES.label("manual"))
    .order_by(_L.node)
    .limit(options.MAX_NODES)
)


@dataclass(frozen=True, slots=True)
class Seen:
    """A lease as somebody saw it."""

    epoch: int
    heartbeat: datetime


@dataclass(frozen=True, slots=True)
class Neighbour:
    """A node's lease, and how many of its rows have no end."""

    node: str
    seen: Seen
    holder: str
    """Empty where it was given back."""
    nodes: int
    terminal: str
    open: int
    """Rows that a machine settles."""
    manual: int
    """Rows that only people can end."""


@dataclass(frozen=True, slots=True)
class Entry:
    """As what a process takes a node's lease."""

    settling: Seen | None = None
    """Only to settle its rows, and only where the lease is still as it was seen."""
    over_settler: bool = False
    """To run the node, even though another process is settling its rows just now."""


def admit(connection: Connection, node: str, entry: Entry, now: datetime, beat_s: float) -> None:
    """Raise `LeaseMoved` or `BeingSettled` where the lease is not to be had in this way; what is
    found stays so until the commit."""
    found = connection.execute(_ONE.with_for_update(), {"of_node": node}).first()
    if entry.settling is not None:
        if found is None or Seen(found.epoch, found.heartbeat) != entry.settling:
            raise LeaseMoved(
                f"node {node} has come back, or another process settles its rows: nothing to do"
            )
    elif found is not None and not entry.over_settler and settles(found.holder):
        silent = now - found.heartbeat
        if silent < timedelta(seconds=SETTLER_BEATS * beat_s) and not certainly_gone(found.holder):
            raise BeingSettled(
                f"the rows of node {node} are being settled by {shown(found.holder)}: it can be"
                " started when that has ended"
            )


def neighbours(connection: Connection) -> list[Neighbour]:
    """Every node that the store knows, by number."""
    return [
        Neighbour(
            node=row.node,
            seen=Seen(row.epoch, row.heartbeat),
            holder=row.holder,
            nodes=row.nodes,
            terminal=row.terminal,
            open=row.open,
            manual=row.manual,
        )
        for row in connection.execute(_ALL)
    ]


def own(part: Transaction) -> Neighbour:
    """As a job of the writer: the node itself, as others see it."""
    return next(found for found in neighbours(part.connection) if found.node == part.node)


def look_round(part: Transaction) -> list[Neighbour]:
    """As a job of the writer, whose commit is a heartbeat too: every other node."""
    return [found for found in neighbours(part.connection) if found.node != part.node]
