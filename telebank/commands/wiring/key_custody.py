"""The act `key.custody`: two people agree that a key leaves, is replaced or is ended.

IT says a `telebank keys` command, a supervisor says the same at his own terminal; the second one's
command then does it on the module. The node keeps the proposal, the approval and their events, and
does nothing itself. The object is the key's name; the detail says what is to be done with it.

`POST /v1/keys/component`: a custodian, by his login, typed a component of a key. An event, no more.
"""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Annotated, Any

import msgspec
from aiohttp import web

from telebank.calls.control.common import Name, read_body
from telebank.calls.control.desk import Counter
from telebank.store.people import staff_event
from telebank.store.transaction import Transaction
from transactions.approval import Actor, Detail

COMPONENT = "/v1/keys/component"

ACT = "key.custody"
DEEDS: Mapping[str, frozenset[str]] = {
    "export": frozenset({"under", "version"}),
    "rotate": frozenset({"version"}),
    "import": frozenset({"under", "block_sha256"}),
    "retire": frozenset({"version"}),
}
"""What may be done, and what both people must have said alike about it."""


def complaint(of: str, detail: Detail) -> str | None:
    """What is wrong with a proposal; None where nothing is."""
    deed = str(detail.get("do", ""))
    if deed not in DEEDS:
        return f"nothing is done by {deed!r}; known are {', '.join(DEEDS)}"
    if not of or set(detail) != DEEDS[deed] | {"do"}:
        return f"{deed} needs {', '.join(sorted(DEEDS[deed]))}"
    return None


async def work(of: str, detail: Detail, by: Actor) -> Mapping[str, Any]:
    """Nothing: the second person's command does it."""
    return {"key": of, "do": detail["do"], "by": by.id}


class ComponentBody(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """Which part of which key; never material."""

    key: Name
    component: Annotated[int, msgspec.Meta(ge=1, le=9)]


class CustodiansPart:
    """A `ControlPart`: who typed what part of which key is in the event log."""

    def __init__(self, counter: Counter) -> None:
        self._counter = counter

    def routes(self) -> Sequence[web.AbstractRouteDef]:
        """See `ControlPart.routes`."""
        return [web.post(COMPONENT, self._component)]

    async def _component(self, request: web.Request) -> web.Response:
        body = await read_body(request, ComponentBody)
        by = await self._counter.actor(request)
        detail = {"key": body.key, "component": str(body.component)}

        def log(part: Transaction, by: Actor) -> None:
            part.event(staff_event("key.component", by, "ok", detail))

        await self._counter.run(partial(log, by=by))
        return web.json_response({"logged": True})
