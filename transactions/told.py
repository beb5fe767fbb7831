"""What the host told of a customer in a call, for services that take nobody else's word for it.

A menu passes a company, or the number that a one-time code goes to; a contract with `told_by` takes
such an input only where the host told this very value of this card in this call.
"""

from collections import OrderedDict
from dataclasses import dataclass, field

from transactions.card import CardVault
from transactions.inputs import canonical
from transactions.outcome import Value, Values
from transactions.request import Request
from transactions.service import Contracts, Service


@dataclass(slots=True)
class _Heard:
    until: float
    by: dict[tuple[str, str], Value] = field(default_factory=dict, repr=False)
    """Service and output -> what it told last."""


@dataclass(frozen=True, slots=True)
class ToldBook:
    """In memory, by call and card; bounded and expiring. `now` is monotonic seconds."""

    limit: int
    """Calls and cards remembered; the oldest goes first."""
    ttl: float
    """Seconds for which it is remembered."""
    vault: CardVault
    heard: OrderedDict[tuple[str, str], _Heard] = field(default_factory=OrderedDict, repr=False)

    def hear(  # noqa: PLR0917 - who told what of whom, and when
        self,
        contracts: Contracts,
        service: Service,
        request: Request,
        customer: str,
        data: Values,
        now: float,
    ) -> None:
        """Remember what some contract wants told by this service; what it told before is gone."""
        names = contracts.told(service.name)
        if not names or not customer:
            return
        self._drop_old(now)
        key = _key(request, customer)
        one = self.heard.setdefault(key, _Heard(now + self.ttl))
        one.until = now + self.ttl
        self.heard.move_to_end(key)
        for name in names:
            one.by.pop((service.name, name), None)
            if name in data:
                one.by[service.name, name] = data[name]
        while len(self.heard) > self.limit:
            self.heard.popitem(last=False)

    def terms(self, service: Service, request: Request, customer: str, now: float) -> Values:
        """What was told of the terms in `told_by`: of each the first service's that told it."""
        one = self.heard.get(_key(request, customer))
        if one is None or one.until <= now:
            return {}
        return {
            name: next(one.by[by, name] for by in sources if (by, name) in one.by)
            for name, sources in service.told_by.items()
            if any((by, name) in one.by for by in sources)
        }

    def untold(
        self, service: Service, request: Request, customer: str, now: float
    ) -> tuple[str, str] | None:
        """The first term that is not as the host told it, and why in a word: `not_told`, `other`
        or `not_permitted` (no word of `told_as`); None where all are."""
        one = self.heard.get(_key(request, customer))
        by = {} if one is None or one.until <= now else one.by
        for name, sources in service.told_by.items():
            told = [by[source, name] for source in sources if (source, name) in by]
            if name in service.optional and name not in request.inputs:
                continue
            if not told:
                return name, "not_told"
            if name in service.told_as:
                if not any(value in service.told_as[name] for value in told):
                    return name, "not_permitted"
            elif not self._among(request.inputs.get(name), told):
                return name, "other"
        return None

    def _among(self, given: Value | None, told: list[Value]) -> bool:
        if given is None:
            return False
        said = canonical(given, self.vault)
        return any(canonical(value, self.vault) == said for value in told)

    def _drop_old(self, now: float) -> None:
        while self.heard:
            first = next(iter(self.heard))
            if self.heard[first].until > now:
                return
            del self.heard[first]


def _key(request: Request, customer: str) -> tuple[str, str]:
    return request.call or "", customer
