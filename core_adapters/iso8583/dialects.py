"""What a host is told and answers, by release: each has its own profile and contracts, on links
that stay up.

A request is built, judged and undone by the release that it was made under. What the links
themselves are made of (framing, MAC, numbers and formats of the fields, matching, network messages)
is the first release's: another that differs there needs a restart.
"""

from collections.abc import Callable
from dataclasses import dataclass

from core_adapters.iso8583.build import Builder
from core_adapters.iso8583.codec import Codec
from core_adapters.iso8583.format.fields import FieldSpec, pyiso_spec
from core_adapters.iso8583.format.message import Message
from core_adapters.iso8583.profile import Profile, ServiceMap
from core_adapters.iso8583.replies import Judged, judge
from core_adapters.terms import handles
from transactions.contract import Contracts

OF_THE_LINKS = (
    *("name", "wire", "frame", "mac", "mac_exempt", "match", "network"),
    *("pin_format", "edition", "key_change", "totals"),
)
"""Parts of a profile that a running link is made of."""


@dataclass(frozen=True, slots=True)
class Dialect:
    """One release's profile and contracts, and what is made of them."""

    profile: Profile
    contracts: Contracts
    codec: Codec
    builder: Builder

    def judge(self, service: ServiceMap, unit: str, reply: Message) -> Judged:
        """What a reply means; `unit` is field 49 of the request."""
        contract = self.contracts[service.name]
        known = handles(contract, self.contracts)
        return judge(self.codec, service, contract, unit, reply, known)


Make = Callable[[Profile, Contracts], Dialect]


class Dialects:
    """The releases that calls or open requests of this node have. What names no release speaks as
    the one in force, and so does all where nobody ever taught a release."""

    def __init__(self, first: Dialect, make: Make) -> None:
        self._make = make
        self._first = self._current = first
        self._known: dict[str, Dialect] = {}
        self._taught = False

    @property
    def current(self) -> Dialect:
        """Of the release in force."""
        return self._current

    def of(self, release: str) -> Dialect | None:
        """Of one release; None for one that nobody taught."""
        if not release or not self._taught:
            return self._current
        return self._known.get(release)

    def learn(self, release: str, profile: Profile, contracts: Contracts) -> str:
        """Speak another release too; what the links would need a restart for, or empty.

        Raises `ProfileError` where profile and contracts do not fit each other."""
        differs = of_the_links(self._first.profile, profile)
        if not differs:
            self._known[release] = self._make(profile, contracts)
            self._taught = True
        return differs

    def stand_in(self, release: str) -> None:
        """Let the one in force speak for a release that cannot be read."""
        self._known[release] = self._current
        self._taught = True

    def use(self, release: str) -> None:
        """A known release is in force from here on."""
        self._current = self._known[release]

    def forget(self, release: str) -> None:
        """Nobody speaks it any more."""
        self._known.pop(release, None)


def of_the_links(running: Profile, other: Profile) -> str:
    """The first part of the links in which another profile differs; empty where none does."""
    for part in OF_THE_LINKS:
        if getattr(running, part) != getattr(other, part):
            return part
    if _outer(running) != _outer(other):
        return "fields"
    return ""


def _outer(profile: Profile) -> object:
    """How fields stand in a message, whatever is inside them."""
    kinds = {number: _kind(spec) for number, spec in profile.fields.items()}
    return pyiso_spec(profile.fields, profile.wire), kinds


def _kind(spec: FieldSpec) -> tuple[str, str]:
    return spec.kind, spec.show
