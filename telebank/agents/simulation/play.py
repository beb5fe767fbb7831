"""Playing: the lot draws what happens, the centre says what comes of it."""

import heapq
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from random import Random
from typing import Protocol

from telebank.agents.centre import Centre
from telebank.agents.commands import Announce, CallBack, Command, Dismiss, Ring, Unring
from telebank.agents.events import (
    Caller,
    CallerBack,
    CallerCame,
    CallerChose,
    CallerLeft,
    Event,
    OfferTaken,
    SeatEntered,
    SeatWanted,
    TalkEnded,
)
from telebank.agents.simulation.books import HOUR_S, Books
from telebank.agents.simulation.outcome import Outcome
from telebank.agents.simulation.plan import Plan, Stream

ALWAYS_S = 1e9
"""Seconds for which a page is seen: people who sit there do not go away."""
TELL_EVERY = 500
"""Calls between two words of how far it is."""
Told = Callable[[int], None]


@dataclass(frozen=True, slots=True)
class _GivesUp:
    """A caller's patience is over."""

    call: str


@dataclass(slots=True)
class _Guest:
    """A caller who has not been served yet."""

    stream: Stream
    seat: str = ""
    """Which rings for him."""
    kept: bool = False
    """He is called back: he has hung up, and gives up no more."""


def play(plan: Plan, seed: int, told: Told = lambda calls: None) -> Outcome:
    """Play it; the same seed draws the same lots. `told` hears how many callers have come."""
    return Play(plan, seed, centre_of(plan)).run(told)


def centre_of(plan: Plan) -> Centre:
    """The centre that is played."""

    def wall(now: float) -> datetime:
        del now
        return plan.at

    return Centre(replace(plan.options, presence_s=ALWAYS_S), wall)


class Machine(Protocol):
    """A centre, or what looks at one."""

    @property
    def wake_at(self) -> float | None:
        """When `wake` is due."""

    def receive(self, event: Event, now: float) -> list[Command]:
        """Take one event."""

    def wake(self, now: float) -> list[Command]:
        """Do what is due."""


class Play:
    """The shell of one play: what loop, phones and people are for a node."""

    def __init__(self, plan: Plan, seed: int, centre: Machine) -> None:
        self._plan, self._centre = plan, centre
        self._books = Books(plan.options, plan.seats)
        # Each its own lot, so that another patience does not change who comes when.
        self._coming, self._talking, self._patience, self._choice = (
            Random(f"{seed} {what}")  # noqa: S311 - not for secrets
            for what in ("coming", "talking", "patience", "choice")
        )
        self._rates = [stream.per_hour for stream in plan.streams]
        self._due: list[tuple[float, int, Event | _GivesUp]] = []
        self._number = 0
        """Of what is due: keeps the order of what is due at the same moment."""
        self._came = 0
        self._guests: dict[str, _Guest] = {}

    # -- the loop ---------------------------------------------------------------------------------

    def run(self, told: Told) -> Outcome:
        """Until the last caller has left."""
        self._sit_down()
        self._next_caller(0.0)
        while self._due or self._guests:
            wake_at = self._centre.wake_at
            if wake_at is not None and (not self._due or wake_at <= self._due[0][0]):
                self._hear(self._centre.wake(wake_at), wake_at)
                continue
            now, _, event = heapq.heappop(self._due)
            self._happens(event, now)
            if isinstance(event, CallerCame) and self._came % TELL_EVERY == 0:
                told(self._came)
        return self._books.outcome

    def _later(self, event: Event | _GivesUp, at: float) -> None:
        self._number += 1
        heapq.heappush(self._due, (at, self._number, event))

    def _sit_down(self) -> None:
        people = [dict(staff.skills) for staff in self._plan.staff for _ in range(staff.count)]
        for number, skills in enumerate(people, 1):
            self._hear(self._centre.receive(SeatEntered(f"s{number}", "", skills), 0.0), 0.0)
            self._hear(self._centre.receive(SeatWanted(f"s{number}", "ready"), 0.0), 0.0)

    def _next_caller(self, now: float) -> None:
        self._came += 1
        stream = self._coming.choices(self._plan.streams, self._rates)[0]
        at = now + self._coming.expovariate(sum(self._rates) / HOUR_S)
        call = f"c{self._came}"
        caller = Caller(
            call,
            stream.skill,
            stream.language,
            number=f"0{self._came}",
            business=stream.business,
            level=stream.level,
        )
        self._guests[call] = _Guest(stream)
        self._later(CallerCame(caller), at)

    # -- what happens -----------------------------------------------------------------------------

    def _happens(self, event: Event | _GivesUp, now: float) -> None:
        match event:
            case CallerCame(caller):
                self._comes(caller.call, now)
                self._hear(self._centre.receive(event, now), now)
            case OfferTaken(call, seat):
                if (guest := self._guests.get(call)) is not None and guest.seat == seat:
                    del self._guests[call]
                    talk_s = self._talking.expovariate(1 / guest.stream.talk_s)
                    self._later(TalkEnded(call, seat), now + talk_s)
                    self._hear(self._centre.receive(event, now), now)
            case _GivesUp(call):
                if (guest := self._guests.get(call)) is not None and not guest.kept:
                    del self._guests[call]
                    self._hear(self._centre.receive(CallerLeft(call), now), now)
            case _:
                self._hear(self._centre.receive(event, now), now)

    def _comes(self, call: str, now: float) -> None:
        if self._came > self._plan.warm_up:
            self._books.came(call, now)
        if self._plan.patience_s is not None:
            patience_s = self._patience.expovariate(1 / self._plan.patience_s)
            self._later(_GivesUp(call), now + patience_s)
        if self._came < self._plan.warm_up + self._plan.calls:
            self._next_caller(now)
        else:
            self._books.end(now)

    # -- what is heard ----------------------------------------------------------------------------

    def _hear(self, commands: Iterable[Command], now: float) -> None:
        for command in commands:
            self._books.hear(command, now)
            match command:
                case Ring(call, seat):
                    self._guests[call].seat = seat
                    self._later(OfferTaken(call, seat), now + self._plan.answer_s)
                case Unring(call):
                    if (guest := self._guests.get(call)) is not None:
                        guest.seat = ""
                case CallBack(call):
                    self._later(CallerBack(call), now + self._plan.answer_s)
                case Announce(call, "call_back_offer"):
                    self._chooses(call, now)
                case Dismiss(call):
                    self._guests.pop(call, None)

    def _chooses(self, call: str, now: float) -> None:
        """A call-back when it is offered, as often as the plan has it; else he waits on."""
        taken = self._choice.random() < self._plan.call_back
        self._later(CallerChose(call, "call_back" if taken else "wait"), now)
        if taken:
            self._guests[call].kept = True
            self._later(CallerLeft(call), now)
