"""From the room of tellers to the board: rows that changed, once a turn of the loop; and every
second all of them, for what changes by time alone (who is present, how long one waits)."""

import asyncio
from typing import Protocol

from telebank.agents.board import AnyRow, QueueRow
from telebank.calls.control.board_keeper import BoardKeeper, Place

EVERY_S = 1.0


class RowSource(Protocol):
    """The room of tellers, as far as boards show it."""

    def rows(self, *, for_supervisor: bool) -> list[AnyRow]:
        """All rows."""
        ...

    def row(self, kind: str, key: str, *, for_supervisor: bool) -> AnyRow | None:
        """One row; None: it is no more."""
        ...


class BoardFeed:
    """Keeps a board as the room is."""

    def __init__(self, room: RowSource, keeper: BoardKeeper) -> None:
        self._room = room
        self._keeper = keeper
        self._dirty: dict[Place, None] = {}
        self._there: set[Place] = set()
        self._turn: asyncio.Handle | None = None
        self._timer: asyncio.TimerHandle | None = None

    def start(self) -> None:
        """From now on, on the loop that runs."""
        self._timer = asyncio.get_running_loop().call_later(EVERY_S, self._again)
        self.all()

    def close(self) -> None:
        """No more."""
        for handle in (self._turn, self._timer):
            if handle is not None:
                handle.cancel()

    def changed(self, kind: str, key: str) -> None:
        """The room says that a row is another, or is no more."""
        self._dirty[Place(kind, key)] = None
        if self._turn is None:
            self._turn = asyncio.get_running_loop().call_soon(self._flush)

    def all(self) -> None:
        """Look at every row."""
        rows = self._room.rows(for_supervisor=True)
        there = {Place(type(row).__name__, row.key) for row in rows}
        for place in self._there - there:
            self._put(place, None)
        for row in rows:
            self._put(Place(type(row).__name__, row.key), row)

    def _flush(self) -> None:
        self._turn = None
        dirty, self._dirty = self._dirty, {}
        queues = (place for place in self._there if place.kind == QueueRow.__name__)
        for place in dict.fromkeys([*dirty, *queues]):  # what a call or a seat does, a queue counts
            self._put(place, self._room.row(*place, for_supervisor=True))

    def _put(self, place: Place, row: AnyRow | None) -> None:
        if row is None:
            self._there.discard(place)
            self._keeper.drop(*place)
        else:
            self._there.add(place)
            self._keeper.put(row)

    def _again(self) -> None:
        self._timer = asyncio.get_running_loop().call_later(EVERY_S, self._again)
        self.all()
