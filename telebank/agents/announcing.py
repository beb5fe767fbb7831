"""What somebody who waits is told: his place and the wait where they are news, else that he is not
forgotten, every other time."""

from telebank.agents.commands import Announce, Command
from telebank.agents.forecast import LONGEST_MINUTES, minutes
from telebank.agents.line_up import Waiting

QUIET = 2
"""Times without news after which a word of comfort is said."""


def said(waiting: Waiting, place: int, expected_s: float | None, now: float) -> list[Command]:
    """What to say now; it is remembered as said."""
    out: list[Command] = []
    if place != waiting.said_place:
        out.append(Announce(waiting.call, "place", place=place))
        waiting.said_place = place
    if expected_s is not None:
        wait = minutes(expected_s)
        if waiting.forecast_s is None:
            waiting.forecast_s, waiting.forecast_at = expected_s, now
        if wait > LONGEST_MINUTES:
            wait = LONGEST_MINUTES + 1
        if wait != waiting.said_minutes:
            out.append(_wait(waiting.call, wait))
            waiting.said_minutes = wait
    waiting.quiet = 0 if out else waiting.quiet + 1
    if waiting.quiet == QUIET:
        waiting.quiet = 0
        out.append(Announce(waiting.call, "comfort"))
    return out


def _wait(call: str, wait: int) -> Announce:
    if wait > LONGEST_MINUTES:
        return Announce(call, "long_wait")
    return Announce(call, "wait", minutes=wait)
