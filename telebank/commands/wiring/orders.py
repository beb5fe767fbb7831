"""Wiring of scheduled transfers and of payments that two people make: their services for the desk,
and the part of the node that carries out what is due."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

import structlog

from telebank.customers.approvals import Approvals
from telebank.customers.asked import Handler
from telebank.customers.orders import Orders
from telebank.customers.runner import Host, InForce, Processor, Runner
from telebank.ops.clock import SystemClock
from telebank.settings import Settings
from telebank.store.sealing import Keyring
from telebank.store.store import Store
from transactions.clock import Clock
from transactions.journal import JournalEvent
from transactions.ports import JournalUnavailable, LeaseLost
from transactions.service import Contracts

log = structlog.get_logger("telebank.orders")


class RuledProcessor(Processor, Protocol):
    """Which also says by what contracts a release's requests are served."""

    def contracts(self, release: str) -> Contracts:
        """See `transactions.processor.Processor`."""
        ...


class OrderRoom:
    """Handlers before the node is there, the runner once it is."""

    def __init__(
        self,
        settings: Settings,
        store: Store,
        keyring: Keyring,
        contracts: Contracts,
        clock: Clock | None = None,
    ) -> None:
        """`contracts` are those in force until `start`."""
        self._options = settings.orders
        self._store = store
        self._keyring = keyring
        self._clock = clock or SystemClock()
        self._of: Callable[[str], Contracts] = lambda _release: contracts
        run, zone = store.journal.run, store.journal.zone
        self._families: list[Mapping[str, Handler]] = [
            Orders(run, keyring, self._options, self._clock, zone).handlers(),
            Approvals(
                *(run, keyring, settings.approvals, self._contracts, self._clock, zone)
            ).handlers(),
        ]
        self._work: asyncio.Task[None] | None = None
        self._closing = False
        self._well = True
        """Whether the last look was not ended by what nobody foresaw."""

    def handlers(self) -> Sequence[Mapping[str, Handler]]:
        """For the desk."""
        return self._families

    def start(self, processor: RuledProcessor, host: Host, now: Callable[[], InForce]) -> None:
        """Look for what is due until `close`; `now` is what new requests go by."""
        self._of = processor.contracts
        runner = Runner(
            *(self._store.journal.run, self._store.journal, processor, host, self._keyring),
            *(now, self._options, self._clock),
        )
        self._begin(runner, 0.0)

    def _contracts(self, release: str) -> Contracts:
        return self._of(release)

    async def close(self) -> None:
        """Look no more; what is on its way to the host is the processor's."""
        self._closing = True
        if self._work is not None:
            self._work.cancel()
            await asyncio.gather(self._work, return_exceptions=True)

    def _begin(self, runner: Runner, pause_s: float) -> None:
        self._work = asyncio.create_task(self._keep_looking(runner, pause_s), name="orders")
        self._work.add_done_callback(lambda task: self._ended(runner, task))

    def _ended(self, runner: Runner, task: "asyncio.Task[None]") -> None:
        """What nobody foresaw is an alarm, once until all is well again; the others go on."""
        error = None if task.cancelled() else task.exception()
        if error is None or self._closing:
            return
        if self._well:
            log.error("orders.failed", error=type(error).__name__)
            self._note = asyncio.create_task(self._alarm(type(error).__name__), name="alarm")
        self._well = False
        self._begin(runner, self._options.look_s)

    async def _alarm(self, error: str) -> None:
        event = JournalEvent("alarm.orders")
        event.detail.update(why=f"looking for what is due failed: {error}")
        try:
            await self._store.journal.append(event)
        except (JournalUnavailable, LeaseLost):
            return  # it is in the log

    async def _keep_looking(self, runner: Runner, pause_s: float) -> None:
        """Ends where the lease is lost: the owner knows."""
        await self._clock.sleep(pause_s)
        while True:
            try:
                worked = await runner.look()
                self._well = True
                if worked:
                    log.info("orders.looked", due=worked)
            except JournalUnavailable as error:
                log.warning("orders.not_looked", error=str(error))
            except LeaseLost:
                return
            await self._clock.sleep(self._options.look_s)
