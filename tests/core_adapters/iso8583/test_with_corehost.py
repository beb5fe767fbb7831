"""The adapter with the real demo host in its own process: money moves, and is undone."""

import zlib
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, replace

import pytest

from core_adapters.hsm.software import open_software
from core_adapters.iso8583.host import Iso8583Host
from support.corehost_process import CoreHostProcess
from support.iso8583_kit import MemoryLog, contracts, quick_options, request, tb87
from transactions.card import CardNumber
from transactions.money import Money
from transactions.outcome import Approved, Declined, Outcome, Unknown, Value, Values
from transactions.ports import Reversed
from transactions.secret import Secret

AMOUNT = Money.parse("150.00")


@pytest.fixture(scope="module")
def bank(tmp_path_factory: pytest.TempPathFactory) -> Iterator[CoreHostProcess]:
    with CoreHostProcess.start(tmp_path_factory.mktemp("bank")) as host:
        yield host


@dataclass
class Desk:
    """An adapter on that bank."""

    host: Iso8583Host
    log: MemoryLog

    async def ask(self, service: str, number: int, inputs: Values) -> Outcome:
        return await self.host.execute(request(service, number, inputs=inputs), self.log)

    async def terms(self, number: int, payer: CardNumber, payee: CardNumber) -> Values:
        asked: dict[str, Value] = {"from": payer, "to": payee, "amount": AMOUNT}
        quote = await self.ask("transfer.quote", number, asked)
        assert isinstance(quote, Approved)
        return {**asked, "quote": quote.data["quote"], "fee": quote.data["fee"]}


@pytest.fixture
async def desk(bank: CoreHostProcess, request: pytest.FixtureRequest) -> AsyncIterator[Desk]:
    terminal = f"T{zlib.crc32(request.node.name.encode()) % 10**7:07d}"
    options = quick_options(bank.port, terminal=terminal)
    host = Iso8583Host(tb87(), contracts(), open_software(bank.keys), options)
    await host.start()
    assert await host.wait_signed_on(5.0)
    yield Desk(host, MemoryLog())
    await host.close()


async def test_pin_and_balance(bank: CoreHostProcess, desk: Desk) -> None:
    seed = bank.cards[0]
    card = CardNumber(seed.card)
    right: Values = {"card": card, "pin": Secret(seed.pin)}
    wrong: Values = {"card": card, "pin": Secret("000000000000")}
    assert isinstance(await desk.ask("pin.verify", 1, right), Approved)
    assert await desk.ask("pin.verify", 2, wrong) == Declined("wrong_pin")
    assert isinstance(await desk.ask("pin.verify", 3, right), Approved)
    balance = await desk.ask("card.balance", 4, {"card": card})
    assert isinstance(balance, Approved)
    assert balance.data["available"] == balance.data["ledger"] == Money(1_000_000, AMOUNT.currency)


async def test_a_transfer_moves_money_and_its_reversal_brings_it_back(
    bank: CoreHostProcess, desk: Desk
) -> None:
    payer, payee = CardNumber(bank.cards[1].card), CardNumber(bank.cards[2].card)
    before = bank.balances()
    terms = await desk.terms(1, payer, payee)
    order = request("transfer.card_to_card", 2, inputs=terms)
    assert isinstance(await desk.host.execute(order, desk.log), Approved)
    moved = bank.balances()
    assert moved[payee.digits] == before[payee.digits] + AMOUNT.minor
    sent = desk.log.rows[-1]
    assert await desk.host.reverse(order, sent, "time_out", desk.log, 0) == Reversed()
    assert await desk.host.reverse(order, sent, "time_out", desk.log, 1) == Reversed()
    after = bank.balances()
    assert (after[payer.digits], after[payee.digits]) == (
        before[payer.digits],
        before[payee.digits],
    )
    assert bank.findings() == []


async def test_a_reversal_that_comes_first_bars_the_original(
    bank: CoreHostProcess, desk: Desk
) -> None:
    payer, payee = CardNumber(bank.cards[3].card), CardNumber(bank.cards[4].card)
    before = bank.balances()
    order = request("transfer.card_to_card", 2, inputs=await desk.terms(1, payer, payee))
    bank.plan([{"match": {"mti": "0200"}, "action": "cut_before", "times": 1}])
    assert await desk.host.execute(order, desk.log) == Unknown("link_lost")
    bank.plan([])
    assert await desk.host.wait_signed_on(5.0)
    sent = desk.log.rows[-1]
    undone = await desk.host.reverse(order, sent, "link_lost", desk.log, 0)
    assert undone == Reversed(never_had=True)
    assert bank.balances()[payer.digits] == before[payer.digits]


async def test_a_loss_report_is_taken_once_and_repeated_safely(
    bank: CoreHostProcess, desk: Desk
) -> None:
    seed = bank.cards[5]
    wrong: Values = {"card": CardNumber(seed.card), "identity": "0000"}
    right: Values = {"card": CardNumber(seed.card), "identity": seed.identity}
    assert await desk.ask("card.report_loss", 1, wrong) == Declined("not_matched")
    report = request("card.report_loss", 2, inputs=right)
    first = await desk.host.execute(report, desk.log)
    again = await desk.host.execute(report, desk.log, repeat_of=desk.log.rows[-1])
    assert isinstance(first, Approved)
    assert first == again
    other = replace(report, id="r3", reference="010000000003")
    assert isinstance(await desk.host.execute(other, desk.log), Approved)
    refused = await desk.ask("card.balance", 4, {"card": CardNumber(seed.card)})
    assert refused == Declined("lost")
