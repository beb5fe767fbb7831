"""The media worker's loop: tick a slot, read what callers sent, do what the node asks, wait."""

import logging
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import numpy as np

from telebank import wire
from telebank.media.bank import FRAME, Bank, BankError, Banks
from telebank.media.channel import Channel
from telebank.media.engine import SLOTS, Slot
from telebank.media.express import Express
from telebank.media.guard import Guard
from telebank.media.handshakes import Handshakes
from telebank.media.inband import InbandKeys
from telebank.media.inband_values import KeyOn
from telebank.media.joining import ORDERS, Joining, Order
from telebank.media.judging import Judgement, Judging
from telebank.media.listening import Heard, Listening, Tables
from telebank.media.options import MediaOptions
from telebank.media.reading import Reading
from telebank.media.reporting import Reporting
from telebank.media.tones import sounds_of
from telebank.workers.link import Link
from telebank.workers.ports import Ports
from telebank.workers.service import Figures, Service
from telebank.workers.ticker import Ticker

CHECK_SECONDS = 0.5
LATE_FRAMES = 3
"""Later than this (a stopped process), whole frames are left out instead of sent in a burst."""
FILLED = 250
"""Calls for which one slot is enough: what a tick sends takes a millisecond then. A slot more costs
50 ticks a second of caches gone cold, so none is begun before it is needed."""

ToChannel = (
    wire.SetRemote
    | wire.Play
    | wire.Stop
    | wire.Collect
    | wire.Record
    | wire.StopRecord
    | wire.KeysBy
    | wire.Hold
)

_log = logging.getLogger(__name__)


