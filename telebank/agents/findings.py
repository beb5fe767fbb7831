"""Queues that can be read, but do not do what they seem to say: each in plain words, with what to
change."""

from collections.abc import Iterable, Iterator

from telebank.agents.load import LANGUAGES
from telebank.agents.options import CentreOptions, QueueOptions

USUAL_LEVEL = 0
"""Importance of a customer of whom nothing is known."""


def findings(options: CentreOptions, asked: Iterable[str]) -> Iterator[str]:
    """What can be meant so, and mostly is not; `asked` are the skills that menus ask for."""
    if not options.queues:
        yield "there is no queue: whoever wants a person hears that nobody is on duty"
        return
    for skill in sorted(set(asked)):
        yield from _of_skill(options, skill)
    for number, queue in enumerate(options.queues):
        front = f"queues.{queue.name}: "
        for finding in (*_of_times(queue), *_of_call_backs(queue), *_of_hours(queue)):
            yield front + finding
        for finding in _of_place(options, number, queue):
            yield front + finding


def _of_skill(options: CentreOptions, skill: str) -> Iterator[str]:
    """Who finds no queue."""
    taking = [queue for queue in options.queues if skill in queue.skills]
    if not taking:
        yield (
            f"menus ask for {skill!r}, which no queue takes: who chooses that hears that nobody is"
            f" on duty; put {skill} into the skills of a queue"
        )
        return
    plain = [
        queue
        for queue in taking
        if queue.level <= USUAL_LEVEL and not (queue.numbers or queue.called or queue.business)
    ]
    for language in LANGUAGES:
        if not any(not one.languages or language in one.languages for one in plain):
            yield (
                f"{skill!r} has no queue for every caller who speaks {language}: those whom"
                " level, languages, business, numbers and called leave out hear that nobody is on"
                " duty"
            )


def _of_times(queue: QueueOptions) -> Iterator[str]:
    for other, after_s in queue.overflow:
        if after_s >= queue.longest_s:
            yield (
                f"overflow to {other} comes after {after_s:g} s, and after longest_s"
                f" ({queue.longest_s:g} s) callers are sent away: it never does"
            )
    if queue.place_every_s and queue.place_first_s >= queue.longest_s:
        yield (
            f"place_first_s ({queue.place_first_s:g} s) is no less than longest_s"
            f" ({queue.longest_s:g} s): nobody is ever told his place"
        )
    if queue.rings_s >= queue.longest_s:
        yield (
            f"rings_s ({queue.rings_s:g} s) is no less than longest_s ({queue.longest_s:g} s): one"
            " phone that is not answered sends a caller away"
        )
    if not queue.most:
        yield "most is 0: whoever finds no seat ready hears at once that the queue is full"


def _of_call_backs(queue: QueueOptions) -> Iterator[str]:
    if not queue.call_backs:
        return
    if not queue.offer_after_s:
        yield "offer_after_s is 0: a call-back is offered where the queue is full, and else never"
    elif not queue.place_every_s:
        yield (
            "place_every_s is 0, so that a call-back is offered where the queue is full, and else"
            " never: who waits is offered it with an announcement; give place_every_s"
        )
    elif queue.offer_after_s >= queue.longest_s:
        yield (
            f"offer_after_s ({queue.offer_after_s:g} s) is no less than longest_s"
            f" ({queue.longest_s:g} s): few wait long enough to be offered a call-back"
        )


def _of_hours(queue: QueueOptions) -> Iterator[str]:
    hours = queue.hours
    spans = [*hours.week.values(), *hours.days.values()]
    if hours.week and not any(spans):
        yield "hours has no span at all: it is never open"


def _of_place(options: CentreOptions, number: int, queue: QueueOptions) -> Iterator[str]:
    """What stands above it, and whom it never gets."""
    for above in options.queues[:number]:
        if _takes_all_of(above, queue):
            yield (
                f"{above.name} stands above it and takes all its callers while somebody sits there:"
                " put the special one first"
            )
            return
    highest = max(options.important.values(), default=USUAL_LEVEL)
    if queue.level > highest:
        yield (
            f"level is {queue.level}, and `important` makes nobody more than {highest}: only"
            " customers whose record says so come here (`telebank customer set`)"
        )


def _takes_all_of(above: QueueOptions, queue: QueueOptions) -> bool:
    always = not (above.hours.week or above.hours.days)
    return (
        always
        and set(queue.skills) <= set(above.skills)
        and above.level <= queue.level
        and _wider(above.languages, queue.languages)
        and _wider(above.business, queue.business)
        and _wider(above.numbers, queue.numbers)
        and _wider(above.called, queue.called)
    )


def _wider(above: tuple[str, ...], queue: tuple[str, ...]) -> bool:
    """Whether whoever fits the second fits the first; empty fits all."""
    return not above or bool(queue and set(queue) <= set(above))
