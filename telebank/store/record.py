"""The job that writes RECORDED: the same id, quote, twin and limits are judged in its commit."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, timedelta, timezone
from typing import Any

from sqlalchemy import Date, bindparam, func, insert, or_, select, text

from telebank.store import ceilings, hot_list, payees, proposals, tables
from telebank.store.sealing import Keyring
from telebank.store.steps import sent_first
from telebank.store.transaction import Refused, Transaction
from telebank.store.values import NUMBER, SealedInput, from_json, read_outcome, split_inputs
from transactions.card import CardNumber, SealedCard
from transactions.card_text import without_numbers
from transactions.hot_list import EXPIRY
from transactions.journal import (
    Existing,
    Found,
    GuardKey,
    GuardState,
    Hold,
    JournalEvent,
    Recorded,
    RecordPlan,
    RecordRefused,
)
from transactions.lifecycle import DONE, UNSETTLED, State
from transactions.money import Money
from transactions.request import MAX_REQUEST_ID, HostMessage, Request

_R = tables.request.c
_LONG = re.compile(r"\d{2,}(\d{4})")
"""Digits inside another text that may be somebody's number."""
SHOWN = 4
"""Most characters of a number that are shown; never more than half of it."""


def states_in(states: frozenset[State]) -> str:
    """A constant SQL condition on column `state`."""
    return "state IN (" + ", ".join(f"'{state.value}'" for state in sorted(states)) + ")"


_SAME = select(
    _R.id,
    _R.reference,
    _R.state,
    _R.service,
    _R.quote,
    _R.customer,
    _R.content_hash,
    _R.outcome,
    _R.reason,
    _R.outcome_data,
    _R.host_reference,
    _R.inputs,
).where(or_(_R.id == bindparam("of_id"), _R.quote == bindparam("of_quote")))
_TWIN = select(_R.state, _R.reference, _R.created_at, _R.settled_at).where(
    _R.guard_payer == bindparam("payer"),
    _R.guard_payee == bindparam("payee"),
    _R.guard_amount == bindparam("minor"),
    _R.guard_currency == bindparam("unit"),
    or_(
        text(states_in(UNSETTLED)),
        text(states_in(DONE)) & (_R.settled_at >= bindparam("since", type_=_R.settled_at.type)),
    ),
)
_INSERT_REQUEST = insert(tables.request)
_INSERT_SEALED = insert(tables.sealed_input)
_USE = tables.limit_use.c
_TAKEN = (
    select(func.coalesce(func.sum(_USE.amount), 0))
    .where(
        _USE.customer == bindparam("who"),
        _USE.limit_name == bindparam("limit"),
        _USE.business_date == bindparam("day"),
        _USE.currency == bindparam("unit"),
        text("state IN ('held', 'used')"),
    )
    .scalar_subquery()
)
# One statement, so that no other reservation comes between the sum and the row (rule 11).
_HOLD = insert(tables.limit_use).from_select(
    ["request", "limit_name", "customer", "business_date", "amount", "currency", "state"],
    select(
        bindparam("of_request", type_=_USE.customer.type),
        bindparam("limit", type_=_USE.limit_name.type),
        bindparam("who", type_=_USE.customer.type),
        bindparam("day", type_=Date),
        bindparam("minor", type_=_USE.amount.type),
        bindparam("unit", type_=_USE.currency.type),
        text("'held'"),
    ).where(_TAKEN + bindparam("minor", type_=_USE.amount.type) <= bindparam("ceiling")),
)


