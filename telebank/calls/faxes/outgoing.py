"""Places calls for faxes: to telephone numbers through the gateway, to SIP addresses for staff."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType

from fax.terminal import TerminalOptions, Transmit
from telebank.calls.faxes.leg import FaxLeg
from telebank.calls.faxes.options import FaxOptions, OutboundOptions
from telebank.calls.faxes.tolls import Target
from telebank.calls.faxes.values import FaxLines, FaxOutcome, FaxTask, Progress
from telebank.calls.services import CallServices
from telebank.sip import T38Way

SIP_USER = "telebank"
"""Our own, where the settings say none."""
WORDS: Mapping[str, str] = MappingProxyType(
    {
        "refused_403": "forbidden",
        "refused_404": "no_such_number",
        "refused_410": "no_such_number",
        "refused_484": "no_such_number",
        "refused_485": "no_such_number",
        "refused_503": "no_line",
        "refused_603": "declined",
        "refused_604": "no_such_number",
    }
)
"""Refusals of a call, as reasons for people; whether to try again is the leg's to know."""
UNREACHED = frozenset({"no_answer", "no_line"})
"""Reasons behind which there may be a trunk that is down."""
TRUNK_DOWN = "trunk_down: "
"""How the reason begins that names such a trunk."""


@dataclass(frozen=True, slots=True)
class Load:
    """What one call has to carry."""

    target: Target
    tiff: Path
    """The pages of this call and no others."""
    pages: int
    seconds: int
    """Longest time of the call."""


class PlacedCall:
    """One call that sends pages."""

    def __init__(self, outgoing: "Outgoing", load: Load) -> None:
        self._outgoing = outgoing
        self._load = load
        self._leg: FaxLeg | None = None
        self._stopped = ""

    async def run(self, on_progress: Callable[[Progress], None]) -> FaxOutcome:
        """Place it and send; how it ended."""
        load, parts = self._load, self._outgoing
        if self._stopped:
            return FaxOutcome(0, load.pages, "failed", self._stopped, placed=False)
        task = FaxTask(
            Transmit(load.tiff),
            parts.terminal(),
            load.pages,
            narrower(parts.fax.t38_to(parts.outbound.plan, load.target.number), load.target.t38),
            float(load.seconds),
        )
        self._leg = FaxLeg(parts.shell, parts.lines, task, on_progress)
        target = load.target
        hop = parts.shell.endpoint.agent.way(target.trunk) if target.trunk else None
        uri = target.uri if hop is None else target.by(hop)
        caller = parts.caller(target.caller)
        outcome = await self._leg.place(uri, caller, hop or target.destination, target.trunk)
        reason = WORDS.get(outcome.reason, outcome.reason)
        if reason in UNREACHED and parts.shell.endpoint.agent.is_down(target.trunk):
            reason = f"{TRUNK_DOWN}{target.trunk}"
        return replace(outcome, reason=reason, placed=self._leg.called)

    def stop(self, reason: str) -> None:
        """End it; `run` says how far it came."""
        self._stopped = reason
        if self._leg is not None:
            self._leg.cancel(reason)


@dataclass(frozen=True, slots=True)
class Outgoing:
    """What calls are placed with."""

    shell: CallServices
    lines: FaxLines
    fax: FaxOptions
    outbound: OutboundOptions

    def call(self, load: Load) -> PlacedCall:
        """A call that is not placed yet."""
        return PlacedCall(self, load)

    def caller(self, number: str = "") -> str:
        """Our own address, with the number that the trunk shows."""
        host, port = self.shell.endpoint.advertised
        shown = f"[{host}]" if ":" in host else host
        return f"sip:{number or self.outbound.caller or SIP_USER}@{shown}:{port}"

    def terminal(self) -> TerminalOptions:
        """What our machine says of itself."""
        return terminal_of(self.fax)


def narrower(ours: T38Way, theirs: T38Way) -> T38Way:
    """The way that both allow."""
    order: tuple[T38Way, ...] = ("never", "peer", "auto")
    return min(ours, theirs, key=order.index)


def terminal_of(options: FaxOptions) -> TerminalOptions:
    """A terminal as the settings have it."""
    return TerminalOptions(ident=options.ident, header=options.header)
