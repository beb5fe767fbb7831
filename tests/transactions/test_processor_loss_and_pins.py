"""Reports of loss and telephone PINs, with a host that behaves or does not."""

import asyncio
from dataclasses import replace

import pytest

from support.ledger_world import CARDS, CONTRACTS, OPTIONS, PIN, Fault, World
from support.processor_stories import on, told
from transactions.lifecycle import State
from transactions.outcome import Declined, Values
from transactions.secret import Secret

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
