"""The audit log as lines for `telebank/audit/verify.py`: an export, and the proof of one entry.

The format is in docs/audit.md. Entries are told as their rows make them now; where the leaf hash
that was written with a row is another, or gone, a line before it says so. Everything is read by
pages of `PAGE` rows.
"""

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, RowMapping, bindparam, func, select

from telebank.audit.canonical import canonical
from telebank.audit.merkle import CompactRange, inclusion_spans, leaf_hash, proof
from telebank.audit.notes import origin_of
from telebank.audit.verify import EXPORT, FORMAT, PROOF
from telebank.store import tables
from telebank.store.checkpoints import (
    PAGE,
    LeafMissing,
    Stored,
    checkpoint_up_to,
    checkpoints_after,
    end_of_leaves,
    keys_of,
    leaves,
)
from telebank.store.eventlog import end_before
from telebank.store.events import entry_of

_E, _L = tables.event.c, tables.leaf.c
_EVENTS = (
    select(tables.event)
    .where(_E.node == bindparam("of_node"))
    .where(_E.sequence > bindparam("begin"), _E.sequence <= bindparam("until"))
)
_HASHES = (
    select(_L.sequence, _L.hash)
    .where(_L.node == bindparam("of_node"))
    .where(_L.sequence > bindparam("begin"), _L.sequence <= bindparam("until"))
)
_END = select(func.max(_E.sequence)).where(_E.node == bindparam("of_node"))
_NODES = select(_E.node).union(select(_L.node))


class NoProof(Exception):  # noqa: N818 - reads as what it is
    """The entry cannot be proved; the message says why."""


@dataclass(frozen=True, slots=True)
class Span:
    """Entries `first` to `last` of one node."""

    node: str
    first: int
    last: int
    part: bool = True
    """Whether more may follow: then leaf hashes up to the next checkpoint do."""

    @property
    def count(self) -> int:
        """How many."""
        return max(0, self.last - self.first + 1)


def nodes_of(connection: Connection) -> list[str]:
    """Every node that has entries."""
    return sorted(connection.execute(_NODES).scalars())


def whole(connection: Connection, node: str) -> Span:
    """All entries of a node, as its rows or its leaves have them."""
    last = max(_end_of_rows(connection, node), end_of_leaves(connection, node))
    return Span(node, 1, last, part=False)


def between(connection: Connection, node: str, since: datetime, until: datetime) -> Span:
    """The entries from the first of a time to the last before another, by numbers: an entry far
    off that bears such a time, as of a clock that stood wrong, is none of them."""
    end = _end_of_rows(connection, node)
    first = end_before(connection, node, end, since) + 1
    return Span(node, first, end_before(connection, node, end, until))


def export_lines(
    connection: Connection, spans: Sequence[Span], at: datetime, *, personal: bool
) -> Iterator[bytes]:
    """The lines of an export, each with its line feed."""
    head = {
        "type": EXPORT,
        "format": FORMAT,
        "at": at.isoformat(timespec="seconds"),
        "personal": personal,
        "statements": _statements(connection, [span.node for span in spans]),
    }
    yield _line(head)
    for span in spans:
        yield from _log_lines(connection, span, personal=personal)
    yield _line({"type": "end"})


def proof_of(connection: Connection, node: str, sequence: int) -> dict[str, Any]:
    """The proof that an entry stands in the log; raises `NoProof`."""
    rows = _rows(connection, node, sequence - 1, sequence)
    point = next(iter(checkpoints_after(connection, node, sequence - 1, 1)), None)
    if not rows:
        raise NoProof(f"there is no entry {node}-{sequence}")
    if point is None:
        raise NoProof(f"no checkpoint stands for entry {node}-{sequence} yet: try in a minute")
    spans = inclusion_spans(sequence - 1, point.size)
    path = proof(spans, lambda begin, end: leaves(connection, node, begin, end))
    return {
        "type": PROOF,
        "format": FORMAT,
        "entry": canonical(entry_of(rows[sequence]).fields()).decode(),
        "path": [each.hex() for each in path],
        "checkpoint": point.note,
        "statements": _statements(connection, [node]),
    }


def _end_of_rows(connection: Connection, node: str) -> int:
    return int(connection.execute(_END, {"of_node": node}).scalar() or 0)


