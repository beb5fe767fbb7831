"""A scripted core host on a free loopback port: answers, keeps silent, garbles, cuts at a byte."""

import asyncio
import ssl
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Self

from core_adapters.iso8583.codec import Codec
from core_adapters.iso8583.format.framing import Framer, wrap
from core_adapters.iso8583.format.message import Message, reply_mti
from core_adapters.iso8583.profile import Profile
from support.iso8583_kit import MAC, codec

ECHOED = (2, 3, 4, 7, 11, 12, 13, 32, 37, 41, 42, 49, 70)
BALANCES = "0001156C0000012680500002156C000001268050"


def approve(message: Message) -> Message:
    """The reply 00 with everything any service of the profile may want."""
    fields = {n: message.fields[n] for n in ECHOED if n in message.fields}
    fields |= {15: "1122", 39: "00", 54: BALANCES}
    fields[48] = codec().join(48, {"payee_masked": "陈*海", "fee": "200"})
    fields[61] = codec().join(61, {"quote": "Q0001", "expiry": "20261122043000"})
    return Message(reply_mti(message.mti), fields)


def decline(code: str) -> Callable[[Message], Message]:
    """The reply with another field 39."""
    return lambda message: approve(message).with_fields(reply_mti(message.mti), {39: code})


def changed(number: int, value: str | None) -> Callable[[Message], Message]:
    """The reply 00 with one field changed, or left out."""

    def reply(message: Message) -> Message:
        fields = dict(approve(message).fields) | {number: value or ""}
        return Message(reply_mti(message.mti), {n: v for n, v in fields.items() if v})

    return reply


@dataclass
class Script:
    """What the peer does with messages that are not network management."""

    reply: Callable[[Message], Message | None] = approve
    bend: Callable[[bytes], bytes] = field(default=lambda data: data)
    """Changes the framed bytes of a reply."""
    cut_request_at: int | None = None
    """Cut when this many bytes of a request have come (0: as soon as any has)."""
    cut_reply_at: int | None = None
    """Send this many bytes of a reply, then cut."""


class Peer:
    """Listens; `script` may be changed at any time; `seen` has every message but 08xx."""

    def __init__(self) -> None:
        self.script = Script()
        self.seen: list[Message] = []
        self.network: list[str] = []
        """MTI and field 70 of what was 08xx, and in `told` the messages."""
        self.told: list[Message] = []
        self.port = 0
        self.tls: ssl.SSLContext | None = None
        self.sign_on_code = "00"
        self.answers_echo = True
        self.answers_sign_off = True
        self.writers: set[asyncio.StreamWriter] = set()
        self._codec = codec()
        self._server: asyncio.Server | None = None

    @classmethod
    async def start(cls, tls: ssl.SSLContext | None = None) -> Self:
        """Listen on a free port."""
        peer = cls()
        peer.tls = tls
        await peer.listen()
        return peer

    def speak(self, profile: Profile) -> None:
        """Talk by another profile from now on."""
        self._codec = Codec(profile)

    async def listen(self) -> None:
        """Listen, again on the same port."""
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port, ssl=self.tls)
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        """Stop listening and cut everything."""
        assert self._server is not None
        self._server.close()
        self.cut()
        await self._server.wait_closed()

    def cut(self) -> None:
        """Reset every connection."""
        for writer in list(self.writers):
            writer.transport.abort()

    def send(self, message: Message) -> None:
        """Push a message to every connection."""
        for writer in self.writers:
            writer.write(self.frame(message))

    def frame(self, message: Message) -> bytes:
        """A message with MAC and length."""
        return wrap(self._codec.encode(message, MAC), self._codec.profile.frame)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.writers.add(writer)
        framer = Framer(self._codec.profile.frame)
        signed_on = False
        try:
            while data := await reader.read(1 if self._counting(signed_on) else 65536):
                limit = self.script.cut_request_at
                if signed_on and limit is not None and framer.pending + len(data) >= limit:
                    writer.transport.abort()
                    return
                for frame in framer.feed(data):
                    message = self._codec.decode(frame.body)
                    assert self._codec.mac_ok(frame.body, message, [MAC])
                    signed_on = True
                    self._take(message, writer)
        except ConnectionError:
            pass
        finally:
            self.writers.discard(writer)
            writer.close()

    def _counting(self, signed_on: bool) -> bool:
        return signed_on and self.script.cut_request_at is not None

    def _take(self, message: Message, writer: asyncio.StreamWriter) -> None:
        if message.mti[:2] == "08":
            self._network(message, writer)
            return
        self.seen.append(message)
        reply = self.script.reply(message)
        if reply is None:
            return
        data = self.script.bend(self.frame(reply))
        if self.script.cut_reply_at is None:
            writer.write(data)
            return
        writer.write(data[: self.script.cut_reply_at])
        writer.close()

    def _network(self, message: Message, writer: asyncio.StreamWriter) -> None:
        self.network.append(f"{message.mti}/{message.fields[70]}")
        self.told.append(message)
        if message.mti != "0800" or (message.fields[70] == "301" and not self.answers_echo):
            return
        if message.fields[70] == "002" and not self.answers_sign_off:
            return
        fields = {n: message.fields[n] for n in ECHOED if n in message.fields}
        code = self.sign_on_code if message.fields[70] == "001" else "00"
        writer.write(self.frame(Message("0810", fields | {39: code})))
