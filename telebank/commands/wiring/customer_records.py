"""`POST /v1/customers/set`: how important a customer is, who his own teller is, and what numbers he
calls from. One person proposes, another approves. A number travels over the socket and is kept
nowhere but as digest and mask."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Annotated

import msgspec
from aiohttp import web
from msgspec import UNSET, UnsetType

from telebank.calls.control.acts import Acts, Done, Saying, Turned, note_complaint
from telebank.calls.control.common import Name, Note, Reply, RequestId, read_body, stop
from telebank.calls.control.desk import Counter
from telebank.calls.customer_book import number_key
from telebank.calls.faxes.numbers import Plan
from telebank.calls.masking import mask_caller
from telebank.commands.wiring.customer_control import TOKEN_DIGITS, card_of
from telebank.staff.roles import CUSTOMER_SET, RIGHTS, SIT
from telebank.store import approvals, customer_records
from telebank.store.customer_records import (
    MAX_LEVEL,
    MAX_NUMBERS,
    MAX_RECORDS,
    Number,
    RecordChange,
)
from telebank.store.sealing import Keyring
from transactions.approval import Approving, Detail

SET = "/v1/customers/set"
SAYS = ("importance", "teller")
_KEYS = {"card", "number", "number_key", "forget_numbers", *SAYS}
_SITS = frozenset(str(role) for role in RIGHTS[SIT])
_WORDS = {
    "nothing": "that is how it stands already",
    "unknown_teller": "nobody of this name works at a desk here",
    "number_taken": "this number is another customer's already",
    "too_many_numbers": f"a customer has {MAX_NUMBERS} numbers at most; forget the old ones",
    "full": f"{MAX_RECORDS} customers have a record already",
}


class SetBody(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """One person's word on how a customer is to be received; what is not named stays, null takes
    back what was said."""

    request_id: RequestId
    card: Name
    note: Note
    importance: Annotated[int, msgspec.Meta(ge=0, le=MAX_LEVEL)] | UnsetType | None = UNSET
    teller: Annotated[str, msgspec.Meta(min_length=1, max_length=64)] | UnsetType | None = UNSET
    number: Annotated[str, msgspec.Meta(max_length=32)] = ""
    forget_numbers: bool = False


@dataclass(frozen=True, slots=True)
class SetRecord:
    """Carries out `customer.set`; its object is the token of the card."""

    counter: Counter
    changed: Callable[[], Awaitable[None]]
    """The node's own queues are to know it at once."""

    def complaint(self, of: str, detail: Detail) -> str | None:
        """See `Carrier`."""
        if len(of) != TOKEN_DIGITS or not set(detail) <= _KEYS:
            return f"it is said at {SET}"
        if set(detail) == {"card"}:
            return "nothing is said: name an importance, a teller or a number"
        return None

    def check(self, of: str, detail: Detail) -> approvals.Check | None:
        """See `Carrier`."""
        return partial(customer_records.hindrance, customer=of, change=_change(detail))

    def why(self, code: str) -> str | None:
        """Words for what stands in the way."""
        return _WORDS.get(code)

    async def carry_out(self, approving: Approving, detail: Detail) -> Done | Turned:
        """Keep it, and tell the queues."""
        put = partial(
            customer_records.put,
            customer=approving.object,
            change=_change(detail),
            approving=approving,
        )
        refused = await self.counter.desk.run(put)
        if refused is not None:
            return Turned(refused, "")
        await self.changed()
        return Done({"card": str(detail["card"])})


class CustomerRecordsPart:
    """A `ControlPart`; `plan` says how numbers are written."""

    def __init__(
        self,
        counter: Counter,
        keys: Keyring,
        plan: Plan,
        changed: Callable[[], Awaitable[None]],
    ) -> None:
        self._counter = counter
        self._acts = Acts(counter.desk)
        self._keys = keys
        self._plan = plan
        self._carrier = SetRecord(counter, changed)

    def routes(self) -> Sequence[web.AbstractRouteDef]:
        """See `ControlPart`."""
        return [web.post(SET, self._set)]

    async def _set(self, request: web.Request) -> web.Response:
        body = await read_body(request, SetBody)
        by = await self._counter.actor(request)
        card = card_of(body.card)
        wrong = note_complaint(body.note, needed=True)
        if wrong is not None:
            stop(400, "bad_request", wrong)
        detail = {"card": card.masked, **self._said(body)}
        of = self._keys.token(card)
        saying = Saying(body.request_id, CUSTOMER_SET, of, detail, body.note, by)

        async def work() -> Reply:
            return await self._acts.say(saying, self._carrier)

        return await self._counter.once(request, by.id, body.request_id, work)

    def _said(self, body: SetBody) -> dict[str, str | int | bool | None]:
        said: dict[str, str | int | bool | None] = {}
        if body.importance is not UNSET:
            said["importance"] = body.importance
        if body.teller is not UNSET:
            said["teller"] = body.teller
        if body.forget_numbers:
            said["forget_numbers"] = True
        if body.number:
            key = number_key(self._plan, self._keys.digest, body.number)
            if key is None:
                stop(400, "bad_request", "the number is none that [outbound] knows how to write")
            said |= {"number": mask_caller(body.number), "number_key": key}
        return said


def _change(detail: Detail) -> RecordChange:
    number = None
    if "number_key" in detail:
        number = Number(str(detail["number_key"]), str(detail["number"]))
    says = {name: detail[name] for name in SAYS if name in detail}
    return RecordChange(says, "forget_numbers" in detail, number, _SITS)
