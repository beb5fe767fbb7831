"""A row on its way to an end, and where each state goes from."""

from collections.abc import Sequence
from dataclasses import dataclass
from types import MappingProxyType

from transactions.journal import OpenRow
from transactions.lifecycle import NOT_DONE, State
from transactions.outcome import Approved, Declined, Outcome
from transactions.request import HostMessage, Request

RANKS = MappingProxyType({State.REPEATING: 0, State.REVERSING: 1, State.QUERYING: 2})
"""States that are settled by messages; stored loss reports go ahead of all others (rule 16)."""
RECOVERY = MappingProxyType(
    {
        "reverse": State.REVERSING,
        "repeat": State.REPEATING,
        "query": State.QUERYING,
        "person": State.MANUAL,
    }
)
"""Where UNKNOWN goes, in the same commit."""


@dataclass(slots=True)
class Settling:
    """One row on its way to an end; `state` is what the journal has."""

    request: Request
    state: State
    sent: HostMessage | None
    attempts: int = 0
    """Messages counted in the journal."""
    wait: float = 0.0
    """Seconds before the next message."""
    why: str = ""
    """Why it was unknown; the reversal says it to the host."""
    undoing: HostMessage | None = None
    """The reversal that went already; its repeats are the same but for MTI and MAC."""
    went: bool = False
    """Whether one is known to have left: it has a reply, or was sent in this life. After a restart
    the journal alone does not tell: a row is durable before its first byte."""
    late: Outcome | None = None
    """The original's answer, where it came after all."""
    failed: int = 0
    """Bugs, and messages that cannot be made, met on the way. They count with the messages, or
    one would be tried for ever."""
    resting: bool = True
    """Between messages: may be stopped at once, the journal has everything."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """How a row ends."""

    states: Sequence[State]
    why: str
    outcome: Outcome | None = None
    alarm: bool = False
    answered: HostMessage | None = None
    """The reply that it follows from, where that is not in the journal yet."""


def to_person(why: str) -> Verdict:
    """Only a person can settle it."""
    return Verdict([State.MANUAL], why, alarm=True)


def denies(state: State, answer: Outcome) -> bool:
    """Whether the host's late answer says the opposite of where the row ended."""
    if isinstance(answer, Approved):
        return state in NOT_DONE
    return isinstance(answer, Declined) and state is State.CLOSED_POSTED


def steps_on(row: OpenRow) -> list[State]:
    """From what the journal says of a row that nobody works on to where it can be settled."""
    recovery = RECOVERY.get(row.recovery, State.MANUAL)
    if row.state is State.RECORDED:
        # A report of loss that was taken is still to be delivered (rule 16).
        return [State.REPEATING if row.recovery == "repeat" else State.NOT_SENT]
    if row.state is State.SENT:
        return [State.UNKNOWN, recovery]
    return [recovery] if row.state is State.UNKNOWN else []
