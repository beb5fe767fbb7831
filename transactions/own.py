"""The port of services that the node answers itself (`source: own`).

Their contracts are as any other: inputs, level of proof, tries, exits and outputs are checked here.
What they keep (payees, ceilings, codes, settings, orders, approvals) is the desk's.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from transactions.outcome import NotSent, Outcome, Values
from transactions.request import Request
from transactions.service import Service


class OwnDesk(Protocol):
    """A table of handlers by service.

    A change of state and its event are one commit of the store. Each method may raise
    `JournalUnavailable` or `LeaseLost`; then nothing was changed.
    """

    def serves(self) -> Mapping[str, int]:
        """Services that it has a handler for, each with its contract version."""
        ...

    async def execute(self, service: Service, request: Request, customer: str) -> Outcome:
        """`Approved(outputs)` for exit `ok` (`last`, `none` by the outputs), `Declined(exit)` for
        another, with outputs where `out_on` says so. `customer` is the token of the customer's
        card, empty where the contract names none. Secrets are wiped after."""
        ...

    async def trusts(self, service: Service, terms: Values, customer: str) -> bool:
        """Whether these terms of `service` go to somebody that the customer has registered, whose
        cooling time is over: then its registered tier holds."""
        ...


@dataclass(frozen=True, slots=True)
class NoDesk:
    """A node that keeps nothing for its customers: it serves none of these and trusts nobody."""

    def serves(self) -> Mapping[str, int]:
        """None."""
        return {}

    async def execute(self, service: Service, request: Request, customer: str) -> Outcome:
        """Never asked: the processor asks only for what it serves."""
        return NotSent("not_served")

    async def trusts(self, service: Service, terms: Values, customer: str) -> bool:
        """Nobody."""
        return False
