"""Loans by wire: the gateway's adapter, tb87, and the real host process."""

from collections.abc import AsyncIterator
from datetime import date
from decimal import Decimal
from itertools import count
from typing import Any

import pytest

from support.bank_services import Asker, asker
from support.corehost_process import CoreHostProcess, special_card
from support.lending_wire import CONTRACTS, approved, listed, quoted
from transactions.card import CardNumber
from transactions.money import Money, currency
from transactions.outcome import Declined, Unknown, Value
from transactions.ports import Reversed

CNY = currency("CNY")
CARDS = count(10)
NOTHING = Money(0, CNY)


@pytest.fixture
async def caller(shared_host: CoreHostProcess) -> AsyncIterator[Asker]:
    async with asker(shared_host) as one:
        yield one


@pytest.fixture
def card(shared_host: CoreHostProcess) -> CardNumber:
    """A card that no other test touches: 10,000.00, a line of 5,000.00, a loan of 1,000.00."""
    return CardNumber(shared_host.cards[next(CARDS)].card)


async def loans(caller: Asker, card: CardNumber) -> dict[str, dict[str, Any]]:
    return {row["sub"]: row for row in await listed(caller, "loan.list", card=card)}


async def test_what_a_customer_hears_of_his_loans(caller: Asker, card: CardNumber) -> None:
    (row,) = await listed(caller, "loan.list", card=card)
    assert (row["sub"], row["kind"], row["amount"]) == (
        "6001",
        "self_service",
        Money(100_000, CNY),
    )
    assert row["rate"] == Decimal("4.35")
    due = approved(await caller.ask("loan.interest", card=card, sub="6001"))
    assert due["matures"] == row["matures"]
    assert due["principal"] == Money(100_000, CNY)
    assert isinstance(due["matures"], date)
    # Five months at 4.35: 150 to 153 days.
    assert 1_812 <= due["interest"].minor <= 1_849
    assert due["due"] == due["principal"] + due["interest"]
    assert await caller.ask("loan.interest", card=card, sub="6009") == Declined("no_account")


@pytest.mark.parametrize(
    ("sub", "term", "fen", "rate", "fee"),
    [
        (None, "m3", 10_000, "4.35", 500),
        (None, "y3", 400_000, "4.75", 500),
        ("0004", "m6", 54_000, "4.35", 0),
        ("0007", "y1", 200_000, "4.35", 0),
    ],
)
async def test_a_loan_is_opened_and_reversed(  # noqa: PLR0917
    shared_host: CoreHostProcess,
    caller: Asker,
    card: CardNumber,
    sub: str | None,
    term: str,
    fen: int,
    rate: str,
    fee: int,
) -> None:
    books, before = shared_host.balances(), await loans(caller, card)
    inputs: dict[str, Value] = {"card": card, "term": term, "amount": Money(fen, CNY)}
    if sub is not None:
        inputs["sub"] = sub
    order = await quoted(caller, "loan.open", **inputs)
    assert (order.inputs["rate"], order.inputs["fee"]) == (Decimal(rate), Money(fee, CNY))
    done = approved(await caller.host.execute(order, caller.journal))
    sent = caller.journal.sent[-1]
    assert done["available"] == Money(1_000_000 + fen - fee, CNY)
    new = (await loans(caller, card))["6002"]
    assert new["kind"] == ("pledged" if sub else "self_service")
    assert (new["amount"], new["matures"]) == (Money(fen, CNY), order.inputs["matures"])
    if sub is not None:
        drawn = await caller.ask("deposit.draw_quote", card=card, sub=sub)
        assert drawn == Declined("not_due")
    assert shared_host.findings() == []
    for attempt in range(2):
        result = await caller.host.reverse(order, sent, "time_out", caller.journal, attempt)
        assert isinstance(result, Reversed)
    assert await loans(caller, card) == before
    now = shared_host.balances()
    assert {name: now[name] for name in books} == books
    if sub is not None:
        approved(await caller.ask("deposit.draw_quote", card=card, sub=sub))
    assert shared_host.findings() == []


