"""Foreign exchange by wire: the gateway's adapter, tb87, and the real host process."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from itertools import count
from typing import Any

import pytest

from core_adapters.corehost.products.exchange.market import converted, load_market
from core_adapters.corehost.rules import EVERY_DAY, Rules, business_date
from support.bank_services import Asker, asker
from support.corehost_process import CoreHostProcess
from support.lending_wire import approved, listed, quoted
from transactions.card import CardNumber
from transactions.money import Money, currency
from transactions.outcome import Approved, Declined, Unknown
from transactions.ports import Reversed

CARDS = count(20)
CNY, USD = currency("CNY"), currency("USD")
USD_CNY = {"from": "usd", "to": "cny"}
MARKET = load_market(Rules(market_days=EVERY_DAY))
EXECUTED_S = 120.0


@pytest.fixture
async def caller(shared_host: CoreHostProcess) -> AsyncIterator[Asker]:
    async with asker(shared_host) as one:
        yield one


@pytest.fixture
def card(shared_host: CoreHostProcess) -> CardNumber:
    """A card that no other test touches, with a bit of foreign currency."""
    return CardNumber(shared_host.cards[next(CARDS)].card)


async def foreign(caller: Asker, card: CardNumber) -> dict[str, dict[str, Any]]:
    rows = await listed(caller, "fx.deposits", card=card)
    return {row["sub"]: row for row in rows}


async def test_what_a_customer_hears_of_his_currencies(caller: Asker, card: CardNumber) -> None:
    assert await listed(caller, "fx.balance", card=card) == [
        {
            "unit": "usd",
            "amount": Money.parse("920.00", "USD"),
            "available": Money.parse("620.00", "USD"),
        },
        {
            "unit": "eur",
            "amount": Money.parse("200.00", "EUR"),
            "available": Money.parse("0.00", "EUR"),
        },
    ]
    rows = await foreign(caller, card)
    assert [(sub, row["kind"], row["amount"].minor) for sub, row in rows.items()] == [
        ("7001", "demand", 50_000),
        ("7002", "demand", 12_000),
        ("7003", "term", 30_000),
        ("7004", "term", 20_000),
    ]
    assert "matures" not in rows["7001"]
    assert rows["7003"]["matures"] < date.today()  # noqa: DTZ011 - a month before
    assert rows["7004"]["rate"] == Decimal("0.10")


async def test_a_live_rate_is_told_to_anybody(caller: Asker) -> None:
    before = MARKET.tick(datetime.now(UTC))
    told = approved(await caller.ask("fx.rate", **USD_CNY))
    ticks = range(before, MARKET.tick(datetime.now(UTC)) + 1)
    rates = [MARKET.rate("usd", "cny", tick) for tick in ticks]
    assert (told["buy"], told["sell"]) in [(rate.buy, rate.sell) for rate in rates]
    assert isinstance(told["at"], time)
    assert await caller.ask("fx.rate", **{"from": "usd", "to": "xau"}) == Declined("no_pair")


async def test_dollars_are_exchanged_and_it_is_reversed(caller: Asker, card: CardNumber) -> None:
    amount, before = Money.parse("100.00", "USD"), await foreign(caller, card)
    terms = approved(await caller.ask("fx.quote", card=card, amount=amount, **USD_CNY))
    assert terms["gets"] == converted(amount, terms["rate"], CNY)
    assert terms["fee"] == Money(0, USD)
    assert isinstance(terms["until"], time)
    order = caller.request("fx.deal", {"card": card, "amount": amount, **USD_CNY, **terms})
    done, sent = await caller.host.execute(order, caller.journal), caller.journal.sent[-1]
    assert isinstance(done, Approved), done
    assert done.data["available"] == Money(1_000_000, CNY) + terms["gets"]
    after = await foreign(caller, card)
    assert after["7001"]["amount"] == Money.parse("400.00", "USD")
    assert await caller.host.reverse(order, sent, "time_out", caller.journal, 0) == Reversed()
    assert await foreign(caller, card) == before
    held = approved(await caller.ask("card.balance", card=card))
    assert held["available"] == Money(1_000_000, CNY)


async def test_bought_yen_have_no_minor_units(caller: Asker, card: CardNumber) -> None:
    amount, pair = Money.parse("1000.00"), {"from": "cny", "to": "jpy"}
    order = await quoted_deal(caller, card, amount, pair)
    assert isinstance(await caller.host.execute(order, caller.journal), Approved)
    (yen,) = [row for row in await listed(caller, "fx.balance", card=card) if row["unit"] == "jpy"]
    assert yen["amount"] == yen["available"] == order.inputs["gets"]
    assert yen["amount"].currency == currency("JPY")


async def quoted_deal(caller: Asker, card: CardNumber, amount: Money, pair: dict[str, str]) -> Any:
    terms = approved(await caller.ask("fx.quote", card=card, amount=amount, **pair))
    return caller.request("fx.deal", {"card": card, "amount": amount, **pair, **terms})


@pytest.mark.parametrize(
    ("pair", "amount", "reason"),
    [
        (("usd", "usd"), "100.00 USD", "no_pair"),
        (("usd", "cny"), "1.00 USD", "bad_amount"),
        (("usd", "cny"), "620.01 USD", "insufficient"),
        (("eur", "cny"), "100.00 EUR", "no_account"),
    ],
)
async def test_why_not(
    caller: Asker, card: CardNumber, pair: tuple[str, str], amount: str, reason: str
) -> None:
    words = {"from": pair[0], "to": pair[1]}
    asked = Money.parse(*amount.split())
    assert await caller.ask("fx.quote", card=card, amount=asked, **words) == Declined(reason)


async def test_deposits_merged_and_rolled_over(caller: Asker, card: CardNumber) -> None:
    merge = await quoted(caller, "fx.merge", card=card, unit="usd")
    assert merge.inputs["amount"] == Money.parse("620.00", "USD")
    assert merge.inputs["count"] == 2
    assert isinstance(await caller.host.execute(merge, caller.journal), Approved)
    assert await caller.ask("fx.merge_quote", card=card, unit="usd") == Declined("nothing_to_merge")
    roll = await quoted(caller, "fx.roll", card=card, sub="7003", term="y1")
    assert isinstance(roll.inputs["amount"], Money)
    assert roll.inputs["amount"].minor > 30_000
    assert roll.inputs["amount"].currency == USD
    assert isinstance(await caller.host.execute(roll, caller.journal), Approved)
    rows = await foreign(caller, card)
    assert sorted(rows) == ["7001", "7004", "7005"]
    assert rows["7005"]["amount"] == roll.inputs["amount"]
    assert await caller.ask("fx.roll_quote", card=card, sub="7004", term="y1") == Declined(
        "not_due"
    )
    bad = await caller.ask("fx.roll_quote", card=card, sub="7001", term="y9")
    assert bad == Declined("bad_term")


async def orders(caller: Asker, card: CardNumber) -> list[tuple[str, str]]:
    rows = await listed(caller, "fx.orders", card=card)
    return [(row["order"], row["state"]) for row in rows]


async def test_an_order_is_placed_listed_and_cancelled(caller: Asker, card: CardNumber) -> None:
    rate = approved(await caller.ask("fx.rate", **USD_CNY))["buy"]
    asked = {"card": card, "amount": Money.parse("200.00", "USD"), **USD_CNY, "days": "3"}
    low = await caller.ask("fx.order_quote", **asked, limit=rate - 1)
    assert low == Declined("bad_rate")
    asked |= {"limit": rate + 50, "other": rate - 50}
    terms = approved(await caller.ask("fx.order_quote", **asked))
    assert terms["ends"] == business_date(datetime.now(UTC)) + timedelta(days=3)
    order = caller.request("fx.order", {**asked, **terms})
    assert isinstance(await caller.host.execute(order, caller.journal), Approved)
    (row,) = await listed(caller, "fx.orders", card=card)
    number = row["order"]
    assert row == {
        "order": number,
        "from": "usd",
        "to": "cny",
        "amount": Money.parse("200.00", "USD"),
        "limit": rate + 50,
        "state": "open",
    }
    assert (await listed(caller, "fx.balance", card=card))[0]["available"].minor == 42_000
    none = await caller.ask("fx.cancel_quote", card=card, order="999999")
    assert none == Declined("no_order")
    cancel = await quoted(caller, "fx.cancel", card=card, order=number)
    assert cancel.inputs["amount"] == Money.parse("200.00", "USD")
    assert isinstance(await caller.host.execute(cancel, caller.journal), Approved)
    assert await orders(caller, card) == [(number, "cancelled")]
    assert (await listed(caller, "fx.balance", card=card))[0]["available"].minor == 62_000


async def test_the_market_comes_to_an_order(
    caller: Asker, card: CardNumber, shared_host: CoreHostProcess
) -> None:
    """With a side on either hand of the rate, it is the next tick or the one after it."""
    rate = approved(await caller.ask("fx.rate", **USD_CNY))["buy"]
    asked = {"card": card, "amount": Money.parse("200.00", "USD"), **USD_CNY, "days": "1"}
    hair = Decimal("0.01")
    order = await quoted(caller, "fx.order", **asked, limit=rate + hair, other=rate - hair)
    assert isinstance(await caller.host.execute(order, caller.journal), Approved)
    async with asyncio.timeout(EXECUTED_S):
        while [state for _number, state in await orders(caller, card)] != ["done"]:
            await asyncio.sleep(0.5)
    held = approved(await caller.ask("card.balance", card=card))
    assert held["available"].minor > 1_000_000
    assert shared_host.findings() == []


async def test_a_lost_reply_of_an_order_is_reversed(
    caller: Asker, card: CardNumber, shared_host: CoreHostProcess
) -> None:
    rate = approved(await caller.ask("fx.rate", **USD_CNY))["buy"]
    asked = {"card": card, "amount": Money.parse("200.00", "USD"), **USD_CNY, "days": "3"}
    order = await quoted(caller, "fx.order", **asked, limit=rate + 50)
    lost = {"match": {"mti": "0200", "processing": "482000"}, "action": "cut_after", "times": 1}
    shared_host.plan([lost])
    outcome = await caller.host.execute(order, caller.journal)
    shared_host.plan([])
    assert isinstance(outcome, Unknown)
    assert await caller.host.wait_signed_on(20.0)
    sent = caller.journal.sent[-1]
    assert await caller.host.reverse(order, sent, "time_out", caller.journal, 0) == Reversed()
    assert await orders(caller, card) == []
    assert (await listed(caller, "fx.balance", card=card))[0]["available"].minor == 62_000
    assert shared_host.findings() == []
