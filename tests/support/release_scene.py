"""A release published while a real node runs: people at the real commands, and a caller who stays
on the line all the while."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from support.bank_process import BankProcess, Voice
from support.gas_release import FOLDER, add_gas
from support.staff_commands import Desk, Person, Ran
from support.store_sql import ask_once
from telebank.phone.phone import Phone, PhoneCall, PhoneOptions
from voice_prompts import overlay
from voice_prompts.catalogue import Catalogue

STAYS_S = 900.0
"""Longest that the caller stays on."""
AGAIN_S = 4.0
POLL_S = 0.05
PATIENCE_S = 40.0


@dataclass
class Staff:
    """An administrator and a supervisor, logged in."""

    desk: Desk
    chen: Person
    wu: Person

    @classmethod
    def found(cls, bank: BankProcess, private: Path) -> "Staff":
        """The first two people of a bank."""
        private.mkdir(exist_ok=True)
        desk = Desk(bank.data, private)
        staff = cls(desk, desk.person("chen"), desk.person("wu"))
        for person, role in ((staff.chen, "administrator"), (staff.wu, "supervisor")):
            assert desk.add(person, role).code == 0
            desk.login(person)
        return staff

    def say(self, who: Person, *words: str) -> Ran:
        """`telebank release …` at his terminal."""
        return self.desk.run(who, "release", *words)

    def gas(self, folder: Path) -> Path:
        """The release in force with gas bills and the price of paper gold, in a folder."""
        exported = self.say(self.chen, "export", "current", str(folder))
        assert exported.code == 0, exported
        add_gas(folder)
        return folder


def heard_with(voice: Voice, release: Path, folder: Path) -> Voice:
    """The voice of a release that has recordings, for phones that are to hear it."""
    overlay.lay_over(voice.folder, release, folder, Catalogue.load(release / "prompts"))
    return Voice(folder)


class OnTheLine:
    """A caller who stays: he presses what he is told to, and `waits` for what he must hear."""

    def __init__(self, call: PhoneCall) -> None:
        self.call = self._call = call
        self._seen = 0

    @property
    def words(self) -> str:
        """All that he heard so far."""
        return "".join(clip.text for clip in self._call.heard_clips)

    def press(self, keys: str) -> None:
        """Press keys now; what comes from here on is new."""
        self._seen = len(self._call.heard_clips)
        self._call.press(keys)

    async def hears(self, *clips: str) -> None:
        """Wait until one of these clips has come since the last keys."""
        async with asyncio.timeout(PATIENCE_S):
            while not self._new() & set(clips):
                assert not self._call.over.done(), f"{self._call.report}: {self.words[-200:]}"
                await asyncio.sleep(POLL_S)

    @asynccontextmanager
    async def staying(self) -> AsyncIterator[None]:
        """While the block runs he has the menu said again and again, so that nobody hangs up."""
        task = asyncio.create_task(self._again())
        try:
            yield
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    async def _again(self) -> None:
        while True:
            self._call.press("#")
            await asyncio.sleep(AGAIN_S)

    def heard_new(self, clip: str) -> bool:
        """Whether this clip has come since the last keys."""
        return clip in self._new()

    def _new(self) -> set[str]:
        return {clip.key for clip in self._call.heard_clips[self._seen :]}

    async def says(self, *steps: tuple[str, str]) -> None:
        """Keys, and the clip that must follow them, one after the other."""
        for keys, clip in steps:
            self.press(keys)
            await self.hears(clip)


@asynccontextmanager
async def on_the_line(bank: BankProcess, phone: Phone) -> AsyncIterator[OnTheLine]:
    """A call that is answered and stays up until the block ends."""
    call = await phone.dial(bank.uri, PhoneOptions(max_seconds=STAYS_S, from_user="13900000001"))
    await asyncio.wait_for(call.answered.wait(), PATIENCE_S)
    staying = OnTheLine(call)
    await staying.hears("zh/sys.welcome#0", "en/sys.welcome#0", "zh/lang.zh#0")
    try:
        yield staying
    finally:
        call.hang_up()
        await asyncio.wait({call.over}, timeout=10)


def query(bank: BankProcess, statement: str, *values: Any) -> Sequence[Sequence[Any]]:
    """Read the node's database beside it."""
    return ask_once(bank.data, statement, *values)


__all__ = ["FOLDER", "OnTheLine", "Staff", "heard_with", "on_the_line", "query"]
