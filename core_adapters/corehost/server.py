"""The ISO 8583 server: many connections, one desk, answers in the order they are ready.

Messages that arrive while a commit is on its way are answered together in the next one, so one
disk write carries many postings. Everything runs in one thread: there is one writer.
"""

import asyncio
import os
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import cast

import structlog

from core_adapters.corehost.desk import Office, reply_to
from core_adapters.corehost.faults import Act, Fault, FaultPlan
from core_adapters.corehost.orders import Answer, Order
from core_adapters.iso8583.codec import Codec
from core_adapters.iso8583.errors import DecodeError, EncodeError, FramingError
from core_adapters.iso8583.framing import Frame, Framer, swap_tpdu, wrap
from core_adapters.iso8583.mac import Mac
from core_adapters.iso8583.message import Message, is_reply

EXIT_BY_FAULT = 70
"""Exit code of a process that a fault plan ended."""

log = structlog.get_logger("corehost.server")


@dataclass(frozen=True, slots=True)
class ServerOptions:
    """Limits of the server."""

    max_connections: int = 512
    """Connections at once; a further one is closed at once."""
    max_batch: int = 128
    """Most messages in one commit."""
    max_in_flight: int = 4096
    """Messages of one connection not answered yet; above it the connection is cut."""
    frame_s: float = 30.0
    """Seconds in which a frame that has begun must be whole."""


class Teller:
    """Collects messages and has them answered together, a commit for each batch."""

    def __init__(self, office: Office, options: ServerOptions) -> None:
        self._office = office
        self._options = options
        self._waiting: deque[tuple[Message, Callable[[Message], None]]] = deque()
        self._loop = asyncio.get_running_loop()

    def submit(self, message: Message, done: Callable[[Message], None]) -> None:
        """`done` gets the reply once it is durable."""
        self._waiting.append((message, done))
        if len(self._waiting) == 1:
            # After the sockets that are readable in this turn of the loop.
            self._loop.call_soon(self._serve)

    def _serve(self) -> None:
        size = min(len(self._waiting), self._options.max_batch)
        batch = [self._waiting.popleft() for _ in range(size)]
        replies = self._office.answer([message for message, _ in batch], datetime.now(UTC))
        for (_, done), reply in zip(batch, replies, strict=True):
            done(reply)
        if self._waiting:
            self._loop.call_soon(self._serve)


@dataclass(frozen=True, slots=True)
class Shared:
    """What all connections share."""

    codec: Codec
    mac: Mac
    teller: Teller
    faults: FaultPlan
    options: ServerOptions
    connections: set["Connection"]


