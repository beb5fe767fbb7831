"""Securities funds and companies by wire: the gateway's adapter, tb87, the real host process."""

from collections.abc import AsyncIterator
from itertools import count

import pytest

from core_adapters.corehost.seed import trial_set
from support.bank_services import Asker, asker
from support.corehost_process import CoreHostProcess, special_card
from support.lending_wire import approved, listed, quoted
from transactions.card import CardNumber
from transactions.money import Money, currency
from transactions.outcome import Declined, Unknown, Value
from transactions.ports import Reversed

CNY, USD = currency("CNY"), currency("USD")
CARDS = count(20)
NOTHING = Money(0, CNY)
COMPANY = CardNumber(next(one.card for one in trial_set() if one.company))


@pytest.fixture
async def caller(shared_host: CoreHostProcess) -> AsyncIterator[Asker]:
    async with asker(shared_host) as one:
        yield one


@pytest.fixture
def card(shared_host: CoreHostProcess) -> CardNumber:
    """A card that no other test touches: 10,000.00, and 4,000.00 with the broker."""
    return CardNumber(shared_host.cards[next(CARDS)].card)


async def test_what_a_customer_has_with_his_broker(caller: Asker, card: CardNumber) -> None:
    held = approved(await caller.ask("sec.balance", card=card))
    assert held == {"available": Money(350_000, CNY), "ledger": Money(400_000, CNY)}
    assert await listed(caller, "sec.today", card=card) == []


@pytest.mark.parametrize(("way", "sign"), [("in", 1), ("out", -1)])
async def test_money_moves_is_told_and_comes_back(
    shared_host: CoreHostProcess, caller: Asker, card: CardNumber, way: str, sign: int
) -> None:
    before = shared_host.balances()
    order = await quoted(caller, f"sec.{way}", card=card, amount=Money(12_345, CNY))
    assert order.inputs["fee"] == NOTHING
    done = approved(await caller.host.execute(order, caller.journal))
    sent = caller.journal.sent[-1]
    assert done["available"] == Money(1_000_000 - sign * 12_345, CNY)
    held = approved(await caller.ask("sec.balance", card=card))
    assert held["ledger"] == Money(400_000 + sign * 12_345, CNY)
    (row,) = await listed(caller, "sec.today", card=card)
    said = "transfer_in" if way == "in" else "transfer_out"
    assert (row["what"], row["amount"]) == (said, Money(sign * 12_345, CNY))
    result = await caller.host.reverse(order, sent, "time_out", caller.journal, 0)
    assert result == Reversed()
    assert shared_host.balances() == before
    assert shared_host.findings() == []


async def test_a_move_whose_reply_is_lost_is_undone_to_the_fen(own_host: CoreHostProcess) -> None:
    card = CardNumber(own_host.cards[0].card)
    async with asker(own_host) as caller:
        before = own_host.balances()
        order = await quoted(caller, "sec.out", card=card, amount=Money(350_000, CNY))
        own_host.plan([{"match": {"processing": "49", "mti": "0200"}, "action": "cut_after"}])
        assert isinstance(await caller.host.execute(order, caller.journal), Unknown)
        assert own_host.balances() != before
        sent = caller.journal.sent[-1]
        assert await caller.host.wait_signed_on(20.0)
        result = await caller.host.reverse(order, sent, "time_out", caller.journal, 0)
        assert result == Reversed()
        assert own_host.balances() == before
        assert own_host.findings() == []


@pytest.mark.parametrize(
    ("service", "fen", "reason"),
    [
        ("sec.in_quote", 99, "bad_amount"),
        ("sec.in_quote", 5_000_001, "over_limit"),
        ("sec.in_quote", 1_000_001, "insufficient"),
        ("sec.out_quote", 350_001, "insufficient"),
    ],
)
async def test_refusals_have_the_words_of_the_contract(
    caller: Asker, card: CardNumber, service: str, fen: int, reason: str
) -> None:
    assert await caller.ask(service, card=card, amount=Money(fen, CNY)) == Declined(reason)


@pytest.mark.parametrize("service", ["sec.balance", "sec.today", "sec.in_quote", "sec.out_quote"])
async def test_a_card_without_a_broker_has_no_account(caller: Asker, service: str) -> None:
    inputs: dict[str, Value] = {"card": CardNumber(special_card("empty").card)}
    if service.endswith("quote"):
        inputs["amount"] = Money(10_000, CNY)
    assert await caller.ask(service, **inputs) == Declined("no_account")


async def test_a_company_hears_its_accounts_in_their_currencies(caller: Asker) -> None:
    rows = await listed(caller, "corp.balance", card=COMPANY)
    assert [(row["sub"], row["unit"]) for row in rows] == [
        ("0001", "cny"),
        ("0002", "cny"),
        ("0003", "usd"),
        ("0004", "eur"),
        ("0005", "jpy"),
    ]
    assert rows[0]["available"] == rows[0]["ledger"] == Money(50_000_000, CNY)
    assert rows[2]["ledger"] == Money(13_465_000, USD)
    assert rows[4]["ledger"] == Money(4_750_000, currency("JPY"))
    held = approved(await caller.ask("card.balance", card=COMPANY))
    assert held["available"] == rows[0]["available"]


async def test_entries_are_of_one_account_and_one_month(caller: Asker) -> None:
    remitted = await listed(caller, "corp.remittances", card=COMPANY)
    assert len(remitted) == 13
    sent = next(row for row in remitted if row["state"] == "returned" and row["what"] == "outward")
    asked: dict[str, Value] = {"card": COMPANY, "sub": "0001", "month": sent["on"]}
    rows = await listed(caller, "corp.entries", **asked)
    assert {(row["on"].year, row["on"].month) for row in rows} == {
        (sent["on"].year, sent["on"].month)
    }
    assert ("transfer_out", -sent["amount"].minor) in [
        (row["what"], row["amount"].minor) for row in rows
    ]
    now = await listed(caller, "corp.entries", card=COMPANY, sub="0001")
    assert (now[0]["what"], now[0]["amount"]) == ("payment", Money(-732_000, CNY))
    assert now[0]["balance"] == Money(50_000_000, CNY)
    dollars = await listed(caller, "corp.entries", card=COMPANY, sub="0003", month=sent["on"])
    assert all(row["amount"].currency == row["balance"].currency == USD for row in dollars)
    wrong = await caller.ask("corp.entries", card=COMPANY, sub="0009")
    assert wrong == Declined("no_account")


async def test_remittances_are_told_newest_first(caller: Asker) -> None:
    rows = await listed(caller, "corp.remittances", card=COMPANY)
    first = rows[0]
    assert (first["what"], first["unit"], first["state"]) == ("inward", "usd", "pending")
    assert first["amount"] == Money(1_200_000, USD)
    assert [row["on"] for row in rows] == sorted((row["on"] for row in rows), reverse=True)


async def test_other_cards_are_not_permitted(caller: Asker, card: CardNumber) -> None:
    refused = Declined("not_permitted")
    assert await caller.ask("corp.balance", card=card) == refused
    assert await caller.ask("corp.entries", card=card, sub="0001") == refused
    assert await caller.ask("corp.remittances", card=card) == refused
