"""SIP over TCP and TLS: listeners, connections that come in and go out, and their limits.

Each is cut that sends no whole message in time, breaks the framing, or does not read what it is
sent. What is heard goes to the user agent message by message, and so does the end of a connection.
"""

import asyncio
import contextlib
import errno
import socket
import ssl
import struct
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from telebank.calls.connection import Connection
from telebank.calls.connection_options import ConnectionOptions
from telebank.calls.guests import Guests
from telebank.calls.tls import TlsContexts
from telebank.sip import ConnectionLost, DatagramReceived, Event, Hop, Standing
from telebank.sip.failed_attempts import network_of

BACKLOG = 512
BATCH = 32
"""Connections taken in one turn of the loop."""
PAUSE_S = 1.0
"""Nothing is accepted so long after the machine had no room."""
CLOSE_S = 2.0
"""How long `close` waits for what is still to be sent, in seconds."""
NOTHING_LISTENS = "nothing listens there"
_RESET = struct.pack("ii", 1, 0)
"""SO_LINGER: close with a reset, and keep nothing."""
_STRANGERS = (Standing.STRANGER, Standing.NOBODY)
_NO_ROOM = (errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM)


@dataclass(slots=True)
class _Opening:
    """A connection of ours on its way, and what waits for it."""

    task: asyncio.Task[None]
    waiting: list[bytes] = field(default_factory=list)
    size: int = 0


