"""Which events of the log are notifications of TELEBANK-MIB, and in what words."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import IntEnum
from types import MappingProxyType

from telebank.ops.snmp.instances import Instance, fitting
from telebank.ops.snmp.objects import NOTIFICATIONS, OBJECTS, Oid
from telebank.store.event_search import masked
from telebank.store.eventlog import LoggedEvent

THRESHOLD, OVER = "alarm.threshold", "alarm.over"
KINDS = ("host.link", "trunk.down", "trunk.up")
"""Beside every `alarm` and `alarm.…`."""
TRAP_OID: Oid = (1, 3, 6, 1, 6, 3, 1, 1, 4, 1, 0)
"""snmpTrapOID.0 (RFC 3418)."""
UP_TIME: Oid = (1, 3, 6, 1, 2, 1, 1, 3, 0)
_CARRIED = 11
"""Group tbEvent."""


class Notice(IntEnum):
    """Number below telebankNotifications."""

    HOST_LINK_DOWN = 1
    HOST_LINK_UP = 2
    UNKNOWN_OUTCOME = 3
    TRUNK_BLOCKED = 4
    TRUNK_CLEARED = 5
    FAX_FAILED = 6
    DISK_LOW = 7
    AUDIT_ANCHOR_LATE = 8
    CLOCK_STEPPED = 9
    ALARM_RAISED = 10
    ALARM_CLEARED = 11


_OF_ALARM: Mapping[str, Notice] = MappingProxyType(
    {
        "disk_low": Notice.DISK_LOW,
        "disk_full": Notice.DISK_LOW,
        "audit_anchor_late": Notice.AUDIT_ANCHOR_LATE,
        "clock_step": Notice.CLOCK_STEPPED,
    }
)
"""Alarms of config/alarms.yaml that have a notification of their own."""
_OF_KIND: Mapping[str, Notice] = MappingProxyType(
    {
        "alarm.manual": Notice.UNKNOWN_OUTCOME,
        "alarm.fax": Notice.FAX_FAILED,
        "alarm.anchor": Notice.AUDIT_ANCHOR_LATE,
        "alarm.disk": Notice.DISK_LOW,
        "trunk.down": Notice.TRUNK_BLOCKED,
        "trunk.up": Notice.TRUNK_CLEARED,
        OVER: Notice.ALARM_CLEARED,
    }
)
_SUBJECT = ("alarm", "link", "trunk", "fax", "place", "what")
"""What an event is about, the first that its detail has; its request otherwise."""
_UNSAID = frozenset({"alarm", "link", "trunk", "zh"})


@dataclass(frozen=True, slots=True)
class Told:
    """One notification."""

    notice: Notice
    node: str
    sequence: int
    """Of the node's log; 0: it is in none."""
    at: datetime
    subject: str
    text: str

    def bindings(self, uptime_s: float) -> list[Instance]:
        """Its variables, in the order of RFC 3416 section 4.2.6."""
        carried = (*OBJECTS, _CARRIED)
        at = self.at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        texts = {1: self.node, 3: at, 4: self.subject, 5: self.text}
        values = [
            Instance((*carried, number, 0), "DisplayString", fitting("DisplayString", text))
            for number, text in texts.items()
        ]
        values.insert(1, Instance((*carried, 2, 0), "Counter64", self.sequence))
        return [
            Instance(UP_TIME, "TimeTicks", int(uptime_s * 100) % 2**32),
            Instance(TRAP_OID, "ObjectIdentifier", (*NOTIFICATIONS, int(self.notice))),
            *values,
        ]


def told_of(event: LoggedEvent) -> Told:
    """Of an event of `KINDS`, or an alarm; numbers of cards and accounts masked."""
    seen = masked(event)
    detail = {key: value for key, value in seen.detail.items() if value not in ("", None)}
    subject = next((str(detail[key]) for key in _SUBJECT if key in detail), seen.request or "")
    words = [f"{key} {value}" for key, value in detail.items() if key not in _UNSAID]
    text = ", ".join([seen.kind, *filter(None, [seen.outcome]), *words])
    return Told(notice_of(seen), seen.node, seen.sequence, seen.at, subject, text)


def notice_of(event: LoggedEvent) -> Notice:
    """Its notification."""
    if event.kind == "host.link":
        return Notice.HOST_LINK_UP if event.outcome == "up" else Notice.HOST_LINK_DOWN
    if event.kind == THRESHOLD:
        return of_alarm(str(event.detail.get("alarm", "")))
    return _OF_KIND.get(event.kind, Notice.ALARM_RAISED)


def of_alarm(name: str) -> Notice:
    """The notification of an alarm of config/alarms.yaml that is raised."""
    return _OF_ALARM.get(name, Notice.ALARM_RAISED)
