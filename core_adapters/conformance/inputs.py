"""Inputs of a scenario's requests: what the scenario says, and what its customer has."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import date, timedelta
from decimal import Decimal
from types import MappingProxyType

from core_adapters.conformance.people import Person
from core_adapters.conformance.preparing import FIRST
from core_adapters.conformance.scenarios import Scenario
from transactions.contract import Kind, Service
from transactions.money import Money
from transactions.outcome import Value

NO_DETAIL = "no test customer has a detail"
LAST_MONTH = "@last_month"
"""The first day of the month before this one."""


class NotTried(Exception):  # noqa: N818 - reads as what it is
    """This host or profile lacks what the scenario needs; says what."""


@dataclass(frozen=True, slots=True)
class Asked:
    """Makes the inputs of one scenario for one customer; `to` is the other one."""

    scenario: Scenario
    who: Person
    to: Person

    def inputs(self, contract: Service) -> dict[str, Value]:
        """By name; what is optional only where the scenario gives it. Raises `NotTried`."""
        given = self.scenario.inputs
        return {
            name: self._given(given[name], kind) if name in given else self._made(name, kind)
            for name, kind in contract.inputs.items()
            if name in given or name not in contract.optional
        }

    def detail(self, name: str) -> str:
        """What the scenario gives under this name, else the customer's detail of it."""
        return str(self._given(self.scenario.inputs.get(name, f"@{name}"), "digits"))

    @property
    def amount(self) -> Money:
        """The scenario's own."""
        return Money.parse(self.scenario.amount)

    def _given(self, text: str, kind: Kind) -> Value:
        if text == LAST_MONTH:
            return (date.today().replace(day=1) - timedelta(days=1)).replace(day=1)  # noqa: DTZ011 - the bank's wall clock
        if text.startswith("@"):
            if text[1:] not in self.who.details:
                what = "nothing asked first gave" if text[1:].startswith(FIRST) else NO_DETAIL
                raise NotTried(f"{what} {text[1:]!r}")
            text = self.who.details[text[1:]]
        return _READ.get(kind, str)(text)

    def _made(self, name: str, kind: Kind) -> Value:
        match kind:
            case "card_no":
                return self.to.card if name in ("to", "payee") else self.who.card
            case "secret":
                # A new PIN is the wrong one, and the other way round, so that it can be tried.
                wrong = self._is_wrong("pin") != name.startswith("new")
                return (replace(self.who, pin=other(self.who.pin)) if wrong else self.who).secret()
            case "money":
                return self.amount
            case "digits" if name == "identity":
                identity = self.who.identity
                return other(identity) if self._is_wrong("identity") else identity
        raise NotTried(
            f"the kit has no value for input {name!r} ({kind}) of {self.scenario.service}; give "
            "one under `inputs`"
        )

    def _is_wrong(self, name: str) -> bool:
        return self.scenario.wrong == name


def other(digits: str) -> str:
    """Digits of the same length that are wrong."""
    return digits[:-1] + ("1" if digits[-1:] != "1" else "2")


_READ: Mapping[Kind, Callable[[str], Value]] = MappingProxyType(
    {"money": Money.parse, "date": date.fromisoformat, "number": int, "rate": Decimal}
)
