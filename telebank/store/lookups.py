"""Jobs that ask the journal: open rows, notices, tries of the day, number blocks."""

from collections import defaultdict
from collections.abc import Mapping
from datetime import date
from typing import Any

from sqlalchemy import bindparam, or_, select, text, update

from telebank.store import tables
from telebank.store.record import states_in
from telebank.store.sealing import Keyring
from telebank.store.transaction import Transaction
from telebank.store.unreadable import UNREADABLE, give_up
from telebank.store.values import SealedInput, join_inputs
from transactions.card import CardNumberError, SealedCard
from transactions.journal import JournalEvent, Notice, OpenRow
from transactions.lifecycle import DONE, NOT_DONE, OPEN, UNSETTLED, State
from transactions.money import Money, currency
from transactions.request import AuthLevel, HostMessage, Request

_R = tables.request.c
_MINE = (_R.node == bindparam("of_node")) & text(
    # The index's own words beside ours: SQLite does not see that one list holds the other.
    f"request.{tables.OPEN_STATES} AND request.{states_in(OPEN)}"
)
_OPEN = select(tables.request).where(_MINE).order_by(_R.created_at, _R.reference)
_S = tables.sealed_input.c
_OPEN_SEALED = select(tables.sealed_input).join(tables.request).where(_MINE)
_M = tables.host_message.c
_OPEN_SENT = (
    select(tables.host_message)
    .join(tables.request)
    .where(_MINE, text("role = 'request'"))
    .order_by(_M.request, _M.ordinal)
)
_OPEN_UNDOING = (
    select(tables.host_message)
    .join(tables.request)
    .where(_MINE, text("role = 'reversal'"))
    .order_by(_M.request, _M.reply39.is_not(None), _M.ordinal)
)
_W = tables.request_state.c
_OPEN_WHY = (
    select(_W.request, _W.why)
    .join(tables.request)
    .where(_MINE, _W.state == State.UNKNOWN.value)
    .order_by(_W.request, _W.ordinal)
)
_NOTICE = (
    select(
        _R.id,
        _R.state,
        _R.service,
        _R.amount,
        _R.currency,
        _R.payee_masked,
        _R.reference,
        _R.business_date,
    )
    .where(
        _R.customer == bindparam("who"),
        text("effect = 'money' AND amount IS NOT NULL"),
        or_(
            _R.told.is_(None),
            text(f"{states_in(DONE)} AND told NOT IN ('ok', 'posted')"),
            text(  # tried_again: of a scheduled transfer, whose last try alone is told
                f"{states_in(NOT_DONE)}"
                " AND told NOT IN ('refused', 'not_done', 'not_posted', 'tried_again')"
            ),
            text(f"{states_in(UNSETTLED)} AND told NOT IN ('in_doubt', 'open')"),
        ),
    )
    .order_by(_R.created_at, _R.reference)
    .limit(1)
)
"""A result is due where the words last told of it are not those of its state now."""
_COUNT = text(
    "INSERT INTO attempt (key, day, count) VALUES (:key, :day, 1)"
    " ON CONFLICT (key, day) DO UPDATE SET count = attempt.count + 1 WHERE attempt.count < :most"
    " RETURNING count"
).bindparams(bindparam("day", type_=tables.attempt.c.day.type))
_A = tables.attempt.c
_GIVE_BACK = (
    update(tables.attempt)
    .where(_A.key == bindparam("of_key"), _A.day == bindparam("of_day"), _A.count > 0)
    .values(count=_A.count - 1)
)
_RESERVE = text(
    "INSERT INTO counter (node, name, next) VALUES (:node, :name, :size + 1)"
    " ON CONFLICT (node, name) DO UPDATE SET next = counter.next + :size"
    " RETURNING next"
)


