"""Random days of a centre: callers, seats and time from a seed, looked at after each step.

Walk(7).run(2000)                             # Broken, with a short script that breaks it too
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from random import Random

from support.agents_watch import Broken, Watch
from telebank.agents.centre import Centre
from telebank.agents.events import (
    Caller,
    CallerBack,
    CallerCame,
    CallerChose,
    CallerLeft,
    CallerTypes,
    Event,
    OfferFailed,
    OfferTaken,
    SeatEntered,
    SeatLeft,
    SeatSeen,
    SeatWanted,
    TalkBegan,
    TalkEnded,
    WrappedUp,
)
from telebank.agents.options import CentreOptions, Hours, QueueOptions, Scoring

BEGAN = datetime(2026, 11, 22, 23, 0, tzinfo=UTC)
SEATS = tuple(f"s{number}" for number in range(12))
SKILLS = ("general", "fx", "loss", "expert", "lang.zh", "lang.en")
OPEN_LATE = Hours(dict.fromkeys(("mon", "tue", "wed", "thu", "fri", "sun"), ("00:00-23:30",)))


def queue(name: str, *skills: str, **options: object) -> QueueOptions:
    """A queue with short times, so that all of them come up."""
    usual: dict[str, object] = {
        "most": 6,
        "longest_s": 90.0,
        "rings_s": 10.0,
        "wrap_up_s": 8.0,
        "place_every_s": 20.0,
        "offer_after_s": 10.0,
        "call_backs": 3,
        "handling_s": 30.0,
    }
    words = {"zh": name, "en": name, "skills": skills}
    return QueueOptions(name, **(words | usual | options))  # type: ignore[arg-type]


OPTIONS = CentreOptions(
    queues=(
        queue(
            "experts", "general", "fx", level=5, needs=("expert",), overflow=(("general", 15.0),)
        ),
        queue("english", "general", languages=("en",), needs=("lang.en",)),
        queue("loss", "loss", overflow=(("general", 5.0), ("fx", 20.0)), wrap_up_s=0.0),
        queue("fx", "fx", numbers=("010*",), hours=OPEN_LATE),
        queue("general", "general", "fx", scoring=Scoring(new_seat=30.0, fewest=2.0)),
    ),
    seats=10,
    call_back_s=30.0,
    call_back_again_s=40.0,
    call_back_keeps_s=300.0,
)


def wall(now: float) -> datetime:
    """An hour to midnight when the walk begins."""
    return BEGAN + timedelta(seconds=now)


Step = tuple[Event | None, float]
"""What happened and when; nothing: time alone."""


class Walk:
    """Chooses what happens; what is likely depends on how things stand."""

    def __init__(self, seed: int, options: CentreOptions = OPTIONS) -> None:
        self._random = Random(seed)
        self._options = options
        self._centre = Centre(options, wall)
        self._watch = Watch(self._centre)
        self._now, self._calls = 0.0, 0
        self._pace = self._random.choice((0.1, 0.3, 1.0))
        self.script: list[Step] = []

    def run(self, steps: int) -> Watch:
        """So many events; raises `Broken` with the shortest script that breaks the same rule."""
        try:
            for _ in range(steps):
                self._step()
            self._watch.rest(self._now)
        except Broken as broken:
            raise Broken(shrunk(self.script, broken.rule, self._options)) from broken
        return self._watch

    def _step(self) -> None:
        later = self._now + self._random.expovariate(1 / self._pace)
        wake_at = self._centre.wake_at
        if wake_at is not None and wake_at <= later:
            self._now = max(self._now, wake_at)
            self._take(None)
        else:
            self._now = later
            self._take(self._event())

    def _take(self, event: Event | None) -> None:
        self.script.append((event, self._now))
        self._watch.step(event, self._now)

    def _event(self) -> Event:
        some = self._random.choice
        kinds = {
            self._caller: 22,
            self._of_seat: 25,
            self._of_offer: 30,
            self._of_talk: 15,
            self._of_caller: 6,
            self._strange: 2,
        }
        kind = self._random.choices(list(kinds), list(kinds.values()))[0]
        return kind() or SeatSeen(some(SEATS))

    def _caller(self) -> Event:
        some, chance = self._random.choice, self._random.random
        self._calls += 1
        caller = Caller(
            f"c{self._calls}",
            some(("general", "general", "fx", "loss", "none")),
            some(("zh", "zh", "en")),
            some((1, 1, 1, 5, 9)),
            some(("", "0101234", "0202345")),
            level=some((0, 0, 0, 3, 7)),
            last_seat=some(SEATS) if chance() < 0.2 else "",
            own_seat=some(SEATS) if chance() < 0.2 else "",
        )
        to = some(("general", "fx", "nowhere")) if chance() < 0.05 else ""
        seat = some(SEATS) if chance() < 0.1 else ""
        return CallerCame(caller, to, seat, some((0.0, 0.0, 30.0)))

    def _of_seat(self) -> Event | None:
        some, chance, seat = self._random.choice, self._random.random(), self._random.choice(SEATS)
        if chance < 0.15:
            count = self._random.randint(1, 4)
            skills = {one: self._random.randint(1, 9) for one in self._random.sample(SKILLS, count)}
            return SeatEntered(seat, seat, skills, some((1, 500)), some((None, None, 3.0)))
        if chance < 0.2:
            return SeatLeft(seat, some(("", "boss")))
        if chance < 0.65:
            state = some(("ready", "ready", "ready", "ready", "busy", "break"))
            return SeatWanted(seat, state, some(("", "lunch")), some(("", "", "", "boss")))
        return SeatSeen(seat)

    def _of_offer(self) -> Event | None:
        offers = self._watch.offers
        if not offers:
            return None
        seat = self._random.choice(sorted(offers))
        call, chance = offers[seat], self._random.random()
        if chance < 0.6:
            return OfferTaken(call, seat)
        if chance < 0.7:
            return CallerBack(call)
        why = self._random.choice(("no_answer", "declined", "busy", "unreachable"))
        return OfferFailed(call, seat, why, self._random.choice(("seat", "seat", "customer")))

    def _of_talk(self) -> Event | None:
        seats = self._centre.seats()
        talking = [seat for seat in seats if seat.calls]
        if self._random.random() < 0.15 and seats:
            calls = [one.call for one in self._centre.all_waiting()]
            calls += [call for seat in talking for call in seat.calls]
            call = self._random.choice([*calls, f"own{self._calls}"])
            return TalkBegan(call, self._random.choice(seats).seat)
        if self._random.random() < 0.3:
            return WrappedUp(self._random.choice(SEATS))
        if not talking:
            return None
        seat = self._random.choice(talking)
        return TalkEnded(self._random.choice(seat.calls), seat.seat)

    def _of_caller(self) -> Event | None:
        waits = self._centre.all_waiting()
        if not waits:
            return None
        call, some = self._random.choice(waits).call, self._random.choice
        if self._random.random() < 0.5:
            chosen = CallerChose(call, some(("call_back", "call_back", "wait", "leave")))
            return some((chosen, chosen, CallerTypes(call)))
        return CallerLeft(call)

    def _strange(self) -> Event:
        """What a shell says too late, or of somebody who is not there."""
        some, number = self._random.choice, self._random.randint(1, max(self._calls, 1))
        call, seat = f"c{number}", some(SEATS)
        event = some(
            (
                *(OfferTaken(call, seat), OfferFailed(call, seat, "no_answer"), CallerLeft(call)),
                *(TalkEnded(call, seat), CallerChose(call, "call_back"), CallerBack(call)),
                CallerCame(Caller(call, "general")),
            )
        )
        assert isinstance(event, Event)
        return event


def breaks(script: Sequence[Step], options: CentreOptions) -> str:
    """The rule that such a script breaks; empty: none. Time is woken whenever it is due."""
    watch = Watch(Centre(options, wall))
    try:
        for event, now in script:
            watch.pass_until(now)
            if event is not None:
                watch.step(event, now)
        watch.rest(script[-1][1] if script else 0.0)
    except Broken as broken:
        return broken.rule
    return ""


def shrunk(script: Sequence[Step], rule: str, options: CentreOptions) -> str:
    """The rule and the shortest script found that breaks it, to be pasted into a test."""
    left = [step for step in script if step[0] is not None]
    if breaks(left, options) != rule:
        return f"{rule}\n(the script of {len(script)} steps does not break it again)"
    part = max(len(left) // 2, 1)
    while part:
        at = 0
        while at < len(left):
            shorter = left[:at] + left[at + part :]
            if breaks(shorter, options) == rule:
                left = shorter
            else:
                at += part
        part //= 2
    lines = "\n".join(f"    ({event!r}, {now:.3f})," for event, now in left)
    return f"{rule}\n{lines}"


def without_limits(options: CentreOptions) -> CentreOptions:
    """With queues that never are full, for walks in which everybody waits."""
    queues = tuple(replace(one, most=1000, longest_s=7200.0) for one in options.queues)
    return replace(options, queues=queues)
