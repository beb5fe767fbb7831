"""The centre's rules, one by one, as scripts."""

from datetime import UTC, datetime, timedelta

import pytest

from telebank.agents.centre import Centre
from telebank.agents.commands import Announce, CallBack, Command, Dismiss, Ring, SeatMoved, Unring
from telebank.agents.events import (
    Caller,
    CallerBack,
    CallerCame,
    CallerChose,
    CallerLeft,
    CallerTypes,
    OfferFailed,
    OfferTaken,
    SeatEntered,
    SeatLeft,
    SeatSeen,
    SeatWanted,
    TalkEnded,
    WrappedUp,
)
from telebank.agents.options import TYPED_S, CentreOptions, Hours, QueueOptions, Scoring
from telebank.agents.seats import IllegalTransition, SeatState, check

GENERAL = QueueOptions("general", "综合", "General", ("general",), wrap_up_s=30.0)


def wall(now: float) -> datetime:
    return datetime(2026, 11, 23, 8, 0, tzinfo=UTC) + timedelta(seconds=now)


class Story:
    """A centre and what it said."""

    def __init__(self, *queues: QueueOptions, **options: float) -> None:
        queues = queues or (GENERAL,)
        self.centre = Centre(CentreOptions(queues, presence_s=1e6, **options), wall)  # type: ignore[arg-type]
        self.now = 0.0

    def seat(self, name: str, **skills: int) -> None:
        skills = {key.replace("_", "."): level for key, level in skills.items()}
        self.centre.receive(SeatEntered(name, name, skills or {"general": 5}), self.now)
        self.hears(SeatWanted(name, "ready"))

    def came(self, call: str, skill: str = "general", **about: object) -> list[Command]:
        return self.hears(CallerCame(Caller(call, skill, **about)))  # type: ignore[arg-type]

    def hears(self, event: object) -> list[Command]:
        return self.centre.receive(event, self.now)  # type: ignore[arg-type]

    def until(self, now: float) -> list[Command]:
        out: list[Command] = []
        while (at := self.centre.wake_at) is not None and at <= now:
            self.now = at
            out += self.centre.wake(at)
        self.now = now
        return out

    def state(self, seat: str) -> str:
        view = self.centre.seat(seat)
        return "offline" if view is None else view.state


def rings(commands: list[Command]) -> list[tuple[str, str]]:
    return [(one.call, one.seat) for one in commands if isinstance(one, Ring)]


def told(commands: list[Command]) -> list[str]:
    return [one.what for one in commands if isinstance(one, Announce)]


def test_moves_are_a_table() -> None:
    with pytest.raises(IllegalTransition):
        check(SeatState.BREAK, SeatState.RINGING)


def test_who_is_ready_longest_is_rung() -> None:
    story = Story()
    story.seat("a")
    story.now = 5.0
    story.seat("b")
    assert rings(story.came("1")) == [("1", "a")]
    assert rings(story.came("2")) == [("2", "b")]


@pytest.mark.parametrize(
    ("about", "row", "chosen"),
    [
        ({}, Scoring(), "old"),
        ({"last_seat": "new"}, Scoring(), "new"),
        ({"last_seat": "new", "own_seat": "old"}, Scoring(), "old"),
        ({}, Scoring(new_seat=50.0), "new"),
    ],
)
def test_one_row_chooses_the_seat(about: dict[str, object], row: Scoring, chosen: str) -> None:
    story = Story(QueueOptions("general", "综合", "General", ("general",), scoring=row))
    story.hears(SeatEntered("old", "old", {"general": 6}))
    story.hears(SeatWanted("old", "ready"))
    story.hears(SeatEntered("new", "new", {"general": 5}, days=3))
    story.hears(SeatWanted("new", "ready"))
    assert rings(story.came("1", **about)) == [("1", chosen)]


def test_what_he_was_at_in_the_menus_says_whose_caller_he_is() -> None:
    loans = QueueOptions(
        "loans", "贷款", "Loans", ("general",), needs=("loans",), business=("loans",)
    )
    story = Story(loans, GENERAL)
    story.seat("lender", general=5, loans=5)
    story.seat("other")
    story.hears(SeatWanted("lender", "busy"))
    story.hears(SeatWanted("other", "busy"))
    story.came("one", business="loans")
    story.came("two", business="transfers")
    assert [view.waiting for view in story.centre.queues(0.0)] == [1, 1]


