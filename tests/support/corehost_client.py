"""A terminal of the demo bank for tests: builds tb87 messages, speaks them over a socket."""

import asyncio
import functools
import ssl
from datetime import UTC, datetime
from pathlib import Path
from typing import Self

from core_adapters.corehost.seed import SeedCard
from core_adapters.hsm.kinds import PinFormat
from core_adapters.hsm.software import open_software
from core_adapters.iso8583.codec import Codec
from core_adapters.iso8583.format.framing import Framer, wrap
from core_adapters.iso8583.format.mac import ModuleMac
from core_adapters.iso8583.format.message import Message
from core_adapters.iso8583.keys.names import KeyNames
from core_adapters.iso8583.profile_load import load_profile
from transactions.card import CardNumber
from transactions.secret import Secret

PROFILE = Path(__file__).resolve().parents[2] / "config" / "hosts" / "tb87.yaml"
ANSWER_S = 20.0


@functools.cache
def tb87() -> Codec:
    """The shipped profile's codec; reading the profile takes a tenth of a second."""
    return Codec(load_profile(PROFILE))


class Terminal:
    """Makes messages with a STAN of their own, under the keys of a gateway's folder; no socket."""

    def __init__(self, keys: Path, name: str = "TB010001") -> None:
        self.codec = tb87()
        self.keys = keys
        self.module, self.key_names = open_software(keys), KeyNames.of("tb87")
        self.mac = ModuleMac(self.module, self.key_names.mac)
        self.name = name
        self._stan = 0

    def message(self, mti: str, fields: dict[int, str]) -> Message:
        """A message with the common fields; `fields` come over them."""
        self._stan += 1
        now = datetime.now(UTC)
        common = {7: f"{now:%m%d%H%M%S}", 11: f"{self._stan:06d}", 12: f"{now:%H%M%S}"}
        common |= {13: f"{now:%m%d}", 18: "6012", 32: "990000", 37: f"01{self._stan:010d}"}
        common |= {41: self.name, 42: "TELEBANK       "}
        return Message(mti, common | fields)

    def network(self, code: str) -> Message:
        """0800 with field 70."""
        return self.message("0800", {70: code})

    def verify(self, card: str, pin: str) -> Message:
        """0600/91 with the PIN block."""
        block = self.pin_block(card, pin)
        return self.message("0600", {2: card, 3: "910000", 22: "011", 26: "12", 52: block})

    def pin_block(self, card: str, pin: str) -> str:
        """Field 52, sixteen hexadecimal digits."""
        name, card_no = self.key_names.pin, CardNumber(card)
        return self.module.pin_block(name, Secret(pin), card_no, PinFormat.ISO_0).hex().upper()

    def change(self, card: str, old: str, new: str) -> Message:
        """0600/92 with both PIN blocks."""
        carried = self.codec.join(48, {"new_pin_block": self.pin_block(card, new)})
        changes = {3: "920000", 48: carried}
        return self.message("0600", {**self.verify(card, old).fields, **changes})

    def totals(self, month_day: str, currency: str = "156") -> Message:
        """0500 for a business date and a currency."""
        return self.message("0500", {15: month_day, 50: currency})

    def answer(self, request: Message, code: str = "00", **more: str) -> Message:
        """0810 to a message of the host's own; `f15="…"` adds field 15."""
        mirrored = {n: v for n, v in request.fields.items() if n in (7, 11, 32, 41, 70)}
        return Message("0810", mirrored | {39: code} | {int(n[1:]): v for n, v in more.items()})

    def balance(self, card: str) -> Message:
        """0200/31."""
        return self.message("0200", {2: card, 3: "310000", 49: "156"})

    def quote(self, card: str, payee: str, fen: int) -> Message:
        """0200/32."""
        return self.message("0200", {2: card, 3: "320000", 4: f"{fen:012d}", 49: "156", 103: payee})

    def transfer(self, quote: Message, reply: Message, **changes: str) -> Message:
        """0200/42 on the terms of a quote; `f4="…"` changes field 4."""
        terms = self.codec.subfields(reply, 48)
        reference = self.codec.subfields(reply, 61)["quote"]
        fields = {n: quote.fields[n] for n in (2, 4, 49, 103)} | {3: "420000"}
        fields |= {28: f"D{int(terms['fee']):08d}", 61: self.codec.join(61, {"quote": reference})}
        return self.message("0200", fields | {int(n[1:]): v for n, v in changes.items()})

    def reversal(self, original: Message, mti: str = "0420") -> Message:
        """0420 or 0421 that names `original` in field 90 and keeps its STAN and times."""
        kept = {n: v for n, v in original.fields.items() if n not in (22, 48, 52, 61)}
        acquirer = original.fields[32].rjust(11, "0")
        data = f"{original.mti}{original.fields[11]}{original.fields[7]}{acquirer}{'0' * 11}"
        return Message(mti, kept | {39: "68", 90: data})

    def loss(self, card: SeedCard, identity: str | None = None, mti: str = "0302") -> Message:
        """0302 or 0322 with the identity digits."""
        subs = {"identity": card.identity if identity is None else identity, "reason": "lost"}
        fields = {2: card.card, 48: self.codec.join(48, subs), 91: "1", 101: "HOTCARD"}
        return self.message(mti, fields)

    def frame(self, message: Message) -> bytes:
        """The message on the wire, with length and MAC."""
        return wrap(self.codec.encode(message, self.mac), self.codec.profile.frame)


class Line:
    """A connection: sends messages, gives replies as they come, checks their MAC."""

    def __init__(
        self, terminal: Terminal, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        self.terminal = terminal
        self.reader = reader
        self.writer = writer
        self._framer = Framer(terminal.codec.profile.frame)
        self._ready: list[bytes] = []

    @classmethod
    async def open(cls, port: int, terminal: Terminal, tls: ssl.SSLContext | None = None) -> Self:
        """Connect on the loopback interface."""
        reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=tls)
        return cls(terminal, reader, writer)

    async def send(self, message: Message) -> None:
        """Write one message."""
        self.writer.write(self.terminal.frame(message))
        await self.writer.drain()

    async def body(self) -> bytes | None:
        """The next reply's bytes; None where the host closed the connection first."""
        while not self._ready:
            try:
                data = await asyncio.wait_for(self.reader.read(65536), ANSWER_S)
            except ConnectionResetError:
                return None
            if not data:
                return None
            self._ready.extend(frame.body for frame in self._framer.feed(data))
        return self._ready.pop(0)

    async def reply(self) -> Message:
        """The next reply, its MAC right."""
        body = await self.body()
        assert body is not None, "the host closed the connection"
        message = self.terminal.codec.decode(body)
        assert self.terminal.codec.mac_ok(body, message, [self.terminal.mac])
        return message

    async def sign_on(self) -> None:
        """0800/001, granted."""
        assert await self.code(self.terminal.network("001")) == "00"

    async def ask(self, message: Message) -> Message:
        """Send one message and take the next reply."""
        await self.send(message)
        return await self.reply()

    async def code(self, message: Message) -> str:
        """Field 39 of the reply."""
        return (await self.ask(message)).fields[39]

    async def move(self, payer: str, payee: str, fen: int) -> tuple[Message, Message]:
        """Quote, then transfer: the 0200 and its reply."""
        asked = self.terminal.quote(payer, payee, fen)
        terms = await self.ask(asked)
        assert terms.fields[39] == "00", terms.fields[39]
        order = self.terminal.transfer(asked, terms)
        return order, await self.ask(order)

    def close(self) -> None:
        """Hang up."""
        self.writer.close()
