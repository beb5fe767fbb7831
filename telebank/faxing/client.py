"""The node's side: keeps a fax process up, and gives its lines to calls and jobs."""

import itertools
import logging
from collections.abc import Callable
from dataclasses import dataclass

import msgspec

from fax.terminal import Accept, TerminalOptions, Transmit
from telebank.faxing import wire
from telebank.faxing.options import FaxingOptions
from telebank.faxing.wire import (
    Closed,
    Ended,
    Heard,
    Negotiated,
    OpenFailed,
    PageConfirmed,
    PageReceived,
    PostMessageSent,
)
from telebank.workers.child import Program
from telebank.workers.keeper import Keeper

__all__ = [
    "Closed",
    "Ended",
    "Event",
    "FaxLine",
    "FaxProcess",
    "Heard",
    "LineLost",
    "Negotiated",
    "OnEvent",
    "OpenFailed",
    "PageConfirmed",
    "PageReceived",
    "PostMessageSent",
]

DOWN = "the fax process is not up; it is started again by itself, and the log says why"

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class LineLost:
    """The fax process died: the line is gone, without `Ended` or `Closed`. What was sent is as
    the last `PageConfirmed` said, and one page more may be on paper."""

    line: int


Event = (
    Heard | Negotiated | PageConfirmed | PageReceived | PostMessageSent | Ended | Closed | LineLost
)
OnEvent = Callable[[Event], None]
Remote = tuple[str, int]
"""Address and UDP port of the peer, by its session description."""


class FaxLine:
    """Two UDP ports and the fax on one of them. Methods return at once; the rest are events."""

    def __init__(self, process: "FaxProcess", opened: wire.Opened) -> None:
        self.number = opened.line
        self.audio_port = opened.audio_port
        """The port for the SDP's audio."""
        self.t38_port = opened.t38_port
        """The port for the SDP's image."""
        self._send = process.send

    def begin_audio(
        self,
        remote: Remote,
        codec: str,
        work: Transmit | Accept,
        calling: bool,
        options: TerminalOptions,
    ) -> None:
        """Fax over G.711 (`PCMA` or `PCMU`) in RTP with the peer at `remote`.

        What was begun before is treated as in `begin_t38`.
        """
        address, port = remote
        self._send(
            wire.BeginAudio(
                line=self.number,
                address=address,
                port=port,
                codec=codec,
                work=_work(work),
                calling=calling,
                terminal=options,
            )
        )

    def begin_t38(
        self,
        remote: Remote,
        max_datagram: int | None,
        work: Transmit | Accept,
        calling: bool,
        options: TerminalOptions,
    ) -> None:
        """Fax over T.38 with the peer at `remote`, whose T38FaxMaxDatagram may be None.

        A fax that this line has begun before, as over audio, is dropped without an `Ended`. If a
        page of it has been told it ends, with its `Ended`, and this one does not begin.
        """
        address, port = remote
        self._send(
            wire.BeginT38(
                line=self.number,
                address=address,
                port=port,
                max_datagram=max_datagram,
                work=_work(work),
                calling=calling,
                terminal=options,
            )
        )

    def move(self, remote: Remote) -> None:
        """The peer of the running fax has another address now; the fax goes on."""
        self._send(wire.Move(line=self.number, address=remote[0], port=remote[1]))

    def close(self) -> None:
        """Give the line back: `Ended`, where a fax was running, then `Closed`."""
        self._send(wire.Close(line=self.number))


def _work(work: Transmit | Accept) -> wire.Work:
    if isinstance(work, Transmit):
        return wire.Pages(path=str(work.path), first=work.first, last=work.last)
    return wire.Room(path=str(work.path))


class FaxProcess(Keeper[wire.FromProcess, wire.Opened, OpenFailed, Event]):
    """The fax process of a node, and after it the next one. `start` before the first `open`."""

    def __init__(self, options: FaxingOptions) -> None:
        program: Program[wire.FromProcess] = Program(
            name="fax process",
            module="telebank.faxing",
            arguments=("--options", msgspec.json.encode(options).decode()),
            version=wire.VERSION,
            decoder=msgspec.msgpack.Decoder(wire.FromProcess),
            shutdown=wire.Shutdown(),
        )
        super().__init__(program, wire.Opened, options.open_timeout_s, options.silent_s)
        self._numbers = itertools.count(1)
        self.stats: wire.ProcessStats | None = None
        """The last figures that the process told."""

    @property
    def lines(self) -> int:
        """Lines open or opening."""
        return self.load

    async def start(self) -> None:
        """Start the process; never raises for a missing library (see `missing`), nor for a process
        that does not come up: that is tried again, and until then `open` refuses."""
        if why := await self._start():
            level = logging.WARNING if self.missing else logging.ERROR
            _log.log(level, "faxes are not available: %s", why)
        if not self.missing:
            self._keep()

    async def open(
        self, address: str, on_event: OnEvent, learn_from: str = ""
    ) -> FaxLine | OpenFailed:
        """Open a line on an address of this machine; `learn_from`: the host that the peer's
        signalling comes from, whose ports may be learnt for audio (empty: none)."""
        if not self.ready:
            return OpenFailed(reason=self.missing or DOWN)
        number = next(self._numbers)
        order = wire.Open(line=number, address=address, learn_from=learn_from)
        opened = await self._open(number, order, on_event)
        return FaxLine(self, opened) if isinstance(opened, wire.Opened) else opened

    # -- the keeper asks ----------------------------------------------------------------------

    def _deliver(self, message: wire.FromProcess) -> None:
        match message:
            case wire.Hello():
                self._greet(message.version, message.missing)
            case wire.Opened() | OpenFailed():
                self._answer(message.line, message)
            case wire.ProcessStats():
                self.stats = message
            case _:
                self._tell(message.line, message, last=isinstance(message, Closed))

    def _refused(self, number: int, reason: str) -> OpenFailed:
        return OpenFailed(line=number, reason=reason)

    def _lost(self, number: int) -> LineLost:
        return LineLost(number)

    def _close_order(self, number: int) -> wire.Close:
        return wire.Close(line=number)
