"""The telephone PIN verified here, and what is told with the host away (rule 17).

With `[auth] verifier = "local"` a node remembers, of each right PIN that the host confirmed, what
it needs to know it again, and from then on asks the host only about others. It never remembers a
PIN: what it keeps is made under a key of the security module and is of no use without it.
"""

from collections.abc import Awaitable, Callable, Collection, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from enum import Enum
from typing import Protocol

from transactions.answer import Answer, exit_of
from transactions.clock import Clock
from transactions.contract import TOLD_AT, TOLD_ON, Contracts, Service
from transactions.hot_list import TELLER
from transactions.money import Money
from transactions.options import AuthOptions
from transactions.outcome import Approved, Declined, NotSent, Outcome, Unknown, Value
from transactions.ports import JournalUnavailable
from transactions.request import MAX_REQUEST_ID, Request
from transactions.secret import Secret

WRONG = "wrong_pin"
"""Reason: another PIN than the customer's."""
NOBODY_LOOKED = "unavailable"
"""Reason: the host answered, and not whether the PIN is right."""
WEAK = "weak_pin"
"""Reason: the new PIN of a change is too weak, and the old one is right."""
OWN_TROUBLE = frozenset({"lease_lost"})
"""Reasons of a `NotSent` that are not the host's being away."""


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


@dataclass(frozen=True, slots=True)
class Standing:
    """What stood for a customer when somebody looked. What is written by it later is written only
    where nobody forgot anything meanwhile."""

    generation: int = 0
    """How often one was forgotten, for a change too."""
    kept: Kept | None = None


@dataclass(frozen=True, slots=True)
class Customer:
    """Whose PIN it is, and in what request: the event says it."""

    token: str
    """Of his card."""
    request: str | None = None
    call: str | None = None
    actor: str = "system"
    origin: str = ""

    @classmethod
    def of(cls, token: str, request: Request) -> "Customer":
        """The customer as he asks now."""
        request_id = request.id[:MAX_REQUEST_ID]
        return cls(token, request_id, request.call, request.actor, request.channel)

    @property
    def role(self) -> str:
        """Who acted: he, or a teller for him."""
        return TELLER if self.origin == TELLER else "customer"


class ForgetsPins(Protocol):
    """What every node of a store can do about PINs that some node keeps."""

    async def forget(self, customer: Customer) -> None:
        """Forget it, and what others are about to write of it. Raises as `TelephonePins`."""
        ...


class TelephonePins(ForgetsPins, Protocol):
    """Telephone PINs that were right, by the token of the customer's card.

    Each method may raise `JournalUnavailable` or `LeaseLost`; then nothing was changed. A security
    module that does not answer is an alarm and not an error: nothing is known then.
    """

    async def match(self, customer: Customer, pin: Secret) -> tuple[Match, Standing]:
        """Compare in constant time; with what stood then, for `remember`."""
        ...

    async def remember(self, customer: Customer, pin: Secret, seen: Standing) -> None:
        """The host said that this one is right: keep it, where `seen` still stands."""
        ...

    async def take(self, customer: Customer) -> Standing:
        """Forget it for a change; what was kept, for `replace` and `put_back`."""
        ...

    async def replace(self, customer: Customer, pin: Secret, taken: Standing) -> None:
        """The host took this one instead: keep it over any other, unless one was forgotten or
        changed since `take`."""
        ...

    async def put_back(self, customer: Customer, taken: Standing) -> None:
        """Keep it again, unless one was forgotten or changed since, or another is kept."""
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
Work = Callable[[], Awaitable[Answer]]


class Knowledge(Protocol):
    """Stands between the processor and its host where a PIN is proved or changed."""

    async def read(self, service: Service, request: Request, customer: str, ask: Ask) -> Outcome:
        """The outcome of a read; `ask` asks the host."""
        ...

    async def write(self, service: Service, request: Request, customer: str, work: Work) -> Answer:
        """The answer to money or a change of state; `work` does it."""
        ...


