"""What the parts of the centre share: seats, callers, lines, timers, and the commands so far."""

from collections import Counter
from collections.abc import Iterator
from typing import Final, Literal

from telebank.agents.commands import Command, Noted, SeatMoved
from telebank.agents.day import Day, Wall
from telebank.agents.forecast import Crew, Handling, Quits, expected_s
from telebank.agents.hours import OpeningHours
from telebank.agents.line_up import LineUp, Need, Standing, Waiting
from telebank.agents.options import CentreOptions, QueueOptions
from telebank.agents.scoring import Serving
from telebank.agents.seats import WORKING, Seat, SeatState, check
from telebank.timers import Timers

SEAT: Final = "seat"
CALL: Final = "call"
Owner = tuple[Literal["seat", "call"], str]
RING, WRAP, PRESENCE = "ring", "wrap", "presence"
"""Timers of a seat."""
ANNOUNCE, WIDEN, LONGEST, CHOICE, CLEAR, AGAIN, KEEPS = (
    *("announce", "widen", "longest", "choice", "clear", "again", "keeps"),
)
"""Timers of a caller."""
OF_SEAT = (RING, WRAP, PRESENCE)
OF_CALL = (ANNOUNCE, WIDEN, LONGEST, CHOICE, CLEAR, AGAIN, KEEPS)


class Core:
    """State of one centre."""

    def __init__(self, options: CentreOptions, wall: Wall) -> None:
        self.options = options
        self.wall = wall
        self.queues = {queue.name: queue for queue in options.queues}
        self.hours = {queue.name: OpeningHours(queue.hours) for queue in options.queues}
        self.serving = Serving(self.queues)
        self.handling = {queue.name: Handling(queue.handling_s) for queue in options.queues}
        self.quits = {queue.name: Quits() for queue in options.queues}
        self.day = Day(wall)
        self.seats: dict[str, Seat] = {}
        self.crew = Crew(self.serving, self.seats)
        self.ready: dict[str, Seat] = {}
        """Those that may be rung, who is ready longest first."""
        self.callers: dict[str, Waiting] = {}
        self.lines = LineUp()
        self.naming: dict[str, dict[str, Waiting]] = {}
        """By seat, those in a line whose own or last teller it is."""
        self.counts: Counter[tuple[str, bool]] = Counter()
        """Callers by queue, and whether they are to be called back."""
        self.timers = Timers()
        self.calls_back = True
        """Whether those whose place is kept are called."""
        self.out: list[Command] = []
        self.came = 0
        """Callers so far: the number of the last."""

    # -- seats ------------------------------------------------------------------------------------

    def move(
        self, seat: Seat, state: SeatState, now: float, reason: str = "", by: str = ""
    ) -> None:
        """Another state, or another reason; raises `IllegalTransition`."""
        check(seat.state, state)
        if (seat.state in WORKING) is not (state in WORKING):
            self.crew.changed()
        self.ready.pop(seat.id, None)
        if state is SeatState.READY:
            self.ready[seat.id] = seat
        seat.state, seat.reason, seat.since = state, reason, now
        self.out.append(SeatMoved(seat.id, state.value, reason, by, seat.call))

    def start(self, kind: Literal["seat", "call"], name: str, timer: str, at: float) -> None:
        """Set or move a timer."""
        self.timers.start((kind, name), timer, at)

    # -- needs ------------------------------------------------------------------------------------

    def on_duty(self, need: Need) -> bool:
        """Whether somebody sits there who can serve it, now or later."""
        return self.crew.on_duty(need)

    def reachable(self, need: Need, since: float, now: float) -> Need | None:
        """The need as wide as it is after such a wait, and wider where nobody sits there; None
        where nobody can serve it. One who wants a seat that is gone takes the queue's."""
        if need.seat and self.on_duty(need):
            return need
        over = self.queues[need.queue].overflow
        due = sum(1 for _, seconds in over if since + seconds <= now)
        for reach in range(max(need.reach, due), len(over) + 1):
            wider = need._replace(reach=reach, seat="")
            if self.on_duty(wider):
                return wider
        return None

    def use(self, options: CentreOptions) -> None:
        """Other times and numbers of the same queues (`fixed_parts`)."""
        self.options = options
        self.queues.update({queue.name: queue for queue in options.queues})
        self.hours = {queue.name: OpeningHours(queue.hours) for queue in options.queues}

    def open(self, queue: QueueOptions, now: float) -> bool:
        """By its hours."""
        hours = self.hours[queue.name]
        return not hours.told or hours.open(self.wall(now))

    # -- lines ------------------------------------------------------------------------------------

    def line_up(self, waiting: Waiting) -> None:
        """Stand in a line."""
        waiting.standing, waiting.seat = Standing.WAITING, ""
        self.lines.add(waiting)
        for seat in _named(waiting):
            self.naming.setdefault(seat, {})[waiting.call] = waiting

    def step_out(self, waiting: Waiting) -> None:
        """Stand in it no more."""
        self.lines.remove(waiting)
        waiting.standing = Standing.MOVING
        for seat in _named(waiting):
            named = self.naming[seat]
            del named[waiting.call]
            if not named:
                del self.naming[seat]

    def place(self, waiting: Waiting) -> int:
        """In his queue, from 1."""
        lines = self.lines.of(waiting.need.queue)
        return 1 + sum(line.ahead(waiting.key, waiting.number) for line in lines)

    def expected_s(self, need: Need, place: tuple[float, int]) -> float | None:
        """Seconds that somebody of such a key and number is going to wait."""
        seconds, quits = self.handling[need.queue].seconds, self.quits[need.queue].per_s
        return expected_s(self.crew, self.ready, self.lines, (need, place), seconds, quits)

    # -- words ------------------------------------------------------------------------------------

    def note(self, kind: str, call: str = "", **detail: str | int | float) -> None:
        """For the event log."""
        self.out.append(Noted(kind, call, detail))

    def taken(self) -> list[Command]:
        """The commands so far."""
        out, self.out = self.out, []
        return out


def _named(waiting: Waiting) -> Iterator[str]:
    caller = waiting.caller
    return (seat for seat in {caller.own_seat, caller.last_seat} if seat)
