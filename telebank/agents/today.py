"""One day as the event log tells it: arrivals by quarter of an hour and queue, how seats answered,
and calls that somebody should look at.

Folded from events, so that it outlives a node that is started again and holds for all nodes of a
bank. A call belongs to the quarter in which it came, once for each queue that it came to; whoever
was sent away at the door (closed, nobody there) came too. Whose place was kept is `kept`, and
`answered` as well once he was reached.
"""

from collections import OrderedDict, deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Literal, NamedTuple

from telebank.agents.figures import QUARTER_S, QUARTERS, SOON_S, level_of

LONG_WAIT_S = 60.0
"""Who waited so long and then gave up deserves a look."""
BRIEF_S = 10.0
"""A talk that ended sooner, other than by a transfer, hardly was one."""
TRANSFERS = 2
"""Transfers of one call that are one too many."""
MOST_CONCERNS = 500
"""Of a day; the oldest are forgotten."""
MOST_CALLS = 50_000
"""Whose arrival is remembered."""
LATEST_S = 1_800.0
"""Of which the latest service level is."""
USUAL_S = 20.0
"""Answered so soon was in time, where the event says nothing of it: those of before 2026-11-24."""
IN_DOUBT = frozenset({"in_doubt", "open"})
"""Exits of a form's service: nobody knows whether it was done."""
Reason = Literal[
    "long_wait",
    "transfers",
    "brief",
    "in_doubt",
    "pin_locked",
    "missed",
    "not_reached",
    "cut_off",
]
KINDS = (
    *("queue.entered", "queue.left", "queue.kept", "queue.refused", "queue.missed"),
    *("contact.begun", "contact.ended", "contact.transferred", "contact.pin", "contact.service"),
    *("seat.entered", "seat.state", "seat.forced", "seat.left"),
)
"""Kinds of events that say something here."""


@dataclass(frozen=True, slots=True)
class Fact:
    """An event of the log."""

    kind: str
    at_s: float
    """Seconds since midnight of the bank's clock."""
    call: str
    actor: str
    detail: Mapping[str, object]

    def word(self, name: str) -> str:
        """Of the detail; empty where there is none."""
        found = self.detail.get(name)
        return found if isinstance(found, str) else ""

    def seconds(self, name: str) -> float:
        """Of the detail; 0 where there are none."""
        found = self.detail.get(name)
        return float(found) if isinstance(found, int | float) else 0.0

    @property
    def in_time(self) -> bool:
        """Of an answered caller."""
        found = self.detail.get("in_time")
        return found if isinstance(found, bool) else self.seconds("waited_s") <= USUAL_S


@dataclass(slots=True)
class Slot:
    """What became of those who came in one quarter of an hour."""

    came: int = 0
    answered: int = 0
    in_time: int = 0
    """Of the answered."""
    abandoned: int = 0
    """Without those who hung up soon."""
    soon: int = 0
    away: int = 0
    """Turned away: closed, full, too long, or nobody there."""
    kept: int = 0
    """Who chose to be called back."""

    def add(self, other: "Slot") -> None:
        """Count those of another too."""
        for name in ("came", "answered", "in_time", "abandoned", "soon", "away", "kept"):
            setattr(self, name, getattr(self, name) + getattr(other, name))

    @property
    def service_level(self) -> float | None:
        """0 to 1; None: nobody was answered and nobody gave up."""
        return level_of(self.in_time, self.answered, self.abandoned)


class Outcome(NamedTuple):
    """A caller was answered, or gave up."""

    at_s: float
    answered: bool
    in_time: bool


@dataclass(slots=True)
class SeatDay:
    """How one seat answered."""

    answered: int = 0
    missed: int = 0
    talks: int = 0
    """Of the answered, those that are over."""
    talk_s: float = 0.0
    wraps: int = 0
    wrap_s: float = 0.0
    wrapping_since: float | None = None

    @property
    def mean_talk_s(self) -> float | None:
        """None: no talk is over."""
        return self.talk_s / self.talks if self.talks else None

    @property
    def mean_wrap_s(self) -> float | None:
        """None: no wrap-up is over."""
        return self.wrap_s / self.wraps if self.wraps else None


