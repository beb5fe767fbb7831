"""Jobs of a login: a try is counted before it is verified, and its end is logged."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Literal

from sqlalchemy import bindparam, case, text, update

from telebank.store import tables
from telebank.store.people import Person, find, staff_event
from telebank.store.transaction import Transaction
from transactions.approval import Actor
from transactions.journal import JournalEvent

UNKNOWN = "unknown"
"""Actor of a login by a name that nobody has: what was typed may be somebody's password."""
_P = tables.staff.c
_OPEN = (
    _P.id == bindparam("of_id"),
    text("state = 'active'"),
    _P.locked_until.is_(None) | (_P.locked_until <= bindparam("at", type_=_P.locked_until.type)),
)
# One conditional statement, before anything is verified, so that tries at once all count.
_TRY = (
    update(tables.staff)
    .where(*_OPEN)
    .values(
        wrong=case((_P.locked_until.is_not(None), 1), else_=_P.wrong + 1),
        locked_until=case(
            (
                _P.locked_until.is_(None) & (_P.wrong + 1 >= bindparam("most")),
                bindparam("until", type_=_P.locked_until.type),
            ),
            else_=None,
        ),
    )
)
_PROVED = (
    update(tables.staff)
    .where(
        _P.id == bindparam("of_id"),
        text("state = 'active'"),
        _P.totp_step < bindparam("step", type_=_P.totp_step.type),
        _P.password == bindparam("hashed", type_=_P.password.type),
    )
    .values(wrong=0, locked_until=None, totp_step=bindparam("step", type_=_P.totp_step.type))
)


@dataclass(frozen=True, slots=True)
class Knock:
    """Who says he is whom, and from where."""

    name: str
    digest: str
    """Stands for a name that nobody has, in the event."""
    origin: str


@dataclass(frozen=True, slots=True)
class Try:
    """A login as it begins: who it may be, and whether the try may succeed at all."""

    person: Person | None
    open: bool


LoginOutcome = Literal[
    "ok", "wrong_password", "wrong_code", "locked", "left", "not_enrolled", "unknown"
]


def begin(part: Transaction, knock: Knock, most: int, lock: timedelta) -> Try:
    """Count the try before it is verified. The same statements run for a name that nobody has."""
    person = find(part, knock.name)
    values = {"of_id": knock.name, "at": part.now, "most": most, "until": part.now + lock}
    counted = part.execute(_TRY, values).rowcount == 1
    part.event(_login_event("staff.login_try", person, knock, ""))
    return Try(person, counted)


def end(
    part: Transaction, knock: Knock, outcome: LoginOutcome, step: int, hashed: str
) -> LoginOutcome:
    """Say how it went. `ok` takes the time step of the code; where it was taken meanwhile, or the
    password was changed, it is `wrong_code` after all."""
    person = find(part, knock.name)
    values = {"of_id": knock.name, "step": step, "hashed": hashed}
    if outcome == "ok" and part.execute(_PROVED, values).rowcount != 1:
        outcome = "wrong_code"
    part.event(_login_event("staff.login", person, knock, outcome))
    wrong = outcome in ("wrong_password", "wrong_code")
    if wrong and person is not None and person.locked_until is not None:
        part.event(_login_event("staff.locked", person, knock, "locked"))
    return outcome


def log_out(part: Transaction, actor: Actor) -> None:
    """Log the end of a login."""
    part.event(staff_event("staff.logout", actor, "ok", {}))


def _login_event(kind: str, person: Person | None, knock: Knock, outcome: str) -> JournalEvent:
    if person is None:
        by = Actor(UNKNOWN, UNKNOWN, knock.origin)
        return staff_event(kind, by, outcome, {"name_digest": knock.digest})
    return staff_event(kind, Actor(person.id, person.role, knock.origin), outcome, {})
