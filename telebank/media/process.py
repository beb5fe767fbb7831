"""One media worker as its node sees it: the process, the socket to it, its channels.

The process is started again whenever it is gone; what was on its channels then is told as
`WorkerLost`.
"""

import asyncio
import itertools
import logging
import os
import socket
import sys
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import msgspec

from telebank import wire
from telebank.media.options import MediaOptions

MAX_WAITING = 10_000
"""Messages kept for a worker that does not read; beyond, it is killed and replaced."""
BUFFER = 1 << 20
"""Bytes of socket buffer asked for."""
MAX_UNANSWERED = 3
"""A worker that leaves this many `Open` in a row without answer is killed and replaced."""
RESTART_PAUSES_S = (0.0, 0.2, 0.5, 1.0, 5.0)
"""Seconds before the n-th start in a row of a worker that never got as far as `Hello`."""
START_TIMEOUT_S = 10.0
"""Seconds a new worker has until its `Hello`, on a busy machine too."""
LAST_BREATH_S = 0.3
"""Seconds for a worker whose socket is closed to be gone by itself."""

_log = logging.getLogger(__name__)


class MediaError(RuntimeError):
    """The media plane cannot start; the text says what to do."""


@dataclass(frozen=True, slots=True)
class WorkerLost:
    """The worker of a channel died; the channel is gone without a `Closed`."""

    channel: int


Event = (
    wire.Key
    | wire.PlayEnded
    | wire.Recorded
    | wire.MediaLost
    | wire.Stats
    | wire.Closed
    | WorkerLost
)
OnEvent = Callable[[Event], None]


