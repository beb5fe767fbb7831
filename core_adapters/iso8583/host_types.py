"""What the adapter of an ISO 8583 host tells its owner."""

from collections.abc import Callable
from dataclasses import dataclass

from core_adapters.iso8583.keys.change_types import KeyEvent
from transactions.outcome import Outcome
from transactions.request import HostMessage


@dataclass(frozen=True, slots=True)
class Alarm:
    """Something an operator must see.

    `kind` is link, unmatched, undecodable, late, code, date, keys or profile.
    """

    kind: str
    text: str
    request_id: str = ""


@dataclass(frozen=True, slots=True)
class LateReply:
    """A reply to a message that had been given up (rule 5); never changes what was told."""

    message: HostMessage
    outcome: Outcome


@dataclass(frozen=True, slots=True)
class HostEvents:
    """What the adapter tells its owner; each may do nothing."""

    late: Callable[[LateReply], None] = lambda _reply: None
    alarm: Callable[[Alarm], None] = lambda _alarm: None
    link: Callable[[str, bool, str], None] = lambda _link, _up, _why: None
    """Link name, signed on or not, why."""
    key: Callable[[KeyEvent], None] = lambda _event: None
    """A key was changed, refused or retired; for the audit log. What needs an operator is told as
    an alarm too."""
    answered: Callable[[str, str, float], None] = lambda _link, _stan, _seconds: None
    """A message was answered in time: link name, its STAN, seconds from sending to reply."""
