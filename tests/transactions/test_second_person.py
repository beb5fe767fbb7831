"""Payments of a company: one person proposes, another one approves, each within his own."""

import pytest

from support.scripted_bank import CARDS, House, changed, told
from support.second_people import (
    CHECKER,
    CORP,
    MAKER,
    PIN,
    TERMS,
    THIRD,
    YUAN,
    other_company,
    pay,
    pay_quote,
)
from transactions.lifecycle import State
from transactions.money import Money
from transactions.outcome import Approved, Declined, NotSent, Value


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
