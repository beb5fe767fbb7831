"""Playbooks of the multiplexer: events in, commands expected, with a clock that only we move."""

from collections.abc import Sequence

from core_adapters.iso8583.format.message import Message, reply_mti
from core_adapters.iso8583.links.mux import Mux
from core_adapters.iso8583.links.mux_types import (
    Command,
    Event,
    FrameReceived,
    LinkReady,
    LinkUp,
    SendNetwork,
)
from core_adapters.iso8583.options import MuxOptions
from support.iso8583_kit import tb87


def order(stan: int, **changes: str) -> Message:
    """A 0200 of a transfer; `f4="…"` changes field 4, an empty text leaves it out."""
    fields = {3: "420000", 4: "000000015000", 7: "1122043000", 11: f"{stan:06d}", 13: "1122"}
    fields |= {41: "TB010001"} | {int(name[1:]): text for name, text in changes.items()}
    return Message("0200", {n: text for n, text in fields.items() if text})


def answer(message: Message, **changes: str) -> Message:
    """The reply 00 to a message."""
    fields = dict(message.fields) | {39: "00"}
    fields |= {int(name[1:]): text for name, text in changes.items()}
    return Message(reply_mti(message.mti), {n: text for n, text in fields.items() if text})


class Book:
    """One multiplexer and the time. Each `then` is compared whole."""

    def __init__(self, *links: str, **options: float) -> None:
        """A link named `b2` is to the second address; one named `b` to the only one."""
        made = MuxOptions(**options)  # type: ignore[arg-type]
        ranks = {link: int(link[1:] or 1) - 1 for link in links or ("a",)}
        self.mux = Mux(tb87(), made, ranks)
        self.now = 1000.0

    def when(self, event: Event, *then: Command) -> None:
        """Give an event; exactly these commands must follow."""
        self._same(self.mux.receive(event, self.now), then)

    def at(self, seconds: float, *then: Command) -> None:
        """Let time pass to `seconds` after the start, waking only when the mux asked to."""
        got: list[Command] = []
        end = 1000.0 + seconds
        while (due := self.mux.wake_at) is not None and due <= end:
            self.now = max(self.now, due)
            got += self.mux.wake(self.now)
        self.now = end
        self._same(got, then)

    def frame(self, message: Message, *then: Command, link: str = "a", mac_ok: bool = True) -> None:
        """A message from the host."""
        self.when(FrameReceived(link, message, mac_ok), *then)

    def sign_on(self, link: str = "a", stan: str = "000001") -> None:
        """Bring a link up."""
        self.when(LinkUp(link), SendNetwork(link, "001", stan))
        reply = Message("0810", {11: stan, 39: "00", 70: "001"})
        self.frame(reply, LinkReady(link), link=link)

    @staticmethod
    def _same(got: Sequence[Command], then: Sequence[Command]) -> None:
        assert list(got) == list(then)
