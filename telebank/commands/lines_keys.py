"""Single keys of a terminal, without Enter."""

import os
import select
import sys
import termios
import time
import tty
from typing import Self


class Keys:
    """Keys come one by one while this is open; the terminal is put back at the end."""

    def __init__(self) -> None:
        self._before: list[int | list[bytes | int]] | None = None
        self._there = sys.stdin.isatty()

    def __enter__(self) -> Self:
        if self._there:
            self._before = termios.tcgetattr(sys.stdin)
            tty.setcbreak(sys.stdin)
        return self

    def __exit__(self, *error: object) -> None:
        if self._before is not None:
            termios.tcsetattr(sys.stdin, termios.TCSADRAIN, self._before)

    def wait(self, seconds: float) -> str:
        """The key that comes within so many seconds, or empty."""
        if not self._there:
            time.sleep(seconds)
            return ""
        ready, _, _ = select.select([sys.stdin], [], [], seconds)
        if not ready:
            return ""
        key = os.read(sys.stdin.fileno(), 1)
        self._there = bool(key)  # a terminal that is gone is read no more
        return key.decode("latin-1")
