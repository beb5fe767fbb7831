"""What a contract of a banking service is: its inputs, outputs, effect, exits and rules."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Literal

from transactions.hot_list import EXPIRY, Decided
from transactions.kinds import Kind, RowShape
from transactions.outcome import Approved, Declined, NotSent, Outcome, Unknown, Values
from transactions.request import AuthLevel

Effect = Literal["read", "state", "money"]
Recovery = Literal["none", "reverse", "repeat", "query", "person"]
Source = Literal["host", "journal", "own"]

STALE = "stale"
"""Exit of a read whose host is away, with what it told last."""
TOLD_ON, TOLD_AT = "as_of", "as_of_time"
"""Date and time, on the bank's wall clock, of what exit `stale` gives."""

MONEY_OUTCOMES = ("ok", "refused", "in_doubt", "not_done")
"""A money service has exactly these exits, in this order."""


class ContractError(ValueError):
    """A contract that cannot stand: file, line and what to do."""


@dataclass(frozen=True, slots=True)
class Service:
    """One service's contract; see config/services.yaml for each key's meaning."""

    name: str
    version: int
    inputs: Mapping[str, Kind]
    outputs: Mapping[str, Kind]
    effect: Effect
    recovery: Recovery
    outcomes: tuple[str, ...]
    auth: AuthLevel = AuthLevel.NONE
    customer: str | None = None
    grants: AuthLevel | None = None
    attempts: int | None = None
    quoted_by: str | None = None
    must_read_back: tuple[str, ...] = ()
    guard: tuple[str, ...] = ()
    """All terms of the guard, in whatever form it was written."""
    guard_payer: tuple[str, ...] = ()
    """Those of them that are the payer, where that is not `customer`."""
    limits: tuple[str, ...] = ()
    source: Source = "host"
    hot_lists: str | None = None
    decides: Decided | None = None
    """What it makes of a report of loss on our hot list."""
    channels: tuple[str, ...] = ()
    """Channels that may ask for it; empty: every one."""
    out_on: tuple[str, ...] = ("ok",)
    """Exits that give the outputs; on others they are not set."""
    telephone_pin: str | None = None
    """The input that is the customer's telephone PIN, which may be verified here (rule 17)."""
    replaces_pin: str | None = None
    """The input that is the customer's telephone PIN from now on."""
    last_known: Mapping[str, Kind] = field(default_factory=dict)
    """What exit `stale` gives, where the host is away: outputs as they were last told, and when."""
    optional: frozenset[str] = frozenset()
    """Inputs that may be left out."""
    optional_out: frozenset[str] = frozenset()
    """Outputs that an approval may lack."""
    rows: Mapping[str, RowShape] = field(default_factory=lambda: MappingProxyType({}))
    """Columns of the output that is a list; at most one."""
    grants_on: tuple[str, ...] = ("ok",)
    """Exits that give the caller the level `grants`."""
    counts_with: str | None = None
    """The service whose tries are counted together with its own."""
    lifts: str | None = None
    """The service whose wrong tries of today count no more once this is approved."""
    right_on: tuple[str, ...] = ()
    """Declines that show the try was right: they are no wrong one."""
    second_factor_above: str | None = None
    """Tier of [second_factor]: what is above it needs one."""
    approved_by: str | None = None
    """The input that is the number of another person's proposal, which this uses up."""
    proposes: str | None = None
    """The money service whose terms are stored here for a second person."""
    limit_by: Mapping[str, tuple[str, ...]] = field(default_factory=lambda: MappingProxyType({}))
    """By limit: the terms that it is counted by, where that is not the customer alone."""
    last_without: str | None = None
    """Optional output whose absence means that no page follows: exit `last`."""
    told_by: Mapping[str, tuple[str, ...]] = field(default_factory=lambda: MappingProxyType({}))
    """By term: the services whose output it must be, as told of this card in this call."""
    told_as: Mapping[str, tuple[str, ...]] = field(default_factory=lambda: MappingProxyType({}))
    """By output in `told_by` that is no term: the words that it must have been told as."""
    line: int = 0
    """Line in services.yaml, for error messages."""

    def given(self, exit_name: str) -> Mapping[str, Kind]:
        """The variables that an exit sets, by kind."""
        if exit_name == STALE:
            return self.last_known
        return self.outputs if exit_name in self.out_on else {}

    @property
    def gives(self) -> Mapping[str, Kind]:
        """The variables that any exit may set, by kind."""
        return {**self.outputs, **self.last_known}

    @property
    def expires(self) -> bool:
        """Whether its answer says until when a report of loss holds: ours, not the host's."""
        return self.hot_lists is not None and self.outputs.get(EXPIRY) == "date"

    @property
    def from_host(self) -> Mapping[str, Kind]:
        """The outputs that the host gives."""
        ours = {EXPIRY} if self.expires else set[str]()
        return {name: kind for name, kind in self.outputs.items() if name not in ours}

    def served_on(self, channel: str) -> bool:
        """Whether a channel may ask for it."""
        return not self.channels or channel in self.channels

    def exit_for(self, outcome: Outcome) -> str:
        """The menu's exit for an outcome. Unknown and NotSent are never mixed up for money."""
        match outcome:
            case Approved(data=data):
                return self._approved(data)
            case Declined(reason=reason):
                refuses = self.effect != "read" and "refused" in self.outcomes
                fallback = "refused" if refuses else "unavailable"
                return reason if reason in self.outcomes else fallback
            case Unknown():
                return self._without_answer("in_doubt")
            case NotSent():
                return self._without_answer("not_done")

    def _approved(self, data: Values) -> str:
        """`none` without rows, `last` where no page follows, else `ok`."""
        if "none" in self.outcomes and any(data.get(name) == () for name in self.rows):
            return "none"
        ends = self.last_without is not None and self.last_without not in data
        return "last" if ends else "ok"

    def _without_answer(self, word: str) -> str:
        if self.effect == "money":
            return word
        return "stored" if self.recovery == "repeat" else "unavailable"


@dataclass(frozen=True, slots=True)
class Contracts:
    """All services by name."""

    services: Mapping[str, Service]

    def __getitem__(self, name: str) -> Service:
        return self.services[name]

    def __contains__(self, name: object) -> bool:
        return name in self.services

    def told(self, name: str) -> frozenset[str]:
        """The outputs of a service that another's `told_by` wants told by it."""
        return frozenset(
            term
            for service in self.services.values()
            for term, sources in service.told_by.items()
            if name in sources
        )

    def quoted_money(self, quote_service: str) -> Service | None:
        """The money service that `quote_service` gives terms for."""
        for service in self.services.values():
            if service.quoted_by == quote_service:
                return service
        return None
