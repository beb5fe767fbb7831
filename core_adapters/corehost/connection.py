"""One connection of the host: frames in, MAC checked, replies out, limits kept."""

import asyncio
from collections import deque
from typing import cast

import structlog

from core_adapters.corehost.exchange import Exchange
from core_adapters.corehost.hall import Hall
from core_adapters.iso8583.errors import DecodeError, FramingError
from core_adapters.iso8583.format.framing import Frame, Framer
from core_adapters.iso8583.format.message import Message, is_reply

log = structlog.get_logger("corehost.server")


class Connection(asyncio.Protocol):
    """Implements `Line`."""

    def __init__(self, hall: Hall, port: int) -> None:
        self._hall = hall
        self._port = port
        self._framer = Framer(hall.codec.profile.frame)
        self._transport: asyncio.Transport | None = None
        self._deadline: asyncio.TimerHandle | None = None
        self._in_flight = 0
        self._dripping: asyncio.TimerHandle | None = None
        self._behind: deque[bytes] = deque()
        self.signed_on = False

    @property
    def port(self) -> int:
        """The port that it came in at."""
        return self._port

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take the connection, unless there are too many."""
        # Not an isinstance: uvloop's transports are none of asyncio's.
        line = cast("asyncio.Transport", transport)
        if len(self._hall.lines) >= self._hall.options.max_connections:
            log.warning("too_many_connections")
            line.abort()
            return
        self._transport = line
        self._hall.lines.add(self)

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget it; what is under way is finished, and its reply goes nowhere."""
        self._transport = None
        self.signed_on = False
        self._stop_deadline()
        self._stop_drip()
        self._hall.lines.discard(self)

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
            self._deadline = loop.call_later(self._hall.options.frame_s, self._too_slow)

    def _stop_deadline(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _too_slow(self) -> None:
        log.warning("frame_too_slow", seconds=self._hall.options.frame_s)
        self.cut()

    def _take(self, frame: Frame) -> None:
        message = self._authentic(frame)
        if message is None or self._transport is None:
            return
        if self._in_flight >= self._hall.options.max_in_flight:
            log.warning("too_many_in_flight")
            self.cut()
            return
        self._in_flight += 1
        Exchange(self, self._hall, frame, message).begin()

    def _authentic(self, frame: Frame) -> Message | None:
        """The request; None (logged, dropped) where it is none, or its MAC is wrong."""
        codec = self._hall.codec
        try:
            message = codec.decode(frame.body)
        except DecodeError as error:
            log.warning("undecodable", bytes=len(frame.body), why=str(error))
            return None
        if not codec.mac_ok(frame.body, message, [self._hall.mac]):
            log.warning("bad_mac", mti=message.mti)
            return None
        if not is_reply(message.mti):
            return message
        if not self._hall.outgoing.heard(message):
            log.warning("unexpected_reply", mti=message.mti)
        return None

    def ended(self) -> None:
        """An exchange is over, with or without a reply."""
        self._in_flight -= 1

    def send(self, data: bytes) -> None:
        """Write, where the connection is still there; behind what is being sent slowly."""
        if self._transport is None:
            return
        if self._dripping is None:
            self._transport.write(data)
            return
        self._behind.append(data)
        if sum(map(len, self._behind)) > self._hall.options.max_backlog:
            log.warning("too_much_behind_a_slow_reply")
            self.cut()

    def drip(self, data: bytes, pause_s: float) -> None:
        """Write byte by byte, one every `pause_s` seconds; what is sent meanwhile waits."""
        if self._dripping is not None:
            self.send(data)
            return
        self._drop(data, pause_s)

    def _drop(self, rest: bytes, pause_s: float) -> None:
        self._dripping = None
        if self._transport is None:
            return
        if rest:
            self._transport.write(rest[:1])
            loop = asyncio.get_running_loop()
            self._dripping = loop.call_later(pause_s, self._drop, rest[1:], pause_s)
            return
        while self._behind:
            self._transport.write(self._behind.popleft())

    def _stop_drip(self) -> None:
        if self._dripping is not None:
            self._dripping.cancel()
            self._dripping = None
        self._behind.clear()

    def finish(self, data: bytes) -> None:
        """Write these bytes and close behind them."""
        if self._transport is not None:
            self._transport.write(data)
            self._transport.close()
            self._transport = None
