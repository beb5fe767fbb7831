"""Amounts above a tier: what is quoted, what is posted, and for whom the higher tier holds."""

import asyncio
from datetime import date

import pytest

from support.scripted_bank import CARDS, LIMITS, House, changed, told
from transactions.contract import ContractError
from transactions.lifecycle import State
from transactions.money import Money
from transactions.outcome import Approved, Declined, NotSent, Outcome, Value
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
MAKER, CHECKER, THIRD, CORP = 4, 5, 3, "corp.pay"


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


def test_the_same_of_a_company_is_the_same_whoever_of_it_asks() -> None:
    """Proposed twice: who pays the second one hears that it was just paid (rule 13)."""

    async def story(house: House) -> None:
        for number in ("100001", "100002"):
            house.offer(number, MAKER, **TERMS)
        assert (await pay(house, await pay_quote(house))).exit == "ok"
        third = await pay_quote(house, THIRD)
        assert third.exit == "repeated"
        assert (await pay(house, third, "100002", THIRD)).exit == "ok"

    told(story)


def test_what_was_quoted_before_the_other_paid_is_not_paid_unheard() -> None:
    async def story(house: House) -> None:
        for number in ("100001", "100002"):
            house.offer(number, MAKER, **TERMS)
        early = await pay_quote(house, THIRD)
        assert (await pay(house, await pay_quote(house))).exit == "ok"
        answer = await pay(house, early, "100002", THIRD)
        assert answer.outcome == Declined("repeated")
        assert house.books.offers["100002"].used_by == ""

    told(story)


def test_two_payees_with_one_mask_are_two() -> None:
    async def story(house: House) -> None:
        other = {**TERMS, "to": "99001234"}
        house.offer("100001", MAKER, **TERMS)
        house.offer("100002", MAKER, **other)
        assert (await pay(house, await pay_quote(house))).exit == "ok"
        quoted = await pay_quote(house, to="99001234")
        assert quoted.exit == "ok"
        assert (await pay(house, quoted, "100002")).exit == "ok"

    told(story)


async def other_company(house: House) -> Answer:
    """A person of another company, who had the very terms quoted, gives the number."""
    quoted = await pay_quote(house, THIRD)
    await house.rights(THIRD, company="7002")
    return await pay(house, quoted, by=THIRD)


def test_nobody_approves_for_another_company() -> None:
    async def story(house: House) -> None:
        house.offer("100001", MAKER, **TERMS)
        answer = await other_company(house)
        assert (answer.exit, answer.outcome) == ("refused", Declined("other_company"))
        assert not any(request.service == CORP for request in house.host.asked)
        assert house.books.offers["100001"].used_by == ""
        assert house.events("alarm.told") == [""]
        assert (await pay(house, await pay_quote(house))).exit == "ok"

    told(story)


def test_whose_company_nobody_told_approves_nothing() -> None:
    async def story(house: House) -> None:
        house.offer("100001", MAKER, **TERMS)
        quoted = await pay_quote(house)
        house.processor._told.heard.clear()
        assert (await pay(house, quoted)).outcome == Declined("other_company")
        await house.rights(CHECKER)
        assert (await pay(house, quoted)).exit == "ok"

    told(story)


def test_terms_of_another_release_are_said_to_be_older() -> None:
    """By its own release a proposal is what it was; by rules that compare other terms it is not."""
    newer = changed(CORP, must_read_back=("kind", "payee_masked", "amount"))

    async def story(house: House) -> None:
        house.offer("100001", MAKER, "a" * 64, **TERMS)
        house.offer("100002", MAKER, "b" * 64, **{**TERMS, "interest": Money.parse("1.00")})
        terms = {**TERMS, "sub": "0002"}
        house.offer("100003", MAKER, "b" * 64, **terms)
        quoted = await pay_quote(house)
        served = house.host.capabilities()
        for release in ("a" * 64, "b" * 64):
            house.processor.learn(release, newer if release[0] == "b" else house.contracts, served)
        for number, release, why in (
            ("100002", "a" * 64, "older_rules"),
            ("100003", "b" * 64, "different_terms"),
        ):
            answer = await house.ask(
                *(CORP, CHECKER, PIN, f"p{number}", release),
                quote=str(quoted.data["quote"]),
                approval=number,
            )
            assert answer.outcome == Declined(why)
        assert (await pay(house, quoted)).exit == "ok"

    told(story)


def test_a_proposal_of_before_has_a_hash_that_approves_nothing() -> None:
    async def story(house: House) -> None:
        house.offer("100001", MAKER, **TERMS)
        house.books.offers["100001"].terms_hash = "5" * 64
        answer = await pay(house, await pay_quote(house))
        assert answer.outcome == Declined("older_rules")

    told(story)


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