@pytest.mark.parametrize("part", [None, 40_000, 100_000])
async def test_a_loan_is_repaid_and_owed_again_by_reversal(
    shared_host: CoreHostProcess, caller: Asker, card: CardNumber, part: int | None
) -> None:
    books, before = shared_host.balances(), await loans(caller, card)
    inputs: dict[str, Value] = {"card": card, "sub": "6001"}
    if part is not None:
        inputs["part"] = Money(part, CNY)
    order = await quoted(caller, "loan.repay", **inputs)
    fen, interest = part or 100_000, order.inputs["interest"]
    assert isinstance(interest, Money)
    assert interest.minor > 0
    assert (order.inputs["amount"], order.inputs["fee"]) == (Money(fen, CNY), NOTHING)
    done = approved(await caller.host.execute(order, caller.journal))
    sent = caller.journal.sent[-1]
    assert done["available"] == Money(1_000_000 - fen, CNY) - interest
    left = await loans(caller, card)
    assert [row["amount"].minor for row in left.values()] == ([60_000] if fen == 40_000 else [])
    again = await caller.host.execute(
        caller.request("loan.repay", dict(order.inputs)), caller.journal
    )
    assert again == Declined("refused")
    assert await caller.host.reverse(order, sent, "time_out", caller.journal, 0) == Reversed()
    assert await loans(caller, card) == before
    assert shared_host.balances() == books
    assert shared_host.findings() == []


async def test_an_opening_whose_reply_is_lost_is_undone_to_the_fen(
    own_host: CoreHostProcess,
) -> None:
    card = CardNumber(own_host.cards[0].card)
    async with asker(own_host) as caller:
        books, before = own_host.balances(), await loans(caller, card)
        inputs: dict[str, Value] = {"card": card, "term": "m6", "amount": Money(10_000, CNY)}
        order = await quoted(caller, "loan.open", **inputs)
        own_host.plan([{"match": {"processing": "43"}, "action": "cut_after", "times": 1}])
        assert isinstance(await caller.host.execute(order, caller.journal), Unknown)
        assert own_host.balances() != books
        sent = caller.journal.sent[-1]
        assert await caller.host.wait_signed_on(20.0)
        assert await caller.host.reverse(order, sent, "time_out", caller.journal, 0) == Reversed()
        now = own_host.balances()
        assert {name: now[name] for name in books} == books
        assert await loans(caller, card) == before
        assert own_host.findings() == []


@pytest.mark.parametrize(
    ("service", "inputs", "reason"),
    [
        ("open_quote", {"term": "y5", "amount": 10_000}, "bad_term"),
        ("open_quote", {"term": "y1", "amount": 9_999}, "bad_amount"),
        ("open_quote", {"term": "y1", "amount": 400_001}, "over_limit"),
        ("open_quote", {"term": "y1", "amount": 54_001, "sub": "0004"}, "over_limit"),
        ("open_quote", {"term": "y1", "amount": 10_000, "sub": "0001"}, "no_account"),
        ("repay_quote", {"sub": "6001", "part": 100_001}, "bad_amount"),
        ("repay_quote", {"sub": "6088"}, "no_account"),
    ],
)
async def test_refusals_have_the_words_of_the_contract(
    caller: Asker, card: CardNumber, service: str, inputs: dict[str, str | int], reason: str
) -> None:
    asked = {name: Money(v, CNY) if isinstance(v, int) else v for name, v in inputs.items()}
    name = f"loan.{service}"
    assert await caller.ask(name, card=card, **asked) == Declined(reason)
    assert reason in CONTRACTS[name].outcomes


async def test_who_cannot_pay_is_told_at_the_quote(caller: Asker, card: CardNumber) -> None:
    inputs: dict[str, Value] = {"card": card, "kind": "savings", "amount": Money(950_000, CNY)}
    order = await quoted(caller, "deposit.place", **inputs)
    approved(await caller.host.execute(order, caller.journal))
    told = await caller.ask("loan.repay_quote", card=card, sub="6001")
    assert told == Declined("insufficient")


async def test_cards_without_what_is_asked_for(caller: Asker) -> None:
    empty = CardNumber(special_card("empty").card)
    assert await listed(caller, "loan.list", card=empty) == []
    inputs: dict[str, Value] = {"card": empty, "term": "y1", "amount": Money(10_000, CNY)}
    assert await caller.ask("loan.open_quote", **inputs) == Declined("no_account")
