"""Enquiries and deposits by wire: the gateway's adapter, tb87, and the real host process."""

from collections.abc import AsyncIterator
from datetime import date
from decimal import Decimal
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from support.bank_services import Asker, asker
from support.corehost_process import CoreHostProcess, special_card
from transactions.card import CardNumber
from transactions.contract import load_contracts
from transactions.money import Money, currency
from transactions.outcome import Approved, Declined, Outcome, Unknown, Value
from transactions.ports import Reversed
from transactions.request import Request

CONTRACTS = load_contracts(Path(__file__).resolve().parents[3] / "config" / "services.yaml")
CNY = currency("CNY")
CARDS = count(10)
NOTHING = Money(0, CNY)


@pytest.fixture
async def caller(shared_host: CoreHostProcess) -> AsyncIterator[Asker]:
    async with asker(shared_host) as one:
        yield one


@pytest.fixture
def card(shared_host: CoreHostProcess) -> CardNumber:
    """A card that no other test touches."""
    return CardNumber(shared_host.cards[next(CARDS)].card)


def approved(outcome: Outcome) -> dict[str, Any]:
    assert isinstance(outcome, Approved), outcome
    return dict(outcome.data)


async def listed(caller: Asker, service: str, **inputs: Value) -> list[dict[str, Any]]:
    """All rows of a list, page by page as a flow asks for them."""
    rows: list[dict[str, Any]] = []
    for _ in range(20):
        outcome = await caller.ask(service, **inputs)
        data = approved(outcome)
        page: Any = data["items"]
        rows += [dict(row) for row in page]
        taken = CONTRACTS[service].exit_for(outcome)
        if "cursor" not in data:
            assert taken == ("last" if page else "none")
            return rows
        assert (taken, len(page)) == ("ok", 5)
        inputs["cursor"] = data["cursor"]
    raise AssertionError(f"{service} has no end")


async def deposits(caller: Asker, card: CardNumber) -> dict[str, dict[str, Any]]:
    return {row["sub"]: row for row in await listed(caller, "deposit.list", card=card)}


async def quoted(caller: Asker, service: str, **inputs: Value) -> Request:
    """The order that follows a quote, as a caller confirms it."""
    terms = approved(await caller.ask(f"{service}_quote", **inputs))
    return caller.request(service, {**inputs, **terms})


async def test_what_a_customer_hears_of_his_accounts(caller: Asker, card: CardNumber) -> None:
    held = approved(await caller.ask("card.balance", card=card))
    assert held == {"available": Money(1_000_000, CNY), "ledger": Money(1_000_000, CNY)}
    saved = approved(await caller.ask("card.savings_balance", card=card))
    assert saved == {"available": Money(200_000, CNY), "ledger": Money(200_000, CNY)}
    rows = await deposits(caller, card)
    assert [(sub, row["kind"]) for sub, row in rows.items()] == [
        ("0001", "savings"),
        ("0002", "passbook"),
        ("0003", "time"),
        ("0004", "time"),
        ("0005", "instalment"),
        ("0006", "either"),
        ("0007", "notice"),
    ]
    assert rows["0004"]["rate"] == Decimal("1.50")
    assert isinstance(rows["0004"]["matures"], date)
    assert "matures" not in rows["0001"]
    assert rows["0007"]["amount"] == Money(250_000, CNY)
    time = await listed(caller, "deposit.list", card=card, kind="time")
    assert [row["sub"] for row in time] == ["0003", "0004"]


async def test_his_entries_are_told_page_by_page(caller: Asker, card: CardNumber) -> None:
    rows = await listed(caller, "card.recent", card=card)
    assert [row["what"] for row in rows] == [
        "fee",
        "purchase",
        "payment",
        "purchase",
        "withdrawal",
        "salary",
    ]
    assert rows[0]["amount"] == Money(-10, CNY)
    assert rows[0]["balance"] == Money(1_000_000, CNY)
    assert await listed(caller, "card.today", card=card) == []
    coming = await listed(caller, "card.unposted", card=card)
    assert [(row["what"], row["amount"].minor) for row in coming] == [
        ("deposit", 5_000),
        ("refund", 1_200),
    ]
    assert "balance" not in coming[0]
    order = await quoted(caller, "deposit.place", card=card, kind="savings", amount=Money(100, CNY))
    approved(await caller.host.execute(order, caller.journal))
    (today,) = await listed(caller, "card.today", card=card)
    assert (today["what"], today["amount"]) == ("transfer_out", Money(-100, CNY))


