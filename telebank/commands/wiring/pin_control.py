"""`POST /v1/pins/forget`: a supervisor has what this bank keeps of a telephone PIN removed.

From then on only the host says which PIN is right. The card number travels over the socket and is
kept nowhere but as token and mask.
"""

from collections.abc import Sequence
from functools import partial

import msgspec
from aiohttp import web

from telebank.calls.control.acts import Acts
from telebank.calls.control.common import Name, Note, Reply, RequestId, read_body, refused, stop
from telebank.calls.control.desk import Counter
from telebank.staff.roles import FORGET_PIN, RIGHTS, Role, may
from telebank.store import telephone_pin
from transactions.card import CardNumber, CardNumberError, CardVault
from transactions.card_text import without_numbers

FORGET = "/v1/pins/forget"


class ForgetBody(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """Whose PIN; the card as it stands on it, without spaces."""

    request_id: RequestId
    card: Name
    note: Note = ""


class PinsPart:
    """A `ControlPart`."""

    def __init__(self, counter: Counter, vault: CardVault) -> None:
        self._counter = counter
        self._acts = Acts(counter.desk)
        self._vault = vault

    def routes(self) -> Sequence[web.AbstractRouteDef]:
        """See `ControlPart.routes`."""
        return [web.post(FORGET, self._forget)]

    async def _forget(self, request: web.Request) -> web.Response:
        body = await read_body(request, ForgetBody)
        by = await self._counter.actor(request)
        try:
            card = CardNumber(body.card)
        except CardNumberError as error:
            stop(400, "bad_request", str(error))
        job = partial(
            telephone_pin.forget,
            token=self._vault.token(card),
            masked=card.masked,
            note=without_numbers(body.note),
            by=by,
        )

        async def work() -> Reply:
            if not may(Role(by.role), FORGET_PIN):
                allowed = RIGHTS[FORGET_PIN]
                return await self._acts.denied(by, FORGET_PIN, card.masked, allowed)
            outcome = await self._counter.run(job)
            if outcome is None:
                return refused(409, "gone", "you are not on the staff in this role any more")
            return Reply(200, {"card": card.masked, "forgotten": outcome == "ok"})

        return await self._counter.once(request, by.id, body.request_id, work)
