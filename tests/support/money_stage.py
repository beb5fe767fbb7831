"""All scenes of the money tests side by side: a read-back lasts ten seconds, whoever waits for it.

A test module lists its scenes in `SCENES`; the first test of any of them begins them all, and each
test awaits its own. Scenes of `stage.day` share one bank and keep apart by their cards; those that
stop or kill something have a bank of their own.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar, cast

import pytest

from core_adapters.corehost.seed import SeedCard
from support.bank_process import TELEBANK, BankProcess, Voice
from support.money_caller import ring
from support.money_journal import MoneyJournal, Row
from telebank.phone.phone import Phone
from telebank.phone.report import CallReport

T = TypeVar("T")
Rule = dict[str, Any]
Scene = Callable[["Stage"], Coroutine[Any, Any, T]]

OPENING = 1_000_000
"""Fen on every test card."""
SETTINGS: dict[str, dict[str, Any]] = {
    "transactions": {"retry_first_s": 0.5, "retry_cap_s": 1.0, "attempts_max": 1_000},
    "limits": {"transfer_daily": "8000.00"},
}
SCENES_AT_ONCE = 64
BANKS_AT_ONCE = 10
"""Of scenes' own, three processes each; more would only wait for one another to start. Those that
scenes share stay to the end and are few."""
SETTLED_S = 180.0
"""Longest wait for a row's end, in seconds."""


@dataclass
class Day:
    """A running bank, one phone for everybody, and the faults in force."""

    bank: BankProcess
    phone: Phone
    rules: list[Rule] = field(default_factory=list)

    @property
    def journal(self) -> MoneyJournal:
        """What the node wrote."""
        return MoneyJournal(self.bank.data)

    def pair(self, number: int) -> tuple[SeedCard, SeedCard]:
        """Payer and payee of one scene, nobody else's."""
        return self.bank.cards[2 * number], self.bank.cards[2 * number + 1]

    def held(self, who: SeedCard) -> int:
        """Fen on a card, at the host."""
        return self.bank.host.balances()[who.card]

    async def ring(self, script: str, until: str = "") -> CallReport:
        """Place a call; see `money_caller.ring`."""
        return await ring(self.bank, self.phone, script, until)

    def fault(self, who: SeedCard, action: str, **match: Any) -> Rule:
        """Put a fault in force for one card's messages; no rule counts, so none begins anew."""
        rule = {"match": {"card": who.card, **match}, "action": action}
        self.rules.append(rule)
        self.bank.host.plan(self.rules)
        return rule

    def lift(self, *faults: Rule) -> None:
        """End faults."""
        self.rules = [rule for rule in self.rules if rule not in faults]
        self.bank.host.plan(self.rules)

    async def settled(self, who: SeedCard, service: str = "transfer.card_to_card") -> Row:
        """The customer's newest request, once it has an end."""
        for _ in range(int(SETTLED_S * 10)):
            rows = self.journal.rows(who, service)
            if rows and rows[-1].settled:
                return rows[-1]
            await asyncio.sleep(0.1)
        raise AssertionError(f"not settled in {SETTLED_S:g} s: {self.journal.rows(who, service)}")


class Stage:
    """Begins scenes, keeps their banks, and stops everything at the end."""

    def __init__(self, voice: Voice, folder: Path) -> None:
        self.voice = voice
        self.folder = folder
        self._branches: dict[str, asyncio.Future[Day]] = {}
        self._open = contextlib.AsyncExitStack()
        self._scenes: dict[Any, asyncio.Task[Any]] = {}
        self._room = asyncio.Semaphore(SCENES_AT_ONCE)
        self._banks = asyncio.Semaphore(BANKS_AT_ONCE)

    def begin(self, scenes: Sequence[Scene[Any]]) -> None:
        """Begin scenes that have not begun."""
        for scene in scenes:
            if scene not in self._scenes:
                self._scenes[scene] = asyncio.ensure_future(self._play(scene))

    async def _play(self, scene: Scene[Any]) -> Any:
        async with self._room:
            return await scene(self)

    async def of(self, scene: Scene[T]) -> T:
        """What a scene came to, once it is over."""
        return cast("T", await asyncio.shield(self._scenes[scene]))

    async def all_over(self) -> None:
        """Wait until every scene that was begun has ended, however it ended."""
        await asyncio.gather(*self._scenes.values(), return_exceptions=True)

    async def day(self) -> Day:
        """The bank that most scenes share."""
        return await self.branch("day", **SETTINGS)

    async def branch(self, name: str, **settings: Any) -> Day:
        """The bank of that name, shared by all scenes that ask for it; the first one's settings."""
        if name not in self._branches:
            opening = self._open.enter_async_context(self._bank(name, TELEBANK, settings))
            self._branches[name] = asyncio.ensure_future(opening)
        return await asyncio.shield(self._branches[name])

    @contextlib.asynccontextmanager
    async def open_bank(
        self, name: str, launcher: Sequence[str] = TELEBANK, **settings: Any
    ) -> AsyncIterator[Day]:
        """A bank of a scene's own, stopped at the end of the block."""
        async with self._banks, self._bank(name, launcher, settings) as day:
            yield day

    @contextlib.asynccontextmanager
    async def _bank(
        self, name: str, launcher: Sequence[str], settings: Mapping[str, Any]
    ) -> AsyncIterator[Day]:
        start = BankProcess.start(self.folder / name, self.voice, launcher, **settings)
        bank = await asyncio.to_thread(start.__enter__)
        try:
            async with bank.phone() as phone:
                yield Day(bank, phone)
        finally:
            await asyncio.to_thread(start.__exit__, None, None, None)

    async def close(self) -> None:
        """End what still runs."""
        for task in self._scenes.values():
            task.cancel()
        await asyncio.gather(*self._scenes.values(), return_exceptions=True)
        await self._open.aclose()


def scenes_of(items: Sequence[pytest.Item]) -> list[Scene[Any]]:
    """The scenes of all collected modules, and of tests that have one as their parameter."""
    modules = dict.fromkeys(getattr(item, "module", None) for item in items)
    found = [scene for module in modules for scene in getattr(module, "SCENES", ())]
    params = (item.callspec.params for item in items if hasattr(item, "callspec"))
    return [*found, *(param["scene"] for param in params if "scene" in param)]
