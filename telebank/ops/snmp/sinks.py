"""Notifications to managers: from the event log by a cursor for each, so that none is lost while
the watcher, the node or the manager is away.

An inform counts as sent when its manager has answered; the cursor moves then, and is kept on disk.
So each comes at least once, in order, and after a crash maybe twice: tbEventSequence tells. What is
older than `[snmp] backlog` notifications is left out, saying so.
"""

import asyncio
import json
import threading
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import structlog
from pysnmp.carrier.asyncio.dgram import udp, udp6
from pysnmp.entity import config
from pysnmp.entity.rfc3413 import ntforg
from pysnmp.proto import rfc1902
from pysnmp.proto.error import StatusInformation
from sqlalchemy.exc import SQLAlchemyError

from telebank.ops.snmp.agent import READER, value_of
from telebank.ops.snmp.notices import Told, told_of
from telebank.ops.snmp.options import Secrets, SnmpOptions, address
from telebank.store.errors import StoreMissing
from telebank.store.eventlog import LoggedEvent

log = structlog.get_logger("telebank.snmp")

PAUSE_MOST_S = 60.0
"""Longest pause between two tries at a manager that does not answer."""
MARGIN_S = 2.0
"""What pysnmp may be late with its own time-out."""
UNREADABLE = (SQLAlchemyError, StoreMissing, OSError)
"""What reading the log may raise; it is read again."""
CONTEXT = rfc1902.OctetString(b"")
"""The default one; pysnmp does not find it by an empty text."""
OWN = 1
"""Below the domains of pysnmp: a socket of our own to send from, not the one that listens."""


@dataclass(frozen=True, slots=True)
class Log:
    """The node's event log; both may raise `UNREADABLE`, and are then asked again."""

    last: Callable[[], int]
    """Sequence of the newest event."""
    between: Callable[[int, int, int], Sequence[LoggedEvent]]
    """Events that are notifications after a sequence and up to another one: so many of the
    newest, in order."""


class Cursors:
    """The last sequence that each manager has, in a file. For one thread, the loop's."""

    def __init__(self, path: Path) -> None:
        self._path = path
        try:
            told = json.loads(path.read_text())
            self._at = {str(sink): int(last) for sink, last in told.items()}
        except (OSError, ValueError, AttributeError, TypeError):
            self._at = {}

    def of(self, sink: str) -> int | None:
        """None: this manager is new."""
        return self._at.get(sink)

    def put(self, sink: str, sequence: int) -> None:
        """Raises `OSError`."""
        if self._at.get(sink) == sequence:
            return
        self._at[sink] = sequence
        temporary = self._path.with_suffix(".new")
        temporary.write_text(json.dumps(self._at))
        temporary.replace(self._path)


class Sender:
    """Sends one notification to one manager by pysnmp."""

    def __init__(
        self, made: Any, options: SnmpOptions, secrets: Secrets, uptime: Callable[[], float]
    ) -> None:
        self._engine = made
        self._secrets = secrets
        self._options = options
        self._uptime = uptime
        self._originator = ntforg.NotificationOriginator()

    def open(self) -> None:
        """Know the managers."""
        v3 = self._options.version == "3"
        who, level, model = (
            (self._options.user, "authPriv", 3) if v3 else (READER, "noAuthNoPriv", 1)
        )
        config.add_target_parameters(self._engine, "told", who, level, model)
        kinds = {":" in address(sink)[0] for sink in self._options.sinks}
        for v6 in kinds:
            kind = udp6.Udp6AsyncioTransport if v6 else udp.UdpAsyncioTransport
            local = ("::", 0) if v6 else ("0.0.0.0", 0)  # noqa: S104 - sends, answers nothing
            transport = kind(loop=asyncio.get_running_loop()).open_client_mode(local)
            config.add_transport(self._engine, _domain(v6), transport)
        for number, sink in enumerate(self._options.sinks):
            host, port = address(sink)
            config.add_target_address(
                self._engine,
                f"sink{number}",
                _domain(":" in host),
                (host, port),
                "told",
                timeout=int(self._options.retry_s * 100),
                retryCount=0,
                tagList=f"sink{number}",
            )
            if (
                not v3
            ):  # its answers come from a tagged address (RFC 3584, snmpCommunityTransportTag)
                config.add_v1_system(
                    self._engine,
                    f"sink{number}",
                    self._secrets.community,
                    transportTag=f"sink{number}",
                    securityName=READER,
                )
            config.add_notification_target(
                self._engine, f"to{number}", "told", f"sink{number}", self._options.notify
            )

    async def send(self, number: int, told: Told) -> bool:
        """To the manager of this number; whether it has it (a trap: whether it went)."""
        ended: asyncio.Future[bool] = asyncio.get_running_loop().create_future()

        def answered(_engine: Any, _handle: Any, indication: Any, status: Any, *_: Any) -> None:
            if not ended.done():
                ended.set_result(not indication and not status)

        bindings = [
            (rfc1902.ObjectName(one.oid), value_of(one)) for one in told.bindings(self._uptime())
        ]
        try:
            handle = self._originator.send_varbinds(
                self._engine, f"to{number}", None, CONTEXT, bindings, answered
            )
        except StatusInformation as error:
            log.warning("snmp.not_sent", error=str(error.get("errorIndication", "")))
            return False
        if handle is None:
            raise AssertionError("pysnmp refuses our own notification")  # a bug of the set-up
        if self._options.notify == "trap":
            return not ended.done() or ended.result()
        try:
            return await asyncio.wait_for(ended, self._options.retry_s * 3 + MARGIN_S)
        except TimeoutError:
            return False


