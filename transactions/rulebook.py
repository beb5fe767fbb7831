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
    """The releases that live calls, requests in flight and open rows have. A request that names no
    release is served by the one in force; one that names another than these is not served. Where
    nobody ever taught a release, there is one set of rules for all."""

    def __init__(self, first: Contracts) -> None:
        self._current = Rules(first)
        self._known: dict[str, Rules] = {}
        self._taught = False

    def rules(self, release: str) -> Rules:
        """Of one release; those in force where it is not known (see `knows`)."""
        return self._known.get(release, self._current)

    def knows(self, release: str) -> bool:
        """Whether a request that names this is to be served."""
        return not release or not self._taught or release in self._known

    def of(self, release: str) -> Contracts:
        """The contracts of one release."""
        return self.rules(release).contracts

    def learn(self, release: str, contracts: Contracts, served: Mapping[str, int]) -> None:
        """Serve this release too."""
        self._taught = True
        self._known[release] = Rules(contracts, served)

    def stand_in(self, release: str) -> None:
        """Serve a release that cannot be read by the one in force."""
        self._taught = True
        self._known[release] = self._current

    def use(self, release: str) -> None:
        """A known release is in force from here on."""
        self._current = self._known[release]

    def forget(self, release: str) -> None:
        """No call and no row has it any more."""
        self._known.pop(release, None)
