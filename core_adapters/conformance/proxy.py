"""A TCP proxy between adapter and host that spoils messages on order, the same for every seed.

It knows the profile, so a fault can name a message by what it is, and it has the MAC key, so that a
changed field still carries a right MAC. The host needs no help: it may be a bank's own test host.
"""

import asyncio
import contextlib
import random
import time
from collections.abc import Coroutine, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from core_adapters.conformance.faults import Fault, Rules
from core_adapters.conformance.transcript import Line, Transcript
from core_adapters.iso8583.codec import Codec
from core_adapters.iso8583.errors import DecodeError, EncodeError, FramingError
from core_adapters.iso8583.format.framing import Frame, Framer, swap_tpdu, wrap
from core_adapters.iso8583.format.mac import Mac
from core_adapters.iso8583.format.message import Message, is_reply, reply_mti
from core_adapters.iso8583.profile import Profile, ServiceMap

READ_BYTES = 65_536
CLOSE_S = 2.0
"""Longest wait for connections to end."""
MAX_CONNECTIONS = 64
NETWORK = "08"
CUT_OVER_STAN, KEY_STAN = "999001", "999002"
OURS = frozenset({CUT_OVER_STAN, KEY_STAN})
"""STANs of what the proxy itself says in the host's name."""
MIRRORED = (2, 3, 4, 7, 11, 12, 13, 28, 32, 37, 41, 42, 49, 90)
"""Fields that an answer made by the proxy repeats."""
DRIP_BYTES, DRIP_PAUSE_S = 6, 0.05
CODE, STAN, SETTLEMENT_DATE, NETWORK_CODE = 39, 11, 15, 70


@dataclass(frozen=True, slots=True)
class Order:
    """What a scenario asks of the proxy. `timeout_s` is the service's, which `delay` counts in."""

    service: ServiceMap | None = None
    faults: Sequence[Fault] = ()
    timeout_s: float = 1.0


@dataclass(slots=True, eq=False)
class _Pipe:
    """One connection of the adapter and the one it leads to."""

    adapter: asyncio.StreamWriter
    host: asyncio.StreamWriter
    held: list[tuple[Fault, Frame, str]] = field(default_factory=list)
    port: int = 0
    """The address that the adapter reached."""
    ending: bool = False
    """A cut has been ordered: not another byte either way."""

    def to(self, way: str) -> asyncio.StreamWriter:
        return self.host if way == "out" else self.adapter

    def cut(self) -> None:
        for writer in (self.adapter, self.host):
            writer.close()


