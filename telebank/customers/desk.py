"""The desk: answers the services whose source is `own`. A table of handlers by service."""

from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from telebank.customers.asked import Asked, Handler
from transactions.card import CardNumberError
from transactions.outcome import Declined, NotSent, Outcome, Values
from transactions.request import Request
from transactions.service import Service

VERSION = 1
"""Contract version that every handler here is written for."""
Trust = Callable[[Values, str], Awaitable[bool]]
"""Whether terms of a customer go to somebody whom he registered."""


@dataclass(frozen=True, slots=True)
class Desk:
    """Implements `transactions.own.OwnDesk`."""

    handlers: Mapping[str, Handler]
    trust: Trust

    def serves(self) -> Mapping[str, int]:
        """Services with their contract versions."""
        return dict.fromkeys(self.handlers, VERSION)

    async def execute(self, service: Service, request: Request, customer: str) -> Outcome:
        """Answer one request; a sealed number whose key is gone makes it unavailable."""
        handler = self.handlers.get(service.name)
        if handler is None:
            return NotSent("not_served")
        try:
            return await handler(Asked(service, request, customer))
        except CardNumberError:
            return Declined("unavailable")

    async def trusts(self, service: Service, terms: Values, customer: str) -> bool:
        """Whether these terms are a registered payee's."""
        return await self.trust(terms, customer)


def table(families: Iterable[Mapping[str, Handler]]) -> Mapping[str, Handler]:
    """One table of several; a service that two of them answer is a bug."""
    handlers: dict[str, Handler] = {}
    for family in families:
        twice = handlers.keys() & family.keys()
        if twice:
            raise ValueError(f"{sorted(twice)[0]} has two handlers")
        handlers.update(family)
    return MappingProxyType(handlers)
