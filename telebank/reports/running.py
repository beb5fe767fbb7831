"""One day of the bank as the event log tells it: calls by hour, how services were answered, and
what went wrong. Folded from events, so that it holds for all nodes and outlives each.

A call belongs to the hour in which it came. What asks twice, is counted twice.
"""

import re
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final, Literal

HOURS: Final = 24
HOUR_S: Final = 3_600
MOST_CALLS: Final = 50_000
"""Calls whose end is still awaited; of more, the oldest are taken for lost."""
MOST_NAMES: Final = 500
"""Services, and kinds of faults, that are told apart; the rest are `OTHER`."""
MOST_WORDS: Final = 80
"""Letters of what went wrong that tell kinds apart."""
OTHER: Final = "…"
FAULTS: Final = (
    *("alarm", "alarm.contradiction", "alarm.fax", "alarm.mail", "alarm.manual", "alarm.orders"),
    *("alarm.quote", "alarm.release", "alarm.told", "call.security_failed", "call.failed"),
    *("fax.failed", "fax.unconfirmed", "fax.not_mailed", "input.exhausted"),
)
"""Kinds of events that are faults, whatever they say."""
KINDS: Final = (
    *("call.started", "call.ended", "service.answered", "request.state"),
    *("fax.done", "fax.received", "order.run", "host.link", "node.started", *FAULTS),
)
"""Kinds of events that say something here."""
GOOD: Final = frozenset({"ok", "last", "none", "stored", "posted"})
"""Exits of a service with which the caller had what he asked for."""
DOUBTFUL: Final = ("UNKNOWN", "MANUAL")
"""States of a request that are faults: nobody knows what became of it, or people must settle it."""
ENDS: Final[Mapping[str, str]] = MappingProxyType(
    {"remote": "by_caller", "cancel": "by_caller", "local": "by_bank"}
)
_LONG = re.compile(r"\d{7,}")
"""Digits that may be a card's or a telephone's."""
Bag = Literal["fax", "order"]


@dataclass(frozen=True, slots=True)
class Fact:
    """An event of the log."""

    kind: str
    at_s: float
    """Seconds since midnight of the bank's clock."""
    node: str
    call: str
    outcome: str
    detail: Mapping[str, object]


