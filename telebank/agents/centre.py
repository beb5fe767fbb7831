"""The centre: queues and seats of one node, as one machine.

centre = Centre(options, wall)                # wall: monotonic seconds to the bank's wall clock
for command in centre.receive(SeatEntered("chen", "Chen Mei", {"general": 5}), now): …
centre.wake_at                                # when `wake` is due
centre.seats(), centre.queues(), centre.waiting("01-1-17")

Whatever it is told, in whatever order: a seat is rung for one caller at a time and only when it is
ready, ringing ends, a caller is offered to one seat at a time, is served once, and leaves once.
What comes too late (a phone answered when its caller was gone) is no error: the answer is `Unring`.
"""

from datetime import datetime
from math import isinf
from typing import assert_never, cast

from telebank.agents import views
from telebank.agents.callers import Callers
from telebank.agents.commands import Command
from telebank.agents.core import RING, SEAT, Core, Owner
from telebank.agents.day import Wall
from telebank.agents.desks import Desks
from telebank.agents.events import (
    CallerBack,
    CallerCame,
    CallerChose,
    CallerLeft,
    CallerTypes,
    Event,
    NodeStopped,
    NoMoreCallBacks,
    OfferFailed,
    OfferTaken,
    PlaceKept,
    SeatEntered,
    SeatLeft,
    SeatSeen,
    SeatWanted,
    TalkBegan,
    TalkEnded,
    WrappedUp,
)
from telebank.agents.hall import Hall
from telebank.agents.offers import Offers
from telebank.agents.options import CentreOptions, fixed_parts

__all__ = ["Centre", "Wall"]


class Centre:
    """Queues, seats, offers, wrap-up, expected wait."""

    def __init__(self, options: CentreOptions, wall: Wall) -> None:
        self.options = options
        self._core = Core(options, wall)
        hall = Hall(self._core)
        self._callers = Callers(self._core, hall)
        self._offers = Offers(self._core, hall)
        self._desks = Desks(self._core, hall)

    def use(self, options: CentreOptions) -> list[str]:
        """Other options while callers wait. What stands on them goes on (a ring, a wrap-up begun);
        what is new goes by these. Where a queue would change in who comes to it or who sits at it,
        nothing is changed, and what that is is named: callers stand in lines that were made so."""
        fixed = fixed_parts(self.options, options)
        if not fixed:
            self.options = options
            self._core.use(options)
        return fixed

    # -- the machine ------------------------------------------------------------------------------

    @property
    def wake_at(self) -> float | None:
        """Monotonic seconds at which `wake` is due; None: nothing waits for time."""
        at = self._core.timers.next()
        return None if isinf(at) else at

    def receive(self, event: Event, now: float) -> list[Command]:
        """Take one event; `now` is monotonic seconds and never goes back."""
        self._core.day.turn(now)
        self._handle(event, now)
        return self._core.taken()

    def wake(self, now: float) -> list[Command]:
        """Do what is due at `now`; nothing where it is too early."""
        core = self._core
        core.day.turn(now)
        while (timer := core.timers.pop(now)) is not None:
            owner, what = timer
            kind, name = cast(Owner, owner)
            if kind != SEAT:
                self._callers.due(name, what, now)
            elif what == RING:
                self._offers.timed_out(core.seats[name], now)
            else:
                self._desks.due(core.seats[name], what, now)
        return core.taken()

    def _handle(self, event: Event, now: float) -> None:  # noqa: C901, PLR0912 - one line each
        match event:
            case CallerCame():
                self._callers.came(event, now)
            case CallerLeft(call):
                self._callers.left(call, now)
            case CallerChose():
                self._callers.chose(event, now)
            case CallerTypes(call):
                self._callers.types(call, now)
            case CallerBack():
                self._offers.back(event, now)
            case OfferTaken():
                self._offers.taken(event, now)
            case OfferFailed():
                self._offers.failed(event, now)
            case SeatEntered():
                self._desks.entered(event, now)
            case SeatLeft():
                self._desks.left(event, now)
            case SeatSeen(seat):
                self._desks.seen(seat, now)
            case SeatWanted():
                self._desks.wanted(event, now)
            case TalkBegan():
                self._desks.began(event, now)
            case TalkEnded():
                self._desks.ended(event, now)
            case WrappedUp():
                self._desks.wrapped_up(event, now)
            case PlaceKept():
                self._callers.keeps(event, now)
            case NoMoreCallBacks():
                self._callers.no_more_call_backs()
            case NodeStopped():
                self._callers.cut_off(now)
            case _:
                assert_never(event)

    # -- what boards show -------------------------------------------------------------------------

    def seats(self) -> list[views.SeatView]:
        """All who are logged in."""
        return views.seats(self._core)

    def seat(self, seat: str) -> views.SeatView | None:
        """One of them."""
        found = self._core.seats.get(seat)
        return None if found is None else views.seat_view(self._core, found)

    def queues(self, now: float) -> list[views.QueueView]:
        """All queues, in the order of the settings."""
        self._core.day.turn(now)
        return [views.queue_view(self._core, queue, now) for queue in self.options.queues]

    def queue(self, name: str, now: float) -> views.QueueView | None:
        """One of them."""
        found = self._core.queues.get(name)
        self._core.day.turn(now)
        return None if found is None else views.queue_view(self._core, found, now)

    def waiting(self, call: str) -> views.WaitingView | None:
        """One who waits, or is being offered; None: nobody of this call does."""
        found = self._core.callers.get(call)
        return None if found is None else views.waiting_view(self._core, found)

    def all_waiting(self) -> list[views.WaitingView]:
        """Everybody who does."""
        return [views.waiting_view(self._core, one) for one in self._core.callers.values()]

    def wall(self, at: float) -> datetime:
        """The bank's wall clock at a monotonic second, for the times of views."""
        return self._core.wall(at)
