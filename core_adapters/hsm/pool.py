"""A bounded pool of threads for modules that block (PKCS#11)."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import ParamSpec, TypeVar

from core_adapters.hsm.errors import ModuleBusyError

P = ParamSpec("P")
T = TypeVar("T")


class ModulePool:
    """Runs a module's operations off the event loop; refuses rather than queueing without end."""

    def __init__(self, threads: int = 1, waiting: int = 256) -> None:
        """`threads` run at once (a token does one at a time), `waiting` more may wait."""
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix="hsm")
        self._most = threads + waiting
        self._count = 0

    @property
    def count(self) -> int:
        """Operations running or waiting."""
        return self._count

    async def run(self, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """The result of `work`; raises `ModuleBusyError` at once where too many wait."""
        if self._count >= self._most:
            raise ModuleBusyError(f"{self._count} operations wait for the security module")
        self._count += 1
        loop = asyncio.get_running_loop()
        # The count follows the thread, not the caller: one who gave up has not freed a thread.
        future = loop.run_in_executor(self._threads, lambda: work(*args, **kwargs))
        future.add_done_callback(self._done)
        return await asyncio.shield(future)

    def _done(self, future: "asyncio.Future[T]") -> None:
        self._count -= 1
        if not future.cancelled():
            # Looked at here, so that an abandoned failure is not reported at shutdown.
            future.exception()

    def close(self) -> None:
        """Take nothing more; wait for what runs."""
        self._threads.shutdown(wait=True, cancel_futures=True)