@dataclass(frozen=True, slots=True)
class Draft:
    """A request ready to be written: sealed, numbered, without secrets."""

    request: Request
    plan: RecordPlan
    plain: Mapping[str, Any]
    sealed: tuple[SealedInput, ...]
    guard: Mapping[str, Any]
    hot: SealedCard | None
    key_id: str
    """Sealing key current at the time."""
    sent: HostMessage | None
    """Its first message, where it is to be written as SENT."""

    @property
    def judged_hot(self) -> str:
        """Token of the card that must not be hot; empty where it may be."""
        return "" if self.plan.takes_hot else self.plan.customer or ""

    @property
    def reports(self) -> str:
        """Token of the card that it reports lost, or whose report it confirms; else empty."""
        if self.hot is not None:
            return self.hot.token
        decision = self.plan.decision
        confirms = decision is not None and decision.becomes == "confirmed"
        return (self.plan.customer or "") if confirms else ""

    @property
    def judged(self) -> tuple[str, ...]:
        """What no other node may judge meanwhile: this id, this quote, this payer, and all limits
        of the customers whose limits it draws on; whether his card is hot."""
        keys = {f"id:{self.request.id}", *(f"limit:{hold.customer}" for hold in self.plan.holds)}
        if self.hot is not None:
            keys.add(f"hot:{self.hot.token}")
        if self.plan.decision is not None and self.plan.customer:
            keys.add(f"hot:{self.plan.customer}")
        if self.judged_hot:
            keys.add(f"hot:{self.judged_hot}")
        if self.plan.quote is not None:
            keys.add(f"quote:{self.plan.quote}")
        if self.plan.approval is not None:
            keys.update(proposals.judged(self.plan.approval.number))
        for hold in self.plan.holds:
            keys.update(payees.judged(hold.owner) if hold.payee else ())
            keys.update(ceilings.judged(hold.owner) if hold.owner else ())
        if self.guard:
            keys.add(f"payer:{self.guard['payer']}")
        return tuple(keys)


def draft_of(
    request: Request, plan: RecordPlan, keys: Keyring, sent: HostMessage | None = None
) -> Draft:
    """Seal a request's numbers before it is queued; raises `ValueError` for what no row takes."""
    if not 0 < len(request.id) <= MAX_REQUEST_ID:
        raise ValueError(f"a request id has 1 to {MAX_REQUEST_ID} characters")
    plain, sealed = split_inputs(request.inputs, keys)
    guard = guard_columns(plan.guard, keys) if plan.guard else {}
    hot = keys.seal(plan.hot_list) if plan.hot_list else None
    return Draft(request, plan, plain, tuple(sealed), guard, hot, keys.current, sent)


def guard_columns(key: GuardKey, keys: Keyring) -> dict[str, Any]:
    """The triple as it is compared: payer and payee only as HMAC, whatever they were named by."""
    return {
        "payer": keys.digest(key.payer),
        "payee": keys.digest(key.payee),
        "minor": key.amount.minor,
        "unit": key.amount.currency.code,
    }


def record(
    part: Transaction,
    draft: Draft,
    window: timedelta,
    zone: timezone,
) -> Recorded | Existing | RecordRefused:
    """Write the request with its reservations, and SENT with its message where it has one and need
    not wait, or raise `Refused` with the reason. `zone` is the bank's wall clock, whose day it is
    where the request brings no business date."""
    existing = _existing(part, draft)
    if existing is not None:
        return existing
    if draft.judged_hot and hot_list.hot(part, draft.judged_hot, zone):
        raise _refused(draft.request, "lost")
    if draft.plan.decision is not None:
        refused = hot_list.decide(part, draft.request.id, draft.plan.decision, zone)
        if refused is not None:
            return RecordRefused(refused)
    _judge_twin(part, draft, window)
    _use_proposal(part, draft)
    waits = draft.sent is not None and hot_list.lifting(part, draft.reports)
    if waits:
        draft = replace(draft, sent=None)
    request = replace(
        draft.request,
        node=part.node,
        epoch=part.epoch,
        business_date=draft.request.business_date or part.now.astimezone(zone).date(),
        created_at=part.now,
    )
    part.execute(_INSERT_REQUEST, _row(request, draft))
    if draft.sealed:
        part.execute_many(_INSERT_SEALED, [_sealed_row(request, s) for s in draft.sealed])
    for hold in draft.plan.holds:
        _reserve(part, request, hold)
    if draft.hot is not None:
        hot_list.put(part, request, draft.hot, draft.plan.hot_until)
    part.state(request.id, 0, State.RECORDED, "")
    part.event(_event(request, "request.state", State.RECORDED))
    if draft.sent is not None:
        sent_first(part, draft.sent, _told_of(request, "request.state", State.SENT, {}))
    return Recorded(request, waits)


