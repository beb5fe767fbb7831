"""Matters for people: read beside the node's writer, written by nobody here.

Closed matters are never thrown away, so a list must not be slower the more of them there are. It is
put together from the newest of each person or group and state, each found in its own index, and
never by looking through the table.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, and_, or_, select, true, union_all

from telebank.store import tables
from telebank.store.matter_tables import matter, matter_entry
from telebank.store.matters import (
    CLOSED,
    OPEN,
    SEAT,
    SKILL,
    Acting,
    Entry,
    Matter,
    Sight,
    matter_of,
    seen_by,
)
from telebank.store.seat_tables import staff_skill
from transactions.approval import Actor
from transactions.card import SealedCard

MAX_LISTED = 200
MAX_TARGETS = 10_000
_M, _E, _S, _P = matter.c, matter_entry.c, staff_skill.c, tables.staff.c
_ACTIVE = _P.state == "active"


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which are listed; an empty part is no condition."""

    sight: Sight = "mine"
    state: str = OPEN
    person: str = ""
    number: str = ""


def listed(connection: Connection, wanted: Wanted, by: Actor) -> Sequence[Matter]:
    """Matters, what was changed last first."""
    sight = _sight(connection, wanted.sight, by)
    narrow: list[ColumnElement[bool]] = []
    if wanted.person:
        sight, narrow = _of(wanted.person), [or_(*sight)]
    states = [wanted.state] if wanted.state else [OPEN, CLOSED]
    if wanted.number:
        narrow += [_M.number == wanted.number, or_(*sight)]
        sight = [true()]
    each = [_newest(state, and_(whose, *narrow)) for whose in sight for state in states]
    rows = {row.number: row for row in connection.execute(union_all(*each))}  # one may be in two
    last = sorted(rows.values(), key=lambda row: (row.changed_at, row.number), reverse=True)
    return [matter_of(row) for row in last[:MAX_LISTED]]


def find(
    connection: Connection, number: str, acting: Acting
) -> tuple[Matter, Sequence[Entry], bool] | None:
    """One with all that was said of it, and whether it concerns him, and is not seen only because
    he sees all; None: there is none that he may see."""
    found = seen_by(connection, number, acting.by)
    concerned = found is not None
    if found is None and acting.sees_all:
        row = connection.execute(select(matter).where(_M.number == number)).first()
        found = None if row is None else matter_of(row)
    if found is None:
        return None
    asked = select(matter_entry).where(_E.matter == number).order_by(_E.nth)
    return found, [_entry(row) for row in connection.execute(asked)], concerned


def targets(
    connection: Connection, sits: frozenset[str]
) -> tuple[Mapping[str, str], Sequence[str]]:
    """To whom one can be handed: people with their names, and skills that somebody has."""
    staff = select(_P.id, _P.name).where(_ACTIVE, _P.role.in_(sorted(sits)))
    people = connection.execute(staff.order_by(_P.id).limit(MAX_TARGETS))
    skills = select(_S.skill).join(tables.staff, _P.id == _S.staff).where(_ACTIVE)
    found = connection.execute(skills.distinct().order_by(_S.skill))
    return {row.id: row.name or row.id for row in people}, [row.skill for row in found]


def names(connection: Connection, ids: set[str]) -> Mapping[str, str]:
    """What these people are called."""
    asked = select(_P.id, _P.name).where(_P.id.in_(sorted(ids)))
    return {row.id: row.name or row.id for row in connection.execute(asked)}


def _sight(connection: Connection, sight: Sight, by: Actor) -> list[ColumnElement[bool]]:
    """Whose matters, each found by an index; he may have no group, and then there are none."""
    if sight == "all":
        return [true()]
    found = [] if sight == "groups" else _of(by.id)
    if sight != "own":
        skills = select(_S.skill).where(_S.staff == by.id).order_by(_S.skill)
        held = [SKILL + row.skill for row in connection.execute(skills)]
        found += [_M.holder == holder for holder in held]
    return found or [_M.holder == SKILL]


def _of(person: str) -> list[ColumnElement[bool]]:
    return [_M.opened_by == person, _M.holder == SEAT + person]


def _newest(state: str, condition: ColumnElement[bool]) -> Select[Any]:
    newest = (
        select(matter)
        .where(_M.state == state, condition)
        .order_by(_M.changed_at.desc(), _M.number.desc())
        .limit(MAX_LISTED)
    )
    return select(newest.subquery())


def _entry(row: Any) -> Entry:
    words = SealedCard("", "", row.key_id, row.ciphertext)
    return Entry(row.nth, row.at, row.by, row.kind, row.to, words)
