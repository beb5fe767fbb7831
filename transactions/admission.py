"""Who may ask: level of proof, the customer's own card, the hot list, the tries of the day."""

from dataclasses import dataclass
from datetime import date
from types import MappingProxyType

from transactions.card import CardNumber, CardVault, SealedCard
from transactions.clock import Clock
from transactions.contract import Service
from transactions.inputs import card_token
from transactions.journal import Journal
from transactions.options import ProcessorOptions
from transactions.outcome import Approved, Declined, NotSent, Outcome, Unknown, Values
from transactions.request import AuthLevel, Request

PROOF = MappingProxyType({AuthLevel.NONE: 0, AuthLevel.PIN: 1, AuthLevel.SECOND_FACTOR: 2})
"""Levels of proof in rising order."""


def customer_token(service: Service, terms: Values, vault: CardVault) -> str:
    """Token of the card that the request is about; empty where it is about none."""
    name = service.customer or service.hot_lists
    card = terms.get(name) if name else None
    return card_token(card, vault) if isinstance(card, CardNumber | SealedCard) else ""


async def refusal(
    service: Service, request: Request, customer: str, journal: Journal
) -> Declined | None:
    """Why this customer may not have this service, or `None`."""
    if PROOF[request.auth] < PROOF[service.auth]:
        return Declined("not_authenticated")
    own = bool(customer) and customer == request.authenticated_token
    if service.auth is not AuthLevel.NONE and service.customer and not own:
        return Declined("other_customer")
    if service.hot_lists is None and customer and await journal.hot_listed(customer):
        return Declined("lost")
    return None


def tries_of(
    service: Service, customer: str, journal: Journal, clock: Clock, options: ProcessorOptions
) -> "Tries | None":
    """The tries that a service's contract allows with this card today; `None` where it sets no
    number."""
    if service.attempts is None:
        return None
    day = clock.now().astimezone(options.zone).date()
    return Tries(journal, f"{service.name}:{customer}", service.attempts, day)


@dataclass(frozen=True, slots=True)
class Tries:
    """The tries of one service with one card on one day (rule 17)."""

    journal: Journal
    key: str
    limit: int
    day: date

    async def take(self) -> bool:
        """Count a try before it is made; False where none is left."""
        return await self.journal.count_attempt(self.key, self.limit, self.day)

    async def give_back(self, outcome: Outcome) -> None:
        """Give it back where the try was right, or nobody looked at it."""
        match outcome:
            case Declined(reason=reason) if reason != "unavailable":
                return
            case Approved() | Declined() | Unknown() | NotSent():
                await self.journal.give_back_attempt(self.key, self.day)
