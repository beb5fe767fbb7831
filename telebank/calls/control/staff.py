"""Paths of staff: `POST /v1/login`, `/v1/logout`, `GET /v1/whoami`, `/v1/staff`; add, leave,
unlock, reset. The first two people are added by the machine's own user; all later ones by two, and
enrol themselves (`enrolment`).
"""

import re
from collections.abc import Callable, Sequence
from functools import partial
from typing import Annotated, Any

import msgspec
from aiohttp import web

from telebank.calls.control.acts import Acts, Saying
from telebank.calls.control.answers import SEED
from telebank.calls.control.common import (
    Name,
    Note,
    Password,
    Reply,
    RequestId,
    as_json,
    origin,
    os_user,
    read_body,
    refused,
    stop,
)
from telebank.calls.control.desk import Counter, no_store
from telebank.calls.control.enrol import PASSWORD_NEEDED, WHY, LetIn
from telebank.calls.control.enrolment import BUSY
from telebank.calls.control.login import TooBusy
from telebank.staff import passwords, totp
from telebank.staff.roles import FOUNDERS, Role, first_people, last_of_founders, may
from telebank.store import enrolling, people
from telebank.store.transaction import Transaction
from transactions.approval import Actor, Detail
from transactions.ports import JournalUnavailable, LeaseLost
from transactions.secret import Secret

_NAME = re.compile(r"[a-z][a-z0-9._-]{1,31}")
_RESERVED = frozenset({"system", "unknown", "customer", "caller", "nobody", "start"})
NO_LOGIN = (
    "name, password or code is wrong, the code was used before, or the name is locked after too "
    "many tries (half an hour; an administrator can unlock it)"
)


