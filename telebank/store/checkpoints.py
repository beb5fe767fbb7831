"""Leaves, checkpoints and keys of the audit log: what is read of them, and jobs that write them.

Entry number n (`sequence`, from 1) is leaf n - 1 of its node's tree; a checkpoint of size n stands
for entries 1 to n.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, bindparam, func, insert, select

from telebank.audit.merkle import HASH_BYTES, CompactRange
from telebank.store import tables
from telebank.store.audit_tables import audit_key, checkpoint
from telebank.store.transaction import Transaction
from transactions.journal import JournalEvent

PAGE = 1_000
"""Leaves read at a time."""
_C, _K, _L = checkpoint.c, audit_key.c, tables.leaf.c
_LEAVES = (
    select(_L.sequence, _L.hash)
    .where(_L.node == bindparam("of_node"))
    .where(_L.sequence > bindparam("begin"), _L.sequence <= bindparam("until"))
    .order_by(_L.sequence)
)
_END = select(func.max(_L.sequence)).where(_L.node == bindparam("of_node"))
_AFTER = (
    select(_C.size, _C.note, _C.peaks, _C.at)
    .where(_C.node == bindparam("of_node"), _C.size > bindparam("after"))
    .order_by(_C.size)
    .limit(bindparam("most"))
)
_UP_TO = (
    select(_C.size, _C.note, _C.peaks, _C.at)
    .where(_C.node == bindparam("of_node"), _C.size <= bindparam("most"))
    .order_by(_C.size.desc())
    .limit(1)
)
_KEYS = (
    select(_K.number, _K.public, _K.statement)
    .where(_K.node == bindparam("of_node"))
    .order_by(_K.number)
)
_PUT = insert(checkpoint)
_PUT_KEY = insert(audit_key)


class LeafMissing(Exception):  # noqa: N818 - reads as what it is
    """The node's leaves have a gap: somebody deleted one."""

    def __init__(self, node: str, sequence: int) -> None:
        super().__init__(f"the leaf of entry {node}-{sequence} is gone")


@dataclass(frozen=True, slots=True)
class Stored:
    """A checkpoint of the store."""

    size: int
    note: str
    peaks: bytes
    at: datetime

    def tree(self) -> CompactRange:
        """The tree of this size; raises `ValueError` where the row was changed."""
        raw = self.peaks
        return CompactRange(
            self.size, [raw[n : n + HASH_BYTES] for n in range(0, len(raw), HASH_BYTES)]
        )


@dataclass(frozen=True, slots=True)
class StoredKey:
    """A public key of a node."""

    number: int
    public: str
    statement: str | None


def end_of_leaves(connection: Connection, node: str) -> int:
    """The last leaf's sequence; 0 before the first."""
    return int(connection.execute(_END, {"of_node": node}).scalar() or 0)


def leaves(connection: Connection, node: str, begin: int, end: int) -> Iterator[bytes]:
    """Leaf hashes of entries `begin` + 1 to `end`; raises `LeafMissing`."""
    while begin < end:
        until = min(begin + PAGE, end)
        span = {"of_node": node, "begin": begin, "until": until}
        found = connection.execute(_LEAVES, span).all()
        if len(found) < until - begin:  # numbers are unique, so that as many are all
            there = {sequence for sequence, _ in found}
            raise LeafMissing(node, next(n for n in range(begin + 1, end + 1) if n not in there))
        yield from [leaf for _, leaf in found]
        begin = until


def checkpoints_after(
    connection: Connection, node: str, size: int, most: int = PAGE
) -> list[Stored]:
    """The next checkpoints beyond a size, oldest first."""
    of = {"of_node": node, "after": size, "most": most}
    return [Stored(*row) for row in connection.execute(_AFTER, of)]


def checkpoint_up_to(connection: Connection, node: str, size: int) -> Stored | None:
    """The newest checkpoint of at most this size."""
    row = connection.execute(_UP_TO, {"of_node": node, "most": size}).first()
    return None if row is None else Stored(*row)


def keys_of(connection: Connection, node: str) -> Sequence[StoredKey]:
    """The node's keys, oldest first."""
    return [StoredKey(*row) for row in connection.execute(_KEYS, {"of_node": node})]


def put_checkpoint(
    part: Transaction, tree: CompactRange, note: str, reason: str, key: StoredKey | None = None
) -> None:
    """Write a checkpoint of the writer's node, and the key that signed it where that is new. What
    is there is left: the answer to an earlier commit may have been lost."""
    if key is not None:
        _put_key(part, key)
    newest = checkpoint_up_to(part.connection, part.node, tree.size)
    if newest is not None and newest.size == tree.size:
        return
    row: dict[str, Any] = {"node": part.node, "size": tree.size, "peaks": b"".join(tree.peaks)}
    part.execute(_PUT, row | {"note": note, "reason": reason, "at": part.now})


def _put_key(part: Transaction, key: StoredKey) -> None:
    if any(known.number == key.number for known in keys_of(part.connection, part.node)):
        return
    row: dict[str, Any] = {"node": part.node, "number": key.number, "public": key.public}
    part.execute(_PUT_KEY, row | {"statement": key.statement, "at": part.now})
    if key.number > 1:
        told = JournalEvent("audit.key", outcome=str(key.number))
        told.detail["public"] = key.public
        part.event(told)
