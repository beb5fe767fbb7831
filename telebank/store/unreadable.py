"""Open rows whose numbers cannot be read: a person has them, and the others go on."""

from collections.abc import Sequence

from telebank.store.steps import Step, advance
from telebank.store.transaction import Transaction
from transactions.journal import JournalEvent
from transactions.lifecycle import State

UNREADABLE = (ValueError, LookupError, TypeError, AttributeError)
"""What reading a row's inputs raises where they were changed or their key is gone; among them
`CardNumberError`, whose text names the key and never the digits."""


def give_up(part: Transaction, request_id: str, state: State, recovery: str, why: str) -> None:
    """Walk a row of an earlier life to where nothing more is sent for it: to MANUAL with an alarm,
    or, where nothing was ever sent nor need be, to NOT_SENT."""
    walk = _walk(state, recovery)
    advance(part, Step(request_id, walk, why, {}, None))
    if walk[-1] is State.MANUAL:
        part.event(JournalEvent("alarm.manual", request=request_id, detail={"why": why}))


def _walk(state: State, recovery: str) -> Sequence[State]:
    match state:
        case State.RECORDED if recovery == "repeat":
            # A report of loss that was taken: somebody must still deliver it (rule 16).
            return (State.REPEATING, State.MANUAL)
        case State.RECORDED:
            return (State.NOT_SENT,)
        case State.SENT:
            return (State.UNKNOWN, State.MANUAL)
        case _:
            return (State.MANUAL,)
