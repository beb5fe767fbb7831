"""Where a link is, as a table, and what the multiplexer keeps of it."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType

from core_adapters.iso8583.links.ranks import Rank


class LinkState(StrEnum):
    """Where a link is."""

    DOWN = "down"
    SIGNING_ON = "signing_on"
    READY = "ready"
    SIGNED_OFF = "signed_off"
    """The host signed off: connected, but not chosen until it is signed on again."""
    SIGNING_OFF = "signing_off"
    CLOSING = "closing"


_L = LinkState
TRANSITIONS: Mapping[LinkState, frozenset[LinkState]] = MappingProxyType(
    {
        _L.DOWN: frozenset({_L.SIGNING_ON}),
        _L.SIGNING_ON: frozenset({_L.READY, _L.CLOSING, _L.DOWN}),
        _L.READY: frozenset({_L.SIGNED_OFF, _L.SIGNING_OFF, _L.CLOSING, _L.DOWN}),
        _L.SIGNED_OFF: frozenset({_L.READY, _L.SIGNING_ON, _L.CLOSING, _L.DOWN}),
        _L.SIGNING_OFF: frozenset({_L.CLOSING, _L.DOWN}),
        _L.CLOSING: frozenset({_L.DOWN}),
    }
)


class IllegalLinkTransition(Exception):  # noqa: N818 - reads as what it is
    """A step that the table does not have: a bug of the driver."""


@dataclass(slots=True)
class LinkRow:
    """One link; times are monotonic seconds."""

    rank: Rank
    state: LinkState = LinkState.DOWN
    load: int = 0
    waiting_stan: str = ""
    waiting_code: str = ""
    due: float | None = None
    """When the answer is overdue, or the next echo or sign-on is due."""
    missed: int = 0

    def to(self, state: LinkState) -> None:
        """Take a step of the table."""
        if state not in TRANSITIONS[self.state]:
            raise IllegalLinkTransition(f"a link does not go from {self.state} to {state}")
        self.state = state
