"""A host whose keys are in a SoftHSM token: the whole way over TCP, on a loop of its own."""

import asyncio
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from core_adapters.hsm.errors import KeyUsageError
from core_adapters.hsm.kinds import Algorithm, KeySpec, Usage
from core_adapters.hsm.module import Module
from core_adapters.hsm.pkcs11 import open_token
from core_adapters.hsm.software import open_software
from core_adapters.hsm.token import TokenOptions
from core_adapters.iso8583.apart import ApartHost
from core_adapters.iso8583.host import Iso8583Host
from core_adapters.iso8583.host_types import Alarm, HostEvents
from core_adapters.iso8583.keys.change_types import KeyEvent
from core_adapters.tap import Tap
from support.corehost_process import CoreHostProcess
from support.hsm_kit import shared_token, softhsm_library
from support.iso8583_kit import MODULE, MemoryLog, contracts, quick_options, request, tb87
from support.token_keys import make_host_keys, take_host_keys
from transactions.card import CardNumber
from transactions.money import Money
from transactions.outcome import Approved, Declined, Outcome, Value
from transactions.ports import JournalUnavailable, Reversed
from transactions.secret import Secret


@pytest.fixture
def bank(tmp_path: Path) -> Iterator[CoreHostProcess]:
    make_host_keys(tmp_path)
    with CoreHostProcess.start(tmp_path) as host:
        yield host


@pytest.fixture
def token(bank: CoreHostProcess) -> Iterator[Module]:
    soft = shared_token(softhsm_library())
    module = open_token(TokenOptions(soft.library, soft.label, soft.pin))
    take_host_keys(open_software(bank.folder / "keys"), module)
    yield module
    for name in {info.spec.name for info in module.list_keys()}:
        if name.startswith("tb87."):
            module.discard(name)
    module.close()


class Bench:
    """A host apart, and what came back to this loop."""

    def __init__(self, module: Module, port: int) -> None:
        self.alarms: list[Alarm] = []
        self.keys: list[KeyEvent] = []
        self.threads: set[str] = set()
        self.log = MemoryLog()
        self.tap = Tap()

        def make(events: HostEvents, tap: Tap | None) -> Iso8583Host:
            options = quick_options(port)
            return Iso8583Host(tb87(), contracts(), module, options, events=events, tap=tap)

        events = HostEvents(alarm=self.alarms.append, key=self.keys.append, link=self._link)
        self.host = ApartHost(make, events, self.tap)

    def _link(self, _link: str, _up: bool, _why: str) -> None:
        self.threads.add(threading.current_thread().name)

    async def ask(self, service: str, number: int, **inputs: Value) -> Outcome:
        fields = {name.rstrip("_"): value for name, value in inputs.items()}
        return await self.host.execute(request(service, number, inputs=fields), self.log)


async def test_other_work_on_the_token_takes_its_turn_on_the_same_thread(
    bank: CoreHostProcess, token: Module
) -> None:
    token.generate(KeySpec("tb87.pins", Usage.VERIFIER, Algorithm.HMAC256))
    one = Bench(token, bank.port)
    await one.host.start()
    assert await one.host.wait_signed_on(10.0)
    seed, salt, threads = bank.cards[0], bytes(48), set()

    def prove() -> bool:
        threads.add(threading.current_thread().name)
        made = token.pin_verifier("tb87.pins", Secret(seed.pin), salt)
        return token.verify_pin("tb87.pins", Secret(seed.pin), salt, made)

    asked = one.ask("pin.verify", 1, card=CardNumber(seed.card), pin=Secret(seed.pin))
    first, *rest = await asyncio.gather(asked, *(one.host.at_module(prove) for _ in range(20)))
    assert isinstance(first, Approved)
    assert (rest, threads) == ([True] * 20, {"host"})
    with pytest.raises(KeyUsageError):
        await one.host.at_module(lambda: token.pin_verifier("tb87.mak", Secret(seed.pin), salt))
    await one.host.close()


async def test_a_token_serves_a_host_and_never_this_loop(
    bank: CoreHostProcess, token: Module
) -> None:
    one = Bench(token, bank.port)
    watcher = one.tap.watch()
    assert watcher is not None
    await one.host.start()
    assert await one.host.wait_signed_on(10.0)
    seed, other = bank.cards[0], CardNumber(bank.cards[1].card)
    card, amount = CardNumber(seed.card), Money.parse("150.00")
    assert isinstance(await one.ask("pin.verify", 1, card=card, pin=Secret(seed.pin)), Approved)
    wrong = await one.ask("pin.verify", 2, card=card, pin=Secret("000000000000"))
    assert wrong == Declined("wrong_pin")
    quote = await one.ask("transfer.quote", 3, from_=card, to=other, amount=amount)
    assert isinstance(quote, Approved)
    terms = {"quote": quote.data["quote"], "fee": quote.data["fee"]}
    order = request(
        "transfer.card_to_card", 4, inputs={"from": card, "to": other, "amount": amount, **terms}
    )
    assert isinstance(await one.host.execute(order, one.log), Approved)
    assert await one.host.reverse(order, one.log.rows[-1], "time_out", one.log, 0) == Reversed()
    for name in ("tb87.mak", "tb87.zpk"):
        assert (await one.host.rotate_key(name)).outcome == "changed"
    await one.host.reload_keys()
    assert isinstance(await one.ask("pin.verify", 5, card=card, pin=Secret(seed.pin)), Approved)
    assert (await one.host.health()).links_up == 1
    await one.host.close()
    watcher.close()
    lines = [line async for line in watcher.lines()]
    assert one.threads == {"MainThread"}
    assert [event.name for event in one.keys] == ["tb87.mak", "tb87.zpk"]
    assert one.alarms == []
    assert len(lines) > 16
    assert not any(seed.pin.encode() in line or seed.card.encode() in line for line in lines)
    assert all(thread.name != "host" for thread in threading.enumerate())


async def test_what_the_journal_says_comes_across(bank: CoreHostProcess, token: Module) -> None:
    one = Bench(token, bank.port)
    await one.host.start()
    assert await one.host.wait_signed_on(10.0)
    one.log.refuse = JournalUnavailable("the disk is full")
    with pytest.raises(JournalUnavailable, match="disk is full"):
        await one.ask("card.balance", 1, card=CardNumber(bank.cards[0].card))
    await one.host.close()


async def test_a_host_apart_that_never_began_can_be_closed() -> None:
    with socket.create_server(("127.0.0.1", 0)) as nobody:
        await Bench(MODULE, nobody.getsockname()[1]).host.close()


async def test_a_host_apart_answers_before_it_has_begun() -> None:
    """What releases say is learnt before `start`; a wait for a thread that is not there is long."""
    with socket.create_server(("127.0.0.1", 0)) as nobody:
        host = Bench(MODULE, nobody.getsockname()[1]).host
        health = await asyncio.wait_for(host.health(), 10.0)
        assert health.links_up == 0
        await host.close()
