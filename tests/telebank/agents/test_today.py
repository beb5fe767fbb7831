"""A day folded from events: arrivals by quarter, turned away, seats, calls to look at."""

from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from typing import Any

from telebank.agents.centre import Centre
from telebank.agents.commands import Command, Noted, SeatMoved
from telebank.agents.events import (
    Caller,
    CallerCame,
    CallerLeft,
    Event,
    OfferFailed,
    OfferTaken,
    SeatEntered,
    SeatWanted,
)
from telebank.agents.options import CentreOptions, QueueOptions
from telebank.agents.today import Fact, Slot, Today

NINE = 9 * 3_600.0
OPTIONS = CentreOptions(
    queues=(
        QueueOptions("general", "综合", "General", skills=("general",), most=1, call_backs=0),
        QueueOptions("loans", "贷款", "Loans", skills=("loans",), most=3),
    )
)


def day(*facts: tuple[str, float, str, dict[str, Any]], actor: str = "li") -> Today:
    """Of facts: kind, seconds after nine, call, detail."""
    today = Today()
    for kind, at_s, call, detail in facts:
        today.take(Fact(kind, NINE + at_s, call, actor, detail))
    return today


def entered(call: str, at_s: float = 0.0, queue: str = "loans") -> tuple[str, float, str, Any]:
    return ("queue.entered", at_s, call, {"queue": queue})


def left(call: str, at_s: float, how: str, waited_s: float = 0.0) -> tuple[str, float, str, Any]:
    return ("queue.left", at_s, call, {"queue": "loans", "how": how, "waited_s": waited_s})


def counts(slot: Slot) -> dict[str, int]:
    return {name: count for name, count in asdict(slot).items() if count}


def test_who_came_counts_in_the_quarter_of_his_arrival() -> None:
    today = day(
        *(entered(f"c{n}", 890.0) for n in range(6)),
        left("c0", 905.0, "answered", 15.0),
        left("c1", 893.0, "abandoned", 3.0),
        left("c2", 990.0, "abandoned", 100.0),
        left("c3", 1_000.0, "full"),
        left("c5", 1_001.0, "stopped", 80.0),
        ("queue.kept", 1_100.0, "c4", {"queue": "loans"}),
        left("c4", 2_000.0, "answered", 1_110.0),
        ("queue.refused", 1_800.0, "c7", {"queue": "loans", "why": "closed"}),
        left("unknown", 10.0, "answered"),
    )
    nine = today.slots("loans")[36]
    assert counts(nine) == {
        "came": 6,
        "answered": 2,
        "in_time": 1,
        "abandoned": 1,
        "soon": 1,
        "away": 1,
        "kept": 1,
    }
    assert counts(today.slots()[38]) == {"came": 1, "away": 1}
    assert counts(today.slots("general")[36]) == {}
    assert today.away == {"loans": {"full": 1, "closed": 1}}
    assert [(one.reason, one.value) for one in today.concerns.values()] == [
        ("long_wait", 100.0),
        ("cut_off", 80.0),
    ]


def test_seats_and_calls_to_look_at() -> None:
    seat = {"seat": "li"}
    today = day(
        entered("c1"),
        ("queue.missed", 5.0, "c1", {"queue": "loans", "seat": "wang", "why": "no_answer"}),
        ("contact.begun", 10.0, "c1", seat | {"queue": "loans"}),
        ("contact.pin", 20.0, "c1", {"state": "asked"}),
        ("contact.pin", 60.0, "c1", {"state": "locked"}),
        ("contact.service", 70.0, "c1", {"service": "card.transfer", "exit": "in_doubt"}),
        ("contact.transferred", 80.0, "c1", {"to": "wang"}),
        ("contact.ended", 80.0, "c1", seat | {"seconds": 70.0, "how": "transfer"}),
        ("seat.state", 80.0, "c1", seat | {"state": "wrap_up"}),
        ("seat.state", 110.0, "", seat | {"state": "ready"}),
        ("contact.transferred", 120.0, "c1", {"to": "zhao"}),
        ("contact.begun", 130.0, "c2", seat),
        ("contact.ended", 134.0, "c2", seat | {"seconds": 4.0, "how": "caller"}),
        left("c3", 150.0, "unreachable"),
    )
    li, wang = today.seats["li"], today.seats["wang"]
    assert (li.answered, li.missed, li.mean_talk_s, li.mean_wrap_s) == (2, 0, 37.0, 30.0)
    assert (wang.answered, wang.missed, wang.mean_talk_s) == (0, 1, None)
    told = [(one.reason, one.call, one.seat, one.value) for one in today.concerns.values()]
    assert told == [
        ("missed", "c1", "wang", 0.0),
        ("pin_locked", "c1", "li", 0.0),
        ("in_doubt", "c1", "li", 0.0),
        ("transfers", "c1", "li", 2.0),
        ("brief", "c2", "li", 4.0),
        ("not_reached", "c3", "", 0.0),
    ]


