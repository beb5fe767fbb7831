"""What the processor does about answers that do not come, come late, or come to nothing."""

import asyncio
from dataclasses import replace

import pytest

from support.closing_people import closing, proposed
from support.ledger_world import CARDS, CONTRACTS, OPTIONS, Fault, World
from support.processor_stories import on, told
from support.transactions_time import LoopClock
from transactions.closing import Closed, Result
from transactions.lifecycle import State
from transactions.outcome import Approved, Declined, NotSent, Unknown
from transactions.request import MessageRole

# -- unknown, not done, and what is told ---------------------------------------------------------


@pytest.mark.parametrize("fault", [Fault.LOST_BEFORE, Fault.LOST_AFTER, Fault.BUG_AFTER])
def test_an_unknown_transfer_is_in_doubt_and_undone(fault: Fault) -> None:
    async def story(world: World) -> None:
        world.host.faults = on("request", fault)
        answer = await world.transfer("r1", 0, 1, "5")
        assert answer.exit == "in_doubt"
        assert answer.data["ref"]
        await asyncio.sleep(1)
        assert world.state("r1") == State.REVERSED
        assert world.books.rows["r1"].history[1:4] == ["SENT", "UNKNOWN", "REVERSING"]

    told(story)


@pytest.mark.parametrize("fault", [Fault.NOT_SENT, Fault.BUG_BEFORE])
def test_a_transfer_that_did_not_leave_is_not_done(fault: Fault) -> None:
    async def story(world: World) -> None:
        world.host.faults = on("request", fault)
        assert (await world.transfer("r1", 0, 1, "5")).exit == "not_done"
        assert world.state("r1") == State.NOT_SENT

    told(story)


def test_past_its_deadline_a_request_is_never_sent() -> None:
    async def story(world: World) -> None:
        quote = await world.quote("q1", 0, 1, "5")
        now = LoopClock().monotonic()
        inputs = {"quote": quote.data["quote"]}
        late = world.request("r1", "transfer.card_to_card", inputs, 0)
        answer = await world.submit(replace(late, deadline=now))
        assert (answer.exit, answer.outcome) == ("not_done", NotSent("deadline"))
        assert world.state("r1") == State.NOT_SENT
        read = world.request("r2", "card.balance", {"card": CARDS[0]}, 0)
        assert (await world.submit(replace(read, deadline=now))).exit == "unavailable"

    told(story)


def test_a_cut_over_is_not_done_and_may_be_asked_anew() -> None:
    async def story(world: World) -> None:
        world.host.faults = on("request", Fault.CUT_OVER)
        assert (await world.transfer("r1", 0, 1, "5")).exit == "not_done"
        assert world.state("r1") == State.DECLINED
        world.host.faults = on("request")
        assert (await world.transfer("r2", 0, 1, "5")).exit == "ok"

    told(story)


def test_a_stan_collision_goes_to_a_person_and_reverses_nothing() -> None:
    async def story(world: World) -> None:
        world.host.faults = on("request", Fault.DUPLICATE)
        assert (await world.transfer("r1", 0, 1, "5")).exit == "in_doubt"
        await asyncio.sleep(3600)
        assert world.books.rows["r1"].history == ["RECORDED", "SENT", "MANUAL"]
        assert not world.host.reversals
        assert [e.request for e in world.books.events if e.kind == "alarm.manual"] == ["r1"]

    told(story)


# -- reversals -----------------------------------------------------------------------------------


def test_a_reversal_is_repeated_as_a_repeat_with_growing_waits() -> None:
    async def story(world: World) -> None:
        lost = [Fault.LOST_BEFORE, Fault.LOST_AFTER, Fault.LOST_BEFORE]

        def faults(request_id: str, role: MessageRole, attempt: int) -> Fault:
            if role == "reversal" and attempt < 3:
                return lost[attempt]
            return Fault.LOST_AFTER if role == "request" and request_id == "r1" else Fault.NONE

        world.host.faults = faults
        await world.transfer("r1", 0, 1, "5")
        await asyncio.sleep(3600)
        assert world.host.reversals == [("0420", 0), ("0421", 1), ("0421", 2), ("0421", 3)]
        assert world.state("r1") == State.REVERSED
        assert world.books.rows["r1"].attempts == 4

    told(story)


