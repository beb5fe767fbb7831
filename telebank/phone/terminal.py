"""The phone at a terminal: words as they are heard, keys as they are typed, sound where it can."""

import asyncio
import contextlib
import fcntl
import os
import shutil
import subprocess
import sys
import termios
import tty
from collections.abc import Iterator
from pathlib import Path

from rich.console import Console

from telebank.phone.hearing import ClipHeard
from telebank.phone.phone import PhoneCall
from telebank.phone.report import CallReport, glue, named

KEYS = frozenset("0123456789*#")
QUIT = frozenset("qQ\x03\x04")
PIPE_BYTES = 4_096
"""What a player may be behind, half a second: sound that comes later than that is of no use."""


class Teller:
    """Prints words as they are heard, a line a prompt.

    A prompt that begins like others waits until it is known which it is."""

    def __init__(self, out: Console, *, quiet: bool) -> None:
        self._out = out
        self._quiet = quiet
        self._open = False
        self._waiting: list[ClipHeard] = []

    def heard(self, clip: ClipHeard) -> None:
        """Add a clip's words."""
        if self._quiet:
            return
        _, prompt, begins = named(clip.key)
        if begins or not (self._open or self._waiting):
            self.end_line()
            self._waiting.append(clip)
            if clip.shared:
                return
        elif self._waiting:
            self._waiting.append(clip)
            if clip.shared or not prompt:
                return
        self._flush(prompt)
        if clip not in self._waiting:
            self._say(clip)
        self._waiting.clear()

    def _flush(self, prompt: str) -> None:
        """Print what waited, under the name that it turned out to have."""
        if self._waiting:
            self._out.print(f"[dim]{prompt:>18}[/]  ", end="")
        for one in self._waiting:
            self._say(one)

    def _say(self, clip: ClipHeard) -> None:
        language, _, _ = named(clip.key)
        space = glue(language, clip.text) if self._open else ""
        self._out.print(f"{space}{clip.text}{'' if clip.whole else ' …'}", end="", markup=False)
        self._open = True

    def end_line(self) -> None:
        """Finish the line that is open; what is not known for certain is marked so."""
        if self._waiting:
            self._flush(f"{named(self._waiting[0].key)[1]}?")
            self._waiting.clear()
        if self._open:
            self._out.print()
        self._open = False


async def talk(call: PhoneCall) -> CallReport:
    """Keys from standard input, which must be a terminal, until the call is over."""
    loop = asyncio.get_running_loop()
    descriptor = sys.stdin.fileno()

    def typed() -> None:
        for char in os.read(descriptor, 32).decode("ascii", "ignore"):
            if char in KEYS:
                call.press(char)
            elif char in QUIT:
                call.hang_up()

    with _raw(descriptor):
        loop.add_reader(descriptor, typed)
        try:
            return await call.run(())
        finally:
            loop.remove_reader(descriptor)


@contextlib.contextmanager
def _raw(descriptor: int) -> Iterator[None]:
    """Keys one by one, not echoed: they may be a PIN. Ctrl-C comes as a key, and hangs up."""
    before = termios.tcgetattr(descriptor)
    tty.setcbreak(descriptor)
    mode = termios.tcgetattr(descriptor)
    mode[3] &= ~termios.ISIG
    termios.tcsetattr(descriptor, termios.TCSADRAIN, mode)
    try:
        yield
    finally:
        termios.tcsetattr(descriptor, termios.TCSADRAIN, before)


class Loudspeaker:
    """Plays G.711 as it comes, through ALSA's aplay; without aplay nothing is heard."""

    def __init__(self) -> None:
        self._player: subprocess.Popen[bytes] | None = None

    @staticmethod
    def there() -> bool:
        """Whether this machine has aplay."""
        return shutil.which("aplay") is not None

    def play(self, codec: str, payload: bytes) -> None:
        """Play one packet; what the player cannot take now is left out."""
        if self._player is None:
            self._player = _start(codec)
        pipe = self._player.stdin
        assert pipe is not None
        with contextlib.suppress(BlockingIOError, BrokenPipeError):
            os.write(pipe.fileno(), payload)

    def close(self) -> None:
        """Stop playing."""
        player, self._player = self._player, None
        if player is not None:
            assert player.stdin is not None
            with contextlib.suppress(BrokenPipeError):
                player.stdin.close()
            try:
                player.wait(1.0)
            except subprocess.TimeoutExpired:
                player.kill()
                player.wait()


def _start(codec: str) -> subprocess.Popen[bytes]:
    law = "A_LAW" if codec == "PCMA" else "MU_LAW"
    player = Path(shutil.which("aplay") or "aplay")
    process = subprocess.Popen(  # noqa: S603 - a program of the PATH with fixed words
        [str(player), "-q", "-t", "raw", "-f", law, "-r", "8000", "-c", "1", "-"],
        stdin=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    assert process.stdin is not None
    os.set_blocking(process.stdin.fileno(), False)
    with contextlib.suppress(OSError):
        fcntl.fcntl(process.stdin.fileno(), fcntl.F_SETPIPE_SZ, PIPE_BYTES)
    return process
