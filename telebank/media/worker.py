"""The media worker's loop: tick a slot, read what callers sent, do what the node asks, wait."""

import gc
import logging
import select
import time
from pathlib import Path

import msgspec

from telebank import wire
from telebank.media.bank import Bank, BankError, Banks
from telebank.media.channel import Channel
from telebank.media.endpoint import Ports
from telebank.media.engine import SLOTS, Slot
from telebank.media.link import NodeLink
from telebank.media.options import MediaOptions
from telebank.media.ticker import Ticker

CHECK_SECONDS = 0.5
STATS_SECONDS = 10.0
READY_AT_ONCE = 512
"""Sockets looked at between two ticks; the others' turn is five milliseconds later."""

_log = logging.getLogger(__name__)


class Worker:
    """Channels of one process. Runs until `Shutdown`, or `NodeGone` is raised."""

    def __init__(
        self, link: NodeLink, bank: Bank, options: MediaOptions, slot_offset: float
    ) -> None:
        """`slot_offset` in seconds: see `Ticker`."""
        self._link = link
        self._banks: Banks = {0: bank}
        self._options = options
        self._ports = Ports(options)
        self._slots = [Slot(self._banks, -(-options.channels // SLOTS)) for _ in range(SLOTS)]
        self._rows: list[dict[int, Channel]] = [{} for _ in range(SLOTS)]
        self._channels: dict[int, Channel] = {}
        self._by_descriptor: dict[int, Channel] = {}
        self._poller = select.epoll()
        self._ticker = Ticker(time.monotonic(), slot_offset)
        self._check_at = self._stats_at = 0.0
        self._stopping = False

    def run(self) -> None:
        """Serve until told to stop."""
        now = time.monotonic()
        self._check_at, self._stats_at = now + CHECK_SECONDS, now + STATS_SECONDS
        while not self._stopping:
            if self._channels and now >= self._ticker.due:
                self._tick(now)
                self._read_media()
            now = time.monotonic()
            self._keep_house(now)
            self._wait(now)
            now = time.monotonic()
        self._link.drain()

    # -- time ---------------------------------------------------------------------------------

    def _tick(self, now: float) -> None:
        skipped = self._ticker.skip(now)
        if skipped:
            _log.warning("stopped for %d ms: frames were left out", skipped * 20)
            for slot in self._slots:
                slot.skip(skipped)
        number = self._ticker.slot
        if not self._slots[number].rows:
            self._ticker.pass_over()
            return
        ticked = self._slots[number].tick()
        sent_at = time.monotonic()
        self._ticker.done(sent_at)
        rows = self._rows[number]
        for row in ticked.started:
            rows[row].started(sent_at)
        for end in ticked.ended:
            rows[end.row].ended(end.played)

    def _wait(self, now: float) -> None:
        """Until the next tick is due or the node says something."""
        next_at = min(self._check_at, self._stats_at)
        if self._channels:
            next_at = min(next_at, self._ticker.due)
        writes = [self._link.endpoint] if self._link.waiting else []
        timeout = max(0.0, next_at - now)
        readable, writable, _ = select.select([self._link.endpoint], writes, [], timeout)
        if writable:
            self._link.flush()
        if readable:
            self._obey()

    def _keep_house(self, now: float) -> None:
        if now >= self._check_at:
            self._check_at = now + CHECK_SECONDS
            for channel in self._channels.values():
                channel.check(now)
        if now >= self._stats_at:
            self._stats_at = now + STATS_SECONDS
            self._report_stats()
            gc.collect()

    def _report_stats(self) -> None:
        self._link.send(
            wire.WorkerStats(
                channels=len(self._channels),
                cpu_seconds=time.process_time(),
                ticks=self._ticker.ticks,
                tick_late_p99_ms=self._ticker.late_p99() * 1_000,
                rss_mb=proportional_set_mb(),
            )
        )

    # -- callers ------------------------------------------------------------------------------

    def _read_media(self) -> None:
        ready = self._poller.poll(0, READY_AT_ONCE)
        now = time.monotonic()
        for descriptor, _ in ready:
            self._by_descriptor[descriptor].readable(now)

    # -- the node -----------------------------------------------------------------------------

    def _obey(self) -> None:
        try:
            for message in self._link.receive():
                self._carry_out(message)
        except (msgspec.DecodeError, ValueError) as error:
            _log.error("a message of the node was refused: %s", error)

    def _carry_out(self, message: wire.ToWorker) -> None:
        if isinstance(message, wire.Open):
            self._open(message)
        elif isinstance(message, wire.OpenBank):
            self._open_bank(message)
        elif isinstance(message, wire.LeaveBank):
            self._leave_bank(message.bank)
        elif isinstance(message, wire.Shutdown):
            self._shut_down()
        elif (channel := self._channels.get(message.channel)) is None:
            _log.debug("%s for channel %d, which is gone", type(message), message.channel)
        elif isinstance(message, wire.Close):
            self._close(channel)
        else:
            _instruct(channel, message)

    def _open_bank(self, message: wire.OpenBank) -> None:
        number = message.bank
        error = ""
        if number in self._banks:
            error = f"bank {number} is open already"
        elif len(self._banks) >= wire.MAX_BANKS:
            error = f"{wire.MAX_BANKS} banks are open, which is the most"
        else:
            try:
                bank = Bank.open(Path(message.folder))
            except BankError as why:
                error = str(why)
            else:
                self._banks[number] = bank
                for slot in self._slots:
                    slot.take(number, bank)
        self._link.send(wire.BankOpened(bank=number, error=error))

    def _leave_bank(self, number: int) -> None:
        """Channels that still play from it hear silence; the first bank stays."""
        if number == 0 or number not in self._banks:
            return
        for channel in self._channels.values():
            channel.leave(number)
        for slot in self._slots:
            slot.leave(number)
        del self._banks[number]

    def _open(self, message: wire.Open) -> None:
        number = message.channel
        if message.kind != "rtp":
            self._refuse(number, f"media of kind {message.kind} is not served")
        elif number in self._channels:
            self._refuse(number, f"channel {number} is open already")
        elif len(self._channels) >= self._options.channels:
            self._refuse(number, f"all {self._options.channels} channels are in use")
        else:
            self._bind(message)

    def _bind(self, message: wire.Open) -> None:
        number = message.channel
        try:
            endpoint = self._ports.bind(message.address)
        except (OSError, ValueError) as error:
            self._refuse(number, f"no socket on {message.address}: {error}")
            return
        if not self._channels:
            self._ticker.restart(time.monotonic())
        index = min(range(SLOTS), key=lambda slot: self._slots[slot].rows)
        slot = self._slots[index]
        channel = Channel(
            number,
            endpoint,
            slot=slot,
            banks=self._banks,
            options=self._options,
            report=self._link.send,
        )
        self._rows[index][channel.row] = channel
        self._channels[number] = channel
        self._by_descriptor[endpoint.fileno()] = channel
        self._poller.register(endpoint.fileno(), select.EPOLLIN)
        self._link.send(wire.Opened(channel=number, port=endpoint.getsockname()[1]))

    def _refuse(self, number: int, reason: str) -> None:
        self._link.send(wire.OpenFailed(channel=number, reason=reason))

    def _close(self, channel: Channel) -> None:
        descriptor = channel.endpoint.fileno()
        self._poller.unregister(descriptor)
        del self._by_descriptor[descriptor]
        del self._channels[channel.number]
        del self._rows[self._slots.index(channel.slot)][channel.row]
        channel.close()

    def _shut_down(self) -> None:
        self._report_stats()
        for channel in list(self._channels.values()):
            self._close(channel)
        self._stopping = True


def _instruct(
    channel: Channel,
    message: wire.SetRemote
    | wire.Play
    | wire.Stop
    | wire.Collect
    | wire.Record
    | wire.StopRecord
    | wire.Hold,
) -> None:
    match message:
        case wire.SetRemote():
            channel.set_remote(message, time.monotonic())
        case wire.Play():
            channel.play(message)
        case wire.Stop():
            channel.stop()
        case wire.Collect():
            channel.collect(message.secret)
        case wire.Record():
            channel.record(message, time.monotonic())
        case wire.StopRecord():
            channel.stop_record()
        case wire.Hold():
            channel.hold(message.held, time.monotonic())


def proportional_set_mb() -> float:
    """This process's share of memory (PSS) in megabytes; 0 where the kernel does not tell."""
    try:
        lines = Path("/proc/self/smaps_rollup").read_text().splitlines()
    except OSError:
        return 0.0
    for line in lines:
        if line.startswith("Pss:"):
            return int(line.split()[1]) / 1_024
    return 0.0