def test_attempts_are_counted_only_while_signed_on_then_a_person_has_it() -> None:
    async def story(world: World) -> None:
        world.host.faults = lambda i, role, n: (
            Fault.LOST_BEFORE if role == "reversal" or i == "r1" else Fault.NONE
        )
        quote = await world.quote("r1-quote", 0, 1, "5")
        posting = asyncio.ensure_future(world.post("r1", 0, quote))
        await asyncio.sleep(5)
        world.host.links_up = 0
        await posting
        await asyncio.sleep(24 * 3600)
        assert world.books.rows["r1"].attempts == 0
        world.host.links_up = 1
        await asyncio.sleep(24 * 3600)
        assert world.books.rows["r1"].attempts == OPTIONS.attempts_max
        assert world.state("r1") == State.MANUAL
        assert any(e.kind == "alarm.manual" for e in world.books.events)

    told(story)


def test_a_reversal_that_the_host_refuses_goes_to_a_person() -> None:
    async def story(world: World) -> None:
        world.host.faults = lambda i, role, n: {
            "reversal": Fault.REFUSED,
            "request": Fault.LOST_AFTER if i == "r1" else Fault.NONE,
        }.get(role, Fault.NONE)
        await world.transfer("r1", 0, 1, "5")
        await asyncio.sleep(60)
        assert world.state("r1") == State.MANUAL

    told(story)


def test_an_adapter_that_fails_on_reversals_ends_with_a_person() -> None:
    async def story(world: World) -> None:
        world.host.faults = lambda i, role, n: {
            "reversal": Fault.BUG_BEFORE,
            "request": Fault.LOST_AFTER if i == "r1" else Fault.NONE,
        }.get(role, Fault.NONE)
        await world.transfer("r1", 0, 1, "5")
        await asyncio.sleep(24 * 3600)
        assert world.state("r1") == State.MANUAL

    told(story)


# -- late answers (rule 5) -----------------------------------------------------------------------


def test_a_late_approval_before_the_reversal_is_answered_stays_reversed() -> None:
    async def story(world: World) -> None:
        world.host.faults = lambda i, role, n: {
            "reversal": Fault.LOST_BEFORE if n == 0 else Fault.NONE,
            "request": Fault.LATE if i == "r1" else Fault.NONE,
        }.get(role, Fault.NONE)
        answer = await world.transfer("r1", 0, 1, "5")
        await asyncio.sleep(120)
        assert answer.exit == "in_doubt"
        assert world.state("r1") == State.REVERSED
        assert any(e.kind == "answer.late" for e in world.books.events)

    told(story)


def test_a_late_approval_after_the_reversal_reopens_the_row() -> None:
    async def story(world: World) -> None:
        world.host.faults = on("request", Fault.LATE)
        await world.transfer("r1", 0, 1, "5")
        await asyncio.sleep(1)
        assert world.state("r1") == State.REVERSED
        await asyncio.sleep(5)
        assert world.state("r1") == State.MANUAL
        assert any(e.kind == "alarm.manual" for e in world.books.events)

    told(story)


def test_an_approval_of_what_the_host_never_had_goes_to_a_person() -> None:
    async def story(world: World) -> None:
        world.host.faults = lambda i, role, n: {
            "reversal": Fault.LOST_BEFORE if n == 0 else Fault.NONE,
            "request": Fault.LOST_BEFORE if i == "r1" else Fault.NONE,
        }.get(role, Fault.NONE)
        await world.transfer("r1", 0, 1, "5")
        world.processor.late_answer("r1", Approved())
        await asyncio.sleep(120)
        assert world.state("r1") == State.MANUAL

    told(story)


