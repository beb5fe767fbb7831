"""How far a customer must have proved himself, and when an amount asks for a second factor."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from transactions.contract import ContractError, Contracts, Service
from transactions.guard import guarded_amount
from transactions.guarded import AdapterFailed, guarded
from transactions.money import Money
from transactions.options import REGISTERED
from transactions.outcome import Values
from transactions.own import OwnDesk
from transactions.request import AuthLevel

PROOF = MappingProxyType({level: place for place, level in enumerate(AuthLevel)})
"""Levels of proof in rising order."""
OPENS_CODE = frozenset({AuthLevel.CODE, AuthLevel.SECOND_FACTOR})
"""A service for a one-time code: whoever has only a PIN has shown none."""


def enough(has: AuthLevel, needed: AuthLevel) -> bool:
    """Whether this level opens a service that needs that one."""
    return has in OPENS_CODE if needed is AuthLevel.CODE else PROOF[has] >= PROOF[needed]


@dataclass(frozen=True, slots=True)
class Tiers:
    """Amounts above which a second factor is needed, and whom a customer has registered."""

    desk: OwnDesk
    tiers: Mapping[str, Money]

    async def asks(self, service: Service, terms: Values, customer: str, has: AuthLevel) -> bool:
        """Whether these terms need a second factor that is not there.

        An amount in another currency than the tier's is above it: nothing is converted here.
        Raises `JournalUnavailable` where nobody can say whom the customer registered."""
        name = service.second_factor_above
        if name is None or enough(has, AuthLevel.SECOND_FACTOR):
            return False
        amount = _amount(service, terms)
        if amount is None or _within(amount, self.tiers[name]):
            return False
        registered = self.tiers.get(f"{name}{REGISTERED}")
        if registered is None or not _within(amount, registered):
            return True
        trusted = await guarded(self.desk.trusts(service, terms, customer))
        return isinstance(trusted, AdapterFailed) or not trusted


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