def test_a_language_and_a_skill_choose_the_seat() -> None:
    story = Story()
    story.seat("zh", general=9, lang_zh=9)
    story.seat("en", general=1, lang_en=1)
    assert [one.seat for one in story.came("one", language="en") if isinstance(one, Ring)] == ["en"]
    assert [one.seat for one in story.came("two", language="zh") if isinstance(one, Ring)] == ["zh"]


def test_important_callers_and_matters_are_first() -> None:
    story = Story()
    story.seat("a")
    story.came("0")
    story.came("usual")
    story.now = 1.0
    story.came("matter", priority=9)
    story.came("customer", level=9)
    got = []
    for _ in range(3):
        (ended,) = [one.call for one in story.centre.all_waiting() if one.standing == "offered"]
        story.hears(OfferTaken(ended, "a"))
        story.hears(TalkEnded(ended, "a"))
        got += [call for call, _ in rings(story.hears(WrappedUp("a")))]
    assert got == ["customer", "matter", "usual"]


def test_no_answer_keeps_the_place_and_makes_the_seat_busy() -> None:
    story = Story()
    story.seat("a")
    story.came("1")
    story.came("2")
    moved = story.hears(OfferFailed("1", "a", "no_answer"))
    assert SeatMoved("a", "busy", "no_answer", "", "") in moved
    story.now = 3.0
    story.hears(SeatEntered("b", "b", {"general": 1}))
    assert rings(story.hears(SeatWanted("b", "ready"))) == [("1", "b")]


def test_ringing_ends_without_a_word() -> None:
    story = Story()
    story.seat("a")
    story.came("1")
    assert Unring("1", "a") in story.until(22.0)
    assert story.state("a") == "busy"


def test_a_caller_who_left_is_not_talked_with() -> None:
    story = Story()
    story.seat("a")
    story.came("1")
    assert Unring("1", "a") in story.hears(CallerLeft("1"))
    assert story.hears(OfferTaken("1", "a")) == [Unring("1", "a")]
    assert story.state("a") == "ready"


def test_a_call_taken_by_who_was_not_asked_rings_on() -> None:
    story = Story()
    story.seat("a")
    story.came("1")
    story.hears(SeatEntered("b", "b", {"general": 5}))
    assert story.hears(OfferTaken("1", "b")) == [Unring("1", "b")]
    assert [story.state(seat) for seat in "ab"] == ["ringing", "busy"]
    story.hears(OfferTaken("1", "a"))
    assert story.state("a") == "talking"


def test_wrap_up_ends_by_time_and_the_chosen_state_follows() -> None:
    story = Story()
    story.seat("a")
    story.came("1")
    story.hears(OfferTaken("1", "a"))
    story.hears(SeatWanted("a", "break", "lunch"))
    story.hears(TalkEnded("1", "a"))
    assert story.state("a") == "wrap_up"
    story.until(29.0)
    assert story.state("a") == "wrap_up"
    story.until(30.0)
    assert story.state("a") == "break"


def test_nobody_logged_in_and_the_last_who_leaves() -> None:
    story = Story()
    assert Dismiss("1", "not_on_duty") in story.came("1")
    story.seat("a")
    story.hears(SeatWanted("a", "break", "rest"))
    assert not any(isinstance(one, Dismiss) for one in story.came("2"))
    assert Dismiss("2", "not_on_duty") in story.hears(SeatLeft("a"))


def test_hours() -> None:
    closed = QueueOptions(
        "general", "综合", "General", ("general",), hours=Hours({"tue": ("09:00-10:00",)})
    )
    story = Story(closed)
    story.seat("a")
    assert Dismiss("1", "not_on_duty") in story.came("1")
    story.now = 86_400.0 + 3_700.0
    assert rings(story.came("2")) == [("2", "a")]


def test_overflow_after_its_time() -> None:
    loss = QueueOptions("loss", "挂失", "Loss", ("loss",), overflow=(("general", 15.0),))
    story = Story(loss, GENERAL)
    story.hears(SeatEntered("l", "l", {"loss": 5}))
    story.seat("g")
    assert rings(story.came("1", "loss")) == []
    assert rings(story.until(14.9)) == []
    assert rings(story.until(15.0)) == [("1", "g")]


def test_who_is_asked_when_a_queue_overflows_knows_it() -> None:
    vip = QueueOptions(
        *("vip", "贵宾", "VIP", ("general",)), needs=("expert",), overflow=(("general", 15.0),)
    )
    english = QueueOptions(
        *("english", "英语", "English", ("fx",)), languages=("en",), overflow=(("general", 15.0),)
    )
    story = Story(vip, english, GENERAL)
    story.seat("expert", general=5, expert=5, lang_zh=9)
    story.seat("plain", general=5, lang_en=9)
    story.seat("nobody", loss=5)
    seats = {view.seat: (view.queues, view.helps) for view in story.centre.seats()}
    assert seats == {
        "expert": (("vip", "general"), ()),
        "plain": (("general",), ("vip", "english")),
        "nobody": ((), ()),
    }


