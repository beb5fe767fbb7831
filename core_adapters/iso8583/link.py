"""One TCP link to a host: connects, reads frames, writes, reconnects with backoff.

`send` tells the truth that the money path hangs on: False means that no byte of the frame was
given to the socket; True means that any number of them may have gone.
"""

import asyncio
import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import cast

from core_adapters.iso8583.errors import FramingError
from core_adapters.iso8583.framing import Frame, FrameOptions, Framer
from core_adapters.iso8583.options import Address, Iso8583Options

MAX_DOUBLINGS = 16
CLOSE_GRACE_S = 2.0
"""Seconds that unsent bytes may hold a closing connection."""


@dataclass(frozen=True, slots=True)
class LinkEvents:
    """What a link tells its owner; each takes the link's name first."""

    up: Callable[[str], None]
    down: Callable[[str], None]
    frame: Callable[[str, Frame], None]
    trouble: Callable[[str, str], None]
    """A word for the operator: refused, framing error, slow host."""


class TcpLink:
    """Keeps one connection up until stopped. All callbacks run on the event loop."""

    def __init__(
        self,
        name: str,
        address: Address,
        options: Iso8583Options,
        *,
        frame: FrameOptions,
        events: LinkEvents,
        chance: random.Random,
    ) -> None:
        self.name = name
        self.address = address
        self._options = options
        self._frame = frame
        self._events = events
        self._chance = chance
        self._wire: _Wire | None = None
        self._attempt = 0
        self._stop = asyncio.Event()

    def send(self, data: bytes) -> bool:
        """Give a whole frame to the socket; False where not one byte was given."""
        wire = self._wire
        if wire is None or wire.transport is None or wire.transport.is_closing():
            return False
        waiting = wire.transport.get_write_buffer_size()
        if waiting + len(data) > self._options.write_buffer_max:
            self._events.trouble(self.name, "the host does not read; closing the link")
            wire.transport.abort()
            return False
        wire.transport.write(data)
        return True

    def proved(self) -> None:
        """The host signed us on: the next reconnection may be quick again."""
        self._attempt = 0

    def close(self) -> None:
        """Close the present connection; `run` opens another unless stopped."""
        transport = self._wire.transport if self._wire is not None else None
        if transport is not None and not transport.is_closing():
            transport.close()
            # A peer that reads nothing would hold a polite close for ever.
            asyncio.get_running_loop().call_later(CLOSE_GRACE_S, transport.abort)

    def retire(self) -> None:
        """Never connect again; the present connection ends by itself (sign-off)."""
        self._stop.set()

    def stop(self) -> None:
        """Close, and let `run` return."""
        self._stop.set()
        self.close()

    async def run(self) -> None:
        """Connect, again and again, until `stop`."""
        while not self._stop.is_set():
            if await self._connect():
                if self._stop.is_set():
                    self.close()
                await self._until_closed()
            if not self._stop.is_set():
                await self._pause()

    async def _connect(self) -> bool:
        loop = asyncio.get_running_loop()
        options = self._options
        try:
            async with asyncio.timeout(options.connect_timeout_s):
                await loop.create_connection(self._make_wire, self.address.host, self.address.port)
        except OSError as error:
            if self._attempt == 0:
                self._events.trouble(self.name, f"cannot connect: {type(error).__name__}")
            # A connection made in the instant of the time-out is waited out like any other.
            return self._wire is not None
        return True

    def _make_wire(self) -> "_Wire":
        return _Wire(Framer(self._frame), self)

    def opened(self, wire: "_Wire") -> None:
        """The connection stands."""
        self._wire = wire
        self._events.up(self.name)

    def received(self, wire: "_Wire", framer: Framer, data: bytes) -> None:
        """Bytes came; a stream that lost its place is closed."""
        try:
            for frame in framer.feed(data):
                self._events.frame(self.name, frame)
        except FramingError as error:
            self._events.trouble(self.name, str(error))
            if wire.transport is not None:
                wire.transport.abort()

    def lost(self, wire: "_Wire") -> None:
        """The connection is gone."""
        if self._wire is wire:
            self._wire = None
        self._events.down(self.name)

    async def _until_closed(self) -> None:
        wire = self._wire
        if wire is None:
            return
        try:
            await wire.closed.wait()
        finally:
            if wire.transport is not None and not wire.closed.is_set():
                wire.transport.abort()

    async def _pause(self) -> None:
        doublings = min(self._attempt, MAX_DOUBLINGS)
        self._attempt += 1
        longest = min(self._options.backoff_max_s, self._options.backoff_min_s * 2**doublings)
        try:
            async with asyncio.timeout(longest * self._chance.uniform(0.5, 1.0)):
                await self._stop.wait()
        except TimeoutError:
            return


class _Wire(asyncio.Protocol):
    """The protocol of one connection."""

    def __init__(self, framer: Framer, link: TcpLink) -> None:
        self._framer = framer
        self._link = link
        self.transport: asyncio.Transport | None = None
        self.closed = asyncio.Event()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # uvloop's transports do not derive from asyncio's.
        self.transport = cast("asyncio.Transport", transport)
        self._link.opened(self)

    def data_received(self, data: bytes) -> None:
        self._link.received(self, self._framer, data)

    def connection_lost(self, exc: Exception | None) -> None:
        self.closed.set()
        self._link.lost(self)
