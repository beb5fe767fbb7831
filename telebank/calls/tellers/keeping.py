"""The place of somebody who hung up to be called back, and where it is kept."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from telebank.agents.events import Caller, PlaceKept
from telebank.calls.tellers.values import CallerCard


@dataclass(frozen=True, slots=True)
class KeptPlace:
    """All that a node needs that is started again."""

    caller: Caller
    queue: str
    number: str = field(repr=False)
    """Where he is called."""
    card: CallerCard
    since: datetime
    """When he began to wait."""
    kept_at: datetime
    tries: int = 0
    """Calls to him, also one that a killed node had begun."""
    tried_at: datetime | None = None

    def told(self, now: datetime, again_s: float) -> PlaceKept:
        """As the machine of queues is told; between two tries there are `again_s` seconds."""
        tried = self.tried_at
        return PlaceKept(
            caller=self.caller,
            queue=self.queue,
            number=self.number,
            waited_s=(now - self.since).total_seconds(),
            kept_s=(now - self.kept_at).total_seconds(),
            tries=self.tries,
            again_s=0.0 if tried is None else max(0.0, again_s - (now - tried).total_seconds()),
        )


class Places(Protocol):
    """Where they are kept. What the store does not take is logged: the place is then one of this
    life of the node alone."""

    async def keep(self, place: KeptPlace) -> None:
        """Returns when it is written."""
        ...

    async def tried(self, call: str, tries: int) -> None:
        """He was called so often, the call that is about to be placed too; returns when that is
        written."""
        ...

    async def taken(self, call: str) -> None:
        """He is on the line; returns when that is written."""
        ...

    def over(self, call: str, how: str) -> None:
        """It came to nothing."""
        ...
