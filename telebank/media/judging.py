"""Who answered, of those channels of a worker of which the node wants to know it.

Each has a detector of its own (`telebank.media.amd`), which is given the frames of its row as they
are heard, in the tick of its slot. A channel is listened to for it until the verdict and, of a
machine, until its beep; no longer than was asked for. Who is not judged costs nothing here.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from telebank import wire
from telebank.media.amd import FRAME_MS, Answered, AnsweringMachineDetector, Samples
from telebank.media.channel import Channel
from telebank.media.engine import SLOTS
from telebank.media.guard import Guard
from telebank.media.listening import Heard

Judgement = wire.Judge | wire.StopJudging


@dataclass(slots=True)
class _Judged:
    channel: Channel
    most: int
    """Frames that are heard, at most."""
    detector: AnsweringMachineDetector = field(default_factory=AnsweringMachineDetector)
    heard: int = 0
    """Frames, so far."""


class Judging:
    """Of one worker; no clock: time is frames heard."""

    def __init__(self, guard: Guard, tell: Callable[[wire.Message], None]) -> None:
        self._guard = guard
        self._tell = tell
        self._judged: list[dict[int, _Judged]] = [{} for _ in range(SLOTS)]
        """By slot and row."""

    def carry_out(self, slot: int, channel: Channel, order: Judgement) -> None:
        """Do what the node asks."""
        self.stop(slot, channel)
        if isinstance(order, wire.Judge):
            self._begin(slot, channel, order)

    def _begin(self, slot: int, channel: Channel, order: wire.Judge) -> None:
        frames = min(order.most_ms, wire.MAX_JUDGED_MS) // FRAME_MS
        if frames <= 0 or sum(map(len, self._judged)) >= wire.MAX_JUDGED:
            self._tell(_verdict(channel, "unsure"))
            return
        self._judged[slot][channel.row] = _Judged(channel, frames)
        channel.listen("answer")

    def stop(self, slot: int, channel: Channel) -> None:
        """Listen to it no more; nothing happens where nobody did."""
        if self._judged[slot].pop(channel.row, None) is not None:
            channel.unlisten("answer")

    def hear(self, slot: int, heard: Heard) -> None:
        """The next 20 ms of all that is listened to in a slot."""
        for row, one in list(self._judged[slot].items()):
            frame = heard.samples[np.searchsorted(heard.rows, row)]
            self._guard.run(one.channel, self._judge, slot, one, frame)

    def _judge(self, slot: int, one: _Judged, frame: Samples) -> None:
        over = False
        one.heard += 1
        for event in one.detector.hear(frame):
            if isinstance(event, Answered):
                self._tell(_verdict(one.channel, *event))
                over = event.who != "machine"
            else:
                number, (at_ms, hertz) = one.channel.number, event
                self._tell(wire.Beeped(channel=number, at_ms=at_ms, hertz=hertz))
                over = True
        if not over and one.heard >= one.most:
            over = True
            if one.detector.verdict is None:
                self._tell(_verdict(one.channel, "unsure", one.heard * FRAME_MS))
        if over:
            self.stop(slot, one.channel)


def _verdict(
    channel: Channel, who: wire.Who, at_ms: int = 0, greeting_ms: int = 0
) -> wire.Answered:
    return wire.Answered(channel=channel.number, who=who, at_ms=at_ms, greeting_ms=greeting_ms)