def _same(part: Transaction, request_id: str, quote: str | None) -> Any:
    """The row of this id, else the row of this quote."""
    rows = part.execute(_SAME, {"of_id": request_id, "of_quote": quote}).all()
    return min(rows, key=lambda found: found.id != request_id, default=None)


def _existing(part: Transaction, draft: Draft) -> Existing | None:
    row = _same(part, draft.request.id, draft.plan.quote)
    if row is None:
        return None
    if draft.plan.same(row.content_hash):
        return _result(row)
    refused = _refused(draft.request, "different_content")
    if row.id != draft.request.id:
        # The host gave one quote to two requests: neither may hear of the other's.
        detail = {"what": "one quote for two requests", "first": row.reference}
        refused.events.append(_told_of(draft.request, "alarm.quote", "", detail))
    raise refused


def find(part: Transaction, request_id: str, quote: str | None) -> Found | None:
    """What was recorded under an id, else under a quote (rule 9)."""
    row = _same(part, request_id, quote)
    if row is None:
        return None
    return Found(_result(row), row.service, row.quote, row.customer)


def _result(row: Any) -> Existing:
    outcome = read_outcome(row.outcome, row.reason, row.outcome_data, row.host_reference)
    until = row.inputs.get(EXPIRY)
    day = from_json(until) if isinstance(until, dict) else None
    last = day if isinstance(day, date) else None
    return Existing(row.id, State(row.state), outcome, row.reference, last)


def twin(part: Transaction, guard: Mapping[str, Any], window: timedelta) -> GuardState:
    """Whether the triple is open, or was done within `window` (rule 13)."""
    rows = part.execute(_TWIN, {**guard, "since": part.now - window}).all()
    unsettled = [row for row in rows if State(row.state) in UNSETTLED]
    if unsettled:
        return GuardState("open", unsettled[0].reference, unsettled[0].created_at)
    if rows:
        last = max(rows, key=lambda row: row.settled_at)
        return GuardState("done", last.reference, last.settled_at)
    return GuardState("free")


def _judge_twin(part: Transaction, draft: Draft, window: timedelta) -> None:
    if not draft.guard:
        return
    match twin(part, draft.guard, window).state:
        case "open":
            raise _refused(draft.request, "pending")
        case "done" if not draft.plan.repeat_told:
            raise _refused(draft.request, "repeated")


def _use_proposal(part: Transaction, draft: Draft) -> None:
    """Another person's proposal is used up by this very request, or it is not written."""
    claim = draft.plan.approval
    refused = None if claim is None else proposals.claim(part, claim, draft.request.id)
    if refused is not None:
        raise _refused(draft.request, refused)


def _reserve(part: Transaction, request: Request, hold: Hold) -> None:
    if hold.amount.currency != hold.ceiling.currency:
        raise ValueError(f"limit {hold.limit}: amount and ceiling are of different currencies")
    values = {
        "of_request": request.id,
        "limit": hold.limit,
        "who": hold.customer,
        "day": request.business_date,
        "minor": hold.amount.minor,
        "unit": hold.amount.currency.code,
        "ceiling": _ceiling(part, request, hold).minor,
    }
    if part.execute(_HOLD, values).rowcount != 1:
        raise _refused(request, "over_limit")


def _ceiling(part: Transaction, request: Request, hold: Hold) -> Money:
    """The bank's, or what its owner has lowered it to for himself or for one payee."""
    if hold.payee:
        on = request.business_date
        own = payees.most_daily(part, hold.owner, hold.payee, hold.ceiling, on)
        return hold.ceiling if own is None else own
    if not hold.owner or request.business_date is None:
        return hold.ceiling
    return ceilings.most(part, hold.owner, hold.limit, hold.ceiling, request.business_date)


