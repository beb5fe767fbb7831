"""Numbers handed out of blocks reserved in the store, so that each is given once, restarts too."""

import asyncio
from functools import partial

from telebank.store.lookups import reserve
from telebank.store.writer import Writer

STANS = 999_999
"""Field 11 has six digits; 000000 is not used."""
REFERENCES = 10**10
"""The sequence part of field 37 has ten digits."""


class Numbers:
    """One counter of the node, used from the loop."""

    def __init__(self, writer: Writer, name: str, block: int) -> None:
        self._writer = writer
        self._name = name
        self._block = block
        self._next = 0
        self._end = 0
        self._refill = asyncio.Lock()

    async def take(self) -> int:
        """The next number, from 1 up; reserves a block where none is left."""
        while self._next >= self._end:
            async with self._refill:
                if self._next >= self._end:
                    work = partial(reserve, name=self._name, size=self._block)
                    self._next = await self._writer.run(work)
                    self._end = self._next + self._block
        number = self._next
        self._next += 1
        return number


def share(node: str, nodes: int) -> range:
    """The node's STANs: the id-th of `nodes` equal parts of 1 to 999999; all of them for an id
    beyond `nodes`, whose part is not known."""
    number, size = int(node), STANS // nodes
    if not 0 < number <= nodes:
        return range(1, STANS + 1)
    return range((number - 1) * size + 1, number * size + 1)


def shown(stans: range) -> str:
    """A share for people."""
    return f"{stans.start:06d}-{stans.stop - 1:06d}"


def stan(number: int, stans: range) -> str:
    """Field 11 of a counter's number: through the node's share, then from its start again."""
    return f"{stans[(number - 1) % len(stans)]:06d}"


def reference(node: str, number: int) -> str:
    """Field 37 of a counter's number: node (2 digits) and sequence (10 digits)."""
    return f"{node}{number % REFERENCES:010d}"
