"""The local hot list: a row for each report of loss, and what staff decided on it (rule 16).

A card is hot while any report of it stands: one that was confirmed, or one whose last day, on the
bank's wall clock, is not over. A report that is over or was lifted stays as history.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timezone
from typing import Any

from sqlalchemy import Select, bindparam, delete, insert, or_, select, text, update

from telebank.store import approvals, tables
from telebank.store.events import clean_text
from telebank.store.transaction import Refused, Transaction
from transactions.approval import Detail, content_hash
from transactions.card import SealedCard
from transactions.hot_list import CONFIRM, LIFT, Hindrance, HotDecision, Undecided
from transactions.journal import JournalEvent, RecordRefused
from transactions.lifecycle import OPEN
from transactions.request import Request

MAX_LISTED = 500
"""Reports in one list, newest first."""
MAX_NAMED = 8
"""Reports that a proposal to lift names, newest first; its digest is of all."""
_H = tables.hot_card.c
_R = tables.request.c
_DECISION = tables.request.alias("decision_request")
_TODAY = bindparam("today", type_=_H.until.type)
_STANDS = or_(
    text("hot_card.state = 'confirmed'"),
    text("hot_card.state = 'reported'") & or_(_H.until.is_(None), _H.until >= _TODAY),
)
_HOT = select(_H.token).where(_H.token == bindparam("of_token"), _STANDS)
_INSERT = insert(tables.hot_card)
_DECLINED = delete(tables.hot_card).where(
    _H.request == bindparam("of_id"), text("state = 'reported'")
)
_CHANGE = {
    "state": bindparam("becomes"),
    "decided_by": bindparam("who", type_=_H.decided_by.type),
    "decided_at": bindparam("decided", type_=_H.decided_at.type),
    "note": bindparam("words", type_=_H.note.type),
    "decision": bindparam("by_request", type_=_H.decision.type),
}
# The host's refusal of a report may drop it meanwhile, at another node.
_CONFIRM = (
    update(tables.hot_card)
    .where(_H.request == bindparam("of_id"), text("state = 'reported'"))
    .values(_CHANGE)
)
_LIFT = update(tables.hot_card).where(_H.token == bindparam("of_token"), _STANDS).values(_CHANGE)
_UNSETTLED = select(_R.reference).where(
    _R.customer == bindparam("of_token"),
    text(f"effect = 'state' AND recovery = 'repeat' AND {tables.OPEN_STATES}"),
)
"""Earlier requests that tell the host of this card, and that it has not answered."""
_UNANSWERED = "state IN (" + ", ".join(f"'{state.value}'" for state in sorted(OPEN)) + ")"
_LIFTING = (
    select(_R.id)
    .join(tables.hot_card, _H.decision == _R.id)
    .where(
        _H.token == bindparam("of_token"),
        text(f"hot_card.state = 'lifted' AND request.{_UNANSWERED}"),
    )
    .limit(1)
)
_MUST_WAIT = (
    select(_R.id)
    .join(tables.hot_card, _H.token == _R.customer)
    .join(_DECISION, _DECISION.c.id == _H.decision)
    .where(
        _R.id == bindparam("of_id"),
        _DECISION.c.id != _R.id,
        text(f"hot_card.state = 'lifted' AND decision_request.{_UNANSWERED}"),
    )
    .limit(1)
)
_STANDING = (
    select(_R.reference, _H.state)
    .join(tables.hot_card, _H.request == _R.id)
    .where(_H.token == bindparam("of_token"), _STANDS)
    .order_by(_H.at.desc(), _R.reference.desc())
)
_REPORTS: Select[Any] = (
    select(
        *(_R.reference, _R.service, _R.channel, _R.state.label("host_state")),
        *(_H.token, _H.request, _H.masked, _H.at, _H.until, _H.state),
        *(_H.decided_by, _H.decided_at, _H.note),
        _DECISION.c.state.label("decision_state"),
    )
    .select_from(tables.hot_card)
    .join(tables.request, _R.id == _H.request)
    .outerjoin(_DECISION, _DECISION.c.id == _H.decision)
)
_NEWEST = _REPORTS.order_by(_H.at.desc(), _R.reference.desc()).limit(MAX_LISTED)
_ONE = _REPORTS.where(_R.reference == bindparam("of_reference"))
_S = tables.sealed_input.c
_CARD = select(_S.token, _S.masked, _S.key_id, _S.ciphertext).where(
    _S.request == bindparam("of_id"), _S.token == bindparam("of_token"), text("kind = 'card'")
)


@dataclass(frozen=True, slots=True)
class Report:
    """A report of loss as it stands today."""

    reference: str
    """Field 37 of its request: the number that the caller heard."""
    card_masked: str
    channel: str
    at: datetime
    until: date | None
    """The last day, on the bank's wall clock; `None`: for good."""
    state: str
    """reported, expired, confirmed or lifted."""
    host_state: str
    """Where the request of the report is (APPROVED: the host has it)."""
    decided_by: str | None
    decided_at: datetime | None
    note: str
    decision_state: str | None
    """Where the request is that tells the host of the decision; `None`: nothing was decided."""


