"""A node that carries out scheduled transfers: real store, real processor, a bank in memory.

The bank and its day outlive the node; `life` begins one life of it, which `Kill` can end at any
commit: before it, or after it and before anybody heard of it.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

from support.ledger_world import CARDS, CONTRACTS, OPTIONS
from support.store_kit import DAY, FakeClock, open_store, rows
from support.transactions_host import Bank, Faults, Host, no_faults
from telebank.customers.approvals import Approvals
from telebank.customers.desk import Desk, table
from telebank.customers.order_options import ApprovalOptions, OrderOptions
from telebank.customers.orders import Orders
from telebank.customers.runner import Runner
from telebank.store import tables
from telebank.store.order_tables import order_run
from telebank.store.store import Store
from transactions.answer import Answer
from transactions.money import Money
from transactions.outcome import Approved, Declined, Outcome, Value, Values
from transactions.processor import Processor
from transactions.request import AuthLevel, HostMessage, Request
from transactions.service import Contracts

OPENING = 100_000_00
FIRST = date(2026, 4, 1)
"""The day after the store kit's."""


@dataclass(frozen=True)
class Release:
    """What is in force."""

    hash: str
    contracts: Contracts


@dataclass
class HouseClock:
    """Wall time is the store's, which stands until it is moved; waiting is real."""

    store: FakeClock

    def now(self) -> datetime:
        return self.store.now

    def monotonic(self) -> float:
        return asyncio.get_running_loop().time()

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds / 100)


@dataclass
class Kill:
    """Ends a life at its commit number `at`: nothing of it does anything any more."""

    at: int
    after: bool
    """Whether that commit is still made."""
    seen: int = 0
    dead: asyncio.Event = field(default_factory=asyncio.Event)

    def around(self, run: Callable[..., Any]) -> Callable[..., Any]:
        async def killing(*args: Any, **more: Any) -> Any:
            if not self.dead.is_set():
                self.seen += 1
                if self.seen < self.at:
                    return await run(*args, **more)
                if self.after:
                    await run(*args, **more)
                self.dead.set()
            return await asyncio.Event().wait()

        return killing


class PricingHost(Host):
    """Says what a transfer costs, or why it is none."""

    fee = "0.00"
    refuses = ""

    def _serve(
        self, service: str, inputs: Mapping[str, Value], pin: str, message: HostMessage
    ) -> Outcome:
        outcome = super()._serve(service, inputs, pin, message)
        if service != "transfer.quote" or not isinstance(outcome, Approved):
            return outcome
        if self.refuses:
            return Declined(self.refuses)
        return Approved({**outcome.data, "fee": Money.parse(self.fee)})


@dataclass
class Life:
    """One life of the node."""

    store: Store
    processor: Processor
    runner: Runner
    host: Host

    async def look(self) -> int:
        return await self.runner.look()

    async def ask(
        self,
        service: str,
        name: str,
        inputs: Values,
        auth: AuthLevel = AuthLevel.PIN,
        by: int = 0,
        *,
        card: bool = True,
    ) -> Answer:
        """One request of the caller with card number `by`, with its own id; `card` is False where
        the quote has it."""
        request = Request(
            id=name,
            service=service,
            contract_version=1,
            inputs={**({"card": CARDS[by]} if card else {}), **inputs},
            actor="caller",
            call="01-000001",
            auth=auth,
            authenticated_token=self.store.vault.token(CARDS[by]),
        )
        return await self.processor.submit(request)

    async def order(self, name: str = "o1", auth: AuthLevel = AuthLevel.PIN, **more: Any) -> int:
        """Make an order; its number."""
        inputs: dict[str, Any] = {
            "payee": CARDS[1],
            "payee_masked": "****0001",
            "amount": Money.parse("100.00"),
            "first": FIRST,
            "every": "once",
            **more,
        }
        answer = await self.ask("order.make", name, inputs, auth)
        assert answer.exit == "ok", answer
        return int(str(answer.data["order"]))

    async def notices(self, by: int = 0) -> list[tuple[str, Any]]:
        """What the customer hears first in a call, and has heard then."""
        heard: list[tuple[str, Any]] = []
        while True:
            name = f"n{len(heard)}-{self.store.epoch}-{self.store.commits}"
            answer = await self.ask("notice.next", name, {}, by=by)
            if answer.exit == "none":
                return heard
            heard.append((answer.exit, answer.data["amount"]))
            await self.processor.told(name, answer.exit)


