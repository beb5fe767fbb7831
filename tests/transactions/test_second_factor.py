"""Amounts above a tier: what is quoted, what is posted, and for whom the higher tier holds."""

import asyncio
from datetime import date

import pytest

from support.scripted_bank import CARDS, LIMITS, House, told
from support.second_people import BOTH, PIN, YUAN, post, quote, register
from transactions.contract import ContractError
from transactions.money import Money
from transactions.outcome import Approved, Declined, NotSent
from transactions.processor import Processor, ProcessorOptions
from transactions.request import AuthLevel


@pytest.mark.parametrize(
    ("amount", "registered", "exit_name"),
    [
        ("10000.00", False, "ok"),
        ("10000.01", False, "prove"),
        ("10000.01", True, "ok"),
        ("50000.00", True, "ok"),
        ("50000.01", True, "prove"),
    ],
)
def test_a_quote_above_the_tier_asks_for_a_second_factor(
    amount: str, registered: bool, exit_name: str
) -> None:
    async def story(house: House) -> None:
        if registered:
            register(house)
        first = await quote(house, amount)
        assert (first.exit, first.data["payee_masked"]) == (exit_name, "*三")
        posted = await post(house, first)
        assert posted.exit == ("ok" if exit_name == "ok" else "refused")
        if exit_name == "prove":
            assert posted.outcome == Declined("prove")
            assert house.books.rows == {}
            assert (await post(house, first, BOTH)).exit == "ok"
        assert (await quote(house, amount, BOTH, to=2)).exit == "ok"

    told(story)


def test_only_a_registered_payee_is_trusted() -> None:
    async def story(house: House) -> None:
        register(house, 2)
        assert (await quote(house, "20000.00")).exit == "prove"
        assert (await quote(house, "20000.00", to=2)).exit == "ok"

    told(story)


def test_what_was_quoted_with_a_second_factor_is_not_posted_without_one() -> None:
    async def story(house: House) -> None:
        assert (await post(house, await quote(house, "20000.00", BOTH))).exit == "refused"

    told(story)


def test_a_payee_who_was_removed_after_the_quote_is_not_trusted_any_more() -> None:
    async def story(house: House) -> None:
        register(house)
        quoted = await quote(house, "20000.00")
        house.desk.trusted.clear()
        assert (await post(house, quoted)).outcome == Declined("prove")
        assert (await post(house, quoted, BOTH)).exit == "ok"

    told(story)


def test_an_amount_in_another_currency_is_above_every_tier() -> None:
    async def story(house: House) -> None:
        register(house)
        assert (await quote(house, "1.00", unit="USD")).exit == "prove"
        assert (await quote(house, "1.00", BOTH, unit="USD")).exit == "ok"

    told(story)


def test_the_same_within_ten_minutes_is_said_once_the_second_factor_is_there() -> None:
    """`prove` goes before `repeated`: the next quote says it, and until then nothing is posted."""

    async def story(house: House) -> None:
        await post(house, await quote(house, "20000.00", BOTH), BOTH)
        again = await quote(house, "20000.00")
        assert again.exit == "prove"
        assert (await post(house, again, BOTH)).outcome == Declined("repeated")
        told_so = await quote(house, "20000.00", BOTH)
        assert told_so.exit == "repeated"
        assert (await post(house, told_so, BOTH)).exit == "ok"

    told(story)


def test_a_store_that_cannot_say_whom_a_customer_registered_lets_nothing_pass() -> None:
    async def story(house: House) -> None:
        house.desk.away = True
        assert (await quote(house, "20000.00")).outcome == NotSent("journal")
        house.desk.away = False
        register(house)
        quoted = await quote(house, "20000.00")
        house.desk.away = True
        answer = await post(house, quoted)
        assert (answer.exit, answer.outcome) == ("not_done", NotSent("journal"))

    told(story)


def test_a_desk_with_a_bug_trusts_nobody() -> None:
    async def story(house: House) -> None:
        async def broken(*_: object) -> bool:
            raise KeyError("bug")

        house.desk.trusts = broken  # type: ignore[method-assign]
        assert (await quote(house, "20000.00")).exit == "prove"

    told(story)


