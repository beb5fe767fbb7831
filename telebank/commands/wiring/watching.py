"""What a node tells its watcher (`telebank watch`), and what that has put into the event log.

`GET /v1/watch`: figures, of which most are counted already. `POST /v1/watch/alarms`: an alarm of
config/alarms.yaml was raised or is over; an event `alarm.threshold` or `alarm.over`.
"""

import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Annotated, Any, Literal, Protocol

import msgspec
from aiohttp import web

from telebank import __version__
from telebank.agents.board import QueueRow
from telebank.calls.control.common import read_body, stop
from telebank.calls.node import VoiceNode
from telebank.ops.metrics_types import (
    Anchors,
    Fax,
    Host,
    Lines,
    Link,
    NodeTold,
    Queue,
    Trunk,
    Worker,
)
from telebank.settings import Settings
from transactions.journal import Journal, JournalEvent
from transactions.ports import HostAdapter, JournalUnavailable, LeaseLost

PATH = "/v1/watch"
ALARMS = "/v1/watch/alarms"
RAISED, OVER = "alarm.threshold", "alarm.over"


class Desks(Protocol):
    """The room of tellers, as far as figures of it are told: nothing of single calls."""

    def queue_rows(self) -> list[QueueRow]:
        """Rows of the board, of queues."""
        ...

    def seat_states(self) -> Mapping[str, int]:
        """How many seats are in each state."""
        ...


class Copies(Protocol):
    """Who has checkpoints of the audit log copied."""

    def anchors(self) -> Anchors:
        """The copies as they were last seen."""
        ...


class Faxes(Protocol):
    """What a node has for faxes."""

    @property
    def missing(self) -> str:
        """Why there are none; empty where there are."""
        ...

    def counts(self) -> dict[str, int]:
        """Channels, and how many are in use."""
        ...


class Links(Protocol):
    """Who knows the links to the host."""

    def links(self) -> list[Link]:
        """Each of them."""
        ...


class AlarmBody(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """What the watcher found."""

    name: Annotated[str, msgspec.Meta(pattern="^[a-z0-9_]{1,40}$")]
    outcome: Literal["raised", "over"]
    severity: Literal["information", "warning", "major", "critical"]
    value: float
    threshold: float
    text: Annotated[str, msgspec.Meta(max_length=200)]
    zh: Annotated[str, msgspec.Meta(max_length=200)] = ""


class WatchPart:
    """A `ControlPart`."""

    def __init__(
        self,
        settings: Settings,
        node: VoiceNode,
        host: HostAdapter,
        links: Links,
        room: Desks,
        faxes: Faxes,
        copies: Copies,
        journal: Journal,
        epoch: int,
    ) -> None:
        self._settings = settings
        self._node = node
        self._host = host
        self._links = links
        self._room = room
        self._faxes = faxes
        self._copies = copies
        self._journal = journal
        self._epoch = epoch
        self._began = time.monotonic()

    def routes(self) -> Sequence[web.AbstractRouteDef]:
        """See `ControlPart`."""
        return [web.get(PATH, self._watch), web.post(ALARMS, self._alarm)]

    async def _watch(self, _request: web.Request) -> web.Response:
        told = await self._told()
        return web.Response(body=msgspec.json.encode(told), content_type="application/json")

    async def _alarm(self, request: web.Request) -> web.Response:
        body = await read_body(request, AlarmBody)
        event = JournalEvent(
            RAISED if body.outcome == "raised" else OVER,
            outcome=body.outcome,
            detail={
                "alarm": body.name,
                "severity": body.severity,
                "value": body.value,
                "threshold": body.threshold,
                "text": body.text,
                "zh": body.zh,
            },
        )
        try:
            await self._journal.append(event)
        except (JournalUnavailable, LeaseLost) as error:
            stop(503, "store", str(error))
        return web.json_response({"written": True})

    async def _told(self) -> NodeTold:
        figures = self._node.figures()
        return NodeTold(
            node=self._settings.node.id,
            version=__version__,
            release=self._node.edition.release.hash,
            epoch=self._epoch,
            uptime_s=time.monotonic() - self._began,
            draining=figures["draining"],
            stand_in=self._settings.auth.verifier == "local",
            lines=lines_of(figures),
            trunks=[trunk_of(one) for one in figures["trunks"]],
            workers=[worker_of(one) for one in figures["workers"]],
            queues=[queue_of(row) for row in self._room.queue_rows()],
            seats=self._room.seat_states(),
            host=await self._host_told(),
            fax=self._fax(),
            anchors=self._copies.anchors(),
            faults=figures["faults"],
        )

    async def _host_told(self) -> Host:
        health = await self._host.health()
        date = health.business_date
        return Host(
            name=self._settings.node.host,
            links_up=health.links_up,
            links=health.links,
            in_flight=health.in_flight,
            business_date="" if date is None else date.isoformat(),
            each=self._links.links(),
        )

    def _fax(self) -> Fax:
        counts = self._faxes.counts()
        available = not self._faxes.missing
        return Fax(available=available, channels=counts["channels"], busy=counts["busy"])


def lines_of(figures: dict[str, Any]) -> Lines:
    """Of a node's figures."""
    return Lines(
        limit=figures["capacity"],
        menus=figures["calls"],
        faxes=figures["faxes"],
        tellers=figures["tellers"],
        setups=figures["setups"],
        setups_per_s=figures["setups_per_s"],
        refused=figures["refused"],
    )


def trunk_of(one: dict[str, Any]) -> Trunk:
    """Of a trunk as the control socket has it."""
    return Trunk(
        name=one["trunk"],
        calls_in=one["calls_in"],
        calls_out=one["calls_out"],
        peers=len(one["peers"]),
        peers_up=sum(peer["well"] for peer in one["peers"]),
    )


def worker_of(one: dict[str, Any]) -> Worker:
    """Of a media worker as the control socket has it."""
    late = one.get("tick_late_p99_ms", 0.0)
    return Worker(up=one["up"], channels=one["channels"], late_ms=late)


def queue_of(row: QueueRow) -> Queue:
    """Of a row of the board."""
    waits = row.longest_since
    longest = (datetime.now(UTC) - datetime.fromisoformat(waits)).total_seconds() if waits else 0.0
    return Queue(
        key=row.key,
        name=row.en,
        waiting=row.waiting,
        longest_s=max(0.0, longest),
        seats_ready=row.seats_ready,
        seats_in=row.seats_in,
        open=row.open,
        offered=row.offered_today,
        answered=row.answered_today,
        abandoned=row.abandoned_today,
    )
