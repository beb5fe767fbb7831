"""Settling: what is waited for, what is counted, and what a repeat has of the message before."""

import asyncio
from collections.abc import Awaitable, Callable
from itertools import pairwise

import pytest

from support.ledger_world import OPTIONS, Fault, World
from support.transactions_host import Faults
from support.transactions_time import run
from transactions.lifecycle import State
from transactions.request import MessageRole

WEEK = 7 * 86_400.0


def told(story: Callable[[World], Awaitable[None]]) -> None:
    """Start a world, run the story, end and check it."""

    async def whole() -> None:
        world = World()
        await world.start()
        await story(world)
        await world.end()

    run(whole())


def ever(**faults: Fault) -> Faults:
    """The same fault for every message of a role, quotes aside."""

    def plan(request_id: str, role: MessageRole, _attempt: int) -> Fault:
        return Fault.NONE if request_id.endswith("-quote") else faults.get(role, Fault.NONE)

    return plan


def alarms(world: World, kind: str) -> list[str | None]:
    return [event.request for event in world.books.events if event.kind == kind]


# -- what cannot be sent as it is ------------------------------------------------------------------


def test_a_reversal_that_cannot_be_made_goes_to_a_person() -> None:
    async def story(world: World) -> None:
        world.host.faults = ever(request=Fault.LOST_AFTER, reversal=Fault.IMPOSSIBLE)
        assert (await world.transfer("r1", 0, 1, "5")).exit == "in_doubt"
        await asyncio.sleep(WEEK)
        assert world.state("r1") == State.MANUAL
        assert alarms(world, "alarm.manual") == ["r1"]
        asked = [at for _, at in world.host.asked_to_reverse]
        assert len(asked) == OPTIONS.attempts_max
        waits = [(b - a).total_seconds() for a, b in pairwise(asked)]
        assert waits == sorted(waits)
        assert waits[-1] >= OPTIONS.retry_cap_s
        assert world.books.rows["r1"].attempts == 0  # no message went

    told(story)


def test_a_reversal_goes_when_the_keys_are_mended() -> None:
    async def story(world: World) -> None:
        world.host.faults = ever(request=Fault.LOST_AFTER, reversal=Fault.IMPOSSIBLE)
        await world.transfer("r1", 0, 1, "5")
        await asyncio.sleep(600)
        assert world.state("r1") == State.REVERSING
        world.host.faults = ever()
        await asyncio.sleep(2 * OPTIONS.retry_cap_s)
        assert world.state("r1") == State.REVERSED
        assert world.host.reversals == [("0420", 0)]
        assert not alarms(world, "alarm.manual")

    told(story)


def test_a_report_that_cannot_be_made_goes_to_a_person() -> None:
    async def story(world: World) -> None:
        world.host.faults = ever(request=Fault.LOST_BEFORE, repeat=Fault.IMPOSSIBLE)
        assert (await world.report_loss("l1", 0)).exit == "stored"
        await asyncio.sleep(WEEK)
        assert world.state("l1") == State.MANUAL
        assert alarms(world, "alarm.manual") == ["l1"]

    told(story)


@pytest.mark.parametrize("away", ["no links", "no room"])
def test_what_waiting_mends_is_waited_for(away: str) -> None:
    async def story(world: World) -> None:
        world.host.faults = ever(request=Fault.LOST_AFTER, reversal=Fault.NOT_SENT)
        await world.transfer("r1", 0, 1, "5")
        world.host.links_up = 0 if away == "no links" else 1
        await asyncio.sleep(86_400)
        assert world.state("r1") == State.REVERSING
        world.host.faults, world.host.links_up = ever(), 1
        await asyncio.sleep(60)
        assert world.state("r1") == State.REVERSED

    told(story)


# -- looking over the journal ----------------------------------------------------------------------


@pytest.mark.parametrize("odd", [["bug"], ["bug"] * 5])
def test_a_journal_that_cannot_be_looked_over_is_an_alarm_and_looked_over_again(
    odd: list[str],
) -> None:
    async def story(world: World) -> None:
        quote = await world.quote("q1", 0, 1, "5")
        world.journal.odd = {"record and send": ["ambiguous"], "open_rows": list(odd)}
        assert (await world.post("r1", 0, quote)).exit == "not_done"
        await asyncio.sleep(300)
        assert world.state("r1") == State.REVERSED
        said = [e.detail["why"] for e in world.books.events if e.kind == "alarm.settling"]
        assert said.count("looking over the journal failed: KeyError") == len(odd)
        assert (await world.transfer("r2", 0, 1, "5")).exit == "ok"

    told(story)


