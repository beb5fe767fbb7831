"""A node that verifies telephone PINs itself: a real store and security module, a bank in memory.

async with open_pins(place) as pins:
    await pins.world.verify("v1", 0, PIN)
    pins.away()                     # the host is not there any more
    (await pins.balance("b1", 0)).exit
"""

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from core_adapters.hsm.kinds import Algorithm, KeySpec, Usage
from core_adapters.hsm.module import Module
from core_adapters.hsm.software import open_software
from support.ledger_world import CARDS, World
from support.store_kit import open_store
from support.transactions_host import Host
from support.transactions_time import LoopClock
from telebank.commands.wiring.telephone_pin import (
    KEY,
    AtModule,
    ModulePins,
    Seldom,
    StoredPins,
    at_once,
)
from telebank.store.clock import SystemClock
from telebank.store.known_balances import StoredBalances
from telebank.store.store import Store
from transactions.options import AuthOptions
from transactions.outcome import Outcome, Values
from transactions.ports import MessageLog
from transactions.processor import Answer, Processor
from transactions.request import HostMessage, Request
from transactions.secret import Secret
from transactions.telephone_pin import HostVerifies, Knowledge, LocalKnowledge, told_by

NEW_PIN = "502837461928"
OTHER_PIN = "123456789012"
SPEC = KeySpec(KEY, Usage.VERIFIER, Algorithm.HMAC256)


@dataclass
class WallClock(LoopClock):
    """Monotonic time of the loop; the wall's goes forward by hand."""

    wall: datetime = field(default_factory=lambda: datetime(2026, 11, 22, 2, 45, tzinfo=UTC))
    ahead: float = 0.0

    def now(self) -> datetime:
        return self.wall

    def monotonic(self) -> float:
        return super().monotonic() + self.ahead

    def forward(self, **how_far: float) -> None:
        """`timedelta`'s words."""
        self.wall += timedelta(**how_far)
        self.ahead += timedelta(**how_far).total_seconds()


class Gate:
    """Holds back the host's answer to one request, or with `before` the request itself."""

    def __init__(self, host: Host, of: str, *, before: bool = False) -> None:
        self._of, self._execute, self._before = of, host.execute, before
        self.answered, self.go = asyncio.Event(), asyncio.Event()
        host.execute = self.execute  # type: ignore[method-assign]

    async def execute(
        self, request: Request, log: MessageLog, repeat_of: HostMessage | None = None
    ) -> Outcome:
        """The host's, once `go` is set."""
        held = request.id == self._of
        if held and self._before:
            await self._hold()
        outcome = await self._execute(request, log, repeat_of)
        if held and not self._before:
            await self._hold()
        return outcome

    async def _hold(self) -> None:
        self.answered.set()
        await self.go.wait()


@dataclass
class Pins:
    """The world of one node, and what it knows itself."""

    world: World
    store: Store
    module: Module
    clock: WallClock
    local: LocalKnowledge

    async def by_host(self) -> None:
        """From now on the host verifies, and what some node of the store keeps is forgotten."""
        await self._processor(HostVerifies(StoredPins(self.store.journal)))

    async def by_node(self) -> None:
        """The node verifies again."""
        await self._processor(self.local)

    async def _processor(self, knowledge: Knowledge) -> None:
        there, vault = self.world, self.store.vault
        await there.processor.close()
        host, journal = there.host, self.store.journal
        there.processor = Processor(
            there.contracts, host, journal, vault, there.options, self.clock, knowledge
        )
        host.on_late = there.processor.late_answer
        await there.processor.recover()

    def asked(self) -> int:
        """How often the host was asked anything."""
        return sum(self.world.bank.asked.values())

    def away(self, *, back: bool = False) -> None:
        """The host goes, or comes back."""
        self.world.host.links_up = 1 if back else 0

    def at_branch(self, card: int, pin: str) -> None:
        """The customer changes his PIN where only the host hears of it."""
        self.world.bank.pins[self.store.vault.token(CARDS[card])] = pin

    def _request(self, request_id: str, service: str, inputs: Values, card: int) -> Request:
        request = self.world.request(request_id, service, inputs, card)
        return replace(request, contract_version=self.world.contracts[service].version)

    async def balance(self, request_id: str, card: int) -> Answer:
        """The card's balance."""
        inputs: Values = {"card": CARDS[card]}
        return await self.world.submit(self._request(request_id, "card.balance", inputs, card))

    async def change(self, request_id: str, card: int, old: str, new: str) -> Answer:
        """Change a PIN."""
        inputs: Values = {"card": CARDS[card], "pin": Secret(old), "new_pin": Secret(new)}
        return await self.world.submit(self._request(request_id, "pin.change", inputs, card))

    async def verify_all(self, ids: Iterable[str], card: int, pin: str) -> list[str]:
        """The exits of tries, one after the other."""
        return [(await self.world.verify(one, card, pin)).exit for one in ids]


@asynccontextmanager
async def open_pins(
    place: Path,
    node: str = "01",
    *,
    module: Module | None = None,
    at_module: AtModule = at_once,
    world: World | None = None,
    balance_days: int = 7,
    **options: Any,
) -> AsyncIterator[Pins]:
    """A node on `place`; `world` is one that an earlier life, or another node, left."""
    keys = module or open_software(place / "keys", create=True)
    if not any(info.spec.name == KEY for info in keys.list_keys()):
        keys.generate(SPEC)
    async with open_store(place, node, clock=SystemClock(), **options) as store:
        vault: Any = store.vault
        there = world or World(vault=vault)
        there.host = Host(there.bank, vault)
        there.hosts.append(there.host)
        clock = WallClock()
        local = LocalKnowledge(
            pins=ModulePins(keys, at_module, store.journal, Seldom(clock)),
            balances=StoredBalances(store.journal.run, store.vault),
            options=AuthOptions("local", balance_days),
            clock=clock,
            zone=there.options.zone,
            names=told_by(there.contracts),
        )
        there.processor = Processor(
            there.contracts, there.host, store.journal, vault, there.options, clock, local
        )
        there.host.on_late = there.processor.late_answer
        await there.processor.recover()
        try:
            yield Pins(there, store, keys, clock, local)
        finally:
            await there.processor.close()
