"""`GET /v1/desk/board?after=N&wait=S`: what changed on the board since N, as the asker may see it.

Nothing changed: the answer waits, at most `wait` seconds. `boot` says of which run of the node the
screen's board is. `seat=1` is a seat's own page, and says that it is there; it is to be said every
ten seconds, so it waits no longer. `live=1`: see `Counter.actor`.
"""

from collections.abc import Sequence

import msgspec
from aiohttp import web

from telebank.calls.control.acts import Acts
from telebank.calls.control.board_keeper import (
    BoardKeeper,
    OfSeat,
    TooManyScreens,
    View,
    Whole,
)
from telebank.calls.control.common import stop
from telebank.calls.control.desk import Counter
from telebank.calls.control.seating import TellerDesks
from telebank.staff.roles import SIT, WATCH, Role, may
from transactions.approval import Actor

MOST_S = 20.0
"""Longest wait for a change, in seconds."""
SEAT_S = 10.0
"""The same of a seat's own page: a page counts as gone 15 seconds after its last question."""
MAX_BOOT = 64


class BoardPart:
    """A `ControlPart`."""

    def __init__(self, counter: Counter, boards: BoardKeeper, room: TellerDesks) -> None:
        self._counter = counter
        self._acts = Acts(counter.desk)
        self._boards = boards
        self._room = room

    def routes(self) -> Sequence[web.AbstractRouteDef]:
        """See `ControlPart`."""
        return [web.get("/v1/desk/board", self._board)]

    async def _board(self, request: web.Request) -> web.Response:
        after, wait = _number(request, "after"), _seconds(request)
        by = await self._counter.actor(request)
        view = self._view(by)
        if view is None:
            return (await self._acts.denied(by, WATCH, request.path)).response()
        if request.query.get("seat") == "1" and may(Role(by.role), SIT):
            self._room.seen(by.id)
            wait = min(wait, SEAT_S)
        boot = request.query.get("boot", "")[:MAX_BOOT]
        try:
            seen = await self._boards.wait(
                view, after, wait, boot, left=lambda: request.transport is None
            )
        except TooManyScreens:
            stop(503, "busy", "too many screens wait for the board: try again in a few seconds")
        if self._counter.desk.session(self._counter.token(request), act=False) is None:
            stop(401, "login_needed", "this login ended meanwhile: log in again")
        return web.Response(body=msgspec.json.encode(seen), content_type="application/json")

    def _view(self, by: Actor) -> View | None:
        """What somebody may see; None: nothing."""
        if may(Role(by.role), WATCH):
            return Whole()
        return OfSeat(by.id, self._boards) if may(Role(by.role), SIT) else None


def _number(request: web.Request, name: str) -> int | None:
    text = request.query.get(name, "")
    if not text:
        return None
    if not text.isascii() or not text.isdigit() or len(text) > 18:  # noqa: PLR2004 - of 64 bits
        stop(400, "bad_request", f"`{name}` is a whole number")
    return int(text)


def _seconds(request: web.Request) -> float:
    text = request.query.get("wait", "0")
    try:
        seconds = float(text)
    except ValueError:
        seconds = -1.0
    if not 0 <= seconds <= MOST_S:
        stop(400, "bad_request", f"`wait` is 0 to {MOST_S:g} seconds")
    return seconds
