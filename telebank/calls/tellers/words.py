"""What is said to callers who wait."""

from telebank.agents.commands import Announce
from telebank.flow.commands import Spoken


def words_of(announce: Announce) -> tuple[Spoken, ...]:
    """The texts of an announcement; none where it is not said."""
    match announce.what:
        case "place":
            return (*_place(announce.place), *_wait(announce.minutes))
        case "wait":
            return _wait(announce.minutes)
        case "long_wait":
            return (Spoken("queue.long"),)
        case "comfort":
            return (Spoken("queue.comfort"),)
        case "call_back_offer":
            return (Spoken("queue.offer"),)
        case "call_back_kept":
            return ()  # it ends the call: `CallerPort.kept`


def _place(place: int) -> tuple[Spoken, ...]:
    if place <= 1:
        return (Spoken("queue.next"),)
    return (Spoken("queue.place", {"ahead": place - 1}),)


def _wait(minutes: int) -> tuple[Spoken, ...]:
    if minutes <= 0:
        return ()
    if minutes == 1:
        return (Spoken("queue.soon"),)
    return (Spoken("queue.wait", {"minutes": minutes}),)
