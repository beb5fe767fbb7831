"""Tries of the day: what counts, what is given back, and what is taken when none is left."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace

import pytest

from support.ledger_world import CARDS, PIN, Fault, World
from support.transactions_time import run
from transactions.lifecycle import State
from transactions.outcome import Approved, Declined, NotSent, Outcome
from transactions.request import AuthLevel, Request

WRONG = "123456789012"


def told(story: Callable[[World], Awaitable[None]]) -> None:
    """Start a world, run the story, end and check it."""

    async def whole() -> None:
        world = World()
        await world.start()
        await story(world)
        await world.end()

    run(whole())


def counted(world: World) -> int:
    return sum(world.books.tries.values())


@pytest.mark.parametrize("call", ["next_stan", "give_back_attempt"])
def test_a_journal_that_was_away_costs_no_try_of_a_pin(call: str) -> None:
    async def story(world: World) -> None:
        for number in range(5):
            world.journal.failing = {call: 1}
            await world.verify(f"v{number}", 0, PIN)
        assert (await world.verify("good", 0, PIN)).outcome == Approved()
        assert counted(world) == 0

    told(story)


def test_a_try_is_given_back_when_the_journal_is_back() -> None:
    async def story(world: World) -> None:
        world.journal.failing = {"next_stan": 2, "give_back_attempt": 3}
        for number in range(2):
            assert (await world.verify(f"v{number}", 0, PIN)).outcome == NotSent("journal")
        assert counted(world) == 2
        world.journal.failing = {}
        assert (await world.verify("good", 0, PIN)).outcome == Approved()
        assert counted(world) == 0

    told(story)


def test_wrong_pins_count_as_before() -> None:
    async def story(world: World) -> None:
        for number in range(3):
            assert (await world.verify(f"v{number}", 0, WRONG)).exit == "wrong_pin"
        assert (await world.verify("good", 0, PIN)).outcome == Declined("locked")

    told(story)


def test_a_wrong_pin_says_how_many_tries_are_left() -> None:
    async def story(world: World) -> None:
        def left(outcome: Outcome) -> int | None:
            return outcome.left if isinstance(outcome, Declined) else None

        assert left((await world.verify("v0", 0, WRONG)).outcome) == 2
        assert left((await world.verify("other", 1, WRONG)).outcome) == 2
        assert left((await world.verify("v1", 0, WRONG)).outcome) == 1
        assert (await world.verify("good", 0, PIN)).exit == "ok"
        assert left((await world.verify("v2", 0, WRONG)).outcome) == 0, "a right one lifts none"
        assert left((await world.verify("v3", 0, PIN)).outcome) is None

    told(story)


def test_a_report_costs_no_try_where_the_journal_was_away() -> None:
    async def story(world: World) -> None:
        for number in range(7):
            world.journal.failing = {"next_reference": 1}
            await world.report_loss(f"l{number}", 0)
        assert counted(world) == 0
        assert (await world.report_loss("l9", 0)).exit == "ok"

    told(story)


def test_a_stranger_cannot_bar_the_owners_report_of_loss() -> None:
    async def story(world: World) -> None:
        world.host.faults = lambda i, _role, _n: (
            Fault.DECLINED if i.startswith("wrong") else Fault.NONE
        )
        for number in range(5):
            assert (await world.report_loss(f"wrong{number}", 0)).exit == "refused"
        owner = await world.report_loss("r6", 0)
        assert owner.exit == "stored"
        assert owner.data["ref"] == owner.reference != ""
        assert world.vault.token(CARDS[0]) in world.books.hot
        assert world.state("r6") == State.MANUAL
        assert [e.request for e in world.books.events if e.kind == "alarm.manual"] == ["r6"]
        assert world.bank.asked["r6 request"] == 0  # nothing can be guessed
        again = await world.report_loss("r6", 0)
        assert (again.exit, again.reference) == ("stored", owner.reference)
        assert (await world.report_loss("wrong0", 0)).outcome == Declined("insufficient")
        assert (await world.report_loss("r7", 1)).exit == "ok"  # another card's
        for number in range(8):  # right ones, and repeated ones, do not count
            assert (await world.report_loss(f"s{number % 4}", 1)).exit == "ok"
        await asyncio.sleep(24 * 3600)
        assert (await world.report_loss("r8", 0)).exit == "ok"

    told(story)


def test_a_report_past_the_tries_is_settled_though_the_journal_goes_away() -> None:
    async def story(world: World) -> None:
        world.host.faults = lambda i, _role, _n: (
            Fault.DECLINED if i.startswith("wrong") else Fault.NONE
        )
        for number in range(5):
            await world.report_loss(f"wrong{number}", 0)
        world.journal.failing = {"advance": 1}
        assert (await world.report_loss("r6", 0)).exit == "stored"
        await asyncio.sleep(10)
        assert world.state("r6") == State.MANUAL
        world.journal.odd = {"record": ["ambiguous"]}
        # Whether it was written is not known yet, so nobody hears that it was.
        assert (await world.report_loss("r7", 0)).exit == "refused"
        await asyncio.sleep(30)
        assert world.state("r7") == State.APPROVED  # found by the look-over, and sent

    told(story)


def unlocking(world: World, name: str, card: int = 0) -> Request:
    token = world.vault.token(CARDS[card])
    inputs = {"card": CARDS[card], "identity": "4021"}
    return Request(
        *(name, "pin.unlock", 1, inputs, "li"),
        channel="teller",
        auth=AuthLevel.CODE,
        authenticated_token=token,
    )


async def lock(world: World, name: str) -> None:
    for number in range(3):
        assert (await world.verify(f"{name}{number}", 0, WRONG)).exit == "wrong_pin"
    assert (await world.verify(f"{name}good", 0, PIN)).exit == "locked"


def test_an_unlocking_lifts_todays_tries_once_a_day() -> None:
    async def story(world: World) -> None:
        await lock(world, "a")
        phone = replace(unlocking(world, "u0"), channel="phone")
        assert (await world.submit(phone)).outcome.reason == "bad_request"  # type: ignore[union-attr]
        no_code = replace(unlocking(world, "u1"), auth=AuthLevel.PIN)
        assert (await world.submit(no_code)).outcome == Declined("not_authenticated")
        assert (await world.submit(unlocking(world, "u2"))).exit == "ok"
        assert (await world.verify("b", 0, PIN)).exit == "ok"
        await lock(world, "c")
        assert (await world.submit(unlocking(world, "u3"))).exit == "locked"
        assert (await world.submit(unlocking(world, "u2"))).exit == "ok"  # told again, not done
        assert (await world.verify("d", 0, PIN)).exit == "locked"

    told(story)


@pytest.mark.parametrize("fault", [Fault.DECLINED, Fault.NOT_SENT])
def test_what_was_not_unlocked_lifts_nothing(fault: Fault) -> None:
    async def story(world: World) -> None:
        await lock(world, "a")
        world.host.faults = lambda i, _role, _n: fault if i == "u1" else Fault.NONE
        assert (await world.submit(unlocking(world, "u1"))).exit in ("refused", "unavailable")
        assert (await world.verify("b", 0, PIN)).exit == "locked"

    told(story)


def test_a_journal_that_was_away_lifts_them_later() -> None:
    async def story(world: World) -> None:
        await lock(world, "a")
        world.journal.failing = {"give_back_attempt": 9}
        assert (await world.submit(unlocking(world, "u1"))).exit == "ok"
        assert (await world.verify("b", 0, PIN)).exit == "locked"
        world.journal.failing = {}
        assert (await world.verify("c", 0, PIN)).exit == "ok"

    told(story)
