"""The telephone PIN verified here, and what is told with the host away (rule 17).

With `[auth] verifier = "local"` a node remembers, of each right PIN that the host confirmed, what
it needs to know it again, and from then on asks the host only about others. It never remembers a
PIN: what it keeps is made under a key of the security module and is of no use without it.
"""

from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from enum import Enum
from typing import Literal, Protocol

from transactions.answer import Answer, exit_of
from transactions.clock import Clock
from transactions.contract import TOLD_AT, TOLD_ON, Contracts, Service
from transactions.money import Money
from transactions.outcome import Approved, Declined, NotSent, Outcome, Unknown, Value
from transactions.ports import JournalUnavailable
from transactions.request import Request
from transactions.secret import Secret

WRONG = "wrong_pin"
"""Reason: another PIN than the customer's."""
NOBODY_LOOKED = "unavailable"
"""Reason: the host answered, and not whether the PIN is right."""
OWN_TROUBLE = frozenset({"lease_lost", "closing"})
"""Reasons of a `NotSent` that are not the host's being away."""
MAX_DAYS = 366


@dataclass(frozen=True, slots=True)
class AuthOptions:
    """Section `[auth]` of telebank.toml."""

    verifier: Literal["host", "local"] = "host"
    """Who says whether a telephone PIN is right. `local`: this node, from the first time on that
    the host said so; it needs the key `telephone.pin` in the security module."""
    balance_days: int = 7
    """Days that a balance is told for as last known, with the host away; 0: never. Only `local`."""

    def __post_init__(self) -> None:
        if not 0 <= self.balance_days <= MAX_DAYS:
            raise ValueError(f"balance_days is {self.balance_days}: give 0 to {MAX_DAYS} days")


class Match(Enum):
    """What is known here of a PIN."""

    RIGHT = "right"
    OTHER = "other"
    """The customer's is another, as far as is known here."""
    UNKNOWN = "unknown"
    """Nothing is known of the customer's, or the security module does not answer."""


@dataclass(frozen=True, slots=True)
class Kept:
    """What tells a PIN: HMAC-SHA-256 under the key `telephone.pin`, with its salt."""

    salt: bytes = field(repr=False)
    verifier: bytes = field(repr=False)
    key_check: str
    """Check value of the key's version, six hexadecimal digits."""


class TelephonePins(Protocol):
    """Telephone PINs that were right, by the token of the customer's card.

    Each method may raise `JournalUnavailable` or `LeaseLost`; then nothing was changed. A security
    module that does not answer is an alarm and not an error: nothing is known then.
    """

    async def match(self, customer: str, pin: Secret) -> Match:
        """Compare in constant time."""
        ...

    async def remember(self, customer: str, pin: Secret) -> None:
        """The host said that this one is right; any other is forgotten."""
        ...

    async def take(self, customer: str) -> Kept | None:
        """Forget it; what was kept, for `put_back`."""
        ...

    async def put_back(self, customer: str, kept: Kept) -> None:
        """Keep it again, unless another is kept by now."""
        ...


@dataclass(frozen=True, slots=True)
class Known:
    """Amounts as one answer of the host told them, and when it came."""

    values: Mapping[str, Money]
    at: datetime


class KnownBalances(Protocol):
    """The last known balances, sealed, by the token of the customer's card; errors as above."""

    async def keep(self, customer: str, known: Known) -> None:
        """Keep it instead of an older one."""
        ...

    async def last(self, customer: str) -> Known | None:
        """What was kept last."""
        ...


Ask = Callable[[], Awaitable[Outcome]]


