"""What must be what the host told of the customer in this call, and who decides on that."""

import asyncio

import pytest

from support.scripted_bank import CARDS, House, changed, told
from support.second_people import CHECKER, MAKER, TERMS, quote
from transactions.outcome import Approved, Declined, Outcome, Value

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
