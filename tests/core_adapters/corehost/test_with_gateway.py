"""The gateway's own adapter against the real host process: every service of tb87, end to end."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import date, timedelta
from itertools import count
from pathlib import Path

import pytest

from core_adapters.hsm.software import open_software
from core_adapters.iso8583.host import Iso8583Host
from core_adapters.iso8583.options import Iso8583Options, TlsOptions
from core_adapters.iso8583.profile_load import load_profile
from support.corehost_process import CoreHostProcess, special_card
from support.corehost_tls import Authority
from transactions.card import CardNumber
from transactions.contract import load_contracts
from transactions.money import Money, currency
from transactions.outcome import Approved, Declined, Outcome, Unknown, Value
from transactions.ports import ReversalRefused, Reversed, Tally
from transactions.request import AuthLevel, HostMessage, Request
from transactions.secret import Secret

CONFIG = Path(__file__).resolve().parents[3] / "config"
CNY = currency("CNY")


STANS = count(1)
"""As in a node, they go on over a restart: two within a second would be one message (rule 7)."""


class Log:
    """The journal's part, in memory."""

    def __init__(self) -> None:
        self.sent: list[HostMessage] = []

    async def next_stan(self) -> str:
        return f"{next(STANS):06d}"

    async def sending(self, message: HostMessage) -> None:
        self.sent.append(message)

    async def answered(self, message: HostMessage) -> None:
        self.sent[-1] = message


class Customer:
    """Asks services through the adapter."""

    def __init__(self, host: Iso8583Host) -> None:
        self.host = host
        self.log = Log()
        self._count = 0

    def request(self, service: str, **inputs: Value) -> Request:
        self._count += 1
        return Request(
            id=f"r{self._count}",
            service=service,
            contract_version=1,
            inputs={name.rstrip("_"): value for name, value in inputs.items()},
            actor="caller",
            call="c1",
            auth=AuthLevel.PIN,
            reference=f"01{self._count:010d}",
            deadline=time.monotonic() + 30,
        )

    async def ask(self, service: str, **inputs: Value) -> Outcome:
        return await self.host.execute(self.request(service, **inputs), self.log)


@asynccontextmanager
async def linked(host: CoreHostProcess, tls: TlsOptions | None = None) -> AsyncIterator[Customer]:
    """The adapter, signed on at every address of the host."""
    adapter = Iso8583Host(
        load_profile(CONFIG / "hosts" / "tb87.yaml"),
        load_contracts(CONFIG / "services.yaml"),
        open_software(host.keys),
        Iso8583Options(addresses=tuple(f"127.0.0.1:{port}" for port in host.ports), tls=tls),
    )
    await adapter.start()
    try:
        assert await adapter.wait_signed_on(20.0)
        yield Customer(adapter)
    finally:
        await adapter.close()


@pytest.fixture
async def customer(own_host: CoreHostProcess) -> AsyncIterator[Customer]:
    async with linked(own_host) as one:
        yield one


def approved(outcome: Outcome) -> Approved:
    assert isinstance(outcome, Approved), outcome
    return outcome


async def test_pin_and_balance(own_host: CoreHostProcess, customer: Customer) -> None:
    one = own_host.cards[0]
    card = CardNumber(one.card)
    approved(await customer.ask("pin.verify", card=card, pin=Secret(one.pin)))
    wrong = [await customer.ask("pin.verify", card=card, pin=Secret("9" * 12)) for _ in range(4)]
    assert wrong == [Declined("wrong_pin")] * 3 + [Declined("locked")]
    held = approved(await customer.ask("card.balance", card=card)).data
    assert held["available"] == held["ledger"] == Money(1_000_000, CNY)
    for state, reason in (("hot", "lost"), ("locked", "locked")):
        special = CardNumber(special_card(state).card)
        outcome = await customer.ask("pin.verify", card=special, pin=Secret("9" * 12))
        assert outcome == Declined(reason)


async def order(own_host: CoreHostProcess, customer: Customer, fen: int) -> Request:
    """A transfer on a fresh quote."""
    payer, payee = (CardNumber(one.card) for one in own_host.cards[:2])
    amount = Money(fen, CNY)
    terms = approved(
        await customer.ask("transfer.quote", from_=payer, to=payee, amount=amount)
    ).data
    return customer.request(
        "transfer.card_to_card",
        quote=terms["quote"],
        from_=payer,
        to=payee,
        amount=amount,
        fee=terms["fee"],
    )


