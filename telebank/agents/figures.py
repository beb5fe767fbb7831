"""Service figures of one day: of a queue, of its quarter hours, and of seats.

Formulas: service level = answered in time / (answered + abandoned after `SOON_S`); average speed of
answer = wait of the answered / answered; handling time = (talk + wrap-up) / handled; abandonment =
abandoned / came. A call belongs to the quarter of an hour in which it came.
"""

from dataclasses import dataclass, field

QUARTER_S = 900
QUARTERS = 96
SOON_S = 5.0
"""Who hangs up sooner did not wait: a wrong number, a change of mind."""


@dataclass(slots=True)
class Quarter:
    """What became of those who came in one quarter of an hour."""

    came: int = 0
    answered: int = 0
    in_time: int = 0
    abandoned: int = 0
    """Without those who hung up soon."""
    away: int = 0
    """Sent away, those at the door too, who are not in `came`."""
    kept: int = 0
    """Who chose to be called back."""


@dataclass(slots=True)
class Figures:
    """Of one queue today."""

    came: int = 0
    """Who wanted this queue while it was open and somebody sat at it."""
    answered: int = 0
    in_time: int = 0
    abandoned: int = 0
    soon: int = 0
    """Of the abandoned, those who hung up within `SOON_S`."""
    full: int = 0
    """Sent away: the queue was full, or they waited too long."""
    off_duty: int = 0
    """Sent away while they waited: nobody sat there any more."""
    closed: int = 0
    """Sent away at the door, and not in `came`: outside its hours."""
    nobody: int = 0
    """The same: nobody sat there."""
    kept: int = 0
    """Who chose to be called back."""
    missed: int = 0
    """Of them, whom nobody reached."""
    overflowed: int = 0
    """Of the answered, those whom a seat of another queue answered."""
    wait_s: float = 0.0
    """Of the answered."""
    longest_s: float = 0.0
    handled: int = 0
    """Calls whose wrap-up is over too."""
    talk_s: float = 0.0
    wrap_up_s: float = 0.0
    forecasts: int = 0
    """Answered callers who had been told a wait."""
    forecast_s: float = 0.0
    """Sum of the waits first told to them."""
    forecast_wait_s: float = 0.0
    """Sum of what those had really waited, from the moment at which they were told."""
    quarters: list[Quarter] = field(default_factory=list)

    def quarter(self, number: int) -> Quarter:
        """Of the day, from 0."""
        number = min(max(number, 0), QUARTERS - 1)
        while len(self.quarters) <= number:
            self.quarters.append(Quarter())
        return self.quarters[number]

    def answer(self, waited: float, quarter: Quarter, service_s: float) -> None:
        """Somebody was answered, who came in that quarter."""
        in_time = waited <= service_s
        self.answered += 1
        self.in_time += in_time
        quarter.answered += 1
        quarter.in_time += in_time
        self.wait_s += waited
        self.longest_s = max(self.longest_s, waited)

    def refuse(self, quarter: Quarter, *, closed: bool) -> None:
        """Somebody was sent away at the door."""
        self.closed += closed
        self.nobody += not closed
        quarter.away += 1

    @property
    def away(self) -> int:
        """All who were sent away."""
        return self.full + self.off_duty + self.closed + self.nobody

    def told(self, forecast_s: float, waited_s: float) -> None:
        """Somebody was answered so long after he was first told a wait."""
        self.forecasts += 1
        self.forecast_s += forecast_s
        self.forecast_wait_s += waited_s

    def abandon(self, waited: float, quarter: Quarter) -> None:
        """Somebody gave up who came in that quarter."""
        soon = waited <= SOON_S
        self.abandoned += 1
        self.soon += soon
        quarter.abandoned += not soon

    @property
    def service_level(self) -> float | None:
        """0 to 1; None: nobody was answered and nobody gave up."""
        return level_of(self.in_time, self.answered, self.abandoned - self.soon)

    @property
    def asa_s(self) -> float | None:
        """Average speed of answer in seconds; None: nobody was answered."""
        return self.wait_s / self.answered if self.answered else None

    @property
    def aht_s(self) -> float | None:
        """Average handling time in seconds; None: nothing was handled."""
        return (self.talk_s + self.wrap_up_s) / self.handled if self.handled else None

    @property
    def forecast_ratio(self) -> float | None:
        """What was waited by what was told; 1: told truly. None: nothing was told."""
        return self.forecast_wait_s / self.forecast_s if self.forecast_s else None

    def latest_level(self, number: int) -> float | None:
        """Service level of those who came in quarter `number` and the two before it: in the last
        half hour, and up to a quarter more."""
        latest = self.quarters[max(number - 2, 0) : number + 1]
        return level_of(
            sum(one.in_time for one in latest),
            sum(one.answered for one in latest),
            sum(one.abandoned for one in latest),
        )


def level_of(in_time: int, answered: int, abandoned: int) -> float | None:
    """Service level, 0 to 1; None where there was no call that counts."""
    return in_time / (answered + abandoned) if answered + abandoned else None


@dataclass(slots=True)
class Tally:
    """Of one person today, over all his logins."""

    calls: int = 0
    talk_s: float = 0.0
    missed: int = 0
    """Rings that he did not take."""