def open_rows(part: Transaction, keys: Keyring) -> list[OpenRow]:
    """Every row of this node in an open state, oldest first. One that cannot be read is given to a
    person, unless it is of this life, in whose memory it is whole."""
    mine = {"of_node": part.node}
    sealed: dict[str, list[SealedInput]] = defaultdict(list)
    for item in part.execute(_OPEN_SEALED, mine).mappings():
        card = SealedCard(item["token"], item["masked"], item["key_id"], item["ciphertext"])
        sealed[item["request"]].append(SealedInput(item["name"], item["kind"], card))
    sent = {row["request"]: _message(row) for row in part.execute(_OPEN_SENT, mine).mappings()}
    undoing = {r["request"]: _message(r) for r in part.execute(_OPEN_UNDOING, mine).mappings()}
    whys = {row["request"]: row["why"] for row in part.execute(_OPEN_WHY, mine).mappings()}
    requests = {row["id"]: row for row in part.execute(_OPEN, mine).mappings()}
    read = {name: _read(part, row, sealed[name], keys) for name, row in requests.items()}
    return [
        OpenRow(
            request=request,
            state=State(row["state"]),
            recovery=row["recovery"],
            sent=sent.get(row["id"]),
            attempts=row["attempts"],
            next_attempt_at=row["next_attempt_at"],
            undoing=undoing.get(row["id"]),
            why=whys.get(row["id"], ""),
        )
        for name, row in requests.items()
        if (request := read[name]) is not None
    ]


def _read(
    part: Transaction, row: Mapping[str, Any], sealed: list[SealedInput], keys: Keyring
) -> Request | None:
    try:
        return _request(row, sealed, keys)
    except UNREADABLE as error:
        if row["epoch"] != part.epoch:
            said = error if isinstance(error, CardNumberError) else type(error).__name__
            why = f"its numbers cannot be read: {said}"
            give_up(part, row["id"], State(row["state"]), row["recovery"], why)
        return None


def _request(row: Mapping[str, Any], sealed: list[SealedInput], keys: Keyring) -> Request:
    return Request(
        id=row["id"],
        service=row["service"],
        contract_version=row["contract_version"],
        inputs=join_inputs(row["inputs"], sealed, keys),
        actor=row["actor"],
        channel=row["channel"],
        call=row["call"],
        language=row["language"],
        auth=AuthLevel(row["auth"]),
        authenticated_token=row["authenticated_token"],
        node=row["node"],
        epoch=row["epoch"],
        business_date=row["business_date"],
        reference=row["reference"],
        release=row["release"],
        created_at=row["created_at"],
    )


def _message(row: Mapping[str, Any]) -> HostMessage:
    return HostMessage(
        request_id=row["request"],
        role=row["role"],
        attempt=row["attempt"],
        mti=row["mti"],
        stan=row["stan"],
        field7=row["field7"],
        field32=row["field32"],
        field41=row["field41"],
        field37=row["field37"],
        link=row["link"],
        sent_at=row["sent_at"],
        processing_code=row["processing_code"],
        amount=row["amount"],
        reply39=row["reply39"],
        reply_at=row["reply_at"],
        settled_on=row["settled_on"],
    )


def next_notice(part: Transaction, customer: str) -> Notice | None:
    """The customer's oldest result that he was not told as it stands now."""
    row = part.execute(_NOTICE, {"who": customer}).first()
    if row is None:
        return None
    state = State(row.state)
    return Notice(
        request_id=row.id,
        result="posted" if state in DONE else "not_posted" if state in NOT_DONE else "open",
        amount=Money(row.amount, currency(row.currency)),
        payee_masked=row.payee_masked,
        reference=row.reference,
        on=row.business_date,
        service=row.service,
    )


def judged_try(key: str) -> tuple[str, ...]:
    """What no other node may judge meanwhile; see `Writer.run`."""
    return (f"try:{key}",)


def count_attempt(part: Transaction, key: str, most: int, day: date) -> int:
    """Count a try by one conditional statement: which of the day it is; 0 where `most` were made
    (rule 17)."""
    counted = 0
    if most > 0:
        values = _try(key, day) | {"most": most}
        row = part.execute(_COUNT, values).first()
        counted = 0 if row is None else int(row[0])
    kind = "attempt.counted" if counted else "attempt.refused"
    part.event(JournalEvent(kind, detail={"key": key, "day": day.isoformat(), "most": most}))
    return counted


def give_back_attempt(part: Transaction, key: str, day: date) -> None:
    """Take one counted try back; never below none."""
    if part.execute(_GIVE_BACK, {"of_key": key, "of_day": day}).rowcount == 1:
        detail: dict[str, Any] = {"key": key, "day": day.isoformat()}
        part.event(JournalEvent("attempt.given_back", detail=detail))


def _try(key: str, day: date) -> dict[str, Any]:
    return {"key": key, "day": day}


def reserve(part: Transaction, name: str, size: int) -> int:
    """Reserve `size` numbers of a counter; return the first."""
    values = {"node": part.node, "name": name, "size": size}
    return int(part.execute(_RESERVE, values).scalar_one()) - size
