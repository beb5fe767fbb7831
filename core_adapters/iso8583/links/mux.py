"""One host's multiplexer: many requests over several links, each with exactly one end.

Pure: no socket, no clock. A reply may come on any link. The life of a ticket:

    SubmitRequested -> Admit -> (row durable) RowCommitted -> SendFrame
        -> Answered | TimedOut | LinkLost | Unmatched with the ticket     (its one end)
        -> LateAnswer                                                     (after an unknown end)
"""

import heapq
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, replace

from core_adapters.iso8583.format.message import is_reply
from core_adapters.iso8583.links.link_state import LinkState
from core_adapters.iso8583.links.matching import (
    Expected,
    Key,
    disagreement,
    expected_of,
    key_of,
    rule_of,
    why_unmatched,
)
from core_adapters.iso8583.links.mux_types import (
    Admit,
    Answered,
    Command,
    Event,
    FrameReceived,
    LateAnswer,
    Link,
    LinkDown,
    LinkLost,
    LinkUp,
    NetworkRequested,
    RefusalReason,
    Refuse,
    RowCommitted,
    SendFrame,
    SignOffRequested,
    SubmitRequested,
    Ticket,
    TimedOut,
    Unmatched,
    Withdrawn,
)
from core_adapters.iso8583.links.ranks import Rank
from core_adapters.iso8583.links.table import LinkTable
from core_adapters.iso8583.options import MuxOptions
from core_adapters.iso8583.profile import Profile

NETWORK_CLASS = "08"


@dataclass(slots=True)
class _Pending:
    expected: Expected
    timeout_s: float
    link: Link | None
    sent: bool = False


@dataclass(frozen=True, slots=True)
class _Recent:
    ticket: Ticket
    expected: Expected
    until: float


