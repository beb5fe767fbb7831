"""Paths of notices: `GET /v1/notices`, `POST /v1/notices/code` (a code to record one by telephone),
`POST /v1/notices/down`. Each is one supervisor's act; see `telebank.calls.notices`.
"""

from collections.abc import Sequence
from typing import Any, Literal

import msgspec
from aiohttp import web

from telebank.calls.control.acts import Acts
from telebank.calls.control.answers import RECORDING
from telebank.calls.control.common import Reply, RequestId, as_json, read_body, refused
from telebank.calls.control.desk import Counter
from telebank.calls.notice_codes import VALID_S
from telebank.calls.notices import Notices
from telebank.staff.roles import NOTICE, RIGHTS, Role, may
from telebank.store.notices import Notice

_WORDS = {
    "none": "no notice plays in this language: nothing is to be done",
    "gone": "you are not on the staff in this role any more",
}


class NoticeBody(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """Of which language."""

    request_id: RequestId
    language: Literal["zh", "en"]


class NoticesPart:
    """A `ControlPart`."""

    def __init__(self, counter: Counter, notices: Notices) -> None:
        self._counter = counter
        self._acts = Acts(counter.desk)
        self._notices = notices

    def routes(self) -> Sequence[web.AbstractRouteDef]:
        """See `ControlPart`."""
        return [
            web.get("/v1/notices", self._list),
            web.post("/v1/notices/code", self._code),
            web.post("/v1/notices/down", self._down),
        ]

    async def _list(self, request: web.Request) -> web.Response:
        await self._counter.actor(request)
        return web.json_response({"notices": [_shown(one) for one in self._notices.playing()]})

    async def _code(self, request: web.Request) -> web.Response:
        body = await read_body(request, NoticeBody)
        by = await self._counter.actor(request)

        async def work() -> Reply:
            if not may(Role(by.role), NOTICE):
                return await self._acts.denied(by, NOTICE, body.language, RIGHTS[NOTICE])
            code = await self._notices.give_code(by, body.language)
            told = {"language": body.language, "minutes": round(VALID_S / 60)}
            return Reply(200, {**told, RECORDING: code.reveal()})

        return await self._counter.once(request, by.id, body.request_id, work)

    async def _down(self, request: web.Request) -> web.Response:
        body = await read_body(request, NoticeBody)
        by = await self._counter.actor(request)

        async def work() -> Reply:
            if not may(Role(by.role), NOTICE):
                return await self._acts.denied(by, NOTICE, body.language, RIGHTS[NOTICE])
            reason = await self._notices.take_down(body.language, by)
            if reason is not None:
                return refused(409, reason, _WORDS[reason])
            return Reply(200, {"language": body.language, "done": "notice.down"})

        return await self._counter.once(request, by.id, body.request_id, work)


def _shown(one: Notice) -> dict[str, Any]:
    return {
        "language": one.language,
        "seconds": one.seconds,
        "content": one.content,
        "recorded_by": one.recorded_by,
        "recorded_at": as_json(one.recorded_at),
    }
