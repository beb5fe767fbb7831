"""One child process as its node sees it: launched, talked to over a socket, buried."""

import asyncio
import logging
import os
import socket
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

import msgspec

from telebank.workers.link import Link, LinkGone

START_TIMEOUT_S = 60.0
"""Seconds a new process has until its `Hello`. One that fails ends by itself and is not waited for;
on a machine where ten others want its core, reading numpy takes more than ten."""
LAST_BREATH_S = 0.3
"""Seconds for a process whose socket is closed to be gone by itself."""

Heard = TypeVar("Heard")

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Program(Generic[Heard]):
    """What to start, and how to talk to it."""

    name: str
    """As the log calls it: media worker."""
    module: str
    """Run by `python -m`; given `--fd`, the number of its end of the socket."""
    arguments: tuple[str, ...]
    version: int
    """Of the messages; a process that says `Hello` with another one is given up."""
    decoder: "msgspec.msgpack.Decoder[Heard]"
    """Of what it says."""
    shutdown: msgspec.Struct
    """The message that asks it to go."""


class Child(Generic[Heard]):
    """One process from its launch to its burial; a new one is another object."""

    def __init__(
        self,
        program: Program[Heard],
        on_message: Callable[[Heard], None],
        on_gone: Callable[[], None],
    ) -> None:
        """`on_gone` is called once, as soon as nothing can be heard from it any more."""
        self._program = program
        self._on_message = on_message
        self._on_gone = on_gone
        self._link: Link[Heard] | None = None
        self._process: asyncio.subprocess.Process | None = None
        self._writing = False
        self._greeted: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.gone: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        """Done once nothing can be heard from it any more."""

    def __str__(self) -> str:
        return f"{self._program.name} {self._process.pid if self._process else 0}"

    @property
    def pid(self) -> int:
        """Process id, 0 while none runs."""
        return self._process.pid if self._process and self._process.returncode is None else 0

    # -- life ---------------------------------------------------------------------------------

    async def launch(self) -> str:
        """Start it and wait until it is greeted; why it did not come up, or empty."""
        try:
            await self._launch()
        except OSError as error:
            self._disconnect()
            return f"no {self._program.name} can be started: {error}"
        await asyncio.wait(
            [self._greeted, self.gone], timeout=START_TIMEOUT_S, return_when=asyncio.FIRST_COMPLETED
        )
        if self._greeted.done():
            return ""
        await self.bury()
        return f"a {self._program.name} did not start: see its message in the log above"

    async def _launch(self) -> None:
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            self._link = Link(ours, self._program.decoder)
            words = ("-m", self._program.module, "--fd", str(theirs.fileno()))
            self._process = await asyncio.create_subprocess_exec(
                *(sys.executable, *words, *self._program.arguments),
                pass_fds=(theirs.fileno(),),
                stdin=asyncio.subprocess.DEVNULL,
                env={**os.environ, "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"},
            )
        asyncio.get_running_loop().add_reader(ours, self._readable)

    def greet(self, version: int) -> bool:
        """Its `Hello` has come. Whether it speaks as we do; it is given up if not."""
        if version != self._program.version:
            self.give_up(f"speaks version {version}, not {self._program.version}")
            return False
        if not self._greeted.done():
            self._greeted.set_result(None)
        return True

    async def shut_down(self, timeout_s: float) -> None:
        """Ask it to go, wait, then kill it."""
        self.send(self._program.shutdown)
        await asyncio.wait([self.gone], timeout=timeout_s)
        await self.bury()

    async def bury(self) -> None:
        """Take down what is left of it: its socket, itself."""
        self._disconnect()
        if self._process is not None:
            try:
                async with asyncio.timeout(LAST_BREATH_S):
                    await self._process.wait()
            except TimeoutError:
                self._process.kill()
                await self._process.wait()

    def give_up(self, why: str) -> None:
        """It is of no use any more; `gone` follows, and who waits for that buries it."""
        _log.error("%s %s; giving it up", self, why)
        self._disconnect()

    def _disconnect(self) -> None:
        link, self._link = self._link, None
        if link is not None:
            asyncio.get_running_loop().remove_reader(link.endpoint)
            self._write_later(link.endpoint, False)
            link.endpoint.close()
        if not self.gone.done():
            self.gone.set_result(None)
            self._on_gone()

    # -- the socket ---------------------------------------------------------------------------

    def send(self, message: msgspec.Struct) -> None:
        """Send, or keep for later; nothing happens once it is gone."""
        if self._link is None:
            return
        try:
            self._link.send(message)
        except LinkGone as error:
            self.give_up(f"takes no message ({error})")
        else:
            self._write_later(self._link.endpoint, self._link.waiting)

    def _writable(self) -> None:
        assert self._link is not None
        try:
            self._link.flush()
        except LinkGone:
            self._disconnect()
        else:
            self._write_later(self._link.endpoint, self._link.waiting)

    def _write_later(self, endpoint: socket.socket, later: bool) -> None:
        if later == self._writing:
            return
        self._writing = later
        loop = asyncio.get_running_loop()
        if later:
            loop.add_writer(endpoint, self._writable)
        else:
            loop.remove_writer(endpoint)

    def _readable(self) -> None:
        """Read what has come; a closed or nonsensical process is given up."""
        assert self._link is not None
        try:
            for message in self._link.receive():
                self._on_message(message)
                if self.gone.done():
                    return
        except LinkGone:
            self._disconnect()
        except msgspec.DecodeError as error:
            self.give_up(f"is not understood ({error})")