@pytest.mark.parametrize(
    ("result", "late", "denied"),
    [
        ("not_posted", Approved(), True),
        ("posted", Declined("insufficient"), True),
        ("posted", Approved(), False),
        ("not_posted", Declined("insufficient"), False),
    ],
)
def test_an_answer_that_denies_what_two_people_closed_is_an_alarm(
    result: Result, late: Approved | Declined, *, denied: bool
) -> None:
    """The row stays as they closed it."""

    async def story(world: World) -> None:
        sent = Fault.LOST_AFTER if result == "posted" else Fault.LOST_BEFORE
        world.host.faults = lambda i, role, n: {
            "reversal": Fault.REFUSED,
            "request": sent if i == "r1" else Fault.NONE,
        }.get(role, Fault.NONE)
        await world.transfer("r1", 0, 1, "5")
        await asyncio.sleep(120)
        assert world.state("r1") == State.MANUAL
        reference = world.books.rows["r1"].request.reference
        proposed(world.journal, reference, result)
        closed = await world.processor.close_by_people(closing(reference, result))
        assert isinstance(closed, Closed)
        world.processor.late_answer("r1", late)
        await asyncio.sleep(1)
        assert world.state("r1") == closed.state
        kinds = [e.kind for e in world.books.events if e.request == "r1"]
        assert ("alarm.contradiction" in kinds) == denied
        assert "answer.late" in kinds

    told(story)


def test_a_contradiction_that_the_journal_cannot_confirm_now_breaks_nothing() -> None:
    async def story(world: World) -> None:
        world.journal.failing = {"find": 1}
        world.processor.late_answer("nobody", Approved())
        await asyncio.sleep(1)
        assert [e.kind for e in world.books.events] == ["answer.late"]

    told(story)


def test_a_late_refusal_and_one_for_nobody_change_nothing() -> None:
    async def story(world: World) -> None:
        world.host.faults = on("request", Fault.LOST_BEFORE)
        await world.transfer("r1", 0, 1, "5")
        await asyncio.sleep(10)
        world.processor.late_answer("r1", Declined("insufficient"))
        world.processor.late_answer("nobody", Approved())
        await asyncio.sleep(10)
        assert world.state("r1") == State.REVERSED

    told(story)


# -- other kinds of recovery ---------------------------------------------------------------------


def recovering(kind: str) -> World:
    """A world whose transfer recovers in another way."""
    name = "transfer.card_to_card"
    other = replace(CONTRACTS[name], recovery=kind)  # type: ignore[arg-type]
    services = {**CONTRACTS.services, name: other}
    return World(contracts=replace(CONTRACTS, services=services))


@pytest.mark.parametrize(
    ("fault", "state"),
    [(Fault.LOST_AFTER, State.APPROVED), (Fault.LOST_BEFORE, State.DECLINED)],
)
def test_where_the_host_can_tell_it_is_asked(fault: Fault, state: State) -> None:
    async def story(world: World) -> None:
        world.host.faults = lambda i, role, n: (
            fault
            if i == "r1" and (role == "request" or world.books.rows["r1"].attempts < 3)
            else Fault.NONE
        )
        answer = await world.transfer("r1", 0, 1, "5")
        assert isinstance(answer.outcome, Unknown)
        await asyncio.sleep(60)
        assert world.state("r1") == state
        assert not world.host.reversals

    told(story, recovering("query"))


def test_a_host_that_cannot_tell_leaves_it_to_a_person() -> None:
    async def story(world: World) -> None:
        world.host.can_query = False
        world.host.faults = on("request", Fault.LOST_AFTER)
        await world.transfer("r1", 0, 1, "5")
        await asyncio.sleep(1)
        assert world.books.rows["r1"].history[-2:] == ["QUERYING", "MANUAL"]

    told(story, recovering("query"))


def test_recovery_by_a_person_is_manual_at_once() -> None:
    async def story(world: World) -> None:
        world.host.faults = on("request", Fault.LOST_AFTER)
        await world.transfer("r1", 0, 1, "5")
        assert world.state("r1") == State.MANUAL
        assert not world.host.reversals

    told(story, recovering("person"))


def test_a_node_taken_from_one_that_may_still_run_waits_for_its_deadlines() -> None:
    async def story(world: World) -> None:
        world.host.faults = on("request", Fault.LOST_BEFORE)
        quote = await world.quote("r1-quote", 0, 1, "5")
        posting = asyncio.ensure_future(world.post("r1", 0, quote))
        await asyncio.sleep(1)
        await world.kill()
        assert posting.cancelled()
        recovering = asyncio.ensure_future(world.start(rival=True))
        await asyncio.sleep(OPTIONS.send_deadline_s)
        assert world.state("r1") is State.SENT
        await recovering
        assert world.state("r1") is State.REVERSED

    told(story)