@dataclass(slots=True)
class Hour:
    """What came in an hour, or in a day."""

    calls: int = 0
    most: int = 0
    """Calls at once."""
    by_caller: int = 0
    by_bank: int = 0
    lost: int = 0
    """Ended by a fault: a timer, the network, the death of a node."""
    seconds: float = 0.0
    """Of the calls that ended, together."""
    services: int = 0
    done: int = 0
    faults: int = 0

    @property
    def ended(self) -> int:
        """Calls of it that are over."""
        return self.by_caller + self.by_bank + self.lost

    @property
    def mean_s(self) -> float | None:
        """Of a call that ended; None where none has."""
        return self.seconds / self.ended if self.ended else None

    def add(self, other: "Hour") -> None:
        """Another hour to a sum; `most` is that of the busier."""
        for name in ("calls", "by_caller", "by_bank", "lost", "seconds", "services", "done"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        self.faults += other.faults
        self.most = max(self.most, other.most)


@dataclass(slots=True)
class Asked:
    """A service as callers were answered."""

    exits: Counter[str] = field(default_factory=Counter)
    ms: int = 0
    """Of all answers together."""
    slowest_ms: int = 0

    @property
    def count(self) -> int:
        """How often it was answered."""
        return self.exits.total()

    @property
    def done(self) -> int:
        """How often the caller had what he asked for."""
        return sum(count for name, count in self.exits.items() if name in GOOD)

    @property
    def mean_ms(self) -> float:
        """From the question to the answer."""
        return self.ms / self.count if self.count else 0.0


@dataclass(slots=True)
class Fault:
    """What went wrong in one way."""

    kind: str
    what: str
    count: int = 0
    first_s: float = 0.0
    last_s: float = 0.0
    node: str = ""
    """Of the last."""
    call: str = ""
    """The last call that it happened to; empty: to none."""


@dataclass(slots=True)
class _Open:
    """A call that is up."""

    hour: int
    node: str


class Running:
    """A day while its events are read, oldest first; no clock, no I/O."""

    def __init__(self) -> None:
        self.hours = [Hour() for _ in range(HOURS)]
        self.services: dict[str, Asked] = {}
        self.faults: dict[tuple[str, str], Fault] = {}
        self.jobs: dict[Bag, Counter[str]] = {"fax": Counter(), "order": Counter()}
        """Ends of faxes and of scheduled orders."""
        self._open: dict[str, _Open] = {}

    def take(self, fact: Fact) -> None:
        """One event; of kinds that say nothing here, nothing comes."""
        step = _STEPS.get(fact.kind)
        if step is not None:
            step(self, fact)
        if fact.kind in FAULTS:
            self._fault(fact, _what(fact))

    def total(self) -> Hour:
        """The day."""
        day = Hour()
        for hour in self.hours:
            day.add(hour)
        return day

    def _hour(self, fact: Fact) -> Hour:
        return self.hours[_hour_of(fact.at_s)]

    def started(self, fact: Fact) -> None:
        if len(self._open) >= MOST_CALLS:
            self._lose(next(iter(self._open)))
        self._open[fact.call] = _Open(_hour_of(fact.at_s), fact.node)
        hour = self._hour(fact)
        hour.calls += 1
        hour.most = max(hour.most, len(self._open))

    def ended(self, fact: Fact) -> None:
        known = self._open.pop(fact.call, None)
        if known is None:
            return  # came on the day before
        hour = self.hours[known.hour]
        end = ENDS.get(str(fact.detail.get("by", "")), "lost")
        setattr(hour, end, getattr(hour, end) + 1)
        hour.seconds += _number(fact.detail.get("seconds"))

    def revived(self, fact: Fact) -> None:
        """Calls that its former life had open died with it."""
        for call in [call for call, one in self._open.items() if one.node == fact.node]:
            self._lose(call)

    def _lose(self, call: str) -> None:
        self.hours[self._open.pop(call).hour].lost += 1

    def answered(self, fact: Fact) -> None:
        if "ms" not in fact.detail:
            return  # the processor's word of the same answer
        service, exit_name = str(fact.detail.get("service", "")), str(fact.detail.get("exit", ""))
        name = service if service in self.services or len(self.services) < MOST_NAMES else OTHER
        asked = self.services.setdefault(name, Asked())
        asked.exits[exit_name] += 1
        took = int(_number(fact.detail.get("ms")))
        asked.ms += took
        asked.slowest_ms = max(asked.slowest_ms, took)
        hour = self._hour(fact)
        hour.services += 1
        hour.done += exit_name in GOOD

    def state(self, fact: Fact) -> None:
        if fact.outcome in DOUBTFUL:
            self._fault(fact, fact.outcome.lower())

    def link(self, fact: Fact) -> None:
        if fact.outcome != "up":
            self._fault(fact, f"{fact.detail.get('link', '')} {fact.outcome}".strip())

    def fax(self, fact: Fact) -> None:
        self.jobs["fax"][fact.kind.removeprefix("fax.")] += 1

    def order(self, fact: Fact) -> None:
        self.jobs["order"][fact.outcome] += 1

    def _fault(self, fact: Fact, what: str) -> None:
        key = fact.kind, what[:MOST_WORDS]
        if key not in self.faults and len(self.faults) >= MOST_NAMES:
            key = OTHER, ""
        fault = self.faults.setdefault(key, Fault(*key, first_s=fact.at_s))
        fault.count += 1
        fault.first_s = min(fault.first_s, fact.at_s)
        if fact.at_s >= fault.last_s:
            fault.last_s, fault.node = fact.at_s, fact.node
            fault.call = fact.call or fault.call
        self._hour(fact).faults += 1


def _hour_of(at_s: float) -> int:
    """The last hour takes what a day of twenty-five has."""
    return min(max(int(at_s // HOUR_S), 0), HOURS - 1)


def _number(value: object) -> float:
    return float(value) if isinstance(value, int | float) else 0.0


def _what(fact: Fact) -> str:
    """The words that tell kinds of a fault apart; none that name a person or a sum."""
    place = "/".join(str(fact.detail[name]) for name in ("flow", "node") if name in fact.detail)
    named = (str(fact.detail.get(name, "")) for name in ("what", "error", "why", "mail"))
    return _LONG.sub(OTHER, " ".join(filter(None, (*named, place))))


_STEPS: Final[Mapping[str, Callable[[Running, Fact], None]]] = MappingProxyType(
    {
        "call.started": Running.started,
        "call.ended": Running.ended,
        "node.started": Running.revived,
        "service.answered": Running.answered,
        "request.state": Running.state,
        "host.link": Running.link,
        "fax.done": Running.fax,
        "fax.received": Running.fax,
        "fax.failed": Running.fax,
        "fax.unconfirmed": Running.fax,
        "order.run": Running.order,
    }
)
