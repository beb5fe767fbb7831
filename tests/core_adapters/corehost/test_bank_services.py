"""Bills, points and information by wire: the gateway's adapter, tb87, and the real host process."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from decimal import Decimal
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from core_adapters.corehost.products.bills.billers import load_billers
from core_adapters.corehost.products.exchange.accounts import told_rates
from core_adapters.corehost.products.exchange.market import load_market
from core_adapters.corehost.products.information import (
    deposit_rates,
    fees,
    fx_rates,
    places,
    stated_rates,
)
from core_adapters.corehost.rules import EVERY_DAY, Rules
from support.bank_services import Asker, asker
from support.corehost_process import CoreHostProcess, special_card
from transactions.card import CardNumber
from transactions.contract import load_contracts
from transactions.money import Money, currency
from transactions.outcome import Approved, Declined, Outcome, Unknown, Value
from transactions.ports import Reversed
from transactions.request import Request

CONFIG = Path(__file__).resolve().parents[3] / "config"
CNY = currency("CNY")
CONTRACTS = load_contracts(CONFIG / "services.yaml")
TABLE, _LATE = load_billers()
CARDS = count()


@pytest.fixture
async def anybody(shared_host: CoreHostProcess) -> AsyncIterator[Asker]:
    async with asker(shared_host) as one:
        yield one


@pytest.fixture
def card(shared_host: CoreHostProcess) -> str:
    """A card that no other test touches."""
    return shared_host.cards[next(CARDS)].card


def approved(outcome: Outcome) -> Approved:
    assert isinstance(outcome, Approved), outcome
    return outcome


async def hear(anybody: Asker, service: str, **inputs: Value) -> dict[str, Any]:
    """What an approval gives."""
    return dict(approved(await anybody.ask(service, **inputs)).data)


async def pages(anybody: Asker, service: str) -> list[Any]:
    """All pages of a list, asked for as a flow does; each but the last has a cursor."""
    contract = CONTRACTS[service]
    cursor: dict[str, Value] = {}
    gathered: list[Any] = []
    for _ in range(20):
        outcome = approved(await anybody.ask(service, **cursor))
        gathered.append(outcome.data["items"])
        more = outcome.data.get("cursor")
        assert contract.exit_for(outcome) == ("last" if more is None else "ok")
        if more is None:
            return gathered
        cursor = {"cursor": more}
    raise AssertionError(f"{service} has no end")


def listed(gathered: list[Any]) -> list[dict[str, Any]]:
    assert all(len(page) == 5 for page in gathered[:-1])
    assert 1 <= len(gathered[-1]) <= 5
    return [dict(row) for page in gathered for row in page]


@pytest.mark.parametrize(
    ("service", "rates"),
    [
        ("info.deposit_rates", deposit_rates()),
        ("info.loan_rates", stated_rates("loan_rates")),
        ("info.fx_deposit_rates", told_rates()),
    ],
)
async def test_rates_are_told_without_a_card(
    anybody: Asker, service: str, rates: list[tuple[str, Decimal]]
) -> None:
    told = listed(await pages(anybody, service))
    assert [(row["what"], row["rate"]) for row in told] == rates


async def test_fees_and_exchange_rates_are_told_without_a_card(anybody: Asker) -> None:
    told = listed(await pages(anybody, "info.fees"))
    assert [(row["what"], row["amount"]) for row in told] == fees()
    before = datetime.now(UTC)
    told = listed(await pages(anybody, "info.fx_rates"))
    market, after = load_market(Rules(market_days=EVERY_DAY)), datetime.now(UTC)
    ticks = range(market.tick(before), market.tick(after) + 1)
    live = [fx_rates(market, market.began(tick)) for tick in ticks]
    assert [row["unit"] for row in told] == [unit for unit, _buy, _sell in live[0]]
    for number, row in enumerate(told):
        assert (row["unit"], row["buy"], row["sell"]) in [rates[number] for rates in live]


@pytest.mark.parametrize("kind", ["branches", "merchants"])
async def test_places_of_an_area_and_of_one_that_has_none(anybody: Asker, kind: str) -> None:
    contract = CONTRACTS[f"info.{kind}"]
    found = approved(await anybody.ask(f"info.{kind}", area="880001"))
    rows: Any = found.data["items"]
    assert [row["name"] for row in rows] == list(places(kind, "880001"))
    assert contract.exit_for(found) == "ok"
    nothing = approved(await anybody.ask(f"info.{kind}", area="999999"))
    assert contract.exit_for(nothing) == "none"


async def test_points_are_of_a_usable_card_with_an_account(anybody: Asker, card: str) -> None:
    held = await hear(anybody, "card.points", card=CardNumber(card))
    assert isinstance(held["points"], int)
    assert isinstance(held["spent"], Money)
    assert held["points"] * 100 >= held["spent"].minor - 99
    none = CardNumber(special_card("no_account").card)
    assert await anybody.ask("card.points", card=none) == Declined("no_account")


def about(card: str, biller: str) -> dict[str, Value]:
    return {"card": CardNumber(card), "biller": biller, "number": TABLE[biller].number(card)}


async def payment(anybody: Asker, card: str, biller: str, **more: Value) -> Request:
    """An order to pay what an enquiry gave."""
    asked = about(card, biller) | more
    told = await hear(anybody, "bill.enquiry", **asked)
    terms = {name: told[name] for name in ("quote", "amount", "fee")}
    return anybody.request("bill.pay", asked | terms)


@pytest.mark.parametrize("biller", sorted(TABLE))
async def test_enquire_hear_every_charge_and_pay(
    shared_host: CoreHostProcess, anybody: Asker, card: str, biller: str
) -> None:
    before = shared_host.balances()
    told = await hear(anybody, "bill.enquiry", **about(card, biller))
    rows = [dict(row) for row in told["items"]]
    assert [row["state"] for row in rows] == ["overdue", "due", "paid"]
    for row in rows:
        month = about(card, biller) | {"month": row["month"]}
        charges = (await hear(anybody, "bill.breakdown", **month))["items"]
        assert sum(one["amount"].minor for one in charges) == row["amount"].minor
    amount, fee = told["amount"], told["fee"]
    assert isinstance(amount, Money)
    assert isinstance(fee, Money)
    assert told["arrears"] == rows[0]["amount"]
    assert amount == rows[0]["amount"] + rows[1]["amount"]
    assert shared_host.balances() == before
    order = await payment(anybody, card, biller)
    done = approved(await anybody.host.execute(order, anybody.journal))
    after = shared_host.balances()
    assert done.data["available"] == Money(before[card], CNY) - amount - fee
    assert after[card] == before[card] - amount.minor - fee.minor
    assert after[f"claims:{biller}"] == before[f"claims:{biller}"] + amount.minor
    assert await anybody.ask("bill.enquiry", **about(card, biller)) == Declined("nothing_owed")
    again = anybody.request("bill.pay", dict(order.inputs))
    assert isinstance(await anybody.host.execute(again, anybody.journal), Declined)
    assert shared_host.balances() == after
    assert shared_host.findings() == []


async def test_a_month_alone_is_paid_and_the_rest_stays_owed(
    shared_host: CoreHostProcess, anybody: Asker, card: str
) -> None:
    both = await hear(anybody, "bill.enquiry", **about(card, "mobile_cm"))
    month = both["items"][1]["month"]
    order = await payment(anybody, card, "mobile_cm", month=month)
    approved(await anybody.host.execute(order, anybody.journal))
    left = await hear(anybody, "bill.enquiry", **about(card, "mobile_cm"))
    assert left["amount"] == left["arrears"] == both["arrears"]
    alone = await anybody.ask("bill.enquiry", **about(card, "mobile_cm"), month=month)
    assert alone == Declined("nothing_owed")
    assert shared_host.findings() == []


async def test_a_payment_reversed_twice_is_owed_again_once(
    shared_host: CoreHostProcess, anybody: Asker, card: str
) -> None:
    before = shared_host.balances()
    order = await payment(anybody, card, "pager")
    approved(await anybody.host.execute(order, anybody.journal))
    assert shared_host.balances() != before
    sent = anybody.journal.sent[-1]
    for attempt in range(2):
        result = await anybody.host.reverse(order, sent, "time_out", anybody.journal, attempt)
        assert isinstance(result, Reversed)
    assert shared_host.balances() == before
    owed = await hear(anybody, "bill.enquiry", **about(card, "pager"))
    assert owed["amount"] == order.inputs["amount"]
    assert shared_host.findings() == []


async def test_a_payment_whose_reply_is_lost_is_undone_to_the_fen(
    own_host: CoreHostProcess,
) -> None:
    card = own_host.cards[0].card
    async with asker(own_host) as anybody:
        before = own_host.balances()
        order = await payment(anybody, card, "water")
        own_host.plan([{"match": {"processing": "50", "mti": "0200"}, "action": "cut_after"}])
        assert isinstance(await anybody.host.execute(order, anybody.journal), Unknown)
        assert own_host.balances() != before
        sent = anybody.journal.sent[-1]
        assert await anybody.host.wait_signed_on(20.0)
        result = await anybody.host.reverse(order, sent, "time_out", anybody.journal, 0)
        assert result == Reversed()
        assert own_host.balances() == before
        assert own_host.findings() == []


async def test_numbers_and_purses_that_will_not_do(anybody: Asker, card: str) -> None:
    wrong = about(card, "water") | {"number": "1234567890"}
    assert await anybody.ask("bill.enquiry", **wrong) == Declined("bad_number")
    told = await hear(anybody, "bill.enquiry", **about(card, "water"))
    first = told["items"][0]["month"]
    assert await anybody.ask("bill.breakdown", **wrong, month=first) == Declined("bad_number")
    # Whoever knows a number may ask, and pay from a card with money.
    poor = about(card, "water") | {"card": CardNumber(special_card("empty").card)}
    heard = await hear(anybody, "bill.enquiry", **poor)
    assert (heard["amount"], heard["items"]) == (told["amount"], told["items"])
    approved(await anybody.ask("bill.breakdown", **poor, month=first))


async def test_a_card_that_cannot_pay_hears_what_is_owed_and_pays_nothing(
    shared_host: CoreHostProcess, anybody: Asker, card: str
) -> None:
    before = shared_host.balances()
    number = TABLE["water"].number(card)
    order = await payment(anybody, special_card("empty").card, "water", number=number)
    outcome = await anybody.host.execute(order, anybody.journal)
    assert isinstance(outcome, Declined)
    assert shared_host.balances() == before
    assert shared_host.findings() == []


async def test_a_quote_is_for_one_subscriber_and_one_amount(
    shared_host: CoreHostProcess, anybody: Asker, card: str
) -> None:
    before = shared_host.balances()
    order = await payment(anybody, card, "internet")
    amount = order.inputs["amount"]
    assert isinstance(amount, Money)
    neighbour = TABLE["internet"].number(shared_host.cards[59].card)
    changes: list[dict[str, Value]] = [
        {"number": neighbour},
        {"biller": "water"},
        {"amount": amount - Money(1, CNY)},
        {"fee": Money(1, CNY)},
        {"quote": "Q0000000000000000"},
    ]
    for change in changes:
        wrong = anybody.request("bill.pay", dict(order.inputs) | change)
        assert isinstance(await anybody.host.execute(wrong, anybody.journal), Declined)
    assert shared_host.balances() == before
    approved(await anybody.host.execute(order, anybody.journal))
