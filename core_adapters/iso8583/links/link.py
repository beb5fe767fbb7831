"""One TCP link to a host: connects, reads frames, writes, reconnects with backoff.

`send` tells the truth that the money path hangs on: False means that no byte of the frame was
given to the socket; True means that any number of them may have gone.
"""

import asyncio
import random
import ssl
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import cast

from core_adapters.iso8583.errors import FramingError
from core_adapters.iso8583.format.framing import Frame, FrameOptions, Framer
from core_adapters.iso8583.links.tls import TlsError, connection_words, peer_ends
from core_adapters.iso8583.links.tls_words import explain
from core_adapters.iso8583.options import Address, Iso8583Options, TlsOptions

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
    shown: Callable[[Address, datetime], None]
    """When the certificate ends that the host at this address has shown."""


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
        self._told: set[str] = set()
        self._proved = False
        self._stop = asyncio.Event()

    def send(self, data: bytes) -> bool:
        """Give a whole frame to the socket; False where not one byte was given."""
        wire = self._wire
        if wire is None or wire.transport is None or wire.transport.is_closing():
            return False
        waiting = wire.transport.get_write_buffer_size()
        if waiting + len(data) > self._options.write_buffer_max:
            self._events.trouble(self.name, "the host does not read; closing the link")
            wire.abort()
            return False
        wire.transport.write(data)
        return True

    def proved(self) -> None:
        """The host signed us on: the next reconnection may be quick again."""
        self._attempt = 0
        self._told.clear()
        self._proved = True

    def close(self) -> None:
        """Close the present connection; `run` opens another unless stopped."""
        if self._wire is not None:
            self._wire.close()

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
        try:
            await self._open()
        except ssl.SSLError as error:
            self._tell_once(explain(error))
        except TlsError as error:
            self._tell_once(str(error))
        except OSError as error:
            self._tell_once(_why(error, self._options.tls))
        # A connection made in the instant of the time-out is waited out like any other.
        return self._wire is not None

    async def _open(self) -> None:
        loop, tls = asyncio.get_running_loop(), self._options.tls
        host, port = self.address.host, self.address.port
        patience = self._options.connect_timeout_s + (tls.handshake_timeout_s if tls else 0.0)
        words = connection_words(tls, host)
        async with asyncio.timeout(patience):
            await loop.create_connection(self._make_wire, host, port, **words)

    def _tell_once(self, text: str) -> None:
        """Not again at every attempt, until the host has signed us on."""
        if text not in self._told:
            self._told.add(text)
            self._events.trouble(self.name, f"{self.address}: {text}")

    def _make_wire(self) -> "_Wire":
        return _Wire(Framer(self._frame), self)

    def opened(self, wire: "_Wire", transport: asyncio.Transport) -> None:
        """The connection stands."""
        self._wire = wire
        shown = transport.get_extra_info("peercert")
        if shown:
            self._events.shown(self.address, peer_ends(shown))
        self._events.up(self.name)

    def received(self, wire: "_Wire", framer: Framer, data: bytes) -> None:
        """Bytes came; a stream that lost its place, or stands still in a frame, is closed."""
        whole = False
        try:
            for frame in framer.feed(data):
                whole = True
                self._events.frame(self.name, frame)
        except FramingError as error:
            self._events.trouble(self.name, str(error))
            wire.abort()
            return
        if whole or not framer.pending:
            wire.give_up(None)
        if framer.pending and wire.deadline is None:
            later = asyncio.get_running_loop().call_later
            wire.give_up(later(self._options.frame_timeout_s, self._too_slow, wire))

    def _too_slow(self, wire: "_Wire") -> None:
        seconds = self._options.frame_timeout_s
        self._events.trouble(self.name, f"a frame was not whole after {seconds:g} s; closing")
        wire.abort()

    def lost(self, wire: "_Wire", error: Exception | None) -> None:
        """The connection is gone."""
        if self._wire is wire:
            self._wire = None
        if isinstance(error, ssl.SSLError):
            self._tell_once(explain(error))
        elif not (wire.ours or self._proved):
            hint = "; does it take our certificate?" if self._options.tls else ""
            self._tell_once(f"the host closed the connection before it signed us on{hint}")
        self._proved = False
        self._events.down(self.name)

    async def _until_closed(self) -> None:
        wire = self._wire
        if wire is None:
            return
        try:
            await wire.closed.wait()
        finally:
            if not wire.closed.is_set():
                wire.abort()

    async def _pause(self) -> None:
        doublings = min(self._attempt, MAX_DOUBLINGS)
        self._attempt += 1
        longest = min(self._options.backoff_max_s, self._options.backoff_min_s * 2**doublings)
        try:
            async with asyncio.timeout(longest * self._chance.uniform(0.5, 1.0)):
                await self._stop.wait()
        except TimeoutError:
            return


def _why(error: OSError, tls: TlsOptions | None) -> str:
    """Why there is no connection. asyncio aborts a handshake that takes too long."""
    if tls is not None and isinstance(error, ConnectionAbortedError):
        return f"the TLS handshake did not end in {tls.handshake_timeout_s:g} s"
    if tls is not None and isinstance(error, ConnectionResetError | BrokenPipeError):
        return "the host broke off the TLS handshake; does it take our certificate?"
    return f"cannot connect: {type(error).__name__}"


class _Wire(asyncio.Protocol):
    """The protocol of one connection."""

    def __init__(self, framer: Framer, link: TcpLink) -> None:
        self._framer = framer
        self._link = link
        self.transport: asyncio.Transport | None = None
        self.closed = asyncio.Event()
        self.ours = False
        """We closed it, not the host."""
        self.deadline: asyncio.TimerHandle | None = None
        """When the frame that has begun must be whole."""

    def give_up(self, deadline: asyncio.TimerHandle | None) -> None:
        """Set the deadline, or take it back."""
        if self.deadline is not None:
            self.deadline.cancel()
        self.deadline = deadline

    def close(self) -> None:
        """Send what is buffered, then close; a peer that reads nothing is cut off."""
        transport = self.transport
        if transport is not None and not transport.is_closing():
            self.ours = True
            transport.close()
            asyncio.get_running_loop().call_later(CLOSE_GRACE_S, transport.abort)

    def abort(self) -> None:
        """Cut."""
        self.ours = True
        if self.transport is not None:
            self.transport.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # uvloop's transports do not derive from asyncio's.
        self.transport = cast("asyncio.Transport", transport)
        self._link.opened(self, self.transport)

    def data_received(self, data: bytes) -> None:
        self._link.received(self, self._framer, data)

    def connection_lost(self, exc: Exception | None) -> None:
        self.give_up(None)
        self.closed.set()
        self._link.lost(self, exc)
