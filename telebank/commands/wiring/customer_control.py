"""`POST /v1/customers/show` and `POST /v1/customers/token`: what is kept for a customer, masked,
and his token, which two people give or take.

The card number travels over the socket and is kept nowhere but as token and mask.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import Any, Literal

import msgspec
from aiohttp import web

from telebank.calls.control.acts import Acts, Done, Saying, Turned, note_complaint
from telebank.calls.control.answers import SEED
from telebank.calls.control.common import Name, Note, Reply, RequestId, as_json, read_body, stop
from telebank.calls.control.desk import Counter
from telebank.customers.usage import DAYS
from telebank.staff import totp
from telebank.staff.roles import RIGHTS, SHOW_CUSTOMER, Role, may
from telebank.store import (
    approvals,
    ceilings,
    customer_records,
    habits,
    payees,
    people,
    second_factors,
)
from telebank.store.customer_records import CustomerRecord
from telebank.store.sealing import Keyring
from telebank.store.transaction import Transaction
from transactions.approval import Actor, Approving, Detail
from transactions.card import CardNumber, CardNumberError

SHOW, TOKEN = "/v1/customers/show", "/v1/customers/token"
TOKEN_DIGITS = 64
"""Of the token of a card."""
_WORDS = {
    "exists": "this customer has a token already; take it away first",
    "none": "this customer has no token",
}


class ShowBody(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """Whose; the card as it stands on it, without spaces."""

    card: Name


class TokenBody(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """One person's word on a customer's token."""

    request_id: RequestId
    card: Name
    what: Literal["add", "remove"]
    note: Note


@dataclass(frozen=True, slots=True)
class AddToken:
    """Carries out `token.add`; its object is the token of the card, its detail the card's mask."""

    counter: Counter
    keys: Keyring

    def complaint(self, of: str, detail: Detail) -> str | None:
        """See `Carrier`."""
        return _complaint(of, detail)

    def check(self, of: str, detail: Detail) -> approvals.Check | None:
        """There is none yet."""
        return partial(_hindrance, customer=of, there=False)

    def why(self, code: str) -> str | None:
        """Words for what stands in the way."""
        return _WORDS.get(code)

    async def carry_out(self, approving: Approving, detail: Detail) -> Done | Turned:
        """Make a seed and keep it sealed; it is told once, to who approves."""
        seed = totp.new_seed()
        job = partial(
            second_factors.add_token,
            customer=approving.object,
            seed=self.keys.seal_digits(seed),
            approving=approving,
        )
        refused = await self.counter.desk.run(job)
        if refused is not None:
            return Turned(refused, "")
        shown = str(detail["card"])
        return Done({"card": shown, "token": "added", SEED: totp.uri(seed, shown)})


@dataclass(frozen=True, slots=True)
class RemoveToken:
    """Carries out `token.remove`; object and detail as of `AddToken`."""

    counter: Counter

    def complaint(self, of: str, detail: Detail) -> str | None:
        """See `Carrier`."""
        return _complaint(of, detail)

    def check(self, of: str, detail: Detail) -> approvals.Check | None:
        """There is one."""
        return partial(_hindrance, customer=of, there=True)

    def why(self, code: str) -> str | None:
        """Words for what stands in the way."""
        return _WORDS.get(code)

    async def carry_out(self, approving: Approving, detail: Detail) -> Done | Turned:
        """Forget the seed."""
        job = partial(second_factors.remove_token, customer=approving.object, approving=approving)
        refused = await self.counter.desk.run(job)
        if refused is not None:
            return Turned(refused, "")
        return Done({"card": str(detail["card"]), "token": "removed"})


