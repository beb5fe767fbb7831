"""Where callers and seats meet: each caller in a line is offered to the best seat that is ready,
each seat that becomes ready is given who is first.

Both happen at once, in the event that makes it possible, so that never a seat is ready while
somebody waits whom it serves. An offer takes the caller out of his line and the seat out of the
ready ones, in one step: nobody is offered twice.
"""

from typing import Literal

from telebank.agents.commands import Announce, CallBack, Dismiss, QueueExit, Ring, Unring
from telebank.agents.core import (
    ANNOUNCE,
    CALL,
    KEEPS,
    LONGEST,
    OF_CALL,
    RING,
    SEAT,
    Core,
)
from telebank.agents.figures import Quarter
from telebank.agents.line_up import Standing, Waiting
from telebank.agents.options import QueueOptions
from telebank.agents.scoring import known_ahead_s, seat_score
from telebank.agents.seats import Seat, SeatState

GRACE_S = 2.0
"""Seconds after the end of ringing at which no word of the shell is waited for any longer."""
How = Literal[
    "answered",
    "abandoned",
    "full",
    "not_on_duty",
    "left",
    "cancelled",
    "unreachable",
    "expired",
    "stopped",
]


class Hall:
    """Meeting and parting."""

    def __init__(self, core: Core) -> None:
        self.core = core

    def queue(self, waiting: Waiting) -> QueueOptions:
        """In which he waits."""
        return self.core.queues[waiting.need.queue]

    # -- callers ----------------------------------------------------------------------------------

    def stand(self, waiting: Waiting, now: float) -> None:
        """Wait, or wait again, for what can be had now: a seat at once, a line, or the way out."""
        core = self.core
        if waiting.call_back and not core.calls_back:
            waiting.standing, waiting.seat = Standing.KEPT, ""
            return
        need = core.reachable(waiting.need, waiting.since, now)
        if waiting.call_back:
            # His place is kept, whoever sits there now.
            waiting.need = need or waiting.need._replace(seat="")
        elif need is None:
            self.dismiss(waiting, "not_on_duty", now)
            return
        elif now >= waiting.came + self.queue(waiting).longest_s:
            self.dismiss(waiting, "full", now)
            return
        else:
            waiting.need = need
        core.line_up(waiting)
        seat = self.best_seat(waiting, now)
        if seat is not None:
            self._offer(waiting, seat, now)

    def best_seat(self, waiting: Waiting, now: float) -> Seat | None:
        """The ready seat that is worth most to him; of equals who is ready longest."""
        core = self.core
        row, caller, need = self.queue(waiting).scoring, waiting.caller, waiting.need
        best, highest = None, float("-inf")
        for seat in core.ready.values():
            level = core.serving.level(seat, need)
            if level:
                score = seat_score(row, caller, seat, level, now)
                if row.fewest:
                    score -= row.fewest * core.day.people[seat.id].calls
                if score > highest:
                    best, highest = seat, score
        return best

    def free(self, seat: Seat, now: float) -> None:
        """A seat has become ready, or can do more than before."""
        waiting = self._first(seat)
        if waiting is not None:
            self._offer(waiting, seat, now)

    def _first(self, seat: Seat) -> Waiting | None:
        core = self.core
        heads = [line.entries[0] for line in core.lines if core.serving.level(seat, line.need)]
        first = min(heads, default=None)
        for waiting in core.naming.get(seat.id, {}).values():
            if core.serving.level(seat, waiting.need):
                row = self.queue(waiting).scoring
                key = waiting.key - known_ahead_s(row, waiting.caller, seat.id)
                entry = (key, waiting.number, waiting)
                first = entry if first is None else min(first, entry)
        return None if first is None else first[2]

    def leave(self, waiting: Waiting, how: How, now: float, seat: str = "") -> None:
        """He waits no more: the one way out for everybody."""
        core, queue = self.core, self.queue(waiting)
        if waiting.standing is Standing.WAITING:
            core.step_out(waiting)
        del core.callers[waiting.call]
        if waiting.standing is not Standing.CHOOSING:
            core.counts[queue.name, waiting.call_back] -= 1
        core.timers.stop((CALL, waiting.call), OF_CALL)
        waited = now - waiting.since
        if not waiting.call_back and waited:
            core.quits[queue.name].add(waited, gave_up=how == "abandoned")
        self._count(waiting, how, now, seat)
        detail: dict[str, str | float] = {"queue": queue.name, "how": how}
        if how == "answered":
            detail["in_time"] = waited <= queue.service_s
        if seat:
            detail["seat"] = seat
        if waiting.forecast_s is not None:
            detail["forecast_s"] = round(waiting.forecast_s, 1)
        core.note("queue.left", waiting.call, waited_s=round(waited, 1), **detail)

    def _count(self, waiting: Waiting, how: How, now: float, seat: str) -> None:
        core, queue, waited = self.core, self.queue(waiting), now - waiting.since
        figures = core.day.queues[queue.name]
        today = waiting.day == core.day.number
        quarter = figures.quarter(waiting.quarter) if today else Quarter()
        match how:
            case "answered":
                figures.answer(waited, quarter, queue.service_s)
                if waiting.forecast_s is not None:
                    figures.told(waiting.forecast_s, now - waiting.forecast_at)
                figures.overflowed += not core.serving.sits(core.seats[seat], queue)
            case "abandoned":
                figures.abandon(waited, quarter)
            case "full":
                figures.full += 1
                quarter.away += 1
            case "not_on_duty":
                figures.off_duty += 1
                quarter.away += 1
            case "unreachable" | "expired":
                figures.missed += 1
            case "left" | "cancelled" | "stopped":
                pass

    def dismiss(self, waiting: Waiting, exit_name: QueueExit, now: float) -> None:
        """Send him back to the menu."""
        how: How = "left" if exit_name == "done" else exit_name
        self.leave(waiting, how, now)
        self.core.out.append(Dismiss(waiting.call, exit_name))

    def recheck(self, now: float) -> None:
        """A seat is gone, or can do less: who waited for it alone waits for others, or leaves."""
        core = self.core
        for line in list(core.lines):
            if not core.on_duty(line.need):
                for _, _, waiting in list(line.entries):
                    core.step_out(waiting)
                    self.stand(waiting, now)

    # -- offers -----------------------------------------------------------------------------------

    def _offer(self, waiting: Waiting, seat: Seat, now: float) -> None:
        core = self.core
        core.step_out(waiting)
        waiting.standing, waiting.seat = Standing.OFFERED, seat.id
        seat.call, seat.queue = waiting.call, waiting.need.queue
        if waiting.call_back:
            core.move(seat, SeatState.RINGING, now, "call_back")
            core.start(SEAT, seat.id, RING, now + core.options.call_back_s)
            core.out.append(CallBack(waiting.call, seat.id))
        else:
            core.move(seat, SeatState.RINGING, now)
            self.ring(waiting, seat, now)

    def ring(self, waiting: Waiting, seat: Seat, now: float) -> None:
        """Ring the seat that he is offered to."""
        seconds = self.queue(waiting).rings_s
        self.core.start(SEAT, seat.id, RING, now + seconds + GRACE_S)
        self.core.out.append(Ring(waiting.call, seat.id, seconds))

    def take_back(self, seat: Seat) -> Waiting:
        """End an offer: the seat rings no more. Both are to be moved on by who asks: the seat is
        still RINGING, and the caller stands nowhere."""
        waiting = self.core.callers[seat.call]
        self.core.timers.stop((SEAT, seat.id), (RING,))
        self.core.out.append(Unring(waiting.call, seat.id))
        seat.call = seat.queue = ""
        return waiting

    def keep(self, waiting: Waiting, now: float) -> None:
        """His place is kept from now on, and he is rung later."""
        core = self.core
        core.counts[waiting.need.queue, False] -= waiting.standing is not Standing.CHOOSING
        core.counts[waiting.need.queue, True] += 1
        waiting.call_back, waiting.standing = True, Standing.KEPT
        figures = core.day.queues[waiting.need.queue]
        figures.kept += 1
        if waiting.day == core.day.number:
            figures.quarter(waiting.quarter).kept += 1
        core.out.append(Announce(waiting.call, "call_back_kept"))
        core.note("queue.kept", waiting.call, queue=waiting.need.queue)

    def returned(self, waiting: Waiting, now: float) -> None:
        """Whose place was kept is on the line: a caller like others, who may wait anew as long as
        they."""
        core, queue = self.core, self.queue(waiting)
        core.counts[queue.name, True] -= 1
        core.counts[queue.name, False] += 1
        core.timers.stop((CALL, waiting.call), (KEEPS,))
        waiting.call_back, waiting.cleared, waiting.came = False, False, now
        core.start(CALL, waiting.call, LONGEST, now + queue.longest_s)
        if queue.place_every_s:
            core.start(CALL, waiting.call, ANNOUNCE, now + queue.place_every_s)
