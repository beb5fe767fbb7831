"""What theory says of a queue: Erlang's formulas for callers who come at random.

`offered` is the load in erlangs: calls a second times mean seconds of a call with its wrap-up.
Erlang B: who finds all seats at work goes away. Erlang C: he waits, however long, and is served in
the order of coming. Erlang A: he waits, and gives up after a patience of his own.

Sources: A. K. Erlang, "Solution of some Problems in the Theory of Probabilities of Significance in
Automatic Telephone Exchanges", 1917; V. B. Iversen, "Teletraffic Engineering Handbook", ITU-D SG 2
(the loss system and its recursion; the delay system and its waiting times); C. Palm, "Research on
Telephone Traffic Carried by Full Availability Groups", 1957, and O. Garnett, A. Mandelbaum,
M. Reiman, "Designing a Call Center with Impatient Customers", 2002 (Erlang A).
"""

from dataclasses import dataclass
from math import exp, inf, isfinite

MAX_SEATS = 10_000
"""More are not looked at: no sum here gets longer than some ten thousand terms."""
MAX_OFFERED = 5_000.0
"""Erlangs."""
MAX_QUEUED = 1_000_000
"""Callers who wait at once in a queue of the impatient, about."""
_NEGLIGIBLE = 1e-15
_HUGE = 1e200


def erlang_b(offered: float, seats: int) -> float:
    """Part of the callers who find all seats at work, where nobody waits, 0 to 1.

    By Erlang's recursion B(0) = 1, B(n) = a B(n-1) / (n + a B(n-1)), which neither overflows nor
    loses figures.
    """
    _check(offered, seats)
    blocked = 1.0
    for number in range(1, seats + 1):
        blocked = offered * blocked / (number + offered * blocked)
    return blocked


def lines_for(offered: float, blocking: float) -> int:
    """The fewest lines on which no more than such a part of the callers find all taken.

    Raises `ValueError` for a part that is not between 0 and 1 or needs over `MAX_SEATS`.
    """
    if not 0 < blocking < 1:
        raise ValueError(f"a blocking of {blocking:g} cannot be had: give more than 0, less than 1")
    _check(offered, 0)
    blocked = 1.0
    for lines in range(1, MAX_SEATS + 1):
        blocked = offered * blocked / (lines + offered * blocked)
        if blocked <= blocking:
            return lines
    raise ValueError(f"more than {MAX_SEATS} lines would be needed")


def erlang_c(offered: float, seats: int) -> float:
    """Part of the callers who wait at all, 0 to 1; 1 where more is offered than seats can do."""
    _check(offered, seats)
    if offered >= seats:
        return 1.0
    blocked = erlang_b(offered, seats)
    return blocked / (1 - offered / seats * (1 - blocked))


def mean_wait_s(offered: float, seats: int, handling_s: float) -> float:
    """Mean seconds of waiting of all callers, those included who do not wait; infinite where more
    is offered than seats can do."""
    if offered >= seats:
        _check(offered, seats)
        return inf
    return erlang_c(offered, seats) * handling_s / (seats - offered)


def service_level(offered: float, seats: int, handling_s: float, within_s: float) -> float:
    """Part of the callers who are answered within so many seconds, 0 to 1."""
    if offered >= seats:
        _check(offered, seats)
        return 0.0
    return 1 - erlang_c(offered, seats) * exp(-(seats - offered) * within_s / handling_s)


def seats_for(offered: float, handling_s: float, within_s: float, level: float) -> int:
    """The fewest seats that answer such a part of the callers within so many seconds.

    Raises `ValueError` for a level that is not between 0 and 1 or needs over `MAX_SEATS`.
    """
    if not 0 < level < 1:
        raise ValueError(
            f"a service level of {level:g} cannot be had: give more than 0, less than 1"
        )
    # One pass of the recursion, rather than one for each number of seats.
    _check(offered, 0)
    blocked = 1.0
    for seats in range(1, MAX_SEATS + 1):
        blocked = offered * blocked / (seats + offered * blocked)
        if offered < seats:
            waits = blocked / (1 - offered / seats * (1 - blocked))
            if 1 - waits * exp(-(seats - offered) * within_s / handling_s) >= level:
                return seats
    raise ValueError(f"over {MAX_SEATS} seats are needed for {offered:g} erlangs")


@dataclass(frozen=True, slots=True)
class Impatient:
    """A queue whose callers give up (Erlang A)."""

    waits: float
    """Part of the callers who wait at all, 0 to 1."""
    abandons: float
    """Part of the callers who give up, 0 to 1."""
    mean_wait_s: float
    """Of all callers, until they are answered or give up."""
    occupancy: float
    """Part of their time that seats work."""


def erlang_a(offered: float, seats: int, handling_s: float, patience_s: float) -> Impatient:
    """A queue whose callers have patience for so many seconds on average (exponential).

    From the chances of each number of callers, in balance: with `n` there, one leaves at a rate of
    min(n, seats) / handling + max(n - seats, 0) / patience.
    """
    _check(offered, seats)
    if offered == 0:
        return Impatient(0.0, 0.0, 0.0, 0.0)
    if (offered - seats) * patience_s / handling_s > MAX_QUEUED:
        raise ValueError(
            f"over {MAX_QUEUED} callers would wait at once: fewer calls, or more seats"
        )
    # Chances relative to the one of nobody there, made smaller together where they get too big.
    number, chance, whole, busy, queued, waiting = 0, 1.0, 1.0, 0.0, float(not seats), 0.0
    while True:
        number += 1
        working, beyond = min(number, seats), max(number - seats, 0)
        leaving = working + beyond * handling_s / patience_s
        chance *= offered / leaving
        whole += chance
        busy += working * chance
        queued += chance * (number >= seats)
        waiting += beyond * chance
        if chance < _NEGLIGIBLE * whole and offered < leaving:
            break
        if chance > _HUGE:
            chance, whole, busy = chance / _HUGE, whole / _HUGE, busy / _HUGE
            queued, waiting = queued / _HUGE, waiting / _HUGE
    mean_s = waiting / whole * handling_s / offered
    occupancy = busy / whole / seats if seats else 1.0
    return Impatient(queued / whole, mean_s / patience_s, mean_s, occupancy)


def _check(offered: float, seats: int) -> None:
    if not isfinite(offered) or not 0 <= offered <= MAX_OFFERED:
        raise ValueError(f"{offered:g} erlangs are offered: give 0 to {MAX_OFFERED:g}")
    if not 0 <= seats <= MAX_SEATS:
        raise ValueError(f"{seats} seats: give 0 to {MAX_SEATS}")
