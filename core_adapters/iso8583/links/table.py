"""The links of one host as a table: connect, sign on, echo, sign off, and which one is to send.

Part of the multiplexer: no socket, no clock. Links of several addresses are all kept signed on;
traffic goes to the links of one address, see `ranks`.
"""

from collections.abc import Mapping

from core_adapters.iso8583.format.message import Message, is_reply
from core_adapters.iso8583.links.asks import Ask, Asks
from core_adapters.iso8583.links.link_state import LinkRow, LinkState
from core_adapters.iso8583.links.mux_types import (
    Answered,
    AnswerNetwork,
    CloseLink,
    Command,
    CutOver,
    Link,
    LinkReady,
    LinkSignedOff,
    NetworkRequested,
    Refuse,
    SendNetwork,
    TrafficMoved,
    Unmatched,
)
from core_adapters.iso8583.links.ranks import Rank, Ranks
from core_adapters.iso8583.options import MuxOptions
from core_adapters.iso8583.profile import NetworkMap

STAN, CODE, NETWORK_CODE = 11, 39, 70
APPROVED = "00"
STAN_LIMIT = 1_000_000


class LinkTable:
    """Sign-on, echo and choice of links. Network messages have a STAN series of their own: the
    MTI class is part of the matching key, so it cannot meet a financial STAN."""

    def __init__(
        self, network: NetworkMap, options: MuxOptions, links: Mapping[Link, Rank]
    ) -> None:
        self._network = network
        self._options = options
        self._rows = {link: LinkRow(rank) for link, rank in links.items()}
        self._ranks = Ranks(options.fail_back_s, options.sign_on_timeout_s)
        self._asks = Asks()
        self._stan = 0
        self._stopping = False

    @property
    def wake_at(self) -> float | None:
        """The earliest timer of any link."""
        times = [row.due for row in self._rows.values() if row.due is not None]
        others = (self._asks.wake_at, None if self._stopping else self._ranks.wake_at)
        return min([*times, *(at for at in others if at is not None)], default=None)

    @property
    def serving(self) -> Rank:
        """The rank that traffic goes to while it is ready."""
        return self._ranks.serving

    def state(self, link: Link) -> LinkState:
        """Where a link is."""
        return self._rows[link].state

    def ready(self) -> list[Link]:
        """Links that have signed on, of any rank."""
        return [link for link, row in self._rows.items() if row.state is LinkState.READY]

    def choose(self) -> Link | None:
        """The ready link with the least in flight, of the rank that serves."""
        serving = [link for link in self.ready() if self._rows[link].rank == self._ranks.serving]
        return min(serving, key=lambda link: self._rows[link].load, default=None)

    def load(self, link: Link, change: int) -> None:
        """Count a message in flight on `link` up or down."""
        self._rows[link].load += change

    def up(self, link: Link, now: float) -> list[Command]:
        """Connected: sign on."""
        row = self._rows[link]
        row.to(LinkState.SIGNING_ON)
        row.missed = 0
        return [self._ask(link, self._network.sign_on, now + self._options.sign_on_timeout_s)]

    def down(self, link: Link, now: float) -> list[Command]:
        """Disconnected."""
        row = self._rows[link]
        if row.state is not LinkState.DOWN:
            row.to(LinkState.DOWN)
        row.due, row.waiting_stan, row.waiting_code = None, "", ""
        return [*self._asks.down(link), *self._steer(now)]

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
        self._stopping = True
        commands: list[Command] = []
        for link, row in self._rows.items():
            if row.state is LinkState.READY:
                row.to(LinkState.SIGNING_OFF)
                due = now + self._options.sign_on_timeout_s
                commands.append(self._ask(link, self._network.sign_off, due))
            elif row.state is LinkState.SIGNING_ON:
                commands.append(self._close(link, "stopping before sign-on was answered"))
            elif row.state is LinkState.SIGNED_OFF:
                commands.append(self._close(link, "signed off"))
        return commands

    def ask(self, event: NetworkRequested, now: float) -> Command:
        """Send a network request of the owner's on the link that serves."""
        link = self.choose()
        if self._stopping:
            return Refuse(event.ticket, "stopping")
        if link is None:
            return Refuse(event.ticket, "no_link")
        if self._asks.full:
            return Refuse(event.ticket, "busy")
        stan = self._next_stan()
        self._asks.add(stan, Ask(event.ticket, event.code, link, now + event.timeout_s))
        return SendNetwork(link, event.code, stan, event.ticket)

    def wake(self, now: float) -> list[Command]:
        """Echo what has been silent, close what does not answer, go back to a better address."""
        commands = self._asks.wake(now)
        for link, row in self._rows.items():
            if row.due is not None and row.due <= now:
                commands.append(self._overdue(link, row, now))
        return [*commands, *self._steer(now)]

    def _overdue(self, link: Link, row: LinkRow, now: float) -> Command:
        if row.state is LinkState.READY:
            if row.waiting_stan:
                row.missed += 1
            if row.missed >= self._options.echo_missed_max:
                return self._close(link, f"{row.missed} echoes were not answered")
            return self._ask(link, self._network.echo, now + self._options.echo_timeout_s)
        if row.state is LinkState.SIGNED_OFF:
            row.to(LinkState.SIGNING_ON)
            return self._ask(link, self._network.sign_on, now + self._options.sign_on_timeout_s)
        word = "sign-on" if row.state is LinkState.SIGNING_ON else "sign-off"
        return self._close(link, f"{word} was not answered")

    def network(self, link: Link, message: Message, now: float) -> list[Command]:
        """A network management message from the host."""
        if not is_reply(message.mti):
            commands = [AnswerNetwork(link, message), *self._told(link, message, now)]
        else:
            commands = self._reply(link, message, now)
        return [*commands, *self._steer(now)]

    def _told(self, link: Link, message: Message, now: float) -> list[Command]:
        """What a request of the host's means to us, besides its answer."""
        row, code = self._rows[link], message.get(NETWORK_CODE)
        self.heard(link, now)
        if code == self._network.cut_over:
            return [CutOver(link, message)]
        if code == self._network.sign_off and row.state is LinkState.READY:
            row.to(LinkState.SIGNED_OFF)
            row.due = now + self._options.sign_on_again_s
            return [LinkSignedOff(link)]
        if code == self._network.sign_on and row.state is LinkState.SIGNED_OFF:
            return [self._ready(link, row, now)]
        return []

    def _reply(self, link: Link, message: Message, now: float) -> list[Command]:
        row, stan, code = self._rows[link], message.get(STAN), message.get(NETWORK_CODE)
        ask = self._asks.get(stan)
        waiting = ask.code if ask is not None else row.waiting_code
        if ask is None and (not row.waiting_stan or stan != row.waiting_stan):
            return [Unmatched(link, message, "no network request with this STAN is in flight")]
        if code not in (None, waiting):
            return [Unmatched(link, message, "field 70 differs from the network request")]
        if ask is not None:
            self._asks.end(stan or "")
            self.heard(link, now)
            return [Answered(ask.ticket, message)]
        row.waiting_stan = ""
        return self._own_answered(link, row, message.get(CODE), now)

    def _own_answered(
        self, link: Link, row: LinkRow, code: str | None, now: float
    ) -> list[Command]:
        """Sign-on, sign-off or echo was answered."""
        if row.state is LinkState.SIGNING_ON:
            if code != APPROVED:
                return [self._close(link, f"sign-on was refused with {code}")]
            return [self._ready(link, row, now)]
        if row.state is LinkState.SIGNING_OFF:
            return [self._close(link, "signed off")]
        if row.state is LinkState.READY and code != APPROVED:
            return [self._close(link, f"echo was refused with {code}")]
        self.heard(link, now)
        return []

    def _ready(self, link: Link, row: LinkRow, now: float) -> LinkReady:
        row.to(LinkState.READY)
        row.waiting_stan = ""
        self.heard(link, now)
        return LinkReady(link)

    def _steer(self, now: float) -> list[Command]:
        if self._stopping:
            return []
        moved = self._ranks.steer({self._rows[link].rank for link in self.ready()}, now)
        return [] if moved is None else [TrafficMoved(moved.old, moved.new)]

    def _next_stan(self) -> str:
        self._stan = self._stan % (STAN_LIMIT - 1) + 1
        return f"{self._stan:06d}"

    def _ask(self, link: Link, code: str, due: float) -> SendNetwork:
        row = self._rows[link]
        row.waiting_stan, row.waiting_code, row.due = self._next_stan(), code, due
        return SendNetwork(link, code, row.waiting_stan)

    def _close(self, link: Link, why: str) -> CloseLink:
        row = self._rows[link]
        row.to(LinkState.CLOSING)
        row.due, row.waiting_stan = None, ""
        return CloseLink(link, why)
