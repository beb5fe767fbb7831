"""Wiring of `[auth] verifier = "local"`: the security module and the store as one `TelephonePins`.

The key `telephone.pin` has usage `verifier` and does nothing else; a card-PIN key refuses this
work. All nodes of one store need the same one (docs/keys.md).
"""

import secrets
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
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
from transactions.contract import Contracts
from transactions.journal import JournalEvent
from transactions.secret import Secret
from transactions.telephone_pin import Kept, LocalKnowledge, Match, told_by

log = structlog.get_logger("telebank.pins")

KEY = "telephone.pin"
"""Name of the key in the security module."""
SALT_BYTES = 16
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


@dataclass(frozen=True, slots=True)
class ModulePins:
    """Implements `transactions.telephone_pin.TelephonePins`."""

    module: SecurityModule
    at_module: AtModule
    journal: Journal

    async def match(self, customer: str, pin: Secret) -> Match:
        """Compare in constant time; what an older version of the key made is made anew."""
        kept: Kept | None = await self.journal.run(partial(jobs.find, token=customer))
        if kept is None:
            return Match.UNKNOWN
        try:
            match, renewed = await self.at_module(partial(self._compare, customer, pin, kept))
        except PinBlockError:  # no PIN at all, such as three digits
            return Match.OTHER
        except SecurityModuleError as error:
            await self._alarm(error)
            return Match.UNKNOWN
        if renewed is not None:
            await self.journal.run(partial(jobs.keep, token=customer, kept=renewed))
        return match

    async def remember(self, customer: str, pin: Secret) -> None:
        """The host said that this one is right."""
        try:
            kept = await self.at_module(partial(self._make, customer, pin))
        except SecurityModuleError as error:
            await self.journal.run(partial(jobs.take, token=customer))
            await self._alarm(error)
            return
        await self.journal.run(partial(jobs.keep, token=customer, kept=kept))

    async def take(self, customer: str) -> Kept | None:
        """Forget it; what was kept."""
        kept: Kept | None = await self.journal.run(partial(jobs.take, token=customer))
        return kept

    async def put_back(self, customer: str, kept: Kept) -> None:
        """Keep it again, unless another is kept by now."""
        await self.journal.run(partial(jobs.put_back, token=customer, kept=kept))

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
        detail: dict[str, str | int | float | bool | None]
        detail = {"what": KEY, "text": f"no PIN is verified here: {error}"}
        await self.journal.append(JournalEvent("alarm", detail=detail))


async def at_once(work: Callable[[], T]) -> T:
    """An `AtModule` for the software module, which takes microseconds."""
    return work()


def _salt(salt: bytes, customer: str) -> bytes:
    """Bound to the card: a row that somebody moved to another card's token proves nothing there."""
    return salt + bytes.fromhex(customer)


async def open_local(
    settings: Settings,
    module: SecurityModule,
    at_module: AtModule,
    store: Store,
    keyring: Keyring,
    contracts: Contracts,
) -> LocalKnowledge:
    """What this node knows itself. Raises `UnknownKeyError` or `KeyRefusedError` where the module
    has no key for it, saying how to make one."""
    _require_key(module)  # nobody else is at the module before the host is started
    clock, auth = SystemClock(), settings.auth
    balances = StoredBalances(store.journal.run, keyring)
    await balances.purge(clock.now() - timedelta(days=auth.balance_days))
    log.info("pins.local", key=KEY, balance_days=auth.balance_days)
    return LocalKnowledge(
        pins=ModulePins(module, at_module, store.journal),
        balances=balances,
        options=auth,
        clock=clock,
        zone=settings.transactions.zone,
        names=told_by(contracts),
    )


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
