"""TELEBANK-MIB as data: which figure of a snapshot stands under which object identifier.

`config/mibs/TELEBANK-MIB` says the same for others' programs; a test compares the two. Numbers of
objects are never given anew.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from telebank.ops import health
from telebank.ops.metrics_types import (
    SEAT_STATES,
    AlarmNow,
    Fax,
    Host,
    Lines,
    NodeTold,
    Queue,
    Snapshot,
    StoreTold,
    Trunk,
)

Oid = tuple[int, ...]
Syntax = Literal["Integer32", "Gauge32", "Counter32", "Counter64", "DisplayString"]
ENTERPRISE: Oid = (1, 3, 6, 1, 4, 1, 8072, 9999, 9999)
"""Until the bank has a number of its own (IANA, private enterprise numbers): netSnmpPlaypen, which
NET-SNMP-MIB sets aside for what nobody has registered."""
MODULE: Oid = (*ENTERPRISE, 8583)
NOTIFICATIONS: Oid = (*MODULE, 0)
OBJECTS: Oid = (*MODULE, 1)
TRUE, FALSE = 1, 2
"""TruthValue (RFC 2579)."""
MAX_TEXT = 255
MAX_32 = 2**32 - 1
MAX_INTEGER = 2**31 - 1
MAX_64 = 2**64 - 1
NONE = -1
"""Where there is nothing to be measured."""
SEVERITIES = ("information", "warning", "major", "critical")


@dataclass(frozen=True, slots=True)
class Scalar:
    """One figure: `group`.`number`.0."""

    name: str
    group: int
    number: int
    syntax: Syntax
    read: Callable[[Snapshot], Any]


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a table."""

    name: str
    number: int
    syntax: Syntax
    read: Callable[[Any], Any]


@dataclass(frozen=True, slots=True)
class Table:
    """Rows are numbered from 1 in the order of `rows`; column 1, the index, is not accessible."""

    name: str
    group: int
    number: int
    rows: Callable[[Snapshot], Sequence[Any]]
    columns: Sequence[Column]


_NO_LINES, _NO_HOST, _NO_FAX, _NO_STORE = Lines(), Host(), Fax(), StoreTold()


def _node(read: Callable[[NodeTold], Any], otherwise: Any) -> Callable[[Snapshot], Any]:
    return lambda seen: otherwise if seen.node is None else read(seen.node)


def _lines(seen: Snapshot) -> Lines:
    return _NO_LINES if seen.node is None else seen.node.lines


def _host(seen: Snapshot) -> Host:
    return _NO_HOST if seen.node is None else seen.node.host


def _fax(seen: Snapshot) -> Fax:
    return _NO_FAX if seen.node is None else seen.node.fax


def _store(seen: Snapshot) -> StoreTold:
    return _NO_STORE if seen.store is None else seen.store


def _queues(seen: Snapshot) -> Sequence[Queue]:
    return () if seen.node is None else seen.node.queues


def _seats(seen: Snapshot) -> Sequence[tuple[str, int]]:
    """Every state, also those that nobody is in."""
    found = {} if seen.node is None else seen.node.seats
    return [(state, found.get(state, 0)) for state in SEAT_STATES]


def _true(value: object) -> int:
    return TRUE if value else FALSE


def _trunk_state(trunk: Trunk) -> int:
    """up(1), degraded(2), blocked(3), unwatched(4)."""
    if not trunk.peers:
        return 4
    if trunk.blocked:
        return 3
    return 1 if trunk.peers_up == trunk.peers else 2


def _alarm_state(alarm: AlarmNow) -> int:
    """clear(1), pending(2), raised(3)."""
    return 3 if alarm.raised else 2 if alarm.pending else 1


def _or_none(value: float | None) -> float:
    return NONE if value is None else value


S, C = Scalar, Column

