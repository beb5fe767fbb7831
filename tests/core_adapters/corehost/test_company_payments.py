"""Payments of companies by wire: the gateway's adapter, tb87, the real host process."""

import asyncio
import random
from collections.abc import AsyncIterator

import pytest

from core_adapters.corehost.seed import trial_set
from support.bank_services import Asker, asker
from support.company_desk import (
    COMPANY,
    FAR_ACCOUNT,
    FIRST,
    LOAN,
    MAKER,
    PAYEE,
    SECOND,
    VIEWER,
    CompanyDesk,
    asked,
    fen,
    rows,
)
from support.corehost_process import CoreHostProcess
from support.lending_wire import approved, listed
from transactions.card import CardNumber
from transactions.outcome import Approved, Declined, Unknown, Value
from transactions.secret import Secret


@pytest.fixture
async def caller(shared_host: CoreHostProcess) -> AsyncIterator[Asker]:
    async with asker(shared_host) as one:
        yield one


@pytest.fixture
def desk(caller: Asker) -> CompanyDesk:
    return CompanyDesk(caller)


@pytest.fixture
async def own_desk(own_host: CoreHostProcess) -> AsyncIterator[CompanyDesk]:
    """At a host whose days may end."""
    async with asker(own_host) as one:
        yield CompanyDesk(one)


def company_money(host: CoreHostProcess) -> int:
    return host.balances()[COMPANY.card]


@pytest.mark.parametrize(
    ("card", "number", "may", "most"),
    [
        (MAKER, "0001", "make", 50_000_000),
        (FIRST, "0002", "approve", 50_000_000),
        (SECOND, "0003", "approve", 5_000_000),
        (VIEWER, "0004", "view", 0),
    ],
)
async def test_everybody_hears_what_he_may(
    caller: Asker, card: CardNumber, number: str, may: str, most: int
) -> None:
    told = approved(await caller.ask("corp.rights", card=card))
    expected = {"company": COMPANY.account, "operator": number, "may": may, "most": fen(most)}
    assert told == expected
    accounts = await listed(caller, "corp.balance", card=card)
    assert [one["sub"] for one in accounts] == ["0001", "0002", "0003", "0004", "0005"]


async def test_everybody_has_a_pin_of_his_own(caller: Asker) -> None:
    people = [one for one in trial_set() if one.state == "operator"]
    for one, other in zip(people, people[1:] + people[:1], strict=True):
        card = CardNumber(one.card)
        assert isinstance(await caller.ask("pin.verify", card=card, pin=Secret(one.pin)), Approved)
        wrong = await caller.ask("pin.verify", card=card, pin=Secret(other.pin))
        assert wrong == Declined("wrong_pin")


async def test_a_stopped_card_neither_proposes_nor_pays(
    own_host: CoreHostProcess, own_desk: CompanyDesk
) -> None:
    maker = next(one for one in trial_set() if one.card == MAKER.digits)
    lost = await own_desk.caller.ask("card.report_loss", card=MAKER, identity=maker.identity)
    assert isinstance(lost, Approved)
    before = own_host.balances()
    sent = await own_desk.pay(asked("transfer", 100))
    assert isinstance(sent.outcome, Declined)
    assert own_host.balances() == before
    assert isinstance(await own_desk.quote(MAKER, asked("transfer", 100)), Declined)


async def test_nobody_else_acts_for_a_company(caller: Asker) -> None:
    # The company's own card is nobody's in particular; a person's card is no company's.
    for card in (COMPANY.card, PAYEE.card):
        assert await caller.ask("corp.rights", card=CardNumber(card)) == Declined("not_permitted")
    # The card of a company's person has no account of its own.
    assert isinstance(await caller.ask("card.balance", card=MAKER), Declined)


