"""Jobs on faxes that come, on the mail that brings them to people, and on files that have had their
time.

One that comes is kept from the moment its call is answered, so that what a killed node had received
is looked at by a person and not lost: the sender may hold those pages for delivered.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Literal

from sqlalchemy import bindparam, func, insert, or_, select, text, true, update

from fax.job import Answered, Dialled, Job, State, receive
from telebank.store.events import clean_text
from telebank.store.fax_jobs import HOLD_OVER_S
from telebank.store.fax_rows import Fax, FaxDraft, fax_of, row_of, tell
from telebank.store.fax_tables import IS_RUNNING, fax_job
from telebank.store.tables import TEXT
from telebank.store.transaction import Transaction

WAITING: Literal["waiting"] = "waiting"
Became = Literal["sent", "failed", "waiting"]
"""Of a try to mail one: `waiting` for another try, `failed` for good."""
_F = fax_job.c
_ONE = select(fax_job).where(_F.id == bindparam("of_id"))
_INSERT = insert(fax_job)
_END = (
    update(fax_job)
    .where(_F.id == bindparam("of_id"), text("direction = 'in'"), text(IS_RUNNING))
    .values(
        state=bindparam("becomes", type_=_F.state.type),
        why=bindparam("because", type_=_F.why.type),
        pages=bindparam("many", type_=_F.pages.type),
        confirmed=bindparam("many", type_=_F.confirmed.type),
        bad_rows=bindparam("spoilt", type_=_F.bad_rows.type),
        mail=bindparam("mailed", type_=_F.mail.type),
        mail_due=bindparam("at", type_=_F.mail_due.type),
        held_until=bindparam("at", type_=_F.held_until.type),
        changed_at=bindparam("at", type_=_F.changed_at.type),
    )
)
_LEFT = (
    select(fax_job)
    .where(
        text(f"fax_job.{IS_RUNNING}"),
        text("direction = 'in'"),
        _F.home == bindparam("of_node"),
        or_(
            _F.held_until <= bindparam("at", type_=_F.held_until.type),
            (_F.node == bindparam("of_node")) & (_F.epoch < bindparam("of_epoch")),
        ),
    )
    .order_by(_F.made_at)
    .limit(bindparam("most"))
)
_TO_MAIL = (
    select(fax_job)
    .where(
        text("fax_job.mail = 'waiting'"),
        _F.home == bindparam("of_node"),
        _F.mail_due <= bindparam("at", type_=_F.mail_due.type),
    )
    .order_by(_F.mail_due)
    .limit(bindparam("most"))
)
_MAILING = (
    update(fax_job)
    .where(_F.id == bindparam("of_id"), text("mail = 'waiting'"))
    .values(mail_attempt=_F.mail_attempt + 1, mail_unknown=true())
)
_MAILED = (
    update(fax_job)
    .where(_F.id == bindparam("of_id"), text("mail = 'waiting'"))
    .values(
        mail=bindparam("becomes", type_=_F.mail.type),
        mail_due=bindparam("due", type_=_F.mail_due.type),
        mail_unknown=bindparam("unknown", type_=_F.mail_unknown.type),
    )
)
_TODAY = (
    select(_F.number_token, func.count().label("many"))
    .where(
        text("direction = 'in'"),
        _F.home == bindparam("of_node"),
        _F.made_at >= bindparam("since", type_=_F.made_at.type),
        _F.changed_at >= bindparam("since", type_=_F.changed_at.type),  # for the index, as the next
        text("folder <> ''"),  # files are kept for a day or more
    )
    .group_by(_F.number_token)
)
_OLD = (
    select(_F.id, _F.folder)
    .where(
        text("folder <> ''"),
        text("mail <> 'waiting'"),
        text("state IN ('done','failed','unconfirmed','cancelled')"),
        _F.home == bindparam("of_node"),
        _F.changed_at < bindparam("before", type_=_F.changed_at.type),
    )
    .order_by(_F.changed_at)
    .limit(bindparam("most"))
)
_FOLDERS = select(_F.folder).where(text("folder <> ''"), _F.home == bindparam("of_node"))
_REMOVED = update(fax_job).where(_F.id == bindparam("of_id")).values(folder=text("''"))


def arriving(part: Transaction, draft: FaxDraft, seconds: int, call_id: str = "") -> Fax:
    """Keep a fax that is about to come, held by this node for so long at most. `call_id` is what
    the other side calls its call: for people, never a reference."""
    life = receive(receive(Job(pages=1, tries=1), Dialled(), 0.0), Answered(), 0.0)
    until = part.now + timedelta(seconds=seconds + HOLD_OVER_S)
    own = {"pages": 0, "held_until": until, "folder": f"in/{draft.id}"}
    part.execute(_INSERT, row_of(part, draft, "in", life) | own)
    row = part.execute(_ONE, {"of_id": draft.id}).first()
    tell(part, row, life, "fax.arriving", call_id=call_id)
    return fax_of(row)


def arrived(  # noqa: PLR0917 - what is known of it
    part: Transaction,
    fax: str,
    pages: int,
    why: str,
    state: State,
    mail: bool,
    bad_rows: int = 0,
) -> Fax | None:
    """What came of it: its pages are in its folder; UNCONFIRMED where a person must look at what
    did. `mail`: people get it. `bad_rows`: lines of them that came damaged. None where it has ended
    already."""
    values: dict[str, Any] = {"of_id": fax, "becomes": state.value, "many": pages, "at": part.now}
    values |= {"because": clean_text(why, TEXT), "mailed": WAITING if mail else ""}
    values["spoilt"] = bad_rows
    if part.execute(_END, values).rowcount != 1:
        return None
    row = part.execute(_ONE, {"of_id": fax}).first()
    life = fax_of(row).life
    kind = "fax.received" if state is State.DONE else ""
    tell(part, row, life, kind, direction="in", bad_rows=bad_rows)
    return fax_of(row)


def left_arriving(part: Transaction, most: int) -> Sequence[Fax]:
    """Faxes that were coming when a former life of this node ended."""
    values = {"at": part.now, "of_node": part.node, "of_epoch": part.epoch, "most": most}
    return [fax_of(row) for row in part.execute(_LEFT, values).all()]


def come_since(part: Transaction, since: datetime) -> Mapping[str, int]:
    """How many faxes came to this node from then on, by token of the number; `since` is not longer
    ago than files are kept."""
    values = {"of_node": part.node, "since": since}
    return {row.number_token: row.many for row in part.execute(_TODAY, values).all()}


def to_mail(part: Transaction, most: int) -> Sequence[Fax]:
    """Faxes of this node whose mail is due."""
    values = {"of_node": part.node, "at": part.now, "most": most}
    return [fax_of(row) for row in part.execute(_TO_MAIL, values).all()]


def mailing(part: Transaction, fax: str) -> bool:
    """A try to mail a fax is about to be made: before `mailed` says what came of it, the server may
    have taken it. False where it is not to be mailed any more."""
    found: int = part.execute(_MAILING, {"of_id": fax}).rowcount
    return found == 1


def mailed(
    part: Transaction,
    fax: str,
    became: Became,
    why: str,
    *,
    due: datetime | None = None,
    unknown: bool = False,
) -> None:
    """What came of a try to mail a fax; it is due again then where it waits. `unknown`: this try
    or one before may have been taken by the server, so that it has not failed, but is unknown."""
    row = part.execute(_ONE, {"of_id": fax}).first()
    if row is None:
        return
    state = "unknown" if unknown and became == "failed" else became
    values = {"of_id": fax, "becomes": state, "due": due, "unknown": unknown}
    if part.execute(_MAILED, values).rowcount != 1:
        return
    nth = row.mail_attempt
    if became == WAITING and nth > 1:
        return  # said once; how often it was tried is in the row
    kind = {"sent": "fax.mailed", WAITING: "fax.mail_waits"}.get(state, "fax.not_mailed")
    tell(part, row, fax_of(row).life, kind, mail=why, mail_attempt=nth, mail_state=state)


def old_files(part: Transaction, before: datetime, most: int) -> Sequence[tuple[str, str]]:
    """Faxes of this node that ended before then and whose files are still kept: id and folder."""
    values = {"of_node": part.node, "before": before, "most": most}
    return [(row.id, row.folder) for row in part.execute(_OLD, values).all()]


def folders(part: Transaction) -> frozenset[str]:
    """Folders of this node's faxes whose files are kept."""
    found = part.execute(_FOLDERS, {"of_node": part.node}).all()
    return frozenset(row.folder for row in found)


def files_removed(part: Transaction, fax: str) -> None:
    """Its files are gone."""
    row = part.execute(_ONE, {"of_id": fax}).first()
    part.execute(_REMOVED, {"of_id": fax})
    tell(part, row, fax_of(row).life, "fax.files_removed")
