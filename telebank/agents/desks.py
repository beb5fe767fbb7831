"""A person's way through his states: coming, going, choosing, talking, wrapping up."""

from telebank.agents.commands import SeatMoved
from telebank.agents.core import OF_SEAT, PRESENCE, RING, SEAT, WRAP, Core
from telebank.agents.events import (
    SeatEntered,
    SeatLeft,
    SeatWanted,
    TalkBegan,
    TalkEnded,
    WrappedUp,
)
from telebank.agents.hall import Hall
from telebank.agents.seats import MAX_CALLS, MAX_WORDS, Seat, SeatState

ENTERED, ABSENT, FULL = "entered", "presence", "full"
"""Reasons: just logged in, the page is gone, there are as many seats as may be."""


class Desks:
    """Events of seats and their timers."""

    def __init__(self, core: Core, hall: Hall) -> None:
        self.core, self.hall = core, hall

    # -- coming and going -------------------------------------------------------------------------

    def entered(self, event: SeatEntered, now: float) -> None:
        """He sits down, busy until he says that he is ready; or his skills are others now."""
        core = self.core
        seat = core.seats.get(event.seat)
        if seat is not None:
            self._again(seat, event, now)
            return
        if len(core.seats) >= core.options.seats:
            core.out.append(SeatMoved(event.seat, SeatState.OFFLINE, FULL))
            return
        seat = Seat(
            *(event.seat, event.name, dict(event.skills), event.days, event.wrap_up_s),
            since=now,
            seen=now,
        )
        core.seats[seat.id] = seat
        core.crew.changed()
        core.start(SEAT, seat.id, PRESENCE, now + core.options.presence_s)
        core.move(seat, SeatState.BUSY, now, ENTERED)

    def _again(self, seat: Seat, event: SeatEntered, now: float) -> None:
        seat.name, seat.skills, seat.days = event.name, dict(event.skills), event.days
        seat.wrap_up_s, seat.leaving = event.wrap_up_s, None
        seat.levels.clear()
        self.core.crew.changed()
        self.seen(seat.id, now)
        self.hall.recheck(now)
        if seat.state is SeatState.READY:
            self.hall.free(seat, now)

    def left(self, event: SeatLeft, now: float) -> None:
        """He logs out; in a call, after it."""
        seat = self.core.seats.get(event.seat)
        if seat is None:
            return
        if seat.state is SeatState.TALKING:
            seat.leaving = event.by
            self.core.crew.changed()
            self.core.note("seat.next", seat.call, seat=seat.id, state="offline", by=event.by)
            self.hall.recheck(now)
        else:
            self._go(seat, now, by=event.by)

    def _go(self, seat: Seat, now: float, reason: str = "", by: str = "") -> None:
        core = self.core
        rung = self.hall.take_back(seat) if seat.state is SeatState.RINGING else None
        if seat.state is SeatState.WRAP_UP:
            self._worked(seat, now)
        seat.call = ""
        core.move(seat, SeatState.OFFLINE, now, reason, by)
        del core.seats[seat.id]
        core.crew.changed()
        core.timers.stop((SEAT, seat.id), OF_SEAT)
        if rung is not None:
            self.hall.stand(rung, now)
        self.hall.recheck(now)

    def seen(self, seat_id: str, now: float) -> None:
        """His page is there."""
        seat = self.core.seats.get(seat_id)
        if seat is None:
            return
        seat.seen = now
        if not seat.present:
            seat.present = True
            self.core.start(SEAT, seat.id, PRESENCE, now + self.core.options.presence_s)
            self.core.note("seat.back", seat.call, seat=seat.id)

    def _absence(self, seat: Seat, now: float) -> None:
        """Whether his page is gone: a talk goes on, everything else does not."""
        core = self.core
        due = seat.seen + core.options.presence_s
        if due > now:
            core.start(SEAT, seat.id, PRESENCE, due)
        elif seat.state is SeatState.TALKING:
            seat.present = False
            core.note("seat.lost", seat.call, seat=seat.id)
        else:
            self._go(seat, now, ABSENT)

    # -- what he chooses --------------------------------------------------------------------------

    def wanted(self, event: SeatWanted, now: float) -> None:
        """A state of his choice, or somebody else's."""
        seat = self.core.seats.get(event.seat)
        if seat is None:
            return
        state, reason = SeatState(event.state), event.reason[:MAX_WORDS]
        holds = seat.state is SeatState.TALKING or (
            seat.state is SeatState.WRAP_UP and state is not SeatState.READY and not event.by
        )
        if holds:
            seat.after, seat.after_reason = state, reason
            self.core.note("seat.next", seat.call, seat=seat.id, state=state.value, by=event.by)
        elif seat.state is SeatState.WRAP_UP:
            seat.after, seat.after_reason = state, reason
            self._wrapped(seat, now, event.by)
        elif seat.state is not state or reason != seat.reason:
            self._turn(seat, state, reason, event.by, now)

    def _turn(self, seat: Seat, state: SeatState, reason: str, by: str, now: float) -> None:
        if state is SeatState.READY and seat.state in (SeatState.READY, SeatState.RINGING):
            return
        rung = self.hall.take_back(seat) if seat.state is SeatState.RINGING else None
        self.core.move(seat, state, now, reason, by)
        if rung is not None:
            self.hall.stand(rung, now)
        if seat.state is SeatState.READY:
            self.hall.free(seat, now)

    # -- talking ----------------------------------------------------------------------------------

    def began(self, event: TalkBegan, now: float) -> None:
        """He talks without an offer: a call of his own, one that he was asked into or took over."""
        core, seat = self.core, self.core.seats.get(event.seat)
        if seat is None or event.call in seat.calls or len(seat.calls) >= MAX_CALLS:
            return
        queue = self._queue_of(event.call)
        ringing = seat.state is SeatState.RINGING and seat.call != event.call
        rung = self.hall.take_back(seat) if ringing else None
        other = self._picked(event.call, seat, now)
        if seat.state is not SeatState.TALKING:
            self._talk(seat, event.call, queue, now)
        seat.calls[event.call] = now
        if rung is not None:
            self.hall.stand(rung, now)
        if other is not None:
            core.move(other, SeatState.READY, now)
            self.hall.free(other, now)

    def _talk(self, seat: Seat, call: str, queue: str, now: float) -> None:
        """What he was at ends: a wrap-up is over, a break goes on after the call."""
        if seat.state is SeatState.WRAP_UP:
            self._worked(seat, now)
        elif seat.state in (SeatState.BUSY, SeatState.BREAK):
            seat.after, seat.after_reason = seat.state, seat.reason
        self.core.timers.stop((SEAT, seat.id), (RING, WRAP))
        seat.call, seat.queue, seat.worked = call, queue, now
        self.core.day.people[seat.id].calls += 1
        self.core.move(seat, SeatState.TALKING, now)

    def _queue_of(self, call: str) -> str:
        """Where a call came from that somebody has already."""
        waiting = self.core.callers.get(call)
        if waiting is not None:
            return waiting.need.queue
        return next((one.queue for one in self.core.seats.values() if call in one.calls), "")

    def _picked(self, call: str, seat: Seat, now: float) -> Seat | None:
        """The call waited in a queue: he has been served now. Who was rung for him, if another: he
        rings no more, and is to be made ready."""
        waiting = self.core.callers.get(call)
        if waiting is None:
            return None
        other = self.core.seats.get(waiting.seat)
        if other is not None and other is not seat:
            self.hall.take_back(other)
        self.hall.leave(waiting, "answered", now, seat.id)
        return None if other is seat else other

    def ended(self, event: TalkEnded, now: float) -> None:
        """He is out of a conversation; out of his last: wrap-up."""
        seat = self.core.seats.get(event.seat)
        if seat is None or seat.calls.pop(event.call, None) is None:
            return
        if seat.calls:
            if seat.call == event.call:
                seat.call = next(iter(seat.calls))
            return
        talked = now - seat.worked
        self.core.day.people[seat.id].talk_s += talked
        if seat.queue:
            self.core.day.queues[seat.queue].talk_s += talked
        seat.talked = talked
        if seat.leaving is not None or not seat.present:
            self._worked(seat, now)
            self._go(seat, now, "" if seat.present else ABSENT, seat.leaving or "")
        else:
            self._wrap_up(seat, now)

    def _wrap_up(self, seat: Seat, now: float) -> None:
        queue = self.core.queues.get(seat.queue)
        seconds = 0.0 if queue is None else queue.wrap_up_s
        if seat.wrap_up_s is not None and queue is not None:
            seconds = seat.wrap_up_s
        if seconds:
            self.core.move(seat, SeatState.WRAP_UP, now)
            self.core.start(SEAT, seat.id, WRAP, now + seconds)
        else:
            self._wrapped(seat, now)

    def wrapped_up(self, event: WrappedUp, now: float) -> None:
        """His paperwork is done."""
        seat = self.core.seats.get(event.seat)
        if seat is not None and seat.state is SeatState.WRAP_UP:
            self._wrapped(seat, now)

    def _wrapped(self, seat: Seat, now: float, by: str = "") -> None:
        self._worked(seat, now)
        state, reason = seat.after, seat.after_reason
        seat.after, seat.after_reason, seat.call = SeatState.READY, "", ""
        self.core.move(seat, state, now, reason, by)
        if state is SeatState.READY:
            self.hall.free(seat, now)

    def _worked(self, seat: Seat, now: float) -> None:
        """A call is done with, its wrap-up too: it counts for the expected wait."""
        self.core.timers.stop((SEAT, seat.id), (WRAP,))
        if not seat.queue:
            return
        figures = self.core.day.queues[seat.queue]
        figures.handled += 1
        figures.wrap_up_s += now - seat.worked - seat.talked
        self.core.handling[seat.queue].add(now - seat.worked)
        seat.queue = ""

    # -- time -------------------------------------------------------------------------------------

    def due(self, seat: Seat, timer: str, now: float) -> None:
        """A timer of his has come, other than of ringing."""
        if timer == WRAP:
            self._wrapped(seat, now)
        else:
            self._absence(seat, now)
