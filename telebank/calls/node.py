"""The voice node: takes calls from one SIP endpoint and gives each its menus and media."""

import asyncio
import secrets
from collections import Counter
from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import structlog

from telebank import sip, wire
from telebank.calls.aside import Aside
from telebank.calls.board import Setups, refusals, workers_of
from telebank.calls.call import NODE_STOPS, Call
from telebank.calls.certificate import MediaIdentities
from telebank.calls.connection_options import ConnectionOptions, TlsFiles
from telebank.calls.edition import Edition
from telebank.calls.endpoint import ANY, Endpoint, Fact, Listening
from telebank.calls.masking import mask_caller
from telebank.calls.notices import Notices
from telebank.calls.options import CallOptions
from telebank.calls.phones import Registered, phone_counts, phone_event
from telebank.calls.recorder import Recorder
from telebank.calls.security import MediaSecurity
from telebank.calls.services import (
    CallServices,
    Faxes,
    MediaPlace,
    PlacedCall,
    RequestProcessor,
    SipActs,
    Tellers,
)
from telebank.flow.options import FlowOptions
from telebank.flow.session import Session
from telebank.media.client import MediaWorkers
from telebank.sip.admission import AdmissionOptions
from telebank.sip.digest import Account
from telebank.sip.registering import PhoneOptions, PhoneWay
from telebank.sip.trunks import Trunks
from transactions.card import CardVault
from transactions.journal import Journal, JournalEvent

log = structlog.get_logger("telebank.calls")

_NO_LEG = (
    *(sip.SendDatagram, sip.CloseConnection, sip.PeerChanged, sip.Trouble),
    *(sip.PhoneRegistered, sip.PhoneGone, sip.PhoneRefused),
)
"""What is about no leg."""


@dataclass(frozen=True, slots=True)
class NodeParts:
    """Everything a node is wired from; made in `telebank.commands.serve` and by tests."""

    node_id: str
    epoch: int
    calls: CallOptions
    sip: sip.SipOptions
    flow: FlowOptions
    edition: Edition
    """Of the release that the first calls get."""
    processor: RequestProcessor
    journal: Journal
    vault: CardVault
    media: MediaWorkers
    used: Callable[[str, Sequence[str]], Coroutine[Any, Any, None]] | None = None
    """Counts what a customer, by token, used in a call; None: nobody counts."""
    notices: Notices | None = None
    """What new callers hear before the first menu; None: nothing, and none is recorded."""
    faxes: Faxes | None = None
    """Faxes for callers, and calls to fax numbers; None: there are none here."""
    trunks: Trunks = field(default_factory=Trunks)
    """Whom calls come from and go to."""
    admission: AdmissionOptions = field(default_factory=AdmissionOptions)
    may_follow: Callable[[str, str, str], bool] = lambda _trunk, _called, _target: False
    """Whether a call over a trunk may go on to where a 3xx leads: trunk, URI called, target."""
    connections: ConnectionOptions = field(default_factory=ConnectionOptions)
    tls: TlsFiles | None = None
    """Files of TLS; None: no TLS."""
    registrar: PhoneOptions = field(default_factory=PhoneOptions)
    """Of desk phones; without a realm there is none."""
    tellers: Tellers | None = None
    """Tellers for callers; None: nobody is on duty."""


