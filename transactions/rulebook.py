"""Contracts by release: a request is served by those that it was made under."""

from collections.abc import Mapping
from dataclasses import dataclass

from transactions.contract import Contracts


@dataclass(frozen=True, slots=True)
class Rules:
    """One release's contracts, and what the host serves by it: service -> contract version; None
    where the adapter says so itself."""

    contracts: Contracts
    served: Mapping[str, int] | None = None


class Rulebook:
    """The releases that live calls and open rows have. A request that names none of them is served
    by the one in force."""

    def __init__(self, first: Contracts) -> None:
        self._current = Rules(first)
        self._known: dict[str, Rules] = {}

    def rules(self, release: str) -> Rules:
        """Of one release."""
        return self._known.get(release, self._current)

    def of(self, release: str) -> Contracts:
        """The contracts of one release."""
        return self.rules(release).contracts

    def learn(self, release: str, contracts: Contracts, served: Mapping[str, int]) -> None:
        """Serve this release too."""
        self._known[release] = Rules(contracts, served)

    def use(self, release: str) -> None:
        """A known release is in force from here on."""
        self._current = self._known[release]

    def forget(self, release: str) -> None:
        """No call and no row has it any more."""
        self._known.pop(release, None)
