"""The simplest machine of queues and seats: one queue, first come first served, no time."""

from telebank.agents import commands, events
from telebank.agents.commands import Command
from telebank.agents.views import QueueView, SeatView


class SimpleCentre:
    """A stand-in for `telebank.agents.centre.Centre` in tests of the room."""

    wake_at: float | None = None

    def __init__(self) -> None:
        self.ready: list[str] = []
        self.callers: list[str] = []
        self.offered: dict[str, str] = {}
        """Seat by call."""

    def wake(self, now: float) -> list[Command]:
        del now
        return []

    def seat(self, seat: str) -> SeatView | None:
        del seat
        return None

    def queue(self, name: str, now: float) -> QueueView | None:
        del name, now
        return None

    def receive(self, event: events.Event, now: float) -> list[Command]:
        del now
        out: list[Command] = []
        match event:
            case events.SeatEntered():
                out.append(commands.SeatMoved(event.seat, "busy"))
            case events.SeatWanted():
                out += self._to(event.seat, event.state, event.reason, event.by)
            case events.CallerCame(caller):
                if not self.ready and not self.offered:
                    return [commands.Dismiss(caller.call, "not_on_duty")]
                self.callers.append(caller.call)
                out.append(commands.Wait(caller.call, "general"))
            case events.CallerLeft():
                if event.call in self.callers:
                    self.callers.remove(event.call)
                if (seat := self.offered.pop(event.call, "")) != "":
                    out += [commands.Unring(event.call, seat), *self._to(seat, "ready")]
            case events.OfferTaken():
                del self.offered[event.call]
                out.append(commands.SeatMoved(event.seat, "talking", call=event.call))
            case events.OfferFailed():
                if self.offered.pop(event.call, ""):
                    self.callers.insert(0, event.call)
                out += self._to(event.seat, "busy", event.why)
            case events.TalkBegan():
                if event.seat in self.ready:
                    self.ready.remove(event.seat)
                out.append(commands.SeatMoved(event.seat, "talking", call=event.call))
            case events.TalkEnded():
                out.append(commands.SeatMoved(event.seat, "wrap_up"))
            case events.WrappedUp():
                out += self._to(event.seat, "ready")
        return [*out, *self._offers()]

    def _to(self, seat: str, state: str, reason: str = "", by: str = "") -> list[Command]:
        if seat in self.ready:
            self.ready.remove(seat)
        if state == "ready":
            self.ready.append(seat)
        return [commands.SeatMoved(seat, state, reason, by)]

    def _offers(self) -> list[Command]:
        out: list[Command] = []
        while self.ready and self.callers:
            call, seat = self.callers.pop(0), self.ready.pop(0)
            self.offered[call] = seat
            out += [commands.SeatMoved(seat, "ringing", call=call), commands.Ring(call, seat, 5.0)]
        return out
