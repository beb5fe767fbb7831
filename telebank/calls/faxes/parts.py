"""What faxes are carried out with: who places their calls, and all else that the queue is given."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import tzinfo
from typing import Protocol

from telebank.calls.faxes.attempt import Run
from telebank.calls.faxes.files import FaxFiles
from telebank.calls.faxes.options import FaxOptions, OutboundOptions
from telebank.calls.faxes.outgoing import Load
from telebank.calls.faxes.printing import Printer
from telebank.customers.asked import Run as StoreRun
from telebank.store.sealing import Keyring
from transactions.clock import Clock
from transactions.journal import JournalEvent

ROLE = "customer"
"""The role of who asks in a call; every other role is staff."""


class Placed(Protocol):
    """A call that carries a fax; see `telebank.calls.faxes.outgoing.PlacedCall`."""

    @property
    def run(self) -> Run:
        """Places it and says how it ended."""
        ...

    def stop(self, reason: str) -> None:
        """End it; `run` says how far it came."""
        ...


class Carrier(Protocol):
    """Who places calls; see `telebank.calls.faxes.outgoing.Outgoing`."""

    def call(self, load: Load) -> Placed:
        """A call that is not placed yet."""
        ...


@dataclass(frozen=True, slots=True)
class QueueParts:
    """What faxes are carried out with."""

    run: StoreRun
    node: str
    epoch: Callable[[], int]
    vault: Keyring
    zone: tzinfo
    clock: Clock
    fax: FaxOptions
    outbound: OutboundOptions
    files: FaxFiles
    printer: Printer
    missing: Callable[[], str]
    """Why no fax can go from here, and what to do; empty where they can."""
    on_alarm: Callable[[JournalEvent], None] = lambda _event: None
    """Hears of what goes to a person, which the log has already."""
    on_lost: Callable[[], None] = lambda: None
    """Another process has this node: it must end."""
