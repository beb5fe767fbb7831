"""Event streams to browsers (text/event-stream), one thread each while a screen is open.

A stream waits for three things at once: the node's answer, the browser's going away, and a word
from here (another tab took over, the console stops). One login has one stream a screen: the newest.
"""

import os
import secrets
import select
import socket
import threading
import time
from collections.abc import Generator, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final, Literal

import msgspec

from telebank.agents.board import Board, Changes
from telebank.console.desk.board_line import BoardLine, LoginOver, NotAllowed, Place
from telebank.ops.control_client import NodeAway

STREAMS: Final = "telebank_streams"
"""Of `Flask.extensions`."""
WAIT_S = 15
"""So long the node may keep a question, in seconds."""
PATIENCE_S = WAIT_S + 5.0
"""After so long it counts as away."""
BEAT_S = 5.0
"""Between signs of life, to which the page of a desk answers (`/desk/here`)."""
AGAIN_S = 1.0
"""Between tries while the node is away."""
GAP_S = 0.1
"""Between two answers of the node: changes that come together go together."""
DEAD_S = 20
"""A browser that acknowledged nothing for so long is gone (TCP_USER_TIMEOUT, tcp(7))."""
Why = Literal["", "taken", "closing"]


@dataclass(slots=True, eq=False)
class Stream:
    """One screen that looks."""

    of: tuple[str, str]
    """Token of the login, and the screen."""
    id: str = field(default_factory=lambda: secrets.token_hex(8))
    why: Why = ""
    """Why it is to end."""
    wake: int = field(default_factory=lambda: os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC))

    def end(self, why: Why) -> None:
        """From another thread."""
        self.why = self.why or why
        os.eventfd_write(self.wake, 1)


class Streams:
    """All of them; `most` at once."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._lock = threading.RLock()  # a signal may come while this thread has it
        self._open: dict[tuple[str, str], Stream] = {}
        self._all: set[Stream] = set()
        self._closed = False

    def __len__(self) -> int:
        return len(self._all)

    def open(self, token: str, screen: str) -> Stream | None:
        """A new one; the one that this login had for the screen ends. None: too many are open."""
        with self._lock:
            before = self._open.get((token, screen))
            if self._closed or (before is None and len(self._all) >= self._most):
                return None
            if before is not None:
                before.end("taken")
            stream = self._open[token, screen] = Stream((token, screen))
            self._all.add(stream)
            return stream

    def has(self, token: str, stream: str) -> bool:
        """Whether this stream is this login's, and open."""
        with self._lock:
            found = self._open.get((token, "desk"))
            return found is not None and found.id == stream

    def shut(self, stream: Stream) -> None:
        """It has ended."""
        with self._lock:
            if stream not in self._all:
                return
            self._all.remove(stream)
            if self._open.get(stream.of) is stream:
                del self._open[stream.of]
            os.close(stream.wake)

    def close(self) -> None:
        """End them all; no new ones."""
        with self._lock:
            self._closed = True
            for stream in self._all:
                stream.end("closing")


class Feed:
    """What one stream sends. `browser`: its socket, where the server gives it."""

    def __init__(self, stream: Stream, line: BoardLine, browser: socket.socket | None) -> None:
        self._stream = stream
        self._line = line
        self._poll = select.poll()
        self._poll.register(stream.wake, select.POLLIN)
        self._browser = -1 if browser is None else browser.fileno()
        if browser is not None:
            self._poll.register(browser, select.POLLRDHUP)
            if browser.family in (socket.AF_INET, socket.AF_INET6):
                given = (socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, DEAD_S * 1_000)
                browser.setsockopt(*given)
        self._beat_at = time.monotonic() + BEAT_S
        self._seen: Place | None = None
        self._away = False

    def run(self, place: Place | None, csrf: str) -> Iterator[bytes]:
        """Events until somebody ends it."""
        yield event("hello", {"csrf": csrf, "stream": self._stream.id, "now": _now()})
        self._seen = place
        try:
            while (yield from self._once()):
                pass
        except LoginOver:
            yield event("login", {})
        except NotAllowed:
            yield event("denied", {})

    def _once(self) -> Generator[bytes, None, bool]:
        """One answer of the node, or its silence; whether to go on."""
        seen = self._seen
        try:
            self._line.ask(seen, WAIT_S)
            if not (yield from self._until(PATIENCE_S, answer=True)):
                return False
            found = self._line.answer()
        except NodeAway as error:
            self._line.close()
            if not self._away:
                yield event("away", {"why": str(error), "now": _now()})
            self._away = True
            return (yield from self._until(AGAIN_S))
        if isinstance(found, Changes) and (seen is None or found.boot != seen.boot):
            self._seen = None  # another run of the node: its whole board
            return True
        if self._away or _news(found, seen):
            yield event("board", found, Place(found.boot, found.at))
        self._seen, self._away = Place(found.boot, found.at), False
        return (yield from self._until(GAP_S))

    def _until(self, seconds: float, *, answer: bool = False) -> Generator[bytes, None, bool]:
        """Wait, with signs of life; whether to go on. Raises `NodeAway` where no answer came."""
        end = time.monotonic() + seconds
        if answer:
            self._poll.register(self._line.fileno(), select.POLLIN)
        try:
            while True:
                now = time.monotonic()
                if now >= self._beat_at:
                    self._beat_at = now + BEAT_S
                    yield event("beat", {"now": _now()})
                left = min(end, self._beat_at) - now
                ready = dict(self._poll.poll(max(0.0, left) * 1_000))
                if self._stream.wake in ready:
                    yield event(self._stream.why or "closing", {})
                    return False
                if self._browser in ready:
                    return False
                if ready:
                    return True
                if time.monotonic() >= end:
                    if answer:
                        raise NodeAway("the node does not answer", "timeout")
                    return True
        finally:
            if answer:
                self._poll.unregister(self._line.fileno())


def event(kind: str, data: object, place: Place | None = None) -> bytes:
    """One event (HTML, section 9.2.5); JSON has no line's end."""
    id_line = b"" if place is None else b"id: %s\n" % str(place).encode()
    return b"event: %s\n%sdata: %s\n\n" % (kind.encode(), id_line, msgspec.json.encode(data))


def _news(found: Board | Changes, seen: Place | None) -> bool:
    if isinstance(found, Board):
        return True
    return seen is None or bool(found.rows or found.gone) or found.at != seen.at


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds")
