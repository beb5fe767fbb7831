"""What all connections of the host share: the desk's batches, the plan of faults, the lines."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Protocol

import structlog

from core_adapters.corehost.calendar import CutOverRefused
from core_adapters.corehost.day import Day
from core_adapters.corehost.desk import Office
from core_adapters.corehost.faults import FaultPlan, Where
from core_adapters.corehost.keydesk import KeyDesk
from core_adapters.corehost.orders import Key
from core_adapters.corehost.outgoing import Outgoing
from core_adapters.iso8583.codec import Codec
from core_adapters.iso8583.format.mac import Mac
from core_adapters.iso8583.format.message import Message

MAX_HELD = 1000
"""Most messages held for their reversals; a further one is looked at as it comes."""

Clock = Callable[[], datetime]

log = structlog.get_logger("corehost.server")


def wall_clock() -> datetime:
    """The machine's."""
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class ServerOptions:
    """Limits of the server."""

    max_connections: int = 512
    """Connections at once; a further one is closed at once."""
    max_batch: int = 128
    """Most messages in one commit."""
    max_in_flight: int = 4096
    """Messages of one connection not answered yet; above it the connection is cut."""
    max_backlog: int = 1_000_000
    """Bytes that wait behind a reply sent slowly; above it the connection is cut."""
    frame_s: float = 30.0
    """Seconds in which a frame that has begun must be whole."""
    tls_s: float = 10.0
    """Seconds in which a TLS connection must have agreed on its keys."""
    network_s: float = 10.0
    """Seconds for which an answer to a network message of the host's own is waited for."""


class Line(Protocol):
    """One connection, as the rest of the host sees it."""

    signed_on: bool

    @property
    def port(self) -> int:
        """The port that it came in at."""
        ...

    def ended(self) -> None:
        """An exchange is over, with or without a reply."""
        ...

    def send(self, data: bytes) -> None:
        """Write, where the connection is still there."""
        ...

    def drip(self, data: bytes, pause_s: float) -> None:
        """Write byte by byte; what is sent meanwhile waits behind it."""
        ...

    def finish(self, data: bytes) -> None:
        """Write these bytes and close behind them."""
        ...

    def cut(self) -> None:
        """Reset the connection at once."""
        ...


class Teller:
    """Collects messages and has them answered together, a commit for each batch."""

    def __init__(self, office: Office, most: int, after: Callable[[], None], clock: Clock) -> None:
        self._office = office
        self._most = most
        self._after = after
        self._clock = clock
        self._waiting: deque[tuple[Message, Callable[[Message], None]]] = deque()
        self._loop = asyncio.get_running_loop()

    def submit(self, message: Message, done: Callable[[Message], None]) -> None:
        """`done` gets the reply once it is durable."""
        self._waiting.append((message, done))
        if len(self._waiting) == 1:
            # After the sockets that are readable in this turn of the loop.
            self._loop.call_soon(self._serve)

    def _serve(self) -> None:
        size = min(len(self._waiting), self._most)
        batch = [self._waiting.popleft() for _ in range(size)]
        try:
            replies = self._office.answer([message for message, _ in batch], self._clock())
            for (_, done), reply in zip(batch, replies, strict=True):
                done(reply)
            self._after()
        finally:
            # Nothing else has the others served: `submit` counts on this while some wait.
            if self._waiting:
                self._loop.call_soon(self._serve)


@dataclass(slots=True)
class Hall:
    """The rooms that a message goes through."""

    codec: Codec
    mac: Mac
    office: Office
    faults: FaultPlan
    options: ServerOptions
    day: Day | None = None
    """The business date; None where there is no ledger, and so no cut-over."""
    keys: KeyDesk | None = None
    """Key exchange; None where this host has none."""
    clock: Clock = wall_clock
    """The bank's wall clock, UTC."""
    lines: set[Line] = field(default_factory=set)
    held: dict[Key, Callable[[], None]] = field(default_factory=dict)
    """What goes on with each message that waits for its reversal."""
    teller: Teller = field(init=False)
    outgoing: Outgoing = field(init=False)
    _tasks: set[asyncio.Task[None]] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.teller = Teller(self.office, self.options.max_batch, self.look_at_date, self.clock)
        self.outgoing = Outgoing(self.codec, self.mac)
        if self.keys is not None:
            self.keys.changed = lambda: self.spawn(self.retire_keys())

    def where(self, line: Line) -> Where:
        """What the plan of faults may look at beside the message."""
        since = self.day.since_s() if self.day is not None else Where().since_cut_over_s
        return Where(line.port, since)

    def hold(self, key: Key, on: Callable[[], None]) -> bool:
        """Keep a message until its reversal has been answered; False where too many are kept."""
        if len(self.held) >= MAX_HELD or key in self.held:
            return False
        self.held[key] = on
        return True

    def release(self, key: Key) -> None:
        """The reversal of this message has been answered."""
        on = self.held.pop(key, None)
        if on is not None:
            on()

    def look_at_date(self) -> None:
        """Tell the lines where the business date has moved on."""
        moved = self.day.moved() if self.day is not None else None
        if moved is not None:
            self.tell_date(moved)

    def cut_over(self) -> None:
        """Begin the next business date, as a fault plan asks."""
        if self.day is not None and not isinstance(self.day.cut_over(self.clock()), CutOverRefused):
            self.look_at_date()

    def tell_date(self, day: date) -> None:
        """0800/201 to every line that is signed on."""
        log.info("cut_over", business_date=day.isoformat())
        for line in [one for one in self.lines if one.signed_on]:
            self.spawn(self._tell(line, day))

    async def _tell(self, line: Line, day: date) -> None:
        ask = self.outgoing.ask
        code = self.codec.profile.network.cut_over
        reply = await ask(line, code, {15: f"{day:%m%d}"}, self.options.network_s)
        if reply is None or reply.get(39) != "00":
            log.warning("cut_over_not_answered", code=reply.get(39) if reply else None)

    def sign_off(self, line: Line) -> None:
        """0800/002: this line is used no more until it signs on again."""
        line.signed_on = False
        self.spawn(self._sign_off(line))

    async def _sign_off(self, line: Line) -> None:
        code = self.codec.profile.network.sign_off
        await self.outgoing.ask(line, code, {}, self.options.network_s)

    async def retire_keys(self) -> None:
        """When the overlap is over, destroy the keys before the current ones."""
        if self.keys is not None:
            await asyncio.sleep(self.keys.overlap_s)
            self.keys.retire(self.clock())

    def spawn(self, work: Awaitable[None]) -> None:
        """Let something of the host's own go on beside the messages."""
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._over)

    def _over(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        error = None if task.cancelled() else task.exception()
        if error is not None:
            log.error("work_failed", error=repr(error))

    async def close(self) -> None:
        """End what goes on."""
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
