"""Which seat serves whom, and who is first: the one row of weights (`options.Scoring`).

The score of a pair is what the caller is worth (minutes waited, priority, importance), what the
seat is worth (minutes ready, newness, calls today) and what they are to each other (level of the
skill, last seat, own seat). For a caller the first is the same at all seats, so the other two
choose the seat; for a seat that is free, the callers' own worth chooses the caller.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from telebank.agents.events import Caller
from telebank.agents.line_up import Need
from telebank.agents.options import MAX_LEVEL, QueueOptions, Scoring
from telebank.agents.seats import Seat

MINUTE = 60.0


@dataclass(frozen=True, slots=True)
class Serving:
    """Who can serve what. `queues` by name."""

    queues: Mapping[str, QueueOptions]

    def reached(self, need: Need) -> Sequence[QueueOptions]:
        """The queues whose seats are asked."""
        own = self.queues[need.queue]
        over = own.overflow[: need.reach]
        return (own, *(self.queues[name] for name, _ in over))

    def level(self, seat: Seat, need: Need) -> int:
        """Level of the seat's skill, 1 to 9; 0: it does not serve this need."""
        known = seat.levels.get(need)
        if known is None:
            known = seat.levels[need] = self._level(seat, need)
        return known

    def _level(self, seat: Seat, need: Need) -> int:
        if need.seat:
            return int(need.seat == seat.id)
        if not seat.speaks(need.language):
            return 0
        return max(_level_in(seat, queue, need.skill) for queue in self.reached(need))

    def sits(self, seat: Seat, queue: QueueOptions) -> bool:
        """Whether the seat is one of a queue's own."""
        return _level_in(seat, queue, "") > 0

    def helps(self, seat: Seat, queue: QueueOptions) -> bool:
        """Whether it is none of them, and the queue overflows to it."""
        spoken = not queue.languages or any(map(seat.speaks, queue.languages))
        if self.sits(seat, queue) or not spoken:
            return False
        return any(self.sits(seat, self.queues[name]) for name, _ in queue.overflow)


def _level_in(seat: Seat, queue: QueueOptions, skill: str) -> int:
    if any(needed not in seat.skills for needed in queue.needs):
        return 0
    asked = (skill,) if skill in queue.skills else queue.skills
    return max(min(seat.skills.get(one, 0), MAX_LEVEL) for one in asked)


def place_key(row: Scoring, caller: Caller, since: float) -> float:
    """A caller's place as a number, smaller is first: when he came, minus what he is worth."""
    priority = min(max(caller.priority, 1), MAX_LEVEL) - 1
    level = min(max(caller.level, 0), MAX_LEVEL)
    return since - MINUTE * (row.priority * priority + row.level * level)


def known_ahead_s(row: Scoring, caller: Caller, seat: str) -> float:
    """Seconds that a caller goes ahead at this seat."""
    return MINUTE * row.known if seat in (caller.own_seat, caller.last_seat) else 0.0


def seat_score(row: Scoring, caller: Caller, seat: Seat, level: int, now: float) -> float:
    """What a ready seat is worth to a caller, calls of today apart."""
    score = row.idle * (now - seat.since) / MINUTE + row.skill * level
    if seat.days < row.new_days:
        score += row.new_seat
    if seat.id == caller.last_seat:
        score += row.last_seat
    if seat.id == caller.own_seat:
        score += row.own_seat
    return score
