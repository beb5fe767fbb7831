"""The processor's answers, service by service, with a host that behaves."""

import asyncio
from dataclasses import replace
from typing import Any

import pytest

from support.ledger_world import CARDS, CONTRACTS, OPTIONS, Fault, World, yuan
from support.processor_stories import told
from support.transactions_time import LoopClock, run
from transactions.contract import ContractError
from transactions.lifecycle import State
from transactions.outcome import Declined, NotSent
from transactions.processor import Processor, ProcessorOptions
from transactions.request import AuthLevel

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


# -- no new money -------------------------------------------------------------------------------


def test_a_brake_refuses_new_money_and_nothing_else() -> None:
    async def story(world: World) -> None:
        assert (await world.transfer("r1", 0, 1, "10")).exit == "ok"
        quoted = await world.quote("r2-quote", 0, 1, "20")
        world.processor.brake.reason = "disk"
        refused = await world.post("r2", 0, quoted)
        assert (refused.exit, refused.outcome) == ("not_done", NotSent("disk"))
        assert "r2" not in world.books.rows
        asked = await world.submit(world.request("r3", "card.balance", {"card": CARDS[0]}, 0))
        assert asked.exit == "ok"
        world.processor.brake.reason = ""
        assert (await world.post("r2", 0, quoted)).exit == "ok"

    told(story)


def test_with_the_brake_on_what_was_posted_before_is_still_told() -> None:
    async def story(world: World) -> None:
        quoted = await world.quote("r1-quote", 0, 1, "10")
        first = await world.post("r1", 0, quoted)
        world.processor.brake.reason = "disk"
        again = await world.post("r1", 0, quoted)
        assert (again.exit, again.reference) == ("ok", first.reference)
        assert again.again

    told(story)


def test_with_the_brake_on_nothing_is_quoted() -> None:
    async def story(world: World) -> None:
        world.processor.brake.reason = "disk"
        answer = await world.transfer("r1", 0, 1, "10")
        assert (answer.exit, answer.outcome) == ("unavailable", NotSent("disk"))

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
