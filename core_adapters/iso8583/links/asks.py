"""Network management requests of the owner's that wait for their 0810. Part of the multiplexer."""

from dataclasses import dataclass

from core_adapters.iso8583.links.mux_types import (
    NETWORK_ASKS_MAX,
    Command,
    Link,
    LinkLost,
    Ticket,
    TimedOut,
)


@dataclass(frozen=True, slots=True)
class Ask:
    """One request: field 70, and when its answer is overdue (monotonic seconds)."""

    ticket: Ticket
    code: str
    link: Link
    due: float


class Asks:
    """By STAN of the network series."""

    def __init__(self) -> None:
        self._waiting: dict[str, Ask] = {}

    @property
    def full(self) -> bool:
        """No room for one more."""
        return len(self._waiting) >= NETWORK_ASKS_MAX

    @property
    def wake_at(self) -> float | None:
        """The earliest time-out."""
        return min((ask.due for ask in self._waiting.values()), default=None)

    def add(self, stan: str, ask: Ask) -> None:
        """One was sent."""
        self._waiting[stan] = ask

    def get(self, stan: str | None) -> Ask | None:
        """What waits under a STAN."""
        return self._waiting.get(stan or "")

    def end(self, stan: str) -> None:
        """It was answered."""
        del self._waiting[stan]

    def wake(self, now: float) -> list[Command]:
        """Give up what is overdue."""
        over = {stan: ask for stan, ask in self._waiting.items() if ask.due <= now}
        return [TimedOut(ticket) for ticket in self._drop(over)]

    def down(self, link: Link) -> list[Command]:
        """A link is gone, with what was asked on it."""
        over = {stan: ask for stan, ask in self._waiting.items() if ask.link == link}
        return [LinkLost(ticket) for ticket in self._drop(over)]

    def _drop(self, over: dict[str, Ask]) -> list[Ticket]:
        for stan in over:
            del self._waiting[stan]
        return [ask.ticket for ask in over.values()]