class VoiceNode:
    """Owns the calls. `start` binds SIP; `drain` refuses new calls; `close` ends the rest."""

    def __init__(self, parts: NodeParts) -> None:
        self._parts = parts
        self._edition = parts.edition
        self._calls: dict[str, Call] = {}
        self._claims: dict[str, Callable[[Fact], None]] = {}
        """Who takes the facts of a leg that is no caller's call."""
        self._numbers = 0
        self._background: set[asyncio.Task[None]] = set()
        self.lost = asyncio.Event()
        """Set when another process holds this node's lease: the node must not go on."""
        self._recorder: Recorder
        self._endpoint: Endpoint
        self._shell: CallServices
        self.totals: Counter[str] = Counter()
        self._setups: Setups
        self._draining = False

    async def start(self) -> None:
        """Bind the SIP port and take calls; raises `OSError` when it is taken."""
        parts = self._parts
        notices = parts.notices
        calls = parts.calls
        self._endpoint = Endpoint.bind(
            Listening(calls.places, calls.advertised, parts.connections, parts.tls),
            lambda local: sip.UserAgent(
                *(local, parts.sip, lambda: secrets.token_hex(8), parts.trunks, parts.admission),
                phones=parts.registrar,
            ),
            self._fact,
        )
        self._recorder = Recorder(parts.journal, parts.calls.max_events_waiting, self.lost.set)
        self._shell = CallServices(
            node_id=parts.node_id,
            options=parts.calls,
            endpoint=self._endpoint,
            act=SipActs(self._endpoint),
            media=parts.media,
            processor=parts.processor,
            vault=parts.vault,
            recorder=self._recorder,
            media_places=self._media_places(),
            forget=self._forget,
            told=self._told,
            used=self._used,
            media_stats=self._media_stats,
            notice=lambda language: None if notices is None else notices.clip(language),
            call_ended=lambda call: None if notices is None else notices.call_ended(call),
            claim=self.claim,
            release=self.release,
            security=self._security(),
            placed=self._placed,
            faxes=parts.faxes,
            trunks=parts.trunks,
            tellers=parts.tellers,
        )
        if parts.tellers is not None:
            parts.tellers.attach(self._shell, self)
        if parts.faxes is not None:
            parts.faxes.attach(self._shell)
        if notices is not None:
            notices.line = self.line
        self._recorder.append(
            JournalEvent(
                "node.started",
                detail={"listen": " ".join(map(str, self.addresses)), "epoch": parts.epoch},
            )
        )
        self._setups = Setups(self._endpoint.now())
        agent = self._endpoint.agent
        agent.restrict(parts.may_follow)
        self._know_peers()
        await self._endpoint.start()
        self._endpoint.perform(agent.watch(self._endpoint.now()))

    def _security(self) -> MediaSecurity:
        """With certificates of this life, which every media worker gets."""
        parts = self._parts
        own = MediaIdentities(lambda one: parts.media.identify(one.certificate, one.key))
        return MediaSecurity(
            parts.trunks,
            parts.registrar,
            parts.admission.strangers_media,
            lambda: own.fingerprint(datetime.now(UTC)),
        )

    def _know_peers(self) -> None:
        """What the trunks' settings say of the connections to their peers: the name that their
        certificate must have, and who takes large requests by TCP."""
        names, streams = self._endpoint.connections.server_names, set[sip.Hop]()
        for trunk in self._parts.trunks.by_name.values():
            for peer in trunk.peers:
                if peer.transport == "tls" and trunk.options.certificates:
                    names[peer] = trunk.options.certificates[0]
                elif peer.transport == "tcp":
                    streams.add(peer)
        self._endpoint.agent.takes_large(lambda hop: hop._replace(transport="tcp") in streams)

    def _media_places(self) -> dict[int, MediaPlace]:
        """Media is where SIP is, by IP version."""
        endpoint, found = self._endpoint, dict[int, MediaPlace]()
        said = self._parts.calls.advertised
        for bound in endpoint.bound_places:
            told = endpoint.places.of(bound).host
            by_route = bound.host in ANY and bound.family not in said
            found.setdefault(bound.family, MediaPlace(bound.host, told, by_route))
        return found

    @property
    def address(self) -> tuple[str, int]:
        """Where SIP is received: the first place of it."""
        return self._endpoint.bound

    @property
    def addresses(self) -> tuple[sip.Hop, ...]:
        """Every place where SIP is received."""
        return self._endpoint.bound_places

    def drain(self) -> None:
        """New calls get 503 with Retry-After, live ones finish."""
        self._draining = True
        if self._parts.faxes is not None:
            self._parts.faxes.drain()
        if self._parts.tellers is not None:
            self._parts.tellers.drain()
        self._endpoint.perform(self._endpoint.agent.drain(self._endpoint.now()))

    async def drain_until(self, now: asyncio.Event, patience: float) -> None:
        """Refuse new calls; wait for live ones, at most `patience` seconds or until `now`. What it
        waits for is logged, each time that there is less of it."""
        self.drain()
        deadline = self._endpoint.now() + patience
        waits, tellers = dict[str, int](), self._parts.tellers
        while self._endpoint.now() < deadline and not now.is_set():
            before, waits = waits, self.waits_for()
            if not any(waits.values()) and not self._claims:
                break
            if waits != before:
                log.info("node.waits_for", **waits)
            await asyncio.sleep(0.05)
        kept = 0 if tellers is None else tellers.kept
        log.info("node.drained", places_kept=kept, **self.waits_for())

    def waits_for(self) -> dict[str, int]:
        """What must end before a node that drains stops: callers, calls to numbers (call-backs, and
        those of tellers), faxes."""
        tellers = self._parts.tellers
        return {
            "callers": len(self._calls),
            "calls_out": 0 if tellers is None else tellers.calls_out,
            "faxes": self._faxing,
        }

    async def close(self) -> None:
        """Hang up what is left and write what waits."""
        self.drain()
        if self._parts.tellers is not None:
            await self._parts.tellers.close()
        for call in list(self._calls.values()):
            call.hang_up(NODE_STOPS)
        for leg in list(self._claims):
            self._shell.act.hang_up(leg, NODE_STOPS)
        for _ in range(20):
            if not self._endpoint.agent.counts()["legs"]:
                break
            await asyncio.sleep(0.05)
        if self._background:
            await asyncio.wait(self._background, timeout=5)
        self._recorder.append(JournalEvent("node.stopped"))
        await self._recorder.close()
        await self._endpoint.close()

    def lines(self) -> list[dict[str, str | float]]:
        """Live calls for the control socket."""
        now = self._endpoint.now()
        return [call.line(now) for call in self._calls.values()]

    def board(self) -> dict[str, Any]:
        """All that `telebank lines` shows, as it is at one time."""
        return {**self.figures(), "lines": self.lines()}

    def figures(self) -> dict[str, Any]:
        """The same without each line: little work, however many there are."""
        agent, phones = self._endpoint.agent, phone_counts(self._endpoint.agent.phones)
        return {
            "node": self._parts.node_id,
            "draining": self._draining,
            "waits_for": self.waits_for() if self._draining else {},
            "capacity": self._parts.calls.lines,
            "calls": len(self._calls),
            "faxes": self._faxing,
            "tellers": len(self._claims) - self._faxing,
            "setups_per_s": self._setups.per_second(self._endpoint.now()),
            "setups": self.totals["calls"] + self.totals["fax_calls"],
            "refused": refusals(self.totals, agent.admitted(), agent.refused()),
            "faults": self._endpoint.agent.faults,
            "trunks": self.trunks(),
            "phones": {name: phones.get(f"phones_{name}", 0) for name in ("phones", "registered")},
            "workers": workers_of(self._parts.media),
        }

    @property
    def _faxing(self) -> int:
        """Calls of faxes; those to tellers are no lines."""
        tellers = self._parts.tellers
        return len(self._claims) - (0 if tellers is None else tellers.legs)

    def trunks(self) -> list[dict[str, object]]:
        """Each trunk for the control socket: live calls both ways, its peers and which are well."""
        return self._endpoint.agent.trunks()

    def use_phones(self, accounts: Mapping[str, Account]) -> None:
        """Let these desk phones register, and no others."""
        self._endpoint.perform(self._endpoint.agent.use_phones(accounts))

    def registrations(self) -> list[Registered]:
        """Every contact of every desk phone at this node."""
        phones, now = self._endpoint.agent.phones, self._endpoint.now()
        there = phones.registrar.all(now) if phones is not None else []
        return [Registered(each, each.expires_at - now) for each in there]

    def phone_ways(self, extension: str) -> list[PhoneWay]:
        """How a desk phone can be called, the best first; empty: it is not registered here."""
        phones = self._endpoint.agent.phones
        return [] if phones is None else phones.ways(extension, self._endpoint.now())

    def line(self, ref: str) -> Aside | None:
        """Beside the menus of a live call, by its reference."""
        found = (call.aside for call in self._calls.values() if call.ref == ref)
        return next(found, None)

    @property
    def edition(self) -> Edition:
        """What the next call gets."""
        return self._edition

    def use(self, edition: Edition) -> None:
        """The next calls get this; live ones keep what they began with."""
        self._edition = edition

    def releases(self) -> Counter[str]:
        """Live calls by the release that they began with."""
        return Counter(call.release for call in self._calls.values())

    def counts(self) -> dict[str, int]:
        """What is open: calls, media, SIP state, tasks (leak checks); then totals since start.

        `tasks` are all of the event loop's: a steady few belong to the node itself.
        """
        return {
            "calls": len(self._calls),
            "claimed": len(self._claims),
            "background": len(self._background),
            "connections": len(self._endpoint.connections),
            "media_channels": self._parts.media.channels,
            "tasks": len(asyncio.all_tasks()),
            **{f"sip_{name}": count for name, count in self._endpoint.agent.counts().items()},
            **{f"total_{name}": count for name, count in self.totals.items()},
            "total_sip_faults": self._endpoint.agent.faults,
            **phone_counts(self._endpoint.agent.phones),
            **{f"total_sip_{what}": many for what, many in self._endpoint.agent.admitted().items()},
            **{f"total_sip_{what}": many for what, many in self._endpoint.agent.refused().items()},
        }

    # -- facts --------------------------------------------------------------------------------

    def claim(self, leg: str, handler: Callable[[Fact], None]) -> None:
        """From now on the facts of this leg go to `handler`, until it has ended or is released."""
        self._claims[leg] = handler

    def release(self, leg: str) -> None:
        """Nobody takes the facts of this leg any more."""
        self._claims.pop(leg, None)

    def _fact(self, fact: Fact) -> None:
        if isinstance(fact, sip.CallRedirected):
            self._redirected(fact)
            return
        handler = None if isinstance(fact, _NO_LEG) else self._claims.get(fact.leg)
        if handler is None:
            self._callers_fact(fact)
            return
        if isinstance(fact, sip.CallEnded | sip.CallRefused):
            self.release(fact.leg)
        handler(fact)

    def _callers_fact(self, fact: Fact) -> None:
        match fact:
            case sip.CallOffered():
                self._offered(fact)
            case (
                sip.CallConfirmed()
                | sip.OfferReceived()
                | sip.OfferAnswered()
                | sip.OfferRefused()
                | sip.SessionMoved()
                | sip.KeyInfoReceived()
                | sip.CallEnded()
            ):
                call = self._calls.get(fact.leg)
                if call is not None:
                    call.sip(fact)
            case sip.PeerChanged():
                self._peer_changed(fact)
            case sip.PhoneRegistered() | sip.PhoneGone() | sip.PhoneRefused():
                self._recorder.append(phone_event(fact))
            case sip.TransferAsked():  # no caller's call is passed on by a trunk
                agent = self._endpoint.agent
                self._endpoint.perform(agent.transferred(fact.leg, 603, self._endpoint.now()))
            case sip.Trouble():
                self.totals["trouble"] += 1
                log.info("sip.trouble", trouble=fact.kind, detail=fact.detail, source=fact.source)
            case _:
                pass

    def _redirected(self, fact: sip.CallRedirected) -> None:
        number = mask_caller(fact.target)
        self._recorder.append(
            JournalEvent("trunk.redirected", detail={"trunk": fact.trunk, "number": number})
        )

    def _peer_changed(self, fact: sip.PeerChanged) -> None:
        kind = "trunk.up" if fact.well else "trunk.down"
        peer = str(fact.peer)
        self._recorder.append(
            JournalEvent(kind, detail={"trunk": fact.trunk, "peer": peer, "left": fact.left})
        )
        log.warning(kind, trunk=fact.trunk, peer=peer, left=fact.left)

    def _offered(self, fact: sip.CallOffered) -> None:
        self._setups.came(self._endpoint.now())
        if self._recorder.full:
            self._shell.act.refuse(fact.leg, 503)
            return
        if len(self._calls) + self._faxing >= self._parts.calls.lines:
            self.totals["busy"] += 1
            self._shell.act.refuse(fact.leg, 486)
            return
        if self._shell.faxes is not None and self._shell.faxes.takes(fact):
            self.totals["fax_calls"] += 1
            return
        self.totals["calls"] += 1
        ref, session, edition = self._placed()
        call = Call(ref, fact, session, edition, self._shell)
        self._calls[fact.leg] = call
        call.begin()

    def _placed(self) -> PlacedCall:
        """A call's reference and its own session of the menus that are in force."""
        self._numbers += 1
        parts = self._parts
        ref = f"{parts.node_id}-{parts.epoch}-{self._numbers}"
        return PlacedCall(ref, Session(self._edition.release, ref, parts.flow), self._edition)

    def _forget(self, leg: str) -> None:
        self._calls.pop(leg, None)

    def _told(self, request_id: str, exit_name: str) -> None:
        self._later(self._parts.processor.told(request_id, exit_name), f"told {request_id}")

    def _used(self, customer: str, what: Sequence[str]) -> None:
        if self._parts.used is not None:
            self._later(self._parts.used(customer, what), "used")

    def _later(self, work: Coroutine[Any, Any, None], name: str) -> None:
        """Something that no call waits for."""
        task = asyncio.get_running_loop().create_task(work, name=name)
        self._background.add(task)
        task.add_done_callback(self._later_done)

    def _later_done(self, task: asyncio.Task[None]) -> None:
        self._background.discard(task)
        error = None if task.cancelled() else task.exception()
        if error is not None:
            log.error("background.failed", work=task.get_name(), error=type(error).__name__)

    def _media_stats(self, call: str, stats: wire.Stats, foreign: int) -> None:
        if foreign:
            self.totals["media_foreign"] += foreign
        log.debug("media.stats", call=call, sent=stats.packets_sent, lost=stats.lost)
