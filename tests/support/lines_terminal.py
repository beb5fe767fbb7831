"""`telebank lines` in a terminal of its own: what it writes, and what keys do to it."""

import contextlib
import fcntl
import os
import pty
import re
import select
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

SCREEN_ON, SCREEN_OFF = "\x1b[?1049h", "\x1b[?1049l"
PATIENCE_S = 30.0
_ESCAPE = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


def plain(written: str) -> str:
    """Without what steers the terminal."""
    return _ESCAPE.sub("", written).replace("\r", "")


@dataclass
class Terminal:
    """One run of the command."""

    process: subprocess.Popen[bytes]
    descriptor: int
    written: str = ""

    def until(self, words: str) -> str:
        """Read on until these are among what was written since the last `until`; that."""
        began, deadline = len(self.written), time.monotonic() + PATIENCE_S
        while words not in plain(self.written[began:]):
            assert time.monotonic() < deadline, plain(self.written)[-3000:]
            assert self._read(), f"it ended: {plain(self.written)[-3000:]}"
        return self.written[began:]

    def press(self, keys: str) -> None:
        """Type these."""
        os.write(self.descriptor, keys.encode())

    def resize(self, columns: int, rows: int) -> None:
        """Another size of the terminal."""
        size = struct.pack("HHHH", rows, columns, 0, 0)
        fcntl.ioctl(self.descriptor, termios.TIOCSWINSZ, size)

    def echoes(self) -> bool:
        """Whether the terminal is as it was: it shows what is typed."""
        flags: int = termios.tcgetattr(self.descriptor)[3]
        return bool(flags & termios.ECHO and flags & termios.ICANON)

    def end(self) -> int:
        """Read to its end; the exit code."""
        deadline = time.monotonic() + PATIENCE_S
        while self.process.poll() is None:
            assert time.monotonic() < deadline, "it does not end"
            self._read()
        while self._read():
            pass
        return self.process.returncode

    def _read(self) -> bool:
        """Whether it may write more."""
        ready, _, _ = select.select([self.descriptor], [], [], 0.1)
        if ready:
            with contextlib.suppress(OSError):  # EIO: all that had the terminal are gone
                self.written += os.read(self.descriptor, 65_536).decode("utf-8", "replace")
                return True
        return self.process.poll() is None


@contextlib.contextmanager
def terminal(data: Path, *words: str, columns: int = 140, rows: int = 24) -> Iterator[Terminal]:
    """`telebank lines` over the node at `data`; ended by its process id if it still runs."""
    ours, theirs = pty.openpty()
    environment = {**os.environ, "TERM": "xterm-256color", "TELEBANK_DATA": str(data)}
    environment["LC_ALL"] = "C.UTF-8"
    for name in ("COLUMNS", "LINES", "NO_COLOR"):
        environment.pop(name, None)
    size = struct.pack("HHHH", rows, columns, 0, 0)
    fcntl.ioctl(ours, termios.TIOCSWINSZ, size)
    process = subprocess.Popen(
        [sys.executable, "-m", "telebank", "lines", *words],
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        env=environment,
        start_new_session=True,
    )
    try:
        yield Terminal(process, ours)
    finally:
        if process.poll() is None:
            process.kill()
        process.wait()
        os.close(ours)
        os.close(theirs)
