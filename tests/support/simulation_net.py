"""The lines between gateway and bank: every byte may be cut, every message may meet a fault."""

import asyncio
import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Any

from core_adapters.iso8583.errors import DecodeError, FramingError
from core_adapters.iso8583.format.framing import Framer, wrap
from core_adapters.iso8583.format.message import Message, is_reply, reply_mti
from support.iso8583_kit import MAC
from support.simulation_bank import SimBank
from support.transactions_time import LoopClock

MONEY, MONEY_CODE, REVERSALS = "0200", "420000", ("0420", "0421")
LATE_S = 21.0
"""Longer than any time-out of the profile."""
OVERTAKEN_S = 25.0
SOON = (0.0005, 0.001, 0.004, 0.02)
"""Seconds on the way."""


class Hit(StrEnum):
    """What one message meets."""

    NONE = "none"
    CUT_REQUEST = "cut in the request"
    CUT_REPLY = "cut in the reply"
    LOST = "lost"
    REPLY_LOST = "reply lost"
    LATE = "reply late"
    OVERTAKEN = "reaches the bank late"
    DUPLICATE = "reply twice"
    GARBLED = "garbled"
    WRONG_KEY = "wrong key field"
    WRONG_AMOUNT = "wrong amount"
    BAD_MAC = "bad MAC"
    DECLINED = "decline code"
    COLLISION = "94"
    CUT_OVER = "90"
    TWICE = "request twice"


FORGED = frozenset({Hit.WRONG_KEY, Hit.WRONG_AMOUNT, Hit.BAD_MAC, Hit.GARBLED})
"""A reply comes that must not be believed; half of the time the bank never saw the message."""


@dataclass(frozen=True)
class Plan:
    """What happens to the first transfer of a run, and to the first message that reverses it."""

    first: Hit = Hit.NONE
    byte: int = 0
    second: Hit = Hit.NONE
    decline: str = "51"
    seconds: float = OVERTAKEN_S
    """How late an overtaken message reaches the bank."""


class Line(asyncio.Transport):
    """One connection, seen from both ends. Order is kept in each direction."""

    def __init__(self, net: "Net", protocol: Any) -> None:
        super().__init__()
        self.net = net
        self.protocol = protocol
        self.framer = Framer(net.bank.codec.profile.frame)
        self.up = True
        """The gateway may write, and the bank hears."""
        self._due = {"in": 0.0, "out": 0.0}

    # -- the gateway's end ----------------------------------------------------------------------

    def write(self, data: Any) -> None:
        """One frame of the gateway's."""
        if self.up and not self.net.dead:
            self.net.sent(self, bytes(data))

    def get_write_buffer_size(self) -> int:
        """The bank reads at once."""
        return 0

    def is_closing(self) -> bool:
        """Whether it is gone."""
        return not self.up

    def close(self) -> None:
        """End it."""
        self.cut()

    def abort(self) -> None:
        """End it."""
        self.cut()

    # -- the line -------------------------------------------------------------------------------

    def cut(self) -> None:
        """Both ends learn of it; what is on its way to the bank may still arrive."""
        if self.up:
            self.up = False
            asyncio.get_running_loop().call_soon(self._lost)

    def _lost(self) -> None:
        if not self.net.dead and self in self.net.lines:
            self.net.lines.remove(self)
            self.protocol.connection_lost(None)

    def to_bank(self, data: bytes, wait: float = 0.0) -> None:
        """Bytes on their way to the bank."""
        self._later("out", self._at_bank, data, wait)

    def to_gateway(self, data: bytes, wait: float = 0.0) -> None:
        """Bytes on their way to the gateway, sometimes in two pieces."""
        middle = self.net.chance.randrange(len(data) + 1) if self.net.chance.random() < 0.2 else 0
        for piece in (data[:middle], data[middle:]):
            if piece:
                self._later("in", self._at_gateway, piece, wait)

    def _later(self, way: str, work: Callable[..., None], data: bytes, wait: float) -> None:
        loop = asyncio.get_running_loop()
        at = loop.time() + wait + self.net.chance.choice(SOON)
        if not wait:
            at = self._due[way] = max(at, self._due[way] + 1e-6)
        loop.call_at(at, work, data)

    def _at_bank(self, data: bytes) -> None:
        try:
            for frame in self.framer.feed(data):
                self.net.arrived(self, frame.body)
        except FramingError:
            self.cut()

    def _at_gateway(self, data: bytes) -> None:
        if self.up and not self.net.dead:
            self.protocol.data_received(data)


