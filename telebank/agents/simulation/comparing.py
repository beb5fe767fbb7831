"""The centre beside Erlang C: one skill, callers at random, exponential talks, nobody gives up."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean

from telebank.agents import erlang
from telebank.agents.options import MAX_WAITING, CentreOptions, QueueOptions
from telebank.agents.simulation.plan import Plan, Staff, Stream
from telebank.agents.simulation.play import Told, play

SEATS = 10
TALK_S = 180.0
LOADS = (0.5, 0.6, 0.7, 0.8, 0.85, 0.9)
WARM_UP = 2_000
"""Calls until a queue of the highest load is as it stays: five times its relaxation."""
ALONE = QueueOptions(
    name="alone",
    zh="独队",
    en="Alone",
    skills=("general",),
    most=MAX_WAITING,
    longest_s=7_200.0,
    wrap_up_s=0.0,
    handling_s=TALK_S,
)
"""A queue as theory has it: nobody is sent away, a talk is all there is."""


@dataclass(frozen=True, slots=True)
class Compared:
    """One play beside what Erlang C says."""

    load: float
    """Of each seat, 0 to 1."""
    seats: int
    calls: int
    seed: int
    wait_s: float
    wait_error_s: float
    """Standard error, by parts of the play."""
    erlang_wait_s: float
    waiting: float
    """Part who wait at all."""
    waiting_error: float
    erlang_waiting: float
    level: float
    """Part answered within the queue's seconds."""
    erlang_level: float
    occupancy: float
    told: Mapping[int, tuple[int, float, float]]
    """By the minutes that were said first: how many callers, the mean seconds that they then
    waited, and the part of them who waited no longer than said."""
    told_ratio: float
    """What was waited by what was computed when it was told."""


def alone(load: float, calls: int, seats: int = SEATS) -> Plan:
    """One queue whose seats are busy such a part of their time, 0 to 1."""
    stream = Stream("general", load * seats * 3_600 / TALK_S, TALK_S)
    staff = Staff((("general", 5),), seats)
    return Plan(CentreOptions((ALONE,)), (stream,), (staff,), calls, WARM_UP)


def compare(load: float, calls: int, seed: int, told: Told = lambda calls: None) -> Compared:
    """Play it, and say what theory says beside it; raises `ValueError` where so few calls that
    nothing is known: some thousand are needed."""
    outcome = play(alone(load, calls), seed, told)
    whole, offered = outcome.all(), load * SEATS
    return Compared(
        *(load, SEATS, calls, seed),
        wait_s=_known(whole.mean_wait_s),
        wait_error_s=_known(whole.wait_error_s),
        erlang_wait_s=erlang.mean_wait_s(offered, SEATS, TALK_S),
        waiting=_known(whole.waiting),
        waiting_error=_known(whole.waiting_error),
        erlang_waiting=erlang.erlang_c(offered, SEATS),
        level=_known(whole.service_level),
        erlang_level=erlang.service_level(offered, SEATS, TALK_S, ALONE.service_s),
        occupancy=outcome.occupancy,
        told={
            minutes: _told(minutes, waits) for minutes, waits in whole.forecasts.by_minute().items()
        },
        told_ratio=_known(whole.forecasts.ratio),
    )


def _told(minutes: int, waits_s: Sequence[float]) -> tuple[int, float, float]:
    kept = sum(one <= 60 * minutes for one in waits_s)
    return len(waits_s), fmean(waits_s), kept / len(waits_s)


def _known(figure: float | None) -> float:
    if figure is None:
        raise ValueError("so few calls tell nothing: give some thousand")
    return figure
