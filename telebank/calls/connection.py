"""One TCP or TLS connection that carries SIP, and its deadlines."""

import asyncio
from typing import Protocol, cast

from telebank.calls.connection_options import ConnectionOptions
from telebank.calls.tls import names_in
from telebank.sip import Hop
from telebank.sip.admission import Bucket
from telebank.sip.stream import PONG, Framer, FramingBroken, MessageFramed

PINGS_PER_S = 5.0
"""Keep-alives of one connection in a second, twice as many at once; with more it is cut. Peers send
one in two minutes or so (RFC 5626 4.4.1), and of no octets does answering cost more."""
LINGER_S = 1.0
"""How long a peer that broke the framing may take to read why, in seconds."""


class Keeper(Protocol):
    """Who has the connections."""

    options: ConnectionOptions

    def begun(self, connection: "Connection") -> bool:
        """A connection is there; false where it is not wanted."""
        ...

    def heard(self, connection: "Connection", data: bytes) -> None:
        """One message."""
        ...

    def ended(self, connection: "Connection", why: str) -> None:
        """A connection is gone."""
        ...

    def in_use(self, hop: Hop) -> bool:
        """Whether a call goes over it."""
        ...

    def is_hidden_from(self, connection: "Connection") -> bool:
        """Whether its peer is not to be told anything."""
        ...

    def is_guest(self, hop: Hop) -> bool:
        """Whether nobody that is known made it."""
        ...

    def on_trouble(self, kind: str, why: str, hop: Hop) -> None:
        """A line of the log."""
        ...


class Connection(asyncio.Protocol):
    """Cuts messages out of a stream; its peer has so long for each."""

    def __init__(self, keeper: Keeper, hop: Hop, *, accepted: bool) -> None:
        self.hop = hop
        self.accepted = accepted
        self.made = False
        """Whether there ever was a connection."""
        self.names: tuple[str, ...] = ()
        """Names in the peer's certificate, where one was verified."""
        self._keeper = keeper
        self._options = keeper.options
        self._loop = asyncio.get_running_loop()
        self._framer = Framer()
        self._pings = Bucket(PINGS_PER_S, self._loop.time())
        self._transport: asyncio.Transport | None = None
        self._spoken = not accepted
        """Whether a whole message was heard; of one that we made nothing is expected."""
        self._due = 0.0
        self._alarm: asyncio.TimerHandle | None = None
        self._unread: asyncio.TimerHandle | None = None
        self._why = ""

    # -- asyncio ------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # uvloop's transports do not derive from asyncio's.
        self._transport = cast("asyncio.Transport", transport)
        self.made = True
        self.names = names_in(transport.get_extra_info("peercert") or {})
        self._transport.set_write_buffer_limits(high=self._options.max_unread // 8)
        if not self._keeper.begun(self):
            self._transport.abort()
            return
        self._wait(self._idle_s() if self._spoken else self._options.first_message_s)

    def data_received(self, data: bytes) -> None:
        began_before, messages = self._framer.inside, 0
        for framed in self._framer.receive(data):
            if isinstance(framed, MessageFramed):
                messages += 1
                self._spoken = True
                self._keeper.heard(self, framed.data)
            elif isinstance(framed, FramingBroken):
                self._broken(framed)
                return
            elif self._pings.take(self._loop.time()):
                if not self._keeper.is_hidden_from(self):
                    self.write(PONG)
            else:
                self.cut("keep-alives without end")
            if self._is_closing():
                return
        if not self._framer.inside:
            if self._spoken and (messages or not self._keeper.is_guest(self.hop)):
                self._wait(self._idle_s())
        elif (messages or not began_before) and self._spoken:
            self._wait(self._options.message_s)

    def eof_received(self) -> None:
        """The peer says no more: the connection closes."""

    def connection_lost(self, exc: Exception | None) -> None:
        for handle in (self._alarm, self._unread):
            if handle is not None:
                handle.cancel()
        self._alarm = self._unread = None
        self._keeper.ended(self, self._why or (str(exc) if exc is not None else "closed"))

    def pause_writing(self) -> None:
        """The peer is slow to read."""
        if self._unread is None:
            why = "what it was sent was not read in time"
            self._unread = self._loop.call_later(self._options.unread_s, self.cut, why)

    def resume_writing(self) -> None:
        """It has read."""
        if self._unread is not None:
            self._unread.cancel()
            self._unread = None

    # -- what others do -----------------------------------------------------------------------

    def write(self, data: bytes) -> None:
        """Send; a peer that does not read is cut."""
        transport = self._transport
        if transport is None or self._is_closing():
            return
        transport.write(data)
        if transport.get_write_buffer_size() > self._options.max_unread:
            self.cut("too much that it was sent is not read")

    def close(self) -> None:
        """Close once what was sent is out, and not read much longer."""
        if self._transport is not None:
            self._transport.close()
            self._loop.call_later(LINGER_S, self.abort)

    def abort(self) -> None:
        """Close at once."""
        if self._transport is not None:
            self._transport.abort()

    def cut(self, why: str) -> None:
        """Close at once, and say why."""
        self._why = why
        self._keeper.on_trouble("connection cut", why, self.hop)
        self.abort()

    # -- inside -------------------------------------------------------------------------------

    def _is_closing(self) -> bool:
        return self._transport is None or self._transport.is_closing()

    def _broken(self, broken: FramingBroken) -> None:
        """Answer where that can be, and hear no more. The peer may read the answer first: closing
        with octets unread would take it away."""
        self._why = broken.why
        self._keeper.on_trouble("malformed stream", broken.why, self.hop)
        transport = self._transport
        if not broken.refusal or transport is None or self._keeper.is_hidden_from(self):
            self.abort()
            return
        self.write(broken.refusal)
        if transport.can_write_eof():
            transport.write_eof()
        else:
            transport.close()
        self._loop.call_later(LINGER_S, self.abort)

    def _idle_s(self) -> float:
        guest = self._keeper.is_guest(self.hop)
        return self._options.stranger_idle_s if guest else self._options.idle_s

    def _wait(self, seconds: float) -> None:
        """Something is due so many seconds from now, instead of what was due before."""
        self._due = self._loop.time() + seconds
        if self._alarm is None or self._alarm.when() > self._due:
            if self._alarm is not None:
                self._alarm.cancel()
            self._alarm = self._loop.call_at(self._due, self._ring)

    def _ring(self) -> None:
        self._alarm = None
        now = self._loop.time()
        if now < self._due:
            self._alarm = self._loop.call_at(self._due, self._ring)
        elif self._framer.inside or not self._spoken:
            self.cut("no whole message in time")
        elif self._keeper.in_use(self.hop):
            self._wait(self._idle_s())
        else:
            self._why = "idle"
            self.close()
