"""What the centre shows of itself: plain values, times as monotonic seconds."""

from dataclasses import dataclass

from telebank.agents.core import Core
from telebank.agents.figures import Quarter
from telebank.agents.line_up import Need, Standing, Waiting
from telebank.agents.options import QueueOptions
from telebank.agents.seats import Seat, SeatState


@dataclass(frozen=True, slots=True)
class SeatView:
    """One who is logged in: what `board.SeatRow` shows of him."""

    seat: str
    name: str
    state: str
    since: float
    reason: str
    next_state: str
    """What follows the call; empty: ready."""
    call: str
    calls: tuple[str, ...]
    """All that he talks with."""
    present: bool
    queues: tuple[str, ...]
    """Names of the queues that he sits at."""
    helps: tuple[str, ...]
    """Names of those that overflow to him."""
    calls_today: int
    talk_today_s: float
    missed_today: int


@dataclass(frozen=True, slots=True)
class QueueView:
    """One queue: what `board.QueueRow` shows, and the figures of today."""

    name: str
    zh: str
    en: str
    open: bool
    waiting: int
    """On the line, those included for whom a seat rings."""
    kept: int
    """To be called back."""
    longest_since: float | None
    seats_ready: int
    seats_in: int
    """Logged in, whatever they are at."""
    expected_wait_s: float | None
    """Of somebody who came now; None: nobody works there."""
    came_today: int
    answered_today: int
    in_time_today: int
    abandoned_today: int
    soon_today: int
    full_today: int
    away_today: int
    """Sent away: full, closed, or nobody there."""
    kept_today: int
    """Who chose to be called back."""
    overflowed_today: int
    service_level: float | None
    """Of today, 0 to 1."""
    latest_service_level: float | None
    """Of the last half hour, and up to a quarter more."""
    asa_s: float | None
    aht_s: float | None
    forecast_ratio: float | None
    """What was waited by what was told."""
    quarters: tuple[Quarter, ...]
    """Of the day, from midnight to now."""


@dataclass(frozen=True, slots=True)
class WaitingView:
    """One who waits."""

    call: str
    queue: str
    standing: str
    """`waiting`, `offered`, `choosing` or `kept`."""
    since: float
    """When his waiting began."""
    place: int
    """From 1; 0: he stands in no line now."""
    seat: str
    call_back: bool


def seats(core: Core) -> list[SeatView]:
    """Of all who are logged in."""
    return [seat_view(core, seat) for seat in core.seats.values()]


def seat_view(core: Core, seat: Seat) -> SeatView:
    """Of one of them."""
    tally = core.day.people[seat.id]
    after = "" if seat.after is SeatState.READY else seat.after.value
    return SeatView(
        seat=seat.id,
        name=seat.name,
        state=seat.state.value,
        since=seat.since,
        reason=seat.reason,
        next_state=SeatState.OFFLINE.value if seat.leaving is not None else after,
        call=seat.call,
        calls=tuple(seat.calls),
        present=seat.present,
        queues=tuple(one.name for one in core.options.queues if core.serving.sits(seat, one)),
        helps=tuple(one.name for one in core.options.queues if core.serving.helps(seat, one)),
        calls_today=tally.calls,
        talk_today_s=tally.talk_s,
        missed_today=tally.missed,
    )


def queue_view(core: Core, queue: QueueOptions, now: float) -> QueueView:
    """Of one queue."""
    figures = core.day.queues[queue.name]
    sitting = [one for one in core.seats.values() if core.serving.sits(one, queue)]
    here = [one for one in core.callers.values() if one.need.queue == queue.name]
    waits = [
        one.since
        for one in here
        if not one.call_back and one.standing in (Standing.WAITING, Standing.OFFERED)
    ]
    last = (float("inf"), 0)
    return QueueView(
        name=queue.name,
        zh=queue.zh,
        en=queue.en,
        open=core.open(queue, now),
        waiting=len(waits),
        kept=sum(1 for one in here if one.call_back),
        longest_since=min(waits, default=None),
        seats_ready=sum(1 for one in sitting if one.state is SeatState.READY),
        seats_in=len(sitting),
        expected_wait_s=core.expected_s(_newcomer(queue), last),
        came_today=figures.came,
        answered_today=figures.answered,
        in_time_today=figures.in_time,
        abandoned_today=figures.abandoned,
        soon_today=figures.soon,
        full_today=figures.full,
        away_today=figures.away,
        kept_today=figures.kept,
        overflowed_today=figures.overflowed,
        service_level=figures.service_level,
        latest_service_level=figures.latest_level(core.day.quarter(now)),
        asa_s=figures.asa_s,
        aht_s=figures.aht_s,
        forecast_ratio=figures.forecast_ratio,
        quarters=tuple(figures.quarters),
    )


def _newcomer(queue: QueueOptions) -> Need:
    language = queue.languages[0] if queue.languages else "zh"
    return Need(queue.name, "", language)


def waiting_view(core: Core, waiting: Waiting) -> WaitingView:
    """Of one who waits."""
    stands = waiting.standing is Standing.WAITING
    return WaitingView(
        call=waiting.call,
        queue=waiting.need.queue,
        standing=waiting.standing.value,
        since=waiting.since,
        place=core.place(waiting) if stands else 0,
        seat=waiting.seat,
        call_back=waiting.call_back,
    )
