"""What came of a play: waits, service, who gave up, how busy seats were, how true forecasts."""

from array import array
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from math import sqrt
from statistics import fmean, stdev

from telebank.agents.figures import level_of

BATCHES = 20
"""Parts of a play, one after the other, whose means say how sure the mean of all is."""


def _numbers() -> "array[float]":
    return array("d")


@dataclass(slots=True)
class Forecasts:
    """The first wait that callers were told, beside what they then really waited: of those who were
    answered, and in the same order."""

    told_s: "array[float]" = field(default_factory=_numbers)
    """As it was computed."""
    minutes: "array[float]" = field(default_factory=_numbers)
    """As it was said; 0: as a long wait."""
    waited_s: "array[float]" = field(default_factory=_numbers)
    """From the moment at which it was told."""

    def add(self, told_s: float, minutes: int, waited_s: float) -> None:
        """One more who was answered."""
        self.told_s.append(told_s)
        self.minutes.append(minutes)
        self.waited_s.append(waited_s)

    def extend(self, other: "Forecasts") -> None:
        """Those of another too."""
        self.told_s += other.told_s
        self.minutes += other.minutes
        self.waited_s += other.waited_s

    @property
    def ratio(self) -> float | None:
        """What was waited by what was told; 1: told truly, on average. None: nothing was told."""
        told_s = sum(self.told_s)
        return sum(self.waited_s) / told_s if told_s else None

    @property
    def kept(self) -> float | None:
        """Part of them who waited no longer than the minutes that were said."""
        pairs = zip(self.minutes, self.waited_s, strict=True)
        kept = sum(not minutes or waited_s <= 60 * minutes for minutes, waited_s in pairs)
        return kept / len(self.minutes) if self.minutes else None

    def by_minute(self) -> "dict[int, list[float]]":
        """What was waited, by the minutes that were said; 0: a long wait."""
        found: dict[int, list[float]] = {}
        for minutes, waited_s in zip(self.minutes, self.waited_s, strict=True):
            found.setdefault(int(minutes), []).append(waited_s)
        return dict(sorted(found.items()))


@dataclass(slots=True)
class QueueOutcome:
    """Of one queue."""

    name: str
    came: int = 0
    in_time: int = 0
    soon: int = 0
    """Of those who gave up, those who did so within seconds."""
    ends: Counter[str] = field(default_factory=Counter)
    """How callers left: `answered`, `abandoned`, `full` and so on."""
    waits_s: "array[float]" = field(default_factory=_numbers)
    """Of the answered, in the order of answering."""
    queued: "array[int]" = field(default_factory=lambda: array("b"))
    """Of each of them, whether no seat was ready for him when he came."""
    forecasts: Forecasts = field(default_factory=Forecasts)

    @property
    def answered(self) -> int:
        """Who talked with somebody."""
        return self.ends["answered"]

    @property
    def abandoned(self) -> int:
        """Who gave up."""
        return self.ends["abandoned"]

    @property
    def waiting(self) -> float | None:
        """Part of the answered for whom no seat was ready, 0 to 1."""
        return fmean(self.queued) if self.queued else None

    @property
    def mean_wait_s(self) -> float | None:
        """Of the answered."""
        return fmean(self.waits_s) if self.waits_s else None

    @property
    def wait_error_s(self) -> float | None:
        """Standard error of the mean wait, by the means of `BATCHES` parts: callers near each
        other wait alike, so that the spread of single waits says too little."""
        return _batched(self.waits_s)

    @property
    def waiting_error(self) -> float | None:
        """Standard error of `waiting`, as of the mean wait."""
        return _batched(self.queued)

    def wait_of(self, part: float) -> float | None:
        """Seconds in which such a part of the answered had somebody, 0 to 1."""
        if not self.waits_s:
            return None
        ordered = sorted(self.waits_s)
        return ordered[min(int(part * len(ordered)), len(ordered) - 1)]

    @property
    def service_level(self) -> float | None:
        """As `telebank.agents.figures` counts it, 0 to 1."""
        return level_of(self.in_time, self.answered, self.abandoned - self.soon)

    def add(self, other: "QueueOutcome") -> None:
        """Count another with this one."""
        self.came += other.came
        self.in_time += other.in_time
        self.soon += other.soon
        self.ends += other.ends
        self.waits_s += other.waits_s
        self.queued += other.queued
        self.forecasts.extend(other.forecasts)


@dataclass(slots=True)
class Outcome:
    """Of a whole play."""

    queues: dict[str, QueueOutcome] = field(default_factory=dict)
    refused: int = 0
    """Callers whom no queue took: none was open and staffed for them."""
    hours: float = 0.0
    """Played, of virtual time, in which calls counted."""
    busy_hours: float = 0.0
    """Of all seats together, in which they rang, talked or wrapped up."""
    seat_hours: float = 0.0

    @property
    def occupancy(self) -> float:
        """Part of their time that seats worked, 0 to 1."""
        return self.busy_hours / self.seat_hours if self.seat_hours else 0.0

    def add(self, other: "Outcome") -> None:
        """Count another play with this one."""
        for name, queue in other.queues.items():
            self.queues.setdefault(name, QueueOutcome(name)).add(queue)
        self.refused += other.refused
        self.hours += other.hours
        self.busy_hours += other.busy_hours
        self.seat_hours += other.seat_hours

    def all(self) -> QueueOutcome:
        """All queues as one."""
        whole = QueueOutcome("")
        for queue in self.queues.values():
            whole.add(queue)
        return whole


def _batched(values: Sequence[float]) -> float | None:
    """Standard error of the mean, by the means of `BATCHES` parts; None: too few calls."""
    size = len(values) // BATCHES
    if not size:
        return None
    parts = [fmean(values[number * size : (number + 1) * size]) for number in range(BATCHES)]
    return stdev(parts) / sqrt(BATCHES)