@dataclass
class OrderHouse:
    """What lives longer than a node: its store, the bank, the host's date."""

    place: Path
    bank: Bank = field(default_factory=Bank)
    clock: FakeClock = field(default_factory=FakeClock)
    day: date = DAY
    options: OrderOptions = field(default_factory=OrderOptions)
    approvals: ApprovalOptions = field(default_factory=ApprovalOptions)

    @asynccontextmanager
    async def life(
        self,
        faults: Faults = no_faults,
        kill: Kill | None = None,
        node: str = "01",
        host: type[Host] = Host,
    ) -> AsyncIterator[Life]:
        """Begin one; at its end it is stopped in order, unless it was killed."""
        async with open_store(self.place, node, clock=self.clock, nodes=2) as store:
            life = self._wired(store, host(self.bank, store.vault, faults))
            await life.processor.recover()
            if kill is not None:
                store._writer.run = kill.around(store._writer.run)
                store.journal.run = store._writer.run
                object.__setattr__(life.runner, "run", store._writer.run)
            yield life
            if kill is None:
                await life.processor.close()

    def _wired(self, store: Store, host: Host) -> Life:
        vault: Any = store.vault
        clock = HouseClock(self.clock)
        host.delay, host.business_date = 0.001, self.day
        for card in CARDS:
            self.bank.balances.setdefault(vault.token(card), OPENING)
        run, zone = store.journal.run, store.journal.zone
        orders = Orders(run, vault, self.options, clock, zone)
        approvals = Approvals(run, vault, self.approvals, lambda _release: CONTRACTS, clock, zone)

        async def nobody(terms: Values, customer: str) -> bool:
            return False

        desk = Desk(table([orders.handlers(), approvals.handlers()]), nobody)
        journal = store.journal
        processor = Processor(CONTRACTS, host, journal, vault, OPTIONS, clock, desk=desk)
        release = Release("f00d", CONTRACTS)
        runner = Runner(run, journal, processor, host, vault, lambda: release, self.options, clock)
        return Life(store, processor, runner, host)

    def later(self, days: int = 0, **time: float) -> None:
        """Let time pass, and the host's date with the days."""
        self.day += timedelta(days=days)
        self.clock.now += timedelta(days=days, **time)

    def runs(self) -> list[tuple[date, str, str]]:
        """Each due date with its state and why."""
        return [(run.due, run.state, run.why) for run in rows(self.place, order_run)]

    def events(self, kind: str) -> list[tuple[str, str]]:
        """Outcome and reason of each event of a kind."""
        found = rows(self.place, tables.event, tables.event.c.kind == kind)
        return [(row.outcome, row.detail["why"]) for row in found]

    def requests(self) -> dict[str, str]:
        """Rows of the journal by request id."""
        return {row.id: row.state for row in rows(self.place, tables.request)}

    def posted(self) -> list[str]:
        """Request ids of what stands in the bank's books."""
        return sorted(p.request_id for p in self.bank.postings.values() if not p.undone)


async def settled(life: Life) -> None:
    """Every row of the processor has its end."""
    while life.processor.open_count():
        await asyncio.sleep(0.005)


async def doomed(work: "asyncio.Task[Any]", kill: Kill) -> None:
    """Wait until the work ends or is killed, then stop all that is left of that life."""
    dead = asyncio.ensure_future(kill.dead.wait())
    await asyncio.wait({work, dead}, return_when=asyncio.FIRST_COMPLETED)
    dead.cancel()
    if kill.dead.is_set():
        me = asyncio.current_task()
        left = [t for t in asyncio.all_tasks() if t is not me and t.get_name() != "bank"]
        for task in left:
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)
    else:
        await work