@pytest.mark.parametrize(
    ("kind", "sums", "tail"),
    [
        ("transfer", (100_000, 0), PAYEE.card[-4:]),
        ("remote", (1_000_000, 550), FAR_ACCOUNT[-4:]),
        ("remote", (1_000_001, 1_050), FAR_ACCOUNT[-4:]),
        ("draft", (250_000, 148), FAR_ACCOUNT[-4:]),
        ("repay", (2_000_000, 0), LOAN),
    ],
)
async def test_a_payment_costs_what_was_quoted_and_comes_back_whole(
    shared_host: CoreHostProcess, desk: CompanyDesk, kind: str, sums: tuple[int, int], tail: str
) -> None:
    minor, fee = sums
    before = shared_host.balances()
    terms = approved(await desk.quote(FIRST, asked(kind, minor)))
    assert (terms["fee"], terms["payee_masked"][-4:]) == (fen(fee), tail)
    interest = terms["interest"].minor
    assert (interest > 0) == (kind == "repay")
    paid = await desk.pay(asked(kind, minor))
    done = approved(paid.outcome)
    left = before[COMPANY.card] - minor - interest - fee
    assert (company_money(shared_host), done["available"]) == (left, fen(left))
    assert (done["ref"] == paid.request.reference) == (kind != "draft")
    assert shared_host.findings() == []
    await desk.undo(paid)
    await desk.undo(paid)
    assert shared_host.balances() == before
    assert shared_host.findings() == []


async def test_interest_of_a_loan_by_hand(own_host: CoreHostProcess, own_desk: CompanyDesk) -> None:
    """Nothing was repaid of 240,000.00 for the days since the seed's day two months ago."""
    (opened,) = rows(own_host, "SELECT opened FROM corp_loan")[0]
    (today,) = rows(own_host, "SELECT date FROM business_day")[0]
    (days,) = rows(own_host, f"SELECT CAST(julianday('{today}') - julianday('{opened}') AS INT)")[0]
    terms = approved(await own_desk.quote(FIRST, asked("repay", 100)))
    # 240,000.00 x days x 4.35 / 36,000 in fen, half up.
    assert terms["interest"].minor == (24_000_000 * days * 435 * 10 + 18_000_000) // 36_000_000
    assert isinstance((await own_desk.pay(asked("repay", 1_000_000))).outcome, Approved)
    assert approved(await own_desk.quote(FIRST, asked("repay", 100)))["interest"] == fen(0)
    assert await own_desk.quote(FIRST, asked("repay", 23_000_001)) == Declined("bad_amount")


REFUSED: list[tuple[CardNumber, dict[str, Value], str]] = [
    (VIEWER, asked("transfer", 100), "not_permitted"),
    (CardNumber(PAYEE.card), asked("transfer", 100), "not_permitted"),
    (CardNumber(COMPANY.card), asked("transfer", 100), "not_permitted"),
    (MAKER, asked("present", 100), "not_permitted"),
    (MAKER, asked("transfer", 50_000_001), "over_limit"),
    (SECOND, asked("transfer", 5_000_001), "over_limit"),
    (FIRST, asked("transfer", 0), "bad_amount"),
    (FIRST, asked("transfer", 100, sub="0009"), "no_account"),
    (FIRST, asked("transfer", 100, sub="0003"), "no_account"),
    (FIRST, asked("transfer", 100, to="6227000000000012"), "bad_payee"),
    (FIRST, asked("transfer", 100, to=COMPANY.card), "bad_payee"),
    (FIRST, asked("transfer", 100, to=COMPANY.account), "bad_payee"),
    (FIRST, asked("transfer", 100, bank="9001"), "bad_payee"),
    (FIRST, asked("remote", 100, bank="9999"), "bad_payee"),
    (FIRST, asked("remote", 100, bank=""), "bad_payee"),
    (FIRST, asked("remote", 100, to="12345"), "bad_payee"),
    (FIRST, asked("draft", 100, to=""), "bad_payee"),
    (FIRST, asked("repay", 100, to="6002"), "bad_payee"),
    (FIRST, asked("repay", 24_000_001), "bad_amount"),
    (FIRST, asked("remote", 50_000_000), "insufficient"),
]


async def test_what_is_refused_when_it_is_quoted(
    shared_host: CoreHostProcess, desk: CompanyDesk
) -> None:
    before = shared_host.balances()
    for card, terms, reason in REFUSED:
        assert await desk.quote(card, terms) == Declined(reason), terms
    assert shared_host.balances() == before


NOT_PAID: list[tuple[int, tuple[str, CardNumber], dict[str, Value]]] = [
    (100, ("0002", FIRST), {}),  # himself
    (100, ("0003", FIRST), {}),  # may only approve
    (100, ("0004", FIRST), {}),  # may only look
    (100, ("0009", FIRST), {}),
    (100, ("0001", MAKER), {}),  # himself, and may only make
    (5_000_001, ("0001", FIRST), {"card": SECOND}),  # above the second one's ceiling
    (100, ("0001", FIRST), {"card": SECOND}),  # not his quote
    (100, ("0001", FIRST), {"company": "01000100001"}),
    (100, ("0001", FIRST), {"amount": fen(101)}),
    (100, ("0001", FIRST), {"fee": fen(1)}),
    (100, ("0001", FIRST), {"to": COMPANY.card}),
    (100, ("0001", FIRST), {"sub": "0002"}),
    (100, ("0001", FIRST), {"kind": "draft"}),
    (100, ("0001", FIRST), {"interest": fen(5)}),
    (100, ("0001", FIRST), {"quote": "Q0000000000000000"}),
]


