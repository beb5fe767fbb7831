"""An event loop without sockets: time jumps to the next timer, and a network of ours connects."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, Protocol, TypeVar

T = TypeVar("T")
BEGIN = 1000.0
"""Seconds that every run begins at, so that equal runs send equal bytes."""
LONGEST_S = 7 * 86_400.0
"""Virtual seconds after which a run is taken for one that never ends."""


class Network(Protocol):
    """What the loop connects to."""

    async def connect(self, factory: Callable[[], Any]) -> tuple[Any, Any]:
        """Give transport and protocol of a new connection, or raise `OSError`."""
        ...


class _Jump:
    """In the place of a selector: never waits."""

    def __init__(self) -> None:
        self.now = BEGIN

    def select(self, timeout: float | None) -> list[Any]:
        if timeout is None:
            raise RuntimeError("everything waits and nothing is due: a dead end")
        self.now += timeout
        if self.now > BEGIN + LONGEST_S:
            raise RuntimeError("a week of virtual time has gone by: it never ends")
        return []

    def close(self) -> None:
        """Nothing is open."""


class SimulationLoop(asyncio.BaseEventLoop):
    """Deterministic: one thread, one clock, callbacks in order."""

    def __init__(self) -> None:
        super().__init__()
        self._selector = _Jump()
        self._clock_resolution = 1e-9
        self.network: Network | None = None
        self.bad: list[str] = []
        self.set_exception_handler(lambda _, context: self.bad.append(repr(context)))

    def time(self) -> float:
        """Virtual seconds."""
        return self._selector.now

    def _process_events(self, events: list[Any]) -> None:
        """There are none."""

    def _write_to_self(self) -> None:
        """Nobody calls from another thread."""

    async def create_connection(  # type: ignore[override]
        self, factory: Callable[[], Any], host: str | None = None, port: int | None = None
    ) -> tuple[Any, Any]:
        """A connection over the run's network."""
        del host, port
        assert self.network is not None
        return await self.network.connect(factory)


def simulate(work: Coroutine[Any, Any, T]) -> T:
    """Run in virtual time; fails where a task died unseen."""
    loop = SimulationLoop()
    asyncio.set_event_loop(loop)
    try:
        result = loop.run_until_complete(work)
        assert not loop.bad, loop.bad
        return result
    finally:
        left = asyncio.all_tasks(loop)
        for task in left:
            task.cancel()
        if left:
            loop.run_until_complete(asyncio.gather(*left, return_exceptions=True))
        asyncio.set_event_loop(None)
        loop.close()
