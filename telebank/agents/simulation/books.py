"""Keeping the books of a play: what the centre said, counted."""

from collections.abc import Mapping
from dataclasses import dataclass

from telebank.agents.commands import Announce, Command, Noted, Ring, SeatMoved
from telebank.agents.figures import SOON_S
from telebank.agents.options import CentreOptions
from telebank.agents.seats import SeatState
from telebank.agents.simulation.outcome import Outcome, QueueOutcome

HOUR_S = 3_600.0
_WORKS = frozenset({SeatState.RINGING, SeatState.TALKING, SeatState.WRAP_UP})
Detail = Mapping[str, str | int | float]


@dataclass(slots=True)
class _Page:
    """What is remembered of a caller until he leaves."""

    came: float
    rung: float | None = None
    """When a seat rang for him first."""
    told: float | None = None
    """When he was told a wait first."""
    minutes: int = 0
    """That were said then."""


class Books:
    """Of one play; only callers who are named by `came` count."""

    def __init__(self, options: CentreOptions, seats: int) -> None:
        self._service_s = {queue.name: queue.service_s for queue in options.queues}
        self._seats = seats
        self._pages: dict[str, _Page] = {}
        self._works: dict[str, float] = {}
        """Since when, by seat."""
        self._began: float | None = None
        self._ended = False
        self.outcome = Outcome()

    def came(self, call: str, now: float) -> None:
        """A caller who counts; hours are counted from the first on."""
        if self._began is None:
            self._began = now
            self._works = dict.fromkeys(self._works, now)
        self._pages[call] = _Page(now)

    def end(self, now: float) -> None:
        """Nobody comes any more: what seats do from now on is not how busy they were."""
        began = now if self._began is None else self._began
        for since in self._works.values():
            self.outcome.busy_hours += (now - since) / HOUR_S
        self.outcome.hours = (now - began) / HOUR_S
        self.outcome.seat_hours = self.outcome.hours * self._seats
        self._ended = True

    def hear(self, command: Command, now: float) -> None:
        """One word of the centre."""
        match command:
            case SeatMoved(seat, state):
                self._moved(seat, SeatState(state) in _WORKS, now)
            case Ring(call) if (page := self._pages.get(call)) is not None:
                page.rung = now if page.rung is None else page.rung
            case Announce(call, what) if what == "long_wait" or command.minutes:
                self._told(call, command.minutes, now)
            case Noted("queue.entered", call, detail) if call in self._pages:
                self._queue(detail).came += 1
            case Noted("queue.refused", call) if self._pages.pop(call, None) is not None:
                self.outcome.refused += 1
            case Noted("queue.left", call, detail) if (
                page := self._pages.pop(call, None)
            ) is not None:
                self._left(self._queue(detail), page, detail, now)

    def _queue(self, detail: Detail) -> QueueOutcome:
        name = str(detail["queue"])
        return self.outcome.queues.setdefault(name, QueueOutcome(name))

    def _told(self, call: str, minutes: int, now: float) -> None:
        """He heard a wait; the first one counts. No minutes: a long one."""
        page = self._pages.get(call)
        if page is not None and page.told is None:
            page.told, page.minutes = now, minutes

    def _moved(self, seat: str, works: bool, now: float) -> None:
        since = self._works.get(seat)
        if works and since is None:
            self._works[seat] = now
        elif not works and since is not None:
            del self._works[seat]
            if self._began is not None and not self._ended:
                self.outcome.busy_hours += (now - since) / HOUR_S

    def _left(self, queue: QueueOutcome, page: _Page, detail: Detail, now: float) -> None:
        how, waited = str(detail["how"]), now - page.came
        queue.ends[how] += 1
        if how == "abandoned":
            queue.soon += waited <= SOON_S
        elif how == "answered":
            queue.in_time += waited <= self._service_s[queue.name]
            queue.waits_s.append(waited)
            queue.queued.append(page.rung is None or page.rung > page.came)
            if page.told is not None:
                told = float(detail["forecast_s"])
                queue.forecasts.add(told, page.minutes, now - page.told)
