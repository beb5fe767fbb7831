"""Wiring of section `[auth]`. With `verifier = "local"`: the security module and the store as one
`TelephonePins`; with `host`: what was kept is forgotten, and stays so.

The key `telephone.pin` has usage `verifier` and does nothing else; a card-PIN key refuses this
work. All nodes of one store need the same one (docs/keys.md).
"""

import asyncio
import contextlib
import secrets
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from typing import Any, Protocol, TypeVar

import structlog

from core_adapters.hsm.errors import (
    KeyRefusedError,
    PinBlockError,
    SecurityModuleError,
    UnknownKeyError,
)
from core_adapters.hsm.kinds import KeyState, Usage
from core_adapters.hsm.port import SecurityModule
from telebank.ops.clock import SystemClock
from telebank.settings import Settings
from telebank.store import telephone_pin as jobs
from telebank.store.known_balances import StoredBalances
from telebank.store.sealing import Keyring
from telebank.store.store import Store
from telebank.store.transaction import Transaction
from transactions.clock import Clock
from transactions.contract import Contracts
from transactions.journal import JournalEvent
from transactions.ports import JournalUnavailable, LeaseLost
from transactions.secret import Secret
from transactions.telephone_pin import (
    Customer,
    HostVerifies,
    Kept,
    LocalKnowledge,
    Match,
    Standing,
    told_by,
)

log = structlog.get_logger("telebank.pins")

KEY = "telephone.pin"
"""Name of the key in the security module."""
SALT_BYTES = 16
ALARM_PAUSE_S = 60.0
"""A module that is away is an alarm at most so often, not one for each PIN."""
DAY_S, HOUR_S = 86_400.0, 3_600.0
T = TypeVar("T")


class AtModule(Protocol):
    """Runs work where the security module is used: one operation at a time, off the event loop
    where the module blocks."""

    async def __call__(self, work: Callable[[], T]) -> T:
        """The result of `work`, or its error."""
        ...


class Journal(Protocol):
    """What is needed of the store's journal."""

    def run(self, work: Callable[[Transaction], Any]) -> Awaitable[Any]:
        """Run a job in the node's next commit."""
        ...

    async def append(self, event: JournalEvent) -> None:
        """Add an event."""
        ...


@dataclass(slots=True)
class Seldom:
    """Says yes at most once in `ALARM_PAUSE_S`."""

    clock: Clock = field(default_factory=SystemClock)
    _from: float | None = None

    def due(self) -> bool:
        """Whether it is time again; then the pause begins."""
        now = self.clock.monotonic()
        if self._from is not None and now - self._from < ALARM_PAUSE_S:
            return False
        self._from = now
        return True


@dataclass(frozen=True, slots=True)
class StoredPins:
    """Implements `transactions.telephone_pin.ForgetsPins`; needs no security module."""

    journal: Journal

    async def forget(self, customer: Customer) -> None:
        """Forget it, and what others are about to write of it."""
        await self.journal.run(partial(jobs.drop, customer=customer))


@dataclass(frozen=True, slots=True)
class ModulePins:
    """Implements `transactions.telephone_pin.TelephonePins`."""

    module: SecurityModule
    at_module: AtModule
    journal: Journal
    alarms: Seldom = field(default_factory=Seldom)

    async def match(self, customer: Customer, pin: Secret) -> tuple[Match, Standing]:
        """Compare in constant time; what an older version of the key made is made anew."""
        seen: Standing = await self.journal.run(partial(jobs.find, token=customer.token))
        if seen.kept is None:
            return Match.UNKNOWN, seen
        work = partial(self._compare, customer.token, pin, seen.kept)
        try:
            match, renewed = await self.at_module(work)
        except PinBlockError:  # no PIN at all, such as three digits
            return Match.OTHER, seen
        except SecurityModuleError as error:
            await self._alarm(error)
            return Match.UNKNOWN, seen
        if renewed is not None:
            with contextlib.suppress(JournalUnavailable):  # the next one does it
                await self.journal.run(
                    partial(jobs.keep, customer=customer, kept=renewed, seen=seen)
                )
        return match, seen

    async def remember(self, customer: Customer, pin: Secret, seen: Standing) -> None:
        """The host said that this one is right."""
        kept = await self._made(customer, pin)
        if kept is not None:
            await self.journal.run(partial(jobs.keep, customer=customer, kept=kept, seen=seen))

    async def take(self, customer: Customer) -> Standing:
        """Forget it for a change; what was kept."""
        taken: Standing = await self.journal.run(partial(jobs.take, customer=customer))
        return taken

    async def replace(self, customer: Customer, pin: Secret, taken: Standing) -> None:
        """The host took this one instead."""
        kept = await self._made(customer, pin)
        if kept is not None:
            job = partial(jobs.replace, customer=customer, kept=kept, taken=taken)
            await self.journal.run(job)

    async def put_back(self, customer: Customer, taken: Standing) -> None:
        """Keep it again, unless one was forgotten or changed since, or another is kept."""
        await self.journal.run(partial(jobs.put_back, customer=customer, taken=taken))

    async def forget(self, customer: Customer) -> None:
        """Forget it, and what others are about to write of it."""
        await self.journal.run(partial(jobs.drop, customer=customer))

    async def _made(self, customer: Customer, pin: Secret) -> Kept | None:
        """What tells this PIN; where the module does not answer, none is kept."""
        try:
            return await self.at_module(partial(self._make, customer.token, pin))
        except SecurityModuleError as error:
            await self.forget(customer)
            await self._alarm(error)
            return None

    # -- at the module ------------------------------------------------------------------------

    def _compare(self, customer: str, pin: Secret, kept: Kept) -> tuple[Match, Kept | None]:
        """What was made under a version that is retired, or under another key, tells nothing."""
        if kept.key_check not in self._live():
            return Match.UNKNOWN, None
        salt = _salt(kept.salt, customer)
        if not self.module.verify_pin(KEY, pin, salt, kept.verifier):
            return Match.OTHER, None
        current = self.module.check_value(KEY) == kept.key_check
        return Match.RIGHT, None if current else self._make(customer, pin)

    def _make(self, customer: str, pin: Secret) -> Kept:
        salt = secrets.token_bytes(SALT_BYTES)
        verifier = self.module.pin_verifier(KEY, pin, _salt(salt, customer))
        return Kept(salt, verifier, self.module.check_value(KEY))

    def _live(self) -> frozenset[str]:
        return frozenset(
            info.kcv
            for info in self.module.list_keys()
            if info.spec.name == KEY and info.state is not KeyState.RETIRED
        )

    async def _alarm(self, error: SecurityModuleError) -> None:
        """Customers are verified by the host meanwhile; with the host away, not at all."""
        if not self.alarms.due():
            return
        detail: dict[str, str | int | float | bool | None]
        detail = {"what": KEY, "text": f"no PIN is verified here: {error}"}
        await self.journal.append(JournalEvent("alarm", detail=detail))


