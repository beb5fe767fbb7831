"""Jobs on seats: skills, own phone and first day of a person; what is done on the floor."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from sqlalchemy import bindparam, delete, insert, select, text

from telebank.store import approvals, desk_phones, people
from telebank.store.desk_phones import ACTIVE
from telebank.store.seat_tables import seat_setting, staff_skill
from telebank.store.transaction import Refused, Transaction
from transactions.approval import Actor
from transactions.journal import JournalEvent

MAX_SKILLS = 32
"""Of one person."""
MAX_LEVEL = 9
_KIND = "staff.skills"
_S, _P = staff_skill.c, seat_setting.c
_SKILLS = select(_S.skill, _S.level).where(_S.staff == bindparam("of_id")).order_by(_S.skill)
_SETTING = select(_P.phone, _P.began_on).where(_P.staff == bindparam("of_id"))
_FORGET = delete(staff_skill).where(_S.staff == bindparam("of_id"))
_ADD = insert(staff_skill)
_SET = text(
    "INSERT INTO seat_setting (staff, phone, began_on, changed_at, changed_by)"
    " VALUES (:staff, :phone, :began_on, :changed_at, :changed_by) ON CONFLICT (staff) DO UPDATE"
    " SET phone = excluded.phone, began_on = excluded.began_on,"
    " changed_at = excluded.changed_at, changed_by = excluded.changed_by"
).bindparams(*(bindparam(column.name, type_=column.type) for column in _P))


@dataclass(frozen=True, slots=True)
class SeatProfile:
    """What a person is at a desk."""

    id: str
    name: str
    skills: Mapping[str, int]
    """Level 1 to 9 by skill; languages are skills `lang.zh`."""
    phone: str = ""
    """His own extension; empty: none."""
    began_on: date | None = None
    """His first day at a desk; None: long ago."""


@dataclass(frozen=True, slots=True)
class SeatChange:
    """What is to be another; None: as it is."""

    skills: Mapping[str, int] = field(default_factory=dict)
    """0: he has it no more; those that are not named stay."""
    phone: str | None = None
    began_on: date | None = None


@dataclass(frozen=True, slots=True)
class FloorAct:
    """Whom a supervisor's act is about."""

    seat: str
    call: str = ""
    """In which the seat is; empty: none."""
    detail: Mapping[str, str | bool] = field(default_factory=dict)


def profile(part: Transaction, person_id: str) -> SeatProfile | None:
    """What somebody who works here is at a desk; None for others."""
    person = people.find(part, person_id)
    if person is None or person.state == "left":
        return None
    skills = {row.skill: row.level for row in part.execute(_SKILLS, {"of_id": person_id}).all()}
    setting = part.execute(_SETTING, {"of_id": person_id}).first()
    phone, began_on = ("", None) if setting is None else (setting.phone, setting.began_on)
    return SeatProfile(person_id, person.name or person_id, skills, phone, began_on)


def change(part: Transaction, person_id: str, wanted: SeatChange, by: Actor) -> str | None:
    """Give a person other skills, another phone or another first day; why not, or None."""
    there = profile(part, person_id)
    reason = None if approvals.still_here(part, by) else "gone"
    if reason is None and there is None:
        reason = "unknown_person"
    skills = {} if there is None else {**there.skills, **wanted.skills}
    skills = {name: level for name, level in skills.items() if level > 0}
    if reason is None and len(skills) > MAX_SKILLS:
        reason = "too_many_skills"
    if reason is None and wanted.phone:
        phone = desk_phones.find(part, wanted.phone)
        reason = None if phone is not None and phone.state == ACTIVE else "unknown_phone"
    detail = _detail(person_id, wanted)
    if reason is not None or there is None:
        raise Refused(reason, _event(_KIND, by, reason or "", detail))
    _write(part, there, skills, wanted, by)
    part.event(_event(_KIND, by, "ok", detail))
    return None


def acted(part: Transaction, act: str, by: Actor, outcome: str, of: FloorAct) -> None:
    """Log what a supervisor does on the floor."""
    detail = {"seat": of.seat, **of.detail}
    part.event(_event(f"floor.{act}", by, outcome, detail, of.call or None))


def _write(
    part: Transaction,
    there: SeatProfile,
    skills: Mapping[str, int],
    wanted: SeatChange,
    by: Actor,
) -> None:
    part.execute(_FORGET, {"of_id": there.id})
    if skills:
        rows = [{"staff": there.id, "skill": name, "level": skills[name]} for name in skills]
        part.execute_many(_ADD, rows)
    part.execute(
        _SET,
        {
            "staff": there.id,
            "phone": there.phone if wanted.phone is None else wanted.phone,
            "began_on": wanted.began_on or there.began_on,
            "changed_at": part.now,
            "changed_by": by.id,
        },
    )


def _detail(person: str, wanted: SeatChange) -> dict[str, Any]:
    told: dict[str, Any] = {"person": person}
    if wanted.skills:
        told["skills"] = " ".join(f"{name}={level}" for name, level in wanted.skills.items())
    if wanted.phone is not None:
        told["phone"] = wanted.phone
    if wanted.began_on is not None:
        told["began_on"] = wanted.began_on.isoformat()
    return told


def _event(
    kind: str, by: Actor, outcome: str, detail: Mapping[str, Any], call: str | None = None
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
