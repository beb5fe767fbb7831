"""Paths of what people are at desks: `GET` and `POST /v1/staff/NAME/skills`."""

from collections.abc import Sequence
from datetime import date
from functools import partial
from typing import Annotated, Any

import msgspec
from aiohttp import web

from telebank.calls.control.acts import Acts
from telebank.calls.control.common import Reply, read_body, refused, stop
from telebank.calls.control.desk import Counter
from telebank.calls.control.seating import DeskBody
from telebank.staff.roles import RIGHTS, SEATS, SEE_SEATS, Role, may
from telebank.store import seats
from telebank.store.seats import MAX_LEVEL, MAX_SKILLS, SeatChange, SeatProfile

WHY = {
    "gone": "you are not on the staff in this role any more",
    "unknown_person": "nobody of this name works here; `telebank staff list`",
    "too_many_skills": f"a person has at most {MAX_SKILLS} skills: take some away first",
    "unknown_phone": "no desk phone has this extension; `telebank phones list`",
}
Skill = Annotated[str, msgspec.Meta(pattern="^[a-z][a-z0-9_.]{0,31}$")]
Level = Annotated[int, msgspec.Meta(ge=0, le=MAX_LEVEL)]


class SkillsBody(DeskBody, frozen=True, kw_only=True):
    """What is to be another; what is left out stays as it is."""

    skills: Annotated[dict[Skill, Level], msgspec.Meta(max_length=MAX_SKILLS)] = msgspec.field(
        default_factory=dict
    )
    """Levels 1 to 9 by skill; 0 takes one away."""
    phone: Annotated[str, msgspec.Meta(pattern="^[0-9A-Za-z._-]{0,32}$")] | None = None
    """His own extension; empty: none any more."""
    began_on: date | None = None
    """His first day at a desk."""


class SkillsPart:
    """A `ControlPart`."""

    def __init__(self, counter: Counter) -> None:
        self._counter = counter
        self._acts = Acts(counter.desk)

    def routes(self) -> Sequence[web.AbstractRouteDef]:
        """See `ControlPart`."""
        return [
            web.get("/v1/staff/{name}/skills", self._show),
            web.post("/v1/staff/{name}/skills", self._change),
        ]

    async def _show(self, request: web.Request) -> web.Response:
        by, name = await self._counter.actor(request), request.match_info["name"]
        # Everybody sees what he is himself.
        if name != by.id and not may(Role(by.role), SEE_SEATS):
            return (await self._acts.denied(by, SEE_SEATS, name, RIGHTS[SEE_SEATS])).response()
        found = await self._counter.run(partial(seats.profile, person_id=name))
        if found is None:
            stop(404, "unknown_person", WHY["unknown_person"])
        return web.json_response(shown(found))

    async def _change(self, request: web.Request) -> web.Response:
        body, name = await read_body(request, SkillsBody), request.match_info["name"]
        by = await self._counter.actor(request)

        async def work() -> Reply:
            if not may(Role(by.role), SEATS):
                return await self._acts.denied(by, SEATS, name, RIGHTS[SEATS])
            wanted = SeatChange(body.skills, body.phone, body.began_on)
            job = partial(seats.change, person_id=name, wanted=wanted, by=by)
            reason = await self._counter.desk.run(job)
            if reason is not None:
                return refused(409, reason, WHY[reason])
            now = await self._counter.desk.run(partial(seats.profile, person_id=name))
            return Reply(200, {} if now is None else shown(now))

        return await self._counter.once(request, by.id, body.request_id, work)


def shown(profile: SeatProfile) -> dict[str, Any]:
    """As JSON."""
    return {
        "name": profile.id,
        "full_name": profile.name,
        "skills": dict(profile.skills),
        "phone": profile.phone,
        "began_on": None if profile.began_on is None else profile.began_on.isoformat(),
    }
