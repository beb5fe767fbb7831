"""A snapshot as SNMP sees it: instances in the order of their identifiers, found by bisection."""

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from telebank.ops.metrics_types import Snapshot
from telebank.ops.snmp.objects import (
    MAX_32,
    MAX_64,
    MAX_INTEGER,
    MAX_TEXT,
    MODULE,
    OBJECTS,
    SCALARS,
    TABLES,
    Oid,
    Syntax,
)

SYSTEM: Oid = (1, 3, 6, 1, 2, 1, 1)
"""Group system of SNMPv2-MIB (RFC 3418), of which a manager reads what and since when we are."""
Kind = Syntax | str
_MOST = {"Gauge32": MAX_32, "Integer32": MAX_INTEGER, "Counter32": MAX_32, "Counter64": MAX_64}
_LEAST = {"Integer32": -MAX_INTEGER - 1}
_WRAPS = ("Counter32", "Counter64")


@dataclass(frozen=True, slots=True)
class Instance:
    """One figure under its identifier; `value` is an int, a str, or an Oid."""

    oid: Oid
    syntax: Kind
    value: Any


@dataclass(frozen=True, slots=True)
class Agent:
    """What the group system says of us. `uptime_s` is since the watcher began."""

    description: str
    name: str
    uptime_s: float = 0.0


class View:
    """All instances of one moment."""

    def __init__(self, instances: Sequence[Instance]) -> None:
        self._all = sorted(instances, key=lambda each: each.oid)
        self._oids = [each.oid for each in self._all]

    def get(self, oid: Oid) -> Instance | None:
        """The instance of exactly this identifier."""
        place = bisect_left(self._oids, oid)
        found = place < len(self._oids) and self._oids[place] == oid
        return self._all[place] if found else None

    def after(self, oid: Oid) -> Instance | None:
        """The next one in order; None: there is no more."""
        place = bisect_right(self._oids, oid)
        return self._all[place] if place < len(self._all) else None

    def __len__(self) -> int:
        return len(self._all)


def view(seen: Snapshot, agent: Agent) -> View:
    """Everything that a manager may read."""
    return View([*_system(agent), *_objects(seen)])


def _system(agent: Agent) -> Iterator[Instance]:
    yield Instance((*SYSTEM, 1, 0), "DisplayString", agent.description[:MAX_TEXT])
    yield Instance((*SYSTEM, 2, 0), "ObjectIdentifier", MODULE)
    yield Instance((*SYSTEM, 3, 0), "TimeTicks", int(agent.uptime_s * 100) & MAX_32)
    yield Instance((*SYSTEM, 5, 0), "DisplayString", agent.name[:MAX_TEXT])


def _objects(seen: Snapshot) -> Iterator[Instance]:
    for one in SCALARS:
        oid = (*OBJECTS, one.group, one.number, 0)
        yield Instance(oid, one.syntax, fitting(one.syntax, one.read(seen)))
    for table in TABLES:
        entry = (*OBJECTS, table.group, table.number, 1)
        for index, row in enumerate(table.rows(seen), 1):
            for column in table.columns:
                value = fitting(column.syntax, column.read(row))
                yield Instance((*entry, column.number, index), column.syntax, value)


def fitting(syntax: Syntax, value: Any) -> int | str:
    """The value within its syntax: counters wrap, gauges stay at their ends (RFC 2578 7.1.6 and
    7.1.7), text is ASCII and not too long (DisplayString, RFC 2579)."""
    if syntax == "DisplayString":
        return str(value).encode("ascii", "replace").decode()[:MAX_TEXT]
    number: int = round(value)
    if syntax in _WRAPS:
        return number & _MOST[syntax]
    return min(max(number, _LEAST.get(syntax, 0)), _MOST[syntax])
