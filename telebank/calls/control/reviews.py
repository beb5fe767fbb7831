"""`POST /v1/audit/look`: an auditor is about to look. That he does is written into the log before
anything is told, and who may not is an event too.

The node decides the right, writes the entry, and turns a card or a telephone number that was typed
into the token by which requests are found; the number itself is kept nowhere. What is looked at is
read by whoever shows it, beside the node: proofs and long searches are no work for the process that
has the calls.
"""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Annotated, Any

import msgspec
from aiohttp import web

from telebank.calls.control.acts import Acts, note_complaint
from telebank.calls.control.common import Reply, read_body, refused, stop
from telebank.calls.control.desk import Counter
from telebank.calls.customer_book import number_key
from telebank.calls.faxes.numbers import Plan, read
from telebank.calls.masking import mask_caller
from telebank.staff.roles import REVIEW, RIGHTS, Role, may
from telebank.store.review import looks
from telebank.store.review.looks import What
from telebank.store.review.story import NAME
from telebank.store.sealing import Keyring
from transactions.approval import Actor
from transactions.card import CardNumber, CardNumberError

PATH = "/v1/audit/look"
MAX_CRITERIA, MAX_VALUE = 16, 64
_Text = Annotated[str, msgspec.Meta(max_length=MAX_VALUE)]
_Key = Annotated[str, msgspec.Meta(pattern="^[a-z_]{1,24}$")]


class LookBody(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """What he looks at: `of` one story (`?`: of what has no such name), or what fits `criteria`, of
    the customer of `token`, `card` or `number`."""

    what: What
    of: Annotated[str, msgspec.Meta(pattern=rf"^(\?|{NAME.pattern})?$")] = ""
    criteria: Annotated[dict[_Key, _Text], msgspec.Meta(max_length=MAX_CRITERIA)] = {}
    token: Annotated[str, msgspec.Meta(pattern="^([0-9a-f]{64})?$")] = ""
    card: _Text = ""
    number: _Text = ""


class ReviewPart:
    """A `ControlPart`."""

    def __init__(self, counter: Counter, keys: Keyring, plan: Plan) -> None:
        self._counter = counter
        self._acts = Acts(counter.desk)
        self._keys = keys
        self._plan = plan

    def routes(self) -> Sequence[web.AbstractRouteDef]:
        """See `ControlPart`."""
        return [web.post(PATH, self._look)]

    async def _look(self, request: web.Request) -> web.Response:
        body = await read_body(request, LookBody)
        by = await self._counter.actor(request)
        if not may(Role(by.role), REVIEW):
            return (await self._acts.denied(by, REVIEW, body.what, RIGHTS[REVIEW])).response()
        for said in body.criteria.values():
            if wrong := note_complaint(said, needed=False):
                return refused(400, "number_in_words", wrong).response()
        detail: dict[str, Any] = {**body.criteria} | ({"of": body.of} if body.of else {})
        if body.number and not (body.card or body.token):
            return Reply(200, {"customer": await self._by_number(body, by, detail)}).response()
        token = body.token
        if body.card:
            card = _card(body.card)
            token, detail["card_masked"] = self._keys.token(card), card.masked
        detail |= {"customer": token} if token else {}
        await self._counter.run(partial(looks.looked, what=body.what, by=by, detail=detail))
        return Reply(200, {"customer": token}).response()

    async def _by_number(self, body: LookBody, by: Actor, detail: Mapping[str, Any]) -> str:
        number = read(self._plan, body.number)
        key = number_key(self._plan, self._keys.digest, body.number)
        if isinstance(number, str) or key is None:
            stop(400, "bad_number", "this is no telephone number: write it as it is dialled")
        told = {**detail, "number_masked": mask_caller(number.dialled)}
        job = partial(looks.looked_by_number, what=body.what, key=key, by=by, detail=told)
        return await self._counter.run(job)


def _card(text: str) -> CardNumber:
    try:
        return CardNumber(text.replace(" ", ""))
    except CardNumberError as error:
        stop(400, "bad_card", str(error))
