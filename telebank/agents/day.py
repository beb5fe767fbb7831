"""What is counted from midnight to midnight of the bank's clock: figures of queues, tallies of
people."""

from collections import defaultdict
from collections.abc import Callable
from datetime import datetime, timedelta

from telebank.agents.figures import QUARTER_S, Figures, Tally

Wall = Callable[[float], datetime]
"""The bank's wall clock at a monotonic second."""
LOOK_S = 600.0
"""The wall clock may be put right: seconds after which it is looked at again."""


class Day:
    """The present day."""

    def __init__(self, wall: Wall) -> None:
        self._wall = wall
        self._looked_until = float("-inf")
        self._began = 0.0
        """Monotonic second of midnight."""
        self.number = 0
        """Ordinal of the date."""
        self.queues: defaultdict[str, Figures] = defaultdict(Figures)
        self.people: defaultdict[str, Tally] = defaultdict(Tally)

    def turn(self, now: float) -> None:
        """Begin a new one where midnight is past. To be called before anything is counted."""
        if now < self._looked_until:
            return
        wall = self._wall(now)
        midnight = datetime.combine(wall.date(), datetime.min.time(), wall.tzinfo)
        left = (midnight + timedelta(days=1) - wall).total_seconds()
        self._looked_until = now + min(left, LOOK_S)
        self._began = now - (wall - midnight).total_seconds()
        number = wall.toordinal()
        if number > self.number:  # a clock that is put back does not bring yesterday again
            self.number = number
            self.queues.clear()
            self.people.clear()

    def quarter(self, now: float) -> int:
        """The quarter of an hour of the day, 0 to 95."""
        return int((now - self._began) // QUARTER_S)