def _statements(connection: Connection, nodes: Iterable[str]) -> list[str]:
    keys = (key for node in nodes for key in keys_of(connection, node))
    return [key.statement for key in keys if key.statement is not None]


def _log_lines(connection: Connection, span: Span, *, personal: bool) -> Iterator[bytes]:
    node = span.node
    before = _tree_at(connection, node, span.first - 1)
    yield _line(
        {
            "type": "log",
            "node": node,
            "origin": origin_of(node),
            "first": span.first,
            "last": span.last,
            "before": [peak.hex() for peak in before.peaks],
        }
    )
    points = _Points(connection, node, span.first - 1)
    for begin in range(span.first - 1, span.last, PAGE):
        until = min(begin + PAGE, span.last)
        rows = _rows(connection, node, begin, until)
        hashes = _hashes(connection, node, begin, until)
        for number in range(begin + 1, until + 1):
            yield from _entry_lines(number, rows.get(number), hashes.get(number), personal)
            yield from points.lines(number)
    if span.part:
        yield from _tail(connection, node, span.last)


def _entry_lines(
    number: int, row: RowMapping | None, stored: bytes | None, personal: bool
) -> Iterator[bytes]:
    if row is None:
        if stored is not None:
            yield _line({"type": "leaf", "sequence": number, "hash": stored.hex()})
        return  # nothing is there at all: the verifier misses it
    text = canonical(entry_of(row).fields())
    if leaf_hash(text) != stored:
        yield _line({"type": "stored", "sequence": number, "hash": (stored or b"").hex()})
    yield text + b"\n"
    if personal and row["personal"] is not None:
        detail = canonical(row["personal"]).decode()
        said = {"type": "personal", "sequence": number, "salt": (row["salt"] or b"").hex()}
        yield _line(said | {"text": detail})


def _tail(connection: Connection, node: str, last: int) -> Iterator[bytes]:
    """After a part: leaf hashes up to the next checkpoint, so that it can be compared; where that
    is gone, all there are. Which checkpoints were copied only the verifier knows: it demands the
    hashes up to the next that was."""
    point = next(iter(checkpoints_after(connection, node, last - 1, 1)), None)
    end = end_of_leaves(connection, node) if point is None else point.size
    try:
        for number, leaf in enumerate(leaves(connection, node, last, end), start=last + 1):
            yield _line({"type": "leaf", "sequence": number, "hash": leaf.hex()})
    except LeafMissing:
        return  # the verifier misses it too
    if point is not None and point.size > last:
        yield _line({"type": "checkpoint", "note": point.note})


class _Points:
    """A node's checkpoints, each told after the entry that it ends with."""

    def __init__(self, connection: Connection, node: str, size: int) -> None:
        self._connection, self._node = connection, node
        self._waiting: list[Stored] = []
        self._read = size
        self._more = True

    def lines(self, size: int) -> Iterator[bytes]:
        """Those of this size."""
        if not self._waiting and self._more:
            self._waiting = checkpoints_after(self._connection, self._node, self._read)
            self._more = bool(self._waiting)
            self._read = self._waiting[-1].size if self._waiting else self._read
        while self._waiting and self._waiting[0].size <= size:
            yield _line({"type": "checkpoint", "note": self._waiting.pop(0).note})


def _tree_at(connection: Connection, node: str, size: int) -> CompactRange:
    """The tree of the first `size` leaves, from the nearest checkpoint on."""
    near = checkpoint_up_to(connection, node, size)
    try:
        tree = CompactRange() if near is None else near.tree()
    except ValueError:  # somebody changed the row
        tree = CompactRange()
    for leaf in leaves(connection, node, tree.size, size):
        tree.append(leaf)
    return tree


def _rows(connection: Connection, node: str, begin: int, until: int) -> dict[int, RowMapping]:
    of = {"of_node": node, "begin": begin, "until": until}
    return {row["sequence"]: row for row in connection.execute(_EVENTS, of).mappings()}


def _hashes(connection: Connection, node: str, begin: int, until: int) -> dict[int, bytes]:
    of = {"of_node": node, "begin": begin, "until": until}
    return {row.sequence: row.hash for row in connection.execute(_HASHES, of)}


def _line(said: dict[str, Any]) -> bytes:
    return json.dumps(said, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"
