"""A command on a real terminal of a width of one's own."""

import fcntl
import os
import pty
import re
import struct
import subprocess
import termios
from collections.abc import Callable, Sequence

LINES = 40
PATIENCE_S = 60
ANSI = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
"""What moves the cursor or colours; none of it is text."""


def at_terminal(
    command: Sequence[str], width: int, on_text: Callable[[str], None] = lambda _text: None
) -> tuple[int, str]:
    """Run a command on a terminal so many cells wide: its exit code, and all that it showed.
    `on_text` hears all of that each time there is more."""
    ours, its = pty.openpty()
    fcntl.ioctl(its, termios.TIOCSWINSZ, struct.pack("HHHH", LINES, width, 0, 0))
    environment = {name: told for name, told in os.environ.items() if name != "COLUMNS"}
    environment["TERM"] = "xterm"
    with subprocess.Popen(command, env=environment, stdin=its, stdout=its, stderr=its) as process:
        os.close(its)
        told = b""
        while part := _read(ours):
            told += part
            on_text(_text(told))
        code = process.wait(PATIENCE_S)
    os.close(ours)
    return code, _text(told)


def _text(told: bytes) -> str:
    return ANSI.sub("", told.decode("utf-8", "ignore"))


def _read(terminal: int) -> bytes:
    try:
        return os.read(terminal, 65_536)
    except OSError:  # Linux says so that the other end is closed
        return b""