async def test_a_transfer_and_its_reversal(own_host: CoreHostProcess, customer: Customer) -> None:
    before = own_host.balances()
    asked = await order(own_host, customer, 600_000)
    assert asked.inputs["fee"] == Money(600, CNY)
    done = approved(await customer.host.execute(asked, customer.log))
    assert done.data["available"] == Money(399_400, CNY)
    sent = customer.log.sent[-1]
    for attempt in range(2):
        result = await customer.host.reverse(asked, sent, "time_out", customer.log, attempt)
        assert isinstance(result, Reversed)
    assert own_host.balances() == before
    assert own_host.findings() == []


async def test_a_lost_reply_is_unknown_and_undone(
    own_host: CoreHostProcess, customer: Customer
) -> None:
    before = own_host.balances()
    asked = await order(own_host, customer, 100)
    own_host.plan([{"match": {"processing": "42", "mti": "0200"}, "action": "cut_after"}])
    assert isinstance(await customer.host.execute(asked, customer.log), Unknown)
    assert own_host.balances() != before
    sent = customer.log.sent[-1]
    assert await customer.host.wait_signed_on(20.0)
    result = await customer.host.reverse(asked, sent, "time_out", customer.log, 0)
    assert not isinstance(result, ReversalRefused)
    assert result == Reversed()
    assert own_host.balances() == before


async def test_a_loss_report_and_its_repeat(own_host: CoreHostProcess, customer: Customer) -> None:
    one = own_host.cards[0]
    card = CardNumber(one.card)
    ask = customer.request
    wrong = ask("card.report_loss", card=card, identity="0000")
    assert await customer.host.execute(wrong, customer.log) == Declined("not_matched")
    report = ask("card.report_loss", card=card, identity=one.identity)
    first = approved(await customer.host.execute(report, customer.log))
    assert first.data["ref"] == report.reference
    again = await customer.host.execute(report, customer.log, repeat_of=customer.log.sent[-1])
    assert approved(again).data == first.data
    assert customer.log.sent[-1].mti == "0303"
    assert await customer.ask("card.balance", card=card) == Declined("lost")


async def test_a_report_holds_to_its_day_and_staff_decide_on_it(
    own_host: CoreHostProcess, customer: Customer
) -> None:
    one = own_host.cards[1]
    card = CardNumber(one.card)
    today = (await customer.host.health()).business_date or date.today()  # noqa: DTZ011
    until = today + timedelta(days=1)

    async def stopped() -> bool:
        return await customer.ask("card.balance", card=card) == Declined("lost")

    approved(await customer.ask("card.report_loss", card=card, identity=one.identity, until=until))
    await asyncio.to_thread(own_host.tell, "cut-over")
    assert await stopped()
    await asyncio.to_thread(own_host.tell, "cut-over")
    assert not await stopped()
    approved(await customer.ask("card.confirm_loss", card=card, report="010000000042"))
    assert await stopped()
    approved(await customer.ask("card.lift_loss", card=card, report="010000000042"))
    assert not await stopped()
    # What is not there any more is as good as lifted.
    approved(await customer.ask("card.lift_loss", card=card, report="010000000042"))


async def ready(customer: Customer, links: int) -> None:
    """Wait until so many links are signed on."""
    async with asyncio.timeout(20.0):
        while (await customer.host.health()).links_up != links:
            await asyncio.sleep(0.02)


async def test_an_address_out_of_service_is_left_for_the_other(tmp_path: Path) -> None:
    with CoreHostProcess.start(tmp_path, "--listen", "127.0.0.1:0") as host:
        first, second = host.ports
        at_first = {"port": first}
        lost = {"match": {**at_first, "mti": "0200"}, "action": "code 96"}
        async with linked(host) as customer:
            await ready(customer, 2)
            card = CardNumber(host.cards[0].card)
            host.plan([{"match": {"port": second, "mti": "0200"}, "action": "code 96"}])
            approved(await customer.ask("card.balance", card=card))
            refuse = {"match": at_first, "action": "refuse_sign_on"}
            host.plan([{"match": at_first, "action": "sign_off", "times": 1}, refuse, lost])
            approved(await customer.ask("card.balance", card=card))
            await ready(customer, 1)
            for _ in range(3):
                approved(await customer.ask("card.balance", card=card))


async def test_the_gateway_shows_its_certificate(tmp_path: Path) -> None:
    bank = Authority.make(tmp_path, "bank")
    certificate, key = bank.issue("host")
    words = ("--tls-certificate", str(certificate), "--tls-key", str(key))
    paper, secret = bank.issue("gateway")
    tls = TlsOptions(ca=str(bank.ca), certificate=str(paper), key=str(secret))
    with CoreHostProcess.start(tmp_path / "d", *words, "--tls-ca", str(bank.ca)) as host:
        async with linked(host, tls) as customer:
            card = CardNumber(host.cards[0].card)
            approved(await customer.ask("card.balance", card=card))