def today(part: Transaction, zone: timezone) -> date:
    """The day on the bank's wall clock."""
    return part.now.astimezone(zone).date()


def hot(part: Transaction, token: str, zone: timezone) -> bool:
    """Whether the card is refused today."""
    return part.execute(_HOT, {"of_token": token, "today": today(part, zone)}).first() is not None


def put(part: Transaction, request: Request, card: SealedCard, until: date | None) -> None:
    """Write a report, with its event."""
    row = {"token": card.token, "request": request.id, "masked": card.masked, "at": part.now}
    part.execute(_INSERT, row | {"until": until, "state": "reported"})
    last = until.isoformat() if until else None
    detail = {"reference": request.reference, "card_masked": card.masked, "token": card.token}
    part.event(
        JournalEvent(
            "card.hot_listed",
            call=request.call,
            request=request.id,
            actor=request.actor,
            role=request.channel,
            origin=request.channel,
            detail={**detail, "until": last},
        )
    )


def declined(part: Transaction, request_id: str) -> bool:
    """The host did not take a report (it was not the owner's): the card may be used again, unless
    the customer signed for it. Whether there was one to drop."""
    return part.execute(_DECLINED, {"of_id": request_id}).rowcount > 0


def newest(part: Transaction, zone: timezone) -> Sequence[Report]:
    """The newest reports."""
    day = today(part, zone)
    return [_report(row, day) for row in part.execute(_NEWEST).all()]


def find(part: Transaction, reference: str, zone: timezone) -> Report | None:
    """The report of a reference."""
    row = _row(part, reference)
    return None if row is None else _report(row, today(part, zone))


def card_of(part: Transaction, reference: str) -> SealedCard | None:
    """The card of a report, as its request has it."""
    row = _row(part, reference)
    if row is None:
        return None
    found = part.execute(_CARD, {"of_id": row.request, "of_token": row.token}).first()
    return None if found is None else SealedCard(*found)


def lifting(part: Transaction, token: str) -> bool:
    """Whether the host has still to answer that the card's reports were lifted."""
    return bool(token) and part.execute(_LIFTING, {"of_token": token}).first() is not None


def must_wait(part: Transaction, request_id: str) -> bool:
    """Whether another request, which lifts reports of the same card, goes to the host first. None
    is lifted while an earlier request for the card is open, so it can only be an earlier one."""
    return part.execute(_MUST_WAIT, {"of_id": request_id}).first() is not None


def standing(part: Transaction, reference: str, zone: timezone) -> Detail:
    """The reports that are lifted with this one, as both people say them: the newest in words, all
    with their states in a SHA-256. Empty for an unknown reference."""
    row = _row(part, reference)
    if row is None:
        return {}
    found = part.execute(_STANDING, {"of_token": row.token, "today": today(part, zone)}).all()
    named = [f"{one.reference} {one.state}" for one in found]
    more = [f"and {len(named) - MAX_NAMED} more"] if len(named) > MAX_NAMED else []
    digest = hashlib.sha256("\n".join(named).encode()).hexdigest()
    return {"reports": ", ".join([*named[:MAX_NAMED], *more]), "digest": digest}


def not_liftable(
    part: Transaction, reference: str, detail: Detail, zone: timezone
) -> Hindrance | None:
    """Why lifting these reports with this one cannot be proposed; `None` where it can."""
    found = hindrance(part, reference, "lifted", zone)
    changed = dict(detail) != dict(standing(part, reference, zone))
    return found or ("reports_changed" if changed else None)


