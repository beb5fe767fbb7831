"""What a bench is made of, whichever adapter it is for: the seams between kit and adapter."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Protocol

from core_adapters.conformance.faults import Fault
from core_adapters.conformance.transcript import Line
from transactions.card import CardNumber
from transactions.outcome import Outcome
from transactions.ports import HostAdapter
from transactions.request import HostMessage


class Told(Protocol):
    """An alarm of an adapter."""

    @property
    def kind(self) -> str:
        """A word, such as `code`."""
        ...


class Late(Protocol):
    """A reply after its request had been given up."""

    @property
    def message(self) -> HostMessage:
        """What it answers."""
        ...

    @property
    def outcome(self) -> Outcome:
        """What it says."""
        ...


@dataclass(frozen=True, slots=True)
class Events:
    """Where an adapter under test tells; each adapter has these three in a form of its own."""

    late: Callable[[Late], None]
    alarm: Callable[[Told], None]
    link: Callable[[str, bool, str], None]


class Adapter(HostAdapter, Protocol):
    """What the kit needs beside the port: to start, to wait, to stop."""

    async def start(self) -> None:
        """Open the links."""
        ...

    async def wait_signed_on(self, timeout_s: float) -> bool:
        """Wait for a link."""
        ...

    async def close(self) -> None:
        """Sign off and close."""
        ...


class Between(Protocol):
    """What stands between adapter and host, and spoils what passes on order."""

    away: bool
    """While true, no connection is taken."""

    @property
    def lines(self) -> Sequence[Line]:
        """What passed since `take`."""
        ...

    @property
    def played(self) -> int:
        """Faults in force that have been played."""
        ...

    @property
    def findings(self) -> Sequence[str]:
        """What the adapter did that no adapter may."""
        ...

    def take(self) -> list[Line]:
        """The lines so far, and begin anew."""
        ...

    def spoil(self, service: str = "", faults: Sequence[Fault] = (), timeout_s: float = 1) -> None:
        """Put these faults in force for messages of `service` instead of the ones before."""
        ...

    def cut(self) -> None:
        """Cut every connection."""
        ...

    async def close(self) -> None:
        """End it."""
        ...


@dataclass(frozen=True, slots=True)
class Parts:
    """One scenario's own adapter and what stands before it."""

    between: Between
    make: Callable[[Events], Adapter]
    timeouts: Mapping[str, float]
    """Seconds after which the adapter gives up, by service."""
    link_s: float
    """How long a scenario without a request looks at the link."""
    acts: Mapping[str, Callable[[Adapter], Awaitable[str]]] = field(default_factory=dict)
    """What a scenario may have done before it asks, each giving a word for what came of it."""
    bystander: Callable[[CardNumber], AbstractContextManager[None]] | None = None
    """Holds the account of a card at the host, as another customer's transaction would."""