SCALARS: Sequence[Scalar] = (
    S("tbNodeId", 1, 1, "DisplayString", _node(lambda node: node.node, "")),
    S("tbNodeVersion", 1, 2, "DisplayString", _node(lambda node: node.version, "")),
    S("tbNodeRelease", 1, 3, "DisplayString", _node(lambda node: node.release, "")),
    S("tbNodeUp", 1, 4, "Integer32", lambda seen: _true(seen.node is not None)),
    S("tbNodeReady", 1, 5, "Integer32", lambda seen: _true(health.judge(seen).ready)),
    S("tbNodeWhyNotReady", 1, 6, "DisplayString", lambda seen: "; ".join(health.judge(seen).no)),
    S("tbNodeDraining", 1, 7, "Integer32", _node(lambda node: _true(node.draining), FALSE)),
    S("tbNodeUptime", 1, 8, "Gauge32", _node(lambda node: node.uptime_s, 0)),
    S("tbNodeFaults", 1, 9, "Counter64", _node(lambda node: node.faults, 0)),
    S("tbLinesLimit", 2, 1, "Gauge32", lambda seen: _lines(seen).limit),
    S("tbLinesBusy", 2, 2, "Gauge32", lambda seen: _lines(seen).busy),
    S("tbLinesMenus", 2, 3, "Gauge32", lambda seen: _lines(seen).menus),
    S("tbLinesFaxes", 2, 4, "Gauge32", lambda seen: _lines(seen).faxes),
    S("tbLinesTellers", 2, 5, "Gauge32", lambda seen: _lines(seen).tellers),
    S("tbLinesSetups", 2, 6, "Counter64", lambda seen: _lines(seen).setups),
    S("tbLinesRefused", 2, 7, "Counter64", lambda seen: _lines(seen).refused.get("busy", 0)),
    S(
        *("tbLinesNotAdmitted", 2, 8, "Counter64"),
        lambda seen: _lines(seen).refused.get("admission", 0),
    ),
    S("tbHostName", 4, 1, "DisplayString", lambda seen: _host(seen).name),
    S("tbHostLinks", 4, 2, "Gauge32", lambda seen: _host(seen).links),
    S("tbHostLinksUp", 4, 3, "Gauge32", lambda seen: _host(seen).links_up),
    S("tbHostInFlight", 4, 4, "Gauge32", lambda seen: _host(seen).in_flight),
    S("tbHostBusinessDate", 4, 5, "DisplayString", lambda seen: _host(seen).business_date),
    S("tbJournalPending", 5, 1, "Gauge32", lambda seen: _store(seen).pending),
    S("tbJournalOldest", 5, 2, "Gauge32", lambda seen: _store(seen).oldest_s),
    S("tbJournalUnknown", 5, 3, "Gauge32", lambda seen: _store(seen).unknown),
    S("tbJournalUnknownOldest", 5, 4, "Gauge32", lambda seen: _store(seen).unknown_oldest_s),
    S("tbJournalManual", 5, 5, "Gauge32", lambda seen: _store(seen).manual),
    S("tbJournalHeartbeat", 5, 6, "Gauge32", lambda seen: _store(seen).heartbeat_s),
    S("tbJournalReadable", 5, 7, "Integer32", lambda seen: _true(seen.store is not None)),
    S("tbFaxAvailable", 6, 1, "Integer32", lambda seen: _true(_fax(seen).available)),
    S("tbFaxChannels", 6, 2, "Gauge32", lambda seen: _fax(seen).channels),
    S("tbFaxChannelsBusy", 6, 3, "Gauge32", lambda seen: _fax(seen).busy),
    S("tbDiskTotal", 7, 1, "Gauge32", lambda seen: seen.disk.total // 2**20),
    S("tbDiskFree", 7, 2, "Gauge32", lambda seen: seen.disk.free // 2**20),
    S("tbDiskFreePercent", 7, 3, "Gauge32", lambda seen: seen.disk.free_percent),
    S("tbAuditSequence", 8, 1, "Counter64", lambda seen: _store(seen).sequence),
    S("tbAuditEntryAge", 8, 2, "Gauge32", lambda seen: _store(seen).entry_s),
    S("tbAuditCheckpoint", 8, 3, "Counter64", lambda seen: _store(seen).checkpoint_sequence),
    S(
        *("tbAuditCheckpointAge", 8, 4, "Integer32"),
        lambda seen: _or_none(_store(seen).checkpoint_s),
    ),
    S("tbAuditAnchors", 8, 5, "Integer32", _node(lambda node: node.anchors.places, NONE)),
    S("tbAuditAnchorsLate", 8, 6, "Gauge32", _node(lambda node: node.anchors.late, 0)),
    S("tbAuditAnchorSequence", 8, 7, "Counter64", _node(lambda node: node.anchors.sequence, 0)),
    S("tbClockSteps", 9, 1, "Counter32", lambda seen: seen.clock.steps),
    S("tbClockStep", 9, 2, "Integer32", lambda seen: seen.clock.step_s * 1000),
    S("tbClockStepAge", 9, 3, "Integer32", lambda seen: _or_none(seen.clock.since_s)),
)

TABLES: Sequence[Table] = (
    Table(
        *("tbTrunk", 2, 20, _node(lambda node: node.trunks, ())),
        (
            C("tbTrunkName", 2, "DisplayString", lambda row: row.name),
            C("tbTrunkState", 3, "Integer32", _trunk_state),
            C("tbTrunkCallsIn", 4, "Gauge32", lambda row: row.calls_in),
            C("tbTrunkCallsOut", 5, "Gauge32", lambda row: row.calls_out),
            C("tbTrunkPeers", 6, "Gauge32", lambda row: row.peers),
            C("tbTrunkPeersUp", 7, "Gauge32", lambda row: row.peers_up),
        ),
    ),
    Table(
        *("tbWorker", 2, 21, _node(lambda node: node.workers, ())),
        (
            C("tbWorkerUp", 2, "Integer32", lambda row: _true(row.up)),
            C("tbWorkerChannels", 3, "Gauge32", lambda row: row.channels),
            C("tbWorkerLate", 4, "Gauge32", lambda row: row.late_ms * 1000),
        ),
    ),
    Table(
        *("tbQueue", 3, 20, _queues),
        (
            C("tbQueueName", 2, "DisplayString", lambda row: row.name),
            C("tbQueueOpen", 3, "Integer32", lambda row: _true(row.open)),
            C("tbQueueWaiting", 4, "Gauge32", lambda row: row.waiting),
            C("tbQueueLongest", 5, "Gauge32", lambda row: row.longest_s),
            C("tbQueueSeatsReady", 6, "Gauge32", lambda row: row.seats_ready),
            C("tbQueueSeatsIn", 7, "Gauge32", lambda row: row.seats_in),
            C("tbQueueOffered", 8, "Gauge32", lambda row: row.offered),
            C("tbQueueAnswered", 9, "Gauge32", lambda row: row.answered),
            C("tbQueueAbandoned", 10, "Gauge32", lambda row: row.abandoned),
        ),
    ),
    Table(
        *("tbSeat", 3, 21, _seats),
        (
            C("tbSeatState", 2, "DisplayString", lambda row: row[0]),
            C("tbSeatCount", 3, "Gauge32", lambda row: row[1]),
        ),
    ),
    Table(
        *("tbLink", 4, 20, lambda seen: _host(seen).each),
        (
            C("tbLinkName", 2, "DisplayString", lambda row: row.name),
            C("tbLinkState", 3, "Integer32", lambda row: 1 if row.up else 2),
            C("tbLinkSince", 4, "Gauge32", lambda row: row.since_s),
            C("tbLinkLatency", 5, "Gauge32", lambda row: row.latency_ms),
            C("tbLinkAnswers", 6, "Counter64", lambda row: row.answers),
            C("tbLinkStan", 7, "Gauge32", lambda row: row.stan),
        ),
    ),
    Table(
        *("tbAlarm", 10, 20, lambda seen: seen.alarms),
        (
            C("tbAlarmName", 2, "DisplayString", lambda row: row.name),
            C("tbAlarmSeverity", 3, "Integer32", lambda row: SEVERITIES.index(row.severity) + 1),
            C("tbAlarmState", 4, "Integer32", _alarm_state),
            C("tbAlarmSince", 5, "Gauge32", lambda row: row.since_s),
            C("tbAlarmValue", 6, "DisplayString", lambda row: shown(row.value)),
            C("tbAlarmWords", 7, "DisplayString", lambda row: row.en),
        ),
    ),
)


def shown(value: float | None) -> str:
    """A figure for people; nothing where there is none."""
    return "" if value is None else f"{value:.6g}"
