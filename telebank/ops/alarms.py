"""Alarms: figures beyond their thresholds for long enough, and well again. A machine: the look and
the time are given, nothing is sent from here.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Annotated, Literal

import msgspec

from telebank.ops.metrics_types import AlarmNow, NodeTold, Snapshot, StoreTold

LATELY_S = 600.0
"""How long a step of the clock, or a fault, is news, in seconds."""
MAX_FOR_S = 86_400
Figure = Callable[[Snapshot], float | None]


class Rule(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """A line of config/alarms.yaml; either `above` or `below`."""

    name: Annotated[str, msgspec.Meta(pattern="^[a-z0-9_]{1,40}$")]
    metric: str
    severity: Literal["information", "warning", "major", "critical"]
    zh: Annotated[str, msgspec.Meta(min_length=1, max_length=100)]
    en: Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
    above: float | None = None
    below: float | None = None
    clear: float | None = None
    """Where it is well again; without it at the threshold itself."""
    for_s: Annotated[float, msgspec.Meta(ge=0, le=MAX_FOR_S)] = msgspec.field(name="for")

    def __post_init__(self) -> None:
        if self.metric not in FIGURES:
            raise ValueError(f"{self.name}: no figure is called {self.metric!r}")
        if (self.above is None) == (self.below is None):
            raise ValueError(f"{self.name}: give above or below")
        near = self.clear is None or (
            self.clear <= self.threshold if self.above is not None else self.clear >= self.threshold
        )
        if not near:
            raise ValueError(f"{self.name}: clear is beyond the threshold: it would never be well")

    @property
    def threshold(self) -> float:
        """What the figure is not to be beyond."""
        found = self.above if self.above is not None else self.below
        assert found is not None
        return found

    def beyond(self, value: float) -> bool:
        """Whether a figure is."""
        return value > self.threshold if self.above is not None else value < self.threshold

    def well(self, value: float) -> bool:
        """Whether it is well again, after it was not."""
        if self.clear is None:
            return not self.beyond(value)
        return value <= self.clear if self.above is not None else value >= self.clear


@dataclass(frozen=True, slots=True)
class Change:
    """An alarm was raised, or is over."""

    rule: Rule
    raised: bool
    value: float


@dataclass(slots=True)
class _State:
    raised: bool
    since: float
    turning: float | None = None
    """Since when it has been beyond its threshold, or well again, and not for long enough."""
    value: float | None = None


@dataclass(slots=True)
class Alarms:
    """All of them; `raised` are those of an earlier run. Times are monotonic seconds."""

    rules: Sequence[Rule]
    raised: frozenset[str] = frozenset()
    _states: dict[str, _State] = field(default_factory=dict)
    _faults: float | None = None
    _fault_at: float | None = None

    def looked(self, seen: Snapshot, now: float) -> list[Change]:
        """What changed by this look. A figure that cannot be seen changes nothing."""
        changes = []
        for rule in self.rules:
            state = self._states.get(rule.name)
            if state is None:
                state = self._states[rule.name] = _State(rule.name in self.raised, now)
            state.value = self._figure(rule.metric, seen, now)
            if state.value is not None and self._turns(rule, state, state.value, now):
                changes.append(Change(rule, state.raised, state.value))
        return changes

    def now(self, now: float) -> list[AlarmNow]:
        """As they stand."""
        told = []
        for rule in self.rules:
            state = self._states.get(rule.name, _State(False, now))
            pending = state.turning is not None and not state.raised
            since = state.turning if pending and state.turning is not None else state.since
            told.append(
                AlarmNow(
                    name=rule.name,
                    severity=rule.severity,
                    raised=state.raised,
                    pending=pending,
                    since_s=now - since,
                    value=state.value,
                    threshold=rule.threshold,
                    en=rule.en,
                    zh=rule.zh,
                )
            )
        return told

    @staticmethod
    def _turns(rule: Rule, state: _State, value: float, now: float) -> bool:
        turning = rule.well(value) if state.raised else rule.beyond(value)
        if not turning:
            state.turning = None
            return False
        if state.turning is None:
            state.turning = now
        if now - state.turning < rule.for_s:
            return False
        state.raised, state.since, state.turning = not state.raised, now, None
        return True

    def _figure(self, name: str, seen: Snapshot, now: float) -> float | None:
        if name != FAULTS:
            return FIGURES[name](seen)
        if seen.node is None:
            return None
        if self._faults is not None and seen.node.faults > self._faults:
            self._fault_at = now
        self._faults = seen.node.faults
        return float(self._fault_at is not None and now - self._fault_at < LATELY_S)


def _node(read: Callable[[NodeTold], float | None]) -> Figure:
    return lambda seen: None if seen.node is None else read(seen.node)


def _store(read: Callable[[StoreTold], float | None]) -> Figure:
    return lambda seen: None if seen.store is None else read(seen.store)


def _stepped(seen: Snapshot) -> float:
    since = seen.clock.since_s
    return abs(seen.clock.step_s) if since is not None and since < LATELY_S else 0.0


FAULTS = "faults_of_late"
FIGURES: Mapping[str, Figure] = MappingProxyType(
    {
        "node_up": lambda seen: float(seen.node is not None),
        "lines_busy_percent": _node(
            lambda node: 100.0 * node.lines.busy / node.lines.limit if node.lines.limit else None
        ),
        "trunks_blocked": _node(lambda node: sum(one.blocked for one in node.trunks)),
        "media_workers_down": _node(lambda node: sum(not one.up for one in node.workers)),
        "media_late_ms": _node(lambda node: max((one.late_ms for one in node.workers), default=0)),
        "queue_waiting": _node(lambda node: sum(one.waiting for one in node.queues)),
        "queue_longest_wait_s": _node(
            lambda node: max((one.longest_s for one in node.queues), default=0)
        ),
        "host_links_up": _node(lambda node: node.host.links_up),
        "host_links_down": _node(lambda node: node.host.links - node.host.links_up),
        "host_latency_ms": _node(
            lambda node: max((one.latency_ms for one in node.host.each), default=0)
        ),
        "fax_available": _node(lambda node: float(node.fax.available)),
        "fax_channels_free": _node(lambda node: node.fax.channels - node.fax.busy),
        FAULTS: _node(lambda node: node.faults),
        "store_heartbeat_age_s": _store(lambda store: store.heartbeat_s),
        "journal_pending": _store(lambda store: store.pending),
        "journal_oldest_s": _store(lambda store: store.oldest_s),
        "journal_unknown": _store(lambda store: store.unknown),
        "journal_unknown_oldest_s": _store(lambda store: store.unknown_oldest_s),
        "journal_manual": _store(lambda store: store.manual),
        "audit_entry_age_s": _store(lambda store: store.entry_s),
        "audit_checkpoint_age_s": _store(lambda store: store.checkpoint_s),
        "audit_anchors": _node(lambda node: node.anchors.places),
        "audit_anchors_late": _node(lambda node: node.anchors.late),
        "disk_free_percent": lambda seen: seen.disk.free_percent if seen.disk.total else None,
        "disk_free_mb": lambda seen: seen.disk.free / 2**20 if seen.disk.total else None,
        "clock_stepped_s": _stepped,
    }
)
"""What a rule may look at; None where it cannot be seen. `faults_of_late` is 1 for ten minutes
after a fault."""
