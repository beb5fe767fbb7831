"""Paths of loss reports: `GET /v1/losses`, `GET /v1/losses/REFERENCE`, `POST …/confirm`; and the
carrier of `loss.lift`.

One person confirms a report (the customer has signed), two lift it (the card was found). What is
decided holds here at once, whatever the host says; the host is told as soon as it answers.
"""

import secrets
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import asdict
from datetime import date, timezone
from functools import partial
from typing import Any, Protocol, get_args

import msgspec
from aiohttp import web

from telebank.calls.control.acts import Acts, Done, Turned, note_complaint
from telebank.calls.control.common import (
    Note,
    Reply,
    RequestId,
    as_json,
    read_body,
    refused,
    stop,
)
from telebank.calls.control.desk import Counter
from telebank.staff.roles import LIST_LOSSES, RIGHTS, Role, may
from telebank.store import approvals, hot_list
from telebank.store.transaction import Transaction
from transactions.answer import Answer
from transactions.approval import Approving, Detail, Refusal
from transactions.hot_list import CONFIRM, Decided, HotDecision
from transactions.outcome import Approved
from transactions.request import REFERENCE_DIGITS, Request, is_reference

STAFF = "staff"
"""The channel of what is asked for at the control socket."""
SERVICES: Mapping[Decided, str] = {"confirmed": "card.confirm_loss", "lifted": "card.lift_loss"}
_WORDS: Mapping[str, str] = {
    "unknown_reference": "no report of loss has this reference; `telebank loss list` lists them",
    "report_expired": "this report is over: the card is used again. Take a new report",
    "already_confirmed": "it is confirmed already: nothing is to be done",
    "already_lifted": "it is lifted already: nothing is to be done",
    "unsettled": (
        "the host has not answered an earlier request for this card, and must hear of that first. "
        "Wait; what has become MANUAL is for `telebank host resolve`"
    ),
    "reports_changed": (
        "the reports of this card that stand are not those that you named: `telebank loss show` "
        "says which do. A proposal of others can only be refused, and made anew"
    ),
    "gone": "you are not on the staff in this role any more",
    "no_card": "the card of this report cannot be read from the journal",
    "journal": ("the store did not say that it took it: `telebank loss show` says whether it did"),
    "unsupported": (
        "nothing was changed: the profile of this host does not map {service}. Add it to its "
        "`services` (docs/hosts.md)"
    ),
}


class Submitter(Protocol):
    """The processor, as far as this needs it."""

    async def submit(self, request: Request) -> Answer:
        """See `transactions.processor.Processor`."""
        ...


Run = Callable[[Callable[[Transaction], Any]], Awaitable[Any]]


class Decider:
    """Has the processor decide on a report and tell the host."""

    def __init__(self, processor: Submitter, run: Run, zone: timezone) -> None:
        self._processor = processor
        self._run = run
        self.zone = zone

    async def decide(self, decision: HotDecision) -> Done | Turned:
        """Decide; raises as the store does where it cannot be asked."""
        card = await self._run(partial(hot_list.card_of, reference=decision.reference))
        if card is None:
            found = await self.find(decision.reference)
            return _turned("unknown_reference" if found is None else "no_card", decision)
        answer = await self._processor.submit(
            Request(
                id=f"loss-{secrets.token_hex(16)}",
                service=SERVICES[decision.becomes],
                contract_version=1,
                inputs={"card": card, "report": decision.reference},
                actor=decision.by.id,
                channel=STAFF,
                deciding=decision,
            )
        )
        if not answer.row:
            return _turned(_reason(answer), decision)
        report = await self.find(decision.reference)
        told = {} if report is None else {"report": shown(report)}
        return Done({**told, "host": answer.exit, "why": _reason(answer)})

    async def find(self, reference: str) -> hot_list.Report | None:
        """The report of a reference."""
        job = partial(hot_list.find, reference=reference, zone=self.zone)
        found: hot_list.Report | None = await self._run(job)
        return found


