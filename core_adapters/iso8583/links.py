"""The links of one host as a table: connect, sign on, echo, sign off. Part of the multiplexer."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType

from core_adapters.iso8583.message import Message, is_reply
from core_adapters.iso8583.mux_types import (
    AnswerNetwork,
    CloseLink,
    Command,
    Link,
    LinkReady,
    MuxOptions,
    SendNetwork,
    Unmatched,
)
from core_adapters.iso8583.profile import NetworkMap

STAN, CODE, NETWORK_CODE = 11, 39, 70
APPROVED = "00"
STAN_LIMIT = 1_000_000


class LinkState(StrEnum):
    """Where a link is."""

    DOWN = "down"
    SIGNING_ON = "signing_on"
    READY = "ready"
    SIGNING_OFF = "signing_off"
    CLOSING = "closing"


_L = LinkState
TRANSITIONS: Mapping[LinkState, frozenset[LinkState]] = MappingProxyType(
    {
        _L.DOWN: frozenset({_L.SIGNING_ON}),
        _L.SIGNING_ON: frozenset({_L.READY, _L.CLOSING, _L.DOWN}),
        _L.READY: frozenset({_L.SIGNING_OFF, _L.CLOSING, _L.DOWN}),
        _L.SIGNING_OFF: frozenset({_L.CLOSING, _L.DOWN}),
        _L.CLOSING: frozenset({_L.DOWN}),
    }
)


class IllegalLinkTransition(Exception):  # noqa: N818 - reads as what it is
    """A step that the table does not have: a bug of the driver."""


@dataclass(slots=True)
class _Row:
    state: LinkState = LinkState.DOWN
    load: int = 0
    waiting_stan: str = ""
    waiting_code: str = ""
    due: float | None = None
    """When the answer is overdue, or the next echo is due."""
    missed: int = 0

    def to(self, state: LinkState) -> None:
        if state not in TRANSITIONS[self.state]:
            raise IllegalLinkTransition(f"a link does not go from {self.state} to {state}")
        self.state = state


class LinkTable:
    """Sign-on, echo and choice of links. Network messages have a STAN series of their own: the
    MTI class is part of the matching key, so it cannot meet a financial STAN."""

    def __init__(self, network: NetworkMap, options: MuxOptions, links: tuple[Link, ...]) -> None:
        self._network = network
        self._options = options
        self._rows = {link: _Row() for link in links}
        self._stan = 0

    @property
    def wake_at(self) -> float | None:
        """The earliest timer of any link."""
        return min((row.due for row in self._rows.values() if row.due is not None), default=None)

    def state(self, link: Link) -> LinkState:
        """Where a link is."""
        return self._rows[link].state

    def ready(self) -> list[Link]:
        """Links that have signed on."""
        return [link for link, row in self._rows.items() if row.state is LinkState.READY]

    def choose(self) -> Link | None:
        """The ready link with the least in flight."""
        return min(self.ready(), key=lambda link: self._rows[link].load, default=None)

    def load(self, link: Link, change: int) -> None:
        """Count a message in flight on `link` up or down."""
        self._rows[link].load += change

    def up(self, link: Link, now: float) -> list[Command]:
        """Connected: sign on."""
        row = self._rows[link]
        row.to(LinkState.SIGNING_ON)
        row.missed = 0
        return [self._ask(link, self._network.sign_on, now + self._options.sign_on_timeout_s)]

    def down(self, link: Link) -> None:
        """Disconnected."""
        row = self._rows[link]
        if row.state is not LinkState.DOWN:
            row.to(LinkState.DOWN)
        row.due, row.waiting_stan, row.waiting_code = None, "", ""

    def heard(self, link: Link, now: float) -> None:
        """Any good frame proves the link alive."""
        row = self._rows[link]
        if row.state is not LinkState.READY:
            return
        row.missed = 0
        if not row.waiting_stan:
            row.due = now + self._options.echo_interval_s

    def sign_off(self, now: float) -> list[Command]:
        """Sign off the ready links; close those that are not."""
        commands: list[Command] = []
        for link, row in self._rows.items():
            if row.state is LinkState.READY:
                row.to(LinkState.SIGNING_OFF)
                due = now + self._options.sign_on_timeout_s
                commands.append(self._ask(link, self._network.sign_off, due))
            elif row.state is LinkState.SIGNING_ON:
                commands.append(self._close(link, "stopping before sign-on was answered"))
        return commands

    def wake(self, now: float) -> list[Command]:
        """Echo what has been silent, close what does not answer."""
        commands: list[Command] = []
        for link, row in self._rows.items():
            if row.due is not None and row.due <= now:
                commands.append(self._overdue(link, row, now))
        return commands

    def _overdue(self, link: Link, row: _Row, now: float) -> Command:
        if row.state is LinkState.READY:
            if row.waiting_stan:
                row.missed += 1
            if row.missed >= self._options.echo_missed_max:
                return self._close(link, f"{row.missed} echoes were not answered")
            return self._ask(link, self._network.echo, now + self._options.echo_timeout_s)
        word = "sign-on" if row.state is LinkState.SIGNING_ON else "sign-off"
        return self._close(link, f"{word} was not answered")

    def network(self, link: Link, message: Message, now: float) -> list[Command]:
        """A network management message from the host."""
        row = self._rows[link]
        if not is_reply(message.mti):
            self.heard(link, now)
            return [AnswerNetwork(link, message)]
        if not row.waiting_stan or message.get(STAN) != row.waiting_stan:
            return [Unmatched(link, message, "no network request with this STAN is in flight")]
        if message.get(NETWORK_CODE) not in (None, row.waiting_code):
            return [Unmatched(link, message, "field 70 differs from the network request")]
        row.waiting_stan = ""
        return self._network_answered(link, row, message.get(CODE), now)

    def _network_answered(
        self, link: Link, row: _Row, code: str | None, now: float
    ) -> list[Command]:
        if row.state is LinkState.SIGNING_ON:
            if code != APPROVED:
                return [self._close(link, f"sign-on was refused with {code}")]
            row.to(LinkState.READY)
            self.heard(link, now)
            return [LinkReady(link)]
        if row.state is LinkState.SIGNING_OFF:
            return [self._close(link, "signed off")]
        if code != APPROVED:
            return [self._close(link, f"echo was refused with {code}")]
        self.heard(link, now)
        return []

    def _ask(self, link: Link, code: str, due: float) -> SendNetwork:
        self._stan = self._stan % (STAN_LIMIT - 1) + 1
        row = self._rows[link]
        row.waiting_stan, row.waiting_code, row.due = f"{self._stan:06d}", code, due
        return SendNetwork(link, code, row.waiting_stan)

    def _close(self, link: Link, why: str) -> CloseLink:
        row = self._rows[link]
        row.to(LinkState.CLOSING)
        row.due, row.waiting_stan = None, ""
        return CloseLink(link, why)