async def at_once(work: Callable[[], T]) -> T:
    """An `AtModule` for the software module, which takes microseconds."""
    return work()


def _salt(salt: bytes, customer: str) -> bytes:
    """Bound to the card: a row that somebody moved to another card's token proves nothing there."""
    return salt + bytes.fromhex(customer)


async def open_host_verifier(store: Store, keyring: Keyring) -> HostVerifies:
    """`verifier = "host"`: what the setting left behind is of no use, and is a risk."""
    await store.journal.run(jobs.drop_all)
    await StoredBalances(store.journal.run, keyring).clear()
    return HostVerifies(StoredPins(store.journal))


async def open_local(
    settings: Settings,
    module: SecurityModule,
    at_module: AtModule,
    store: Store,
    keyring: Keyring,
    contracts: Contracts,
    stack: contextlib.AsyncExitStack,
) -> LocalKnowledge:
    """What this node knows itself. Raises `UnknownKeyError` or `KeyRefusedError` where the module
    has no key for it, saying how to make one."""
    _require_key(module)  # nobody else is at the module before the host is started
    clock, auth = SystemClock(), settings.auth
    balances = StoredBalances(store.journal.run, keyring)
    oldest = timedelta(days=auth.balance_days)
    await balances.purge(clock.now() - oldest)
    purging = asyncio.create_task(purge_daily(balances, oldest, clock), name="purge balances")
    purging.add_done_callback(_purging_ended)
    stack.callback(purging.cancel)
    log.info("pins.local", key=KEY, balance_days=auth.balance_days)
    return LocalKnowledge(
        pins=ModulePins(module, at_module, store.journal),
        balances=balances,
        options=auth,
        clock=clock,
        zone=settings.transactions.zone,
        names=told_by(contracts),
    )


async def purge_daily(balances: StoredBalances, oldest: timedelta, clock: Clock) -> None:
    """Remove each day what is too old to be told; in an hour again where the journal is away. Ends
    where the lease is lost."""
    pause = DAY_S
    while True:
        await clock.sleep(pause)
        try:
            await balances.purge(clock.now() - oldest)
        except JournalUnavailable as error:
            log.warning("balances.not_purged", error=str(error))
            pause = HOUR_S
        except LeaseLost:
            return
        else:
            pause = DAY_S


def _purging_ended(task: asyncio.Task[None]) -> None:
    error = None if task.cancelled() else task.exception()
    if error is not None:
        log.error("balances.purging_ended", error=type(error).__name__)


def _require_key(module: SecurityModule) -> None:
    make = f"telebank keys generate {KEY} --usage verifier --algorithm hmac-sha256"
    own = [info for info in module.list_keys() if info.spec.name == KEY]
    live = [info for info in own if info.state is not KeyState.RETIRED]
    if not live:
        raise UnknownKeyError(
            f'[auth] verifier is "local", and the security module has no key {KEY}; make it with '
            f"`{make}`, or copy it from the node that has it (docs/keys.md)"
        )
    if live[0].spec.usage is not Usage.VERIFIER:
        raise KeyRefusedError(
            f"{KEY} is a {live[0].spec.usage} key; telephone PINs need one of their own: `{make}`"
        )
