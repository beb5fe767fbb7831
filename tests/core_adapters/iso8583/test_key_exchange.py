"""Key exchange with the real demo host over TCP, in both directions, and what is refused."""

import asyncio
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from core_adapters.hsm.demo import share_demo_keys
from core_adapters.hsm.kinds import KeyState
from core_adapters.hsm.module import Module
from core_adapters.hsm.software import open_software
from core_adapters.iso8583.codec import Codec
from core_adapters.iso8583.format.mac import ModuleMac
from core_adapters.iso8583.format.message import Message
from core_adapters.iso8583.host import Iso8583Host
from core_adapters.iso8583.host_types import Alarm, HostEvents
from core_adapters.iso8583.keys.change_types import KeyEvent
from support.corehost_process import CoreHostProcess
from support.iso8583_kit import MemoryLog, contracts, quick_options, request, tb87
from transactions.card import CardNumber
from transactions.outcome import Approved
from transactions.secret import Secret


@dataclass
class Desk:
    """An adapter on a demo host of its own, and what it told."""

    bank: CoreHostProcess
    module: Module
    host: Iso8583Host
    log: MemoryLog = field(default_factory=MemoryLog)
    alarms: list[Alarm] = field(default_factory=list)
    events: list[KeyEvent] = field(default_factory=list)

    async def works(self, number: int) -> None:
        seed = self.bank.cards[0]
        inputs = {"card": CardNumber(seed.card), "pin": Secret(seed.pin)}
        asked = request("pin.verify", number, inputs=inputs)
        assert isinstance(await self.host.execute(asked, self.log), Approved)

    def states(self, name: str) -> list[tuple[int, KeyState]]:
        held = self.module.list_keys()
        return [(one.version, one.state) for one in held if one.spec.name == name]


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    with CoreHostProcess.start(tmp_path) as bank:
        module = open_software(bank.keys)
        alarms: list[Alarm] = []
        events: list[KeyEvent] = []
        host = Iso8583Host(
            tb87(),
            contracts(),
            module,
            quick_options(bank.port, key_overlap_s=0.0),
            events=HostEvents(alarm=alarms.append, key=events.append),
        )
        await host.start()
        assert await host.wait_signed_on(5.0)
        yield Desk(bank, module, host, alarms=alarms, events=events)
        await host.close()


@pytest.mark.parametrize("name", ["tb87.mak", "tb87.zpk"])
async def test_a_key_of_ours_is_taken_by_the_host_and_used(desk: Desk, name: str) -> None:
    await desk.works(1)
    event = await desk.host.rotate_key(name)
    assert (event.outcome, event.version) == ("changed", 2)
    await desk.works(2)
    async with asyncio.timeout(40):
        while (1, KeyState.RETIRED) not in desk.states(name):
            await asyncio.sleep(0.01)
    await desk.works(3)
    assert [one.outcome for one in desk.events if one.name == name] == ["changed", "retired"]
    assert desk.alarms == []
    assert open_software(desk.bank.folder / "keys").check_value(name) == event.kcv


@pytest.mark.parametrize("word", ["mak", "zpk"])
async def test_the_hosts_new_key_is_used_at_once(desk: Desk, word: str) -> None:
    await desk.works(1)
    name = f"tb87.{word}"
    telebank = [sys.executable, "-m", "telebank", "corehost", "key-change", word]
    telebank += ["--data", str(desk.bank.folder)]
    process = await asyncio.create_subprocess_exec(
        *telebank, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    _, errors = await process.communicate()
    assert process.returncode == 0, errors
    assert (desk.events[0].outcome, desk.events[0].by) == ("changed", "host")
    await desk.works(2)
    assert open_software(desk.bank.folder / "keys").check_value(name) == desk.events[0].kcv


async def test_a_key_that_is_not_exchanged_is_said(desk: Desk) -> None:
    with pytest.raises(LookupError, match=r"tb87\.mak, tb87\.zpk are"):
        await desk.host.rotate_key("tb87.kbpk")


class Offers:
    """0800/101 as a host could send it, right and wrong, straight to the adapter's judge."""

    def __init__(self, folder: Path) -> None:
        share_demo_keys(folder / "ours", folder / "theirs", "tb87")
        self.theirs, self.ours = open_software(folder / "theirs"), open_software(folder / "ours")
        self.codec = Codec(tb87())
        self.events: list[KeyEvent] = []
        self.alarms: list[Alarm] = []
        self.host = Iso8583Host(
            tb87(),
            contracts(),
            self.ours,
            quick_options(1),
            events=HostEvents(key=self.events.append, alarm=self.alarms.append),
        )

    def block(self, name: str = "tb87.mak") -> tuple[str, str]:
        """The host's next key as a block, and its check value."""
        spec = next(i.spec for i in self.theirs.list_keys() if i.spec.name == name)
        made = self.theirs.generate(replace(spec, exportable=True), rotate=True)
        return self.theirs.export_key(name, "tb87.kbpk"), made.kcv

    async def ask(self, block: str, check: str = "", word: str = "MAK") -> dict[int, str]:
        parts = {"key_name": word, "key_block": block} | ({"key_check": check} if check else {})
        message = Message("0800", {70: "101", 48: self.codec.join(48, parts)})
        return dict(self.host._on_network(message))


async def test_a_right_block_then_wrong_ones(tmp_path: Path) -> None:
    one = Offers(tmp_path)
    under_way = ModuleMac(one.ours, "tb87.mak").compute(b"in flight")
    first, kcv = one.block()
    assert (await one.ask(first, kcv))[39] == "00"
    assert ModuleMac(one.ours, "tb87.mak").verify(b"in flight", under_way)
    assert one.ours.check_value("tb87.mak") == kcv
    assert (await one.ask(first, kcv))[39] == "00"  # asked again: nothing changes
    second, other = one.block()
    assert (await one.ask(second, other))[39] == "00"
    held = one.ours.check_value("tb87.mak")
    refused = [
        await one.ask(first, kcv),  # an old block, played again
        await one.ask(one.block()[0], "000000"),  # another check value
        await one.ask(second[:-2] + ("00" if second[-2:] != "00" else "11")),  # changed on its way
        await one.ask(one.block("tb87.zpk")[0]),  # another usage
        await one.ask(second[:40]),
        await one.ask(""),
        await one.ask("x" * 300),
    ]
    assert [answer[39] for answer in refused] == ["63"] * 7
    assert (await one.ask(second, other, word="TMK"))[39] == "12"
    assert one.ours.check_value("tb87.mak") == held
    assert len(one.alarms) == 8
    assert [event.outcome for event in one.events] == ["changed"] * 2 + ["refused"] * 8
    text = repr(one.events) + repr(one.alarms)
    assert first not in text
    assert second not in text
    await one.host.close()
