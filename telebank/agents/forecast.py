"""The expected wait, in seconds.

Where all of `n` seats work, one comes free every AHT / n seconds on average, so who has `k` before
him waits (k + 1) · AHT / n: exact for handling times without memory (an M/M/n queue), and a fair
middle else. Those before him who give up make it shorter: each leaves at a rate that is measured,
so that it is the sum of 1 / (n / AHT + i · rate) for i from k down to 0 (M/M/n+M). Callers of other
queues who stand before him count by the part of their seats that are his seats too. What was told
is measured against what happened: `Figures.forecast_ratio`.
"""

from collections.abc import Iterable, Mapping
from math import ceil, log

from telebank.agents.line_up import Line, Need
from telebank.agents.scoring import Serving
from telebank.agents.seats import WORKING, Seat

WEIGHT = 0.02
"""Of one call in the mean of handling times: about the last fifty count. With fewer, the
long calls that filled a queue would be told to those in it as if the next ones were as long."""
CALM_S = 3_600.0
"""Seconds of waiting in which nobody gives up, before some were measured."""
LONGEST_MINUTES = 30
"""More is said as a long wait: nobody knows it to the minute."""


Place = tuple[Need, tuple[float, int]]
"""What somebody needs, and his key and number."""


class Handling:
    """Mean seconds of a call with its wrap-up."""

    def __init__(self, guess_s: float) -> None:
        self.seconds = guess_s

    def add(self, seconds: float) -> None:
        """One more call; the latest count most."""
        self.seconds += WEIGHT * (seconds - self.seconds)


class Quits:
    """How often those who wait give up."""

    def __init__(self) -> None:
        self._gave_up = 0.0
        self._waited_s = CALM_S

    def add(self, waited_s: float, *, gave_up: bool) -> None:
        """One more who waits no longer; the latest count most."""
        self._gave_up += gave_up - WEIGHT * self._gave_up
        self._waited_s += waited_s - WEIGHT * self._waited_s

    @property
    def per_s(self) -> float:
        """By each second of each who waits."""
        return self._gave_up / self._waited_s


class Crew:
    """Who is there for what, remembered until somebody comes, goes, learns, or stops working: asked
    for each announcement, and by each caller who comes."""

    def __init__(self, serving: Serving, seats: Mapping[str, Seat]) -> None:
        self._serving, self._seats = serving, seats
        self._on_duty: dict[Need, bool] = {}
        self._at_work: dict[Need, frozenset[str]] = {}

    def changed(self) -> None:
        """Look again."""
        self._on_duty.clear()
        self._at_work.clear()

    def on_duty(self, need: Need) -> bool:
        """Whether somebody sits there who can serve it, now or later."""
        known = self._on_duty.get(need)
        if known is None:
            level = self._serving.level
            seats = self._seats.values()
            known = any(seat.takes and level(seat, need) for seat in seats)
            self._on_duty[need] = known
        return known

    def at_work(self, need: Need) -> frozenset[str]:
        """Those who take such callers one after the other."""
        known = self._at_work.get(need)
        if known is None:
            level = self._serving.level
            seats = self._seats.values()
            known = frozenset(one.id for one in seats if _works(one) and level(one, need))
            self._at_work[need] = known
        return known


def expected_s(  # noqa: PLR0917 - what a wait depends on
    crew: Crew,
    ready: Iterable[str],
    lines: Iterable[Line],
    at: Place,
    handling_s: float,
    quits: float = 0.0,
) -> float | None:
    """Seconds that somebody who stands so waits; None where nobody works who could take him, 0
    where a seat is ready and nobody is before him."""
    need, place = at
    mine = crew.at_work(need)
    if not mine:
        return None
    ahead = 0.0
    for line in lines:
        before = line.ahead(*place)
        if before:
            theirs = crew.at_work(line.need)
            ahead += before * len(theirs & mine) / len(theirs) if theirs else 0.0
    free = sum(1 for seat in ready if seat in mine)
    if free > ahead:
        return 0.0
    return steps_s(ahead - free + 1, len(mine) / handling_s, quits)


def steps_s(steps: float, rate: float, quits: float) -> float:
    """Until so many have left the line, oneself the last: seats take `rate` of them a second, and
    each of the others gives up at a rate of `quits`. The sum as its integral, which has no steps:
    1 % off where a seat takes one in the time in which a fifth of those who wait gives up."""
    least = rate / 2  # where more give up than are taken it is no sum any more
    if quits <= 0.0:
        return steps / rate
    return log((rate + (steps - 0.5) * quits) / max(rate - quits / 2, least)) / quits


def minutes(seconds: float) -> int:
    """As it is said: begun minutes, from 1."""
    return max(1, ceil(seconds / 60))


def _works(seat: Seat) -> bool:
    return seat.takes and seat.state in WORKING
