"""One scenario's bench: proxy, adapter under test, a processor on the kit's journal."""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime

from core_adapters.conformance.bench import Adapter, Events, Late, Parts, Told
from core_adapters.conformance.journal import Books, KitJournal, Numbers
from core_adapters.conformance.people import KitVault
from transactions.card import CardNumber
from transactions.contract import Contracts
from transactions.guarded import guarded
from transactions.money import MAX_MINOR, Money, currency
from transactions.options import ProcessorOptions
from transactions.outcome import Approved, Values
from transactions.processor import Processor
from transactions.request import AuthLevel, Request


@dataclass(frozen=True, slots=True)
class Pace:
    """Times of a run, so that a certification of a test host does not take an afternoon."""

    timeout_s: float = 0.7
    """Longest time-out of any service, in seconds; the profile's own where that is shorter."""
    retry_s: float = 0.15
    """Seconds before the first repeat of a reversal."""
    echo_s: float = 0.4
    """Seconds of silence before an echo, and to wait for its answer."""
    settle_s: float = 15.0
    """Longest wait for a request to be settled once its faults have ended."""
    sign_on_s: float = 5.0
    """Longest wait for a link to sign on."""
    advice_s: float = 0.2
    """Seconds after which a stored request travels as advice."""


class KitClock:
    """Real time, for the processor."""

    def monotonic(self) -> float:
        """Seconds of a clock that never steps."""
        return time.monotonic()

    def now(self) -> datetime:
        """UTC."""
        return datetime.now(UTC)

    async def sleep(self, seconds: float) -> None:
        """Wait."""
        await asyncio.sleep(seconds)


@dataclass(slots=True)
class Heard:
    """What the adapter told its owner."""

    alarms: list[Told] = field(default_factory=list)
    late: list[Late] = field(default_factory=list)
    links: list[tuple[str, bool, str]] = field(default_factory=list)


@dataclass(slots=True)
class Node:
    """Adapter and processor of one life of the node."""

    adapter: Adapter
    processor: Processor


def processor_options(contracts: Contracts, pace: Pace) -> ProcessorOptions:
    """Quick repeats; limits as high as they go: the host's own are what is tried."""
    names = {name for service in contracts.services.values() for name in service.limits}
    above = {service.second_factor_above for service in contracts.services.values()}
    tiers = {name for name in above if name is not None}
    ceiling = Money(MAX_MINOR, currency("CNY"))
    return ProcessorOptions(
        retry_first_s=pace.retry_s,
        retry_factor=1.5,
        retry_cap_s=2.0,
        attempts_max=8,
        away_poll_s=0.05,
        recovery_wait_s=0.05,
        close_wait_s=2.0,
        limits=dict.fromkeys(names, ceiling),
        second_factor=dict.fromkeys(tiers, ceiling),
    )


@dataclass(slots=True)
class Rig:
    """Everything one scenario needs; `live` and `die` make and end a node on the same books."""

    parts: Parts
    contracts: Contracts
    vault: KitVault
    pace: Pace
    books: Books
    heard: Heard
    node: Node | None = None

    async def live(self, *, wait: bool = True) -> Node:
        """Begin a node: sign on, take up what the last one left (rule 8)."""
        journal = KitJournal(self.books)
        adapter = self.parts.make(Events(self._late, self.heard.alarms.append, self._link))
        options = processor_options(self.contracts, self.pace)
        processor = Processor(self.contracts, adapter, journal, self.vault, options, KitClock())
        self.node = Node(adapter, processor)
        await adapter.start()
        if wait:
            await adapter.wait_signed_on(self.pace.sign_on_s)
        await processor.recover()
        return self.node

    async def die(self) -> None:
        """End the node as a crash would: its lease is gone, so it commits and sends nothing."""
        node, self.node = self.node, None
        if node is None:
            return
        self.books.epoch += 1
        self.parts.between.cut()
        await node.adapter.close()
        await node.processor.close()

    async def stop(self) -> None:
        """End the node in order."""
        node, self.node = self.node, None
        if node is not None:
            await node.processor.close()
            await node.adapter.close()

    def _late(self, reply: Late) -> None:
        self.heard.late.append(reply)
        if self.node is not None:
            self.node.processor.late_answer(reply.message.request_id, reply.outcome)

    def _link(self, link: str, up: bool, why: str) -> None:
        self.heard.links.append((link, up, why))

    async def balance(self, service: str, card: CardNumber) -> int | None:
        """Minor units of the ledger balance, asked of the host itself; None where it is silent."""
        told = await self.look(service, card) or {}
        held = told.get("ledger") or told.get("available")
        return held.minor if isinstance(held, Money) else None

    async def look(self, service: str, card: CardNumber) -> Values | None:
        """What the host itself says to a read about a card; None where it says nothing."""
        if self.node is None:
            return None
        contract = self.contracts[service]
        request = Request(
            id=f"kit-look-{time.monotonic_ns()}",
            service=service,
            contract_version=contract.version,
            inputs={str(contract.customer): card},
            actor="kit",
            auth=AuthLevel.PIN,
            reference=self.books.stans.take(),
        )
        await self.node.adapter.wait_signed_on(self.pace.sign_on_s)
        outcome = await guarded(self.node.adapter.execute(request, Numbers(self.books.stans)))
        return outcome.data if isinstance(outcome, Approved) else None


async def until(condition: Callable[[], bool], seconds: float) -> bool:
    """Look every few milliseconds; False where it was never so."""
    ends = time.monotonic() + seconds
    while not condition():
        if time.monotonic() >= ends:
            return False
        await asyncio.sleep(0.01)
    return True
