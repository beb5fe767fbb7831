"""What the adapter tells its owner; the same shapes as those of the ISO 8583 adapter."""

from collections.abc import Callable
from dataclasses import dataclass

from transactions.outcome import Outcome
from transactions.request import HostMessage


@dataclass(frozen=True, slots=True)
class Alarm:
    """Something an operator must see. `kind` is code, error, hung or profile."""

    kind: str
    text: str
    request_id: str = ""


@dataclass(frozen=True, slots=True)
class LateReply:
    """The end of a call that had been given up (rule 5); never changes what was told."""

    message: HostMessage
    outcome: Outcome


@dataclass(frozen=True, slots=True)
class HostEvents:
    """Callbacks on the event loop's thread; each may do nothing."""

    late: Callable[[LateReply], None] = lambda _reply: None
    alarm: Callable[[Alarm], None] = lambda _alarm: None
    link: Callable[[str, bool, str], None] = lambda _link, _up, _why: None
    """Worker's name, connected or not, why (an SQLSTATE or a word)."""
