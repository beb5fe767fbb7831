"""What a node tells whoever watches it (`GET /v1/watch` of its control socket), and what a watcher
sees beside that: store, disk, clock. Figures only: no caller, no card, no name of a person.
"""

from collections.abc import Mapping, Sequence
from types import MappingProxyType

import msgspec

MISSES = 3
"""Looks in a row without an answer of the node, after which it is taken for dead: a busy one may
miss one or two."""
SEAT_STATES = ("offline", "ready", "ringing", "talking", "wrap_up", "busy", "break")


class Lines(msgspec.Struct, frozen=True, kw_only=True):
    """Calls now, and since the start."""

    limit: int = 0
    menus: int = 0
    """Callers at the menus, those who wait for or talk with tellers among them."""
    faxes: int = 0
    tellers: int = 0
    """Legs to tellers' phones; they take no lines."""
    setups: int = 0
    setups_per_s: float = 0.0
    refused: Mapping[str, int] = MappingProxyType({})
    """Since the start, by cause (`telebank.calls.board.refusals`)."""

    @property
    def busy(self) -> int:
        """Lines in use."""
        return self.menus + self.faxes


class Trunk(msgspec.Struct, frozen=True, kw_only=True):
    """A trunk; `peers` are those that OPTIONS asks, none where nobody is asked."""

    name: str
    calls_in: int = 0
    calls_out: int = 0
    peers: int = 0
    peers_up: int = 0

    @property
    def blocked(self) -> bool:
        """It has peers and none of them answers."""
        return self.peers > 0 and self.peers_up == 0


class Worker(msgspec.Struct, frozen=True, kw_only=True):
    """A media worker."""

    up: bool = False
    channels: int = 0
    late_ms: float = 0.0
    """99th percentile of how late its ticks were."""


class Queue(msgspec.Struct, frozen=True, kw_only=True):
    """A queue now and today."""

    key: str
    name: str
    """In English: SNMP tools show ASCII."""
    waiting: int = 0
    longest_s: float = 0.0
    seats_ready: int = 0
    seats_in: int = 0
    open: bool = False
    offered: int = 0
    answered: int = 0
    abandoned: int = 0


class Link(msgspec.Struct, frozen=True, kw_only=True):
    """A connection to the core host."""

    name: str
    up: bool = False
    since_s: float = 0.0
    """Seconds in this state."""
    latency_ms: float = 0.0
    """From the last message to its reply."""
    answers: int = 0
    stan: int = 0
    """Of the last message that was answered (field 11)."""


class Host(msgspec.Struct, frozen=True, kw_only=True):
    """The core host as its adapter sees it."""

    name: str = ""
    links_up: int = 0
    links: int = 0
    in_flight: int = 0
    business_date: str = ""
    each: Sequence[Link] = ()


class Fax(msgspec.Struct, frozen=True, kw_only=True):
    """Faxes of this node."""

    available: bool = False
    channels: int = 0
    busy: int = 0


class Anchors(msgspec.Struct, frozen=True, kw_only=True):
    """Copies of the audit log's checkpoints at places of other machines ([audit] anchors)."""

    places: int = 0
    sequence: int = 0
    """Last entry that is covered at every place."""
    late: int = 0
    """Places whose copies are late, or not of this log."""


class NodeTold(msgspec.Struct, frozen=True, kw_only=True):
    """All that a node tells at one time."""

    node: str
    version: str
    release: str
    epoch: int
    uptime_s: float
    draining: bool
    stand_in: bool
    """Customers can be proved with the host away (`[auth] verifier = "local"`)."""
    lines: Lines
    trunks: Sequence[Trunk] = ()
    workers: Sequence[Worker] = ()
    queues: Sequence[Queue] = ()
    seats: Mapping[str, int] = MappingProxyType({})
    """People at desks by state."""
    host: Host = Host()
    fax: Fax = Fax()
    anchors: Anchors = Anchors()
    faults: int = 0
    """Faults of ours that ended a call (`total_sip_faults`)."""


class StoreTold(msgspec.Struct, frozen=True, kw_only=True):
    """What the store says of this node; read, never written."""

    pending: int = 0
    """Requests on their way to an end: RECORDED, SENT."""
    oldest_s: float = 0.0
    """Age of the oldest of those, in seconds."""
    unknown: int = 0
    """Outcomes that are not known and that machines work on."""
    unknown_oldest_s: float = 0.0
    manual: int = 0
    """Those in a person's hands."""
    heartbeat_s: float = 0.0
    """Age of the node's last commit that beat its lease."""
    sequence: int = 0
    """Last entry of the node's event and audit log."""
    entry_s: float = 0.0
    """Age of it."""
    checkpoint_sequence: int = 0
    """Last entry that a checkpoint of the same database covers; 0: none does."""
    checkpoint_s: float | None = None
    """Age of that checkpoint; None: there is none."""


class Disk(msgspec.Struct, frozen=True, kw_only=True):
    """The file system of the data folder, in bytes."""

    total: int = 0
    free: int = 0

    @property
    def free_percent(self) -> float:
        """Of all."""
        return 100.0 * self.free / self.total if self.total else 0.0


class Clock(msgspec.Struct, frozen=True, kw_only=True):
    """Steps of the wall clock, against the monotonic one."""

    steps: int = 0
    """Since the watcher began."""
    step_s: float = 0.0
    """The last one; below zero: back."""
    since_s: float | None = None
    """Since when; None: there was none."""


class AlarmNow(msgspec.Struct, frozen=True, kw_only=True):
    """An alarm of config/alarms.yaml as it stands."""

    name: str
    severity: str
    raised: bool = False
    pending: bool = False
    """Beyond its threshold, not for long enough yet."""
    since_s: float = 0.0
    """Seconds in this state."""
    value: float | None = None
    threshold: float = 0.0
    en: str = ""
    zh: str = ""


class Snapshot(msgspec.Struct, frozen=True, kw_only=True):
    """One look at everything; parts that could not be seen are None."""

    node: NodeTold | None = None
    node_why: str = "not asked yet"
    """Why the node told nothing."""
    misses: int = MISSES
    """Looks in a row at which it told nothing."""
    store: StoreTold | None = None
    store_why: str = "not asked yet"
    disk: Disk = Disk()
    clock: Clock = Clock()
    alarms: Sequence[AlarmNow] = ()
    at: float = 0.0
    """When it was looked, in monotonic seconds."""

    @property
    def live(self) -> bool:
        """Whether the node answers, or has only just missed."""
        return self.node is not None or self.misses < MISSES