class CustomersPart:
    """A `ControlPart`."""

    def __init__(self, counter: Counter, keys: Keyring) -> None:
        self._counter = counter
        self._acts = Acts(counter.desk)
        self._keys = keys
        self._carriers: Mapping[str, AddToken | RemoveToken] = {
            "add": AddToken(counter, keys),
            "remove": RemoveToken(counter),
        }

    def routes(self) -> Sequence[web.AbstractRouteDef]:
        """See `ControlPart`."""
        return [web.post(SHOW, self._show), web.post(TOKEN, self._token)]

    async def _show(self, request: web.Request) -> web.Response:
        body = await read_body(request, ShowBody)
        by = await self._counter.actor(request)
        card = card_of(body.card)
        if not may(Role(by.role), SHOW_CUSTOMER):
            allowed = RIGHTS[SHOW_CUSTOMER]
            denied = await self._acts.denied(by, SHOW_CUSTOMER, card.masked, allowed)
            return denied.response()
        job = partial(_look, customer=self._keys.token(card), masked=card.masked, by=by)
        return web.json_response(await self._counter.run(job))

    async def _token(self, request: web.Request) -> web.Response:
        body = await read_body(request, TokenBody)
        by = await self._counter.actor(request)
        card = card_of(body.card)
        wrong = note_complaint(body.note, needed=True)
        if wrong is not None:
            stop(400, "bad_request", wrong)
        detail: Detail = {"card": card.masked}
        of = self._keys.token(card)
        saying = Saying(body.request_id, f"token.{body.what}", of, detail, body.note, by)

        async def work() -> Reply:
            return await self._acts.say(saying, self._carriers[body.what])

        return await self._counter.once(request, by.id, body.request_id, work)


def card_of(text: str) -> CardNumber:
    """The card that a person names; 400 where it is none."""
    try:
        return CardNumber(text)
    except CardNumberError as error:
        stop(400, "bad_request", str(error))


def _complaint(of: str, detail: Detail) -> str | None:
    if len(of) != TOKEN_DIGITS or set(detail) != {"card"}:
        return f"tokens are given and taken at {TOKEN}"
    return None


def _hindrance(part: Transaction, customer: str, there: bool) -> str | None:
    """Whether the customer has a token, where he should not; or the other way round."""
    found = second_factors.token(part, customer) is not None
    if found == there:
        return None
    return "none" if there else "exists"


def _look(part: Transaction, customer: str, masked: str, by: Actor) -> dict[str, Any]:
    """All that is kept for a customer, and the event that somebody looked."""
    detail = {"customer": customer, "card_masked": masked}
    part.event(people.staff_event("customer.shown", by, "ok", detail))
    since = part.now.date() - timedelta(days=DAYS)
    token = second_factors.token(part, customer)
    return {
        "card": masked,
        "settings": dict(habits.settings(part, customer)),
        "payees": [_payee(one, part) for one in payees.of(part, customer)],
        "ceilings": [_ceiling(one) for one in ceilings.of(part, customer)],
        "uses": [{"what": what, "times": n} for what, n in habits.top(part, customer, since, 1)],
        "token": token and {"added_at": as_json(token.added_at), "added_by": token.added_by},
        "record": _record(customer_records.find(part, customer)),
    }


def _record(one: CustomerRecord) -> dict[str, Any]:
    return {
        "importance": one.importance,
        "teller": one.teller,
        "numbers": [number.masked for number in one.numbers],
        "changed_at": as_json(one.changed_at),
        "changed_by": one.changed_by,
    }


def _payee(one: payees.Payee, part: Transaction) -> dict[str, Any]:
    return {
        "slot": one.slot,
        "card": one.card.masked,
        "state": "ready" if one.ready(part.now) else "cooling",
        "added_at": as_json(one.added_at),
        "ready_at": as_json(one.ready_at),
        "daily": None if one.daily is None else str(one.daily),
    }


def _ceiling(one: ceilings.Ceiling) -> dict[str, Any]:
    return {
        "limit": one.limit,
        "amount": str(one.amount),
        "later": None if one.later is None else str(one.later),
        "since": None if one.since is None else one.since.isoformat(),
    }