@pytest.mark.parametrize(
    "placed",
    [
        ("savings", "", 10_000, "0.35"),
        ("passbook", "", 10_000, "0.35"),
        ("time", "y3", 10_000, "2.75"),
        ("instalment", "", 10_000, "1.10"),
        ("either", "", 10_000, "0.35"),
        ("notice", "d7", 100_000, "1.35"),
    ],
)
async def test_money_into_each_kind_of_deposit_and_back_by_reversal(
    shared_host: CoreHostProcess, caller: Asker, card: CardNumber, placed: tuple[str, str, int, str]
) -> None:
    kind, term, fen, rate = placed
    before, books = await deposits(caller, card), shared_host.balances()
    inputs: dict[str, Value] = {"card": card, "kind": kind, "amount": Money(fen, CNY)}
    if term:
        inputs["term"] = term
    order = await quoted(caller, "deposit.place", **inputs)
    assert (order.inputs["rate"], order.inputs["fee"]) == (Decimal(rate), NOTHING)
    done = approved(await caller.host.execute(order, caller.journal))
    sent = caller.journal.sent[-1]
    assert done["available"] == Money(1_000_000 - fen, CNY)
    assert shared_host.balances()[card.digits] == books[card.digits] - fen
    after = await deposits(caller, card)
    assert sum(row["amount"].minor for row in after.values()) == fen + sum(
        row["amount"].minor for row in before.values()
    )
    for attempt in range(2):
        result = await caller.host.reverse(order, sent, "time_out", caller.journal, attempt)
        assert isinstance(result, Reversed)
    assert await deposits(caller, card) == before
    now = shared_host.balances()
    assert {name: now[name] for name in books} == books
    assert shared_host.findings() == []


@pytest.mark.parametrize(
    "drawn",
    [
        ("0001", 5_000, 5_000),
        ("0002", 30_000, 30_000),
        ("0003", 40_000, 40_000),
        ("0003", None, 100_000),
        ("0004", None, 60_000),
        ("0005", None, 30_000),
        ("0006", None, 80_000),
        ("0007", 50_000, 50_000),
        ("0007", None, 250_000),
    ],
)
async def test_money_out_of_each_kind_of_deposit_and_back_by_reversal(
    shared_host: CoreHostProcess,
    caller: Asker,
    card: CardNumber,
    drawn: tuple[str, int | None, int],
) -> None:
    sub, part, fen = drawn
    before, books = await deposits(caller, card), shared_host.balances()
    inputs: dict[str, Value] = {"card": card, "sub": sub}
    if part is not None:
        inputs["part"] = Money(part, CNY)
    order = await quoted(caller, "deposit.draw", **inputs)
    interest = order.inputs["interest"]
    assert isinstance(interest, Money)
    assert (interest.minor > 0) == (sub not in ("0001", "0002"))
    assert (order.inputs["amount"], order.inputs["fee"]) == (Money(fen, CNY), NOTHING)
    done = approved(await caller.host.execute(order, caller.journal))
    sent = caller.journal.sent[-1]
    assert done["available"] == Money(1_000_000 + fen, CNY) + interest
    whole = before[sub]["amount"].minor
    after = await deposits(caller, card)
    if fen == whole and sub != "0002":
        assert sub not in after
    else:
        assert after[sub]["amount"].minor == whole - fen
    again = await caller.host.execute(caller.request("deposit.draw", order.inputs), caller.journal)
    assert again == Declined("refused")
    assert await caller.host.reverse(order, sent, "time_out", caller.journal, 0) == Reversed()
    assert await deposits(caller, card) == before
    assert shared_host.balances() == books
    assert shared_host.findings() == []


