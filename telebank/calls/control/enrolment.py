"""Paths of one's own secrets: `POST /v1/staff/NAME/code` (one's half of the code of somebody whom
one let in), `POST /v1/staff/NAME/enrol` (both halves, without a login), `POST /v1/password`.
"""

from collections.abc import Sequence
from functools import partial
from typing import Annotated

import msgspec
from aiohttp import web

from telebank.calls.control.answers import HALF, SEED
from telebank.calls.control.common import (
    Password,
    Reply,
    RequestId,
    origin,
    os_user,
    read_body,
    refused,
)
from telebank.calls.control.desk import Counter
from telebank.calls.control.enrol import WHY
from telebank.calls.control.login import TooBusy
from telebank.staff import enrolment, passwords, totp
from telebank.store import enrolling

BUSY = "too many are logging in; try again in a few seconds"
NOT_ENROLLED = (
    "nobody is enrolled by this: the name or a half is wrong, only one half was given so far, the "
    "time is over, or too many tries were wrong. Each of the two who let you in gives a new half "
    "by `telebank staff code NAME`; where the time is over they propose `telebank staff reset`"
)
NOT_CHANGED = "nothing was changed: the old password is wrong, or the name is locked"
Half = Annotated[str, msgspec.Meta(max_length=enrolment.MAX_TYPED)]


class CodeBody(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """Who wants his half has a token."""

    request_id: RequestId


class EnrolBody(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """Both halves, in either order, and the password that nobody else knows."""

    request_id: RequestId
    halves: Annotated[list[Half], msgspec.Meta(min_length=2, max_length=2)]
    password: Password


class PasswordBody(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """One's old password and the new one."""

    request_id: RequestId
    old: Password
    new: Password


class EnrolmentPart:
    """A `ControlPart`."""

    def __init__(self, counter: Counter) -> None:
        self._counter = counter
        self._desk = counter.desk

    def routes(self) -> Sequence[web.AbstractRouteDef]:
        """See `ControlPart`."""
        return [
            web.post("/v1/staff/{name}/code", self._code),
            web.post("/v1/staff/{name}/enrol", self._enrol),
            web.post("/v1/password", self._password),
        ]

    async def _code(self, request: web.Request) -> web.Response:
        body = await read_body(request, CodeBody)
        by, name = await self._counter.actor(request), request.match_info["name"]

        async def work() -> Reply:
            half = enrolment.new_half()
            digest = enrolment.digest(half)
            job = partial(enrolling.give_half, person_id=name, half=digest, by=by)
            reason = await self._desk.run(job)
            if reason is not None:
                return refused(409, reason, WHY[reason])
            return Reply(200, {"name": name, HALF: half})

        return await self._counter.once(request, by.id, body.request_id, work)

    async def _enrol(self, request: web.Request) -> web.Response:
        body = await read_body(request, EnrolBody)
        name = request.match_info["name"]

        async def work() -> Reply:
            wrong = passwords.complaint(body.password, name)
            if wrong is not None:
                return refused(400, "bad_request", wrong)
            try:
                reason, seed = await self._desk.enrol(
                    name, body.halves, body.password, origin(request)
                )
            except TooBusy:
                return refused(503, "busy", BUSY)
            if reason is not None:
                return refused(401, "not_enrolled", NOT_ENROLLED)
            return Reply(200, {"state": "enrolled", "name": name, SEED: totp.uri(seed, name)})

        return await self._counter.once(request, os_user(request), body.request_id, work)

    async def _password(self, request: web.Request) -> web.Response:
        body = await read_body(request, PasswordBody)
        by = await self._counter.actor(request)

        async def work() -> Reply:
            wrong = passwords.complaint(body.new, by.id)
            if wrong is None and passwords.prepared(body.new) == passwords.prepared(body.old):
                wrong = "the new password is the old one"
            if wrong is not None:
                return refused(400, "bad_request", wrong)
            try:
                done = await self._desk.change_password(by, body.old, body.new)
            except TooBusy:
                return refused(503, "busy", BUSY)
            if not done:
                return refused(409, "not_changed", NOT_CHANGED)
            return Reply(200, {"name": by.id, "done": "staff.password"})

        return await self._counter.once(request, by.id, body.request_id, work)