class LoginBody(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """Who says he is whom."""

    name: Name
    password: Password
    code: Annotated[str, msgspec.Meta(max_length=16)]


class AddBody(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """Who is to be added. A password is for the first two people; others choose their own."""

    request_id: RequestId
    name: Name
    role: Role
    full_name: Annotated[str, msgspec.Meta(max_length=120)] = ""
    note: Note = ""
    password: Password | None = None


class ResetBody(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """Whose password and second factor are made anew."""

    request_id: RequestId
    note: Note = ""


class ActBody(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """An act that one person does alone."""

    request_id: RequestId


class StaffPart:
    """A `ControlPart`."""

    def __init__(self, counter: Counter) -> None:
        self._counter = counter
        self._desk = counter.desk
        self._acts = Acts(counter.desk)

    def routes(self) -> Sequence[web.AbstractRouteDef]:
        """See `ControlPart`."""
        return [
            web.post("/v1/login", self._login),
            web.post("/v1/logout", self._logout),
            web.get("/v1/whoami", self._whoami),
            web.get("/v1/staff", self._list),
            web.post("/v1/staff", self._add),
            web.post("/v1/staff/{name}/leave", self._leave),
            web.post("/v1/staff/{name}/unlock", self._unlock),
            web.post("/v1/staff/{name}/reset", self._reset),
        ]

    # -- logins -------------------------------------------------------------------------------

    async def _login(self, request: web.Request) -> web.Response:
        body = await read_body(request, LoginBody)
        code = Secret(body.code if totp.well_formed(body.code) else "")
        try:
            found = await self._desk.login(body.name, body.password, code, origin(request))
        except TooBusy:
            stop(503, "busy", BUSY)
        except (JournalUnavailable, LeaseLost) as error:
            stop(503, no_store(error)[0], f"no login without the journal: {error}")
        finally:
            code.wipe()
        if found is None:
            stop(401, "no_login", NO_LOGIN)
        idle = self._desk.options.idle_s
        told: dict[str, Any]
        told = {"name": found.person.id, "role": found.person.role, "idle_s": idle}
        whom = await self._counter.run(self._desk.whom_let_in(found.person.id))
        told["let_in"] = [_told(one) for one in whom]
        return web.json_response({"token": found.token, **told})

    async def _logout(self, request: web.Request) -> web.Response:
        await self._counter.actor(request)
        await self._desk.logout(self._counter.token(request), origin(request))
        return web.json_response({"logged_out": True})

    async def _whoami(self, request: web.Request) -> web.Response:
        actor = await self._counter.actor(request)
        return web.json_response({"name": actor.id, "role": actor.role})

    # -- people -------------------------------------------------------------------------------

    async def _list(self, request: web.Request) -> web.Response:
        by = await self._counter.actor(request)
        if not may(Role(by.role), "staff.list"):
            return (await self._acts.denied(by, "staff.list", "")).response()
        found = await self._counter.run(people.everybody)
        return web.json_response({"people": [_shown(one) for one in found]})

    async def _add(self, request: web.Request) -> web.Response:
        body = await read_body(request, AddBody)
        if not _NAME.fullmatch(body.name) or body.name in _RESERVED:
            stop(400, "bad_request", "a name has 2 to 32 of a-z, 0-9, . _ - and begins with a-z")
        there = await self._counter.run(people.everybody)
        by = Actor(os_user(request), "machine", origin(request))
        again = self._counter.answers.knows(by.id, body.request_id)
        if again or len(there) < len(FOUNDERS):
            work = partial(self._add_first, body, by, [one.role for one in there])
            return await self._counter.once(request, by.id, body.request_id, work)
        actor = await self._counter.actor(request)
        if body.password is not None:
            stop(400, "bad_request", "the new person chooses a password: `telebank staff enrol`")
        detail: Detail = {"role": body.role.value, "full_name": body.full_name}
        carrier = LetIn(self._desk, actor.id, body.name, body.role.value, body.full_name)
        saying = Saying(body.request_id, "staff.add", body.name, detail, body.note, actor)
        return await self._two(request, saying, carrier)

    async def _add_first(self, body: AddBody, by: Actor, roles: Sequence[str]) -> Reply:
        reason = first_people(roles, body.role)
        if reason is None and body.password is None:
            return refused(409, PASSWORD_NEEDED, WHY[PASSWORD_NEEDED])
        wrong = passwords.complaint(body.password, body.name) if body.password else None
        if wrong is not None:
            return refused(400, "bad_request", wrong)
        try:
            new, seed = await self._desk.new_secrets(body.password or "")
        except TooBusy:
            return refused(503, "busy", BUSY)
        person = people.NewPerson(body.name, body.full_name, body.role.value, new)
        job = partial(people.add_first, new=person, by=by, rule=first_people)
        reason = await self._desk.run(job)
        if reason is not None:
            return refused(409, reason, WHY[reason])
        told = {"state": "added", "name": body.name, "role": body.role.value}
        return Reply(200, {**told, SEED: totp.uri(seed, body.name)})

    async def _reset(self, request: web.Request) -> web.Response:
        body = await read_body(request, ResetBody)
        name = request.match_info["name"]
        actor = await self._counter.actor(request)
        carrier = LetIn(self._desk, actor.id, name)
        saying = Saying(body.request_id, "staff.reset", name, {}, body.note, actor)
        return await self._two(request, saying, carrier)

    async def _two(self, request: web.Request, saying: Saying, carrier: LetIn) -> web.Response:
        work = partial(self._acts.say, saying, carrier)
        return await self._counter.once(request, saying.by.id, saying.request_id, work)

    async def _leave(self, request: web.Request) -> web.Response:
        name = request.match_info["name"]

        def job(by: Actor) -> Callable[[Transaction], str | None]:
            return partial(people.leave, person_id=name, by=by, rule=last_of_founders)

        return await self._alone(request, "staff.leave", name, job)

    async def _unlock(self, request: web.Request) -> web.Response:
        name = request.match_info["name"]

        def job(by: Actor) -> Callable[[Transaction], str | None]:
            return partial(people.unlock, person_id=name, by=by)

        return await self._alone(request, "staff.unlock", name, job)

    async def _alone(
        self,
        request: web.Request,
        right: str,
        name: str,
        job: Callable[[Actor], Callable[[Transaction], str | None]],
    ) -> web.Response:
        body = await read_body(request, ActBody)
        by = await self._counter.actor(request)

        async def work() -> Reply:
            if not may(Role(by.role), right):
                return await self._acts.denied(by, right, name)
            reason = await self._desk.run(job(by))
            if reason is not None:
                return refused(409, reason, WHY[reason])
            if right == "staff.leave":
                self._desk.sessions.close_all(name)
            return Reply(200, {"name": name, "done": right})

        return await self._counter.once(request, by.id, body.request_id, work)


def _shown(person: people.Person) -> dict[str, Any]:
    return {
        "name": person.id,
        "full_name": person.name,
        "role": person.role,
        "state": person.state,
        "wrong": person.wrong,
        "locked_until": as_json(person.locked_until),
        "created_at": as_json(person.created_at),
        "created_by": person.created_by,
        "changed_at": as_json(person.changed_at),
    }


def _told(one: enrolling.LetIn) -> dict[str, Any]:
    return {
        "name": one.name,
        "act": one.act,
        "state": one.state,
        "proposed_by": one.proposed_by,
        "approved_by": one.approved_by,
        "at": as_json(one.at),
    }
