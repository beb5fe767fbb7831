"""A bank with people at desks: a core host, a node, a console, desk phones that tests lift, and
browsers.

async with open_desk_bank(folder, voice) as bank:
    li = await bank.sits("li")
    caller = await bank.calls("10")
    bank.phones["li"].lift()
"""

import asyncio
import shutil
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from selenium.webdriver.common.keys import Keys

from support.bank_process import BankProcess, Voice
from support.console_process import console
from support.desk_browsers import WAIT_S, Browser, Browsers, Cable
from telebank.commands.bench.desk_people import Employee, Staff
from telebank.commands.bench.desk_phones import TICK_S, DeskPhone
from telebank.phone.phone import Phone, PhoneCall, PhoneOptions

REALM = "bank.example"
NAMES = {"li": "8001", "zhao": "8002"}
WU_PHONE = "8009"


@dataclass
class DeskBank:
    """What runs."""

    bank: BankProcess
    staff: Staff
    cable: Cable
    browsers: Browsers
    phone: Phone
    people: dict[str, Employee] = field(default_factory=dict)
    phones: dict[str, DeskPhone] = field(default_factory=dict)
    seats: dict[str, Browser] = field(default_factory=dict)

    async def calls(self, keys: str, number: str = "13800001234") -> PhoneCall:
        """A caller who presses keys as soon as he is answered, and stays."""
        options = PhoneOptions(from_user=number, max_seconds=600)
        caller = await self.phone.dial(self.bank.uri, options)
        await asyncio.wait_for(caller.answered.wait(), WAIT_S)
        caller.press(keys)
        return caller

    async def board(self, by: str, kind: str) -> list[dict[str, Any]]:
        """Rows as somebody is shown them."""
        found = await self.staff.get("/v1/desk/board?live=1", self.people[by])
        return [row for row in found["rows"] if row["type"] == kind]

    async def talks(self, name: str, keys: str = "10") -> PhoneCall:
        """A caller with whom somebody talks, who sits and is ready."""
        caller = await self.calls(keys)
        await self.seats[name].reads("#call-state", "振铃")
        self.phones[name].lift()
        await self.seats[name].reads("#call-state", "通话中")
        return caller

    async def rest(self) -> None:
        """No call is left, and nobody takes one."""
        self.phone.hang_up()
        self.phone.stopped = False
        await until(lambda: _no_calls(self), "calls are left")
        for name, page in self.seats.items():
            if "话后" in (await page.text("#mine-word") or ""):
                await page.press(Keys.F9)
                await page.reads("#mine-word", "空闲")
            await page.click("[data-act=busy]")
            await page.reads("#mine-word", "示忙")
            self.phones[name].put_down()

    async def sits(self, name: str, *, ready: bool = True) -> Browser:
        """Somebody's browser at his desk, where he sits; opened once."""
        if name not in self.seats:
            self.seats[name] = await self.browsers.open(name, self.people[name].token)
        page = self.seats[name]
        await until(lambda: _seated(page), f"the page of {name} shows neither desk nor form")
        if await page.text("#enter") is not None:
            await page.script("document.getElementById('phone').value = ''")
            await page.click("#phone")
            await page.press(NAMES[name], Keys.ENTER)
        await page.sees("#desk")
        if ready:
            await page.click("[data-act=ready]")
            await page.reads("#mine-word", "空闲")
        return page


async def _seated(page: Browser) -> bool:
    return await page.text("#desk") is not None or await page.text("#enter") is not None


async def _no_calls(bank: DeskBank) -> bool:
    counts = await asyncio.to_thread(bank.bank.counts)
    return not counts["calls"] + counts["media_channels"]


async def until(look: Callable[[], Awaitable[Any]], what: str) -> Any:
    """Ask until there is something; `what` is said where there never is."""
    end = time.monotonic() + WAIT_S
    while not (found := await look()):
        assert time.monotonic() < end, f"after {WAIT_S:g} s {what}"
        await asyncio.sleep(0.1)
    return found


@asynccontextmanager
async def open_desk_bank(place: Path, voice: Voice) -> AsyncIterator[DeskBank]:
    """Li and Zhao are tellers, Wu is the supervisor; their phones are registered."""
    registrar = {"realm": REALM}
    async with AsyncExitStack() as stack:
        start = BankProcess.start(place / "bank", voice, registrar=registrar)
        bank = await asyncio.to_thread(start.__enter__)
        stack.push_async_callback(asyncio.to_thread, start.__exit__, None, None, None)
        staff = Staff(bank.data / "control.sock")
        chen, wu = await staff.found()
        people = {"chen": chen, "wu": wu}
        for name, extension in NAMES.items():
            people[name] = await staff.hire(chen, wu, name, extension)
        added = await staff.post("/v1/phones", {"extension": WU_PHONE}, chen)
        people["wu"] = Employee("wu", wu.token, WU_PHONE, added["secret"])
        phones = await _phones(stack, bank, people)
        web = console(bank.data)
        base = await asyncio.to_thread(web.__enter__)
        stack.push_async_callback(asyncio.to_thread, web.__exit__, None, None, None)
        cable = Cable(base)
        browsers = Browsers(place / "browsers", await cable.open())
        stack.push_async_callback(cable.close)
        stack.callback(shutil.rmtree, place / "browsers", ignore_errors=True)
        stack.push_async_callback(browsers.close)
        phone = await stack.enter_async_context(bank.phone())
        yield DeskBank(bank, staff, cable, browsers, phone, people, phones)


async def _phones(
    stack: AsyncExitStack, bank: BankProcess, people: dict[str, Employee]
) -> dict[str, DeskPhone]:
    host, _, port = bank.sip.rpartition(":")
    phones = {}
    for name, one in people.items():
        if one.phone:
            phones[name] = DeskPhone(one.phone, one.secret, REALM, (host, int(port)), lifted_s=None)
            await phones[name].start("127.0.0.1")
            stack.callback(phones[name].close)
    ticker = asyncio.create_task(_tick(list(phones.values())), name="desk phones tick")
    stack.callback(ticker.cancel)
    return phones


async def _tick(phones: list[DeskPhone]) -> None:
    while True:
        for phone in phones:
            phone.tick()
        await asyncio.sleep(TICK_S)