def hindrance(part: Transaction, reference: str, becomes: str, zone: timezone) -> Hindrance | None:
    """Why nothing can be decided on the report; `None` where it can."""
    row = _row(part, reference)
    if row is None:
        return "unknown_reference"
    match _report(row, today(part, zone)).state, becomes:
        case "expired", _:
            return "report_expired"
        case "lifted", _:
            return "already_lifted"
        case "confirmed", "confirmed":
            return "already_confirmed"
        case _, "lifted" if part.execute(_UNSETTLED, {"of_token": row.token}).first() is not None:
            return "unsettled"
    return None


def decide(
    part: Transaction, request_id: str, decision: HotDecision, zone: timezone
) -> Undecided | None:
    """Confirm one report, or lift every one of its card that stands; why not, or `None`.

    Raises `Refused` where the report is not one to decide on. Lifting is approved in this commit.
    """
    found = hindrance(part, decision.reference, decision.becomes, zone)
    found = found or _changed(part, decision, zone)
    if found is not None:
        raise _turned_away(part, decision, found)
    refused = _spoken(part, decision)
    if refused is not None:
        return refused
    row = _row(part, decision.reference)
    values = {
        "becomes": decision.becomes,
        "who": decision.by.id,
        "decided": part.now,
        "words": clean_text(decision.note, tables.TEXT),
        "by_request": request_id,
    }
    if decision.becomes == "confirmed":
        done = part.execute(_CONFIRM, {**values, "of_id": row.request})
    else:
        done = part.execute(_LIFT, {**values, "of_token": row.token, "today": today(part, zone)})
    if not done.rowcount:
        part.events.clear()  # of an approval that is undone
        raise _turned_away(part, decision, "unknown_reference")
    part.event(_decided(request_id, decision, row))
    return None


def _changed(part: Transaction, decision: HotDecision, zone: timezone) -> Hindrance | None:
    """Whether the second person's words are of other reports than those that stand now."""
    if decision.approving is None or decision.becomes != "lifted":
        return None
    now = content_hash(LIFT, decision.reference, standing(part, decision.reference, zone))
    return None if now == decision.approving.content_hash else "reports_changed"


def _turned_away(part: Transaction, decision: HotDecision, why: Hindrance) -> Refused:
    _tell(part, decision, why)
    return Refused(RecordRefused(why), *part.events)


def _tell(part: Transaction, decision: HotDecision, why: Undecided) -> None:
    act = LIFT if decision.becomes == "lifted" else CONFIRM
    approvals.turned_away(part, act, decision.reference, decision.by, why)


def _spoken(part: Transaction, decision: HotDecision) -> Undecided | None:
    """Whether those who decide may: one who is still on the staff, or two who say the same."""
    if decision.approving is not None:
        proposal = approvals.approve(part, decision.approving)
        return proposal if isinstance(proposal, str) else None
    why: Undecided | None = "no_proposal" if decision.becomes == "lifted" else None
    if why is None and not approvals.still_here(part, decision.by):
        why = "gone"
    if why is not None:
        _tell(part, decision, why)
    return why


def _decided(request_id: str, decision: HotDecision, row: Any) -> JournalEvent:
    by = decision.by
    return JournalEvent(
        "card.hot_list_confirmed" if decision.becomes == "confirmed" else "card.hot_list_lifted",
        request=request_id,
        actor=by.id,
        role=by.role,
        origin=by.origin,
        outcome=decision.becomes,
        detail={
            "reference": decision.reference,
            "card_masked": row.masked,
            "token": row.token,
            "note": decision.note,
        },
    )


def _row(part: Transaction, reference: str) -> Any:
    return part.execute(_ONE, {"of_reference": reference}).first()


def _report(row: Any, day: date) -> Report:
    over = row.state == "reported" and row.until is not None and row.until < day
    return Report(
        reference=row.reference,
        card_masked=row.masked,
        channel=row.channel,
        at=row.at,
        until=row.until,
        state="expired" if over else row.state,
        host_state=row.host_state,
        decided_by=row.decided_by,
        decided_at=row.decided_at,
        note=row.note or "",
        decision_state=row.decision_state,
    )