def test_a_state_service_takes_its_own_exit() -> None:

    made = {"payee": CARDS[1], "payee_masked": "*三", "first": date(2026, 12, 1), "every": "once"}

    async def order(house: House, amount: str, level: AuthLevel = PIN) -> str:
        value = Money.parse(amount)
        return (await house.ask("order.make", 0, level, card=CARDS[0], amount=value, **made)).exit

    async def story(house: House) -> None:
        data = Approved({"order": "7"})
        house.desk.says["order.make"] = lambda _: data
        assert await order(house, "10000.00") == "ok"
        assert await order(house, "10000.01") == "prove"
        assert await order(house, "10000.01", BOTH) == "ok"
        register(house)
        assert await order(house, "50000.00") == "ok"
        assert len(house.desk.asked) == 3
        house.desk.trusted.clear()
        fees = {"fee": Money.parse("1.00"), "amount": Money.parse("10000.01")}
        answer = await house.ask("order.make", 0, PIN, **fees, card=CARDS[0], **made)
        assert answer.exit == "prove"
        nothing = {"fee": YUAN, "amount": Money.parse("1.00")}
        assert (await house.ask("order.make", **nothing, card=CARDS[0], **made)).exit == "ok"

    told(story)


def test_a_host_is_never_asked_for_a_part_of_nothing() -> None:
    async def story(house: House) -> None:
        answer = await house.ask("deposit.draw_quote", card=CARDS[0], sub="0003", part=YUAN)
        assert "'part' is not a usable money" in str(answer.data["why"])

    told(story)


def test_without_a_tier_for_registered_payees_there_is_none() -> None:
    async def story(house: House) -> None:
        register(house)
        assert (await quote(house, "5.01")).exit == "prove"
        assert (await quote(house, "5.00")).exit == "ok"

    told(story, second_factor={"transfer": Money.parse("5.00")})


def test_a_tier_that_is_not_set_is_said_at_the_start() -> None:
    house = House()
    options = ProcessorOptions(limits=LIMITS, second_factor={})
    clock = house.processor._clock
    with pytest.raises(ContractError, match=r"tier 'transfer' has no amount; set it in \[second_"):
        Processor(house.contracts, house.host, house.journal, house.vault, options, clock)


# -- a day's use -----------------------------------------------------------------------------------


def test_amounts_below_the_tier_come_to_it_together() -> None:
    async def story(house: House) -> None:
        for amount in ("4000.00", "3000.00", "3000.00"):
            first = await quote(house, amount, to=2 if amount == "4000.00" else 1)
            told_again = first.exit == "repeated"
            assert told_again or first.exit == "ok"
            assert (await post(house, first)).exit == "ok"
        over = await quote(house, "0.01")
        assert over.exit == "prove"
        assert (await post(house, over)).outcome == Declined("prove")
        assert (await post(house, over, BOTH)).exit == "ok"

    told(story)


def test_quotes_of_before_do_not_pass_the_tier_together_either() -> None:
    async def story(house: House) -> None:
        quotes = [await quote(house, amount) for amount in ("6000.00", "5000.00")]
        assert [(one.exit) for one in quotes] == ["ok", "ok"]
        assert (await post(house, quotes[0])).exit == "ok"
        assert (await post(house, quotes[1])).outcome == Declined("prove")

    told(story)


def test_two_at_the_same_moment_do_not_pass_the_tier_together() -> None:
    async def story(house: House) -> None:
        quotes = [await quote(house, amount) for amount in ("6000.00", "5000.00")]
        answers = await asyncio.gather(*(post(house, one) for one in quotes))
        assert sorted(answer.exit for answer in answers) == ["ok", "refused"]
        assert sum(house.books.used.values()) == 2 * max(
            hold.amount.minor for row in house.books.rows.values() for hold in row.plan.holds
        )

    told(story)


def test_what_was_posted_is_told_again_though_it_has_used_the_tier_up() -> None:
    async def story(house: House) -> None:
        quoted = await quote(house, "6000.00")
        assert (await post(house, quoted)).exit == "ok"
        again = await post(house, quoted)
        assert (again.exit, again.again) == ("ok", True)

    told(story)


def test_the_day_need_not_count() -> None:
    async def story(house: House) -> None:
        for amount in ("6000.00", "5000.00"):
            assert (await post(house, await quote(house, amount))).exit == "ok"

    told(story, second_factor_per_day=False)