def _refused(request: Request, reason: str) -> Refused:
    return Refused(
        RecordRefused(reason),  # type: ignore[arg-type]
        _event(request, "request.refused", reason),
    )


def _event(request: Request, kind: str, outcome: str) -> JournalEvent:
    """Without any hash of what was asked: the log is kept for years."""
    detail: dict[str, str | int] = {
        "service": request.service,
        "version": request.contract_version,
        "release": request.release,
        "reference": request.reference,
    }
    return _told_of(request, kind, str(outcome), detail)


def _told_of(
    request: Request, kind: str, outcome: str, detail: Mapping[str, str | int]
) -> JournalEvent:
    return JournalEvent(
        kind,
        call=request.call,
        request=request.id,
        actor=request.actor,
        role=request.channel,
        origin=request.channel,
        outcome=outcome,
        detail=dict(detail),
    )


def _row(request: Request, draft: Draft) -> dict[str, Any]:
    plan, guard, sent = draft.plan, draft.guard, draft.sent
    amount = plan.guard.amount if plan.guard else request.inputs.get("amount")
    money = amount if isinstance(amount, Money) else None
    return {
        "id": request.id,
        "node": request.node,
        "epoch": request.epoch,
        "terminal": sent.field41 if sent else "",
        "service": request.service,
        "contract_version": request.contract_version,
        "release": request.release,
        "effect": plan.effect,
        "recovery": plan.recovery,
        "state": (State.SENT if sent else State.RECORDED).value,
        "steps": 2 if sent else 1,
        "messages": 1 if sent else 0,
        "actor": request.actor,
        "channel": request.channel,
        "call": request.call,
        "auth": request.auth.value,
        "authenticated_token": request.authenticated_token,
        "language": request.language,
        "business_date": request.business_date,
        "inputs": draft.plain,
        "key_id": draft.key_id,
        "amount": money.minor if money else None,
        "currency": money.currency.code if money else None,
        "content_hash": plan.content_hash,
        "quote": plan.quote,
        "customer": plan.customer,
        "guard_payer": guard.get("payer"),
        "guard_payee": guard.get("payee"),
        "guard_amount": guard.get("minor"),
        "guard_currency": guard.get("unit"),
        "payee_masked": _payee(request, plan.guard),
        "reference": request.reference,
        "host_reference": "",
        "attempts": 0,
        "created_at": request.created_at,
    }


def _payee(request: Request, guard: GuardKey | None) -> str:
    """How a notice names the payee: what was read back, else the payee card's mask, else what the
    money is for (`water ****4417`), as the guard has it."""
    named, card = request.inputs.get("payee_masked"), request.inputs.get("to")
    if isinstance(named, str):
        return without_numbers(named)[: tables.TEXT]
    if isinstance(card, CardNumber | SealedCard):
        return card.masked
    cards = [
        value for value in request.inputs.values() if isinstance(value, CardNumber | SealedCard)
    ]
    if guard is None or len(cards) > 1:
        return ""  # a card has only its token there
    return " ".join(_masked(term) for term in guard.payee.split("|"))[: tables.TEXT]


def _masked(term: str) -> str:
    """Somebody's number with a biller or the bank by its end; a word as it is."""
    if NUMBER.fullmatch(term) is None:
        return _LONG.sub(r"****\1", term)
    return f"****{term[len(term) - min(SHOWN, len(term) // 2) :]}"


def _sealed_row(request: Request, item: SealedInput) -> dict[str, Any]:
    return {
        "request": request.id,
        "name": item.name,
        "kind": item.kind,
        "token": item.sealed.token,
        "masked": item.sealed.masked,
        "key_id": item.sealed.key_id,
        "ciphertext": item.sealed.ciphertext,
    }
