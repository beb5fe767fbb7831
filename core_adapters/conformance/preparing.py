"""What a scenario's customer does first, and what its answers give: `@first.order`.

`first` maps services to their inputs; they are asked in order, unspoilt, in the scenario's amount.
A later input may be `@first.NAME`: an output of the last answer that had it, or a column of the
first row of its list.
"""

from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType

from core_adapters.conformance.people import Person
from core_adapters.conformance.scenarios import Scenario
from transactions.outcome import Value

FIRST = "first."


def before_of(scenario: Scenario) -> list[Scenario]:
    """A plain scenario for each service that is asked first."""
    return [
        Scenario(
            f"{scenario.id}.first",
            scenario.zh,
            scenario.en,
            service,
            scenario.who,
            scenario.to,
            scenario.amount,
            inputs,
        )
        for service, inputs in scenario.first.items()
    ]


def having(who: Person, data: Mapping[str, Value]) -> Person:
    """The customer with what an answer gave among his details; only texts count."""
    rows = next((value for value in data.values() if isinstance(value, tuple)), ())
    given = {**data, **(rows[0] if rows else {})}
    texts = {f"{FIRST}{name}": text for name, text in given.items() if isinstance(text, str)}
    return replace(who, details=MappingProxyType({**who.details, **texts}))
