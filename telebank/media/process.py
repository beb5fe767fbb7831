"""One media worker as its node sees it: its channels, and the banks that they play from."""

import asyncio
import logging
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import msgspec

from telebank import wire
from telebank.media.options import MediaOptions
from telebank.workers.child import Program
from telebank.workers.keeper import Keeper

_log = logging.getLogger(__name__)


class MediaError(RuntimeError):
    """The media plane cannot start; the text says what to do."""


@dataclass(frozen=True, slots=True)
class WorkerLost:
    """The worker of a channel died, or failed at this one; it is gone without a `Closed`."""

    channel: int


Event = (
    wire.Key
    | wire.PlayEnded
    | wire.Recorded
    | wire.Answered
    | wire.Beeped
    | wire.JoinFailed
    | wire.CallRecorded
    | wire.Secured
    | wire.SecurityFailed
    | wire.MediaLost
    | wire.Stats
    | wire.Closed
    | WorkerLost
)
OnEvent = Callable[[Event], None]


class WorkerProcess(Keeper[wire.FromWorker, wire.Opened, wire.OpenFailed, Event]):
    """One worker process after another."""

    def __init__(self, options: MediaOptions, bank_dir: Path, offset: float) -> None:
        """`offset`: milliseconds of its ticks within a slot."""
        arguments = (
            *("--bank-dir", str(bank_dir), "--slot-offset", str(offset)),
            *("--options", msgspec.json.encode(options).decode()),
        )
        program: Program[wire.FromWorker] = Program(
            name="media worker",
            module="telebank.media",
            arguments=arguments,
            version=wire.VERSION,
            decoder=msgspec.msgpack.Decoder(wire.FromWorker),
            shutdown=wire.Shutdown(),
        )
        super().__init__(program, wire.Opened, options.open_timeout_s, options.silent_s)
        self._banks: dict[int, Path] = {}
        self._opening_banks: dict[int, asyncio.Future[str]] = {}
        self._sounds: dict[str, wire.KeepSound] = {}
        self._identities: deque[wire.Identify] = deque(maxlen=wire.IDENTITIES)
        self._recordings: dict[int, list[str]] = {}
        """By channel, paths of its recordings of which it is not known yet what became."""
        self.stats: wire.WorkerStats | None = None

    async def start(self) -> None:
        """First start; raises `MediaError`. Afterwards a task keeps the worker up."""
        if why := await self._start():
            raise MediaError(why)
        self._keep()

    async def open(
        self, number: int, address: str, on_event: OnEvent, beside: int = 0
    ) -> wire.Opened | wire.OpenFailed:
        """Open a channel, `beside` another if that is not 0; a worker that says nothing in time
        counts as refusing."""
        order = wire.Open(channel=number, address=address, beside=beside)
        return await self._open(number, order, on_event)

    def send(self, message: msgspec.Struct) -> None:
        """See `Keeper`. Of every recording asked for, `CallRecorded` says what became of it, also
        where the worker cannot."""
        if isinstance(message, wire.RecordCall) and message.channel in self._listeners:
            self._recordings.setdefault(message.channel, []).append(message.path)
        super().send(message)

    def keep_sound(self, sound: wire.KeepSound) -> None:
        """The worker, and all after it, know a sound."""
        self._sounds[sound.name] = sound
        self.send(sound)

    def identify(self, identity: wire.Identify) -> None:
        """The worker, and all after it, show this certificate, and know the one before."""
        self._identities.append(identity)
        self.send(identity)

    # -- banks --------------------------------------------------------------------------------

    async def open_bank(self, number: int, folder: Path) -> str:
        """Have the worker, and all after it, play from another bank too; why not, or empty."""
        self._banks[number] = folder
        if not self.ready:
            return ""  # the next process opens it as it starts
        opened: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self._opening_banks[number] = opened
        self.send(wire.OpenBank(bank=number, folder=str(folder)))
        await asyncio.wait([opened], timeout=self._open_timeout_s)
        error = opened.result() if opened.done() else "the media worker does not answer"
        self._opening_banks.pop(number, None)
        if error:
            self.leave_bank(number)
        return error

    def leave_bank(self, number: int) -> None:
        """Nothing is played from it any more."""
        self._banks.pop(number, None)
        self.send(wire.LeaveBank(bank=number))

    def _bank_opened(self, message: wire.BankOpened) -> None:
        opened = self._opening_banks.pop(message.bank, None)
        if opened is not None and not opened.done():
            opened.set_result(message.error)
        elif message.error:
            _log.error("media worker %d: bank %d: %s", self.pid, message.bank, message.error)

    # -- the keeper asks ----------------------------------------------------------------------

    def _deliver(self, message: wire.FromWorker) -> None:
        match message:
            case wire.Hello():
                self._greet(message.version)
            case wire.Opened() | wire.OpenFailed():
                self._answer(message.channel, message)
            case wire.BankOpened():
                self._bank_opened(message)
            case wire.WorkerStats():
                self.stats = message
            case wire.CallRecorded():
                self._recorded(message)
            case wire.Closed():
                self._closed(message)
            case _:
                self._tell(message.channel, message)

    def _recorded(self, message: wire.CallRecorded) -> None:
        paths = self._recordings.get(message.channel, [])
        if message.path in paths:
            paths.remove(message.path)
        self._tell(message.channel, message)

    def _closed(self, message: wire.Closed) -> None:
        number, error = message.channel, message.error
        for recorded in self._unrecorded(number, error or "its channel was closed"):
            self._tell(number, recorded)
        if error:
            _log.error("media worker %d: channel %d: %s", self.pid, number, error)
        self._tell(number, self._lost(number) if error else message, last=True)

    def _unrecorded(self, number: int, why: str) -> list[wire.CallRecorded]:
        """Nothing more comes of a channel's recordings: what is told of them."""
        paths = self._recordings.pop(number, [])
        return [wire.CallRecorded.failed(number, path, why) for path in paths]

    def _refused(self, number: int, reason: str) -> wire.OpenFailed:
        return wire.OpenFailed(channel=number, reason=reason)

    def _lost(self, number: int) -> WorkerLost:
        return WorkerLost(number)

    def _close_order(self, number: int) -> wire.Close:
        return wire.Close(channel=number)

    def _prepare(self) -> None:
        for identity in self._identities:
            self.send(identity)
        for number, folder in self._banks.items():  # before any channel: the socket keeps order
            self.send(wire.OpenBank(bank=number, folder=str(folder)))
        for sound in self._sounds.values():
            self.send(sound)

    def _lose(self) -> None:
        soon = asyncio.get_running_loop().call_soon
        for number, listener in self._listeners.items():  # before they are told that it is lost
            for recorded in self._unrecorded(number, "the media worker is gone"):
                soon(listener, recorded)
        super()._lose()
        for opened in self._opening_banks.values():
            if not opened.done():
                opened.set_result("")  # the next process opens it as it starts
        self._opening_banks.clear()