async def test_a_cut_over_between_a_transfer_and_its_reversal(
    own_host: CoreHostProcess, customer: Customer
) -> None:
    before = own_host.balances()
    asked = await order(own_host, customer, 600_000)
    approved(await customer.host.execute(asked, customer.log))
    sent = customer.log.sent[-1]
    new = await asyncio.to_thread(own_host.tell, "cut-over")
    assert new["connections_told"] == 1
    result = await customer.host.reverse(asked, sent, "time_out", customer.log, 0)
    assert isinstance(result, Reversed)
    undone = customer.log.sent[-1]
    assert sent.settled_on is not None
    assert f"{sent.settled_on + timedelta(days=1)}" == new["business_date"]
    assert f"{undone.settled_on}" == new["business_date"]
    assert own_host.balances() == before
    assert "cut_over_not_answered" not in own_host.log.read_text()


async def test_the_totals_are_those_of_the_days_that_were_worked(
    own_host: CoreHostProcess, customer: Customer
) -> None:
    asked = [await order(own_host, customer, fen) for fen in (100, 600_000)]
    for one in asked:
        approved(await customer.host.execute(one, customer.log))
    sent = customer.log.sent[-1]
    said = await asyncio.to_thread(own_host.tell, "cut-over")
    new = date.fromisoformat(said["business_date"])
    await customer.host.reverse(asked[1], sent, "time_out", customer.log, 0)
    old = (await customer.host.reconcile(new - timedelta(days=1))).by_currency
    assert set(old) > {"CNY", "USD"}
    assert (old["CNY"].debits, old["CNY"].fees) == (Tally(2, 600_100), 600)
    assert old["CNY"].debit_reversals == Tally(0, 0)
    late = (await customer.host.reconcile(new)).by_currency["CNY"]
    assert (late.debits, late.debit_reversals) == (Tally(0, 0), Tally(1, 600_000))
    assert late.fees == -600  # taken the day before, given back on this one (field 82)


@pytest.mark.parametrize("word", ["mak", "zpk"])
async def test_keys_are_changed_from_either_side_while_calls_go_on(
    own_host: CoreHostProcess, customer: Customer, word: str
) -> None:
    checks = {customer_check(own_host, word)}
    stop = asyncio.Event()

    async def calls(number: int) -> int:
        one, done = own_host.cards[number], 0
        card = CardNumber(one.card)
        while not stop.is_set():
            approved(await customer.ask("pin.verify", card=card, pin=Secret(one.pin)))
            done += 1
        return done

    callers = [asyncio.create_task(calls(number)) for number in range(4)]
    for _ in range(3):
        said = await asyncio.to_thread(own_host.tell, "key-change", key=word)
        assert said["waits"] is False
        checks.add(said["check_value"])
        ours = await customer.host.rotate_key(f"tb87.{word}")
        assert (ours.outcome, ours.by) == ("changed", "us")
        checks.add(ours.kcv)
        # The first message under it proves it to the host.
        await customer.ask("card.balance", card=CardNumber(own_host.cards[6].card))
    stop.set()
    assert min(await asyncio.gather(*callers)) > 0
    assert len(checks) == 7
    log = own_host.log.read_text()
    assert "bad_mac" not in log
    # A new run on both sides finds the same keys.
    await customer.host.close()
    own_host.stop()
    own_host.run()
    async with linked(own_host) as again:
        one = own_host.cards[5]
        approved(await again.ask("pin.verify", card=CardNumber(one.card), pin=Secret(one.pin)))


def customer_check(host: CoreHostProcess, word: str) -> str:
    module = open_software(host.keys)
    try:
        return module.check_value(f"tb87.{word}")
    finally:
        module.close()


async def test_a_pin_is_changed(own_host: CoreHostProcess, customer: Customer) -> None:
    one, new = own_host.cards[0], Secret("907213645820")
    card = CardNumber(one.card)
    weak = await customer.ask("pin.change", card=card, pin=Secret(one.pin), new_pin=Secret("7" * 6))
    assert weak == Declined("weak_pin")
    wrong = await customer.ask("pin.change", card=card, pin=new, new_pin=new)
    assert wrong == Declined("wrong_pin")
    approved(await customer.ask("pin.change", card=card, pin=Secret(one.pin), new_pin=new))
    approved(await customer.ask("pin.verify", card=card, pin=new))
    assert await customer.ask("pin.verify", card=card, pin=Secret(one.pin)) == Declined("wrong_pin")
