"""A caller's way through the queues: which queue, waiting, what he is told, how he leaves."""

from collections.abc import Iterator

from telebank.agents import announcing
from telebank.agents.commands import Announce, Dismiss, Wait
from telebank.agents.core import AGAIN, ANNOUNCE, CALL, CHOICE, CLEAR, KEEPS, LONGEST, WIDEN, Core
from telebank.agents.events import Caller, CallerCame, CallerChose, PlaceKept
from telebank.agents.hall import Hall
from telebank.agents.line_up import Need, Standing, Waiting
from telebank.agents.options import MOST_TYPED, TYPED_S, QueueOptions
from telebank.agents.scoring import place_key
from telebank.agents.seats import SeatState

CLEAR_S = 60.0
"""Seconds after which the line of somebody who chose a call-back counts as down, said or not."""
MOST_WAITED_S = 86_400.0
"""What somebody says to have waited before counts up to here."""


class Callers:
    """Events of callers and their timers."""

    def __init__(self, core: Core, hall: Hall) -> None:
        self.core, self.hall = core, hall

    # -- coming -----------------------------------------------------------------------------------

    def came(self, event: CallerCame, now: float) -> None:
        """He wants a teller."""
        core, call = self.core, event.caller.call
        if call in core.callers:
            core.note("queue.ignored", call, why="already waiting")
            return
        since = now - min(max(event.waited_s, 0.0), MOST_WAITED_S)
        need = self._need(event, since, now)
        if need is None:
            self._refuse(event, now)
            return
        waiting = self._waiting(event.caller, need, since, now)
        figures = core.day.queues[need.queue]
        figures.came += 1
        figures.quarter(waiting.quarter).came += 1
        queue = core.queues[need.queue]
        full = core.counts[queue.name, False] >= queue.most
        if full and self.hall.best_seat(waiting, now) is None:
            self._full(waiting, now)
        else:
            self._enter(waiting, now)

    def _refuse(self, event: CallerCame, now: float) -> None:
        """He is sent away at the door: all queues that fit are closed, or nobody sits there."""
        core, call = self.core, event.caller.call
        fitting = list(self._fitting(event))
        opened = [queue for queue in fitting if core.open(queue, now)]
        closed = bool(fitting) and not opened
        queue = next((one.name for one in [*opened, *fitting]), "")
        if queue:
            figures = core.day.queues[queue]
            figures.refuse(figures.quarter(core.day.quarter(now)), closed=closed)
        why = "closed" if closed else "nobody"
        core.note("queue.refused", call, queue=queue, skill=event.caller.skill, why=why)
        core.out.append(Dismiss(call, "not_on_duty"))

    def _need(self, event: CallerCame, since: float, now: float) -> Need | None:
        """What he needs: of the queues that fit, the first that is open and staffed."""
        core, caller = self.core, event.caller
        if event.seat in core.seats and core.seats[event.seat].takes:
            name = event.queue or self._queue_at(event.seat, caller)
            if name not in core.queues:
                return None
            skill = _skill(core.queues[name], caller)
            return Need(name, skill, caller.language, seat=event.seat)
        for queue in self._fitting(event):
            asked = Need(queue.name, _skill(queue, caller), caller.language)
            need = core.reachable(asked, since, now)
            if need is not None and core.open(queue, now):
                return need
        return None

    def _fitting(self, event: CallerCame) -> Iterator[QueueOptions]:
        if event.queue:
            return (one for one in self.core.options.queues if one.name == event.queue)
        return (one for one in self.core.options.queues if _fits(one, event.caller))

    def _queue_at(self, seat: str, caller: Caller) -> str:
        """Where one is counted who is given to a person."""
        core = self.core
        queues = core.options.queues
        fitting = [queue.name for queue in queues if _fits(queue, caller)]
        sits = [queue.name for queue in queues if core.serving.sits(core.seats[seat], queue)]
        return next(iter([*fitting, *sits, *core.queues]), "")

    def _waiting(self, caller: Caller, need: Need, since: float, now: float) -> Waiting:
        core = self.core
        core.came += 1
        row = core.queues[need.queue].scoring
        key = place_key(row, caller, since)
        day = core.day
        return Waiting(caller, need, now, since, key, core.came, day.number, day.quarter(now))

    def _enter(self, waiting: Waiting, now: float) -> None:
        core, queue, call = self.core, self.hall.queue(waiting), waiting.call
        core.callers[call] = waiting
        core.counts[queue.name, False] += 1
        core.out.append(Wait(call, queue.name))
        core.note("queue.entered", call, queue=queue.name)
        if queue.place_every_s:
            core.start(CALL, call, ANNOUNCE, now + queue.place_first_s)
        core.start(CALL, call, LONGEST, now + queue.longest_s)
        self._widen_later(waiting, now)
        self.hall.stand(waiting, now)

    def _full(self, waiting: Waiting, now: float) -> None:
        """There is no room: a call-back, if the promise can be kept, or the way out."""
        core, call = self.core, waiting.call
        waiting.standing = Standing.CHOOSING
        core.callers[call] = waiting
        core.note("queue.entered", call, queue=waiting.need.queue)
        if self._room_for_call_back(waiting):
            waiting.offered_call_back = True
            core.start(CALL, call, CHOICE, now + core.options.choice_s)
            core.out.append(Announce(call, "call_back_offer"))
        else:
            self.hall.dismiss(waiting, "full", now)

    def _room_for_call_back(self, waiting: Waiting) -> bool:
        queue = self.hall.queue(waiting)
        promised = self.core.counts[queue.name, True]
        promised += sum(
            1
            for one in self.core.callers.values()
            if one.offered_call_back and one.need.queue == queue.name and not one.call_back
        )
        number = waiting.caller.number
        return bool(number) and promised < queue.call_backs and not self._kept(waiting, number)

    def _kept(self, waiting: Waiting, number: str) -> bool:
        """Whether another place is kept for who called from the same number, or is to be called at
        this one: one telephone rings for one place, and nobody fills the bank with places."""
        others = (one for one in self.core.callers.values() if one.call_back and one is not waiting)
        caller = waiting.caller.number
        return any(one.caller.number == caller or one.back_at == number for one in others)

    # -- his own will -----------------------------------------------------------------------------

    def left(self, call: str, now: float) -> None:
        """He hung up, or went back to the menu; of a call-back that was chosen: the line is down.
        After that: he wants it no more."""
        waiting = self.core.callers.get(call)
        if waiting is None:
            return
        if waiting.call_back and not waiting.cleared:
            self._cleared(waiting, now)
        elif waiting.standing is Standing.CHOOSING:
            self.hall.leave(waiting, "full", now)
        else:
            self._gone(waiting, now)

    def _gone(self, waiting: Waiting, now: float) -> None:
        seat = self.core.seats.get(waiting.seat)
        how = "cancelled" if waiting.call_back else "abandoned"
        if seat is not None and waiting.standing is Standing.OFFERED:
            self.hall.take_back(seat)
        self.hall.leave(waiting, how, now)  # type: ignore[arg-type]
        if seat is not None:
            self.core.move(seat, SeatState.READY, now)
            self.hall.free(seat, now)

    def chose(self, event: CallerChose, now: float) -> None:
        """A key after an offer. Whom a seat rings for is as good as served: he chooses nothing."""
        waiting = self.core.callers.get(event.call)
        if waiting is None or waiting.call_back or waiting.standing is Standing.OFFERED:
            return
        choosing = waiting.standing is Standing.CHOOSING
        at = event.number or waiting.caller.number
        wants = event.choice == "call_back" and waiting.offered_call_back
        if wants and not self._kept(waiting, at):
            waiting.back_at = at
            self._call_back(waiting, now)
        elif choosing:
            self.hall.dismiss(waiting, "full", now)
        elif event.choice == "leave":
            self.hall.dismiss(waiting, "done", now)

    def types(self, call: str, now: float) -> None:
        """Who has no place in the queue may go on choosing, but not for ever."""
        waiting = self.core.callers.get(call)
        if waiting is None or waiting.standing is not Standing.CHOOSING:
            return
        waiting.typed += 1
        if waiting.typed > MOST_TYPED:
            self.hall.dismiss(waiting, "full", now)
            return
        self.core.start(CALL, call, CHOICE, now + TYPED_S + self.core.options.choice_s)

    def _call_back(self, waiting: Waiting, now: float) -> None:
        core, call = self.core, waiting.call
        if waiting.standing is Standing.WAITING:
            core.step_out(waiting)
        core.timers.stop((CALL, call), (ANNOUNCE, LONGEST, CHOICE))
        self.hall.keep(waiting, now)
        core.start(CALL, call, CLEAR, now + CLEAR_S)
        core.start(CALL, call, KEEPS, now + core.options.call_back_keeps_s)

    def _cleared(self, waiting: Waiting, now: float) -> None:
        """His line is down: he can be rung from now on."""
        waiting.cleared = True
        self.core.timers.stop((CALL, waiting.call), (CLEAR,))
        self._widen_later(waiting, now)
        self.hall.stand(waiting, now)

    def keeps(self, event: PlaceKept, now: float) -> None:
        """He kept his place in a former life of this node, and can be rung."""
        core, caller = self.core, event.caller
        if caller.call in core.callers or event.queue not in core.queues:
            core.note("queue.ignored", caller.call, why="no such place")
            return
        need = Need(event.queue, _skill(core.queues[event.queue], caller), caller.language)
        waiting = self._waiting(caller, need, now - max(event.waited_s, 0.0), now)
        waiting.call_back = waiting.cleared = waiting.offered_call_back = True
        waiting.back_at, waiting.tries = event.number, event.tries
        core.callers[caller.call] = waiting
        core.counts[event.queue, True] += 1
        core.note("queue.resumed", caller.call, queue=event.queue, tries=event.tries)
        left = core.options.call_back_keeps_s - event.kept_s
        core.start(CALL, caller.call, KEEPS, now + max(left, 0.0))
        if event.again_s > 0.0:
            waiting.standing = Standing.KEPT
            core.start(CALL, caller.call, AGAIN, now + event.again_s)
        else:
            self._widen_later(waiting, now)
            self.hall.stand(waiting, now)

    def cut_off(self, now: float) -> None:
        """The node stops: who is on the line waits no more, whose place is kept does."""
        for waiting in [one for one in self.core.callers.values() if not one.call_back]:
            self.hall.leave(waiting, "stopped", now)

    def no_more_call_backs(self) -> None:
        """The node is about to stop: whose place is kept stands in no line any more."""
        core = self.core
        core.calls_back = False
        for waiting in core.callers.values():
            if waiting.call_back and waiting.standing is Standing.WAITING:
                core.step_out(waiting)
                waiting.standing = Standing.KEPT

    # -- time -------------------------------------------------------------------------------------

    def due(self, call: str, timer: str, now: float) -> None:
        """A timer of his has come."""
        waiting = self.core.callers[call]
        if timer == ANNOUNCE:
            self._announce(waiting, now)
        elif timer == WIDEN:
            self._widen_later(waiting, now)
            self._stand_again(waiting, now)
        elif timer == LONGEST:
            self._stand_again(waiting, now)
        elif timer == CHOICE:
            self.hall.dismiss(waiting, "full", now)
        elif timer == CLEAR:
            self._cleared(waiting, now)
        elif timer == AGAIN:
            self.hall.stand(waiting, now)
        else:
            self._kept_too_long(waiting, now)

    def _stand_again(self, waiting: Waiting, now: float) -> None:
        """Who is offered to a seat is looked at again when nothing comes of that."""
        if waiting.standing is Standing.WAITING:
            self.core.step_out(waiting)
            self.hall.stand(waiting, now)

    def _widen_later(self, waiting: Waiting, now: float) -> None:
        over = self.hall.queue(waiting).overflow
        ahead = [waiting.since + seconds for _, seconds in over if waiting.since + seconds > now]
        if ahead:
            self.core.start(CALL, waiting.call, WIDEN, min(ahead))

    def _announce(self, waiting: Waiting, now: float) -> None:
        core, queue = self.core, self.hall.queue(waiting)
        core.start(CALL, waiting.call, ANNOUNCE, now + queue.place_every_s)
        if waiting.standing is Standing.WAITING:
            expected = core.expected_s(waiting.need, (waiting.key, waiting.number))
            core.out += announcing.said(waiting, core.place(waiting), expected, now)
            offer = 0 < queue.offer_after_s <= (expected or 0.0)
            if offer and not waiting.offered_call_back and self._room_for_call_back(waiting):
                waiting.offered_call_back = True
                core.out.append(Announce(waiting.call, "call_back_offer"))

    def _kept_too_long(self, waiting: Waiting, now: float) -> None:
        seat = self.core.seats.get(waiting.seat)
        if seat is not None:
            # He is being rung at this moment: the seat's own timer ends that, and then is late.
            self.core.start(CALL, waiting.call, KEEPS, now + self.core.options.call_back_s)
            return
        self.hall.leave(waiting, "expired", now)


def _skill(queue: QueueOptions, caller: Caller) -> str:
    return caller.skill if caller.skill in queue.skills else ""


def _fits(queue: QueueOptions, caller: Caller) -> bool:
    return (
        caller.skill in queue.skills
        and caller.level >= queue.level
        and (not queue.languages or caller.language in queue.languages)
        and (not queue.business or caller.business in queue.business)
        and _matches(queue.numbers, caller.number)
        and _matches(queue.called, caller.called)
    )


def _matches(patterns: tuple[str, ...], number: str) -> bool:
    if not patterns:
        return True
    return any(
        number.startswith(one[:-1]) if one.endswith("*") else number == one for one in patterns
    )
