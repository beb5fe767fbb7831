"""The expected wait, in seconds.

Where all of `n` seats work, one comes free every AHT / n seconds on average, so who has `k` before
him waits (k + 1) · AHT / n: exact for handling times without memory (an M/M/n queue), and a fair
middle else. Callers of other queues who stand before him count by the part of their seats that are
his seats too. What was told is measured against what happened: `Figures.forecast_ratio`.
"""

from collections.abc import Iterable, Sequence
from math import ceil

from telebank.agents.line_up import Line, Need
from telebank.agents.scoring import Serving
from telebank.agents.seats import WORKING, Seat, SeatState

WEIGHT = 0.05
"""Of one call in the mean of handling times: about the last twenty count."""
LONGEST_MINUTES = 30
"""More is said as a long wait: nobody knows it to the minute."""


Floor = tuple[Serving, Sequence[Seat], Iterable[Line]]
"""Who can serve what, all seats, all lines."""


class Handling:
    """Mean seconds of a call with its wrap-up."""

    def __init__(self, guess_s: float) -> None:
        self.seconds = guess_s

    def add(self, seconds: float) -> None:
        """One more call; the latest count most."""
        self.seconds += WEIGHT * (seconds - self.seconds)


def expected_s(
    floor: Floor, need: Need, place: tuple[float, int], handling_s: float
) -> float | None:
    """Seconds that somebody of such a key and number waits; None where nobody works who could take
    him, 0 where a seat is free and nobody is before him."""
    serving, seats, lines = floor
    mine = {seat.id for seat in seats if _works(seat) and serving.level(seat, need)}
    if not mine:
        return None
    ahead = 0.0
    for line in lines:
        before = line.ahead(*place)
        if before:
            theirs = [seat.id for seat in seats if _works(seat) and serving.level(seat, line.need)]
            shared = sum(1 for one in theirs if one in mine)
            ahead += before * shared / len(theirs) if theirs else 0.0
    free = sum(1 for seat in seats if seat.state is SeatState.READY and seat.id in mine)
    if free > ahead:
        return 0.0
    return (ahead - free + 1) * handling_s / len(mine)


def minutes(seconds: float) -> int:
    """As it is said: begun minutes, from 1."""
    return max(1, ceil(seconds / 60))


def _works(seat: Seat) -> bool:
    return seat.takes and seat.state in WORKING
