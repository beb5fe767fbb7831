"""What comes of an offer: the seat takes the call, does not, or the time is over."""

from telebank.agents.commands import Unring
from telebank.agents.core import AGAIN, CALL, RING, SEAT, Core
from telebank.agents.events import CallerBack, OfferFailed, OfferTaken
from telebank.agents.hall import Hall
from telebank.agents.line_up import Standing, Waiting
from telebank.agents.seats import Seat, SeatState


class Offers:
    """Events of offers."""

    def __init__(self, core: Core, hall: Hall) -> None:
        self.core, self.hall = core, hall

    def _offered(self, call: str, seat_id: str) -> tuple[Waiting, Seat] | None:
        """Both, where this offer stands."""
        waiting, seat = self.core.callers.get(call), self.core.seats.get(seat_id)
        if waiting is None or seat is None or waiting.seat != seat_id:
            return None
        return (waiting, seat) if waiting.standing is Standing.OFFERED else None

    def taken(self, event: OfferTaken, now: float) -> None:
        """They talk. Of an offer that stands no more: the line is to be dropped."""
        offered = self._offered(event.call, event.seat)
        if offered is None:
            self._late(event.call, event.seat)
            return
        waiting, seat = offered
        self.core.timers.stop((SEAT, seat.id), (RING,))
        self.hall.leave(waiting, "answered", now, seat.id)
        self.core.day.people[seat.id].calls += 1
        seat.calls[event.call] = now
        seat.worked = now
        self.core.move(seat, SeatState.TALKING, now)

    def _late(self, call: str, seat_id: str) -> None:
        seat = self.core.seats.get(seat_id)
        if seat is None or call not in seat.calls:
            self.core.out.append(Unring(call, seat_id))

    def failed(self, event: OfferFailed, now: float) -> None:
        """Nothing came of it. A seat that does not take a call is busy until it says otherwise, so
        that the next caller is not rung there too."""
        offered = self._offered(event.call, event.seat)
        if offered is None:
            return
        waiting, seat = offered
        self.core.timers.stop((SEAT, seat.id), (RING,))
        seat.call = seat.queue = ""
        if event.party == "customer" and waiting.call_back:
            self._not_reached(waiting, seat, now)
        else:
            self._refused(waiting, seat, event.why, now)

    def _refused(self, waiting: Waiting, seat: Seat, why: str, now: float) -> None:
        self.core.day.people[seat.id].missed += 1
        detail = {"queue": waiting.need.queue, "seat": seat.id, "why": why}
        self.core.note("queue.missed", waiting.call, **detail)
        self.core.move(seat, SeatState.BUSY, now, why)
        self.hall.stand(waiting, now)

    def _not_reached(self, waiting: Waiting, seat: Seat, now: float) -> None:
        core = self.core
        waiting.tries += 1
        waiting.seat = ""
        if waiting.tries >= core.options.call_back_tries:
            self.hall.leave(waiting, "unreachable", now)
        else:
            waiting.standing = Standing.KEPT
            core.start(CALL, waiting.call, AGAIN, now + core.options.call_back_again_s)
        core.move(seat, SeatState.READY, now)
        self.hall.free(seat, now)

    def back(self, event: CallerBack, now: float) -> None:
        """The customer who is called back is on the line: the seat rings. From now on he is a
        caller like others, who was first."""
        core = self.core
        waiting = core.callers.get(event.call)
        if waiting is None or not waiting.call_back or waiting.standing is not Standing.OFFERED:
            return
        self.hall.returned(waiting, now)
        seat = core.seats[waiting.seat]
        self.hall.ring(waiting, seat, now)

    def timed_out(self, seat: Seat, now: float) -> None:
        """No word came in time: as if nobody had answered, and the ringing ends."""
        core = self.core
        waiting = self.hall.take_back(seat)
        if waiting.call_back:
            self._not_reached(waiting, seat, now)
        else:
            core.note("seat.silent", waiting.call, seat=seat.id)
            self._refused(waiting, seat, "no_answer", now)
