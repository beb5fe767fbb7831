"""`POST /v1/desk/phone`: the browser of a teller offers to be his telephone, and is answered.

What is offered and answered are session descriptions (RFC 8866); which can be taken, and how many a
minute, the room says.
"""

import re
from collections.abc import Mapping, Sequence
from ipaddress import ip_address
from typing import Annotated, Protocol

import msgspec
from aiohttp import web

from telebank.calls.control.acts import Acts
from telebank.calls.control.common import Reply, origin, read_body, refused
from telebank.calls.control.desk import Counter
from telebank.calls.control.seating import WHY, DeskBody
from telebank.calls.tellers.browser_phone import OfferCode, OfferRefused
from telebank.sip.session_description import MAX_SDP
from telebank.staff.roles import RIGHTS, SIT, Role, may
from transactions.approval import Actor

_CONSOLE = re.compile(r"console (\S+)")
NO: Mapping[OfferCode, tuple[int, str]] = {
    "no_seat": (409, WHY["no_seat"]),
    "wrong_state": (409, "you sit here with a desk telephone: leave, then enter with this browser"),
    "one_offer": (409, "another offer of this page is being answered: wait for it"),
    "too_many_offers": (429, "this page has offered too often: wait a minute"),
    "bad_offer": (400, "this browser's offer cannot be taken: {why}"),
    "media": (503, "no media worker takes it now ({why}): try again in a few seconds"),
}
"""Status and words of what the room says."""


class PhoneBody(DeskBody, frozen=True, kw_only=True):
    """What the page offers."""

    sdp: Annotated[str, msgspec.Meta(min_length=1, max_length=MAX_SDP)]


class Offered(Protocol):
    """`telebank.calls.tellers.room.TellerRoom`."""

    async def offer(self, seat: str, sdp: str, address: str) -> str | OfferRefused:
        """The answer, or why there is none."""
        ...


class DeskPhonesPart:
    """A `ControlPart`."""

    def __init__(self, counter: Counter, room: Offered) -> None:
        self._counter = counter
        self._acts = Acts(counter.desk)
        self._room = room

    def routes(self) -> Sequence[web.AbstractRouteDef]:
        """See `ControlPart`."""
        return [web.post("/v1/desk/phone", self._phone)]

    async def _phone(self, request: web.Request) -> web.Response:
        body = await read_body(request, PhoneBody)
        by = await self._counter.actor(request)

        async def work() -> Reply:
            if not may(Role(by.role), SIT):
                return await self._acts.denied(by, SIT, request.path, RIGHTS[SIT])
            return await self._offer(by, body.sdp, page_of(origin(request)))

        return await self._counter.once(request, by.id, body.request_id, work)

    async def _offer(self, by: Actor, sdp: str, address: str) -> Reply:
        answer = await self._room.offer(by.id, sdp, address)
        if isinstance(answer, str):
            return Reply(200, {"sdp": answer})
        status, words = NO[answer.code]
        return refused(status, answer.code, words.format(why=answer.why))


def page_of(said: str) -> str:
    """The address of a browser, by where an act came from; empty where no console asks."""
    found = _CONSOLE.fullmatch(said)
    return str(ip_address(found[1])) if found is not None else ""
