"""The life of a request as a table. An illegal transition is an error.

RECORDED and SENT are durable before the act they announce; UNKNOWN goes on to the service's
`recovery` in the same commit. One edge is ours beyond the classic table: RECORDED to REPEATING, a
loss report stored as advice while no link is up (it is never "not sent": it is still to be sent).
"""

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType


class State(StrEnum):
    """Where a request is."""

    RECORDED = "RECORDED"
    NOT_SENT = "NOT_SENT"
    SENT = "SENT"
    APPROVED = "APPROVED"
    DECLINED = "DECLINED"
    UNKNOWN = "UNKNOWN"
    REVERSING = "REVERSING"
    REVERSED = "REVERSED"
    REPEATING = "REPEATING"
    QUERYING = "QUERYING"
    MANUAL = "MANUAL"
    CLOSED_POSTED = "CLOSED_POSTED"
    CLOSED_NOT_POSTED = "CLOSED_NOT_POSTED"


_S = State
TRANSITIONS: Mapping[State, frozenset[State]] = MappingProxyType(
    {
        _S.RECORDED: frozenset({_S.NOT_SENT, _S.SENT, _S.REPEATING}),
        _S.SENT: frozenset({_S.APPROVED, _S.DECLINED, _S.UNKNOWN, _S.MANUAL}),
        _S.UNKNOWN: frozenset({_S.REVERSING, _S.REPEATING, _S.QUERYING, _S.MANUAL}),
        _S.REVERSING: frozenset({_S.REVERSED, _S.MANUAL}),
        _S.REPEATING: frozenset({_S.APPROVED, _S.DECLINED, _S.MANUAL}),
        _S.QUERYING: frozenset({_S.APPROVED, _S.DECLINED, _S.MANUAL}),
        _S.MANUAL: frozenset({_S.CLOSED_POSTED, _S.CLOSED_NOT_POSTED}),
        # A late approval of a reversed row that cannot be ordered reopens it (rule 5).
        _S.REVERSED: frozenset({_S.MANUAL}),
        _S.NOT_SENT: frozenset(),
        _S.APPROVED: frozenset(),
        _S.DECLINED: frozenset(),
        _S.CLOSED_POSTED: frozenset(),
        _S.CLOSED_NOT_POSTED: frozenset(),
    }
)

OPEN = frozenset({_S.RECORDED, _S.SENT, _S.UNKNOWN, _S.REVERSING, _S.REPEATING, _S.QUERYING})
"""States that the processor still works on; none may be left once faults end."""
UNSETTLED = frozenset({*OPEN, _S.MANUAL})
"""States in which the same payer, payee and amount is refused (rule 13)."""
DONE = frozenset({_S.APPROVED, _S.CLOSED_POSTED})
"""The host did it."""
NOT_DONE = frozenset({_S.NOT_SENT, _S.DECLINED, _S.REVERSED, _S.CLOSED_NOT_POSTED})
"""The host did not do it, or undid it; reserved limits are released into their own day."""


class IllegalTransition(Exception):  # noqa: N818 - reads as what it is
    """A step that the table does not have: a bug, never a refusal."""


def check(current: State, target: State) -> None:
    """Raise `IllegalTransition` unless the table has `current` to `target`."""
    if target not in TRANSITIONS[current]:
        raise IllegalTransition(f"{current} does not go to {target}")
