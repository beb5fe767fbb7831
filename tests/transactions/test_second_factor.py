"""Amounts above a tier: what is quoted, what is posted, and for whom the higher tier holds."""

from datetime import date

import pytest

from support.scripted_bank import CARDS, LIMITS, House, changed, told
from transactions.contract import ContractError
from transactions.lifecycle import State
from transactions.money import Money
from transactions.outcome import Approved, Declined, NotSent, Value
from transactions.processor import Answer, Processor, ProcessorOptions
from transactions.request import AuthLevel

PIN, BOTH = AuthLevel.PIN, AuthLevel.SECOND_FACTOR
YUAN = Money.parse("0")


async def quote(
    house: House, amount: str, level: AuthLevel = PIN, unit: str = "CNY", to: int = 1
) -> Answer:
    handle = f"Q{len(house.host.asked)}"
    data: dict[str, Value] = {"fee": Money(0, Money.parse("0", unit).currency)}
    data |= {"payee_masked": "*三", "quote": handle}
    house.host.says["transfer.quote"] = lambda _: Approved(data)
    house.host.says["transfer.card_to_card"] = lambda r: Approved({"ref": r.reference})
    terms = {"from": CARDS[0], "to": CARDS[to], "amount": Money.parse(amount, unit)}
    return await house.ask("transfer.quote", 0, level, **terms)


async def post(house: House, quoted: Answer, level: AuthLevel = PIN) -> Answer:
    return await house.ask("transfer.card_to_card", 0, level, quote=quoted.data["quote"])


def register(house: House, payee: int = 1) -> None:
    house.desk.trusted.add(house.vault.token(CARDS[payee]))


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


# -- approval by a second person -------------------------------------------------------------------

TERMS: dict[str, Value] = {
    "sub": "0001",
    "kind": "remote",
    "to": "88001234",
    "bank": "102653000011",
    "payee_masked": "北*司",
    "amount": Money.parse("200000.00"),
    "interest": YUAN,
    "fee": Money.parse("50.00"),
}
MAKER, CHECKER, CORP = 4, 5, "corp.pay"


async def pay_quote(house: House, by: int = CHECKER, **other: Value) -> Answer:
    terms = {**TERMS, **other}
    names = ("payee_masked", "interest", "fee")
    given = {name: terms.pop(name) for name in names} | {"quote": f"C{len(house.host.asked)}"}
    house.host.says["corp.pay_quote"] = lambda _: Approved(given)
    house.host.says[CORP] = lambda r: Approved({"ref": r.reference})
    asked = {name: value for name, value in terms.items() if value != ""}
    await house.rights(by)
    return await house.ask("corp.pay_quote", by, PIN, card=CARDS[by], **asked)


async def pay(
    house: House, quoted: Answer, number: str = "100001", by: int = CHECKER, name: str = ""
) -> Answer:
    return await house.ask(CORP, by, PIN, name, quote=str(quoted.data["quote"]), approval=number)


def test_what_another_person_proposed_is_paid_once_and_the_host_hears_who_it_was() -> None:
    async def story(house: House) -> None:
        house.offer("100001", MAKER, **TERMS)
        quoted = await pay_quote(house)
        answer = await pay(house, quoted, name="p1")
        assert answer.exit == "ok"
        sent = house.host.asked[-1].inputs
        assert (sent["company"], sent["maker"], sent["fee"]) == ("7001", "02", TERMS["fee"])
        assert house.books.offers["100001"].used_by == "p1"
        (hold,) = house.books.rows["p1"].plan.holds
        assert (hold.limit, len(hold.customer)) == ("corporate_daily", 64)
        again = await pay(house, quoted, name="p1")
        assert (again.exit, again.again) == ("ok", True)
        second = await pay(house, await pay_quote(house, amount=Money.parse("200000.00")))
        assert second.exit == "refused"
        assert len([r for r in house.host.asked if r.service == CORP]) == 1

    told(story)