async def test_what_the_bank_does_not_pay(shared_host: CoreHostProcess, desk: CompanyDesk) -> None:
    before = shared_host.balances()
    for minor, (maker, approver), instead in NOT_PAID:
        sent = await desk.pay(asked("transfer", minor), approver, maker, **instead)
        assert isinstance(sent.outcome, Declined), (minor, maker, instead)
    assert shared_host.balances() == before
    assert shared_host.findings() == []


async def test_a_quote_pays_once(shared_host: CoreHostProcess, caller: Asker) -> None:
    desk = CompanyDesk(caller)
    first = await desk.pay(asked("draft", 100_000))
    assert isinstance(first.outcome, Approved)
    again = caller.request("corp.pay", dict(first.request.inputs))
    assert isinstance(await caller.host.execute(again, caller.journal), Declined)
    second = await desk.pay(asked("draft", 100_000))
    numbers = [int(str(approved(one.outcome)["ref"])) for one in (first, second)]
    assert numbers[1] == numbers[0] + 1
    assert shared_host.findings() == []


async def test_a_payment_whose_reply_is_lost_is_undone_to_the_fen(
    own_host: CoreHostProcess, own_desk: CompanyDesk
) -> None:
    before = own_host.balances()
    own_host.plan([{"match": {"processing": "51", "mti": "0200"}, "action": "cut_after"}])
    sent = await own_desk.pay(asked("remote", 700_000))
    assert isinstance(sent.outcome, Unknown)
    assert await own_desk.caller.host.wait_signed_on(20.0)
    assert own_host.balances() != before
    await own_desk.undo(sent)
    assert own_host.balances() == before
    (latest,) = (await listed(own_desk.caller, "corp.remittances", card=MAKER))[:1]
    assert (latest["what"], latest["state"]) == ("outward", "returned")
    assert own_host.findings() == []


@pytest.mark.parametrize("seed", range(3))
async def test_payments_undone_in_any_order_over_days_leave_nothing(
    own_host: CoreHostProcess, own_desk: CompanyDesk, seed: int
) -> None:
    draw = random.Random(seed)
    before, sent = own_host.balances(), []
    for round_ in range(3):
        for kind in draw.sample(["transfer", "remote", "draft", "repay"], 4):
            paid = await own_desk.pay(asked(kind, draw.randrange(1, 900_000)))
            assert isinstance(paid.outcome, Approved), kind
            sent.append(paid)
        if round_ < 2:
            await asyncio.to_thread(own_host.tell, "cut-over")
        assert own_host.findings() == []
    kept = [sent.pop(draw.randrange(len(sent))) for _ in range(2)]
    for one in draw.sample(sent, len(sent)):
        await own_desk.undo(one)
        assert own_host.findings() == []
    for one in kept:
        await own_desk.undo(one)
    after = own_host.balances()
    assert {k: v for k, v in after.items() if v != before.get(k, 0)} == {}
    assert own_host.findings() == []


async def test_the_end_of_the_day_sends_what_went_out(
    own_host: CoreHostProcess, own_desk: CompanyDesk
) -> None:
    for kind, minor in (("remote", 300_000), ("transfer", 400_000), ("transfer", 500_000)):
        assert isinstance((await own_desk.pay(asked(kind, minor))).outcome, Approved)
    (latest,) = (await listed(own_desk.caller, "corp.remittances", card=MAKER))[:1]
    assert latest["state"] == "pending"
    await asyncio.to_thread(own_host.tell, "cut-over")
    (latest,) = (await listed(own_desk.caller, "corp.remittances", card=MAKER))[:1]
    assert latest["state"] == "done"
    told = rows(
        own_host,
        "SELECT what, count, minor FROM day_item WHERE what LIKE 'corp_paid%' ORDER BY what",
    )
    assert told == [("corp_paid_remote", 1, 300_000), ("corp_paid_transfer", 2, 900_000)]
    assert own_host.findings() == []