class Net:
    """All lines of one life of the gateway, and the bank behind them."""

    def __init__(self, bank: SimBank, plan: Plan, chance: random.Random, state: "State") -> None:
        self.bank = bank
        self.plan = plan
        self.chance = chance
        self.state = state
        self.dead = False
        self.lines: list[Line] = []
        self.away_until = 0.0
        self.now: Callable[[], datetime] = LoopClock().now
        """The bank's clock."""
        self.watch: Callable[[Message], None] = lambda _message: None
        """Sees every message of the gateway as its first byte goes."""

    async def connect(self, factory: Callable[[], Any]) -> tuple[Any, Any]:
        """A new line, where the bank is there."""
        await asyncio.sleep(self.chance.choice(SOON))
        if asyncio.get_running_loop().time() < self.away_until:
            raise ConnectionRefusedError("the bank is away")
        protocol = factory()
        line = Line(self, protocol)
        self.lines.append(line)
        protocol.connection_made(line)
        return line, protocol

    def kill(self) -> None:
        """The gateway died: it writes and hears nothing more."""
        self.dead = True
        for line in self.lines:
            line.up = False

    # -- the gateway's messages -----------------------------------------------------------------

    def sent(self, line: Line, data: bytes) -> None:
        """A frame leaves: the plan's turn."""
        message = self.bank.codec.decode(data[2:])
        self.watch(message)
        state, plan = self.state, self.plan
        if _is_money(message) and state.victim is None and plan.first is not Hit.NONE:
            state.victim = message.get(11)
            self._strike(line, data, message, plan.first)
            state.struck.set()
        elif message.mti in REVERSALS and not state.second and self._reverses_victim(message):
            state.second = True
            self._strike(line, data, message, plan.second)
        else:
            line.to_bank(data)

    def _reverses_victim(self, message: Message) -> bool:
        return (message.get(90) or "")[4:10] == self.state.victim

    def _strike(self, line: Line, data: bytes, message: Message, hit: Hit) -> None:
        if hit is Hit.CUT_REQUEST:
            count = min(self._byte(len(data), message), len(data))
            self._cut_out(line, data[:count])
            return
        if hit in FORGED:
            self._forge(line, message, hit)
            if self.chance.random() < 0.5:
                return
        if hit is Hit.LOST:
            return
        if hit in (Hit.DECLINED, Hit.COLLISION, Hit.CUT_OVER):
            codes = {Hit.DECLINED: self.plan.decline, Hit.COLLISION: "94", Hit.CUT_OVER: "90"}
            line.to_gateway(self.frame(self._good(message, {39: codes[hit]})))
            return
        if hit not in (Hit.NONE, *FORGED):
            self.state.replies[_key(message)] = hit
        wait = self.plan.seconds if hit is Hit.OVERTAKEN else 0.0
        line.to_bank(data, wait)
        if hit is Hit.TWICE:
            line.to_bank(data)

    def _byte(self, size: int, message: Message) -> int:
        """Where to cut: the plan's byte for the victim, any for its reversal."""
        return self.plan.byte if _is_money(message) else self.chance.randrange(size + 1)

    def _cut_out(self, line: Line, part: bytes) -> None:
        if part:
            line.to_bank(part)
        if self.chance.random() < 0.3:
            self.away_until = asyncio.get_running_loop().time() + self.chance.choice(
                (0.7, 3.0, 40.0)
            )
        line.cut()

    def _forge(self, line: Line, message: Message, hit: Hit) -> None:
        """A reply that says 00 and must not be believed."""
        good = self._good(message, {39: "00"})
        if hit is Hit.WRONG_KEY:
            number = self.chance.choice((11, 41))
            text = "999999" if number == 11 else "TB990099"
            line.to_gateway(self.frame(replace(good, fields={**good.fields, number: text})))
            return
        if hit is Hit.WRONG_AMOUNT:
            good = replace(good, fields={**good.fields, 4: "000000000001"})
            line.to_gateway(self.frame(good))
            return
        data = bytearray(self.frame(good))
        if hit is Hit.BAD_MAC:
            data[-1] ^= 0xFF
        else:
            for index in range(2, len(data)):
                data[index] ^= 0xA5
        line.to_gateway(bytes(data))

    def _good(self, message: Message, changes: Mapping[int, str]) -> Message:
        kept = {
            n: message.fields[n]
            for n in (2, 3, 4, 7, 11, 12, 13, 32, 37, 41, 42, 49)
            if n in message.fields
        }
        return Message(reply_mti(message.mti), {**kept, 15: "0302", **changes})

    # -- the bank's answers -----------------------------------------------------------------------

    def arrived(self, line: Line, body: bytes) -> None:
        """A whole frame is at the bank, which applies it and answers."""
        codec = self.bank.codec
        try:
            message = codec.decode(body)
        except DecodeError:
            return
        if is_reply(message.mti) or not codec.mac_ok(body, message, (MAC,)):
            return
        reply = self.bank.answer(message, self.now())
        self._reply(line, message, reply, self.state.replies.pop(_key(message), Hit.NONE))

    def _reply(self, line: Line, message: Message, reply: Message, hit: Hit) -> None:
        data = self.frame(reply)
        match hit:
            case Hit.REPLY_LOST:
                return
            case Hit.CUT_REPLY:
                count = min(self._byte(len(data) - 1, message), len(data) - 1)
                line.to_gateway(data[:count])
                asyncio.get_running_loop().call_later(0.05, line.cut)
            case Hit.LATE:
                self._whenever(data)
            case Hit.DUPLICATE:
                line.to_gateway(data + data)
                self._whenever(data)
            case _:
                line.to_gateway(data)

    def _whenever(self, data: bytes) -> None:
        """Much later, on whatever line there is then."""

        def deliver() -> None:
            for line in self.lines[:1]:
                line.to_gateway(data)

        asyncio.get_running_loop().call_later(LATE_S, deliver)

    def frame(self, message: Message) -> bytes:
        """With MAC and length."""
        codec = self.bank.codec
        return wrap(codec.encode(message, MAC), codec.profile.frame)


class State:
    """What has happened in a run so far; it outlives the gateway."""

    def __init__(self) -> None:
        self.victim: str | None = None
        self.struck = asyncio.Event()
        self.second = False
        self.replies: dict[tuple[str, str], Hit] = {}


def _is_money(message: Message) -> bool:
    return message.mti == MONEY and message.get(3) == MONEY_CODE


def _key(message: Message) -> tuple[str, str]:
    return message.mti, message.get(11) or ""
