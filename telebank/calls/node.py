"""The voice node: takes calls from one SIP endpoint and gives each its menus and media."""

import asyncio
import secrets
from collections import Counter
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass
from typing import Any

import structlog

from telebank import sip, wire
from telebank.calls.aside import Aside
from telebank.calls.call import Call
from telebank.calls.edition import Edition
from telebank.calls.endpoint import Endpoint, Fact
from telebank.calls.notices import Notices
from telebank.calls.options import CallOptions
from telebank.calls.recorder import Recorder
from telebank.calls.services import CallServices, RequestProcessor, SipActs
from telebank.flow.options import FlowOptions
from telebank.flow.session import Session
from telebank.media.client import MediaWorkers
from transactions.card import CardVault
from transactions.journal import Journal, JournalEvent

log = structlog.get_logger("telebank.calls")


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


class VoiceNode:
    """Owns the calls. `start` binds SIP; `drain` refuses new calls; `close` ends the rest."""

    def __init__(self, parts: NodeParts) -> None:
        self._parts = parts
        self._edition = parts.edition
        self._calls: dict[str, Call] = {}
        self._numbers = 0
        self._background: set[asyncio.Task[None]] = set()
        self.lost = asyncio.Event()
        """Set when another process holds this node's lease: the node must not go on."""
        self._recorder: Recorder
        self._endpoint: Endpoint
        self._shell: CallServices
        self.totals: Counter[str] = Counter()

    async def start(self) -> None:
        """Bind the SIP port and take calls; raises `OSError` when it is taken."""
        parts = self._parts
        notices = parts.notices
        host, _, port = parts.calls.listen.rpartition(":")
        self._endpoint = Endpoint.bind(
            (host, int(port)),
            lambda local: sip.UserAgent(local, parts.sip, lambda: secrets.token_hex(8)),
            self._fact,
            parts.calls.advertise,
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
            advertised=self._endpoint.advertised[0],
            media_address=host,
            forget=self._forget,
            told=self._told,
            used=self._used,
            media_stats=self._media_stats,
            notice=lambda language: None if notices is None else notices.clip(language),
            call_ended=lambda call: None if notices is None else notices.call_ended(call),
        )
        if notices is not None:
            notices.line = self.line
        self._recorder.append(
            JournalEvent(
                "node.started", detail={"listen": parts.calls.listen, "epoch": parts.epoch}
            )
        )
        await self._endpoint.start()

    @property
    def address(self) -> tuple[str, int]:
        """Where SIP is received."""
        return self._endpoint.bound

    def drain(self) -> None:
        """New calls get 503 with Retry-After, live ones finish."""
        self._endpoint.perform(self._endpoint.agent.drain(self._endpoint.now()))

    async def drain_until(self, now: asyncio.Event, patience: float) -> None:
        """Refuse new calls; wait for live ones, at most `patience` seconds or until `now`."""
        self.drain()
        deadline = self._endpoint.now() + patience
        while self._calls and not now.is_set() and self._endpoint.now() < deadline:
            await asyncio.sleep(0.05)

    async def close(self) -> None:
        """Hang up what is left and write what waits."""
        self.drain()
        for call in list(self._calls.values()):
            call.hang_up("node stops")
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
            "background": len(self._background),
            "media_channels": self._parts.media.channels,
            "tasks": len(asyncio.all_tasks()),
            **{f"sip_{name}": count for name, count in self._endpoint.agent.counts().items()},
            **{f"total_{name}": count for name, count in self.totals.items()},
        }

    # -- facts --------------------------------------------------------------------------------

    def _fact(self, fact: Fact) -> None:
        match fact:
            case sip.CallOffered():
                self._offered(fact)
            case (
                sip.CallConfirmed()
                | sip.OfferReceived()
                | sip.OfferAnswered()
                | sip.KeyInfoReceived()
                | sip.CallEnded()
            ):
                call = self._calls.get(fact.leg)
                if call is not None:
                    call.sip(fact)
            case sip.Trouble():
                self.totals["trouble"] += 1
                log.info("sip.trouble", trouble=fact.kind, detail=fact.detail, source=fact.source)
            case _:
                pass

    def _offered(self, fact: sip.CallOffered) -> None:
        if self._recorder.full:
            self._shell.act.refuse(fact.leg, 503)
            return
        if len(self._calls) >= self._parts.calls.lines:
            self.totals["busy"] += 1
            self._shell.act.refuse(fact.leg, 486)
            return
        self._numbers += 1
        self.totals["calls"] += 1
        parts = self._parts
        ref = f"{parts.node_id}-{parts.epoch}-{self._numbers}"
        session = Session(self._edition.release, ref, parts.flow)
        call = Call(ref, fact, session, self._edition, self._shell)
        self._calls[fact.leg] = call
        call.begin()

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

    def _media_stats(self, call: str, stats: wire.Stats) -> None:
        log.debug("media.stats", call=call, sent=stats.packets_sent, lost=stats.lost)
