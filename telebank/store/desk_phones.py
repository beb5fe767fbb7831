"""Jobs on the desk phones: who they are, added, given a new secret, removed.

A phone's secret is nowhere: its HA1 digests are here sealed, and what is sealed names the phone, so
that a row given another's ciphertext is found out. A removed phone keeps its row without them.
"""

import re
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import bindparam, func, insert, select, text, update

from telebank.store import approvals, tables
from telebank.store.desk_phone_tables import desk_phone
from telebank.store.events import clean_text
from telebank.store.transaction import Refused, Transaction
from transactions.approval import Actor
from transactions.card import SealedCard
from transactions.journal import JournalEvent

EXTENSION = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{1,31}")
"""What an extension is; also the user name of its phone."""
MAX_ROWS = 20_000
"""Rows, removed phones among them; one more is refused."""
ACTIVE, REMOVED = "active", "removed"
_D = desk_phone.c
_ALL = select(desk_phone).order_by(_D.extension).limit(MAX_ROWS)
_ONE = select(desk_phone).where(_D.extension == bindparam("of_extension"))
_INSERT = insert(desk_phone)
_COUNT = select(func.count().label("many"))
_ACTIVE = _COUNT.where(_D.state == ACTIVE)
_ROWS = _COUNT.select_from(desk_phone)
_LAST = select(func.count().label("many"), func.max(_D.changed_at).label("last")).select_from(
    desk_phone
)
_CHANGE = (
    update(desk_phone)
    .where(_D.extension == bindparam("of_extension"))
    .values(
        {
            name: bindparam(f"new_{name}", type_=_D[name].type)
            for name in ("name", "realm", "algorithms", "state", "key_id", "ciphertext")
        }
    )
    .values(
        changed_at=bindparam("at", type_=_D.changed_at.type),
        changed_by=bindparam("who", type_=_D.changed_by.type),
    )
)
_REMOVE = (
    update(desk_phone)
    .where(_D.extension == bindparam("of_extension"), text("state = 'active'"))
    .values(
        state=REMOVED,
        ciphertext=b"",
        changed_at=bindparam("at", type_=_D.changed_at.type),
        changed_by=bindparam("who", type_=_D.changed_by.type),
    )
)


@dataclass(frozen=True, slots=True)
class DeskPhone:
    """A phone as the table has it."""

    extension: str
    name: str
    realm: str
    algorithms: tuple[str, ...]
    state: str
    keys: SealedCard
    """Its HA1 digests; without content where it is removed."""
    created_at: datetime
    created_by: str
    changed_at: datetime
    changed_by: str

    def __repr__(self) -> str:
        return f"DeskPhone({self.extension!r}, {self.state!r})"


@dataclass(frozen=True, slots=True)
class PhoneKeys:
    """What a secret left: sealed, and for which realm and algorithms it is good."""

    realm: str
    algorithms: tuple[str, ...]
    sealed: SealedCard

    def __repr__(self) -> str:
        return f"PhoneKeys({self.realm!r}, {self.algorithms})"


def everything(part: Transaction) -> list[DeskPhone]:
    """Every phone there is or was, by extension."""
    return [_phone(row) for row in part.execute(_ALL).mappings()]


def find(part: Transaction, extension: str) -> DeskPhone | None:
    """One phone."""
    row = part.execute(_ONE, {"of_extension": extension}).first()
    return None if row is None else _phone(row._asdict())


def state_of(part: Transaction) -> tuple[int, datetime | None]:
    """What is another after each change: how many rows, and when one was changed last."""
    row = part.execute(_LAST).first()
    return row.many, row.last


def add(  # noqa: PLR0917 - the row of a phone
    part: Transaction, extension: str, name: str, keys: PhoneKeys, by: Actor, most: int
) -> str | None:
    """Add a phone, or one again that was removed; why not, or None. `most`: active ones."""
    there = find(part, extension)
    reason = None if approvals.still_here(part, by) else "gone"
    if reason is None and there is not None and there.state == ACTIVE:
        reason = "extension_taken"
    rows = part.execute(_ROWS).scalar_one()
    if reason is None and (
        part.execute(_ACTIVE).scalar_one() >= most or (there is None and rows >= MAX_ROWS)
    ):
        reason = "too_many_phones"
    if reason is not None:
        raise Refused(reason, phone_event("phone.added", by, reason, extension))
    _write(part, extension, name, keys, by, new=there is None)
    part.event(phone_event("phone.added", by, "ok", extension))
    return None


def new_secret(part: Transaction, extension: str, keys: PhoneKeys, by: Actor) -> str | None:
    """Put another secret in the place of a phone's; why not, or None."""
    there = find(part, extension)
    reason = _not_there(part, there, by)
    if reason is not None or there is None:
        raise Refused(reason, phone_event("phone.secret", by, str(reason), extension))
    _write(part, extension, there.name, keys, by, new=False)
    part.event(phone_event("phone.secret", by, "ok", extension))
    return None


def remove(part: Transaction, extension: str, by: Actor) -> str | None:
    """Let a phone register no more, and forget its digests; why not, or None."""
    reason = _not_there(part, find(part, extension), by)
    if reason is not None:
        raise Refused(reason, phone_event("phone.removed", by, reason, extension))
    part.execute(_REMOVE, {"of_extension": extension, "at": part.now, "who": by.id})
    part.event(phone_event("phone.removed", by, "ok", extension))
    return None


def phone_event(kind: str, by: Actor, outcome: str, extension: str) -> JournalEvent:
    """An event about a phone."""
    return JournalEvent(
        kind,
        actor=by.id,
        role=by.role,
        origin=by.origin,
        outcome=outcome,
        detail={"extension": extension},
    )


def _not_there(part: Transaction, there: DeskPhone | None, by: Actor) -> str | None:
    if not approvals.still_here(part, by):
        return "gone"
    return None if there is not None and there.state == ACTIVE else "unknown_phone"


def _write(
    part: Transaction, extension: str, name: str, keys: PhoneKeys, by: Actor, *, new: bool
) -> None:
    values = {
        "name": clean_text(name, tables.TEXT),
        "realm": keys.realm,
        "algorithms": " ".join(keys.algorithms),
        "state": ACTIVE,
        "key_id": keys.sealed.key_id,
        "ciphertext": keys.sealed.ciphertext,
    }
    if new:
        made = {"created_at": part.now, "created_by": by.id}
        changed = {"changed_at": part.now, "changed_by": by.id}
        part.execute(_INSERT, {"extension": extension, **values, **made, **changed})
        return
    written = {f"new_{name}": value for name, value in values.items()}
    part.execute(_CHANGE, {"of_extension": extension, "at": part.now, "who": by.id, **written})


def _phone(row: dict[str, Any]) -> DeskPhone:
    return DeskPhone(
        extension=row["extension"],
        name=row["name"],
        realm=row["realm"],
        algorithms=tuple(row["algorithms"].split()),
        state=row["state"],
        keys=SealedCard("", "", row["key_id"], row["ciphertext"]),
        created_at=row["created_at"],
        created_by=row["created_by"],
        changed_at=row["changed_at"],
        changed_by=row["changed_by"],
    )
