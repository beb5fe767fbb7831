"""Which sealing keys a store has had: those in the folder, and those that were destroyed."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from sqlalchemy import Connection, bindparam, insert, select, update

from telebank.store import key_files, tables
from telebank.store.joining import DESTROYED
from telebank.store.resealing import sealed_by
from telebank.store.transaction import Transaction
from transactions.approval import Actor
from transactions.journal import JournalEvent

ACTIVE, PREPARED, RETIRED = "active", "prepared", "retired"
TOKENS = "token.key"
_V = tables.vault.c
_STORED = select(_V.name, _V.fingerprint).order_by(_V.name)
_KNOWN = select(_V.name).where(_V.name == bindparam("of_name"))
_ADD = insert(tables.vault)
_DESTROYED = (
    update(tables.vault).where(_V.name == bindparam("of_name")).values(fingerprint=DESTROYED)
)


@dataclass(frozen=True, slots=True)
class StoreKey:
    """A key of the store, for people."""

    name: str
    purpose: str
    """seal | look-up"""
    made: datetime | None
    retired: datetime | None
    state: str
    """active | prepared | retired | destroyed | missing"""
    rows: Mapping[str, int]
    """Values that it sealed, by place."""


def keys_of_store(connection: Connection, directory: Path) -> list[StoreKey]:
    """All of them, oldest first. Raises `KeyFileError`."""
    current, files = key_files.current_of(directory), key_files.seal_files(directory)
    counts = sealed_by(connection)
    stored = {
        name.removeprefix("seal-").removesuffix(".key"): print_
        for name, print_ in connection.execute(_STORED)
        if name != TOKENS
    }
    used = {key for counter in counts.values() for key in counter}
    found = [StoreKey(TOKENS, "look-up", None, None, ACTIVE, {})]
    for name in sorted(files.keys() | stored.keys() | used, key=_order):
        one, rows = files.get(name), {place: many[name] for place, many in counts.items()}
        state = "destroyed" if stored.get(name) == DESTROYED else "missing"
        if one is not None and state != "destroyed":
            state = _state(name, current, retired=one.retired is not None)
        dates = (None, None) if one is None else (one.made, one.retired)
        rows = {place: many for place, many in rows.items() if many}
        found.append(StoreKey(name, "seal", *dates, state, rows))
    return found


def highest_number(connection: Connection) -> int:
    """Of the keys that the store has ever had."""
    names = [row.name for row in connection.execute(_STORED)]
    return max(
        (key_files.number_of(name[len("seal-") : -len(".key")]) for name in names), default=0
    )


def rotated(part: Transaction, name: str, fingerprint: str, before: str, by: Actor) -> None:
    """Log that a key seals from now on."""
    file = f"seal-{name}.key"
    if part.execute(_KNOWN, {"of_name": file}).first() is None:
        part.execute(_ADD, {"name": file, "fingerprint": fingerprint})
    _tell(part, "rotated", name, by, before=before)


def destroyed(part: Transaction, name: str, by: Actor) -> None:
    """Remember that nobody needs to have this key any more, and log it."""
    part.execute(_DESTROYED, {"of_name": f"seal-{name}.key"})
    _tell(part, "destroyed", name, by)


def reread(part: Transaction, name: str, by: Actor) -> None:
    """Log which key seals, after the folder was read again."""
    _tell(part, "read", name, by)


def _tell(part: Transaction, outcome: str, name: str, by: Actor, **more: str) -> None:
    detail: dict[str, str | int | float | bool | None] = {"key": name, **more}
    part.event(
        JournalEvent(
            "store.key",
            actor=by.id,
            role=by.role,
            origin=by.origin,
            outcome=outcome,
            detail=detail,
        )
    )


def _state(name: str, current: str, *, retired: bool) -> str:
    if name == current:
        return ACTIVE
    older = key_files.number_of(name) < key_files.number_of(current)
    return RETIRED if retired or older else PREPARED


def _order(name: str) -> tuple[int, str]:
    return key_files.number_of(name), name
