"""Places that are kept: who is called back when, and what is left of them when the node stops."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from telebank.agents.centre import Centre
from telebank.agents.commands import CallBack, Command, Noted
from telebank.agents.events import (
    Caller,
    CallerBack,
    CallerCame,
    CallerChose,
    CallerLeft,
    Event,
    NodeStopped,
    NoMoreCallBacks,
    OfferFailed,
    OfferTaken,
    PlaceKept,
    SeatEntered,
    SeatWanted,
    TalkEnded,
)
from telebank.agents.options import CentreOptions, QueueOptions

QUEUE = QueueOptions(
    "general", "综合", "General", ("general",), most=0, call_backs=9, wrap_up_s=0.0, longest_s=600.0
)


class Node:
    """A centre with one queue that is full from the start, at a time of its own."""

    def __init__(self, queue: QueueOptions = QUEUE) -> None:
        self.centre = Centre(CentreOptions((queue,), presence_s=1e6), self.wall)
        self.now = 0.0

    @staticmethod
    def wall(now: float) -> datetime:
        return datetime(2026, 11, 23, 8, 0, tzinfo=UTC) + timedelta(seconds=now)

    def hears(self, *events: Event) -> list[Command]:
        return [one for event in events for one in self.centre.receive(event, self.now)]

    def until(self, now: float) -> list[Command]:
        out: list[Command] = []
        while (at := self.centre.wake_at) is not None and at <= now:
            self.now = at
            out += self.centre.wake(at)
        self.now = now
        return out

    def busy(self, seat: str) -> None:
        """A seat that sits there and takes no calls."""
        self.hears(SeatEntered(seat, seat, {"general": 5}))

    def keeps(self, call: str, **about: object) -> None:
        """A caller keeps his place and hangs up."""
        caller = Caller(call, "general", number=f"010{call}", **about)  # type: ignore[arg-type]
        self.hears(CallerCame(caller), CallerChose(call, "call_back"), CallerLeft(call))
        assert self.standing(call) == "waiting"

    def standing(self, call: str) -> str:
        view = self.centre.waiting(call)
        return "" if view is None else view.standing


def called(commands: list[Command]) -> list[str]:
    return [one.call for one in commands if isinstance(one, CallBack)]


def test_who_waits_when_the_node_ends_its_calls_is_cut_off_and_kept_places_stay() -> None:
    node = Node(replace(QUEUE, most=1))
    node.busy("a")
    node.hears(CallerCame(Caller("1", "general", number="0101")))
    node.keeps("2")
    told = node.hears(NodeStopped())
    ends = [(one.call, one.detail["how"]) for one in told if isinstance(one, Noted)]
    assert ends == [("1", "stopped")]
    assert [node.standing(call) for call in ("1", "2")] == ["", "waiting"]
    assert node.hears(CallerLeft("1")) == []


def test_a_node_that_stops_calls_no_more_back_and_ends_what_it_began() -> None:
    node = Node()
    node.busy("a")
    for call in ("1", "2"):
        node.keeps(call)
    assert called(node.hears(SeatWanted("a", "ready"))) == ["1"]
    assert called(node.hears(NoMoreCallBacks())) == []
    assert [node.standing(call) for call in ("1", "2")] == ["offered", "kept"]
    node.hears(CallerBack("1"), OfferTaken("1", "a"))
    assert called(node.hears(TalkEnded("1", "a"))) == []
    assert called(node.until(3_600.0)) == []
    assert node.standing("2") == "kept"


def test_whom_a_stopping_node_did_not_reach_is_not_tried_again() -> None:
    node = Node()
    node.busy("a")
    node.keeps("1")
    node.hears(SeatWanted("a", "ready"), NoMoreCallBacks())
    assert called(node.hears(OfferFailed("1", "a", "busy", "customer"))) == []
    assert called(node.until(3_600.0)) == []
    assert node.standing("1") == "kept"


def resumed(call: str, waited_s: float, **more: float) -> PlaceKept:
    """A place of a former life of the node."""
    caller = Caller(call, "general", number=f"010{call}")
    values = {"kept_s": 60.0, **more}
    return PlaceKept(caller, "general", f"010{call}", waited_s, **values)  # type: ignore[arg-type]


def test_places_of_a_former_life_are_taken_up_in_their_order_and_once() -> None:
    node = Node()
    node.busy("a")
    places = [resumed("1", 300.0), resumed("2", 900.0), resumed("3", 300.0)]
    assert called(node.hears(*places, resumed("2", 900.0))) == []
    assert [node.standing(one) for one in ("1", "2", "3")] == ["waiting"] * 3
    order = called(node.hears(SeatWanted("a", "ready")))
    for _ in range(2):
        call = order[-1]
        node.hears(CallerBack(call), OfferTaken(call, "a"))
        order += called(node.hears(TalkEnded(call, "a")))
    assert order == ["2", "1", "3"]
    node.hears(CallerBack("3"), OfferTaken("3", "a"), TalkEnded("3", "a"))
    assert called(node.until(86_400.0)) == []


def test_tries_and_times_of_a_former_life_count() -> None:
    node = Node()
    node.busy("a")
    node.hears(resumed("1", 300.0, tries=1, again_s=120.0), SeatWanted("a", "ready"))
    assert node.standing("1") == "kept"
    assert called(node.until(119.0)) == []
    assert called(node.until(121.0)) == ["1"]
    node.hears(OfferFailed("1", "a", "busy", "customer"))  # the second of two tries
    assert node.standing("1") == ""


def test_a_place_lapses_when_it_would_have_without_the_restart() -> None:
    node = Node()
    node.busy("a")
    node.hears(resumed("1", 14_000.0, kept_s=14_000.0))
    node.until(399.0)
    assert node.standing("1") == "waiting"
    node.until(401.0)
    assert node.standing("1") == ""


def test_a_place_in_a_queue_that_is_no_more_is_none() -> None:
    node = Node()
    caller = Caller("1", "general", number="0101")
    node.hears(PlaceKept(caller, "gone", "0101", 10.0, 5.0))
    assert node.standing("1") == ""


def test_one_telephone_keeps_one_place_across_lives() -> None:
    node = Node()
    node.busy("a")
    node.hears(resumed("1", 300.0))
    caller = Caller("2", "general", number="0101")
    node.hears(CallerCame(caller), CallerChose("2", "call_back"), CallerLeft("2"))
    assert node.standing("2") == ""
