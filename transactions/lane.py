"""Turns for a bounded number at once, the lowest rank first, then first come."""

import asyncio
import heapq
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import count


class Lane:
    """`width` holders at once; waiters are as many as the rows being settled.

    Places are given a turn of the loop after they are asked for, so that of all that wake at the
    same moment (a link came back) the lowest rank is first.
    """

    def __init__(self, width: int) -> None:
        self._free = width
        self._order = count()
        self._waiting: list[tuple[int, int, asyncio.Future[None]]] = []

    @asynccontextmanager
    async def turn(self, rank: int) -> AsyncIterator[None]:
        """Hold one place while the block runs."""
        loop = asyncio.get_running_loop()
        place: asyncio.Future[None] = loop.create_future()
        heapq.heappush(self._waiting, (rank, next(self._order), place))
        loop.call_soon(self._give)
        try:
            await place
            yield
        finally:
            if place.done() and not place.cancelled():
                self._free += 1
                self._give()

    def _give(self) -> None:
        while self._free > 0 and self._waiting:
            place = heapq.heappop(self._waiting)[2]
            if not place.done():
                self._free -= 1
                place.set_result(None)
