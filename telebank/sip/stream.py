"""Messages out of a stream: bytes in, whole messages out (RFC 3261 18.3, RFC 5626 3.5.1).

A stream has no ends of its own: Content-Length says where a message is over, so that what comes
after a length nobody can read is lost, and the connection with it.
"""

import re
from dataclasses import dataclass

from telebank.sip.message import MAX_DATAGRAM, MAX_LINE, refusal_to

CRLF = b"\r\n"
PONG = CRLF
"""What answers a keep-alive (RFC 5626 4.4.1)."""
_END = b"\r\n\r\n"
MAX_BODY = 32_768
MAX_HEAD = MAX_DATAGRAM - MAX_BODY
"""Octets; a message of a stream is never longer than one of a datagram."""
_LENGTH = re.compile(
    rb"\r\n(?:content-length|l)[ \t]*:((?:[^\r\n]|\r\n[ \t])*)(?=\r\n)", re.IGNORECASE
)
_START = re.compile(rb"(?:SIP/2\.0 [1-6][0-9]{2}(?: |$)|\S+ \S.* SIP/[0-9])", re.DOTALL)


@dataclass(frozen=True, slots=True)
class MessageFramed:
    """One message, from its first octet to the last of its body."""

    data: bytes


@dataclass(frozen=True, slots=True)
class PingHeard:
    """A double CRLF between messages: `PONG` answers it."""


@dataclass(frozen=True, slots=True)
class FramingBroken:
    """Nothing more can be read: send `refusal`, where it is not empty, and close."""

    why: str
    refusal: bytes = b""


Framed = MessageFramed | PingHeard | FramingBroken


class Framer:
    """One direction of one connection. What is framed does not depend on how the bytes come in."""

    def __init__(self) -> None:
        self._data = bytearray()
        self._looked = 0
        """Octets in which the end of the header block was looked for already."""
        self._need = 0
        """Octets of the message whose header block is here, 0 before."""
        self._begun = False
        """Whether the start line is here and good."""
        self._line_breaks = 0
        """CRLFs since the last message or ping."""
        self.broken = False

    @property
    def inside(self) -> bool:
        """Whether a message has begun and is not over."""
        return bool(self._data) and self._data != b"\r"

    def receive(self, data: bytes) -> list[Framed]:
        """Take bytes as they came."""
        found: list[Framed] = []
        if self.broken:
            return found
        self._data += data
        while (framed := self._next()) is not None:
            found.append(framed)
            if isinstance(framed, FramingBroken):
                self.broken = True
                self._data.clear()
                break
        return found

    def _next(self) -> Framed | None:
        if self._need:
            return self._whole()
        if not self._begun:
            if self._skip_line_breaks():
                return PingHeard()
            if not self._good_start():
                return FramingBroken("no SIP start line")
        end = self._data.find(_END, self._looked, MAX_HEAD + len(_END))
        if end >= 0:
            return self._head(bytes(self._data[:end]))
        if len(self._data) >= MAX_HEAD + len(_END):
            return FramingBroken("a header block too long")
        self._looked = max(0, len(self._data) - len(_END) + 1)
        return None

    def _good_start(self) -> bool:
        """Whether the start line is good, or may become so."""
        end = self._data.find(CRLF, 0, MAX_LINE + len(CRLF))
        if end < 0:
            return len(self._data) < MAX_LINE + len(CRLF)
        self._begun = _START.match(self._data, 0, end) is not None
        return self._begun

    def _skip_line_breaks(self) -> bool:
        """Drop CRLFs between messages; true for each second one, which makes a ping."""
        at = 0
        while self._data.startswith(CRLF, at):
            at += len(CRLF)
            self._line_breaks += 1
            if self._line_breaks == 2:  # noqa: PLR2004 - a double CRLF
                break
        del self._data[:at]
        ping = self._line_breaks == 2  # noqa: PLR2004
        if ping or (self._data and self._data != b"\r"):
            self._line_breaks = 0
        return ping

    def _head(self, head: bytes) -> Framed | None:
        lengths = [bytes(value).strip() for value in _LENGTH.findall(head + CRLF)]
        if len(lengths) != 1:
            why = "Content-Length: missing" if not lengths else "Content-Length: more than one"
            return FramingBroken(why, refusal_to(head, why))
        if not (lengths[0].isdigit() and len(lengths[0]) <= 10):  # noqa: PLR2004
            why = "Content-Length: not a number"
            return FramingBroken(why, refusal_to(head, why))
        if int(lengths[0]) > MAX_BODY:
            return FramingBroken("a body too long", refusal_to(head, "a body too long", 413))
        self._need = len(head) + len(_END) + int(lengths[0])
        return self._whole()

    def _whole(self) -> MessageFramed | None:
        if len(self._data) < self._need:
            return None
        message = bytes(self._data[: self._need])
        del self._data[: self._need]
        self._need = self._looked = 0
        self._begun = False
        return MessageFramed(message)
