"""The node's lease: a rising epoch that every commit checks (rule 7)."""

from datetime import datetime

from sqlalchemy import Connection, bindparam, func, insert, select, update

from telebank.store.tables import event, lease
from transactions.ports import LeaseLost

_READ = (
    select(lease.c.epoch, lease.c.heartbeat)
    .where(lease.c.node == bindparam("of_node"))
    .with_for_update()
)
_RAISE = (
    update(lease)
    .where(lease.c.node == bindparam("of_node"))
    .values(epoch=lease.c.epoch + 1)
    .returning(lease.c.epoch)
)
_BEAT = update(lease).where(lease.c.node == bindparam("of_node"))
_LAST = select(func.max(event.c.sequence)).where(event.c.node == bindparam("of_node"))


def take(connection: Connection, node: str, holder: str, now: datetime) -> int:
    """Raise the node's epoch and hold it; every earlier holder's next commit fails."""
    values = {"of_node": node, "holder": holder, "heartbeat": now}
    epoch = connection.execute(_RAISE, values).scalar()
    if epoch is None:
        connection.execute(insert(lease).values(node=node, epoch=1, holder=holder, heartbeat=now))
        epoch = 1
    return int(epoch)


def check(connection: Connection, node: str, epoch: int) -> datetime:
    """Raise `LeaseLost` unless `epoch` is still the node's; return the last heartbeat."""
    row = connection.execute(_READ, {"of_node": node}).first()
    if row is None or row.epoch != epoch:
        taken = "nobody" if row is None else f"epoch {row.epoch}"
        raise LeaseLost(f"node {node} lost its lease: it holds epoch {epoch}, {taken} is current")
    heartbeat: datetime = row.heartbeat
    return heartbeat


def beat(connection: Connection, node: str, now: datetime) -> None:
    """Show that the holder is alive."""
    connection.execute(_BEAT, {"of_node": node, "heartbeat": now})


def last_sequence(connection: Connection, node: str) -> int:
    """The node's last event, 0 before the first."""
    return int(connection.execute(_LAST, {"of_node": node}).scalar() or 0)