class LiftAct:
    """The carrier of `loss.lift`; its object is a report's reference, its detail the reports of
    the card that stand, as `hot_list.standing` says them."""

    def __init__(self, decider: Decider) -> None:
        self._decider = decider

    def complaint(self, of: str, detail: Detail) -> str | None:
        """See `Carrier`."""
        if not is_reference(of):
            return _bad_reference()
        if set(detail) != {"reports", "digest"}:
            return "the detail says what is lifted: it is `standing` of GET /v1/losses/REFERENCE"
        return None

    def check(self, of: str, detail: Detail) -> approvals.Check | None:
        """These reports stand, and the host has answered what was asked before."""
        zone = self._decider.zone
        return partial(hot_list.not_liftable, reference=of, detail=detail, zone=zone)

    def why(self, code: str) -> str | None:
        """Words for a report that cannot be lifted."""
        return _WORDS.get(code) if code != "gone" else None

    async def carry_out(self, approving: Approving, detail: Detail) -> Done | Turned:
        """Approve and lift in one commit, and tell the host."""
        by, note = approving.by, approving.note
        return await self._decider.decide(
            HotDecision(approving.object, "lifted", by, note, approving)
        )


class ConfirmBody(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """What one person saw."""

    request_id: RequestId
    note: Note


class LossPart:
    """A `ControlPart`."""

    def __init__(self, counter: Counter, decider: Decider) -> None:
        self._counter = counter
        self._acts = Acts(counter.desk)
        self._decider = decider

    def routes(self) -> Sequence[web.AbstractRouteDef]:
        """See `ControlPart`."""
        return [
            web.get("/v1/losses", self._list),
            web.get("/v1/losses/{reference}", self._show),
            web.post("/v1/losses/{reference}/confirm", self._confirm),
        ]

    async def _list(self, request: web.Request) -> web.Response:
        denied = await self._denied(request, "")
        if denied is not None:
            return denied
        found = await self._counter.run(partial(hot_list.newest, zone=self._decider.zone))
        return web.json_response({"reports": [shown(one) for one in found]})

    async def _show(self, request: web.Request) -> web.Response:
        reference = request.match_info["reference"]
        good = is_reference(reference)  # what else was typed may be a card number: no event has it
        denied = await self._denied(request, reference if good else "")
        if denied is not None:
            return denied
        if not good:
            stop(400, "bad_request", _bad_reference())
        zone = self._decider.zone
        found = await self._counter.run(partial(hot_list.find, reference=reference, zone=zone))
        if found is None:
            stop(404, "unknown_reference", _WORDS["unknown_reference"])
        work = partial(hot_list.standing, reference=reference, zone=zone)
        return web.json_response({**shown(found), "standing": await self._counter.run(work)})

    async def _denied(self, request: web.Request, of: str) -> web.Response | None:
        by = await self._counter.actor(request)
        if may(Role(by.role), LIST_LOSSES):
            return None
        return (await self._acts.denied(by, LIST_LOSSES, of, RIGHTS[LIST_LOSSES])).response()

    async def _confirm(self, request: web.Request) -> web.Response:
        body = await read_body(request, ConfirmBody)
        reference = request.match_info["reference"]
        by = await self._counter.actor(request)
        wrong = None if is_reference(reference) else _bad_reference()
        wrong = wrong or note_complaint(body.note, needed=True)
        if wrong is not None:
            stop(400, "bad_request", wrong)

        async def work() -> Reply:
            if not may(Role(by.role), CONFIRM):
                return await self._acts.denied(by, CONFIRM, reference, RIGHTS[CONFIRM])
            decision = HotDecision(reference, "confirmed", by, body.note)
            done = await self._decider.decide(decision)
            if isinstance(done, Turned):
                return refused(409, done.code, done.error)
            return Reply(200, {"state": "confirmed", **done.result})

        return await self._counter.once(request, by.id, body.request_id, work)


def shown(report: hot_list.Report) -> dict[str, Any]:
    """A report as JSON."""
    return {name: _plain(value) for name, value in asdict(report).items()}


def _plain(value: object) -> Any:
    return value.isoformat() if isinstance(value, date) else as_json(value)


def _reason(answer: Answer) -> str:
    return "" if isinstance(answer.outcome, Approved) else answer.outcome.reason


def _turned(code: str, decision: HotDecision) -> Turned:
    if decision.approving is not None and code in get_args(Refusal):
        return Turned(code, "")  # the words are those of every act of two
    words = _WORDS.get(code, f"nothing was changed: {code}")
    return Turned(code, words.format(service=SERVICES[decision.becomes]))


def _bad_reference() -> str:
    return f"a reference has {REFERENCE_DIGITS} digits; `telebank loss list` lists them"
