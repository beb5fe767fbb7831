"""Programs that are not ours: looked for, started, watched and ended by process id."""

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import pytest

POLL_S = 0.05
WAIT_S = 60.0
STOP_S = 10.0
_T = TypeVar("_T")


def needed(program: str, package: str) -> str:
    """Its path. Without it the test fails and says what to install."""
    found = shutil.which(program, path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/bin")
    if found is None:
        pytest.fail(f"{program} is not installed: `scripts/setup long` (Debian package {package})")
    return found


def until(look: Callable[[], _T], what: str, seconds: float = WAIT_S) -> _T:
    """Look until it is true; AssertionError says `what` was waited for and was seen last."""
    deadline = time.monotonic() + seconds
    while not (found := look()):
        assert time.monotonic() < deadline, f"not within {seconds} s: {what}; last: {found!r}"
        time.sleep(POLL_S)
    return found


def free_place(host: str = "127.0.0.1") -> tuple[str, int]:
    """A port of `host` that nobody has now, over UDP and TCP alike."""
    while True:
        with contextlib.ExitStack() as stack:
            one = stack.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
            other = stack.enter_context(socket.socket(socket.AF_INET, socket.SOCK_STREAM))
            one.bind((host, 0))
            port = int(one.getsockname()[1])
            with contextlib.suppress(OSError):
                other.bind((host, port))
                return host, port


@dataclass(frozen=True, slots=True)
class Program:
    """A running program and what it has said."""

    process: subprocess.Popen[str]
    log: Path

    def said(self) -> str:
        """Everything so far."""
        return self.log.read_text(encoding="utf-8", errors="replace")

    def until_said(self, words: str, seconds: float = WAIT_S, times: int = 1) -> None:
        """Wait for words in what it says."""

        def look() -> bool:
            found = self.said()
            assert self.process.poll() is None or words in found, f"it ended:\n{found[-2000:]}"
            return found.count(words) >= times

        try:
            until(look, words, seconds)
        except AssertionError as error:
            raise AssertionError(f"{error}\n{self.said()[-4000:]}") from None

    def type(self, line: str) -> None:
        """A line on its standard input."""
        assert self.process.stdin is not None
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()


@contextmanager
def program(
    words: Sequence[str], log: Path, environment: Mapping[str, str] | None = None
) -> Iterator[Program]:
    """Run it; ended by SIGTERM, and by SIGKILL where that does not do."""
    with log.open("wb") as out:
        process = subprocess.Popen(
            words,
            stdin=subprocess.PIPE,
            stdout=out,
            stderr=out,
            text=True,
            cwd=log.parent,
            env={**os.environ, **(environment or {})},
        )
    try:
        yield Program(process, log)
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        with contextlib.suppress(BrokenPipeError):
            if process.stdin is not None:
                process.stdin.close()