class WorkerProcess:
    """One worker process after another, the socket to it, and the channels it has."""

    def __init__(self, options: MediaOptions, bank_dir: Path, offset: float) -> None:
        self._options = options
        self._bank_dir = bank_dir
        self._offset = offset
        self._encoder = msgspec.msgpack.Encoder()
        self._decoder = msgspec.msgpack.Decoder(wire.FromWorker)
        self._listeners: dict[int, OnEvent] = {}
        self._opening: dict[int, asyncio.Future[wire.Opened | wire.OpenFailed]] = {}
        self._hello: asyncio.Future[None] | None = None
        self._gone: asyncio.Future[None] | None = None
        self._endpoint: socket.socket | None = None
        self._process: asyncio.subprocess.Process | None = None
        self._keeper: asyncio.Task[None] | None = None
        self._waiting: deque[bytes] = deque()
        self._sequence = 0
        self._unanswered = 0
        self._writing = False
        self._closing = False
        self._banks: dict[int, Path] = {}
        self._opening_banks: dict[int, asyncio.Future[str]] = {}
        self.ready = False
        self.stats: wire.WorkerStats | None = None

    @property
    def pid(self) -> int:
        """Process id, 0 while none runs."""
        return self._process.pid if self._process and self._process.returncode is None else 0

    @property
    def load(self) -> int:
        """Channels open or opening."""
        return len(self._listeners)

    # -- life ---------------------------------------------------------------------------------

    async def start(self) -> None:
        """First start; afterwards a task keeps the worker up."""
        await self._spawn()
        self._keeper = asyncio.create_task(self._keep(), name="media worker keeper")

    async def close(self) -> None:
        """Ask the process to go, wait, then kill it."""
        self._closing = True
        self.send(wire.Shutdown())
        if self._gone is not None and self._endpoint is not None:
            await asyncio.wait([self._gone], timeout=self._options.open_timeout_s)
        if self._keeper is not None:
            self._keeper.cancel()
            await asyncio.wait([self._keeper])
        await self._bury()

    async def _spawn(self) -> None:
        loop = asyncio.get_running_loop()
        try:
            ours = await self._launch()
        except OSError as error:
            raise MediaError(f"no media worker can be started: {error}") from error
        self._endpoint = ours
        self._hello, self._gone = loop.create_future(), loop.create_future()
        loop.add_reader(ours, self._readable)
        await asyncio.wait(
            [self._hello, self._gone],
            timeout=START_TIMEOUT_S,
            return_when=asyncio.FIRST_COMPLETED,
        )
        if not self._hello.done():
            await self._bury()
            raise MediaError("a media worker did not start: see its message in the log above")
        for number, folder in self._banks.items():  # before any channel: the socket keeps order
            self.send(wire.OpenBank(bank=number, folder=str(folder)))
        self.ready = True

    async def _launch(self) -> socket.socket:
        """Start the process; returns our end of the socket to it."""
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        try:
            ours.setblocking(False)
            ours.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, BUFFER)
            self._process = await asyncio.create_subprocess_exec(
                *self._command(theirs.fileno()),
                pass_fds=(theirs.fileno(),),
                stdin=asyncio.subprocess.DEVNULL,
                env={**os.environ, "OPENBLAS_NUM_THREADS": "1"},
            )
        except BaseException:
            ours.close()
            raise
        finally:
            theirs.close()
        return ours

    def _command(self, descriptor: int) -> list[str]:
        options = msgspec.json.encode(self._options).decode()
        return [
            *(sys.executable, "-m", "telebank.media", "--fd", str(descriptor)),
            *("--bank-dir", str(self._bank_dir), "--slot-offset", str(self._offset)),
            *("--options", options),
        ]

    async def _keep(self) -> None:
        """Start the worker again whenever it is gone."""
        while True:
            assert self._gone is not None
            await asyncio.wait([self._gone])
            await self._bury()
            if self._closing:
                return
            assert self._process is not None
            _log.error("media worker %d is gone; starting another", self._process.pid)
            await self._start_again()

    async def _start_again(self) -> None:
        for attempt in itertools.count():
            await asyncio.sleep(RESTART_PAUSES_S[min(attempt, len(RESTART_PAUSES_S) - 1)])
            try:
                await self._spawn()
            except MediaError as error:
                _log.error("%s", error)
            else:
                return

    async def _bury(self) -> None:
        """Take down what is left of a process: its socket, its channels, itself."""
        self._disconnect()
        if self._process is not None:
            try:
                async with asyncio.timeout(LAST_BREATH_S):
                    await self._process.wait()
            except TimeoutError:
                self._process.kill()
                await self._process.wait()

    def _disconnect(self) -> None:
        loop = asyncio.get_running_loop()
        self.ready = False
        self._unanswered = 0
        self._waiting.clear()
        if self._endpoint is not None:
            loop.remove_reader(self._endpoint)
            self._write_later(self._endpoint, False)
            self._endpoint.close()
            self._endpoint = None
        listeners, self._listeners = self._listeners, {}
        for number, answer in self._opening.items():
            listeners.pop(number, None)  # told by the answer
            if not answer.done():
                answer.set_result(wire.OpenFailed(channel=number, reason="the worker died"))
        self._opening.clear()
        for opened in self._opening_banks.values():
            if not opened.done():
                opened.set_result("")  # the next process opens it as it starts
        self._opening_banks.clear()
        for number, on_event in listeners.items():
            loop.call_soon(on_event, WorkerLost(number))
        if self._gone is not None and not self._gone.done():
            self._gone.set_result(None)

    # -- channels -----------------------------------------------------------------------------

    async def open(
        self, number: int, address: str, on_event: OnEvent
    ) -> wire.Opened | wire.OpenFailed:
        """Open a channel; a worker that says nothing in time counts as refusing."""
        answer: asyncio.Future[wire.Opened | wire.OpenFailed]
        answer = asyncio.get_running_loop().create_future()
        self._opening[number] = answer
        self._listeners[number] = on_event
        self.send(wire.Open(channel=number, address=address))
        opened = False
        try:
            result = await self._answered(answer, number)
            opened = isinstance(result, wire.Opened)
        finally:
            if not opened:  # refused, unanswered, or the caller of this was cancelled
                self._opening.pop(number, None)
                self._listeners.pop(number, None)
                self.send(wire.Close(channel=number))
        return result

    async def _answered(
        self, answer: asyncio.Future[wire.Opened | wire.OpenFailed], number: int
    ) -> wire.Opened | wire.OpenFailed:
        await asyncio.wait([answer], timeout=self._options.open_timeout_s)
        if answer.done():
            self._unanswered = 0
            return answer.result()
        self._unanswered += 1
        if self._unanswered >= MAX_UNANSWERED:
            _log.error("media worker %d does not answer; giving it up", self.pid)
            self._disconnect()
        return wire.OpenFailed(channel=number, reason="the media worker does not answer")

    # -- banks --------------------------------------------------------------------------------

    async def open_bank(self, number: int, folder: Path) -> str:
        """Have the worker, and all after it, play from another bank too; why not, or empty."""
        self._banks[number] = folder
        if self._endpoint is None:
            return ""  # the next process opens it as it starts
        opened: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self._opening_banks[number] = opened
        self.send(wire.OpenBank(bank=number, folder=str(folder)))
        await asyncio.wait([opened], timeout=self._options.open_timeout_s)
        error = opened.result() if opened.done() else "the media worker does not answer"
        self._opening_banks.pop(number, None)
        if error:
            self.leave_bank(number)
        return error

    def leave_bank(self, number: int) -> None:
        """Nothing is played from it any more."""
        self._banks.pop(number, None)
        self.send(wire.LeaveBank(bank=number))

    # -- the socket ---------------------------------------------------------------------------

    def send(self, message: wire.Message) -> None:
        """Number and send, or keep for later; a worker that reads nothing is given up."""
        if self._endpoint is None:
            return
        self._sequence += 1
        numbered = msgspec.structs.replace(message, sequence=self._sequence)
        self._waiting.append(self._encoder.encode(numbered))
        if len(self._waiting) > MAX_WAITING:
            _log.error("media worker %d reads nothing; giving it up", self.pid)
            self._disconnect()
        else:
            self._flush()

    def _flush(self) -> None:
        assert self._endpoint is not None
        try:
            while self._waiting:
                self._endpoint.send(self._waiting[0])
                self._waiting.popleft()
        except BlockingIOError:
            self._write_later(self._endpoint, True)
        except OSError:
            self._disconnect()
        else:
            self._write_later(self._endpoint, False)

    def _write_later(self, endpoint: socket.socket, later: bool) -> None:
        if later == self._writing:
            return
        self._writing = later
        loop = asyncio.get_running_loop()
        if later:
            loop.add_writer(endpoint, self._flush)
        else:
            loop.remove_writer(endpoint)

    def _readable(self) -> None:
        """Read what has come; a closed or nonsensical worker is given up."""
        while self._endpoint is not None:
            try:
                data = self._endpoint.recv(wire.MAX_PACKET)
                if not data:
                    return self._disconnect()
                self._deliver(self._decoder.decode(data))
            except BlockingIOError:
                return None
            except (OSError, msgspec.DecodeError) as error:
                _log.error("media worker %d: %s", self.pid, error)
                return self._disconnect()
        return None

    def _deliver(self, message: wire.FromWorker) -> None:
        match message:
            case wire.Hello():
                self._greet(message)
            case wire.Opened() | wire.OpenFailed():
                answer = self._opening.pop(message.channel, None)
                if answer is not None and not answer.done():
                    answer.set_result(message)
            case wire.BankOpened():
                self._bank_opened(message)
            case wire.WorkerStats():
                self.stats = message
            case wire.Closed():
                if listener := self._listeners.pop(message.channel, None):
                    listener(message)
            case _:
                if listener := self._listeners.get(message.channel):
                    listener(message)

    def _bank_opened(self, message: wire.BankOpened) -> None:
        opened = self._opening_banks.pop(message.bank, None)
        if opened is not None and not opened.done():
            opened.set_result(message.error)
        elif message.error:
            _log.error("media worker %d: bank %d: %s", self.pid, message.bank, message.error)

    def _greet(self, hello: wire.Hello) -> None:
        if hello.version != wire.VERSION:
            _log.error("media worker speaks version %d, not %d", hello.version, wire.VERSION)
            self._disconnect()
        elif self._hello is not None and not self._hello.done():
            self._hello.set_result(None)