def test_full_with_and_without_a_call_back() -> None:
    small = QueueOptions("general", "综合", "General", ("general",), most=1, call_backs=1)
    story = Story(small)
    story.hears(SeatEntered("a", "a", {"general": 5}))
    story.came("1")
    assert Dismiss("2", "full") in story.came("2")  # no number: nothing can be promised
    assert told(story.came("3", number="0101")) == ["call_back_offer"]
    assert Dismiss("4", "full") in story.came("4", number="0102")  # promised already
    assert told(story.hears(CallerChose("3", "call_back"))) == ["call_back_kept"]
    story.hears(CallerLeft("3"))
    story.hears(CallerLeft("1"))
    assert CallBack("3", "a") in story.hears(SeatWanted("a", "ready"))
    assert rings(story.hears(CallerBack("3"))) == [("3", "a")]


def test_who_keys_another_number_has_time_for_it_but_not_for_ever() -> None:
    full = QueueOptions("general", "综合", "General", ("general",), most=0, call_backs=1)
    story = Story(full)
    story.hears(SeatEntered("a", "a", {"general": 5}))
    story.came("1", number="0101")
    story.until(10.0)
    assert story.hears(CallerTypes("1")) == []
    assert story.until(10.0 + TYPED_S) == []
    assert story.hears(CallerTypes("1")) == []
    assert story.hears(CallerTypes("1")) == []
    assert Dismiss("1", "full") in story.hears(CallerTypes("1"))
    story.came("2", number="0102")
    story.hears(CallerTypes("2"))
    assert Dismiss("2", "full") in story.until(story.now + TYPED_S + 20.0)


def test_one_place_is_kept_for_one_number() -> None:
    queue = QueueOptions("general", "综合", "General", ("general",), most=0, call_backs=9)
    story = Story(queue)
    story.hears(SeatEntered("a", "a", {"general": 5}))
    for call, number in (("1", "0101"), ("2", "0101"), ("3", "0102")):
        assert told(story.came(call, number=number)) == ["call_back_offer"]
    assert told(story.hears(CallerChose("1", "call_back", "0109"))) == ["call_back_kept"]
    assert Dismiss("2", "full") in story.hears(CallerChose("2", "call_back", "0105"))
    assert Dismiss("3", "full") in story.hears(CallerChose("3", "call_back", "0109"))
    assert Dismiss("4", "full") in story.came("4", number="0101"), "it is not even offered"
    assert told(story.came("5", number="0102")) == ["call_back_offer"]
    assert told(story.hears(CallerChose("5", "call_back"))) == ["call_back_kept"]


def test_presence() -> None:
    centre = Centre(CentreOptions((GENERAL,)), wall)
    for seat in ("a", "b"):
        centre.receive(SeatEntered(seat, seat, {"general": 5}), 0.0)
        centre.receive(SeatWanted(seat, "ready"), 0.0)
    centre.receive(CallerCame(Caller("1", "general")), 0.0)
    centre.receive(SeatSeen("b"), 14.0)
    out = centre.wake(15.0)
    assert Unring("1", "a") in out
    assert rings(out) == [("1", "b")]
    centre.receive(OfferTaken("1", "b"), 16.0)
    centre.wake(40.0)
    assert [seat.present for seat in centre.seats()] == [False]
    centre.receive(TalkEnded("1", "b"), 41.0)
    assert centre.seats() == []


def test_place_and_wait_are_told_when_they_are_news() -> None:
    story = Story()
    story.seat("a")
    story.came("1")
    story.hears(OfferTaken("1", "a"))
    story.came("2")
    assert told(story.until(5.0)) == ["place", "wait"]
    assert told(story.until(50.0)) == []
    assert told(story.until(95.0)) == ["comfort"]


def test_what_was_told_is_measured_from_its_telling() -> None:
    story = Story()
    story.seat("a")
    story.came("1")
    story.hears(OfferTaken("1", "a"))
    story.came("2")
    story.until(95.0)  # told at 5 s: 240 s, as long as a call takes until some were measured
    story.hears(TalkEnded("1", "a"))
    assert rings(story.until(125.0)) == [("2", "a")]
    story.hears(OfferTaken("2", "a"))
    view = story.centre.queue("general", story.now)
    assert view is not None
    assert view.forecast_ratio == (125 - 5) / 240
