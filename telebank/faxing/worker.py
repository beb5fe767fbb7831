"""The fax process's loop: 20 ms for every fax, do what the node asks, wait."""

import logging
import time

from fax.terminal import Library
from telebank.faxing import wire
from telebank.faxing.endpoint import Endpoint
from telebank.faxing.line import Line
from telebank.faxing.options import FaxingOptions
from telebank.workers.link import Link
from telebank.workers.ports import Ports
from telebank.workers.service import Figures, Service
from telebank.workers.ticker import Ticker

CATCH_UP_FRAMES = 25
"""Frames that are made up for one after another. A process that was stopped for longer leaves out
what is beyond: a burst of seconds would help no modem."""

_log = logging.getLogger(__name__)


class Worker(Service[wire.ToProcess]):
    """The lines of one process."""

    def __init__(
        self, link: Link[wire.ToProcess], library: Library, options: FaxingOptions
    ) -> None:
        ticker = Ticker(time.monotonic(), CATCH_UP_FRAMES, CATCH_UP_FRAMES)
        super().__init__(link, ticker, options.silent_s / 3)
        self._library = library
        self._options = options
        self._ports = Ports(options.port_low, options.port_high)
        self._lines: dict[int, Line] = {}

    # -- time ---------------------------------------------------------------------------------

    def _is_busy(self) -> bool:
        return any(line.busy for line in self._lines.values())

    def _leave_out(self, frames: int) -> None:
        for line in self._lines.values():
            line.leave_out(frames)

    def _tick(self, now: float) -> None:
        for line in self._lines.values():
            line.tick(now)
        self._ticker.done(time.monotonic())

    def _stats(self, figures: Figures) -> wire.ProcessStats:
        return wire.ProcessStats(lines=len(self._lines), **figures)

    # -- the node -----------------------------------------------------------------------------

    def _carry_out(self, message: wire.ToProcess) -> None:
        if isinstance(message, wire.Open):
            self._open(message)
        elif isinstance(message, wire.Shutdown):
            self._shut_down()
        elif (line := self._lines.get(message.line)) is None:
            _log.debug("%s for line %d, which is gone", type(message), message.line)
        elif isinstance(message, wire.Close):
            self._close(line)
        else:
            _instruct(line, message, time.monotonic())

    def _open(self, message: wire.Open) -> None:
        number = message.line
        if number in self._lines:
            self._refuse(number, f"fax line {number} is open already")
        elif len(self._lines) >= self._options.lines:
            self._refuse(number, f"all {self._options.lines} fax lines are in use")
        else:
            self._bind(message)

    def _bind(self, message: wire.Open) -> None:
        try:
            audio = Endpoint(self._ports.bind(message.address))
            try:
                t38 = Endpoint(self._ports.bind(message.address))
            except OSError:
                audio.close()
                raise
        except (OSError, ValueError) as error:
            self._refuse(message.line, f"no fax socket on {message.address}: {error}")
            return
        self._lines[message.line] = Line(
            message.line,
            (audio, t38),
            self._library,
            self._options,
            self._link.send,
            learn_from=message.learn_from,
        )
        opened = wire.Opened(line=message.line, audio_port=audio.port, t38_port=t38.port)
        self._link.send(opened)

    def _refuse(self, number: int, reason: str) -> None:
        self._link.send(wire.OpenFailed(line=number, reason=reason))

    def _close(self, line: Line) -> None:
        del self._lines[line.number]
        line.close()

    def _shut_down(self) -> None:
        self._stop()
        for line in list(self._lines.values()):
            self._close(line)


def _instruct(line: Line, message: wire.BeginAudio | wire.BeginT38 | wire.Move, now: float) -> None:
    match message:
        case wire.BeginAudio():
            line.begin_audio(message, now)
        case wire.BeginT38():
            line.begin_t38(message, now)
        case wire.Move():
            line.move(message, now)