class Mux:
    """See the module's text. `links` are the names of the host's links, with their ranks."""

    def __init__(self, profile: Profile, options: MuxOptions, links: Mapping[Link, Rank]) -> None:
        self._profile = profile
        self._options = options
        self._links = LinkTable(profile.network, options, links)
        self._pending: dict[Ticket, _Pending] = {}
        self._by_key: dict[Key, Ticket] = {}
        self._given_up: OrderedDict[Key, _Recent] = OrderedDict()
        self._taken: OrderedDict[Key, _Recent] = OrderedDict()
        self._timers: list[tuple[float, Ticket]] = []
        self._stopping = False

    @property
    def in_flight(self) -> int:
        """Tickets that have a place."""
        return len(self._pending)

    @property
    def links_ready(self) -> int:
        """Links that have signed on."""
        return len(self._links.ready())

    @property
    def serving(self) -> Rank:
        """Rank of the address that traffic goes to."""
        return self._links.serving

    @property
    def wake_at(self) -> float | None:
        """When `wake` has something to do, or None."""
        while self._timers and self._timers[0][1] not in self._pending:
            heapq.heappop(self._timers)
        times = [self._timers[0][0]] if self._timers else []
        link_time = self._links.wake_at
        if link_time is not None:
            times.append(link_time)
        return min(times, default=None)

    def receive(  # noqa: PLR0911 - one return an event
        self, event: Event, now: float
    ) -> list[Command]:
        """Take one event at `now` (monotonic seconds); returns what to do, in order."""
        match event:
            case SubmitRequested():
                return self._submit(event)
            case RowCommitted(ticket=ticket):
                return self._commit(ticket, now)
            case FrameReceived():
                return self._frame(event, now)
            case Withdrawn(ticket=ticket):
                self._end(ticket, now, answered=False)
                return []
            case LinkUp(link=link):
                return self._links.up(link, now)
            case LinkDown(link=link):
                return self._link_down(link, now)
            case NetworkRequested():
                return [self._links.ask(event, now)]
            case SignOffRequested():
                self._stopping = True
                return self._links.sign_off(now)

    def wake(self, now: float) -> list[Command]:
        """Do what is due: time-outs, echoes, links whose sign-on was not answered."""
        commands: list[Command] = []
        while self._timers and self._timers[0][0] <= now:
            _, ticket = heapq.heappop(self._timers)
            if ticket in self._pending:
                self._end(ticket, now, answered=False)
                commands.append(TimedOut(ticket))
        commands.extend(self._links.wake(now))
        return commands

    def _submit(self, event: SubmitRequested) -> list[Command]:
        expected = expected_of(self._profile, event.message)
        link = self._links.choose()
        reason = self._refusal(event, expected, link)
        if reason is not None or link is None:
            return [Refuse(event.ticket, reason or "no_link")]
        self._pending[event.ticket] = _Pending(expected, event.timeout_s, link)
        self._by_key[expected.key] = event.ticket
        self._links.load(link, 1)
        return [Admit(event.ticket, link)]

    def _refusal(
        self, event: SubmitRequested, expected: Expected, link: Link | None
    ) -> RefusalReason | None:
        if self._stopping:
            return "stopping"
        if link is None:
            return "no_link"
        room = self._options.in_flight_max
        if event.urgent:
            room += self._options.in_flight_urgent
        if len(self._pending) >= room:
            return "busy"
        return "duplicate_key" if expected.key in self._by_key else None

    def _commit(self, ticket: Ticket, now: float) -> list[Command]:
        pending = self._pending.get(ticket)
        if pending is None or pending.sent:
            return []
        if pending.link is not None and self._links.state(pending.link) is not LinkState.READY:
            self._links.load(pending.link, -1)
            pending.link = None
        if pending.link is None:
            # Its link went, or was signed off, while the row was written; another may take it.
            pending.link = self._links.choose()
            if pending.link is None:
                self._end(ticket, now, answered=False)
                return [LinkLost(ticket)]
            self._links.load(pending.link, 1)
        # A repeat waits under the key of the message it repeats: a late answer is its answer.
        self._given_up.pop(pending.expected.key, None)
        self._taken.pop(pending.expected.key, None)
        pending.sent = True
        heapq.heappush(self._timers, (now + pending.timeout_s, ticket))
        return [SendFrame(pending.link, ticket)]

    def _end(self, ticket: Ticket, now: float, *, answered: bool) -> None:
        pending = self._pending.pop(ticket, None)
        if pending is None:
            return
        key = pending.expected.key
        del self._by_key[key]
        if pending.link is not None:
            self._links.load(pending.link, -1)
        if pending.sent:
            recent = _Recent(ticket, pending.expected, now + self._options.recent_s)
            (self._taken if answered else self._given_up)[key] = recent
            self._forget(now)

    def _forget(self, now: float) -> None:
        """Those answered are many and only name duplicates; those given up may be money."""
        _shorten(self._taken, self._options.recent_max, now)
        _shorten(self._given_up, self._options.given_up_max, now)

    def _link_down(self, link: Link, now: float) -> list[Command]:
        moved = self._links.down(link, now)
        lost: list[Command] = []
        for ticket, pending in list(self._pending.items()):
            if pending.link != link:
                continue
            if pending.sent:
                self._end(ticket, now, answered=False)
                lost.append(LinkLost(ticket))
            else:
                self._links.load(link, -1)
                pending.link = None
        return [*lost, *moved]

    def _frame(self, event: FrameReceived, now: float) -> list[Command]:
        link, message = event.link, event.message
        if message.mti.startswith(NETWORK_CLASS):
            if not event.mac_ok:
                return [Unmatched(link, message, "bad MAC on network management")]
            return self._links.network(link, message, now)
        if event.mac_ok:
            self._links.heard(link, now)
        if not is_reply(message.mti):
            return [Unmatched(link, message, "a request that this gateway does not serve")]
        rule = rule_of(self._profile, message)
        key = key_of(rule, message)
        ticket = self._by_key.get(key)
        if ticket is None or not self._pending[ticket].sent:
            return [self._too_late(event, key, now)]
        why = self._distrust(event, self._pending[ticket].expected)
        self._end(ticket, now, answered=not why)
        return [Unmatched(link, message, why, ticket) if why else Answered(ticket, message)]

    def _distrust(self, event: FrameReceived, expected: Expected) -> str:
        if not event.mac_ok:
            return "bad MAC"
        return disagreement(expected, event.message)

    def _too_late(self, event: FrameReceived, key: Key, now: float) -> Command:
        self._forget(now)
        message = event.message
        taken = self._taken.get(key)
        recent = taken or self._given_up.get(key)
        if recent is None:
            waiting = (pending.expected for pending in self._pending.values())
            why = why_unmatched(rule_of(self._profile, message), message, waiting)
            return Unmatched(event.link, message, why)
        why = self._distrust(event, recent.expected)
        if why:
            return Unmatched(event.link, message, f"late, and {why}")
        if taken is not None:
            return Unmatched(event.link, message, "a duplicate of a reply already taken")
        del self._given_up[key]
        self._taken[key] = replace(recent, until=now + self._options.recent_s)
        return LateAnswer(recent.ticket, message)


def _shorten(recent: OrderedDict[Key, _Recent], most: int, now: float) -> None:
    """Forget the oldest beyond `most`, and whose time is over."""
    while recent:
        oldest = next(iter(recent.values()))
        if len(recent) <= most and oldest.until > now:
            return
        recent.popitem(last=False)
