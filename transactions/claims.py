"""One at a time for an id and for a quote: the second finds the first's result (rule 9)."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager

from transactions.request import Request


class Claims:
    """Ids and quotes that somebody works on; no more than the processor's work at once."""

    def __init__(self) -> None:
        self._held: dict[str, asyncio.Event] = {}

    @asynccontextmanager
    async def turn(self, request: Request, handle: str = "") -> AsyncIterator[None]:
        """Wait until nobody works on the request's id or on the quote, then hold both."""
        await self.free(request, handle)
        with self._hold(_names(request, handle)):
            yield

    async def free(self, request: Request, handle: str) -> None:
        """Wait until nobody works on the request's id or on the quote."""
        names = _names(request, handle)
        while busy := [self._held[name] for name in names if name in self._held]:
            await busy[0].wait()

    @contextmanager
    def _hold(self, names: set[str]) -> Iterator[None]:
        done = asyncio.Event()
        self._held.update(dict.fromkeys(names, done))
        try:
            yield
        finally:
            for name in names:
                del self._held[name]
            done.set()


def _names(request: Request, handle: str) -> set[str]:
    return {f"id {request.id}", f"quote {handle}"} if handle else {f"id {request.id}"}