@dataclass(frozen=True, slots=True)
class LocalKnowledge:
    """Stands between the processor and its host for a customer's PIN and balances."""

    pins: TelephonePins
    balances: KnownBalances
    options: AuthOptions
    clock: Clock
    zone: timezone
    names: Collection[str]
    """Outputs that are kept: see `told_by`."""

    async def read(self, service: Service, request: Request, customer: str, ask: Ask) -> Outcome:
        """The outcome of a read: `ask` asks the host, which a PIN known here makes needless."""
        pin = request.inputs.get(service.telephone_pin or "")
        if isinstance(pin, Secret):
            return await self._verify(customer, pin, ask)
        outcome = await ask()
        await self._heard(customer, outcome)
        return await self._stale(service, customer, outcome) if service.last_known else outcome

    async def write(
        self,
        service: Service,
        request: Request,
        customer: str,
        work: Callable[[], Awaitable[Answer]],
    ) -> Answer:
        """The answer to money or a change of state; a PIN that it replaces is known no more."""
        pin = request.inputs.get(service.replaces_pin or "")
        if isinstance(pin, Secret):
            return await self._replace(service, request, customer, pin, work)
        answer = await work()
        if not answer.again:  # what it told was true when it came first
            await self._heard(customer, answer.outcome)
        return answer

    # -- the PIN --------------------------------------------------------------------------------

    async def _verify(self, customer: str, pin: Secret, ask: Ask) -> Outcome:
        """A PIN that differs may have been changed at a branch, which only the host knows; with the
        host away it is a wrong one."""
        match = await self.pins.match(customer, pin)
        if match is Match.RIGHT:
            return Approved()
        outcome = await ask()
        if _unanswered(outcome):
            away = match is Match.OTHER and not _own_trouble(outcome)
            return Declined(WRONG) if away else outcome
        await self._learn(customer, pin, outcome)
        return outcome

    async def _learn(self, customer: str, pin: Secret, outcome: Outcome) -> None:
        """A right PIN is remembered. Where the host says no for another reason than the PIN (the
        card is locked, lost, unknown), nothing is proved here any more until it says yes again.
        What cannot be written is learnt the next time."""
        try:
            if isinstance(outcome, Approved):
                await self.pins.remember(customer, pin)
            elif isinstance(outcome, Declined) and outcome.reason != WRONG:
                await self.pins.take(customer)
        except JournalUnavailable:
            return

    async def _replace(
        self,
        service: Service,
        request: Request,
        customer: str,
        pin: Secret,
        work: Callable[[], Awaitable[Answer]],
    ) -> Answer:
        """Forgotten before the host is asked, so that no crash leaves the old one standing."""
        try:
            kept = await self.pins.take(customer)
        except JournalUnavailable:
            outcome = NotSent("journal")
            return Answer(exit_of(service, outcome), outcome, {}, request.id)
        answer = await work()
        try:
            if isinstance(answer.outcome, Approved) and not answer.again:
                await self.pins.remember(customer, pin)
            elif kept is not None and not isinstance(answer.outcome, Unknown):
                await self.pins.put_back(customer, kept)
        except JournalUnavailable:
            return answer  # the host will say at the next call which one is right
        return answer

    # -- balances -------------------------------------------------------------------------------

    async def _heard(self, customer: str, outcome: Outcome) -> None:
        if not isinstance(outcome, Approved) or not customer or not self.options.balance_days:
            return
        told = {name: outcome.data.get(name) for name in self.names}
        values = {name: value for name, value in told.items() if isinstance(value, Money)}
        if not values:
            return
        try:
            await self.balances.keep(customer, Known(values, self.clock.now()))
        except JournalUnavailable:
            return  # an older one stays, with its own time

    async def _stale(self, service: Service, customer: str, outcome: Outcome) -> Outcome:
        """What was told last, where the host told nothing now."""
        if not _unanswered(outcome) or _own_trouble(outcome):
            return outcome
        known = await self.balances.last(customer)
        oldest = self.clock.now() - timedelta(days=self.options.balance_days)
        if known is None or known.at <= oldest:
            return outcome
        told = known.at.astimezone(self.zone)
        data: dict[str, Value] = {
            **known.values,
            TOLD_ON: told.date(),
            TOLD_AT: told.time().replace(microsecond=0),
        }
        if not service.last_known.keys() <= data.keys():
            return outcome
        return Declined("stale", {name: data[name] for name in service.last_known})


def told_by(contracts: Contracts) -> frozenset[str]:
    """The outputs that some service tells as last known: what is kept of every answer."""
    services = contracts.services.values()
    names = frozenset(name for service in services for name in service.last_known)
    return names - {TOLD_ON, TOLD_AT}


def _unanswered(outcome: Outcome) -> bool:
    match outcome:
        case Declined(reason=reason):
            return reason == NOBODY_LOOKED
        case Approved():
            return False
        case Unknown() | NotSent():
            return True


def _own_trouble(outcome: Outcome) -> bool:
    return isinstance(outcome, NotSent) and outcome.reason in OWN_TROUBLE