@dataclass(frozen=True, slots=True)
class HostVerifies:
    """The node keeps nothing. Another one of its store may, against the rule that all have one
    setting, or may have before a restart: a PIN changed here must not go on being right there."""

    pins: ForgetsPins

    async def read(self, service: Service, request: Request, customer: str, ask: Ask) -> Outcome:
        """What the host says."""
        return await ask()

    async def write(self, service: Service, request: Request, customer: str, work: Work) -> Answer:
        """What the host says; a PIN that is replaced is forgotten before and, since the old one
        may have been proved meanwhile, after."""
        if not isinstance(request.inputs.get(service.replaces_pin or ""), Secret):
            return await work()
        who = Customer.of(customer, request)
        try:
            await self.pins.forget(who)
        except JournalUnavailable:
            return _not_asked(service, request)
        answer = await work()
        if not isinstance(answer.outcome, NotSent):
            with suppress(JournalUnavailable):
                await self.pins.forget(who)
        return answer


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
            return await self._verify(Customer.of(customer, request), pin, ask)
        outcome = await ask()
        await self._heard(customer, outcome)
        return await self._stale(service, customer, outcome) if service.last_known else outcome

    async def write(
        self,
        service: Service,
        request: Request,
        customer: str,
        work: Work,
    ) -> Answer:
        """The answer to money or a change of state; a PIN that it replaces is known no more."""
        pin = request.inputs.get(service.replaces_pin or "")
        if isinstance(pin, Secret):
            return await self._replace(service, request, Customer.of(customer, request), pin, work)
        answer = await work()
        if not answer.again:  # what it told was true when it came first
            await self._heard(customer, answer.outcome)
        return answer

    # -- the PIN --------------------------------------------------------------------------------

    async def _verify(self, customer: Customer, pin: Secret, ask: Ask) -> Outcome:
        """A PIN that differs may have been changed at a branch, which only the host knows; where
        the host does not say so, whosever trouble it is, it is a wrong one and stays a try: it was
        compared."""
        match, seen = await self.pins.match(customer, pin)
        if match is Match.RIGHT:
            return Approved()
        try:
            outcome = await ask()
        except JournalUnavailable:
            if match is Match.OTHER:
                return Declined(WRONG)
            raise
        if _unanswered(outcome):
            return Declined(WRONG) if match is Match.OTHER else outcome
        await self._learn(customer, pin, seen, outcome)
        return outcome

    async def _learn(
        self, customer: Customer, pin: Secret, seen: Standing, outcome: Outcome
    ) -> None:
        """A right PIN is remembered. Where the host says no for another reason than the PIN (the
        card is locked, lost, unknown), nothing is proved here any more until it says yes again.
        What cannot be written is learnt the next time."""
        with suppress(JournalUnavailable):
            if isinstance(outcome, Approved):
                await self.pins.remember(customer, pin, seen)
            elif isinstance(outcome, Declined) and outcome.reason != WRONG:
                await self.pins.forget(customer)

    async def _replace(
        self, service: Service, request: Request, customer: Customer, pin: Secret, work: Work
    ) -> Answer:
        """Forgotten before the host is asked, so that no crash leaves the old one standing. Who
        only guesses at the old one changes nothing of what is known here."""
        old = request.inputs.get(service.telephone_pin or "")
        guessed = False
        try:
            if isinstance(old, Secret):
                guessed = (await self.pins.match(customer, old))[0] is Match.OTHER
            taken = await self.pins.take(customer)
        except JournalUnavailable:
            return _not_asked(service, request)
        answer = await work()
        with suppress(JournalUnavailable):  # the host will say at the next call which one is right
            await self._changed(customer, pin, taken, answer, guessed=guessed)
        return answer

    async def _changed(
        self,
        customer: Customer,
        pin: Secret,
        taken: Standing,
        answer: Answer,
        *,
        guessed: bool,
    ) -> None:
        """The old one comes back only where nothing was asked now, or the host found it right."""
        match answer.outcome:
            case Approved() if not answer.again:
                await self.pins.replace(customer, pin, taken)
            case Approved() | NotSent():
                await self.pins.put_back(customer, taken)
            case Declined(reason=reason) if reason == WEAK or (guessed and reason == WRONG):
                await self.pins.put_back(customer, taken)
            case Declined() | Unknown():  # nor what was proved while the host was asked
                await self.pins.forget(customer)

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


def _not_asked(service: Service, request: Request) -> Answer:
    outcome = NotSent("journal")
    return Answer(exit_of(service, outcome), outcome, {}, request.id)


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
