"""Jobs on recordings: one row a file. The sound is sealed, and its key is in the file's header."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any

from sqlalchemy import bindparam, insert, select, text, update

from telebank.store.events import clean_text
from telebank.store.seat_tables import IS_RUNNING, recording
from telebank.store.tables import TEXT
from telebank.store.transaction import Refused, Transaction
from transactions.approval import Actor
from transactions.journal import JournalEvent

MAX_LISTED = 1_000
"""Recordings of one day in one answer."""
FOLDER = "recordings"
"""Of the files, under the data folder."""
RUNNING, KEPT, FAILED = "running", "kept", "failed"
CUT_SHORT = "the node was started again while it was made"
_R = recording.c
_NAME = bindparam("of_name", type_=_R.name.type)
_INSERT = insert(recording)
_FINISH = (
    update(recording)
    .where(_R.name == _NAME, text(IS_RUNNING))
    .values(
        {
            name: bindparam(f"new_{name}", type_=_R[name].type)
            for name in (
                *("milliseconds", "sha256", "sealed_sha256", "size", "marks", "cut", "why"),
                "state",
            )
        }
    )
)
_LEFT = (
    update(recording)
    .where(_R.node == bindparam("of_node"), _R.epoch < bindparam("before"), text(IS_RUNNING))
    .values(state=FAILED, cut=True, why=CUT_SHORT)
)


@dataclass(frozen=True, slots=True)
class NewRecording:
    """A recording that begins."""

    name: str
    """Of the file, below DATA/recordings."""
    call: str
    contact: str
    """Empty: none."""
    seat: str
    by: str
    """Who wanted it; `system`: the queue's rule."""
    began: datetime
    key_id: str


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of it: see `telebank.media.recording.Finished`."""

    seconds: float
    sha256: str
    sealed_sha256: str
    size: int
    marks: Sequence[tuple[str, int, int]] = ()
    cut: bool = False
    why: str = ""


@dataclass(frozen=True, slots=True)
class RecordingSeen:
    """One as the table has it."""

    name: str
    node: str
    call: str
    contact: str
    seat: str
    by: str
    began: datetime
    milliseconds: int
    sha256: str
    sealed_sha256: str
    size: int
    marks: Sequence[Sequence[Any]]
    cut: bool
    why: str
    state: str

    @property
    def seconds(self) -> float:
        """Its length."""
        return self.milliseconds / 1_000


SEEN = select(*(_R[one.name] for one in fields(RecordingSeen)))
_ONE = SEEN.where(_R.name == _NAME)
_OF_SEAT = (
    SEEN.where(
        _R.seat == bindparam("of_seat"),
        _R.began >= bindparam("since", type_=_R.began.type),
        _R.began < bindparam("until", type_=_R.began.type),
    )
    .order_by(_R.began.desc(), _R.name)
    .limit(MAX_LISTED)
)


def begin(part: Transaction, new: NewRecording) -> None:
    """Write a recording that begins, with its event."""
    row: dict[str, Any] = {one.name: getattr(new, one.name) for one in fields(NewRecording)}
    row |= {"node": part.node, "epoch": part.epoch, "milliseconds": 0, "sha256": ""}
    row |= {"sealed_sha256": "", "size": 0, "marks": [], "cut": False, "why": "", "state": RUNNING}
    part.execute(_INSERT, row)
    part.event(_event("recording.begun", new.call, new.by, "ok", {"name": new.name}))


def finish(part: Transaction, name: str, outcome: Outcome) -> None:
    """Write what became of a recording, with its event; nothing where that is known."""
    there = find(part, name)
    if there is None or there.state != RUNNING:
        return
    state = KEPT if outcome.sha256 else FAILED
    values = {
        "milliseconds": round(outcome.seconds * 1_000),
        "sha256": outcome.sha256,
        "sealed_sha256": outcome.sealed_sha256,
        "size": outcome.size,
        "marks": [list(mark) for mark in outcome.marks],
        "cut": outcome.cut,
        "why": clean_text(outcome.why, TEXT),
        "state": state,
    }
    part.execute(_FINISH, {"of_name": name, **{f"new_{key}": v for key, v in values.items()}})
    told: dict[str, Any] = {
        "name": name,
        "sha256": outcome.sha256,
        "sealed_sha256": outcome.sealed_sha256,
    }
    told |= {"seconds": round(outcome.seconds, 1), "cut": outcome.cut}
    part.event(_event("recording.ended", there.call, there.by, state, told))


def lost(part: Transaction) -> int:
    """Close what a former life of this node left running; how many."""
    return part.execute(_LEFT, {"of_node": part.node, "before": part.epoch}).rowcount


def find(part: Transaction, name: str) -> RecordingSeen | None:
    """One recording."""
    row = part.execute(_ONE, {"of_name": name}).first()
    return None if row is None else RecordingSeen(*row)


def of_day(
    part: Transaction, seat: str, since: datetime, until: datetime
) -> Sequence[RecordingSeen]:
    """A seat's recordings that began then, newest first, whoever wanted them."""
    values = {"of_seat": seat, "since": since, "until": until}
    return [RecordingSeen(*row) for row in part.execute(_OF_SEAT, values).all()]


def shown(part: Transaction, seat: str, by: Actor) -> None:
    """Log that somebody looked at a list of others' recordings; an empty seat: of all."""
    part.event(_by("recording.listed", by, "ok", None, {"seat": seat}))


def wanted(part: Transaction, name: str, by: Actor, *, whose: str = "") -> RecordingSeen | None:
    """One that somebody wants to play; None, with an event, where there is none, or `whose` is
    given and it is another seat's."""
    there = find(part, name)
    if there is None or (whose and there.seat != whose):
        raise Refused(None, _by("recording.played", by, "unknown", None, {"name": name}))
    return there


def played(part: Transaction, there: RecordingSeen, by: Actor, outcome: str) -> None:
    """Log that somebody plays one, before he hears it; or why he does not: `missing`, `damaged`."""
    detail = {"name": there.name, "seat": there.seat, "seconds": round(there.seconds, 1)}
    part.event(_by("recording.played", by, outcome, there.call, detail))


def _event(kind: str, call: str, by: str, outcome: str, detail: Mapping[str, Any]) -> JournalEvent:
    role = "system" if by == "system" else "supervisor"
    return JournalEvent(kind, call=call, actor=by, role=role, outcome=outcome, detail=dict(detail))


def _by(
    kind: str, by: Actor, outcome: str, call: str | None, detail: Mapping[str, Any]
) -> JournalEvent:
    return JournalEvent(
        kind,
        call=call,
        actor=by.id,
        role=by.role,
        origin=by.origin,
        outcome=outcome,
        detail=dict(detail),
    )
