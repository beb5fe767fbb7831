"""Paths of two-person acts: `POST /v1/acts`, `GET /v1/approvals`, `POST /v1/approvals/ID/refuse`.

An act's answer is 202 where it waits for the second person, 200 where it was done, 403 or 409
where it was not, with `code` for programs and `error` for people.
"""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Annotated

import msgspec
from aiohttp import web

from telebank.calls.control.acts import Acts, Carrier, Saying, shown
from telebank.calls.control.common import (
    MAX_DETAIL,
    Name,
    Note,
    Reply,
    RequestId,
    read_body,
    refused,
    stop,
)
from telebank.calls.control.desk import Counter
from telebank.staff.roles import Role, may
from telebank.store import approvals

MAX_STATE = 16


class ActBody(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """One person's word on an act."""

    request_id: RequestId
    act: Name
    object: Name
    detail: Annotated[
        dict[Name, Annotated[str, msgspec.Meta(max_length=255)] | int | bool | None],
        msgspec.Meta(max_length=MAX_DETAIL),
    ] = {}
    note: Note = ""


class RefuseBody(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """Why a proposal is not approved."""

    request_id: RequestId
    note: Note = ""


class ApprovalsPart:
    """A `ControlPart`; `carriers` by act."""

    def __init__(self, counter: Counter, carriers: Mapping[str, Carrier]) -> None:
        self._counter = counter
        self._acts = Acts(counter.desk)
        self._carriers = carriers

    def routes(self) -> Sequence[web.AbstractRouteDef]:
        """See `ControlPart`."""
        return [
            web.post("/v1/acts", self._act),
            web.get("/v1/approvals", self._list),
            web.get("/v1/approvals/{id}", self._show),
            web.post("/v1/approvals/{id}/refuse", self._refuse),
        ]

    async def _act(self, request: web.Request) -> web.Response:
        body = await read_body(request, ActBody)
        carrier = self._carriers.get(body.act)
        if carrier is None:
            known = ", ".join(sorted(self._carriers))
            stop(400, "bad_request", f"this node knows no act {body.act!r}; known are {known}")
        by = await self._counter.actor(request)
        saying = Saying(body.request_id, body.act, body.object, body.detail, body.note, by)
        work = partial(self._acts.say, saying, carrier)
        return await self._counter.once(request, by.id, body.request_id, work)

    async def _list(self, request: web.Request) -> web.Response:
        await self._counter.actor(request)
        wanted = request.query.get("state", "")
        found = await self._counter.run(partial(approvals.newest, state=wanted[:MAX_STATE]))
        return web.json_response({"approvals": [shown(one) for one in found]})

    async def _show(self, request: web.Request) -> web.Response:
        await self._counter.actor(request)
        found = await self._counter.run(
            partial(approvals.find, approval_id=request.match_info["id"])
        )
        if found is None:
            stop(404, "unknown", "no such proposal; `telebank approval list` lists them")
        return web.json_response(shown(found))

    async def _refuse(self, request: web.Request) -> web.Response:
        body = await read_body(request, RefuseBody)
        by = await self._counter.actor(request)
        wanted = request.match_info["id"]

        async def work() -> Reply:
            found = await self._counter.run(partial(approvals.find, approval_id=wanted))
            if found is None or found.state != "pending":
                return refused(409, "not_pending", "it does not wait for anybody (any more)")
            if found.proposed_by != by.id and not may(Role(by.role), "approval.refuse"):
                return await self._acts.denied(by, "approval.refuse", found.act)
            job = partial(approvals.refuse, approval_id=wanted, by=by, note=body.note)
            ended = await self._counter.run(job)
            if ended is None:
                return refused(409, "not_pending", "it does not wait for anybody (any more)")
            return Reply(200, {"state": ended.state, "approval": shown(ended)})

        return await self._counter.once(request, by.id, body.request_id, work)
