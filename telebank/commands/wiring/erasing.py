"""The act `audit.erase`: two people have a person's detail erased from the event log.

An administrator proposes, a supervisor approves; his command then asks `POST /v1/audit/erase`, part
by part, which takes his word for a day, so that what was broken off is gone on with. Whom a legal
hold names is refused, at every step.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from functools import partial
from typing import Annotated, Any, Literal

import msgspec
from aiohttp import web
from sqlalchemy import Connection

from telebank.calls.control.acts import Done, Turned
from telebank.calls.control.common import read_body, refused
from telebank.calls.control.desk import Counter
from telebank.calls.control.login import StaffDesk
from telebank.staff.roles import ERASE
from telebank.store import approvals, erasing
from telebank.store.transaction import Transaction
from transactions.approval import Actor, Approving, Detail, Proposal

PATH = "/v1/audit/erase"
GOOD_FOR = timedelta(days=1)
HELD = "held"
_HELD_WORDS = "a legal hold keeps what speaks of this person; it is released first"
IsHeld = Callable[[Connection, str], bool]
"""Whether the customer of this card's token is under a legal hold."""
Token = Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{64}$")]
Sequence_ = Annotated[int, msgspec.Meta(ge=0)]
Node = Annotated[str, msgspec.Meta(pattern="^[0-9]{2}$")]


class EraseBody(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """Whose, as two people said it, and the last entry that was looked at."""

    token: Token
    kind: Literal["card", "number"]
    after: tuple[Node, Sequence_] | None = None


class EraseAct:
    """A `Carrier`: only lets it be done, the command does it."""

    def __init__(self, desk: StaffDesk, is_held: IsHeld) -> None:
        self._desk = desk
        self._is_held = is_held

    def complaint(self, of: str, detail: Detail) -> str | None:
        """See `Carrier`."""
        if len(of) != 64 or detail.keys() != {"kind"}:  # noqa: PLR2004
            return "a person is named by a token, with its `kind`"
        return None if detail["kind"] in erasing.KINDS else "the kind is card or number"

    def check(self, of: str, detail: Detail) -> approvals.Check | None:
        """Nothing is proposed about who is held."""

        def look(part: Transaction) -> str | None:
            return HELD if self._held(part.connection, str(detail["kind"]), of) else None

        return look

    def why(self, code: str) -> str | None:
        """See `Carrier`."""
        return _HELD_WORDS if code == HELD else None

    async def carry_out(self, approving: Approving, detail: Detail) -> Done | Turned:
        """See `Carrier`."""

        def decide(part: Transaction) -> Proposal | str:
            if self._held(part.connection, str(detail["kind"]), approving.object):
                return HELD
            return approvals.approve(part, approving=approving)

        decided = await self._desk.run(decide)
        return Turned(decided, "") if isinstance(decided, str) else Done({"by": approving.by.id})

    def _held(self, connection: Connection, kind: str, token: str) -> bool:
        return is_held(connection, kind, token, self._is_held)


class ErasePart:
    """A `ControlPart`."""

    def __init__(self, counter: Counter, is_held: IsHeld) -> None:
        self._counter = counter
        self._is_held = is_held

    def routes(self) -> Sequence[web.AbstractRouteDef]:
        """See `ControlPart.routes`."""
        return [web.post(PATH, self._erase)]

    async def _erase(self, request: web.Request) -> web.Response:
        body = await read_body(request, EraseBody)
        by = await self._counter.actor(request)
        looks = partial(erasing.find, kind=body.kind, token=body.token, after=body.after)
        found = await self._counter.read(looks)
        job = partial(_job, body=body, found=found, by=by, held=self._is_held)
        gone = await self._counter.run(job)
        if gone is None:
            why = "two people have not agreed on it today: telebank audit erase"
            return refused(403, "not_agreed", why).response()
        if gone == HELD:
            return refused(409, HELD, _HELD_WORDS).response()
        told: Mapping[str, Any] = {"erased": gone, "after": found.after}
        return web.json_response(told)


def is_held(connection: Connection, kind: str, token: str, held: IsHeld) -> bool:
    """Whether some customer of whom these entries speak is under a hold."""
    return any(held(connection, one) for one in erasing.customers(connection, kind, token))


def _job(
    part: Transaction, *, body: EraseBody, found: erasing.Erasing, by: Actor, held: IsHeld
) -> int | str | None:
    since = part.now - GOOD_FOR
    if not erasing.agreed(part, ERASE, body.token, by.id, since):
        return None
    if is_held(part.connection, body.kind, body.token, held):
        return HELD
    return erasing.erase(part, found, body.kind, body.token, by)
