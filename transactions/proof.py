"""How far a customer must have proved himself, and when an amount asks for a second factor."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from transactions.contract import ContractError, Contracts, Service
from transactions.guard import guarded_amount, own_limit
from transactions.guarded import AdapterFailed, guarded
from transactions.journal import Journal
from transactions.money import Money
from transactions.options import REGISTERED
from transactions.outcome import Values
from transactions.own import OwnDesk
from transactions.request import AuthLevel, Request

PROOF = MappingProxyType({level: place for place, level in enumerate(AuthLevel)})
"""Levels of proof in rising order."""
OPENS_CODE = frozenset({AuthLevel.CODE, AuthLevel.SECOND_FACTOR})
"""A service for a one-time code: whoever has only a PIN has shown none."""


def enough(has: AuthLevel, needed: AuthLevel) -> bool:
    """Whether this level opens a service that needs that one."""
    return has in OPENS_CODE if needed is AuthLevel.CODE else PROOF[has] >= PROOF[needed]


@dataclass(frozen=True, slots=True)
class Tiers:
    """Amounts above which a second factor is needed, and whom a customer has registered.

    What the customer used on the day of the service's own daily limit counts with the amount, or
    five amounts just below the tier would be one above it."""

    desk: OwnDesk
    tiers: Mapping[str, Money]
    journal: Journal
    per_day: bool = True

    async def asks(
        self, service: Service, request: Request, customer: str, terms: Values | None = None
    ) -> bool:
        """Whether these terms (else the inputs) need a second factor that is not there.

        An amount in another currency than the tier's is above it: nothing is converted here.
        Raises `JournalUnavailable` where nobody can say whom the customer registered, or what he
        used."""
        return (await self._judged(service, request, customer, terms))[1]

    async def most(self, service: Service, request: Request, customer: str) -> Money | None:
        """The most of a day's use that the commit may reserve for a request which `asks` let pass;
        None where there is no such bound. Raises as `asks`."""
        if not self.per_day or own_limit(service) is None:
            return None
        return (await self._judged(service, request, customer, None))[0]

    async def _judged(
        self, service: Service, request: Request, customer: str, terms: Values | None
    ) -> tuple[Money | None, bool]:
        """The tier that holds, and whether it is passed."""
        name, terms = service.second_factor_above, request.inputs if terms is None else terms
        if name is None or enough(request.auth, AuthLevel.SECOND_FACTOR):
            return None, False
        amount = _amount(service, terms)
        if amount is None:
            return None, False
        tier, registered = self.tiers[name], self.tiers.get(f"{name}{REGISTERED}")
        whole = await self._with_used(service, request, customer, amount)
        if _within(whole, tier):
            return tier, False
        if registered is None or not _within(whole, registered):
            return tier, True
        trusted = await guarded(self.desk.trusts(service, terms, customer))
        if isinstance(trusted, AdapterFailed) or not trusted:
            return tier, True
        return registered, False

    async def _with_used(
        self, service: Service, request: Request, customer: str, amount: Money
    ) -> Money:
        limit = own_limit(service)
        if not self.per_day or limit is None or request.business_date is None:
            return amount
        used = await self.journal.used(limit, customer, amount.currency, request.business_date)
        return Money(used.minor + amount.minor, amount.currency)


def check_tiers(contracts: Contracts, tiers: Mapping[str, Money]) -> None:
    """Raise `ContractError` where a contract names a tier that is not set."""
    for service in contracts.services.values():
        name = service.second_factor_above
        if name is not None and name not in tiers:
            raise ContractError(
                f"{service.name}: tier {name!r} has no amount; set it in [second_factor]"
            )


def _amount(service: Service, terms: Values) -> Money | None:
    """The guarded amount; of a state service its one amount."""
    if service.guard:
        return guarded_amount(service, terms)
    sure = (value for name, value in terms.items() if name not in service.optional)
    return next((value for value in sure if isinstance(value, Money)), None)


def _within(amount: Money, tier: Money) -> bool:
    return amount.currency == tier.currency and amount <= tier