def test_service_level_of_the_day_and_of_its_last_half_hour() -> None:
    today = day(
        *(entered(f"c{n}") for n in range(5)),
        ("queue.left", 10.0, "c0", answered(in_time=True, waited_s=300.0)),
        ("queue.left", 20.0, "c1", answered(in_time=False, waited_s=1.0)),
        left("c2", 2_000.0, "abandoned", 90.0),
        left("c3", 2_010.0, "abandoned", 4.0),
        left("c4", 2_020.0, "answered", 20.0),
    )
    total = Slot()
    for slot in today.slots("loans"):
        total.add(slot)
    assert (total.in_time, total.answered, total.abandoned) == (2, 3, 1)
    assert total.service_level == 0.5, "who hung up at once is not counted"
    assert today.latest_level(NINE + 1_700.0) == 0.5
    assert today.latest_level(NINE + 2_021.0) == 0.5, "one answered in time, one gave up"
    assert today.latest_level(NINE + 3_805.0) == 1.0, "only the last is left"
    assert today.latest_level(NINE + 9_000.0) is None
    assert Slot(away=1).service_level is None


def answered(**more: object) -> dict[str, Any]:
    return {"queue": "loans", "how": "answered", **more}


class Played:
    """A centre whose events are folded, and whose own figures are looked at."""

    def __init__(self, at: datetime) -> None:
        self.centre = Centre(OPTIONS, lambda now: at + timedelta(seconds=now))
        self.today = Today()

    def tell(self, event: Event, now: float) -> list[Command]:
        todo = self.centre.receive(event, now)
        for one in todo:
            if isinstance(one, Noted):
                self.today.take(Fact(one.kind, NINE + now, one.call, "system", one.detail))
            elif isinstance(one, SeatMoved):
                detail = {"seat": one.seat, "state": one.state, "reason": one.reason}
                self.today.take(Fact("seat.state", NINE + now, one.call, one.seat, detail))
        return todo


def came(call: str, skill: str) -> CallerCame:
    return CallerCame(Caller(call, skill))


def test_the_centre_counts_whom_it_turns_away() -> None:
    played = Played(datetime(2026, 3, 31, 9, tzinfo=UTC))
    played.tell(came("c1", "general"), 1.0)
    played.tell(SeatEntered("li", "Li", {"general": 5}), 2.0)
    played.tell(came("c2", "loans"), 3.0)
    played.tell(SeatWanted("li", "ready"), 4.0)
    played.tell(came("c3", "general"), 5.0)
    played.tell(OfferFailed("c3", "li", "no_answer"), 25.0)
    played.tell(came("c4", "general"), 26.0)
    played.tell(SeatWanted("li", "ready"), 27.0)
    played.tell(OfferTaken("c3", "li"), 28.0)
    played.tell(came("c5", "general"), 29.0)
    played.tell(CallerLeft("c5"), 100.0)
    general, loans = (played.centre.queue(name, 101.0) for name in ("general", "loans"))
    assert general is not None
    assert loans is not None
    assert (general.came_today, general.full_today, general.away_today) == (3, 1, 2)
    assert (loans.came_today, loans.away_today) == (0, 1)
    assert sum(quarter.away for quarter in general.quarters) == 2
    assert played.today.away == {"general": {"nobody": 1, "full": 1}, "loans": {"nobody": 1}}
    slot = played.today.slots("general")[36]
    assert counts(slot) == {"came": 4, "answered": 1, "abandoned": 1, "away": 2}
    assert played.today.seats["li"].missed == 1
    reasons = [(one.reason, one.call) for one in played.today.concerns.values()]
    assert reasons == [("missed", "c3"), ("long_wait", "c5")]
