"""The board by change numbers: screens replay to what a fresh one sees, whoever looks."""

import asyncio
import random
from typing import Any

import pytest

from telebank.agents.board import AnyRow, Board, CallRow, Changes, QueueRow, SeatRow
from telebank.calls.control.board_keeper import (
    BoardKeeper,
    OfSeat,
    TooManyScreens,
    View,
    Whole,
)

WHOLE = Whole()
QUEUES = ("cards", "loans", "general")
SEATS = ("li", "wang", "sun")


def seat(key: str, **more: Any) -> SeatRow:
    values = {"name": key.title(), "state": "ready", "since": "2026-03-31T04:00:00.000Z"}
    return SeatRow(key=key, **(values | more))


def queue(key: str, **more: Any) -> QueueRow:
    return QueueRow(key=key, zh=key, en=key, **more)


def call(key: str, **more: Any) -> CallRow:
    values = {
        "state": "waiting",
        "since": "2026-03-31T04:00:00.000Z",
        "began": "2026-03-31T03:59:00.000Z",
        "caller": "138******78",
        "language": "zh",
        "customer": "622700******7899",
        "path": (("卡片", "Cards"),),
        "keys": "1 ••••••",
    }
    return CallRow(key=key, **(values | more))


class Screen:
    """Takes the whole board, then changes."""

    def __init__(self, keeper: BoardKeeper, view: View) -> None:
        self.keeper, self.view = keeper, view
        self.after: int | None = None
        self.rows: dict[tuple[str, str], AnyRow] = {}
        self.wholes = 0

    def ask(self) -> Board | Changes:
        seen = self.keeper.look(self.view, self.after)
        if isinstance(seen, Board):
            self.rows, self.wholes = {}, self.wholes + 1
        else:
            for gone in seen.gone:
                self.rows.pop((gone.kind, gone.key), None)
        for row in seen.rows:
            self.rows[type(row).__name__, row.key] = row
        self.after = seen.at
        return seen


def fresh(keeper: BoardKeeper, view: View) -> dict[tuple[str, str], AnyRow]:
    screen = Screen(keeper, view)
    screen.ask()
    return screen.rows


def change(keeper: BoardKeeper, dice: random.Random) -> None:
    """One random change of a board."""
    what = dice.random()
    if what < 0.25:
        key = dice.choice(SEATS)
        if dice.random() < 0.15:
            keeper.drop("SeatRow", key)
            return
        queues = tuple(name for name in QUEUES if dice.random() < 0.5)
        kept = keeper.row("SeatRow", key)
        if isinstance(kept, SeatRow) and dice.random() < 0.8:
            queues = kept.queues
        keeper.put(
            seat(
                key,
                state=dice.choice(("ready", "talking", "wrap_up")),
                queues=queues,
                watched_by=dice.choice(("", "wu")),
            )
        )
    elif what < 0.35:
        keeper.put(queue(dice.choice(QUEUES), waiting=dice.randrange(5)))
    else:
        key = f"c{dice.randrange(6)}"
        if dice.random() < 0.2:
            keeper.drop("CallRow", key)
            return
        state = dice.choice(("waiting", "ringing", "talking"))
        holder = "" if state == "waiting" else dice.choice(SEATS)
        other = dice.choice(((), (), (dice.choice(SEATS),)))
        keeper.put(call(key, state=state, queue=dice.choice(QUEUES), seat=holder, others=other))


@pytest.mark.parametrize("number", range(12))
def test_screens_replay_to_what_a_fresh_one_sees(number: int) -> None:
    dice = random.Random(number)
    keeper = BoardKeeper("boot", history=64)
    screens = [Screen(keeper, WHOLE), *(Screen(keeper, OfSeat(one, keeper)) for one in SEATS)]
    for _ in range(600):
        change(keeper, dice)
        for screen in screens:
            if dice.random() < 0.2:
                screen.ask()
                assert screen.rows == fresh(keeper, screen.view)
    assert screens[0].wholes == 1


def test_too_old_and_another_run_get_the_whole() -> None:
    keeper = BoardKeeper("boot", first=1 << 32, history=4)
    keeper.put(seat("li"))
    start = keeper.at
    for number in range(4):
        keeper.put(call(f"c{number}"))
        keeper.drop("CallRow", f"c{number}")
    seen = keeper.look(WHOLE, start)
    assert isinstance(seen, Changes)
    assert [gone.key for gone in seen.gone] == ["c3", "c2", "c1", "c0"]
    keeper.put(call("c4"))
    keeper.drop("CallRow", "c4")
    assert isinstance(keeper.look(WHOLE, start), Board)
    assert isinstance(keeper.look(WHOLE, keeper.at), Changes)
    assert isinstance(keeper.look(WHOLE, keeper.at, "boot"), Changes)
    assert isinstance(keeper.look(WHOLE, keeper.at, "another"), Board)
    assert isinstance(keeper.look(WHOLE, 7), Board)  # of a run before
    assert isinstance(keeper.look(WHOLE, keeper.at + 1), Board)


def test_the_same_row_again_is_no_change() -> None:
    keeper = BoardKeeper("boot")
    keeper.put(seat("li"))
    at = keeper.at
    keeper.put(seat("li"))
    keeper.drop("CallRow", "none")
    assert keeper.at == at
    keeper.put(seat("li", state="busy"))
    assert keeper.at == at + 1


