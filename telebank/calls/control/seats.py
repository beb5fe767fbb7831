"""Paths of desks: `POST /v1/desk/ACT`, what a teller does with his seat and his call.

The room of tellers does it, or says why not; what a person is at a desk (skills, own phone, first
day) comes from the store. Who sits there already and enters by the same phone again is told so as
if he had entered now: a page was loaded anew, the call is the node's.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timezone
from functools import partial
from types import MappingProxyType
from typing import Annotated, Any, Literal

import msgspec
import structlog
from aiohttp import web

from telebank.agents.board import SeatRow
from telebank.calls.control.acts import Acts
from telebank.calls.control.common import Reply, read_body, refused
from telebank.calls.control.desk import Counter
from telebank.calls.control.seating import DeskBody, Reason, Target, TellerDesks, no
from telebank.staff.roles import RIGHTS, SIT, UNLOCK, Role, may
from telebank.store import seats
from telebank.store.clock import Clock, SystemClock
from transactions.approval import Actor
from transactions.ports import JournalUnavailable, LeaseLost

log = structlog.get_logger("telebank.control")

LONG_AGO = 10_000
"""Days, where nobody said since when somebody is here."""


class EnterBody(DeskBody, frozen=True, kw_only=True):
    """Sit down; without a phone at one's own."""

    phone: Annotated[str, msgspec.Meta(pattern="^[0-9A-Za-z._-]{0,32}$")] = ""


class StateBody(DeskBody, frozen=True, kw_only=True):
    """The state that one wants, now or after this call."""

    state: Literal["ready", "busy", "break"]
    reason: Reason = ""


class ToBody(DeskBody, frozen=True, kw_only=True):
    """To whom."""

    to: Target


class TransferBody(DeskBody, frozen=True, kw_only=True):
    """To whom: `blind` at once; else to who is consulted, whom nobody need name again."""

    to: Target | Literal[""] = ""
    blind: bool = True


class CallBody(DeskBody, frozen=True, kw_only=True):
    """A number to be called, as people write it."""

    number: Annotated[str, msgspec.Meta(pattern=r"^\+?[0-9][0-9 ()./-]{2,31}$")]


@dataclass(frozen=True, slots=True)
class _Act:
    body: type[DeskBody]
    do: Callable[[TellerDesks, str, Any], str | None]
    right: str = SIT


def _plain(do: Callable[[TellerDesks, str], str | None]) -> _Act:
    return _Act(DeskBody, lambda room, seat, _body: do(room, seat))


ACTS: Mapping[str, _Act] = MappingProxyType(
    {
        "leave": _plain(lambda room, seat: room.leave(seat)),
        "answer": _plain(lambda room, seat: room.answer(seat)),
        "hang_up": _plain(lambda room, seat: room.hang_up(seat)),
        "hold": _plain(lambda room, seat: room.hold(seat)),
        "resume": _plain(lambda room, seat: room.resume(seat)),
        "consult": _Act(ToBody, lambda room, seat, body: room.consult(seat, body.to)),
        "consult_end": _plain(lambda room, seat: room.consult_end(seat)),
        "three_way": _plain(lambda room, seat: room.three_way(seat)),
        "transfer": _Act(
            TransferBody,
            lambda room, seat, body: room.transfer(seat, body.to, blind=body.blind),
        ),
        "pin": _plain(lambda room, seat: room.pin(seat)),
        "unlock": _Act(DeskBody, lambda room, seat, _body: room.unlock(seat), UNLOCK),
        "menu": _plain(lambda room, seat: room.menu(seat)),
        "wrapped": _plain(lambda room, seat: room.wrapped(seat)),
    }
)
"""By the last part of the path; `enter`, `state` and `call` ask the store first."""


class SeatsPart:
    """A `ControlPart`; `zone` is the bank's."""

    def __init__(
        self, counter: Counter, room: TellerDesks, zone: timezone, clock: Clock | None = None
    ) -> None:
        self._counter = counter
        self._acts = Acts(counter.desk)
        self._room = room
        self._zone = zone
        self._clock = clock or SystemClock()

    def routes(self) -> Sequence[web.AbstractRouteDef]:
        """See `ControlPart`."""
        return [
            web.post("/v1/desk/enter", self._enter),
            web.post("/v1/desk/state", self._state),
            web.post("/v1/desk/call", self._call),
            *(web.post(f"/v1/desk/{name}", partial(self._act, name)) for name in ACTS),
        ]

    async def _act(self, name: str, request: web.Request) -> web.Response:
        act = ACTS[name]
        body = await read_body(request, act.body)

        async def work(by: Actor) -> Reply:
            code = act.do(self._room, by.id, body)
            return self._seat(by.id) if code is None else no(code)

        return await self._alone(request, body, work, act.right)

    async def _enter(self, request: web.Request) -> web.Response:
        body = await read_body(request, EnterBody)

        async def work(by: Actor) -> Reply:
            return await self._sit(by, body.phone)

        return await self._alone(request, body, work)

    async def _state(self, request: web.Request) -> web.Response:
        body = await read_body(request, StateBody)

        async def work(by: Actor) -> Reply:
            if body.state == "ready":
                await self._learn(by.id)
            code = self._room.want(by.id, body.state, body.reason)
            return self._seat(by.id) if code is None else no(code)

        return await self._alone(request, body, work)

    async def _learn(self, seat: str) -> None:
        """What he can do may be other since he sat down. Without a store he is what he was."""
        try:
            profile = await self._counter.desk.run(partial(seats.profile, person_id=seat))
        except (JournalUnavailable, LeaseLost) as error:
            log.warning("seat.skills_not_read", seat=seat, error=type(error).__name__)
            return
        if profile is not None:
            self._room.learn(seat, profile.name, dict(profile.skills), self._days(profile.began_on))

    async def _call(self, request: web.Request) -> web.Response:
        body = await read_body(request, CallBody)

        async def work(by: Actor) -> Reply:
            code = await self._room.call(by.id, body.number)
            return self._seat(by.id) if code is None else no(code)

        return await self._alone(request, body, work)

    async def _sit(self, by: Actor, wanted: str) -> Reply:
        profile = await self._counter.run(partial(seats.profile, person_id=by.id))
        if profile is None:
            return refused(409, "gone", "you are not on the staff any more")
        phone = wanted or profile.phone
        if not phone:
            return refused(409, "no_phone", "name the extension of a phone: you have none of yours")
        there = self._room.row(SeatRow.__name__, by.id, for_supervisor=False)
        if isinstance(there, SeatRow) and there.phone == phone:
            return self._seat(by.id)
        code = self._room.enter(
            by.id, profile.name, phone, dict(profile.skills), self._days(profile.began_on)
        )
        return self._seat(by.id) if code is None else no(code)

    def _days(self, began_on: date | None) -> int:
        if began_on is None:
            return LONG_AGO
        today = datetime.fromtimestamp(self._clock.read().utc_us / 1e6, self._zone).date()
        return max(0, (today - began_on).days)

    def _seat(self, seat: str) -> Reply:
        row = self._room.row(SeatRow.__name__, seat, for_supervisor=False)
        return Reply(200, {"seat": None if row is None else msgspec.to_builtins(row)})

    async def _alone(
        self,
        request: web.Request,
        body: DeskBody,
        work: Callable[[Actor], Awaitable[Reply]],
        right: str = SIT,
    ) -> web.Response:
        by = await self._counter.actor(request)

        async def allowed() -> Reply:
            if not may(Role(by.role), right):
                return await self._acts.denied(by, right, request.path, RIGHTS[right])
            return await work(by)

        return await self._counter.once(request, by.id, body.request_id, allowed)