async def test_a_drawing_whose_reply_is_lost_is_undone_to_the_fen(
    own_host: CoreHostProcess,
) -> None:
    card = CardNumber(own_host.cards[0].card)
    async with asker(own_host) as caller:
        before, books = await deposits(caller, card), own_host.balances()
        order = await quoted(caller, "deposit.draw", card=card, sub="0003")
        rule = {"match": {"processing": "47"}, "action": "cut_after", "times": 1}
        own_host.plan([rule])
        assert isinstance(await caller.host.execute(order, caller.journal), Unknown)
        assert own_host.balances() != books
        sent = caller.journal.sent[-1]
        assert await caller.host.wait_signed_on(20.0)
        assert await caller.host.reverse(order, sent, "time_out", caller.journal, 0) == Reversed()
        assert own_host.balances() == books
        assert await deposits(caller, card) == before
        assert own_host.findings() == []


async def test_a_reversal_that_comes_first_bars_the_deposit(own_host: CoreHostProcess) -> None:
    card = CardNumber(own_host.cards[0].card)
    async with asker(own_host) as caller:
        books = own_host.balances()
        inputs: dict[str, Value] = {"card": card, "kind": "either", "amount": Money(5_000, CNY)}
        order = await quoted(caller, "deposit.place", **inputs)
        rule = {"match": {"processing": "46"}, "action": "hold_for_reversal", "times": 1}
        own_host.plan([rule])
        outcome = await caller.host.execute(order, caller.journal)
        assert isinstance(outcome, Unknown)
        sent = caller.journal.sent[-1]
        await caller.host.reverse(order, sent, "time_out", caller.journal, 0)
        assert own_host.balances() == books
        assert own_host.findings() == []


@pytest.mark.parametrize(
    ("service", "inputs", "reason"),
    [
        ("place_quote", {"kind": "time", "amount": 10_000, "term": "d7"}, "bad_term"),
        ("place_quote", {"kind": "either", "amount": 10_000, "term": "y1"}, "bad_term"),
        ("place_quote", {"kind": "notice", "amount": 99_999, "term": "d7"}, "bad_amount"),
        ("place_quote", {"kind": "time", "amount": 1_000_001, "term": "y1"}, "insufficient"),
        ("place_quote", {"kind": "time", "amount": 5_000_001, "term": "y1"}, "over_limit"),
        ("draw_quote", {"sub": "0001"}, "bad_amount"),
        ("draw_quote", {"sub": "0003", "part": 99_999}, "bad_amount"),
        ("draw_quote", {"sub": "0006", "part": 1_000}, "not_due"),
        ("draw_quote", {"sub": "0088"}, "no_account"),
    ],
)
async def test_refusals_have_the_words_of_the_contract(
    caller: Asker, card: CardNumber, service: str, inputs: dict[str, str | int], reason: str
) -> None:
    asked = {name: Money(v, CNY) if isinstance(v, int) else v for name, v in inputs.items()}
    name = f"deposit.{service}"
    outcome = await caller.ask(name, card=card, **asked)
    assert outcome == Declined(reason)
    assert reason in CONTRACTS[name].outcomes


async def test_cards_without_what_is_asked_for(caller: Asker) -> None:
    none, empty = (CardNumber(special_card(state).card) for state in ("no_account", "empty"))
    for service in ("card.savings_balance", "card.recent", "card.unposted"):
        assert await caller.ask(service, card=none) == Declined("no_account")
    assert await caller.ask("card.savings_balance", card=empty) == Declined("no_account")
    for service in ("card.recent", "card.today", "card.unposted", "deposit.list"):
        assert await listed(caller, service, card=empty) == []
    terms: dict[str, Value] = {"card": empty, "kind": "savings", "amount": Money(1, CNY)}
    assert await caller.ask("deposit.place_quote", **terms) == Declined("no_account")