def test_a_teller_sees_himself_his_queues_and_his_call_and_little_else() -> None:
    keeper = BoardKeeper("boot")
    keeper.put(seat("li", queues=("cards",), phone="8001", watched_by="wu", calls_today=3))
    keeper.put(seat("wang", queues=("loans",), phone="8002", calls_today=5, reason="lunch"))
    for name in QUEUES:
        keeper.put(queue(name))
    keeper.put(call("c1", queue="cards"))
    keeper.put(call("c2", queue="loans"))
    keeper.put(call("c3", queue="cards", state="talking", seat="li"))
    keeper.put(call("c4", queue="cards", state="talking", seat="wang"))
    keeper.put(call("c5", queue="loans", state="consulting", seat="wang", others=("li",)))
    rows = fresh(keeper, OfSeat("li", keeper))
    own, other = rows["SeatRow", "li"], rows["SeatRow", "wang"]
    assert isinstance(own, SeatRow)
    assert (own.phone, own.calls_today, own.watched_by) == ("8001", 3, "")
    assert other == SeatRow(key="wang", at=other.at, name="Wang", state="ready", since="")
    assert {key for kind, key in rows if kind == "QueueRow"} == {"cards"}
    assert {key for kind, key in rows if kind == "CallRow"} == {"c1", "c3", "c5"}
    waits, talks = rows["CallRow", "c1"], rows["CallRow", "c3"]
    assert isinstance(waits, CallRow)
    assert isinstance(talks, CallRow)
    assert (waits.path, waits.keys, waits.customer) == ((), "", "")
    assert talks.path
    assert talks.customer
    whole = fresh(keeper, WHOLE)["SeatRow", "li"]
    assert isinstance(whole, SeatRow)
    assert whole.watched_by == "wu"


def test_a_call_that_goes_to_another_is_gone_from_a_tellers_screen() -> None:
    keeper = BoardKeeper("boot")
    keeper.put(seat("li", queues=("cards",)))
    keeper.put(seat("sun", queues=("loans",)))
    keeper.put(call("c1", queue="cards"))
    li, sun = Screen(keeper, OfSeat("li", keeper)), Screen(keeper, OfSeat("sun", keeper))
    li.ask()
    sun.ask()
    keeper.put(call("c1", queue="cards", state="ringing", seat="wang"))
    seen = li.ask()
    assert isinstance(seen, Changes)
    assert [(gone.kind, gone.key) for gone in seen.gone] == [("CallRow", "c1")]
    seen = sun.ask()
    assert isinstance(seen, Changes)
    assert seen.gone == ()  # whose it never was does not even learn its name


async def test_nothing_moves_on_a_tellers_screen_when_he_is_listened_to() -> None:
    keeper = BoardKeeper("boot")
    keeper.put(seat("li", state="talking"))
    before = fresh(keeper, OfSeat("li", keeper))
    waiting = asyncio.create_task(keeper.wait(OfSeat("li", keeper), keeper.at, 30.0))
    floor = asyncio.create_task(keeper.wait(WHOLE, keeper.at, 30.0))
    await asyncio.sleep(0)
    keeper.put(seat("li", state="talking", watched_by="wu"))
    assert [row.key for row in (await floor).rows] == ["li"]
    assert fresh(keeper, OfSeat("li", keeper)) == before
    assert not waiting.done()
    keeper.put(seat("li", state="wrap_up", watched_by="wu"))
    (row,) = (await waiting).rows
    assert isinstance(row, SeatRow)
    assert (row.state, row.watched_by) == ("wrap_up", "")


async def test_one_change_wakes_all_who_wait_and_no_more_wait_than_may() -> None:
    keeper = BoardKeeper("boot", most=50)
    keeper.put(seat("li"))
    waits = [asyncio.create_task(keeper.wait(WHOLE, keeper.at, 30.0)) for _ in range(50)]
    await asyncio.sleep(0)
    with pytest.raises(TooManyScreens):
        await keeper.wait(WHOLE, keeper.at, 30.0)
    gone = waits.pop()
    gone.cancel()
    await asyncio.wait([gone])
    waits.append(asyncio.create_task(keeper.wait(WHOLE, keeper.at, 30.0)))
    await asyncio.sleep(0)
    keeper.put(seat("li", state="busy"))
    found = await asyncio.gather(*waits)
    assert {(one.at, one.rows[0].key) for one in found} == {(keeper.at, "li")}
    assert keeper.waiting == 0


async def test_a_wait_without_news_ends_empty() -> None:
    keeper = BoardKeeper("boot")
    keeper.put(seat("li"))
    seen = await keeper.wait(WHOLE, keeper.at, 0.01)
    assert isinstance(seen, Changes)
    assert (seen.at, seen.rows, seen.gone) == (keeper.at, (), ())


def test_a_seat_sees_the_queues_that_overflow_to_it() -> None:
    keeper = BoardKeeper("b")
    for row in (queue("cards"), queue("loans"), call("c1", queue="loans"), seat("li")):
        keeper.put(row)
    screen = Screen(keeper, OfSeat("li", keeper))
    screen.ask()
    assert set(screen.rows) == {("SeatRow", "li")}
    keeper.put(seat("li", queues=("cards",), helps=("loans",)))
    screen.ask()
    seen = {("SeatRow", "li"), ("QueueRow", "cards"), ("QueueRow", "loans"), ("CallRow", "c1")}
    assert set(screen.rows) == seen
    keeper.put(seat("li", queues=("cards",)))
    screen.ask()
    assert set(screen.rows) == {("SeatRow", "li"), ("QueueRow", "cards")}
