"""Recordings with what is known of their talks, for people: read beside the node's writer."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection

from telebank.store.recordings import SEEN, RecordingSeen
from telebank.store.seat_tables import contact, recording

MAX_LISTED = 1_000
"""Recordings in one answer."""
_R = recording.c
_OF_TALKS = SEEN.add_columns(contact.c.queue, contact.c.caller_masked).select_from(
    recording.outerjoin(contact, contact.c.id == _R.contact)
)


@dataclass(frozen=True, slots=True)
class Began:
    """Which are listed, by when they began; an empty seat or call: of all."""

    since: datetime
    until: datetime
    seat: str = ""
    call: str = ""


@dataclass(frozen=True, slots=True)
class Listed:
    """One in a list, with what its contact says of it."""

    recording: RecordingSeen
    queue: str
    caller_masked: str


def listed(connection: Connection, wanted: Began) -> Sequence[Listed]:
    """Recordings, newest first. What is not asked for is no condition: the index of a seat or of a
    call is used only so."""
    asked = _OF_TALKS.where(_R.began >= wanted.since, _R.began < wanted.until)
    if wanted.seat:
        asked = asked.where(_R.seat == wanted.seat)
    if wanted.call:
        asked = asked.where(_R.call == wanted.call)
    rows = connection.execute(asked.order_by(_R.began.desc(), _R.name).limit(MAX_LISTED))
    return [Listed(RecordingSeen(*row[:-2]), row[-2] or "", row[-1] or "") for row in rows]