class Connections:
    """All streams of one endpoint.

    `on_event` takes messages and ends of connections, `on_trouble` a kind, a text and a hop for the
    log, `in_use` says whether a call needs a connection that is silent, `standing` who is at a hop
    whose certificate has some names.
    """

    def __init__(
        self,
        options: ConnectionOptions,
        tls: TlsContexts | None,
        *,
        on_event: Callable[[Event], None],
        on_trouble: Callable[[str, str, Hop], None],
        in_use: Callable[[Hop], bool],
        standing: Callable[[Hop, tuple[str, ...]], Standing],
    ) -> None:
        self.options = options
        self.server_names: dict[Hop, str] = {}
        """The host name that a peer's certificate must have; without one, its IP address."""
        self.losing = ""
        """While the user agent is told that a connection is gone: why; else empty."""
        self.in_use = in_use
        self.on_trouble = on_trouble
        self._standing = standing
        self._guests = Guests(in_use)
        self._tls = tls
        self._on_event = on_event
        self._loop = asyncio.get_running_loop()
        self._listeners: list[tuple[socket.socket, Hop]] = []
        self._open: dict[Hop, Connection] = {}
        self._opening: dict[Hop, _Opening] = {}
        self._accepting: set[asyncio.Task[None]] = set()
        self._accepted: Counter[object] = Counter()
        """Connections that came in, by the network they are from."""
        self._total = 0

    def __len__(self) -> int:
        return len(self._open) + len(self._opening) + len(self._accepting)

    # -- coming in ----------------------------------------------------------------------------

    def listen(self, place: Hop) -> Hop:
        """Bind; returns the place with its port. Raises `OSError` when it is taken."""
        listener = socket.socket(_family(place), socket.SOCK_STREAM)
        try:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if listener.family == socket.AF_INET6:
                listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            listener.setblocking(False)
            listener.bind((place.host, place.port))
        except OSError:
            listener.close()
            raise
        bound = place._replace(port=int(listener.getsockname()[1]))
        self._listeners.append((listener, bound))
        return bound

    def start(self) -> None:
        """Begin to take connections; raises `OSError` when another took the port meanwhile."""
        for listener, place in self._listeners:
            listener.listen(BACKLOG)
            self._loop.add_reader(listener, partial(self._accept, listener, place))

    def _accept(self, listener: socket.socket, place: Hop) -> None:
        for _ in range(BATCH):
            try:
                sock, address = listener.accept()
            except BlockingIOError:
                return
            except OSError as error:
                if error.errno in _NO_ROOM:
                    self._rest(listener, place)
                    return
                continue  # the peer was faster to go
            hop = Hop(str(address[0]), int(address[1]), place.transport)
            if self._has_room(hop):
                self._take(sock, hop)
            else:
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
                sock.close()

    def _rest(self, listener: socket.socket, place: Hop) -> None:
        """The machine has no files or memory left: live calls come first."""
        self.on_trouble("no room for a connection", f"none is taken for {PAUSE_S:g} s", place)
        self._loop.remove_reader(listener)

        def again() -> None:
            if listener.fileno() >= 0:
                self._loop.add_reader(listener, partial(self._accept, listener, place))

        self._loop.call_later(PAUSE_S, again)

    def _has_room(self, hop: Hop) -> bool:
        why = self._no_room(hop)
        if why:
            self.on_trouble("connection refused", why, hop)
        return not why

    def _no_room(self, hop: Hop) -> str:
        """Why there is none, after those were pushed out that need it less: one who is known comes
        before guests, a new stranger before the one idle longest."""
        options, guests, standing = self.options, self._guests, self._standing(hop, ())
        if self._accepted[network_of(hop.host)] >= options.per_address:
            return "too many connections from there"
        if self._total >= options.max_connections:
            pushed = standing is Standing.KNOWN and guests.push_out()
            return "" if pushed else "too many connections"
        if standing in _STRANGERS and guests.strangers >= options.max_strangers:
            return "" if guests.push_out(strangers=True) else "too many connections of strangers"
        return ""

    def _take(self, sock: socket.socket, hop: Hop) -> None:
        self._count(hop, 1)
        connection = Connection(self, hop, accepted=True)
        shaking = self._shake_hands(connection, sock, hop)
        task = self._loop.create_task(shaking, name=f"accept {hop}")
        self._accepting.add(task)

        def shaken(task: asyncio.Task[None]) -> None:  # or cancelled before it began
            self._accepting.discard(task)
            if not connection.made:
                self._count(hop, -1)
                sock.close()

        def leave() -> None:
            if connection.made:
                connection.cut("others need its place")
            else:
                task.cancel()

        task.add_done_callback(shaken)
        standing = self._standing(hop, ())
        if standing is not Standing.KNOWN:
            self._guests.add(hop, leave, stranger=standing in _STRANGERS)

    async def _shake_hands(self, connection: Connection, sock: socket.socket, hop: Hop) -> None:
        sock.setblocking(False)
        _tune(sock, self.options)
        try:
            await self._loop.connect_accepted_socket(
                lambda: connection, sock, **self._words(hop, accepted=True)
            )
        except OSError as error:  # of TLS too
            self.on_trouble("connection failed", _why(error), hop)

    def _count(self, hop: Hop, by: int) -> None:
        network = network_of(hop.host)
        self._total += by
        self._accepted[network] += by
        if not self._accepted[network]:
            del self._accepted[network]
        if by < 0:
            self._guests.gone(hop)

    # -- going out ----------------------------------------------------------------------------

    def send(self, data: bytes, hop: Hop) -> None:
        """Send over the connection to a hop, which is made where there is none; `ConnectionLost`
        follows where that fails."""
        connection = self._open.get(hop)
        if connection is not None:
            connection.write(data)
            return
        opening = self._opening.get(hop)
        if opening is None:
            if hop.transport == "tls" and self._tls is None:
                self._lost_soon(hop, "no TLS here: give [sip_tls]")
                return
            if len(self._opening) >= self.options.max_opening:
                self._lost_soon(hop, "too many connections are being made")
                return
            task = self._loop.create_task(self._connect(hop), name=f"connect {hop}")
            opening = self._opening[hop] = _Opening(task)
        if opening.size + len(data) <= self.options.max_unread:
            opening.waiting.append(data)
            opening.size += len(data)

    async def _connect(self, hop: Hop) -> None:
        connection, why = Connection(self, hop, accepted=False), "closed"
        sock = socket.socket(_family(hop), socket.SOCK_STREAM)
        try:
            sock.setblocking(False)
            _tune(sock, self.options)
            async with asyncio.timeout(self.options.connect_s):
                await self._loop.sock_connect(sock, (hop.host, hop.port))
                words = self._words(hop, accepted=False)
                await self._loop.create_connection(lambda: connection, sock=sock, **words)
        except TimeoutError:
            why = "no connection in time"
        except (OSError, ValueError) as error:  # of TLS too; a server name that is none
            why = _why(error)
        finally:
            if not connection.made:
                sock.close()
        self._opening.pop(hop, None)
        if not connection.made:
            self.on_trouble("connection failed", why, hop)
            self._lost(hop, why)

    def _words(self, hop: Hop, *, accepted: bool) -> dict[str, Any]:
        """What asyncio needs to know for TLS."""
        if hop.transport != "tls":
            return {}
        assert self._tls is not None
        now = self._loop.time()
        words: dict[str, Any] = {
            "ssl": self._tls.server(now) if accepted else self._tls.client(now),
            "ssl_handshake_timeout": self.options.handshake_s,
            "ssl_shutdown_timeout": CLOSE_S,
        }
        if not accepted:
            words["server_hostname"] = self.server_names.get(hop, hop.host)
        return words

    def _lost_soon(self, hop: Hop, why: str) -> None:
        """The user agent is told once it is done with what it is doing."""
        self.on_trouble("connection failed", why, hop)
        self._loop.call_soon(self._lost, hop, why)

    def _lost(self, hop: Hop, why: str) -> None:
        self.losing = why
        try:
            self._on_event(ConnectionLost(hop, why))
        finally:
            self.losing = ""

    # -- what connections say -----------------------------------------------------------------

    def begun(self, connection: Connection) -> bool:
        """A connection is there; false where another has its place."""
        if connection.hop in self._open:
            return False
        if not connection.accepted:
            opening = self._opening.get(connection.hop)
            if opening is None:
                return False
            for data in opening.waiting:
                connection.write(data)
        self._open[connection.hop] = connection
        self._look_again(connection)
        return True

    def heard(self, connection: Connection, data: bytes) -> None:
        """One message."""
        self._on_event(DatagramReceived(data, connection.hop, connection.names))
        self._guests.heard(connection.hop)
        self._look_again(connection)

    def is_guest(self, hop: Hop) -> bool:
        """Whether it is a connection of nobody that is known."""
        return hop in self._guests

    def is_hidden_from(self, connection: Connection) -> bool:
        """Whether its peer is not to be told anything."""
        return self._standing(connection.hop, connection.names) is Standing.NOBODY

    def _look_again(self, connection: Connection) -> None:
        """It may have shown who it is."""
        hop = connection.hop
        if hop in self._guests and self._standing(hop, connection.names) is Standing.KNOWN:
            self._guests.gone(hop)

    def ended(self, connection: Connection, why: str) -> None:
        """A connection is gone."""
        if connection.accepted:
            self._count(connection.hop, -1)
        if self._open.get(connection.hop) is connection:
            del self._open[connection.hop]
            self._lost(connection.hop, why)

    # -- the end ------------------------------------------------------------------------------

    def end(self, hop: Hop) -> None:
        """Close one connection once what was sent is out."""
        connection = self._open.get(hop)
        if connection is not None:
            connection.close()

    def drop(self) -> None:
        """Listen no more."""
        for listener, _ in self._listeners:
            self._loop.remove_reader(listener)
            listener.close()
        self._listeners.clear()

    async def close(self) -> None:
        """Take no more, let what was sent go out for a moment, and close everything."""
        self.drop()
        tasks = [*self._accepting, *(one.task for one in self._opening.values())]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._opening.clear()
        for connection in list(self._open.values()):
            connection.close()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(CLOSE_S):
                while self._open:
                    await asyncio.sleep(0.01)
        for connection in list(self._open.values()):
            connection.abort()
        await asyncio.sleep(0)


def _family(hop: Hop) -> socket.AddressFamily:
    return socket.AF_INET6 if hop.family == 6 else socket.AF_INET  # noqa: PLR2004


def _tune(sock: socket.socket, options: ConnectionOptions) -> None:
    """Dead peers, and such that never read, are found by the kernel too."""
    with contextlib.suppress(OSError):
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, options.max_unread)
        unread_ms = int(options.unread_s * 1_000)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, unread_ms)


def _why(error: Exception) -> str:
    """Why a connection failed, in words that say nothing of what was sent."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"TLS: certificate refused: {error.verify_message}"
    if isinstance(error, ssl.SSLError):
        return f"TLS: {(error.reason or 'failed').lower().replace('_', ' ')}"
    if isinstance(error, ConnectionRefusedError):
        return NOTHING_LISTENS
    return getattr(error, "strerror", "") or str(error) or type(error).__name__
