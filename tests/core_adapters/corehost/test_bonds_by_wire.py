"""Treasury bonds by wire: the gateway's adapter, tb87, and the real host process."""

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
    """A card that no other test touches: 10,000.00 and two bonds."""
    return CardNumber(shared_host.cards[next(CARDS)].card)


async def bonds(caller: Asker, card: CardNumber) -> dict[str, dict[str, Any]]:
    return {row["sub"]: row for row in await listed(caller, "bond.list", card=card)}


async def test_what_is_on_sale_is_told_without_a_card(caller: Asker) -> None:
    rows = await listed(caller, "bond.issues")
    assert {row["issue"]: row["rate"] for row in rows} == {
        "saving_y3": Decimal("2.38"),
        "saving_y5": Decimal("2.50"),
        "book_y1": Decimal("1.60"),
    }
    assert all(isinstance(row["until"], date) for row in rows)


async def test_what_a_customer_hears_of_his_bonds(caller: Asker, card: CardNumber) -> None:
    held = await bonds(caller, card)
    assert {sub: (row["issue"], row["amount"].minor) for sub, row in held.items()} == {
        "8001": ("book_y1", 50_000),
        "8002": ("saving_y3", 100_000),
    }
    assert held["8001"]["matures"] < held["8002"]["matures"]


async def test_a_bond_is_bought_and_reversed(
    shared_host: CoreHostProcess, caller: Asker, card: CardNumber
) -> None:
    books, before = shared_host.balances(), await bonds(caller, card)
    amount = Money(120_000, CNY)
    order = await quoted(caller, "bond.buy", card=card, issue="saving_y5", amount=amount)
    assert (order.inputs["rate"], order.inputs["fee"]) == (Decimal("2.50"), NOTHING)
    done = approved(await caller.host.execute(order, caller.journal))
    sent = caller.journal.sent[-1]
    assert done["available"] == Money(1_000_000, CNY) - amount
    new = (await bonds(caller, card))["8003"]
    assert (new["amount"], new["matures"]) == (amount, order.inputs["matures"])
    assert shared_host.findings() == []
    for attempt in range(2):
        result = await caller.host.reverse(order, sent, "time_out", caller.journal, attempt)
        assert isinstance(result, Reversed)
    assert await bonds(caller, card) == before
    now = shared_host.balances()
    assert {name: now[name] for name in books} == books
    assert shared_host.findings() == []


@pytest.mark.parametrize(
    ("sub", "part", "early"),
    [
        ("8001", None, "matured"),
        ("8001", 20_000, "matured"),
        ("8002", None, "early"),
        ("8002", 10_000, "early"),
    ],
)
async def test_a_bond_is_redeemed_and_held_again_by_reversal(  # noqa: PLR0917
    shared_host: CoreHostProcess,
    caller: Asker,
    card: CardNumber,
    sub: str,
    part: int | None,
    early: str,
) -> None:
    books, before = shared_host.balances(), await bonds(caller, card)
    inputs: dict[str, Value] = {"card": card, "sub": sub}
    if part is not None:
        inputs["part"] = Money(part, CNY)
    order = await quoted(caller, "bond.redeem", **inputs)
    fen = part or before[sub]["amount"].minor
    amount, interest, fee = (order.inputs[name] for name in ("amount", "interest", "fee"))
    assert isinstance(interest, Money)
    assert isinstance(fee, Money)
    assert (amount, order.inputs["early"]) == (Money(fen, CNY), early)
    assert fee == (NOTHING if early == "matured" else Money(fen // 1000, CNY))
    assert interest.minor > 0
    done = approved(await caller.host.execute(order, caller.journal))
    sent = caller.journal.sent[-1]
    assert done["available"] == Money(1_000_000 + fen, CNY) + interest - fee
    left = {number: row["amount"].minor for number, row in (await bonds(caller, card)).items()}
    assert left.get(sub, 0) == before[sub]["amount"].minor - fen
    assert shared_host.findings() == []
    assert await caller.host.reverse(order, sent, "time_out", caller.journal, 0) == Reversed()
    assert await bonds(caller, card) == before
    assert shared_host.balances() == books
    assert shared_host.findings() == []


async def test_a_redemption_whose_reply_is_lost_is_undone_to_the_fen(
    own_host: CoreHostProcess,
) -> None:
    card = CardNumber(own_host.cards[0].card)
    async with asker(own_host) as caller:
        books, before = own_host.balances(), await bonds(caller, card)
        order = await quoted(caller, "bond.redeem", card=card, sub="8002")
        own_host.plan([{"match": {"processing": "45"}, "action": "cut_after", "times": 1}])
        assert isinstance(await caller.host.execute(order, caller.journal), Unknown)
        assert own_host.balances() != books
        sent = caller.journal.sent[-1]
        assert await caller.host.wait_signed_on(20.0)
        assert await caller.host.reverse(order, sent, "time_out", caller.journal, 0) == Reversed()
        assert own_host.balances() == books
        assert await bonds(caller, card) == before
        assert own_host.findings() == []


@pytest.mark.parametrize(
    ("service", "inputs", "reason"),
    [
        ("buy_quote", {"issue": "special_y5", "amount": 10_000}, "not_on_sale"),
        ("buy_quote", {"issue": "saving_y3", "amount": 10_001}, "bad_amount"),
        ("buy_quote", {"issue": "saving_y3", "amount": 1_010_000}, "insufficient"),
        ("buy_quote", {"issue": "saving_y3", "amount": 5_010_000}, "over_limit"),
        ("redeem_quote", {"sub": "8001", "part": 60_000}, "bad_amount"),
        ("redeem_quote", {"sub": "8088"}, "no_account"),
    ],
)
async def test_refusals_have_the_words_of_the_contract(
    caller: Asker, card: CardNumber, service: str, inputs: dict[str, str | int], reason: str
) -> None:
    asked = {name: Money(v, CNY) if isinstance(v, int) else v for name, v in inputs.items()}
    name = f"bond.{service}"
    assert await caller.ask(name, card=card, **asked) == Declined(reason)
    assert reason in CONTRACTS[name].outcomes


async def test_cards_without_what_is_asked_for(caller: Asker) -> None:
    empty = CardNumber(special_card("empty").card)
    assert await listed(caller, "bond.list", card=empty) == []