# -- what the host told ----------------------------------------------------------------------------

MOBILE: Value = "13800138000"


async def send(house: House, mobile: Value = MOBILE, by: int = 0) -> Outcome:
    return (await house.ask("code.send", by, card=CARDS[by], mobile=mobile)).outcome


def test_a_code_goes_only_to_a_number_that_the_host_told_of_this_card() -> None:
    async def story(house: House) -> None:
        house.desk.says["code.send"] = lambda _: Approved({"tail": "8000", "minutes": 3})
        house.host.says["customer.mobile"] = lambda _: Approved({"mobile": MOBILE})
        assert await send(house) == Declined(
            "bad_request", {"why": "input 'mobile' is not what the host told"}
        )
        assert (await house.ask("customer.mobile", 0, card=CARDS[0])).exit == "ok"
        assert isinstance(await send(house, "13900139000"), Declined)
        assert isinstance(await send(house, by=1), Declined)
        assert isinstance(await send(house), Approved)
        assert len(house.desk.asked) == 1
        assert len(house.events("alarm.told")) == 3

    told(story)


def test_who_enrols_gets_his_code_at_the_number_that_his_identity_gave() -> None:
    async def story(house: House) -> None:
        house.desk.says["code.send"] = lambda _: Approved({"tail": "8000", "minutes": 3})
        house.host.says["customer.identify"] = lambda _: Approved({"mobile": MOBILE})
        asked = await house.ask("customer.identify", None, card=CARDS[0], identity="1234")
        assert asked.exit == "ok"
        answer = await house.ask("code.send", None, card=CARDS[0], mobile=MOBILE)
        assert answer.exit == "ok"

    told(story)


def test_what_was_told_is_forgotten_and_a_newer_answer_takes_its_place() -> None:
    async def story(house: House) -> None:
        house.desk.says["code.send"] = lambda _: Approved({"tail": "8000", "minutes": 3})
        for mobile in (MOBILE, "13900139000"):
            house.host.says["customer.mobile"] = lambda _, told=mobile: Approved({"mobile": told})
            assert (await house.ask("customer.mobile", 0, card=CARDS[0])).exit == "ok"
        assert isinstance(await send(house), Declined)
        assert isinstance(await send(house, "13900139000"), Approved)
        await asyncio.sleep(61)
        assert isinstance(await send(house, "13900139000"), Declined)
        for by in range(3):
            assert (await house.ask("customer.mobile", by, card=CARDS[by])).exit == "ok"
        assert len(house.processor._told.heard) == 2

    told(story, told_ttl_s=60.0, remembered_max=2)


@pytest.mark.parametrize(
    ("other", "may", "why"),
    [
        ({}, "both", None),
        ({}, "make", None),
        ({}, "approve", "not_permitted"),
        ({}, "view", "not_permitted"),
        ({"company": "7002"}, "both", "bad_request"),
        ({"operator": "05"}, "both", "bad_request"),
    ],
)
def test_who_proposes_is_whom_the_host_told(
    other: dict[str, Value], may: str, why: str | None
) -> None:
    async def story(house: House) -> None:
        house.desk.says["corp.propose"] = lambda _: Approved({"approval": "100001"})
        asked = {"card": CARDS[MAKER], "company": "7001", "operator": "04", **TERMS, **other}
        await house.rights(MAKER, may=may)
        outcome = (await house.ask("corp.propose", MAKER, **asked)).outcome
        assert getattr(outcome, "reason", None) == why

    told(story)


@pytest.mark.parametrize("service", ["corp.waiting", "corp.recall", "corp.reject"])
@pytest.mark.parametrize(
    ("company", "may", "asks"),
    [
        ("7001", "approve", True),
        ("7001", "make", False),
        ("7002", "both", False),
    ],
)
def test_who_decides_is_of_the_company_and_may(
    service: str, company: str, may: str, *, asks: bool
) -> None:
    async def story(house: House) -> None:
        await house.rights(CHECKER, company, may)
        inputs: dict[str, Value] = {"card": CARDS[CHECKER], "company": "7001"}
        if service != "corp.waiting":
            inputs["approval"] = "100001"
        await house.ask(service, CHECKER, **inputs)
        assert len(house.desk.asked) == asks

    told(story)


def test_contracts_decide_and_not_names() -> None:
    """Without the key the same transfer passes."""

    async def story(house: House) -> None:
        assert (await quote(house, "20000.00")).exit == "ok"

    told(story, contracts=changed("transfer.card_to_card", second_factor_above=None))
