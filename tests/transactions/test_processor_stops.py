"""The processor with a journal that fails, at its limits, at its start and at its end."""

import asyncio
from dataclasses import replace

import pytest

from support.ledger_world import CARDS, OPTIONS, PIN, Fault, World
from support.processor_stories import on, told
from support.transactions_time import LoopClock
from transactions.lifecycle import State
from transactions.outcome import NotSent

# -- a journal that fails ------------------------------------------------------------------------


def test_nothing_is_sent_when_the_journal_will_not_record() -> None:
    async def story(world: World) -> None:
        quote = await world.quote("q1", 0, 1, "5")
        world.journal.failing = {"record and send": 1}
        assert (await world.post("r1", 0, quote)).exit == "not_done"
        world.journal.failing = {"next_reference": 1}
        assert (await world.post("r2", 0, quote)).exit == "not_done"
        assert not world.bank.postings
        world.journal.failing = {"append": 1}
        balance = world.request("b1", "card.balance", {"card": CARDS[0]}, 0)
        assert (await world.submit(balance)).exit == "ok"
        world.journal.failing = {"count_attempt": 1}
        assert (await world.verify("v1", 0, PIN)).exit == "unavailable"

    told(story)


def test_an_approval_that_is_not_durable_is_in_doubt_until_it_is() -> None:
    async def story(world: World) -> None:
        quote = await world.quote("q1", 0, 1, "5")
        world.journal.failing = {"advance": 3}
        assert (await world.post("r1", 0, quote)).exit == "in_doubt"
        assert world.state("r1") == State.SENT
        await asyncio.sleep(60)
        assert world.state("r1") == State.APPROVED
        assert (await world.notice("n1", 0)).exit == "posted"

    told(story)


def test_an_unknown_that_is_not_durable_is_still_reversed() -> None:
    async def story(world: World) -> None:
        world.host.faults = on("request", Fault.LOST_AFTER)
        quote = await world.quote("r1-quote", 0, 1, "5")
        world.journal.failing = {"advance": 2, "attempt": 2}
        assert (await world.post("r1", 0, quote)).exit == "in_doubt"
        await asyncio.sleep(60)
        assert world.state("r1") == State.REVERSED

    told(story)


def test_a_node_without_its_lease_sends_nothing() -> None:
    async def story(world: World) -> None:
        quote = await world.quote("q1", 0, 1, "5")
        world.journal.lease_lost = True
        assert (await world.post("r1", 0, quote)).exit == "not_done"
        world.journal.lease_lost = False
        assert (await world.post("r2", 0, quote)).outcome == NotSent("lease_lost")
        assert not world.books.rows

    told(story)


# -- room, start and stop ------------------------------------------------------------------------


def test_beyond_its_room_requests_are_refused_at_once_but_not_reports_of_loss() -> None:
    async def story(world: World) -> None:
        balance = world.request("b", "card.balance", {"card": CARDS[0]}, 0)
        many = [world.submit(replace(balance, id=f"b{n}")) for n in range(4)]
        answers = await asyncio.gather(*many, world.report_loss("l1", 1))
        assert [a.exit for a in answers] == ["ok", "ok", "unavailable", "unavailable", "ok"]
        assert answers[3].outcome == NotSent("busy")

    told(story, World(options=replace(OPTIONS, in_flight_max=2, in_flight_reserve=4)))


def test_close_waits_for_answers_and_leaves_the_rest_to_the_next_life() -> None:
    async def story(world: World) -> None:
        world.host.faults = lambda i, role, n: Fault.LOST_AFTER if i == "r1" else Fault.NONE
        posting = asyncio.ensure_future(world.transfer("r1", 0, 1, "5"))
        await asyncio.sleep(0.2)
        await world.processor.close()
        assert (await posting).exit == "in_doubt"
        assert world.state("r1") == State.REVERSING
        assert world.processor.open_count() == 0
        assert (await world.transfer("r2", 0, 1, "5")).outcome == NotSent("closing")
        report = await world.start()
        assert (report.resumed, report.open) == (1, 0)
        assert world.state("r1") == State.REVERSED

    told(story)


def test_close_does_not_wait_for_ever() -> None:
    async def story(world: World) -> None:
        world.host.faults = on("request", Fault.LOST_BEFORE)
        posting = asyncio.ensure_future(world.transfer("r1", 0, 1, "5"))
        await asyncio.sleep(0.5)
        began = LoopClock().monotonic()
        await world.processor.close()
        assert LoopClock().monotonic() - began < 3
        await asyncio.wait({posting})
        assert posting.cancelled()
        assert world.state("r1") == State.SENT
        report = await world.start()
        assert report.unknown == 1
        assert world.state("r1") == State.REVERSED

    told(story, World(options=replace(OPTIONS, close_wait_s=1.0)))


def test_close_lets_a_message_at_the_host_be_answered_and_starts_no_other() -> None:
    async def story(world: World) -> None:
        world.host.faults = lambda i, role, n: (
            Fault.LOST_BEFORE if role == "reversal" or i == "r1" else Fault.NONE
        )
        await world.transfer("r1", 0, 1, "5")
        await asyncio.sleep(1)
        began = LoopClock().monotonic()
        await world.processor.close()
        assert 13 < LoopClock().monotonic() - began < 16
        assert world.books.rows["r1"].attempts == 1
        await world.start()

    told(story)


def test_with_the_host_away_recovery_does_not_hold_up_the_start() -> None:
    async def story(world: World) -> None:
        world.host.faults = on("request", Fault.LOST_AFTER)
        await world.transfer("r1", 0, 1, "5")
        await world.kill()
        if world.state("r1") is State.REVERSED:
            pytest.fail("killed too late for this test")
        began = LoopClock().monotonic()
        report = await world.start(links_up=0)
        assert report.open == 1
        assert LoopClock().monotonic() - began < 1

    told(story)
