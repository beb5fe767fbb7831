"""A gunicorn worker whose threads wait for nobody.

A thread of gunicorn's own worker reads a request as slowly as the browser sends it, so a few slow
ones stop every page. Here the worker's loop gathers each request first: its head, and its body, or
the first `GATHERED` bytes of a large one, which is as much as a stranger may send at all. More is
read from the thread, until a deadline, and only where the application wants it: it asks first who
sends. What is left of a body when it has been answered is read and thrown away in the loop, so
that the browser sees the answer and no reset connection. One request per connection.
"""

import contextlib
import re
import select
import socket
import struct
import time
from dataclasses import dataclass, field
from functools import partial
from selectors import EVENT_READ
from typing import Any, Final

from gunicorn import http
from gunicorn.workers.gthread import ThreadWorker

GATHERED: Final = 65_536
"""Bytes of a body that are here before a thread sees the request, or all of a smaller one."""
MAX_HEAD: Final = 32_768
"""Bytes of the request line and headers."""
GATHER_S, READ_S, LINGER_S = 10.0, 120.0, 10.0
"""Longest time for the head and the first of the body; for the rest of it; and for what nobody
reads, in seconds."""
SEND_S = 10
"""Longest time in which a browser takes nothing of an answer, in seconds."""
WAITING = 400
"""Connections that are gathered at once; one more, and the oldest is closed."""
_PART = 65_536
_END = b"\r\n\r\n"
_CHUNKED = re.compile(rb"\r\ntransfer-encoding[ \t]*:", re.IGNORECASE)
_LENGTH = re.compile(rb"\r\ncontent-length[ \t]*:[ \t]*([0-9]{1,18})[ \t]*\r\n", re.IGNORECASE)


class Unfit(ValueError):  # noqa: N818 - says what it is
    """A request that is not gathered: its answer."""


@dataclass(slots=True)
class Gathering:
    """A request on its way."""

    until: float
    """Monotonic seconds."""
    got: bytearray = field(default_factory=bytearray)
    _whole: int = 0
    """Bytes that are to be here; 0: the head is not."""

    def add(self, part: bytes) -> bool:
        """Whether enough is here. Raises `Unfit`."""
        begin = max(0, len(self.got) - len(_END) + 1)
        self.got += part
        if not self._whole:
            end = self.got.find(_END, begin)
            if (end if end >= 0 else len(self.got)) > MAX_HEAD:
                raise Unfit("431 Request Header Fields Too Large")
            if end >= 0:
                self._whole = end + len(_END) + min(_length(bytes(self.got[: end + 2])), GATHERED)
        return 0 < self._whole <= len(self.got)


def _length(head: bytes) -> int:
    if _CHUNKED.search(head):
        raise Unfit("411 Length Required")
    found = _LENGTH.search(head)
    return int(found[1]) if found else 0


class Source:
    """What a parser reads: what was gathered, then the socket, until `READ_S` are over."""

    def __init__(self, sock: socket.socket, first: bytes) -> None:
        self._sock = sock
        self._first = memoryview(first)
        self._until: float | None = None

    def recv(self, most: int) -> bytes:
        """Some bytes; none where no more came in time."""
        if self._first:
            part, self._first = bytes(self._first[:most]), self._first[most:]
            return part
        now = time.monotonic()
        if self._until is None:
            self._until = now + READ_S
        poll = select.poll()
        poll.register(self._sock, select.POLLIN)
        ready = poll.poll(max(0.0, self._until - now) * 1_000)
        return self._sock.recv(most) if ready else b""


class GatheringWorker(ThreadWorker):  # type: ignore[misc]
    """See the module; for `keepalive` 0, without TLS of its own."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._gathering: dict[Any, Gathering] = {}
        self._leaving: dict[Any, float] = {}

    def handle_exit(self, sig: Any, frame: Any) -> None:
        """It is to stop: streams end by themselves, and with them their threads."""
        self.app.leaving()
        super().handle_exit(sig, frame)

    def enqueue_req(self, conn: Any) -> None:
        """A connection: its request is gathered first."""
        conn.sock.setblocking(False)
        seconds = struct.pack("ll", SEND_S, 0)
        conn.sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, seconds)
        if len(self._gathering) >= WAITING:
            self._drop(next(iter(self._gathering)))
        self._gathering[conn] = Gathering(time.monotonic() + GATHER_S)
        self.poller.register(conn.sock, EVENT_READ, partial(self._more, conn))

    def finish_request(self, conn: Any, fs: Any) -> None:
        """It is answered: no more goes out, and what still comes is thrown away."""
        if not fs.cancelled() and (error := fs.exception()) is not None:
            self.log.error("a request ended with %r", error)
        self._leave(conn)

    def murder_pending(self) -> None:
        """Once a second: who takes too long."""
        super().murder_pending()
        now = time.monotonic()
        slow = [conn for conn, one in self._gathering.items() if one.until <= now]
        for conn in [*slow, *(conn for conn, until in self._leaving.items() if until <= now)]:
            self._drop(conn)

    def _more(self, conn: Any, sock: socket.socket) -> None:
        part = _received(sock)
        if part is None:
            return
        if not part:
            self._drop(conn)
            return
        request = self._gathering[conn]
        try:
            enough = request.add(part)
        except Unfit as unfit:
            self._refuse(conn, str(unfit))
            return
        if enough:
            del self._gathering[conn]
            self.poller.unregister(sock)
            conn.parser = http.get_parser(self.cfg, Source(sock, bytes(request.got)), conn.client)
            conn.initialized = conn.data_ready = True
            super().enqueue_req(conn)

    def _refuse(self, conn: Any, status: str) -> None:
        del self._gathering[conn]
        self.poller.unregister(conn.sock)
        told = f"HTTP/1.1 {status}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"
        with contextlib.suppress(OSError):  # `_leave` sees that it is gone
            conn.sock.send(told.encode("ascii"))
        self._leave(conn)

    def _leave(self, conn: Any) -> None:
        try:
            conn.sock.setblocking(False)
            conn.sock.shutdown(socket.SHUT_WR)
            self.poller.register(conn.sock, EVENT_READ, partial(self._rest, conn))
        except (OSError, ValueError):  # the browser is gone
            self.nr_conns -= 1
            conn.close()
            return
        self._leaving[conn] = time.monotonic() + LINGER_S

    def _rest(self, conn: Any, sock: socket.socket) -> None:
        if _received(sock) == b"":
            self._drop(conn)

    def _drop(self, conn: Any) -> None:
        self._gathering.pop(conn, None)
        self._leaving.pop(conn, None)
        self.poller.unregister(conn.sock)
        self.nr_conns -= 1
        conn.close()


def _received(sock: socket.socket) -> bytes | None:
    """What came; empty: no more comes; None: nothing now."""
    try:
        return sock.recv(_PART)
    except BlockingIOError:
        return None
    except OSError:
        return b""
