"""Other options of the same queues, while callers wait."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from telebank.agents.centre import Centre
from telebank.agents.events import Caller, CallerCame, SeatEntered, SeatWanted
from telebank.agents.options import CentreOptions, Hours, QueueOptions

START = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)  # a Monday
LOANS = QueueOptions("loans", "贷款", "Loans", ("loans",), hours=Hours({"mon": ("08:00-20:00",)}))
OPTIONS = CentreOptions(queues=(LOANS,))


def wall(at: float) -> datetime:
    return START + timedelta(seconds=at)


def with_queue(**changes: object) -> CentreOptions:
    return replace(OPTIONS, queues=(replace(LOANS, **changes),))  # type: ignore[arg-type]


def came(centre: Centre, call: str) -> list[str]:
    found = centre.receive(CallerCame(Caller(call, "loans")), 1.0)
    return [type(one).__name__ for one in found]


def test_a_queue_closes_for_who_comes_and_not_for_who_waits() -> None:
    centre = Centre(OPTIONS, wall)
    centre.receive(SeatEntered("li", "Li", {"loans": 5}), 0.0)
    centre.receive(SeatWanted("li", "break", "lunch"), 0.0)
    waits = came(centre, "c1")
    assert "Dismiss" not in waits
    assert centre.use(with_queue(hours=Hours({"mon": ("10:00-20:00",)}))) == []
    assert "Dismiss" in came(centre, "c2")
    assert centre.waiting("c1") is not None
    assert centre.use(OPTIONS) == []
    assert came(centre, "c3") == waits


def test_who_sits_where_does_not_change_and_is_named() -> None:
    centre = Centre(OPTIONS, wall)
    assert centre.use(with_queue(skills=("loans", "cards"), most=1)) == ["loans.skills"]
    assert centre.use(with_queue(name="other")) == ["queues"]
    assert centre.use(replace(with_queue(most=1), seats=3)) == ["seats"]
    assert centre.options is OPTIONS