def _domain(v6: bool) -> tuple[int, ...]:
    return (*(udp6.DOMAIN_NAME if v6 else udp.DOMAIN_NAME), OWN)


class Beside:
    """Notifications that no log has: the node could not write them. From any thread; where more
    than `most` wait the oldest are left out."""

    def __init__(self, sink: str, most: int) -> None:
        self._sink = sink
        self._most = most
        self._waiting: deque[Told] = deque()
        self._lock = threading.Lock()

    def append(self, told: Told) -> None:
        """The newest."""
        with self._lock:
            self._waiting.append(told)
        self._bound()

    def take(self) -> Told | None:
        """The oldest; None: there is none."""
        with self._lock:
            return self._waiting.popleft() if self._waiting else None

    def put_back(self, told: Told) -> None:
        """What was taken, and not sent."""
        with self._lock:
            self._waiting.appendleft(told)
        self._bound()

    def _bound(self) -> None:
        with self._lock:
            left_out = len(self._waiting) - self._most
            for _ in range(left_out):
                self._waiting.popleft()
        if left_out > 0:
            log.warning("snmp.left_out", sink=self._sink, in_no_log=left_out)


class Sink:
    """One manager. `run` until it is cancelled."""

    def __init__(
        self,
        name: str,
        send: Callable[[Told], Awaitable[bool]],
        source: Log,
        cursors: Cursors,
        options: SnmpOptions,
    ) -> None:
        self._name = name
        self._send = send
        self._log = source
        self._cursors = cursors
        self._options = options
        self.beside = Beside(name, options.backlog)

    async def run(self, every_s: float) -> None:
        """Send what there is, wait, look again; longer after each failure in a row."""
        pause = every_s
        while True:
            well = await self.turn()
            pause = every_s if well else min(max(pause * 2, every_s), PAUSE_MOST_S)
            await asyncio.sleep(pause)

    async def turn(self) -> bool:
        """Send what there is; False where the manager, or the store, did not take part."""
        while (told := self.beside.take()) is not None:
            if not await self._send(told):
                self.beside.put_back(told)
                return False
        try:
            found, last = await asyncio.to_thread(self._new, self._cursors.of(self._name))
        except UNREADABLE as error:
            log.warning("snmp.log_not_read", sink=self._name, error=type(error).__name__)
            return False
        for event in found:
            if not await self._send(told_of(event)):
                return False
            self._passed(event.sequence)
        self._passed(last)  # what is no notification is not read again
        return True

    def _passed(self, sequence: int) -> None:
        """A cursor that cannot be kept (a full disk) still holds in this run."""
        try:
            self._cursors.put(self._name, sequence)
        except OSError as error:
            log.warning("snmp.cursor_not_kept", sink=self._name, error=error.strerror)

    def _new(self, after: int | None) -> tuple[Sequence[LoggedEvent], int]:
        """What is to be sent, and the sequence up to which the log was read."""
        last = self._log.last()
        # no cursor: new here; beyond the last: the store was put back to an earlier day
        if after is None or after >= last:
            return (), last
        found = self._log.between(after, last, self._options.backlog + 1)
        if len(found) > self._options.backlog:
            found = found[1:]
            log.warning("snmp.left_out", sink=self._name, before=found[0].sequence)
        return found, last
