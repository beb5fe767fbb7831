"""Paths of the floor: `POST /v1/floor/ACT`, what a supervisor does at others' desks.

Each act is a right of its own, and is in the event log before it happens (`floor.ACT`, outcome
`asked`); where the store does not take the event nothing happens. Where the room then says no, that
is a second event.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from types import MappingProxyType
from typing import Annotated, Any, Literal

import msgspec
from aiohttp import web

from telebank.agents.board import SeatRow
from telebank.calls.control.acts import Acts
from telebank.calls.control.common import Reply, read_body
from telebank.calls.control.desk import Counter
from telebank.calls.control.seating import OfSeatBody, Reason, TellerFloor, no
from telebank.staff.roles import (
    BARGE,
    FORCE,
    INTERCEPT,
    MONITOR,
    RECORD,
    RIGHTS,
    WHISPER,
    Role,
    may,
)
from telebank.store import seats
from telebank.store.seats import FloorAct
from transactions.approval import Actor

ASKED = "asked"
"""Outcome of an event that is written before its act."""


class ListenBody(OfSeatBody, frozen=True, kw_only=True):
    """Whom to listen to; `phone`: by which extension, where one sits at no desk."""

    phone: Annotated[str, msgspec.Meta(pattern="^[0-9A-Za-z._-]{0,32}$")] = ""


class ForceBody(OfSeatBody, frozen=True, kw_only=True):
    """Somebody's state; `out`: he is logged out."""

    state: Literal["ready", "busy", "break", "out"]
    reason: Reason = ""


class RecordBody(OfSeatBody, frozen=True, kw_only=True):
    """Somebody's recording."""

    on: bool


@dataclass(frozen=True, slots=True)
class _Act:
    right: str
    body: type[OfSeatBody]
    do: Callable[[TellerFloor, str, Any, str], str | None]
    """By the room, the person who acts, the body, and the phone that is his own."""


def _force(room: TellerFloor, by: str, body: ForceBody) -> str | None:
    if body.state == "out":
        return room.force_out(by, body.seat)
    return room.force(by, body.seat, body.state, body.reason)


ACTS: Mapping[str, _Act] = MappingProxyType(
    {
        "monitor": _Act(
            MONITOR, ListenBody, lambda room, by, body, phone: room.monitor(by, body.seat, phone)
        ),
        "whisper": _Act(
            WHISPER, ListenBody, lambda room, by, body, phone: room.whisper(by, body.seat, phone)
        ),
        "barge": _Act(
            BARGE, ListenBody, lambda room, by, body, phone: room.barge(by, body.seat, phone)
        ),
        "stop": _Act(MONITOR, OfSeatBody, lambda room, by, body, _phone: room.stop(by, body.seat)),
        "intercept": _Act(
            INTERCEPT, OfSeatBody, lambda room, by, body, _phone: room.intercept(by, body.seat)
        ),
        "force": _Act(FORCE, ForceBody, lambda room, by, body, _phone: _force(room, by, body)),
        "record": _Act(
            RECORD,
            RecordBody,
            lambda room, by, body, _phone: room.record(by, body.seat, on=body.on),
        ),
    }
)
"""By the last part of the path. Who may begin to listen may end it."""


class FloorPart:
    """A `ControlPart`."""

    def __init__(self, counter: Counter, room: TellerFloor) -> None:
        self._counter = counter
        self._acts = Acts(counter.desk)
        self._room = room

    def routes(self) -> Sequence[web.AbstractRouteDef]:
        """See `ControlPart`."""
        return [web.post(f"/v1/floor/{name}", partial(self._act, name)) for name in ACTS]

    async def _act(self, name: str, request: web.Request) -> web.Response:
        act = ACTS[name]
        body = await read_body(request, act.body)
        by = await self._counter.actor(request)

        async def work() -> Reply:
            if not may(Role(by.role), act.right):
                return await self._acts.denied(by, act.right, body.seat, RIGHTS[act.right])
            return await self._done(name, act, body, by)

        return await self._counter.once(request, by.id, body.request_id, work)

    async def _done(self, name: str, act: _Act, body: OfSeatBody, by: Actor) -> Reply:
        seat = self._room.row(SeatRow.__name__, body.seat, for_supervisor=True)
        phone = getattr(body, "phone", "") or await self._own_phone(by)
        detail = _detail(body, phone)
        of = FloorAct(body.seat, seat.call if isinstance(seat, SeatRow) else "", detail)
        told = partial(seats.acted, act=name, by=by, of=of)
        await self._counter.desk.run(partial(told, outcome=ASKED))
        code = act.do(self._room, by.id, body, phone)
        if code is not None:
            await self._counter.desk.run(partial(told, outcome=code))
            return no(code)
        return Reply(200, {"seat": body.seat, "done": name})

    async def _own_phone(self, by: Actor) -> str:
        profile = await self._counter.desk.run(partial(seats.profile, person_id=by.id))
        return "" if profile is None else profile.phone


def _detail(body: OfSeatBody, phone: str) -> Mapping[str, str | bool]:
    """What the event says beside the seat; `phone` of the person who acts."""
    match body:
        case ListenBody():
            return {"phone": phone}
        case ForceBody():
            return {"state": body.state, "reason": body.reason}
        case RecordBody():
            return {"on": body.on}
        case _:
            return {}
