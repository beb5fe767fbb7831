"""Faxes for people, masked: read by the command line and the console, written by nobody here."""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from datetime import datetime

from sqlalchemy import Connection, bindparam, select

from telebank.store.fax_tables import fax_dial, fax_job

MAX_LISTED = 1_000
_F, _D = fax_job.c, fax_dial.c
_STATE = bindparam("wanted", type_=_F.state.type)


@dataclass(frozen=True, slots=True)
class FaxSeen:
    """One fax, as the table has it; numbers masked."""

    id: str
    direction: str
    way: str
    state: str
    why: str
    number_masked: str
    document: str
    title: str
    language: str
    pages: int
    confirmed: int
    """By the other side, in all calls."""
    attempt: int
    """Calls placed."""
    tries: int
    due_at: datetime
    by: str
    role: str
    call: str | None
    home: str
    """The node that has its files."""
    folder: str
    """Below DATA/fax; empty: its files are removed."""
    mail: str
    """Of one that came: waiting, sent, failed, unknown (the server may have taken it), or none."""
    bad_rows: int
    """Of one that came: damaged lines of its pages, 0 with error correction."""
    stop_by: str
    """Who wants it no more, or wanted that while it ran."""
    made_at: datetime
    changed_at: datetime


@dataclass(frozen=True, slots=True)
class DialSeen:
    """A call that was placed for it."""

    attempt: int
    at: datetime
    seconds: int
    """What it took; before that is known, what was set aside for it."""
    ended_at: datetime | None


_SEEN = select(*(fax_job.c[one.name] for one in fields(FaxSeen)))
_LIST = (
    _SEEN.where(_F.direction == bindparam("way_of"))
    .where((_STATE == "") | (_F.state == _STATE))
    .order_by(_F.made_at.desc(), _F.id.desc())
    .limit(bindparam("most"))
)
_ONE = _SEEN.where(_F.id == bindparam("of_id"))
_DIALS = (
    select(_D.attempt, _D.at, _D.seconds, _D.ended_at)
    .where(_D.job == bindparam("of_id"))
    .order_by(_D.attempt)
)


def faxes(
    connection: Connection, state: str = "", *, direction: str = "out", limit: int = 100
) -> Sequence[FaxSeen]:
    """Faxes that go `out` or came `in`, newest first; of one state, or of all."""
    values = {"way_of": direction, "wanted": state, "most": min(limit, MAX_LISTED)}
    return [FaxSeen(*row) for row in connection.execute(_LIST, values)]


def fax(connection: Connection, fax_id: str) -> FaxSeen | None:
    """One fax."""
    row = connection.execute(_ONE, {"of_id": fax_id}).first()
    return None if row is None else FaxSeen(*row)


def dials(connection: Connection, fax_id: str) -> Sequence[DialSeen]:
    """The calls placed for it, in order."""
    return [DialSeen(*row) for row in connection.execute(_DIALS, {"of_id": fax_id})]
