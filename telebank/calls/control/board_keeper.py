"""What desks and wallboards see, kept by change numbers; screens ask what changed since theirs.

Each row has the number of its last change, and rows are kept in that order, so that a screen which
is nearly up to date costs nearly nothing. Of rows that are gone a bounded history is kept: who
looked before it began is given the whole board.

What one may see is a `View`. A teller's is narrow, and nothing in it changes when a supervisor
begins to listen: a row has the number of its last change that tellers see beside its own.
"""

import asyncio
import contextlib
from collections import OrderedDict, deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple, Protocol

import msgspec

from telebank.agents.board import AnyRow, Board, CallRow, Changes, Gone, QueueRow, SeatRow

HISTORY = 4_096
"""Rows that are gone, and are remembered."""
MOST_WAITING = 400
"""Screens that wait at once."""
LOOK_S = 1.0
"""Seconds after which an asker who has gone is found out."""


class Place(NamedTuple):
    """Where a row is on the board."""

    kind: str
    key: str


class View(Protocol):
    """What somebody may see."""

    def of(self, kept: "Kept") -> AnyRow | None:
        """The row as he may see it; None: not at all."""
        ...

    def saw(self, trail: frozenset[str]) -> bool:
        """Whether he may have seen a row that was in these hands."""
        ...

    def since(self, boards: "BoardKeeper") -> int:
        """The change at which what he may see became what it is; older screens take it whole."""
        ...


@dataclass(frozen=True, slots=True)
class Kept:
    """A row of the board."""

    row: AnyRow
    public_at: int
    """Its last change that tellers may know of."""
    trail: frozenset[str]
    """Queues (`queue:NAME`) and seats (`seat:ID`) that it was ever in the hands of."""


@dataclass(frozen=True, slots=True)
class _Past:
    at: int
    place: Place
    trail: frozenset[str]


class TooManyScreens(Exception):  # noqa: N818 - reads as what it is
    """So many wait that another cannot."""


class BoardKeeper:
    """The board of one run of a node, `boot`. `first`: where its numbers begin, above all those of
    runs before, so that a screen of one of those is known by its number alone."""

    def __init__(
        self, boot: str, first: int = 0, history: int = HISTORY, most: int = MOST_WAITING
    ) -> None:
        self.boot = boot
        self.at = first
        """Number of the last change."""
        self._rows: OrderedDict[Place, Kept] = OrderedDict()
        """In the order of their changes."""
        self._past: deque[_Past] = deque(maxlen=history)
        self._forgotten = first
        """The last change of a row that is gone and no more remembered."""
        self._scopes: dict[str, int] = {}
        """By seat: the change at which its queues became others."""
        self._most = most
        self._changed = asyncio.Event()
        self.waiting = 0
        """Screens that wait."""

    # -- changes ------------------------------------------------------------------------------

    def put(self, row: AnyRow) -> None:
        """A row that is new, or another; nothing where it is the same."""
        place = Place(type(row).__name__, row.key)
        before = self._rows.get(place)
        if before is not None and _same(before.row, row):
            return
        at = self.at + 1
        hidden = before is not None and _same(public(before.row), public(row))
        self._rows[place] = Kept(
            msgspec.structs.replace(row, at=at),
            before.public_at if before is not None and hidden else at,
            _hands(row) | (before.trail if before is not None else frozenset()),
        )
        self._rows.move_to_end(place)
        if isinstance(row, SeatRow) and _queues(before) != _queues_of(row):
            self._scopes[row.key] = at
        self._tell(at)

    def drop(self, kind: str, key: str) -> None:
        """A row that is no more."""
        kept = self._rows.pop(Place(kind, key), None)
        if kept is None:
            return
        at = self.at + 1
        if len(self._past) == self._past.maxlen:
            self._forgotten = self._past[0].at
        self._past.append(_Past(at, Place(kind, key), kept.trail))
        if kind == SeatRow.__name__:
            self._scopes[key] = at
        self._tell(at)

    def _tell(self, at: int) -> None:
        self.at = at
        self._changed.set()
        self._changed = asyncio.Event()

    # -- screens ------------------------------------------------------------------------------

    def row(self, kind: str, key: str) -> AnyRow | None:
        """One row, whole; None: there is none."""
        kept = self._rows.get(Place(kind, key))
        return None if kept is None else kept.row

    def scope_of(self, seat: str) -> int:
        """The change at which a seat's queues became what they are."""
        return self._scopes.get(seat, 0)

    def look(self, view: View, after: int | None = None, boot: str = "") -> Board | Changes:
        """What changed after `after` for who has this view; the whole board where he has none yet,
        has one of another run, or one that is too old."""
        if (
            after is None
            or boot not in {"", self.boot}
            or not max(self._forgotten, view.since(self)) <= after <= self.at
        ):
            seen = (view.of(kept) for kept in self._rows.values())
            return Board(boot=self.boot, at=self.at, rows=tuple(row for row in seen if row))
        rows, gone = self._after(view, after)
        return Changes(boot=self.boot, at=self.at, rows=tuple(rows), gone=tuple(gone))

    def _after(self, view: View, after: int) -> tuple[list[AnyRow], list[Gone]]:
        rows: list[AnyRow] = []
        gone: dict[Place, Gone] = {}
        for place, kept in reversed(self._rows.items()):
            if kept.row.at <= after:
                break
            row = view.of(kept)
            if row is None:
                if view.saw(kept.trail):
                    gone[place] = Gone(*place)
            elif row.at > after:
                rows.append(row)
        for past in reversed(self._past):
            if past.at <= after:
                break
            now = self._rows.get(past.place)
            if view.saw(past.trail) and (now is None or view.of(now) is None):
                gone[past.place] = Gone(*past.place)
        return rows, list(gone.values())

    async def wait(
        self,
        view: View,
        after: int | None,
        seconds: float,
        boot: str = "",
        *,
        left: Callable[[], bool] = lambda: False,
    ) -> Board | Changes:
        """As `look`, once there is something to see, or after so many seconds, or once the asker
        has `left`, which is looked for every second. Raises `TooManyScreens`."""
        if self.waiting >= self._most:
            raise TooManyScreens
        loop = asyncio.get_running_loop()
        until = loop.time() + seconds
        self.waiting += 1
        try:
            while True:
                seen = self.look(view, after, boot)
                more = until - loop.time()
                if isinstance(seen, Board) or seen.rows or seen.gone or more <= 0 or left():
                    return seen
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._changed.wait(), min(more, LOOK_S))
        finally:
            self.waiting -= 1