@dataclass(slots=True)
class Concern:
    """A call that somebody should look at, and why."""

    reason: Reason
    at_s: float
    call: str
    queue: str = ""
    seat: str = ""
    """Empty: nobody talked with him."""
    value: float = 0.0
    """Seconds of `long_wait` and `brief`, how many `transfers`."""
    word: str = ""
    """Of `in_doubt` the service, of `missed` the reason."""


@dataclass(slots=True)
class Today:
    """Facts of one day in the order of the log."""

    queues: dict[str, list[Slot]] = field(default_factory=dict)
    seats: dict[str, SeatDay] = field(default_factory=dict)
    away: dict[str, dict[str, int]] = field(default_factory=dict)
    """By queue: how many were turned away, by why: `closed`, `nobody`, `full`."""
    concerns: OrderedDict[tuple[str, str, str], Concern] = field(default_factory=OrderedDict)
    _latest: deque[Outcome] = field(default_factory=lambda: deque(maxlen=MOST_CALLS))
    _came: OrderedDict[tuple[str, str], int] = field(default_factory=OrderedDict)
    """By call and queue: the quarter of his arrival."""
    _queue_of: dict[str, str] = field(default_factory=dict)
    _transfers: dict[str, int] = field(default_factory=dict)

    def take(self, fact: Fact) -> None:
        """Count one; kinds that say nothing here are left out."""
        step = _STEPS.get(fact.kind)
        if step is not None:
            step(self, fact)

    def slots(self, queue: str = "") -> list[Slot]:
        """Ninety-six, of a queue or of all."""
        found = [Slot() for _ in range(QUARTERS)]
        for name, slots in self.queues.items():
            if queue in ("", name):
                for mine, other in zip(found, slots, strict=True):
                    mine.add(other)
        return found

    def latest_level(self, now_s: float) -> float | None:
        """Service level, 0 to 1, of those who were answered or gave up in the half hour before
        this second of the day; None: nobody was, and nobody did."""
        found = [one for one in self._latest if one.at_s > now_s - LATEST_S]
        answered = sum(one.answered for one in found)
        return level_of(sum(one.in_time for one in found), answered, len(found) - answered)

    # -- queues -------------------------------------------------------------------------------

    def entered(self, fact: Fact) -> None:
        """Somebody came to a queue."""
        queue, quarter = fact.word("queue"), _quarter(fact.at_s)
        self._slot(queue, quarter).came += 1
        self._came[fact.call, queue] = quarter
        self._queue_of[fact.call] = queue
        while len(self._came) > MOST_CALLS:
            (call, _), _ = self._came.popitem(last=False)
            self._queue_of.pop(call, None)
            self._transfers.pop(call, None)

    def kept(self, fact: Fact) -> None:
        """His place is kept."""
        self._arrival(fact).kept += 1

    def left(self, fact: Fact) -> None:
        """He waits no more."""
        slot, how, waited = self._arrival(fact), fact.word("how"), fact.seconds("waited_s")
        match how:
            case "answered":
                slot.answered += 1
                slot.in_time += fact.in_time
                self._latest.append(Outcome(fact.at_s, answered=True, in_time=fact.in_time))
            case "abandoned" if waited <= SOON_S:
                slot.soon += 1
            case "abandoned":
                slot.abandoned += 1
                self._latest.append(Outcome(fact.at_s, answered=False, in_time=False))
                if waited >= LONG_WAIT_S:
                    self._concern("long_wait", fact, value=waited)
            case "full" | "not_on_duty":
                slot.away += 1
                self._away(fact.word("queue"), "full" if how == "full" else "nobody")
            case "unreachable" | "expired":
                self._concern("not_reached", fact)
            case "stopped":
                self._concern("cut_off", fact, value=waited)
            case _:
                pass  # back to the menu, or a call-back that is wanted no more

    def refused(self, fact: Fact) -> None:
        """He was sent away at the door."""
        slot = self._slot(fact.word("queue"), _quarter(fact.at_s))
        slot.came += 1
        slot.away += 1
        self._away(fact.word("queue"), "closed" if fact.word("why") == "closed" else "nobody")

    # -- talks --------------------------------------------------------------------------------

    def begun(self, fact: Fact) -> None:
        """A seat talks with somebody."""
        self._seat(fact).answered += 1

    def ended(self, fact: Fact) -> None:
        """It talks no more."""
        seconds, seat = fact.seconds("seconds"), self._seat(fact)
        seat.talks += 1
        seat.talk_s += seconds
        if fact.word("how") in ("lost", "drain"):
            self._concern("cut_off", fact, value=seconds)
        elif seconds < BRIEF_S and fact.word("how") in ("caller", "teller"):
            self._concern("brief", fact, value=seconds)

    def transferred(self, fact: Fact) -> None:
        """He was sent on."""
        times = self._transfers[fact.call] = self._transfers.get(fact.call, 0) + 1
        if times >= TRANSFERS:
            self._concern("transfers", fact, value=times)

    def pin(self, fact: Fact) -> None:
        """What came of a PIN."""
        if fact.word("state") == "locked":
            self._concern("pin_locked", fact)

    def service(self, fact: Fact) -> None:
        """What came of a teller's form."""
        if fact.word("exit") in IN_DOUBT:
            self._concern("in_doubt", fact, word=fact.word("service"))

    # -- seats --------------------------------------------------------------------------------

    def missed(self, fact: Fact) -> None:
        """A seat did not take a call that it was offered."""
        self._seat(fact).missed += 1
        self._concern("missed", fact, word=fact.word("why"))

    def moved(self, fact: Fact) -> None:
        """A seat is in another state."""
        seat, state = self._seat(fact), fact.word("state")
        if seat.wrapping_since is not None and state != "wrap_up":
            seat.wraps += 1
            seat.wrap_s += fact.at_s - seat.wrapping_since
            seat.wrapping_since = None
        if state == "wrap_up" and seat.wrapping_since is None:
            seat.wrapping_since = fact.at_s

    # -- parts --------------------------------------------------------------------------------

    def _slot(self, queue: str, quarter: int) -> Slot:
        slots = self.queues.get(queue)
        if slots is None:
            slots = self.queues[queue] = [Slot() for _ in range(QUARTERS)]
        return slots[quarter]

    def _arrival(self, fact: Fact) -> Slot:
        """Of whom it speaks; one who came yesterday is counted nowhere."""
        queue = fact.word("queue")
        quarter = self._came.get((fact.call, queue))
        return Slot() if quarter is None else self._slot(queue, quarter)

    def _away(self, queue: str, why: str) -> None:
        reasons = self.away.setdefault(queue, {})
        reasons[why] = reasons.get(why, 0) + 1

    def _seat(self, fact: Fact) -> SeatDay:
        return self.seats.setdefault(fact.word("seat") or fact.actor, SeatDay())

    def _concern(self, reason: Reason, fact: Fact, value: float = 0.0, word: str = "") -> None:
        alone = fact.kind == "queue.left"
        seat = "" if alone else fact.word("seat") or fact.actor
        queue = fact.word("queue") or self._queue_of.get(fact.call, "")
        key = (reason, fact.call, seat if reason != "transfers" else "")
        self.concerns[key] = Concern(reason, fact.at_s, fact.call, queue, seat, value, word)
        self.concerns.move_to_end(key)
        while len(self.concerns) > MOST_CONCERNS:
            self.concerns.popitem(last=False)


def _quarter(at_s: float) -> int:
    return min(max(int(at_s // QUARTER_S), 0), QUARTERS - 1)


_STEPS: Mapping[str, Callable[[Today, Fact], None]] = MappingProxyType(
    {
        "queue.entered": Today.entered,
        "queue.left": Today.left,
        "queue.kept": Today.kept,
        "queue.refused": Today.refused,
        "queue.missed": Today.missed,
        "contact.begun": Today.begun,
        "contact.ended": Today.ended,
        "contact.transferred": Today.transferred,
        "contact.pin": Today.pin,
        "contact.service": Today.service,
        "seat.entered": Today.moved,
        "seat.state": Today.moved,
        "seat.forced": Today.moved,
        "seat.left": Today.moved,
    }
)
