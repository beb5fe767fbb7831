"""Paths of desk phones: `GET /v1/phones`, `/v1/phones/EXTENSION`; `POST /v1/phones`,
`/v1/phones/EXTENSION/secret`, `…/remove`. A secret is in one answer, once."""

from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta
from typing import Any

import msgspec
from aiohttp import web

from telebank.calls.control.acts import Acts
from telebank.calls.control.answers import SECRET
from telebank.calls.control.common import Reply, RequestId, as_json, read_body, refused, stop
from telebank.calls.control.desk import Counter
from telebank.calls.phones import Registered
from telebank.calls.registrations import DeskPhones
from telebank.staff.roles import LIST_PHONES, PHONES, Role, may
from telebank.store.clock import Clock, SystemClock
from telebank.store.desk_phones import ACTIVE, EXTENSION, DeskPhone, everything
from transactions.approval import Actor

MAX_NAME = 120
"""Longest name of a phone, in characters."""
_PLAIN = "an extension has 2 to 32 letters, digits, - _ . and begins with a letter or digit"
NO_REGISTRAR = (
    "there is no registrar here: set [registrar] realm in DATA/config/telebank.toml and start the"
    " node again"
)
NO_MD5 = "MD5 is not offered here: name the networks of old phones in [registrar] md5_networks"
WHY = {
    "gone": "you are not on the staff in this role any more",
    "extension_taken": "there is a phone with this extension; `telebank phones secret` gives it"
    " another secret",
    "unknown_phone": "there is no phone with this extension",
    "too_many_phones": "there are as many phones as [registrar] phones allows",
}


class AddBody(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """Which phone is to be added."""

    request_id: RequestId
    extension: str
    name: str = ""
    md5: bool = False


class SecretBody(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """What its new secret is to be good for."""

    request_id: RequestId
    md5: bool = False


class RemoveBody(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """A phone that is to register no more."""

    request_id: RequestId


class PhonesPart:
    """A `ControlPart`."""

    def __init__(self, counter: Counter, phones: DeskPhones, clock: Clock | None = None) -> None:
        self._counter = counter
        self._acts = Acts(counter.desk)
        self._phones = phones
        self._clock = clock or SystemClock()

    def routes(self) -> Sequence[web.AbstractRouteDef]:
        """See `ControlPart`."""
        return [
            web.get("/v1/phones", self._list),
            web.get("/v1/phones/{extension}", self._show),
            web.post("/v1/phones", self._add),
            web.post("/v1/phones/{extension}/secret", self._secret),
            web.post("/v1/phones/{extension}/remove", self._remove),
        ]

    async def _list(self, request: web.Request) -> web.Response:
        by = await self._counter.actor(request)
        if not may(Role(by.role), LIST_PHONES):
            return (await self._acts.denied(by, LIST_PHONES, "")).response()
        realm = self._phones.options.realm
        told: dict[str, Any] = {"realm": realm, "phones": await self._shown()}
        return web.json_response(told if realm else {**told, "note": NO_REGISTRAR})

    async def _show(self, request: web.Request) -> web.Response:
        by, extension = await self._counter.actor(request), _extension(request)
        if not may(Role(by.role), LIST_PHONES):
            return (await self._acts.denied(by, LIST_PHONES, extension)).response()
        shown = [one for one in await self._shown() if one["extension"] == extension]
        if not shown:
            stop(404, "unknown_phone", WHY["unknown_phone"])
        return web.json_response(shown[0])

    async def _add(self, request: web.Request) -> web.Response:
        body = await read_body(request, AddBody)
        if not EXTENSION.fullmatch(body.extension):
            stop(400, "bad_request", _PLAIN)
        if len(body.name) > MAX_NAME:
            stop(400, "bad_request", f"a name has at most {MAX_NAME} characters")

        async def work(by: Actor) -> Reply:
            if (wrong := self._not_here(md5=body.md5)) is not None:
                return wrong
            made = await self._phones.add(body.extension, body.name, md5=body.md5, by=by)
            return self._made(body.extension, *made)

        return await self._alone(request, body.request_id, body.extension, work)

    async def _secret(self, request: web.Request) -> web.Response:
        body, extension = await read_body(request, SecretBody), _extension(request)

        async def work(by: Actor) -> Reply:
            if (wrong := self._not_here(md5=body.md5)) is not None:
                return wrong
            made = await self._phones.new_secret(extension, md5=body.md5, by=by)
            return self._made(extension, *made)

        return await self._alone(request, body.request_id, extension, work)

    async def _remove(self, request: web.Request) -> web.Response:
        body, extension = await read_body(request, RemoveBody), _extension(request)

        async def work(by: Actor) -> Reply:
            reason = await self._phones.remove(extension, by)
            if reason:
                return refused(409, reason, WHY[reason])
            return Reply(200, {"extension": extension, "state": "removed"})

        return await self._alone(request, body.request_id, extension, work)

    async def _alone(
        self,
        request: web.Request,
        request_id: str,
        extension: str,
        work: Callable[[Actor], Awaitable[Reply]],
    ) -> web.Response:
        by = await self._counter.actor(request)

        async def allowed() -> Reply:
            if not may(Role(by.role), PHONES):
                return await self._acts.denied(by, PHONES, extension)
            return await work(by)

        return await self._counter.once(request, by.id, request_id, allowed)

    def _not_here(self, *, md5: bool) -> Reply | None:
        """Why no phone can have a secret, or not this kind of one."""
        options = self._phones.options
        if not options.realm:
            return refused(409, "no_registrar", NO_REGISTRAR)
        if md5 and not options.takes_md5:
            return refused(409, "no_md5", NO_MD5)
        return None

    def _made(self, extension: str, reason: str, secret: str) -> Reply:
        if reason:
            return refused(409, reason, WHY[reason])
        realm = self._phones.options.realm
        return Reply(200, {"extension": extension, "realm": realm, SECRET: secret})

    async def _shown(self) -> list[dict[str, Any]]:
        phones = await self._counter.run(everything)
        there = self._phones.registrations()
        return [self._one(phone, there.get(phone.extension, [])) for phone in phones]

    def _one(self, phone: DeskPhone, contacts: Sequence[Registered]) -> dict[str, Any]:
        good = phone.state == ACTIVE and phone.realm == self._phones.options.realm
        now = self._clock.read().utc
        return {
            "extension": phone.extension,
            "name": phone.name,
            "state": phone.state,
            "realm": phone.realm,
            "may_register": good,
            "algorithms": list(phone.algorithms),
            "registered": [
                {
                    "contact": each.binding.uri,
                    "from": str(each.binding.source),
                    "until": as_json(now + timedelta(seconds=round(each.left_s))),
                }
                for each in contacts
            ],
            "created_at": as_json(phone.created_at),
            "created_by": phone.created_by,
            "changed_at": as_json(phone.changed_at),
            "changed_by": phone.changed_by,
        }


def _extension(request: web.Request) -> str:
    extension = request.match_info["extension"]
    if not EXTENSION.fullmatch(extension):
        stop(400, "bad_request", _PLAIN)
    return extension
