"""Who may ask: level of proof, the customer's own card, the hot list, the tries of the day."""

from dataclasses import dataclass, field, replace
from datetime import date

from transactions.card import CardNumber, CardVault, SealedCard
from transactions.clock import Clock
from transactions.contract import Service
from transactions.inputs import card_token
from transactions.journal import Journal
from transactions.options import ProcessorOptions
from transactions.outcome import Approved, Declined, NotSent, Outcome, Unknown, Values
from transactions.ports import JournalUnavailable
from transactions.proof import enough
from transactions.request import AuthLevel, Request


def customer_token(service: Service, terms: Values, vault: CardVault) -> str:
    """Token of the card that the request is about; empty where it is about none."""
    name = service.customer or service.hot_lists
    card = terms.get(name) if name else None
    return card_token(card, vault) if isinstance(card, CardNumber | SealedCard) else ""


async def refusal(
    service: Service, request: Request, customer: str, journal: Journal
) -> Declined | None:
    """Why this customer may not have this service, or `None`."""
    if not enough(request.auth, service.auth):
        return Declined("not_authenticated")
    own = bool(customer) and customer == request.authenticated_token
    if _for_own_card(service, request) and not own:
        return Declined("other_customer")
    takes_hot = service.hot_lists is not None or service.decides is not None
    if not takes_hot and customer and await journal.hot_listed(customer):
        return Declined("lost")
    return None


def _for_own_card(service: Service, request: Request) -> bool:
    """Whether the card must be the authenticated one; a PIN that is replaced is the caller's own,
    once he has proved whose he is."""
    if service.customer is None:
        return False
    proved = request.authenticated_token is not None
    return service.auth is not AuthLevel.NONE or (service.replaces_pin is not None and proved)


OWED_MAX = 10_000
"""Tries to give back that are remembered while the journal is away; a customer has few."""
REPAID_AT_ONCE = 10
"""Other customers' tries that are given back ahead of one's own; the rest comes with the next."""


@dataclass(frozen=True, slots=True)
class TriesDesk:
    """Counts tries by card and day, and remembers those that the journal would not take back."""

    journal: Journal
    clock: Clock
    options: ProcessorOptions
    owed: list[tuple[str, date]] = field(default_factory=list)

    def of(self, service: Service, customer: str) -> "Tries | None":
        """The tries that a service's contract allows with this card today; `None` where it sets
        no number."""
        if service.attempts is None:
            return None
        day = self.clock.now().astimezone(self.options.zone).date()
        key = f"{service.counts_with or service.name}:{customer}"
        lifts = service.lifts is not None
        return Tries(self, key, service.attempts, day, service.right_on, spent=lifts)

    async def lift(self, lifted: Service, customer: str) -> None:
        """Give back all tries of today that a service counts with this card."""
        tries = self.of(lifted, customer)
        if tries is not None:
            for _ in range(tries.limit):
                await self.give_back(tries.key, tries.day)

    async def give_back(self, key: str, day: date) -> None:
        """Now, or when the journal is back: never is a try lost to a journal that was away."""
        try:
            await self.journal.give_back_attempt(key, day)
        except JournalUnavailable:
            if len(self.owed) < OWED_MAX:
                self.owed.append((key, day))

    async def repay(self, key: str) -> None:
        """Give back what is owed: all of this key, and some of the others."""
        mine = [one for one in self.owed if one[0] == key]
        others = [one for one in self.owed if one[0] != key]
        for one in [*mine, *others[:REPAID_AT_ONCE]]:
            if one in self.owed:
                self.owed.remove(one)
                await self.give_back(*one)


@dataclass(frozen=True, slots=True)
class Tries:
    """The tries of one service with one card on one day (rule 17)."""

    desk: TriesDesk
    key: str
    limit: int
    day: date
    right_on: tuple[str, ...] = ()
    """Declines that show that the try was right."""
    spent: bool = False
    """One that was right, or may have been, counts too: it is done so often in a day."""

    async def take(self) -> int:
        """Count a try before it is made: which of the day it is, from 1; 0 where none is left.
        Raises `JournalUnavailable`."""
        await self.desk.repay(self.key)
        return await self.desk.journal.count_attempt(self.key, self.limit, self.day)

    def wrong(self, outcome: Outcome) -> bool:
        """Whether somebody looked at the try, and it was wrong."""
        fine = ("unavailable", *self.right_on)
        return isinstance(outcome, Declined) and outcome.reason not in fine

    def told(self, outcome: Outcome, number: int) -> Outcome:
        """A wrong one, which was the day's `number`th, says how many are left."""
        if isinstance(outcome, Declined) and self.wrong(outcome):
            return replace(outcome, left=max(0, self.limit - number))
        return outcome

    async def give_back(self, outcome: Outcome) -> None:
        """Give it back where the try was right, or nobody looked at it."""
        if self.wrong(outcome):
            return
        match outcome:
            case Approved() | Unknown() if self.spent:
                return
            case Approved() | Declined() | Unknown() | NotSent():
                await self.desk.give_back(self.key, self.day)
