"""What a core host's adapter tells its node: to the processor, the log and the event log."""

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass

import structlog

from core_adapters.iso8583.host_types import Alarm, LateReply
from core_adapters.iso8583.keys.change_types import KeyEvent
from core_adapters.sql import events as sql
from telebank.ops.metrics_types import Link
from telebank.store.store import Store
from transactions.journal import JournalEvent
from transactions.outcome import Outcome
from transactions.ports import JournalUnavailable, LeaseLost
from transactions.processor import Processor

log = structlog.get_logger("telebank.host")

ALARM_EVERY_S = 60.0
"""Shortest time between two alarms that a link connects and is not taken, in seconds."""
NOT_TAKEN = ("was not answered", "were not answered", "was refused")
"""In the reason of a link that was connected, and that the host does not talk to."""


@dataclass(slots=True)
class _LinkSeen:
    """What is known of a link; `since` is the loop's time."""

    since: float
    up: bool = False
    stan: str = ""
    seconds: float = 0.0
    answers: int = 0

    def told(self, name: str, now: float) -> Link:
        """For who watches the node."""
        return Link(
            name=name,
            up=self.up,
            since_s=now - self.since,
            latency_ms=self.seconds * 1000,
            answers=self.answers,
            stan=int(self.stan or 0),
        )


class HostWatch:
    """Late replies go to the processor; alarms, links and keys to log and event log."""

    processor: Processor

    def __init__(self, store: Store) -> None:
        self._store = store
        self._tasks: set[asyncio.Task[None]] = set()
        self._quiet_until: dict[str, float] = {}
        self._links: dict[str, _LinkSeen] = {}

    def late(self, reply: LateReply | sql.LateReply) -> None:
        """A reply after its request was given up."""
        log.warning("host.late_reply", request=reply.message.request_id)
        if isinstance(reply.outcome, Outcome):
            self.processor.late_answer(reply.message.request_id, reply.outcome)

    def alarm(self, alarm: Alarm | sql.Alarm) -> None:
        """Something an operator must see; its event is a warning in the log."""
        self._append(
            JournalEvent(
                "alarm",
                request=alarm.request_id or None,
                detail={"what": alarm.kind, "text": alarm.text},
            )
        )

    def link(self, link: str, up: bool, why: str) -> None:
        """A link signed on or went away."""
        log.info("host.link", link=link, up=up, why=why)
        outcome = "up" if up else "down"
        self._append(JournalEvent("host.link", outcome=outcome, detail={"link": link}))
        seen = self._seen(link)
        if seen.up != up:
            seen.up, seen.since = up, asyncio.get_running_loop().time()
        if up:
            self._quiet_until.pop(link, None)
        elif any(words in why for words in NOT_TAKEN):
            self._not_taken(link, why)

    def expect(self, links: Iterable[str]) -> None:
        """Links that there are to be, down until they are up."""
        now = asyncio.get_running_loop().time()
        self._links |= {name: _LinkSeen(now) for name in links}

    def answered(self, link: str, stan: str, seconds: float) -> None:
        """The host answered a message."""
        seen = self._seen(link)
        seen.stan, seen.seconds = stan, seconds
        seen.answers += 1

    def links(self) -> list[Link]:
        """Each link as it is now, for who watches the node."""
        now = asyncio.get_running_loop().time()
        return [seen.told(name, now) for name, seen in sorted(self._links.items())]

    def _seen(self, link: str) -> "_LinkSeen":
        return self._links.setdefault(link, _LinkSeen(asyncio.get_running_loop().time()))

    def _not_taken(self, link: str, why: str) -> None:
        """It connects, so no cable is out: one of the two has other keys, or another terminal."""
        now = asyncio.get_running_loop().time()
        if now < self._quiet_until.get(link, now):
            return
        self._quiet_until[link] = now + ALARM_EVERY_S
        self.alarm(Alarm("link", f"link {link}: {why}: keys or terminal?"))

    def key(self, event: KeyEvent) -> None:
        """A key was changed, refused or retired: name, version and check value, never material."""
        detail: dict[str, str | int | float | bool | None]
        detail = {"key": event.name, "version": event.version, "check_value": event.kcv}
        log.info("host.key", outcome=event.outcome, by=event.by, why=event.why, **detail)
        told = JournalEvent("host.key", outcome=event.outcome, detail={**detail, "by": event.by})
        self._append(told)

    def _append(self, event: JournalEvent) -> None:
        task = asyncio.get_running_loop().create_task(self._write(event), name="host watch")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _write(self, event: JournalEvent) -> None:
        try:
            await self._store.journal.append(event)
        except (JournalUnavailable, LeaseLost) as error:
            log.error("event.lost", kind=event.kind, error=str(error))