def test_an_alarm_that_fails_too_does_not_end_the_looking_over() -> None:
    async def story(world: World) -> None:
        quote = await world.quote("q1", 0, 1, "5")
        odd = {"record and send": ["ambiguous"], "open_rows": ["bug"], "append": ["bug", "bug"]}
        world.journal.odd = odd
        await world.post("r1", 0, quote)
        await asyncio.sleep(300)
        assert world.state("r1") == State.REVERSED

    told(story)


# -- repeats are the same --------------------------------------------------------------------------


@pytest.mark.parametrize("restart", [False, True])
def test_a_repeated_reversal_is_told_of_the_one_before(restart: bool) -> None:
    async def story(world: World) -> None:
        world.host.faults = ever(request=Fault.LOST_AFTER, reversal=Fault.LOST_AFTER)
        await world.transfer("r1", 0, 1, "5")
        await asyncio.sleep(20)
        (why, before), *_ = world.host.repeats
        assert before is None
        if restart:
            await world.kill()
            await world.start(ever())
        else:
            world.host.faults = ever()
        await asyncio.sleep(120)
        assert world.state("r1") == State.REVERSED
        again, repeat_of = world.host.repeats[-1]
        assert again == why
        assert repeat_of is not None
        assert (repeat_of.role, repeat_of.request_id) == ("reversal", "r1")

    told(story)


# -- 94 to a repeat --------------------------------------------------------------------------------


def _duplicates(*, lose_first: bool = False) -> Faults:
    """The request's answer is lost, and a repeat of its reversal is answered with 94."""

    def plan(request_id: str, role: MessageRole, attempt: int) -> Fault:
        if role == "request":
            return Fault.NONE if request_id.endswith("-quote") else Fault.LOST_AFTER
        return Fault.LOST_AFTER if lose_first and attempt == 0 else Fault.DUPLICATE

    return plan


def test_94_to_a_repeat_ends_it_where_the_first_was_sent_in_this_life() -> None:
    async def story(world: World) -> None:
        world.host.faults = _duplicates(lose_first=True)
        assert (await world.transfer("r1", 0, 1, "5")).exit == "in_doubt"
        await asyncio.sleep(3_600)
        assert world.host.reversals == [("0420", 0), ("0421", 1)]
        assert world.state("r1") == State.REVERSED

    told(story)


async def _killed_at(point: int) -> tuple[str, list[tuple[str, int]], State] | None:
    """Kill the node at a commit of a transfer whose answer is lost; start it again at a host that
    answers a repeat with 94. Gives the last commit, the reversals on the wire, and the end."""
    world = World()
    await world.start(_duplicates(), crash_at=point)
    asking = asyncio.ensure_future(world.transfer("r1", 0, 1, "5"))
    for _ in range(60):
        await asyncio.sleep(1)
        if world.journal.died.is_set():
            break
    last, died = world.journal.names[-1:], world.journal.died.is_set()
    await world.kill()
    asking.cancel()
    if not died:
        return None
    await world.start(_duplicates())
    await asyncio.sleep(3_600)
    await world.end()  # money is as the journal says it is
    wire = [one for host in world.hosts for one in host.reversals]
    return (
        (last or [""])[0],
        wire,
        world.state("r1") if "r1" in world.books.rows else State.NOT_SENT,
    )


def test_94_to_the_first_reversal_on_the_wire_is_never_believed() -> None:
    """Killed between the row of its 0420 and its first byte, the node goes on with 0421: what the
    host then says it had before is not ours."""
    ends = [run(_killed_at(point)) for point in range(2, 30)]
    found = [end for end in ends if end is not None]
    first_0421 = [end for end in found if end[1] and end[1][0][0] == "0421"]
    # What the two people find at the bank: it was never undone.
    assert [(last, end) for last, _, end in first_0421] == [("sending_again", State.CLOSED_POSTED)]
    assert len(found) > 10