@pytest.mark.parametrize(
    ("change", "number", "by", "why"),
    [
        ({}, "100002", CHECKER, "no_proposal"),
        ({}, "100001", MAKER, "same_person"),
        ({"amount": Money.parse("200000.01")}, "100001", CHECKER, "different_terms"),
        ({"fee": Money.parse("50.01")}, "100001", CHECKER, "different_terms"),
        ({"interest": Money.parse("0.01")}, "100001", CHECKER, "different_terms"),
        ({"to": "88001235"}, "100001", CHECKER, "different_terms"),
        ({"to": ""}, "100001", CHECKER, "different_terms"),
        ({"bank": "102653000012"}, "100001", CHECKER, "different_terms"),
        ({"sub": "0002"}, "100001", CHECKER, "different_terms"),
        ({"kind": "draft"}, "100001", CHECKER, "different_terms"),
        ({"payee_masked": "南*司"}, "100001", CHECKER, "different_terms"),
    ],
)
def test_what_is_not_approved_is_refused_before_it_is_sent(
    change: dict[str, Value], number: str, by: int, why: str
) -> None:
    async def story(house: House) -> None:
        house.offer("100001", MAKER, **TERMS)
        answer = await pay(house, await pay_quote(house, by, **change), number, by)
        assert (answer.exit, answer.outcome) == ("refused", Declined(why))
        assert not any(request.service == CORP for request in house.host.asked)
        assert house.books.offers["100001"].used_by == ""
        good = await pay(house, await pay_quote(house))
        assert good.exit == "ok"

    told(story)


def test_a_proposal_is_not_used_up_where_the_payment_is_refused_in_the_same_commit() -> None:
    async def story(house: House) -> None:
        house.offer("100001", MAKER, **TERMS)
        quoted = await pay_quote(house)
        house.journal.failing = {"proposed": 1}
        assert (await pay(house, quoted)).outcome == NotSent("journal")
        house.books.hot.add(house.vault.token(CARDS[CHECKER]))
        assert (await pay(house, quoted)).outcome == Declined("lost")
        house.books.hot.clear()
        assert house.books.offers["100001"].used_by == ""
        assert (await pay(house, quoted)).exit == "ok"

    told(story)


def test_an_expired_proposal_approves_nothing() -> None:
    async def story(house: House) -> None:
        house.offer("100001", MAKER, **TERMS)
        house.books.offers["100001"].expires_at = house.journal.clock.now()
        answer = await pay(house, await pay_quote(house))
        assert answer.outcome == Declined("expired")

    told(story)


def test_a_payment_that_did_not_go_through_has_used_up_its_proposal() -> None:
    async def story(house: House) -> None:
        house.offer("100001", MAKER, **TERMS)
        quoted = await pay_quote(house)
        house.host.says[CORP] = lambda _: Declined("insufficient")
        answer = await house.ask(
            CORP, CHECKER, PIN, "p1", quote=str(quoted.data["quote"]), approval="100001"
        )
        assert (answer.exit, house.books.rows["p1"].state) == ("refused", State.DECLINED)
        assert (await pay(house, await pay_quote(house))).outcome == Declined("no_proposal")

    told(story)


def test_a_proposal_may_have_no_fee_but_never_no_amount() -> None:
    asked = {"card": CARDS[MAKER], "company": "7001", "operator": "04", **TERMS}

    async def story(house: House) -> None:
        house.desk.says["corp.propose"] = lambda _: Approved({"approval": "100001"})
        await house.rights(MAKER)
        assert (await house.ask("corp.propose", MAKER, **asked)).exit == "ok"
        for amount in (YUAN, Money.parse("-1")):
            answer = await house.ask("corp.propose", MAKER, **{**asked, "amount": amount})
            assert "'amount' is not a usable money" in str(answer.data["why"])
        answer = await house.ask("corp.propose", MAKER, **{**asked, "fee": Money.parse("-1")})
        assert "'fee' is not a usable money" in str(answer.data["why"])

    told(story)


def test_contracts_decide_and_not_names() -> None:
    """Without the key the same transfer passes."""

    async def story(house: House) -> None:
        assert (await quote(house, "20000.00")).exit == "ok"

    told(story, contracts=changed("transfer.card_to_card", second_factor_above=None))
