"""Jobs on what tells telephone PINs (rule 17). Neither a PIN nor a key is here."""

from sqlalchemy import bindparam, delete, select, text

from telebank.store import approvals, people, tables
from telebank.store.transaction import Refused, Transaction
from transactions.approval import Actor
from transactions.journal import JournalEvent
from transactions.telephone_pin import Kept

_P = tables.telephone_pin.c
_FIND = select(tables.telephone_pin).where(_P.token == bindparam("of_token"))
_REMOVE = delete(tables.telephone_pin).where(_P.token == bindparam("of_token"))
_TYPES = [bindparam(column.name, type_=column.type) for column in tables.telephone_pin.c]
_INSERT = (
    "INSERT INTO telephone_pin (token, salt, verifier, key_check, at)"
    " VALUES (:token, :salt, :verifier, :key_check, :at) ON CONFLICT (token) DO "
)
_KEEP = text(
    f"{_INSERT}UPDATE SET salt = excluded.salt, verifier = excluded.verifier,"
    " key_check = excluded.key_check, at = excluded.at"
).bindparams(*_TYPES)
_PUT_BACK = text(f"{_INSERT}NOTHING").bindparams(*_TYPES)


def find(part: Transaction, token: str) -> Kept | None:
    """What is kept of this customer's PIN."""
    row = part.execute(_FIND, {"of_token": token}).first()
    return None if row is None else Kept(row.salt, row.verifier, row.key_check)


def keep(part: Transaction, token: str, kept: Kept) -> None:
    """Keep it in the place of any other."""
    part.execute(_KEEP, _row(part, token, kept))
    part.event(JournalEvent("pin.kept", detail={"customer": token}))


def put_back(part: Transaction, token: str, kept: Kept) -> None:
    """Keep it unless another is kept."""
    if part.execute(_PUT_BACK, _row(part, token, kept)).rowcount == 1:
        part.event(JournalEvent("pin.kept", detail={"customer": token}))


def take(part: Transaction, token: str) -> Kept | None:
    """Remove it; what it was."""
    kept = find(part, token)
    if kept is not None:
        part.execute(_REMOVE, {"of_token": token})
        part.event(JournalEvent("pin.forgotten", detail={"customer": token}))
    return kept


def forget(part: Transaction, token: str, masked: str, note: str, by: Actor) -> str | None:
    """Remove it by a person's word: `ok`, `nothing` where none was kept; None where the person is
    not on the staff any more."""
    detail = {"customer": token, "card": masked, "note": note}
    if not approvals.still_here(part, by):
        raise Refused(None, people.staff_event("pin.forgotten", by, "gone", detail))
    outcome = "nothing" if find(part, token) is None else "ok"
    part.execute(_REMOVE, {"of_token": token})
    part.event(people.staff_event("pin.forgotten", by, outcome, detail))
    return outcome


def _row(part: Transaction, token: str, kept: Kept) -> dict[str, object]:
    own = {"salt": kept.salt, "verifier": kept.verifier, "key_check": kept.key_check}
    return {"token": token, **own, "at": part.now}