class Connection(asyncio.Protocol):
    """One connection: frames in, MAC checked, faults played, replies out."""

    def __init__(self, shared: Shared) -> None:
        self._shared = shared
        self._framer = Framer(shared.codec.profile.frame)
        self._transport: asyncio.Transport | None = None
        self._deadline: asyncio.TimerHandle | None = None
        self._in_flight = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take the connection, unless there are too many."""
        # Not an isinstance: uvloop's transports are none of asyncio's.
        line = cast("asyncio.Transport", transport)
        if len(self._shared.connections) >= self._shared.options.max_connections:
            log.warning("too_many_connections")
            line.abort()
            return
        self._transport = line
        self._shared.connections.add(self)

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget it; what is under way is finished, and its reply goes nowhere."""
        self._transport = None
        self._stop_deadline()
        self._shared.connections.discard(self)

    def pause_writing(self) -> None:
        """A peer that does not read its replies is not read either."""
        if self._transport is not None:
            self._transport.pause_reading()

    def resume_writing(self) -> None:
        """It reads again."""
        if self._transport is not None:
            self._transport.resume_reading()

    def cut(self) -> None:
        """Reset the connection at once."""
        if self._transport is not None:
            self._transport.abort()
            self._transport = None

    def data_received(self, data: bytes) -> None:
        """Cut bytes into frames and take each."""
        try:
            for frame in self._framer.feed(data):
                self._take(frame)
        except FramingError as error:
            log.warning("framing_lost", why=str(error))
            self.cut()
        self._stop_deadline()
        if self._framer.pending and self._transport is not None:
            loop = asyncio.get_running_loop()
            self._deadline = loop.call_later(self._shared.options.frame_s, self._too_slow)

    def _stop_deadline(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _too_slow(self) -> None:
        log.warning("frame_too_slow", seconds=self._shared.options.frame_s)
        self.cut()

    def _take(self, frame: Frame) -> None:
        message = self._authentic(frame)
        if message is None or self._transport is None:
            return
        if self._in_flight >= self._shared.options.max_in_flight:
            log.warning("too_many_in_flight")
            self.cut()
            return
        self._in_flight += 1
        Exchange(self, self._shared, frame, message).begin()

    def _authentic(self, frame: Frame) -> Message | None:
        """The message, or None (logged, dropped) where it is no request or its MAC is wrong."""
        codec = self._shared.codec
        try:
            message = codec.decode(frame.body)
        except DecodeError as error:
            log.warning("undecodable", bytes=len(frame.body), why=str(error))
            return None
        if not codec.mac_ok(frame.body, message, [self._shared.mac]):
            log.warning("bad_mac", mti=message.mti)
            return None
        if is_reply(message.mti):
            log.warning("unexpected_reply", mti=message.mti)
            return None
        return message

    def ended(self) -> None:
        """An exchange is over, with or without a reply."""
        self._in_flight -= 1

    def send(self, data: bytes) -> None:
        """Write, where the connection is still there."""
        if self._transport is not None:
            self._transport.write(data)

    def finish(self, data: bytes) -> None:
        """Write these bytes and close behind them."""
        if self._transport is not None:
            self._transport.write(data)
            self._transport.close()
            self._transport = None


class Exchange:
    """One request and its reply, with the fault that it meets on its way."""

    def __init__(self, line: Connection, shared: Shared, frame: Frame, message: Message) -> None:
        self._line = line
        self._shared = shared
        self._frame = frame
        self._message = message
        self._fault: Fault | None = None

    def begin(self) -> None:
        """Play what the plan has before the bank is asked, then ask."""
        self._fault = fault = self._shared.faults.take(self._message)
        match fault:
            case None:
                self._ask()
            case Fault(act=Act.DIE_BEFORE):
                os._exit(EXIT_BY_FAULT)
            case Fault(act=Act.DROP_BEFORE):
                self._line.ended()
            case Fault(act=Act.CUT_BEFORE):
                self._line.ended()
                self._line.cut()
            case Fault(act=Act.DELAY_BEFORE, seconds=seconds):
                asyncio.get_running_loop().call_later(seconds, self._ask)
            case Fault(act=Act.CODE, text=code):
                order = Order(self._message, self._shared.codec)
                self._reply(reply_to(order, order.written(Answer(code)), datetime.now(UTC)))
            case _:
                self._ask()

    def _ask(self) -> None:
        self._shared.teller.submit(self._message, self._answered)

    def _answered(self, reply: Message) -> None:
        """Play what the plan has between the bank's commit and its reply."""
        match self._fault:
            case Fault(act=Act.DIE_AFTER):
                os._exit(EXIT_BY_FAULT)
            case Fault(act=Act.DROP_AFTER):
                self._line.ended()
            case Fault(act=Act.CUT_AFTER):
                self._line.ended()
                self._line.cut()
            case Fault(act=Act.DELAY, seconds=seconds):
                asyncio.get_running_loop().call_later(seconds, self._reply, reply)
            case Fault(act=Act.WRONG_FIELD, field=number, text=text):
                fields = {**reply.fields, number: text}
                self._reply(Message(reply.mti, {n: v for n, v in fields.items() if v}))
            case _:
                self._reply(reply)

    def _reply(self, reply: Message) -> None:
        self._line.ended()
        codec = self._shared.codec
        try:
            body = codec.encode(reply, self._shared.mac)
        except EncodeError as error:
            log.error("reply_not_encoded", mti=reply.mti, why=str(error))
            return
        self._send(body)

    def _send(self, body: bytes) -> None:
        """Play what the plan has on the wire."""
        match self._fault:
            case Fault(act=Act.GARBLE):
                self._line.send(self._framed(bytes(byte ^ 0xFF for byte in body)))
            case Fault(act=Act.BAD_MAC):
                self._line.send(self._framed(body[:-1] + bytes([body[-1] ^ 0xFF])))
            case Fault(act=Act.DUPLICATE):
                self._line.send(self._framed(body) * 2)
            case Fault(act=Act.CUT_REPLY_AT, count=count):
                self._line.finish(self._framed(body)[:count])
            case _:
                self._line.send(self._framed(body))

    def _framed(self, body: bytes) -> bytes:
        return wrap(body, self._shared.codec.profile.frame, swap_tpdu(self._frame.tpdu))


class Server:
    """The listening host. `start` returns the port it has; `stop` cuts what is connected."""

    def __init__(
        self, office: Office, codec: Codec, mac: Mac, faults: FaultPlan, options: ServerOptions
    ) -> None:
        teller = Teller(office, options)
        self._shared = Shared(codec, mac, teller, faults, options, set())
        self._server: asyncio.Server | None = None

    async def start(self, host: str, port: int) -> int:
        """Listen; port 0 takes a free one. Raises `OSError` where the port is taken."""
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(lambda: Connection(self._shared), host, port)
        return int(self._server.sockets[0].getsockname()[1])

    async def stop(self) -> None:
        """Listen no more and close every connection."""
        assert self._server is not None
        self._server.close()
        for connection in list(self._shared.connections):
            connection.cut()
        await self._server.wait_closed()