@dataclass(frozen=True, slots=True)
class Whole:
    """Of supervisors and of who watches them: everything."""

    def of(self, kept: Kept) -> AnyRow | None:
        """See `View`."""
        return kept.row

    def saw(self, trail: frozenset[str]) -> bool:
        """See `View`."""
        return True

    def since(self, boards: BoardKeeper) -> int:
        """See `View`."""
        return 0


@dataclass(frozen=True, slots=True)
class OfSeat:
    """Of a teller: himself, who else is there, his queues, who waits in them, and his own call."""

    seat: str
    boards: BoardKeeper

    def of(self, kept: Kept) -> AnyRow | None:
        """See `View`."""
        row = public(kept.row)
        shown: AnyRow | None
        if isinstance(row, SeatRow):
            shown = row if row.key == self.seat else _colleague(row)
        elif isinstance(row, QueueRow):
            shown = row if row.key in self._queues else None
        else:
            shown = self._call(row)
        return None if shown is None else msgspec.structs.replace(shown, at=kept.public_at)

    def saw(self, trail: frozenset[str]) -> bool:
        """See `View`."""
        mine = {f"seat:{self.seat}", *(f"queue:{name}" for name in self._queues)}
        return "all" in trail or not mine.isdisjoint(trail)

    def since(self, boards: BoardKeeper) -> int:
        """See `View`."""
        return boards.scope_of(self.seat)

    def _call(self, row: CallRow) -> CallRow | None:
        if self.seat == row.seat or self.seat in row.others:
            return row
        if row.state == "waiting" and row.queue in self._queues:
            return msgspec.structs.replace(row, path=(), keys="", customer="")
        return None

    @property
    def _queues(self) -> tuple[str, ...]:
        return _queues_of(self.boards.row(SeatRow.__name__, self.seat))


def public(row: AnyRow) -> AnyRow:
    """A row without what only supervisors' boards have."""
    return msgspec.structs.replace(row, watched_by="") if isinstance(row, SeatRow) else row


def _colleague(row: SeatRow) -> SeatRow:
    return SeatRow(key=row.key, name=row.name, state=row.state, since="")


def _same(one: AnyRow, other: AnyRow) -> bool:
    return one == msgspec.structs.replace(other, at=one.at)


def _queues(kept: Kept | None) -> tuple[str, ...] | None:
    return None if kept is None else _queues_of(kept.row)


def _queues_of(row: AnyRow | None) -> tuple[str, ...]:
    return (*row.queues, *row.helps) if isinstance(row, SeatRow) else ()


def _hands(row: AnyRow) -> frozenset[str]:
    if isinstance(row, SeatRow):
        return frozenset({"all"})
    if isinstance(row, QueueRow):
        return frozenset({f"queue:{row.key}"})
    seats = {f"seat:{seat}" for seat in (row.seat, *row.others) if seat}
    return frozenset({f"queue:{row.queue}", *seats} if row.queue else seats)
