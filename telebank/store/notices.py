"""Jobs on notices: what new callers hear before the first menu, by language.

The recording itself is a file of its hash; which one plays, and the event that says who wanted it
so, are one commit.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import bindparam, delete, insert, select

from telebank.store import approvals
from telebank.store.notice_tables import notice
from telebank.store.transaction import Refused, Transaction
from transactions.approval import Actor
from transactions.journal import JournalEvent

RATE = 8_000
"""Samples a second."""
_N = notice.c
_ALL = select(notice).order_by(_N.language)
_INSERT = insert(notice)
_DELETE = delete(notice).where(_N.language == bindparam("of_language"))


@dataclass(frozen=True, slots=True)
class Notice:
    """A notice that plays."""

    language: str
    content: str
    """SHA-256 of the recording."""
    samples: int
    recorded_by: str
    recorded_at: datetime

    @property
    def seconds(self) -> float:
        """Its length."""
        return round(self.samples / RATE, 1)


def playing(part: Transaction) -> list[Notice]:
    """All that play, by language."""
    return [_notice(row) for row in part.execute(_ALL).mappings()]


def keep(
    part: Transaction, language: str, content: str, samples: int, *, by: Actor, call: str
) -> Notice | None:
    """Have a recording play, in place of another; None where who wanted it has gone."""
    new = Notice(language, content, samples, by.id, part.now)
    detail = {"language": language, "content": content, "seconds": new.seconds}
    if not approvals.still_here(part, by):
        raise Refused(None, event_of("notice.recorded", by, "gone", detail, call))
    part.execute(_DELETE, {"of_language": language})
    part.execute(
        _INSERT,
        {
            "language": language,
            "content": content,
            "samples": samples,
            "recorded_by": by.id,
            "recorded_at": part.now,
        },
    )
    part.event(event_of("notice.recorded", by, "ok", detail, call))
    return new


def take_down(part: Transaction, language: str, by: Actor) -> str | None:
    """Have a language's notice play no more; why not, or None."""
    there = next((one for one in playing(part) if one.language == language), None)
    reason = None if approvals.still_here(part, by) else "gone"
    reason = reason or ("none" if there is None else None)
    detail: dict[str, Any] = {"language": language}
    if reason is not None or there is None:
        raise Refused(reason, event_of("notice.taken_down", by, reason or "", detail, None))
    part.execute(_DELETE, {"of_language": language})
    detail["content"] = there.content
    part.event(event_of("notice.taken_down", by, "ok", detail, None))
    return None


def tell(part: Transaction, event: JournalEvent) -> None:
    """Add an event."""
    part.event(event)


def event_of(
    kind: str, by: Actor, outcome: str, detail: Mapping[str, Any], call: str | None
) -> JournalEvent:
    """An event about notices and their codes, never a code's digits."""
    return JournalEvent(
        kind,
        call=call,
        actor=by.id,
        role=by.role,
        origin=by.origin,
        outcome=outcome,
        detail=dict(detail),
    )


def _notice(row: Any) -> Notice:
    return Notice(
        language=row["language"],
        content=row["content"],
        samples=row["samples"],
        recorded_by=row["recorded_by"],
        recorded_at=row["recorded_at"],
    )
