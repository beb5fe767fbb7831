"""What nobody foresaw: journals that raise, answers between two steps, quotes given twice."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace

import pytest

from support.ledger_world import CARDS, OPTIONS, Fault, World
from support.transactions_host import Faults
from support.transactions_time import run
from transactions.lifecycle import State
from transactions.outcome import Approved, Declined
from transactions.request import MessageRole

TRANSFER = "transfer.card_to_card"


def told(story: Callable[[World], Awaitable[None]], world: World | None = None) -> None:
    """Start a world, run the story, end and check it."""

    async def whole() -> None:
        here = world or World()
        await here.start()
        await story(here)
        await here.end()

    run(whole())


def on(role: MessageRole, *faults: Fault) -> Faults:
    """Faults of the first messages of a role, one after the other, then none."""

    def plan(request_id: str, asked: MessageRole, attempt: int) -> Fault:
        mine = asked == role and not request_id.endswith("-quote") and attempt < len(faults)
        return faults[attempt] if mine else Fault.NONE

    return plan


def alarms(world: World, kind: str) -> list[str | None]:
    return [event.request for event in world.books.events if event.kind == kind]


# -- the same again, when the terms are gone (rule 9) ----------------------------------------------


@pytest.mark.parametrize("restart", [False, True])
def test_the_same_id_gives_its_result_when_the_quote_is_forgotten(restart: bool) -> None:
    async def story(world: World) -> None:
        quote = await world.quote("q1", 0, 1, "5")
        first = await world.post("r1", 0, quote)
        await (world.start() if restart else asyncio.sleep(OPTIONS.quote_ttl_s + 1))
        again = await world.post("r1", 0, quote)
        assert (again.exit, again.row, again.reference) == ("ok", "r1", first.reference)
        other_id = await world.post("r2", 0, quote)
        assert (other_id.exit, other_id.row) == ("ok", "r1")
        await world.processor.told("r2", "ok")
        assert world.books.rows["r1"].told == "posted"
        assert len(world.bank.postings) == 1

    told(story)


def test_a_forgotten_quote_tells_nobody_else_and_no_other_request() -> None:
    async def story(world: World) -> None:
        quote = await world.quote("q1", 0, 1, "5")
        assert (await world.post("r1", 0, quote)).exit == "ok"
        other = await world.quote("q2", 0, 2, "7")
        await world.start()
        stranger = await world.post("r1", 1, quote)
        assert stranger.outcome == Declined("other_customer")
        assert stranger.reference == ""
        assert (await world.post("r1", 0, other)).outcome == Declined("different_content")
        assert (await world.post("r3", 0, other)).outcome == Declined("quote_expired")
        world.journal.failing = {"find": 1}
        assert (await world.post("r1", 0, quote)).exit == "not_done"
        assert len(world.bank.postings) == 1

    told(story)


def test_a_quote_given_to_two_requests_serves_the_first_alone() -> None:
    async def story(world: World) -> None:
        mine = await world.quote("q1", 0, 1, "5")
        world.bank.quotes = 0
        theirs = await world.quote("q2", 2, 1, "900")
        assert theirs.exit == "unavailable"
        assert alarms(world, "alarm.quote") == ["q2"]
        assert (await world.post("r1", 0, mine)).exit == "ok"
        (posting,) = world.bank.postings.values()
        assert (posting.payer, posting.minor) == (world.vault.token(CARDS[0]), 500)

    told(story)


def test_a_quote_posted_before_a_restart_is_not_another_customers_result() -> None:
    async def story(world: World) -> None:
        await world.post("r1", 0, await world.quote("q1", 0, 1, "5"))
        await world.start()
        world.bank.quotes = 0
        answer = await world.post("r2", 2, await world.quote("q2", 2, 1, "900"))
        assert answer.outcome == Declined("different_content")
        assert (answer.exit, answer.reference) == ("refused", "")
        assert len(world.bank.postings) == 1

    told(story)


# -- a journal that raises what it should not ------------------------------------------------------


@pytest.mark.parametrize("fault", [Fault.NONE, Fault.LOST_AFTER, Fault.LOST_BEFORE])
def test_an_outcome_that_cannot_be_written_is_alarmed_and_settled(fault: Fault) -> None:
    async def story(world: World) -> None:
        world.host.faults = on("request", fault)
        quote = await world.quote("r1-quote", 0, 1, "5")
        world.journal.odd = {"advance": ["bug"]}
        assert (await world.post("r1", 0, quote)).exit == "in_doubt"
        assert world.state("r1") == State.SENT
        assert world.processor.open_count() == 1
        await asyncio.sleep(120)
        assert world.state("r1") == State.REVERSED
        assert alarms(world, "alarm.settling") == ["r1"]

    told(story)


def test_an_end_that_cannot_be_written_is_alarmed_and_tried_again() -> None:
    async def story(world: World) -> None:
        world.host.faults = on("request", Fault.LOST_AFTER)
        answer = await world.transfer("r1", 0, 1, "5")
        world.journal.odd = {"advance": ["bug", "bug"], "open_rows": ["bug"]}
        await asyncio.sleep(300)
        assert answer.exit == "in_doubt"
        assert world.state("r1") == State.REVERSED
        assert alarms(world, "alarm.settling") == ["r1"] * 3

    told(story)


@pytest.mark.parametrize(
    ("fault", "state"),
    [
        (Fault.NONE, State.APPROVED),
        (Fault.LOST_AFTER, State.REVERSED),
        (Fault.DECLINED, State.DECLINED),
    ],
)
def test_a_commit_that_was_made_after_all_is_found(fault: Fault, state: State) -> None:
    async def story(world: World) -> None:
        world.host.faults = on("request", fault)
        quote = await world.quote("r1-quote", 0, 1, "5")
        world.journal.odd = {"advance": ["ambiguous", "", "ambiguous"]}
        await world.post("r1", 0, quote)
        await asyncio.sleep(300)
        assert world.state("r1") == state
        assert world.books.rows["r1"].history.count(state) == 1
        assert "r1" in alarms(world, "alarm.settling")

    told(story)


def test_sent_that_was_durable_after_all_is_settled() -> None:
    async def story(world: World) -> None:
        quote = await world.quote("q1", 0, 1, "5")
        world.journal.odd = {"record and send": ["ambiguous"]}
        assert (await world.post("r1", 0, quote)).exit == "not_done"
        assert world.state("r1") == State.SENT
        await asyncio.sleep(120)
        assert world.state("r1") == State.REVERSED
        assert not world.bank.postings

    told(story)


def test_a_note_that_dies_is_an_alarm() -> None:
    async def story(world: World) -> None:
        world.journal.odd = {"append": ["bug"]}
        world.processor.late_answer("r1", Approved())
        await asyncio.sleep(1)
        assert [e.detail["why"] for e in world.books.events] == ["late failed: KeyError"]

    told(story)


def test_work_that_dies_after_its_caller_hung_up_is_an_alarm() -> None:
    async def story(world: World) -> None:
        quote = await world.quote("q1", 0, 1, "5")
        world.journal.odd = {"next_reference": ["bug"]}
        posting = asyncio.ensure_future(world.post("r1", 0, quote))
        await asyncio.sleep(0)
        posting.cancel()
        await asyncio.sleep(1)
        assert alarms(world, "alarm.task") == ["r1"]

    told(story)


# -- late approvals (rule 5) -----------------------------------------------------------------------


def test_an_approval_after_the_reversal_waits_for_the_journal() -> None:
    async def story(world: World) -> None:
        world.host.faults = on("request", Fault.LOST_BEFORE)
        await world.transfer("r1", 0, 1, "5")
        await asyncio.sleep(30)
        assert world.state("r1") == State.REVERSED
        world.journal.failing = {"advance": 3}
        world.processor.late_answer("r1", Approved())
        await asyncio.sleep(60)
        assert world.state("r1") == State.MANUAL
        assert alarms(world, "alarm.manual") == ["r1"]

    told(story)


class _Slow:
    """Lets a late answer in while a step is being written."""

    def __init__(self, world: World, last: State) -> None:
        self._real, self._world, self._last = world.journal.advance, world, last

    async def __call__(self, request_id: str, states: list[State], **rest: object) -> None:
        await self._real(request_id, states, **rest)  # type: ignore[arg-type]
        if states[-1] is self._last:
            self._world.processor.late_answer(request_id, Approved({}, "H1"))
            await asyncio.sleep(0.01)


def test_an_answer_between_the_commit_and_the_settling_is_not_lost() -> None:
    async def story(world: World) -> None:
        world.journal.advance = _Slow(world, State.REPEATING)  # type: ignore[method-assign,assignment]
        world.host.faults = on("request", Fault.LOST_BEFORE)
        assert (await world.report_loss("l1", 0)).exit == "stored"
        await asyncio.sleep(60)
        assert world.state("l1") == State.APPROVED
        assert world.bank.asked["l1 repeat"] == 0  # the late answer was the answer

    told(story)


def test_an_approval_while_the_reversal_is_written_reopens_the_row() -> None:
    async def story(world: World) -> None:
        world.journal.advance = _Slow(world, State.REVERSED)  # type: ignore[method-assign,assignment]
        world.host.faults = on("request", Fault.LOST_BEFORE)
        await world.transfer("r1", 0, 1, "5")
        await asyncio.sleep(60)
        assert world.books.rows["r1"].history[-2:] == [State.REVERSED, State.MANUAL]
        assert alarms(world, "alarm.manual") == ["r1"]

    told(story)


# -- counting --------------------------------------------------------------------------------------


def test_each_repeat_has_a_number_of_its_own() -> None:
    async def story(world: World) -> None:
        world.host.faults = lambda i, role, n: (
            Fault.LOST_BEFORE if role == "request" or n < 3 else Fault.NONE
        )
        await world.report_loss("l1", 0)
        await asyncio.sleep(600)
        assert world.state("l1") == State.APPROVED
        first = [m.attempt for m in world.books.messages if m.role == "request"]
        repeats = [m.attempt for m in world.books.messages if m.role == "repeat"]
        assert first == [0]
        assert list(dict.fromkeys(repeats)) == [1, 2, 3, 4]

    told(story)


def test_the_first_reversal_on_the_wire_is_a_0420_whatever_failed_before() -> None:
    async def story(world: World) -> None:
        bugs = [2]

        def faults(request_id: str, role: MessageRole, attempt: int) -> Fault:
            if role == "reversal" and bugs[0]:
                bugs[0] -= 1
                return Fault.BUG_BEFORE
            return Fault.LOST_AFTER if role == "request" and request_id == "r1" else Fault.NONE

        world.host.faults = faults
        await world.transfer("r1", 0, 1, "5")
        world.journal.failing = {"sending_again": 1}
        await asyncio.sleep(120)
        assert world.state("r1") == State.REVERSED
        assert world.host.reversals == [("0420", 0)]
        assert world.books.rows["r1"].attempts == 1

    told(story)


def test_a_report_that_nobody_answered_is_not_counted() -> None:
    async def story(world: World) -> None:
        world.host.links_up = 0
        for number in range(7):
            assert (await world.report_loss(f"l{number}", 0)).exit == "stored"
        world.journal.failing = {"count_attempt": 1}
        # Nothing keeps this one: nobody may hear that it is stored.
        assert (await world.report_loss("l9", 0)).exit == "refused"
        assert "l9" not in world.books.rows

    told(story, World(options=replace(OPTIONS, recovery_wait_s=1.0)))


def test_terms_may_be_asked_again() -> None:
    async def story(world: World) -> None:
        await world.quote("q1", 0, 1, "5")
        world.bank.quotes = 0
        assert (await world.quote("q2", 0, 1, "5")).exit == "ok"

    told(story)
