"""A plain link to a test host for hand-made messages: connect, sign on, ask, one at a time."""

import asyncio
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any

from core_adapters.conformance.journal import Stans, first_stan
from core_adapters.iso8583.build import Builder
from core_adapters.iso8583.codec import Codec
from core_adapters.iso8583.errors import DecodeError, EncodeError
from core_adapters.iso8583.format.framing import Frame, Framer, wrap
from core_adapters.iso8583.format.mac import Mac
from core_adapters.iso8583.format.message import Message, is_reply, reply_mti
from core_adapters.iso8583.links.tls import connection_words
from core_adapters.iso8583.links.trace import Tracer
from core_adapters.iso8583.options import Iso8583Options
from core_adapters.tap import Tap

MAX_LINE = 16_384
NEVER = frozenset({35, 36, 45, 52, 53, 96})
"""PIN, track and key data: never in a file."""
NETWORK, CODE = "08", 39


class ReplayError(ValueError):
    """A line that cannot be sent: which, and what to do."""


@dataclass(frozen=True, slots=True)
class Replayed:
    """One message sent and what came; `reply` None is silence."""

    number: int
    message: Message
    reply: Message | None


def read_line(codec: Codec, number: int, text: str) -> Message:
    """`{"mti": "0200", "fields": {"3": "310000", "48": {"reason": "lost"}}}`; `ReplayError`."""
    try:
        if len(text) > MAX_LINE:
            raise ReplayError(f"longer than {MAX_LINE} characters")
        row: Any = json.loads(text)
        fields = {int(n): value for n, value in row["fields"].items()}
        secret = sorted(NEVER & fields.keys())
        if secret:
            raise ReplayError(f"field {secret[0]} is a secret: take it out of the file")
        plain = {n: codec.join(n, v) if isinstance(v, dict) else str(v) for n, v in fields.items()}
        message = Message(str(row["mti"]), MappingProxyType(plain))
        codec.encode(message)
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        what = (
            f"{error}" if isinstance(error, ValueError) else f"needs `mti` and `fields` ({error})"
        )
        raise ReplayError(f"line {number}: {what}") from None
    return message


class WireLink:
    """One connection; `stamp` fills what must be fresh in each message."""

    def __init__(self, codec: Codec, mac: Mac, options: Iso8583Options, tap: Tap) -> None:
        self._codec = codec
        self._mac = mac
        self._options = options
        self._trace = Tracer(codec, tap)
        self._stans = Stans(first_stan())
        self._framer = Framer(codec.profile.frame)
        self._waiting: list[Frame] = []
        self._reader: asyncio.StreamReader | None = None
        self._writer: asyncio.StreamWriter | None = None

    async def open(self) -> None:
        """Connect; raises `OSError` or `TimeoutError`."""
        async with asyncio.timeout(self._options.connect_timeout_s):
            address = self._options.ranked[0]
            words = connection_words(self._options.tls, address.host)
            self._reader, self._writer = await asyncio.open_connection(
                address.host, address.port, **words
            )

    async def close(self) -> None:
        """Hang up."""
        if self._writer is not None:
            self._writer.close()

    async def sign_on(self, builder: Builder) -> bool:
        """0800 with the profile's sign-on code; whether the host took it."""
        code = self._codec.profile.network.sign_on
        message = builder.network(code, self._stans.take(), datetime.now(UTC))
        reply = await self.ask(message, self._options.mux.sign_on_timeout_s)
        return reply is not None and reply.get(CODE) == "00"

    def stamp(self, message: Message, *, keep: bool) -> Message:
        """With fresh 7, 11, 12, 13, 37 and our own 32 and 41; with `keep`, only what is absent."""
        now, stan = datetime.now(UTC), self._stans.take()
        local = now.astimezone()
        fresh: Mapping[int, str] = {
            7: now.strftime("%m%d%H%M%S"),
            11: stan,
            12: local.strftime("%H%M%S"),
            13: local.strftime("%m%d"),
            32: self._options.acquirer,
            37: stan.zfill(12),
            41: self._options.terminal.ljust(8),
        }
        known = {n: v for n, v in fresh.items() if n in self._codec.profile.fields}
        merged = {**known, **message.fields} if keep else {**message.fields, **known}
        return Message(message.mti, MappingProxyType(merged))

    async def ask(self, message: Message, timeout_s: float) -> Message | None:
        """Send and wait for the reply of its MTI and STAN; None where none came in time."""
        assert self._writer is not None
        data = wrap(self._codec.encode(message, self._mac), self._codec.profile.frame)
        self._writer.write(data)
        self._trace.sent("tool", data)
        try:
            async with asyncio.timeout(timeout_s):
                await self._writer.drain()
                return await self._reply_to(message)
        except TimeoutError:
            return None

    async def _reply_to(self, message: Message) -> Message | None:
        wanted = (reply_mti(message.mti), message.get(11))
        while True:
            frame = await self._next()
            if frame is None:
                return None
            try:
                got = self._codec.decode(frame.body)
            except DecodeError as error:
                self._trace.undecodable("tool", len(frame.body), error)
                continue
            ok = self._codec.mac_ok(frame.body, got, [self._mac])
            self._trace.received("tool", got, len(frame.body), mac_ok=ok)
            if is_reply(got.mti) and ok and (got.mti, got.get(11)) == wanted:
                return got
            why = "bad MAC" if not ok else "MTI or field 11 is not the request's"
            self._trace.unmatched("tool", got, why)

    async def _next(self) -> Frame | None:
        assert self._reader is not None
        while not self._waiting:
            data = await self._reader.read(65_536)
            if not data:
                return None
            self._waiting.extend(self._framer.feed(data))
        return self._waiting.pop(0)


Told = Callable[[Replayed], None]

__all__ = ["EncodeError", "ReplayError", "Replayed", "WireLink", "read_line"]
