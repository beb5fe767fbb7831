"""Jobs on what tells telephone PINs (rule 17). Neither a PIN nor a key is here.

A customer's row stays when his PIN is forgotten: its generation says to everybody who looked before
that what he knows is of no use any more, on whatever node.
"""

from typing import Any

from sqlalchemy import bindparam, null, select, text, update

from telebank.store import approvals, people, tables
from telebank.store.transaction import Refused, Transaction
from transactions.approval import Actor
from transactions.journal import JournalEvent
from transactions.telephone_pin import Customer, Kept, Standing

_T = tables.telephone_pin
_P = _T.c
_NAMES = ("salt", "verifier", "key_check", "at")
_FIND = select(_T).where(_P.token == bindparam("of_token"))
_INSERT = (
    "INSERT INTO telephone_pin (token, generation, salt, verifier, key_check, at)"
    " VALUES (:of_token, 0, :salt, :verifier, :key_check, :at) ON CONFLICT (token) DO UPDATE SET"
    " salt = excluded.salt, verifier = excluded.verifier, key_check = excluded.key_check,"
    " at = excluded.at"
    " WHERE telephone_pin.generation = :seen AND telephone_pin.verifier"
)
_TYPES = [bindparam(column.name, type_=column.type) for column in _P if column.name in _NAMES]
_KEEP_FIRST = text(f"{_INSERT} IS NULL").bindparams(*_TYPES)
_WAS = bindparam("was", type_=_P.verifier.type)
_KEEP_OVER = text(f"{_INSERT} = :was").bindparams(*_TYPES, _WAS)
_RAISE = text(
    "INSERT INTO telephone_pin (token, generation, at) VALUES (:token, 1, :at)"
    " ON CONFLICT (token) DO UPDATE SET generation = telephone_pin.generation + 1, at = excluded.at"
).bindparams(bindparam("at", type_=_P.at.type))
_UNCHANGED = update(_T).where(_P.token == bindparam("of_token"), _P.generation == bindparam("seen"))
_OWN: dict[str, Any] = {name: bindparam(name) for name in _NAMES}
_REPLACE = _UNCHANGED.values(_OWN)
_PUT_BACK = _UNCHANGED.where(_P.verifier.is_(None)).values(_OWN)
_NONE: dict[str, Any] = {name: null() for name in _NAMES[:3]}
_CLEAR = update(_T).where(_P.token == bindparam("of_token")).values(_NONE)
_CLEAR_ALL = (
    update(_T).where(_P.verifier.is_not(None)).values(_NONE | {"generation": _P.generation + 1})
)


def find(part: Transaction, token: str) -> Standing:
    """What is kept of this customer's PIN."""
    row = part.execute(_FIND, {"of_token": token}).first()
    if row is None:
        return Standing()
    kept = None if row.verifier is None else Kept(row.salt, row.verifier, row.key_check)
    return Standing(row.generation, kept)


def keep(part: Transaction, customer: Customer, kept: Kept, seen: Standing) -> None:
    """Keep it, where what stands is still what was seen."""
    row = _own(part, customer.token, kept, seen)
    if seen.kept is None:
        written = part.execute(_KEEP_FIRST, row)
    else:
        written = part.execute(_KEEP_OVER, row | {"was": seen.kept.verifier})
    if written.rowcount == 1:
        part.event(_event("pin.kept", customer))


def replace(part: Transaction, customer: Customer, kept: Kept, taken: Standing) -> None:
    """Keep the new one of a change, unless something was forgotten since `take`."""
    if part.execute(_REPLACE, _own(part, customer.token, kept, taken)).rowcount == 1:
        part.event(_event("pin.kept", customer))


def take(part: Transaction, customer: Customer) -> Standing:
    """Set it aside for a change; what it was, for `replace` and `put_back`."""
    taken = _empty(part, customer.token)
    if taken.kept is not None:
        part.event(_event("pin.set_aside", customer))
    return taken


def put_back(part: Transaction, customer: Customer, taken: Standing) -> None:
    """Keep it again, unless something was forgotten since, or another is kept."""
    if taken.kept is None:
        return
    if part.execute(_PUT_BACK, _own(part, customer.token, taken.kept, taken)).rowcount == 1:
        part.event(_event("pin.put_back", customer))


def drop(part: Transaction, customer: Customer) -> None:
    """Forget it."""
    if _empty(part, customer.token).kept is not None:
        part.event(_event("pin.forgotten", customer))


def drop_all(part: Transaction) -> None:
    """Forget all: the host verifies."""
    count = part.execute(_CLEAR_ALL).rowcount
    if count:
        part.event(JournalEvent("pin.all_forgotten", detail={"count": count}))


def forget(part: Transaction, token: str, masked: str, note: str, by: Actor) -> str | None:
    """Forget it by a person's word: `ok`, `nothing` where none was kept; None where the person is
    not on the staff any more. What is under way with the customer's PIN brings none back."""
    detail = {"customer": token, "card": masked, "note": note}
    if not approvals.still_here(part, by):
        raise Refused(None, people.staff_event("pin.forgotten", by, "gone", detail))
    outcome = "nothing" if _empty(part, token).kept is None else "ok"
    part.event(people.staff_event("pin.forgotten", by, outcome, detail))
    return outcome


def _empty(part: Transaction, token: str) -> Standing:
    """A generation further, with nothing kept; what was. Raising it locks the row, so that no other
    node writes between the look and the removal."""
    part.execute(_RAISE, {"token": token, "at": part.now})
    taken = find(part, token)
    if taken.kept is not None:
        part.execute(_CLEAR, {"of_token": token})
    return taken


def _own(part: Transaction, token: str, kept: Kept, seen: Standing) -> dict[str, object]:
    own = {"salt": kept.salt, "verifier": kept.verifier, "key_check": kept.key_check}
    return {"of_token": token, "seen": seen.generation, **own, "at": part.now}


def _event(kind: str, customer: Customer) -> JournalEvent:
    """Whose request it was says `request`; the card is its token."""
    return JournalEvent(
        kind,
        call=customer.call,
        request=customer.request,
        actor=customer.actor,
        role=customer.role,
        origin=customer.origin,
        detail={"customer": customer.token},
    )
