"""What passed between adapter and host, as a person may see it: decoded, named, masked."""

import time
from dataclasses import dataclass, field

from core_adapters.iso8583.codec import Codec, FieldView
from core_adapters.iso8583.format.message import Message

MAX_LINES = 5_000


@dataclass(frozen=True, slots=True)
class Line:
    """One frame. `way` is `out` (adapter to host) or `in`; `at` is monotonic seconds."""

    at: float
    way: str
    mti: str
    role: str
    """What it is to the scenario's service, or empty."""
    stan: str
    size: int
    views: tuple[FieldView, ...]
    note: str = ""
    """What the proxy did to it."""
    by_proxy: bool = False
    """The proxy made it: the other side never sent it."""
    again: bool = False
    """It says the same as an earlier one; in ISO 8583 its MTI tells."""


@dataclass(slots=True)
class Transcript:
    """The frames of one scenario, bounded."""

    codec: Codec
    lines: list[Line] = field(default_factory=list)

    def add(
        self, way: str, message: Message | None, role: str, size: int, note: str, *, made: bool
    ) -> None:
        """Keep a frame; a message that cannot be decoded has no MTI."""
        if len(self.lines) >= MAX_LINES:
            return
        views = self.codec.view(message) if message is not None else ()
        mti = message.mti if message is not None else ""
        stan = (message.get(11) or "") if message is not None else ""
        self.lines.append(Line(time.monotonic(), way, mti, role, stan, size, views, note, made))

    def take(self) -> list[Line]:
        """The lines so far, and begin anew."""
        lines, self.lines = self.lines, []
        return lines
