"""Paths of the services that a teller does for his caller.

GET  /v1/desk/services?call=…            the forms, and what is under way
GET  /v1/desk/services/slip?call=…&slip=…  how one stands
POST /v1/desk/services/quote             what is written into a form: its read-back, or its answer
POST /v1/desk/services/confirm           the caller wants it: his PIN, and then it is done, once
POST /v1/desk/services/told, …/say       he has heard the result; the machine says it to him
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import partial
from typing import Annotated, Any

import msgspec
from aiohttp import web

from telebank.agents.board import CallRow
from telebank.calls.control.acts import Acts
from telebank.calls.control.common import Reply, read_body, refused, stop
from telebank.calls.control.desk import Counter
from telebank.calls.control.seating import WHY, DeskBody, TellerDesks
from telebank.calls.forms.clerk import Clerk, NotNow
from telebank.calls.forms.model import LEVELS
from telebank.calls.forms.slips import Result, Slip
from telebank.staff.roles import RIGHTS, SERVE, Role, may
from transactions.approval import Actor

MOST_FIELDS = 24
Call = Annotated[str, msgspec.Meta(pattern="^[0-9A-Za-z._-]{1,64}$")]
Written = Annotated[str, msgspec.Meta(max_length=200)]
Fields = Annotated[dict[Call, Written], msgspec.Meta(max_length=MOST_FIELDS)]

WHY_NOT: Mapping[str, str] = {
    **WHY,
    "no_service": "no form is for this service: the list of forms says which there are",
    "not_proved": "the caller has not proved himself: ask for his PIN first",
    "second_factor": "nobody signs this, so that the second factor is shown in the menus: give the"
    " caller back to them",
    "no_terms": "the machine cannot read this to the caller: give him back to the menu for it",
    "no_slip": "there is no such read-back of yours for this call: ask for it anew",
    "slip_over": "the read-back is too old to be confirmed: ask for it anew",
    "other_customer": "another customer has proved himself since: ask for it anew",
    "asking": "what this seat asked before is not answered yet: wait for it, then ask again",
    "no_words": "the machine has no words for this: tell him yourself",
}


class QuoteBody(DeskBody, frozen=True, kw_only=True):
    """A form, filled in."""

    call: Call
    service: Call
    fields: Fields = msgspec.field(default_factory=dict)


class SlipBody(DeskBody, frozen=True, kw_only=True):
    """An act on what was read back."""

    call: Call
    slip: Call


class ServicesPart:
    """A `ControlPart`."""

    def __init__(self, counter: Counter, clerk: Clerk, room: TellerDesks) -> None:
        self._counter = counter
        self._acts = Acts(counter.desk)
        self._clerk = clerk
        self._room = room

    def routes(self) -> Sequence[web.AbstractRouteDef]:
        """See `ControlPart`."""
        here = "/v1/desk/services"
        acts = {"confirm": self._clerk.confirm, "told": self._clerk.told, "say": self._clerk.say}
        return [
            web.get(here, self._list),
            web.get(f"{here}/slip", self._look),
            web.post(f"{here}/quote", self._quote),
            *(web.post(f"{here}/{name}", partial(self._act, act)) for name, act in acts.items()),
        ]

    async def _list(self, request: web.Request) -> web.Response:
        async def work(by: Actor) -> Reply:
            call = _named(request, "call")
            row = self._room.row(CallRow.__name__, call, for_supervisor=False)
            business = row.business if isinstance(row, CallRow) else ""
            offer = await self._clerk.offer(by.id, call, business)
            forms = [form.shown() for form in offer.forms]
            last = None if offer.last is None else self._slip(offer.last)
            level = LEVELS.index(offer.level)
            body = {"call": call, "level": level, "business": offer.business}
            return Reply(200, {**body, "forms": forms, "last": last})

        return (await self._allowed(request, work)(await self._counter.actor(request))).response()

    async def _look(self, request: web.Request) -> web.Response:
        async def work(by: Actor) -> Reply:
            call, slip = _named(request, "call"), _named(request, "slip")
            return Reply(200, self._slip(self._clerk.slip(by.id, call, slip)))

        return (await self._allowed(request, work)(await self._counter.actor(request))).response()

    async def _quote(self, request: web.Request) -> web.Response:
        body = await read_body(request, QuoteBody)

        async def work(by: Actor) -> Reply:
            made = await self._clerk.quote(by.id, body.call, body.service, body.fields)
            if isinstance(made, Slip):
                return Reply(200, self._slip(made))
            if isinstance(made, Result):
                return Reply(200, {"state": "done", "result": msgspec.to_builtins(made)})
            return Reply(200, {"state": "wrong", "fields": msgspec.to_builtins(dict(made))})

        return await self._once(request, body, work)

    async def _act(
        self, act: Callable[[str, str, str], Slip], request: web.Request
    ) -> web.Response:
        body = await read_body(request, SlipBody)

        async def work(by: Actor) -> Reply:
            return Reply(200, self._slip(act(by.id, body.call, body.slip)))

        return await self._once(request, body, work)

    def _slip(self, slip: Slip) -> dict[str, Any]:
        """As a page is shown it: terms in words, cards masked."""
        return {
            "slip": slip.id,
            "service": slip.form.service,
            "state": slip.state,
            "pin": slip.form.pin,
            "lines": msgspec.to_builtins(slip.lines),
            "aloud": msgspec.to_builtins(slip.aloud),
            "again": slip.again,
            "entry": slip.entry,
            "factor": slip.factor,
            "saying": slip.saying,
            "left_s": self._clerk.left_s(slip),
            "told": slip.told,
            "result": None if slip.result is None else msgspec.to_builtins(slip.result),
        }

    async def _once(
        self, request: web.Request, body: DeskBody, work: Callable[[Actor], Awaitable[Reply]]
    ) -> web.Response:
        by = await self._counter.actor(request)
        allowed = partial(self._allowed(request, work), by)
        return await self._counter.once(request, by.id, body.request_id, allowed)

    def _allowed(
        self, request: web.Request, work: Callable[[Actor], Awaitable[Reply]]
    ) -> Callable[[Actor], Awaitable[Reply]]:
        async def allowed(by: Actor) -> Reply:
            if not may(Role(by.role), SERVE):
                return await self._acts.denied(by, SERVE, request.path, RIGHTS[SERVE])
            try:
                return await work(by)
            except NotNow as no:
                return refused(409, no.code, WHY_NOT.get(no.code, no.code))

        return allowed


def _named(request: web.Request, name: str) -> str:
    text = request.query.get(name, "")
    try:
        return msgspec.convert(text, Call)
    except msgspec.ValidationError:
        stop(400, "bad_request", f"`{name}` is missing, or is no name")
