"""Where the callers are for whom tellers do services."""

from collections.abc import Callable
from typing import Protocol

from telebank.calls.tellers.hands import EntryEnded, Terms
from telebank.calls.tellers.values import CallerPort


class ServedCallers(Protocol):
    """The room of tellers as a clerk asks it."""

    def caller_of(self, seat: str, call: str) -> CallerPort | str:
        """Whom a seat has, where it is that call; else why not."""
        ...

    def pin(self, seat: str, then: Callable[[EntryEnded], None], terms: Terms) -> str | None:
        """Read the terms to the seat's caller, and ask him for the PIN that signs them."""
        ...

    def telling(self, call: str, *, on: bool) -> None:
        """The machine tells a caller a result, or has told it."""
        ...

    def in_pin(self, call: str) -> bool:
        """Whether a caller keys his PIN now."""
        ...

    def served(self, seat: str, call: str, **detail: str) -> None:
        """A line for the event log."""
        ...
