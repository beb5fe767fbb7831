"""An event loop whose time jumps to the next timer: hours of waiting cost nothing."""

import asyncio
import selectors
from collections.abc import Callable, Coroutine
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

T = TypeVar("T")
START = datetime(2026, 3, 2, 1, 0, tzinfo=UTC)


def _nowhere(seconds: float) -> None:
    raise AssertionError("the loop has not said how to jump")


class _Jumping(selectors.SelectSelector):
    """Never waits: tells the loop how far to jump instead."""

    jump: Callable[[float], None] = staticmethod(_nowhere)

    def select(self, timeout: float | None = None) -> Any:
        ready = super().select(0)
        if ready or timeout == 0:
            return ready
        if timeout is None:
            raise RuntimeError("everything waits and nothing is due: a dead end")
        self.jump(timeout)
        return ready


class VirtualLoop(asyncio.SelectorEventLoop):
    """Time begins at 1000 seconds."""

    def __init__(self) -> None:
        selector = _Jumping()
        self._virtual = 1000.0
        super().__init__(selector)
        selector.jump = self._jump

    def _jump(self, seconds: float) -> None:
        self._virtual += seconds

    def time(self) -> float:
        return self._virtual


class LoopClock:
    """The processor's clock on that loop."""

    def monotonic(self) -> float:
        return asyncio.get_running_loop().time()

    def now(self) -> datetime:
        return START + timedelta(seconds=self.monotonic() - 1000.0)

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


def run(work: Coroutine[Any, Any, T]) -> T:
    """Run in virtual time; fails where a task is left or died unseen."""
    loop = VirtualLoop()
    bad: list[str] = []
    loop.set_exception_handler(lambda _, context: bad.append(repr(context)))
    try:
        result = loop.run_until_complete(work)
        left = [task.get_name() for task in asyncio.all_tasks(loop)]
        assert not left, f"tasks left: {left}"
        assert not bad, bad
        return result
    finally:
        for task in asyncio.all_tasks(loop):
            task.cancel()
        loop.run_until_complete(asyncio.sleep(0))
        loop.close()
