"""A host on an event loop and a thread of its own, for a security module that blocks.

A PKCS#11 token does one operation at a time and keeps its caller waiting, and every message has a
MAC. Making the codec asynchronous would let frames overtake each other between MAC and
multiplexer; so the whole adapter moves to another loop instead, where waiting for the token delays
the messages of this host, which wait for it anyhow, and no call. The software module takes
microseconds and needs none of this.
"""

import asyncio
import threading
from collections.abc import Callable, Coroutine, Mapping
from datetime import date
from typing import Any, TypeVar

from core_adapters.iso8583.host import Iso8583Host
from core_adapters.iso8583.host_types import HostEvents
from core_adapters.iso8583.keys.change_types import KeyEvent
from core_adapters.iso8583.profile import Profile
from core_adapters.tap import Tap
from transactions.contract import Contracts
from transactions.outcome import Outcome
from transactions.ports import Health, HostTotals, MessageLog, ReversalOutcome
from transactions.request import HostMessage, Request

T = TypeVar("T")


class ApartHost:
    """An `Iso8583Host` elsewhere; implements `HostAdapter` and what a node needs beside it."""

    def __init__(
        self,
        make: Callable[[HostEvents, Tap | None], Iso8583Host],
        events: HostEvents,
        tap: Tap | None = None,
    ) -> None:
        """`make` builds the host with events and tap that come back to the caller's loop."""
        self._home = asyncio.get_running_loop()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="host", daemon=True)
        across = HostEvents(
            late=self._home_call(events.late),
            alarm=self._home_call(events.alarm),
            link=self._home_call(events.link),
            key=self._home_call(events.key),
            answered=self._home_call(events.answered),
        )
        self._host = make(across, _TapAcross(tap, self._home) if tap is not None else None)

    async def start(self) -> None:
        """Open the links; returns before they are signed on."""
        await self._there(self._host.start())

    async def wait_signed_on(self, timeout_s: float) -> bool:
        """See `Iso8583Host.wait_signed_on`."""
        return await self._there(self._host.wait_signed_on(timeout_s))

    async def close(self) -> None:
        """See `Iso8583Host.close`; then the thread ends."""
        if not self._thread.is_alive():
            self._loop.close()
            return
        await self._there(self._host.close())
        self._loop.call_soon_threadsafe(self._loop.stop)
        await asyncio.to_thread(self._thread.join)
        self._loop.close()

    def capabilities(self) -> Mapping[str, int]:
        """See `HostAdapter.capabilities`."""
        return self._host.capabilities()

    def serves(self, release: str) -> Mapping[str, int]:
        """See `Iso8583Host.serves`."""
        return self._host.serves(release)

    async def learn(self, release: str, profile: Profile, contracts: Contracts) -> str:
        """See `Iso8583Host.learn`."""
        return await self._there(self._host.learn(release, profile, contracts))

    async def use(self, release: str) -> None:
        """See `Iso8583Host.use`."""
        await self._there(self._host.use(release))

    async def stand_in(self, release: str) -> None:
        """See `Iso8583Host.stand_in`."""
        await self._there(self._host.stand_in(release))

    async def forget(self, release: str) -> None:
        """See `Iso8583Host.forget`."""
        await self._there(self._host.forget(release))

    async def execute(
        self, request: Request, log: MessageLog, repeat_of: HostMessage | None = None
    ) -> Outcome:
        """See `HostAdapter.execute`."""
        across = _LogAcross(log, self._home)
        return await self._there(self._host.execute(request, across, repeat_of))

    async def reverse(  # noqa: PLR0917 - the order of the port
        self,
        original: Request,
        sent: HostMessage,
        reason: str,
        log: MessageLog,
        attempt: int,
        repeat_of: HostMessage | None = None,
    ) -> ReversalOutcome:
        """See `HostAdapter.reverse`."""
        across = _LogAcross(log, self._home)
        work = self._host.reverse(original, sent, reason, across, attempt, repeat_of)
        return await self._there(work)

    async def query_status(self, request: Request, sent: HostMessage) -> Outcome:
        """See `HostAdapter.query_status`."""
        return await self._there(self._host.query_status(request, sent))

    async def health(self) -> Health:
        """See `HostAdapter.health`."""
        return await self._there(self._host.health())

    async def reconcile(self, business_date: date) -> HostTotals:
        """See `HostAdapter.reconcile`."""
        return await self._there(self._host.reconcile(business_date))

    @property
    def exchanged_keys(self) -> tuple[str, ...]:
        """See `Iso8583Host.exchanged_keys`."""
        return self._host.exchanged_keys

    async def rotate_key(self, name: str) -> KeyEvent:
        """See `Iso8583Host.rotate_key`."""
        return await self._there(self._host.rotate_key(name))

    async def reload_keys(self) -> None:
        """See `Iso8583Host.reload_keys`."""
        await self._there(self._host.reload_keys())

    async def at_module(self, work: Callable[[], T]) -> T:
        """Other work on the security module, in its turn on the same thread: a token's library
        takes no two at once."""

        async def there() -> T:
            return work()

        return await self._there(there())

    def _begin(self) -> None:
        """Run the thread, once: what releases say is learnt before `start`."""
        if self._thread.ident is None:
            self._thread.start()

    async def _there(self, work: Coroutine[Any, Any, T]) -> T:
        self._begin()
        return await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(work, self._loop))

    def _home_call(self, told: Callable[..., None]) -> Callable[..., None]:
        return lambda *what: void(self._home.call_soon_threadsafe(told, *what))


def void(_handle: object) -> None:
    """Nobody cancels what was told."""


class _LogAcross:
    """The journal's part of a request, which lives on the other loop; errors come along."""

    def __init__(self, log: MessageLog, home: asyncio.AbstractEventLoop) -> None:
        self._log = log
        self._home = home

    async def next_stan(self) -> str:
        """See `MessageLog.next_stan`."""
        return await self._back(self._log.next_stan())

    async def sending(self, message: HostMessage) -> None:
        """See `MessageLog.sending`."""
        await self._back(self._log.sending(message))

    async def answered(self, message: HostMessage) -> None:
        """See `MessageLog.answered`."""
        await self._back(self._log.answered(message))

    async def _back(self, work: Coroutine[Any, Any, T]) -> T:
        return await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(work, self._home))


class _TapAcross(Tap):
    """A tap whose watchers are on the other loop."""

    def __init__(self, tap: Tap, home: asyncio.AbstractEventLoop) -> None:
        super().__init__()
        self._tap = tap
        self._home = home

    @property
    def wanted(self) -> bool:
        """Whether anybody watches; a moment old at worst."""
        return self._tap.wanted

    def put(self, event: Mapping[str, object]) -> None:
        """Tell every watcher, over there."""
        self._home.call_soon_threadsafe(self._tap.put, event)