class FaultProxy:
    """Listens on a free port of 127.0.0.1. `order` puts a scenario's faults in force."""

    def __init__(self, codec: Codec, mac: Mac, host: str, port: int, seed: int) -> None:
        self._codec = codec
        self._mac = mac
        self._target = (host, port)
        self._chance = random.Random(seed)  # noqa: S311 - chooses faults
        self._order = Order()
        self._rules = Rules(())
        self._pipes: set[_Pipe] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._servers: list[asyncio.Server] = []
        self._fallen: set[int] = set()
        self.findings: list[str] = []
        self.away = False
        """While true, every connection is closed as soon as it comes."""
        self.transcript = Transcript(codec)

    @property
    def _profile(self) -> Profile:
        return self._codec.profile

    async def start(self) -> int:
        """Listen on one more address; returns the port."""
        server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        self._servers.append(server)
        return int(server.sockets[0].getsockname()[1])

    async def close(self) -> None:
        """Cut everything and listen no more."""
        for server in self._servers:
            server.close()
        self.cut()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        ends = time.monotonic() + CLOSE_S
        while self._pipes and time.monotonic() < ends:
            await asyncio.sleep(0.002)

    def cut(self) -> None:
        """Cut every connection."""
        for pipe in list(self._pipes):
            pipe.cut()

    def order(self, order: Order) -> None:
        """Put these faults in force instead of the ones before."""
        self._order = order
        self._rules = Rules(order.faults)

    def spoil(self, service: str = "", faults: Sequence[Fault] = (), timeout_s: float = 1) -> None:
        """See `Between`."""
        self.order(Order(self._profile.services.get(service), faults, timeout_s))

    @property
    def played(self) -> int:
        """See `Between`."""
        return self._rules.played

    @property
    def lines(self) -> Sequence[Line]:
        """See `Between`."""
        return self.transcript.lines

    def take(self) -> list[Line]:
        """See `Between`."""
        return self.transcript.take()

    # -- connections ----------------------------------------------------------------------------

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        port = int(writer.get_extra_info("sockname")[1])
        if self.away or port in self._fallen or len(self._pipes) >= MAX_CONNECTIONS:
            writer.transport.abort()
            return
        try:
            back, host = await asyncio.open_connection(*self._target)
        except OSError:
            writer.transport.abort()
            return
        pipe = _Pipe(writer, host, port=port)
        self._pipes.add(pipe)
        out = asyncio.create_task(self._pump(pipe, "out", reader))
        home = asyncio.create_task(self._pump(pipe, "in", back))
        try:
            await asyncio.wait({out, home}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            pipe.cut()
            for task in (out, home):
                task.cancel()
            await asyncio.gather(out, home, return_exceptions=True)
            self._pipes.discard(pipe)

    async def _pump(self, pipe: _Pipe, way: str, reader: asyncio.StreamReader) -> None:
        framer = Framer(self._profile.frame)
        with contextlib.suppress(OSError, FramingError):
            while data := await reader.read(READ_BYTES):
                for frame in framer.feed(data):
                    await self._frame(pipe, way, frame)

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    # -- one frame ------------------------------------------------------------------------------

    async def _frame(self, pipe: _Pipe, way: str, frame: Frame) -> None:
        try:
            message = self._codec.decode(frame.body)
        except DecodeError:
            self._note(way, None, "", frame, "cannot be decoded")
            await self._pass(pipe, way, frame)
            return
        role = self.role_of(message, way)
        if message.get(STAN) in OURS and message.mti[:2] == NETWORK:
            self._note(way, message, role, frame, "answer to the proxy, kept by it")
            if message.get(STAN) == KEY_STAN and message.get(CODE) == "00":
                self.findings.append("a key block that is not right was taken (39=00)")
            return
        fault = self._rules.take(role)
        self._note(way, message, role, frame, fault.text if fault is not None else "")
        if fault is None:
            await self._pass(pipe, way, frame)
        else:
            await self._play(fault, pipe, way, frame, message)
        self._release(pipe, role)

    def _note(self, way: str, message: Message | None, role: str, frame: Frame, note: str) -> None:
        self.transcript.add(way, message, role, len(frame.body), note, made=False)

    def role_of(self, message: Message, way: str) -> str:
        """What a message is to the service of the scenario; empty where it is nothing to it."""
        if message.mti[:2] == NETWORK:
            keys = message.get(NETWORK_CODE) == self._profile.network.key_change
            name = "key_change" if keys else "network"
            return f"{name}_reply" if is_reply(message.mti) else name
        rules, reply = self._profile.reversal, is_reply(message.mti)
        if message.mti in (rules.mti, rules.repeat_mti, reply_mti(rules.mti)):
            return "reversal_reply" if reply else "reversal"
        service = self._order.service
        if service is None or (message.get(3) or "") != service.processing_code:
            return ""
        advice = service.advice
        firsts = {service.mti} | ({advice.mti} if advice else set())
        repeats = {service.repeat_mti} | ({advice.repeat_mti} if advice else set())
        if not reply:
            return "request" if message.mti in firsts else _role(message.mti in repeats, "repeat")
        return _role(message.mti in {reply_mti(mti) for mti in firsts if mti}, "reply")

    def _release(self, pipe: _Pipe, role: str) -> None:
        ready = [held for held in pipe.held if held[0].until == role]
        pipe.held = [held for held in pipe.held if held[0].until != role]
        for _, frame, way in ready:
            self._spawn(self._later(pipe, way, frame, DRIP_PAUSE_S))

    async def _pass(self, pipe: _Pipe, way: str, frame: Frame) -> None:
        await self._write(pipe, way, self._framed(frame))

    def _framed(self, frame: Frame) -> bytes:
        return wrap(frame.body, self._profile.frame, frame.tpdu)

    async def _write(self, pipe: _Pipe, way: str, data: bytes) -> None:
        writer = pipe.to(way)
        if writer.is_closing() or pipe.ending:
            return
        writer.write(data)
        with contextlib.suppress(OSError):
            await writer.drain()

    async def _later(self, pipe: _Pipe, way: str, frame: Frame, seconds: float) -> None:
        await asyncio.sleep(seconds)
        await self._pass(pipe, way, frame)

    # -- faults ---------------------------------------------------------------------------------

    async def _play(
        self, fault: Fault, pipe: _Pipe, way: str, frame: Frame, message: Message
    ) -> None:
        match fault.do:
            case "drop":
                return
            case "delay":
                seconds = fault.by * self._order.timeout_s
                self._spawn(self._later(pipe, way, frame, seconds))
            case "hold":
                pipe.held.append((fault, frame, way))
            case "answer":
                await self._answer(fault, pipe, frame, message)
            case "cut_over":
                await self._cut_over(pipe, frame)
                await self._pass(pipe, way, frame)
            case "bad_key":
                await self._bad_key(pipe, frame)
                await self._pass(pipe, way, frame)
            case "fall":
                self._fallen.add(pipe.port)
                for one in [one for one in self._pipes if one.port == pipe.port]:
                    one.cut()
            case "cut" | "drip" | "oversize":
                await self._break_stream(fault, pipe, way, frame)
            case _:
                await self._write(pipe, way, self._spoiled(fault, frame, message))

    def _spoiled(self, fault: Fault, frame: Frame, message: Message) -> bytes:
        whole = self._framed(frame)
        match fault.do:
            case "duplicate":
                return whole * 2
            case "bad_mac":
                body = frame.body[:-1] + bytes([frame.body[-1] ^ 0xFF])
            case "set":
                fields = {**message.fields, fault.field: fault.to}
                changed = Message(message.mti, {n: v for n, v in fields.items() if v})
                body = self._codec.encode(changed, self._mac)
            case _:
                body = self._garbled(frame.body)
        return self._framed(Frame(body, frame.tpdu))

    def _garbled(self, body: bytes) -> bytes:
        data = bytearray(body)
        data[0] ^= 0x80  # no MTI of a known encoding survives this
        for _ in range(max(1, len(data) // 8)):
            data[self._chance.randrange(len(data))] ^= self._chance.randrange(1, 256)
        return bytes(data)

    async def _break_stream(self, fault: Fault, pipe: _Pipe, way: str, frame: Frame) -> None:
        whole = self._framed(frame)
        match fault.do:
            case "cut":
                size = len(whole) if fault.at < 0 else min(fault.at, len(whole))
                await self._write(pipe, way, whole[:size])
                pipe.ending = True
                # What was written must arrive before the end does.
                self._spawn(self._cut_soon(pipe))
            case "drip":
                for index in range(min(DRIP_BYTES, len(whole))):
                    await self._write(pipe, way, whole[index : index + 1])
                    await asyncio.sleep(DRIP_PAUSE_S)
                await asyncio.Event().wait()  # the rest never comes; nor does anything behind it
            case _:
                await self._write(pipe, way, self._oversized())

    async def _cut_soon(self, pipe: _Pipe) -> None:
        await asyncio.sleep(0.01)
        pipe.cut()

    def _oversized(self) -> bytes:
        options = self._profile.frame
        longer = replace(options, max_bytes=options.max_bytes + 1, tpdu="none")
        try:
            return wrap(b"8" * longer.max_bytes, longer, b"")
        except (EncodeError, OverflowError):
            return b"\xff" * options.size  # the longest length that the header can say

    async def _answer(self, fault: Fault, pipe: _Pipe, frame: Frame, message: Message) -> None:
        fields = {n: v for n, v in message.fields.items() if n in MIRRORED}
        fields[CODE] = fault.code or code_of(self._profile, fault.kind)
        fields[SETTLEMENT_DATE] = _today(0)
        await self._made(pipe, Message(reply_mti(message.mti), fields), frame)

    async def _cut_over(self, pipe: _Pipe, frame: Frame) -> None:
        network = self._profile.network
        fields = {7: datetime.now(UTC).strftime("%m%d%H%M%S"), STAN: CUT_OVER_STAN}
        fields |= {SETTLEMENT_DATE: _today(1), NETWORK_CODE: network.cut_over}
        await self._made(pipe, Message(network.mti, fields), frame)

    async def _bad_key(self, pipe: _Pipe, frame: Frame) -> None:
        network, rules = self._profile.network, self._profile.key_change
        assert rules is not None
        block = "B0096P0TE00N0000" + self._chance.randbytes(40).hex().upper()
        carried = self._codec.join(
            rules.carrier, {rules.name: next(iter(rules.keys)), rules.block: block}
        )
        fields = {7: datetime.now(UTC).strftime("%m%d%H%M%S"), STAN: KEY_STAN}
        fields |= {NETWORK_CODE: network.key_change, rules.carrier: carried}
        await self._made(pipe, Message(network.mti, fields), frame)

    async def _made(self, pipe: _Pipe, message: Message, frame: Frame) -> None:
        """A message to the adapter that the host never sent."""
        body = self._codec.encode(message, self._mac)
        role = self.role_of(message, "in")
        self.transcript.add("in", message, role, len(body), "made by the proxy", made=True)
        await self._write(pipe, "in", self._framed(Frame(body, swap_tpdu(frame.tpdu))))
        self._release(pipe, role)


def _role(is_it: bool, role: str) -> str:
    return role if is_it else ""


def _today(days: int) -> str:
    return (datetime.now(UTC) + timedelta(days=days)).strftime("%m%d")


def code_of(profile: Profile, kind: str) -> str:
    """The first code of a class, or for `unlisted` one that the profile does not have."""
    if kind == "unlisted":
        every = (f"{a}{b}" for a in "9876543210" for b in "9876543210")
        return next(code for code in every if code not in profile.codes)
    for code, meaning in profile.codes.items():
        if meaning.kind == kind:
            return code
    raise LookupError(f"profile {profile.name} has no code of class {kind}")