class Worker(Service[wire.ToWorker]):
    """Channels of one process."""

    def __init__(
        self, link: Link[wire.ToWorker], bank: Bank, options: MediaOptions, slot_offset: float
    ) -> None:
        """`slot_offset` in seconds: see `Ticker`."""
        ticker = Ticker(time.monotonic(), LATE_FRAMES, 0, SLOTS, slot_offset)
        super().__init__(link, ticker, options.silent_s / 3)
        self._each(CHECK_SECONDS, self._check)
        self._banks: Banks = {0: bank}
        self._options = options
        self._ports = Ports(options.port_low, options.port_high)
        quarter, tables = -(-options.channels // SLOTS), Tables()
        capacity = min(2 * max(quarter, FILLED), options.channels)  # those joined are in one slot
        self._slots = [Slot(self._banks, capacity) for _ in range(SLOTS)]
        self._listening = [Listening(capacity, tables) for _ in range(SLOTS)]
        self._reading = Reading()
        self._express = Express(self._listening, capacity, self._reading.poll)
        self._joining = Joining(self._slots, capacity, sounds_of(options), self._banks, self._tell)
        self._inband: dict[int, InbandKeys] = {}
        """By slot, once a channel of it needs them."""
        self._halves: list[set[Channel]] = [set() for _ in range(SLOTS)]
        """By slot, whose packets are not as long as a tick."""
        self._guard = Guard()
        self._judging = Judging(self._guard, self._tell)
        self._reporting = Reporting(self._guard)
        self._handshakes = Handshakes(self._run)
        self._rows: list[dict[int, Channel]] = [{} for _ in range(SLOTS)]
        self._channels: dict[int, Channel] = {}

    # -- time ---------------------------------------------------------------------------------

    def _is_busy(self) -> bool:
        return bool(self._channels)

    def _leave_out(self, frames: int) -> None:
        for slot, listening in zip(self._slots, self._listening, strict=True):
            slot.skip(frames)
            listening.skip(frames)
        self._joining.skip(frames)

    def _tick(self, now: float) -> None:
        number = self._ticker.slot
        if len(self._listening[number]):
            self._express.read(number, now)
            self._listen(number, now)
        if self._slots[number].rows:
            self._send(number)
        else:
            self._ticker.pass_over()
        for channel in self._halves[(number + SLOTS // 2) % SLOTS]:
            self._guard.run(channel, channel.sending.flush)
        self._reading.read(self._ticker.due)
        self._handshakes.tick(now)
        self._reporting.look(now)
        for channel, why in self._guard.taken().items():
            self._give_up(channel, why)

    def _send(self, number: int) -> None:
        ticked = self._slots[number].tick()
        sent_at = time.monotonic()
        self._ticker.done(sent_at)
        rows = self._rows[number]
        for row in ticked.started:
            rows[row].started(sent_at)
        for end in ticked.ended:
            rows[end.row].ended(end.played)
        for row, error in ticked.failed:
            self._guard.failed(rows[row], error)

    def _listen(self, number: int, now: float) -> None:
        """The next 20 ms of all that is listened to in a slot, for whoever wants it."""
        listening = self._listening[number]
        heard = listening.frames(now)
        if listening.keyed.any():
            self._hear_keys(number, heard, now)
        self._judging.hear(number, heard)
        self._joining.hear(number, heard, listening.keyed)

    def _hear_keys(self, number: int, heard: Heard, now: float) -> None:
        listening, rows = self._listening[number], self._rows[number]
        if number not in self._inband:
            self._inband[number] = InbandKeys(listening.capacity)
        block = np.zeros((listening.capacity, FRAME), np.int16)
        active = np.zeros(listening.capacity, np.bool_)
        block[heard.rows] = heard.samples
        active[heard.rows] = heard.real.all(axis=1)
        active &= listening.keyed
        for event in self._inband[number].hear(block, active):
            if isinstance(event, KeyOn) and event.row in rows:
                channel = rows[event.row]
                self._joining.doubt(channel)
                self._guard.run(channel, channel.pressed, event.key, now)

    def _check(self, now: float) -> None:
        for channel in self._channels.values():
            self._guard.run(channel, channel.check, now)
        self._joining.check(now)

    def _stats(self, figures: Figures) -> wire.WorkerStats:
        return wire.WorkerStats(channels=len(self._channels), **figures)

    def _run(self, number: int, act: Callable[..., object], *given: object) -> None:
        self._guard.run(self._channels[number], act, *given)

    # -- the node -----------------------------------------------------------------------------

    def _tell(self, message: wire.Message) -> None:
        """Keys, guesses and figures can be missed where the node does not read; nothing else
        can."""
        if isinstance(message, wire.Key | wire.Answered | wire.Beeped | wire.Stats):
            self._link.offer(message)
        else:
            self._link.send(message)

    def _carry_out(self, message: wire.ToWorker) -> None:
        if isinstance(message, wire.Open):
            self._open(message)
        elif isinstance(message, wire.OpenBank):
            self._open_bank(message)
        elif isinstance(message, wire.LeaveBank):
            self._leave_bank(message.bank)
        elif isinstance(message, wire.KeepSound):
            self._joining.keep_sound(message)
        elif isinstance(message, wire.Identify):
            self._handshakes.identify(message)
        elif isinstance(message, wire.Shutdown):
            self._shut_down()
        elif (channel := self._channels.get(message.channel)) is None:
            _log.debug("%s for channel %d, which is gone", type(message), message.channel)
        elif isinstance(message, wire.Close):
            self._guard.run(channel, self._close, channel)
        else:
            self._guard.run(channel, self._instruct, channel, message)

    def _instruct(self, channel: Channel, message: ToChannel | Order | Judgement) -> None:
        try:
            self._follow(channel, message)
        except ValueError as error:
            _log.error("channel %d: an order was refused: %s", channel.number, error)

    def _follow(self, channel: Channel, message: ToChannel | Order | Judgement) -> None:
        if isinstance(message, ORDERS):
            self._joining.carry_out(channel, message)
            return
        if isinstance(message, wire.Judge | wire.StopJudging):
            self._judging.carry_out(self._slots.index(channel.slot), channel, message)
            return
        if isinstance(message, wire.Collect):
            self._joining.secret(channel, secret=message.secret)
        _instruct(channel, message)
        if channel.sending.repacked:
            self._halves[self._slots.index(channel.slot)].add(channel)

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
        if number in self._channels:
            self._refuse(number, f"channel {number} is open already")
        elif len(self._channels) >= self._options.channels:
            self._refuse(number, f"all {self._options.channels} channels are in use")
        elif message.beside and self._joining.slot_of(message.beside) is None:
            self._refuse(number, f"channel {message.beside}, to open it beside, is gone")
        elif self._slots[index := self._slot_for(message.beside)].full:
            self._refuse(number, "no more channels can be joined with that one")
        else:
            self._bind(message, index)

    def _slot_for(self, beside: int) -> int:
        """That of the channel it is to be joined with, or any."""
        slot = self._joining.slot_of(beside)
        return next_slot([slot.rows for slot in self._slots]) if slot is None else slot

    def _bind(self, message: wire.Open, index: int) -> None:
        number = message.channel
        try:
            endpoint, control = self._ports.bind_pair(message.address)
        except (OSError, ValueError) as error:
            self._refuse(number, f"no socket on {message.address}: {error}")
            return
        slot = self._slots[index]
        channel = Channel(
            number,
            endpoint,
            control,
            slot=slot,
            listening=self._listening[index],
            banks=self._banks,
            desk=self._handshakes,
            options=self._options,
            report=self._joining.report,
            doubt=self._joining.doubt,
        )
        self._rows[index][channel.row] = channel
        self._channels[number] = channel
        channel.lane = self._express.lane(
            index, channel.row, endpoint, partial(self._guard.run, channel, channel.other)
        )
        self._joining.opened(channel, index, message.beside)
        if index in self._inband:
            self._inband[index].reset(channel.row)
        self._reading.add(endpoint.fileno(), partial(self._guard.run, channel, channel.readable))
        self._reporting.add(channel, time.monotonic())
        self._link.send(wire.Opened(channel=number, port=endpoint.getsockname()[1]))

    def _refuse(self, number: int, reason: str) -> None:
        self._link.send(wire.OpenFailed(channel=number, reason=reason))

    def _give_up(self, channel: Channel, why: str) -> None:
        """It failed: the node is told, and the others go on."""
        if self._channels.get(channel.number) is channel:
            self._guard.run(channel, self._close, channel, why)

    def _close(self, channel: Channel, error: str = "") -> None:
        self._reading.remove(channel.endpoint.fileno())
        self._reporting.remove(channel)
        del self._channels[channel.number]
        index = self._slots.index(channel.slot)
        del self._rows[index][channel.row]
        self._halves[index].discard(channel)
        self._judging.stop(index, channel)
        self._joining.close(channel)
        channel.close(time.monotonic(), error)

    def _shut_down(self) -> None:
        self._stop()
        for channel in list(self._channels.values()):
            self._close(channel)
        self._joining.drain()


def next_slot(rows: Sequence[int]) -> int:
    """Where the next channel goes, by the rows of the slots: the fullest slot that is not `FILLED`;
    where all are, the one that has fewest."""
    return max(range(len(rows)), key=lambda slot: rows[slot] * (1 if rows[slot] < FILLED else -1))


def _instruct(channel: Channel, message: ToChannel) -> None:
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
        case wire.KeysBy():
            channel.keys_by(message.method)
        case wire.Hold():
            channel.hold(message.held, time.monotonic())
