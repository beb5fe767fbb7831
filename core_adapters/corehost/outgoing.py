"""Network messages of the host's own (0800), and the answer (0810) that each waits for."""

import asyncio
from collections.abc import Mapping
from datetime import UTC, datetime
from itertools import cycle
from typing import Protocol

import structlog

from core_adapters.iso8583.codec import Codec
from core_adapters.iso8583.format.framing import wrap
from core_adapters.iso8583.format.mac import Mac
from core_adapters.iso8583.format.message import Message, reply_mti

MAX_WAITING = 2000
"""Most messages of the host's own without an answer."""
AGREED = (7, 11, 70)
"""Fields of 0810 that are those of its 0800."""

log = structlog.get_logger("corehost.outgoing")


class Writes(Protocol):
    """Where a message is written."""

    def send(self, data: bytes) -> None:
        """Write, where the connection is still there."""
        ...


class Outgoing:
    """Numbers, sends and matches what the host asks of a gateway."""

    def __init__(self, codec: Codec, mac: Mac) -> None:
        self._codec = codec
        self._mac = mac
        self._stans = cycle(range(1, 1_000_000))
        self._waiting: dict[tuple[str, ...], asyncio.Future[Message]] = {}

    async def ask(
        self, line: Writes, code: str, fields: Mapping[int, str], timeout_s: float
    ) -> Message | None:
        """Send 0800 with this field 70; the 0810, or None where none came in time."""
        if len(self._waiting) >= MAX_WAITING:
            log.warning("too_many_waiting")
            return None
        now = datetime.now(UTC)
        common = {7: f"{now:%m%d%H%M%S}", 11: f"{next(self._stans):06d}", 70: code}
        network = self._codec.profile.network
        request = Message(network.mti, {**common, **fields})
        answer: asyncio.Future[Message] = asyncio.get_running_loop().create_future()
        self._waiting[self._key(request)] = answer
        try:
            body = self._codec.encode(request, self._mac)
            line.send(wrap(body, self._codec.profile.frame))
            async with asyncio.timeout(timeout_s):
                return await answer
        except TimeoutError:
            log.warning("not_answered", network=code)
            return None
        finally:
            del self._waiting[self._key(request)]

    def heard(self, message: Message) -> bool:
        """Whether this reply answers a message of the host's own."""
        if message.mti != reply_mti(self._codec.profile.network.mti):
            return False
        answer = self._waiting.get(self._key(message))
        if answer is None or answer.done():
            return False
        answer.set_result(message)
        return True

    def _key(self, message: Message) -> tuple[str, ...]:
        return tuple(message.get(number) or "" for number in AGREED)
