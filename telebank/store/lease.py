"""The node's lease: a rising epoch that every commit checks (rule 7)."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import (
    Connection,
    String,
    bindparam,
    cast,
    func,
    literal,
    select,
    text,
    update,
)

from telebank.store.postgresql import is_server
from telebank.store.tables import OPEN_STATES, event, lease, request
from transactions.lifecycle import State
from transactions.ports import LeaseLost

_READ = (
    select(lease.c.epoch, lease.c.heartbeat, literal("").label("mark"))
    .where(lease.c.node == bindparam("of_node"))
    .with_for_update()
)
# The number of the transaction itself, in the same journey.
_READ_MARKED = (
    select(lease.c.epoch, lease.c.heartbeat, cast(func.pg_current_xact_id(), String).label("mark"))
    .where(lease.c.node == bindparam("of_node"))
    .with_for_update()
)
_RAISE = text(
    "INSERT INTO lease (node, epoch, holder, heartbeat, nodes, terminal)"
    " VALUES (:node, 1, :holder, :heartbeat, :nodes, :terminal)"
    " ON CONFLICT (node) DO UPDATE SET epoch = lease.epoch + 1, holder = excluded.holder,"
    " heartbeat = excluded.heartbeat, nodes = excluded.nodes, terminal = excluded.terminal"
    " RETURNING epoch"
).bindparams(bindparam("heartbeat", type_=lease.c.heartbeat.type))
_FORMER = select(lease.c.holder, lease.c.heartbeat).where(lease.c.node == bindparam("of_node"))
_GIVE_BACK = update(lease).where(
    lease.c.node == bindparam("of_node"), lease.c.epoch == bindparam("of_epoch")
)
_BEAT = update(lease).where(lease.c.node == bindparam("of_node"))
_LAST = select(func.max(event.c.sequence)).where(event.c.node == bindparam("of_node"))
_SENT_BEFORE = (
    select(request.c.id)
    .where(
        request.c.node == bindparam("of_node"),
        request.c.epoch < bindparam("of_epoch"),
        text(f"request.{OPEN_STATES} AND request.state = '{State.SENT}'"),
    )
    .limit(1)
)


@dataclass(frozen=True, slots=True)
class Held:
    """A lease that stands, locked until the commit."""

    heartbeat: datetime
    mark: str
    """Number of this transaction in a database server; empty for SQLite."""


@dataclass(frozen=True, slots=True)
class Former:
    """Who had a lease before."""

    holder: str
    """Empty: nobody, or he gave it back."""
    heartbeat: datetime
    """His last one."""


@dataclass(frozen=True, slots=True)
class Numbering:
    """What the host knows a node by; it stays with the lease for whoever settles its rows."""

    nodes: int
    """`[node] of`: which STANs are the node's."""
    terminal: str
    """Field 41; empty: as the host's adapter has it by itself."""


def take(
    connection: Connection, node: str, holder: str, numbering: Numbering, now: datetime
) -> int:
    """Raise the node's epoch and hold it; every earlier holder's next commit fails."""
    values = {
        "node": node,
        "holder": holder,
        "heartbeat": now,
        "nodes": numbering.nodes,
        "terminal": numbering.terminal,
    }
    return int(connection.execute(_RAISE, values).scalar_one())


def former(connection: Connection, node: str) -> Former | None:
    """Who holds the lease; None where nobody ever did."""
    row = connection.execute(_FORMER, {"of_node": node}).first()
    return None if row is None else Former(row.holder, row.heartbeat)


def give_back(connection: Connection, node: str, epoch: int, before: Former | None) -> None:
    """The holder has ended and sends nothing more; somebody else's lease stays.

    Where a row is left as SENT by an earlier epoch, the lease goes to whom it was had from: he may
    yet send it, and whoever comes next has to know.
    """
    of = {"of_node": node, "of_epoch": epoch}
    left: dict[str, object] = {"holder": ""}
    if before is not None and before.holder and connection.execute(_SENT_BEFORE, of).first():
        left = {"holder": before.holder, "heartbeat": before.heartbeat}
    connection.execute(_GIVE_BACK, of | left)


def check(connection: Connection, node: str, epoch: int) -> Held:
    """Raise `LeaseLost` unless `epoch` is still the node's; nobody takes it before the commit."""
    statement = _READ_MARKED if is_server(connection) else _READ
    row = connection.execute(statement, {"of_node": node}).first()
    if row is None or row.epoch != epoch:
        taken = "nobody" if row is None else f"epoch {row.epoch}"
        raise LeaseLost(f"node {node} lost its lease: it holds epoch {epoch}, {taken} is current")
    return Held(row.heartbeat, row.mark)


def beat(connection: Connection, node: str, now: datetime) -> None:
    """Show that the holder is alive."""
    connection.execute(_BEAT, {"of_node": node, "heartbeat": now})


def last_sequence(connection: Connection, node: str) -> int:
    """The node's last event, 0 before the first."""
    return int(connection.execute(_LAST, {"of_node": node}).scalar() or 0)
