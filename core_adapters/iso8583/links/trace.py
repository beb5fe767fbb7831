"""Frames as lines for a `Tap`: decoded, named, masked, and why a frame matched nothing."""

from datetime import UTC, datetime

from core_adapters.iso8583.codec import Codec, FieldView
from core_adapters.iso8583.errors import DecodeError
from core_adapters.iso8583.format.framing import Framer
from core_adapters.iso8583.format.message import Message
from core_adapters.tap import Tap


class Tracer:
    """Writes what passes over the links of one host to a tap; costs nothing while unwatched."""

    def __init__(self, codec: Codec, tap: Tap | None) -> None:
        self._codec = codec
        self._tap = tap

    @property
    def wanted(self) -> bool:
        """Whether anybody watches."""
        return self._tap is not None and self._tap.wanted

    def sent(self, link: str, data: bytes) -> None:
        """A whole frame was given to a link."""
        if not self.wanted:
            return
        for frame in Framer(self._codec.profile.frame).feed(data):
            self._message("sent", link, self._codec.decode(frame.body), len(frame.body))

    def received(self, link: str, message: Message, size: int, *, mac_ok: bool) -> None:
        """A frame came that could be decoded."""
        if self.wanted:
            self._message("received", link, message, size, why="" if mac_ok else "bad MAC")

    def undecodable(self, link: str, size: int, error: DecodeError) -> None:
        """A frame came that could not; the error carries no content."""
        if self.wanted:
            self._put({"what": "undecodable", "link": link, "bytes": size, "why": str(error)})

    def unmatched(self, link: str, message: Message, why: str) -> None:
        """The frame last received is nobody's reply, and why."""
        if self.wanted:
            stan = message.get(11) or ""
            told = {"what": "unmatched", "link": link, "mti": message.mti, "stan": stan}
            self._put({**told, "why": why})

    def link(self, link: str, why: str, *, up: bool) -> None:
        """A link signed on, or went."""
        if self.wanted:
            self._put({"what": "link_up" if up else "link_down", "link": link, "why": why})

    def _message(self, what: str, link: str, message: Message, size: int, *, why: str = "") -> None:
        views = [as_json(view) for view in self._codec.view(message)]
        event = {"what": what, "link": link, "mti": message.mti, "bytes": size, "fields": views}
        self._put(event | ({"why": why} if why else {}))

    def _put(self, event: dict[str, object]) -> None:
        if self._tap is not None:
            self._tap.put({"at": datetime.now(UTC).isoformat(timespec="milliseconds"), **event})


def as_json(view: FieldView) -> dict[str, str]:
    """One decoded, masked field."""
    return {"field": view.number, "name": view.name, "text": view.text}
