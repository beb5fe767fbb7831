"""The processor's answers, service by service, with a host that behaves or does not."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

import pytest

from support.closing_people import closing, proposed
from support.ledger_world import CARDS, CONTRACTS, OPTIONS, PIN, Fault, World, yuan
from support.transactions_host import Faults
from support.transactions_time import LoopClock, run
from transactions.closing import Closed, Result
from transactions.contract import ContractError
from transactions.lifecycle import State
from transactions.outcome import Approved, Declined, NotSent, Unknown, Values
from transactions.processor import Processor, ProcessorOptions
from transactions.request import AuthLevel, MessageRole
from transactions.secret import Secret


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


# -- the ordinary way ---------------------------------------------------------------------------


def test_a_transfer_is_quoted_posted_and_told() -> None:
    async def story(world: World) -> None:
        answer = await world.transfer("r1", 0, 1, "12.34")
        assert answer.exit == "ok"
        assert answer.reference == answer.data["ref"] == "010000000001"
        assert answer.data["available"] == yuan("99987.66")
        assert world.state("r1") == State.APPROVED

    told(story)


def test_the_row_has_the_terms_sealed_and_a_host_day() -> None:
    async def story(world: World) -> None:
        await world.transfer("r1", 0, 1, "12.34")
        row = world.books.rows["r1"]
        assert row.request.inputs["amount"] == yuan("12.34")
        assert CARDS[1] not in row.request.inputs.values()
        assert row.request.business_date == world.host.business_date
        assert CARDS[0].digits not in row.plan.content_hash
        assert row.plan.content_hash.startswith("k:")
        assert len(row.plan.content_hash) == 66

    told(story)


def test_a_declined_transfer_is_refused_and_gives_its_limit_back() -> None:
    async def story(world: World) -> None:
        world.level = AuthLevel.SECOND_FACTOR
        world.bank.balances[world.vault.token(CARDS[0])] -= 90_000_00
        world.bank.balances[world.vault.token(CARDS[1])] += 90_000_00
        answer = await world.transfer("r1", 0, 1, "20000")
        assert answer.exit == "refused"
        assert answer.outcome == Declined("insufficient")
        assert +world.books.used == {}

    told(story)


def test_a_transfer_over_the_daily_limit_is_refused_before_it_is_sent() -> None:
    async def story(world: World) -> None:
        world.level = AuthLevel.SECOND_FACTOR
        await world.transfer("r1", 0, 1, "30000")
        answer = await world.transfer("r2", 0, 2, "20000.01")
        assert (answer.exit, answer.outcome) == ("refused", Declined("over_limit"))
        assert not any(m.request_id == "r2" for m in world.books.messages)
        assert (await world.transfer("r3", 0, 2, "20000")).exit == "ok"

    told(story)


# -- clear refusals ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"id": "x" * 65}, "64"),
        ({"id": ""}, "64"),
        ({"id": "a\nb"}, "printable"),
        ({"contract_version": 2}, "version"),
        ({"inputs": {}}, "'card' is missing"),
        ({"inputs": {"card": CARDS[0].digits}}, "card_no"),
        ({"inputs": {"card": CARDS[0], "colour": "red"}}, "no input 'colour'"),
    ],
)
def test_a_malformed_request_is_refused_with_what_is_wrong(
    change: dict[str, Any], word: str
) -> None:
    async def story(world: World) -> None:
        good = world.request("r1", "card.balance", {"card": CARDS[0]}, 0)
        answer = await world.submit(replace(good, **change))
        assert answer.exit == "unavailable"
        assert isinstance(answer.outcome, Declined)
        assert word in str(answer.data["why"])
        assert CARDS[0].digits not in str(answer)

    told(story)


def test_services_that_do_not_exist_or_that_the_host_lacks_are_refused() -> None:
    async def story(world: World) -> None:
        answer = await world.submit(world.request("r1", "card.paint", {}, 0))
        assert answer.outcome == Declined("unknown_service")
        world.host.capabilities = lambda: {"card.balance": 2}  # type: ignore[method-assign]
        balance = world.request("r2", "card.balance", {"card": CARDS[0]}, 0)
        assert (await world.submit(balance)).outcome == Declined("unsupported")

    told(story)


def test_the_level_of_proof_and_the_own_card_are_required() -> None:
    async def story(world: World) -> None:
        balance = world.request("r1", "card.balance", {"card": CARDS[0]}, 0)
        weak = await world.submit(replace(balance, auth=AuthLevel.NONE))
        assert weak.outcome == Declined("not_authenticated")
        other = await world.submit(replace(balance, inputs={"card": CARDS[1]}))
        assert other.outcome == Declined("other_customer")
        strong = await world.submit(replace(balance, auth=AuthLevel.SECOND_FACTOR))
        assert strong.exit == "ok"

    told(story)


def test_a_quote_serves_its_own_customer_and_only_in_its_time() -> None:
    async def story(world: World) -> None:
        quote = await world.quote("q1", 0, 1, "5")
        stolen = await world.post("r1", 2, quote)
        assert (stolen.exit, stolen.outcome) == ("refused", Declined("other_customer"))
        await asyncio.sleep(OPTIONS.quote_ttl_s)
        late = await world.post("r2", 0, quote)
        assert (late.exit, late.outcome) == ("refused", Declined("quote_expired"))
        assert not world.books.rows

    told(story)


def test_a_contract_without_its_ceiling_does_not_start() -> None:
    with pytest.raises(ContractError, match="transfer_daily"):
        run(World(options=ProcessorOptions()).start())


def test_nothing_is_taken_before_recovery() -> None:
    async def story(world: World) -> None:
        processor = Processor(
            CONTRACTS, world.host, world.journal, world.vault, OPTIONS, LoopClock()
        )
        with pytest.raises(RuntimeError, match="recover"):
            await processor.submit(world.request("r1", "card.balance", {"card": CARDS[0]}, 0))

    told(story)


# -- asking twice --------------------------------------------------------------------------------


def test_the_same_id_and_the_same_quote_give_the_first_result() -> None:
    async def story(world: World) -> None:
        quote = await world.quote("q1", 0, 1, "5")
        first = await world.post("r1", 0, quote)
        again = await world.post("r1", 0, quote)
        other = await world.post("r2", 0, quote)
        for answer in (again, other):
            assert (answer.exit, answer.reference, answer.row) == ("ok", first.reference, "r1")
            assert answer.data == first.data
        assert len(world.bank.postings) == 1

    told(story)


def test_a_posted_quote_is_remembered_its_whole_time_again() -> None:
    async def story(world: World) -> None:
        quote = await world.quote("q1", 0, 1, "5")
        await asyncio.sleep(OPTIONS.quote_ttl_s * 0.8)
        first = await world.post("r1", 0, quote)
        await asyncio.sleep(OPTIONS.quote_ttl_s * 0.8)
        again = await world.post("r2", 0, quote)
        assert (again.exit, again.reference) == ("ok", first.reference)

    told(story)


def test_the_same_id_with_other_content_is_refused() -> None:
    async def story(world: World) -> None:
        await world.transfer("r1", 0, 1, "5")
        other = await world.quote("q2", 0, 1, "6")
        answer = await world.post("r1", 0, other)
        assert (answer.exit, answer.outcome) == ("refused", Declined("different_content"))
        assert len(world.bank.postings) == 1

    told(story)


def test_ten_at_once_with_one_quote_post_once_and_all_hear_it() -> None:
    async def story(world: World) -> None:
        quote = await world.quote("q1", 0, 1, "5")
        ids = ["r1"] * 5 + [f"s{n}" for n in range(5)]
        answers = await asyncio.gather(*(world.post(i, 0, quote) for i in ids))
        assert {a.exit for a in answers} == {"ok"}
        assert len({a.reference for a in answers}) == 1
        assert len(world.bank.postings) == 1

    told(story)


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


# -- reports of loss (rule 16) -------------------------------------------------------------------


def test_a_loss_report_is_answered_with_time_and_reference_and_refuses_the_card() -> None:
    async def story(world: World) -> None:
        answer = await world.report_loss("l1", 0)
        assert answer.exit == "ok"
        assert answer.data["ref"] == answer.reference
        assert str(answer.data["at"]).startswith("09:00")
        balance = world.request("r1", "card.balance", {"card": CARDS[0]}, 0)
        assert (await world.submit(balance)).outcome == Declined("lost")
        assert (await world.verify("r2", 0, PIN)).exit == "lost"
        assert world.bank.asked["r2 request"] == 0
        assert (await world.report_loss("l2", 0)).exit == "ok"

    told(story)


def test_a_loss_report_that_nothing_keeps_is_not_told_as_stored() -> None:
    async def story(world: World) -> None:
        await world.processor.close()
        assert (await world.report_loss("l1", 0)).exit == "refused"
        assert "l1" not in world.books.rows

    told(story)


def test_with_the_host_away_a_loss_report_is_stored_and_delivered_later() -> None:
    async def story(world: World) -> None:
        world.host.links_up = 0
        answer = await world.report_loss("l1", 0)
        assert answer.exit == "stored"
        assert answer.data["ref"]
        assert world.books.rows["l1"].history == ["RECORDED", "REPEATING"]
        assert (await world.verify("r2", 0, PIN)).exit == "lost"
        await asyncio.sleep(24 * 3600)
        assert not world.bank.lost_cards
        world.host.links_up = 1
        await asyncio.sleep(2)
        assert world.bank.lost_cards == {world.vault.token(CARDS[0])}
        assert world.state("l1") == State.APPROVED

    told(story)


@pytest.mark.parametrize("fault", [Fault.LOST_BEFORE, Fault.LOST_AFTER, Fault.CUT_OVER])
def test_an_unanswered_loss_report_is_repeated_never_reversed(fault: Fault) -> None:
    async def story(world: World) -> None:
        world.host.faults = on("request", fault)
        assert (await world.report_loss("l1", 0)).exit == "stored"
        await asyncio.sleep(60)
        assert world.state("l1") == State.APPROVED
        assert world.bank.asked["l1 repeat"] == 1
        assert not world.host.reversals

    told(story)


def test_stored_loss_reports_go_before_reversals() -> None:
    async def story(world: World) -> None:
        world.host.faults = lambda i, role, n: (
            Fault.LOST_BEFORE if i.startswith("r") and "quote" not in i else Fault.NONE
        )
        posts = [world.transfer(f"r{n}", n, 7, "1") for n in range(4)]
        posting = asyncio.gather(*posts)
        await asyncio.sleep(5)
        world.host.links_up = 0
        await posting
        assert (await world.report_loss("l1", 0)).exit == "stored"
        count = len(world.books.messages)
        world.host.faults = on("request")
        world.host.links_up = 1
        await asyncio.sleep(60)
        assert world.books.messages[count].request_id == "l1"

    told(story, World(options=replace(OPTIONS, settle_parallel=1)))


def test_stored_loss_reports_are_taken_up_first_after_a_restart() -> None:
    async def story(world: World) -> None:
        world.host.faults = on("request", Fault.LOST_BEFORE)
        posting = asyncio.gather(*(world.transfer(f"r{n}", n, 7, "1") for n in range(4)))
        await asyncio.sleep(5)
        world.host.links_up = 0
        await world.report_loss("l1", 0)
        await world.kill()
        with pytest.raises(asyncio.CancelledError):
            await posting
        assert {world.state(f"r{n}") for n in range(4)} == {State.SENT}
        count = len(world.books.messages)
        await world.start()
        assert world.books.messages[count].request_id == "l1"

    told(story, World(options=replace(OPTIONS, settle_parallel=1)))


# -- telephone PIN (rule 17) ---------------------------------------------------------------------


def test_thirty_parallel_guesses_get_three_tries_together() -> None:
    async def story(world: World) -> None:
        guesses = [world.verify(f"v{n}", 0, f"{n:012d}") for n in range(30)]
        answers = await asyncio.gather(*guesses)
        exits = sorted(a.exit for a in answers)
        assert exits == ["locked"] * 27 + ["wrong_pin"] * 3
        assert sum(world.bank.asked[f"v{n} request"] for n in range(30)) == 3
        assert (await world.verify("right", 0, PIN)).exit == "locked"
        assert (await world.verify("other", 1, PIN)).exit == "ok"
        await asyncio.sleep(24 * 3600)
        assert (await world.verify("next", 0, PIN)).exit == "ok"

    told(story)


def test_a_try_is_given_back_on_success_and_where_nobody_looked() -> None:
    async def story(world: World) -> None:
        for n in range(5):
            assert (await world.verify(f"good{n}", 0, PIN)).exit == "ok"
        world.host.faults = lambda i, role, n: Fault.LOST_BEFORE
        for n in range(5):
            assert (await world.verify(f"away{n}", 0, "000000000000")).exit == "unavailable"
        world.host.faults = lambda i, role, n: Fault.NOT_SENT
        for n in range(5):
            assert (await world.verify(f"gone{n}", 0, "000000000000")).exit == "unavailable"
        assert +world.books.tries == {}

    told(story)


def test_a_caller_who_hangs_up_on_a_guess_has_still_used_it() -> None:
    async def story(world: World) -> None:
        for n in range(3):
            guess = asyncio.ensure_future(world.verify(f"v{n}", 0, "000000000000"))
            await asyncio.sleep(0.03)
            guess.cancel()
            await asyncio.sleep(1)
        assert (await world.verify("right", 0, PIN)).exit == "locked"

    told(story)


def test_secrets_are_wiped_whatever_the_answer() -> None:
    async def story(world: World) -> None:
        pins = [Secret(PIN) for _ in range(3)]
        good = world.request("v1", "pin.verify", {"card": CARDS[0], "pin": pins[0]})
        await world.submit(good)
        await world.submit(replace(good, id="y" * 99, inputs={"card": CARDS[0], "pin": pins[1]}))
        await world.submit(replace(good, service="none", inputs={"pin": pins[2]}))
        assert [len(pin) for pin in pins] == [0, 0, 0]

    told(story)


def test_a_secret_of_a_service_with_a_row_reaches_the_host_and_no_journal() -> None:
    name = "card.report_loss"
    inputs = {**CONTRACTS[name].inputs, "pin": "secret"}
    service = replace(CONTRACTS[name], inputs=inputs)
    contracts = replace(CONTRACTS, services={**CONTRACTS.services, name: service})

    async def story(world: World) -> None:
        secret = Secret(PIN)
        inputs: Values = {"card": CARDS[0], "identity": "1234", "pin": secret}
        assert (await world.submit(world.request("l1", name, inputs))).exit == "ok"
        assert "pin" not in world.books.rows["l1"].request.inputs
        assert len(secret) == 0

    told(story, World(contracts=contracts))


# -- redial protection and notices (rule 13) -----------------------------------------------------


def test_a_redial_while_one_is_open_is_refused_and_the_end_is_told_next() -> None:
    async def story(world: World) -> None:
        world.host.faults = lambda i, role, n: (
            Fault.LOST_AFTER if i == "r1" and (role == "request" or n < 2) else Fault.NONE
        )
        answer = await world.transfer("r1", 0, 1, "5")
        await world.processor.told("r1", answer.exit)
        redial = await world.quote("q2", 0, 1, "5")
        assert redial.exit == "pending"
        assert (await world.quote("q3", 0, 1, "6")).exit == "ok"
        assert (await world.notice("n0", 0)).exit == "none"
        await asyncio.sleep(120)
        notice = await world.notice("n1", 0)
        assert notice.exit == "not_posted"
        assert notice.data["amount"] == yuan("5")
        assert notice.data["ref"] == answer.reference
        assert (await world.notice("n2", 0)).exit == "none"
        assert (await world.quote("q4", 0, 1, "5")).exit == "ok"

    told(story)


def test_a_result_that_a_hung_up_caller_missed_is_told_in_his_next_call() -> None:
    async def story(world: World) -> None:
        quote = await world.quote("q1", 0, 1, "5")
        posting = asyncio.ensure_future(world.post("r1", 0, quote))
        await asyncio.sleep(0.03)
        posting.cancel()
        await asyncio.sleep(1)
        assert (await world.notice("n1", 0, hear=False)).exit == "posted"
        assert (await world.notice("n2", 0)).exit == "posted"
        assert (await world.notice("n3", 0)).exit == "none"

    told(story)


def test_the_same_again_within_ten_minutes_needs_a_second_read_back() -> None:
    async def story(world: World) -> None:
        unspent = await world.quote("q1", 0, 1, "5")
        await world.transfer("r1", 0, 1, "5")
        # A quote from before the first one posted has not been read back with the warning.
        assert (await world.post("r2", 0, unspent)).outcome == Declined("repeated")
        warned = await world.quote("q2", 0, 1, "5")
        assert warned.exit == "repeated"
        assert {"fee", "payee_masked", "quote"} <= set(warned.data)
        assert (await world.post("r3", 0, warned)).exit == "ok"
        await asyncio.sleep(601)
        assert (await world.quote("q3", 0, 1, "5")).exit == "ok"

    told(story)


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
