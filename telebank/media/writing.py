"""Between a media worker and the process that writes its recordings: messages, and the worker's
end. The process is started with the first recording, and again should it die."""

import itertools
import logging
import os
import select
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import msgspec

from telebank.workers.link import Link, LinkGone

MAX_BACKLOG = 1_000
"""Messages (each a second of a call, 32 kB) kept for a writer that is slow, at most; what
comes beyond is lost, and marked so in the recording."""
KEY_BYTES = 32
"""Of AES-256."""
MarkKind = Literal["paused", "secret", "lost"]

_log = logging.getLogger(__name__)


class _Message(msgspec.Struct, frozen=True, tag=True, kw_only=True):
    """`number`: of a recording, given by the worker."""

    number: int
    sequence: int = 0


class Begin(_Message, frozen=True, tag=True, kw_only=True):
    """Begin a recording: see `recording.Recording`."""

    path: str
    key: bytes
    wrapped: str
    begun: str
    note: str

    def __repr__(self) -> str:
        return f"Begin(number={self.number}, path={self.path!r})"


class Sound(_Message, frozen=True, tag=True, kw_only=True):
    """Stereo samples, 16 bits in the machine's order, from sample `at` on."""

    at: int
    samples: bytes


class Left(_Message, frozen=True, tag=True, kw_only=True):
    """What was left out: see `recording.Mark`."""

    kind: MarkKind
    start: int
    end: int


class End(_Message, frozen=True, tag=True, kw_only=True):
    """The recording is over; `cut`: why too early."""

    cut: str = ""


class Done(_Message, frozen=True, tag=True, kw_only=True):
    """The writer's answer to `End`, or what became of a recording that failed."""

    path: str
    seconds: float
    sha256: str
    sealed_sha256: str
    size: int
    marks: tuple[tuple[str, int, int], ...]
    cut: bool
    error: str


ToWriter = Begin | Sound | Left | End
OnDone = Callable[[Done], None]


class _WriterLink(Link[Done]):
    @property
    def backlog(self) -> int:
        """Messages that wait."""
        return len(self._waiting)


@dataclass(slots=True)
class _Writing:
    path: str
    on_done: OnDone


class Writer:
    """The worker's end. Nothing here waits, but for the start of the process (some 2 ms)."""

    def __init__(self) -> None:
        self._link: _WriterLink | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self._numbers = itertools.count(1)
        self._writing: dict[int, _Writing] = {}
        self._broken = False
        """The process is gone, and its recordings are not told so yet."""
        self.lost = 0
        """Pieces of sound for which the writer was too slow."""

    def __len__(self) -> int:
        return len(self._writing)

    def begin(self, begin: Begin, on_done: OnDone) -> int:
        """Start a recording; its number. `on_done` is called once, whatever comes of it. Raises
        `OSError` where no process can be started."""
        if self._broken:
            self._gone()
        if self._link is None:
            self._start()
        number = next(self._numbers)
        self._writing[number] = _Writing(begin.path, on_done)
        self.hand(msgspec.structs.replace(begin, number=number))
        return number

    def hand(self, message: ToWriter) -> None:
        """A message for the writer; sound is lost where too much waits. That the process is gone is
        told by the next `poll`: whoever hands something over is in the middle of its recordings."""
        if self._link is None or self._broken or message.number not in self._writing:
            return
        if isinstance(message, Sound) and self._link.backlog >= MAX_BACKLOG:
            self.lost += 1
            return
        try:
            self._link.send(message)
        except LinkGone:
            self._broken = True

    def poll(self) -> None:
        """Send what waits, and hear what was finished. At least each half second."""
        if self._broken:
            self._gone()
        if self._link is None:
            return
        try:
            self._link.flush()
            for done in self._link.receive():
                self._done(done)
        except (LinkGone, msgspec.DecodeError):
            self._gone()

    def drain(self, seconds: float) -> None:
        """The worker ends: wait, so long at most, for recordings that were ended."""
        if self._link is None or not self._writing:
            return
        until = time.monotonic() + seconds
        while self._link is not None and self._writing and time.monotonic() < until:
            ready = select.poll()  # its descriptor may be beyond what select() knows
            wanted = select.POLLIN | (select.POLLOUT if self._link.waiting else 0)
            ready.register(self._link.endpoint, wanted)
            ready.poll(1_000 * max(0.0, until - time.monotonic()))
            self.poll()

    def _done(self, done: Done) -> None:
        writing = self._writing.pop(done.number, None)
        if writing is not None:
            writing.on_done(done)

    def _start(self) -> None:
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            self._process = subprocess.Popen(  # noqa: S603 - our own module
                [sys.executable, "-m", "telebank.media.writer", "--fd", str(theirs.fileno())],
                pass_fds=(theirs.fileno(),),
                stdin=subprocess.DEVNULL,
                env={**os.environ, "OPENBLAS_NUM_THREADS": "1"},
            )
        self._link = _WriterLink(ours, msgspec.msgpack.Decoder(Done))

    def _gone(self) -> None:
        """The writer died: everything under way is cut; the next recording has a new one."""
        _log.error("the writer of recordings is gone; %d are cut", len(self._writing))
        if self._link is not None:
            self._link.endpoint.close()
        self._link, self._broken = None, False
        if self._process is not None:
            self._process.kill()
            self._process.wait()
        writings, self._writing = self._writing, {}
        for number, writing in writings.items():
            writing.on_done(
                Done(
                    number=number,
                    path=writing.path + ".part",
                    seconds=0.0,
                    sha256="",
                    sealed_sha256="",
                    size=0,
                    marks=(),
                    cut=True,
                    error="the process that writes recordings died",
                )
            )
