"""The worker's side of joining and recording: the node's orders, as its slots' bridges have them.

A leg that others hear, or that is recorded, is listened to, and no longer than that. A channel is
told `Closed` only once its recording is on the disk, or the writer has been silent for too long.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from telebank import wire
from telebank.media import writing
from telebank.media.bank import Banks
from telebank.media.bridge import Bridge
from telebank.media.channel import Channel
from telebank.media.engine import SLOTS, Slot
from telebank.media.listening import Heard
from telebank.media.mixer import Leg
from telebank.media.tones import RATE, MusicError, Sounds, music_of_bank

PATIENCE_S = 30.0
"""Seconds that a closed channel waits for its recording to be on the disk."""
LAST_WORDS_S = 1.2
"""Seconds that a worker told to go waits for recordings; the writer finishes them in any case."""

Order = (
    wire.Join
    | wire.Leave
    | wire.RecordCall
    | wire.PauseRecord
    | wire.ResumeRecord
    | wire.StopRecordCall
)
ORDERS = (
    wire.Join,
    wire.Leave,
    wire.RecordCall,
    wire.PauseRecord,
    wire.ResumeRecord,
    wire.StopRecordCall,
)


@dataclass(slots=True)
class _Waiting:
    """A channel that is closed but for its recordings."""

    closed: wire.Closed
    until: float
    """Monotonic seconds."""


class Joining:
    """The bridges of a worker's slots, and its writer of recordings."""

    def __init__(
        self,
        slots: list[Slot],
        capacity: int,
        sounds: Sounds,
        banks: Banks,
        send: Callable[[wire.Message], None],
    ) -> None:
        assert len(slots) == SLOTS
        self._slots = slots
        self._sounds = sounds
        self._banks = banks
        self._send = send
        self._writer = writing.Writer()
        self._bridges = [Bridge(capacity, sounds, self._writer.hand) for _ in slots]
        for slot, bridge in zip(slots, self._bridges, strict=True):
            slot.bridge = bridge
        self._mixers: dict[int, tuple[int, int]] = {}
        """Slot and kin of each mixer, while it has legs."""
        self._legs: dict[int, wire.Join] = {}
        """By channel."""
        self._rows: dict[int, tuple[int, int]] = {}
        """Slot and row of each channel."""
        self._kin: dict[int, int] = {}
        """By channel, the first of those that were opened beside each other: only they are joined,
        also where others happen to be in the same slot."""
        self._recordings: dict[int, list[str]] = {}
        """By channel, paths of its recordings that are not on the disk yet."""
        self._waiting: dict[int, _Waiting] = {}

    # -- channels -----------------------------------------------------------------------------

    def opened(self, channel: Channel, slot: int, beside: int) -> None:
        """A channel has a row, `beside` another channel if that is not 0."""
        self._rows[channel.number] = slot, channel.row
        self._kin[channel.number] = self._kin.get(beside, channel.number)

    def slot_of(self, number: int) -> int | None:
        """The slot of a channel; None where it is not open."""
        place = self._rows.get(number)
        return None if place is None else place[0]

    def close(self, channel: Channel) -> None:
        """The channel is about to be closed."""
        self._leave(channel.number)
        slot, row = self._rows.pop(channel.number)
        del self._kin[channel.number]
        self._bridges[slot].forget(row)

    def report(self, message: wire.Message) -> None:
        """Tell the node, in this order: its recording, then `Closed`."""
        if isinstance(message, wire.Closed) and self._recordings.get(message.channel):
            until = time.monotonic() + PATIENCE_S
            self._waiting[message.channel] = _Waiting(message, until)
        else:
            self._send(message)

    # -- orders -------------------------------------------------------------------------------

    def carry_out(self, channel: Channel, order: Order) -> None:
        """Do what the node asks, or tell it why not."""
        slot, row = self._rows[channel.number]
        bridge = self._bridges[slot]
        match order:
            case wire.Join():
                self._join(channel, order)
            case wire.Leave():
                self._leave(channel.number)
            case wire.RecordCall():
                self._record(channel, order)
            case wire.PauseRecord() | wire.ResumeRecord():
                bridge.pause(row, paused=isinstance(order, wire.PauseRecord))
            case wire.StopRecordCall():
                bridge.stop(row)
        self._listen(channel, bridge)

    def secret(self, channel: Channel, *, secret: bool) -> None:
        """The channel's keys are secret from now on, or are no more."""
        slot, row = self._rows[channel.number]
        self._bridges[slot].secret(row, secret=secret)

    def doubt(self, channel: Channel) -> None:
        """A key of the channel's was seen, or heard."""
        if (place := self._rows.get(channel.number)) is not None:
            slot, row = place
            self._bridges[slot].doubt(row)

    def keep_sound(self, order: wire.KeepSound) -> None:
        """A clip of a bank is a sound; `ValueError` where it cannot be."""
        bank = self._banks.get(order.bank)
        if bank is None:
            raise MusicError(f"sound {order.name}: bank {order.bank} is not open")
        self._sounds.add(order.name, music_of_bank(bank, order.start, order.samples))

    def _join(self, channel: Channel, order: wire.Join) -> None:
        slot, _ = self._rows[channel.number]
        before = self._legs.get(channel.number)
        try:
            self._bridges[slot].join(self._leg(channel.number, order))
        except ValueError as error:
            why = wire.JoinFailed(channel=channel.number, mixer=order.mixer, reason=str(error))
            self._send(why)
            return
        self._legs[channel.number] = order
        self._mixers[order.mixer] = slot, self._kin[channel.number]
        if before is not None and before.mixer != order.mixer:
            self._empty(before.mixer)

    def _leg(self, number: int, order: wire.Join) -> Leg:
        (_, row), kin = self._rows[number], self._kin[number]
        _, mixer_kin = self._mixers.get(order.mixer, (0, kin))
        if mixer_kin != kin or self._kin.get(order.toward, kin) != kin:
            raise ValueError(f"it was not opened beside those in mixer {order.mixer}")
        _, toward = self._rows.get(order.toward, (0, -1))
        return Leg(row, order.mixer, order.role, toward, order.sound or order.role)

    def _leave(self, number: int) -> None:
        order = self._legs.pop(number, None)
        if order is None:
            return
        slot, row = self._rows[number]
        self._bridges[slot].leave(row)
        self._slots[slot].hush(row)
        self._empty(order.mixer)

    def _empty(self, mixer: int) -> None:
        slot, _ = self._mixers.get(mixer, (0, 0))
        if mixer in self._mixers and self._bridges[slot].empty(mixer):
            del self._mixers[mixer]

    def _listen(self, channel: Channel, bridge: Bridge) -> None:
        if bridge.wants(channel.row):
            channel.listen("bridge")
        else:
            channel.unlisten("bridge")

    # -- recordings ---------------------------------------------------------------------------

    def _record(self, channel: Channel, order: wire.RecordCall) -> None:
        slot, row = self._rows[channel.number]
        number = channel.number
        if why := self._unfit(slot, row, order):
            self._send(wire.CallRecorded.failed(number, order.path, why))
            return
        begin = writing.Begin(
            number=0,
            path=order.path,
            key=order.key,
            wrapped=order.wrapped,
            begun=order.begun,
            note=order.note,
        )
        self._recordings.setdefault(number, []).append(order.path)
        try:
            recording = self._writer.begin(
                begin, lambda done: self._recorded(number, order.path, done)
            )
        except OSError as error:
            self._recorded_one(number, order.path)
            self._send(
                wire.CallRecorded.failed(number, order.path, f"no writer can be started: {error}")
            )
            return
        most_s = min(order.most_s, wire.MAX_CALL_RECORDED_S)
        self._bridges[slot].record(row, recording, most_s * RATE)

    def _unfit(self, slot: int, row: int, order: wire.RecordCall) -> str:
        if self._bridges[slot].recorded(row):
            return "the channel is being recorded already"
        if len(order.key) != writing.KEY_BYTES:
            return f"a recording's key has {writing.KEY_BYTES} octets"
        return ""

    def _recorded(self, number: int, path: str, done: writing.Done) -> None:
        self._send(
            wire.CallRecorded(
                channel=number,
                path=path,
                seconds=done.seconds,
                sha256=done.sha256,
                sealed_sha256=done.sealed_sha256,
                size=done.size,
                marks=done.marks,
                cut=done.cut,
                error=done.error,
            )
        )
        if done.error and number in self._rows:  # it failed under way
            slot, row = self._rows[number]
            self._bridges[slot].stop(row)
        self._recorded_one(number, path)

    def _recorded_one(self, number: int, path: str) -> None:
        left = self._recordings[number]
        left.remove(path)
        if left:
            return
        del self._recordings[number]
        if (waiting := self._waiting.pop(number, None)) is not None:
            self._send(waiting.closed)

    # -- time ---------------------------------------------------------------------------------

    def hear(self, slot: int, heard: Heard, keyed: NDArray[np.bool_]) -> None:
        """What was said in a slot in these 20 ms; `keyed` as of `Bridge.hear`."""
        self._bridges[slot].hear(heard.rows, heard.samples, keyed)

    def skip(self, frames: int) -> None:
        """Frames that never were."""
        for bridge in self._bridges:
            bridge.skip(frames)

    def check(self, now: float) -> None:
        """Each half second or oftener."""
        self._writer.poll()
        for number, waiting in list(self._waiting.items()):
            if now >= waiting.until:
                del self._waiting[number]
                for path in self._recordings[number]:
                    self._send(
                        wire.CallRecorded.failed(
                            number, path, "the writer of recordings does not answer"
                        )
                    )
                self._send(waiting.closed)

    def drain(self) -> None:
        """The worker is told to go and its channels are closed: wait a little for the writer."""
        self._writer.drain(LAST_WORDS_S)
        self.check(float("inf"))
