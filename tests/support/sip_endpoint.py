"""Endpoints that answer every call, on real sockets, and peers by hand that speak to them."""

import asyncio
import contextlib
import secrets
import ssl
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

from telebank.calls.connection_options import ConnectionOptions, TlsFiles
from telebank.calls.endpoint import Endpoint, Fact, Listening
from telebank.calls.options import places_in
from telebank.sip import (
    CallOffered,
    Hop,
    SipOptions,
    Trouble,
    UserAgent,
    make_offer,
)
from telebank.sip.admission import AdmissionOptions
from telebank.sip.registering import PhoneOptions
from telebank.sip.trunks import Trunks

SDP = make_offer("127.0.0.1", 40_000)


@dataclass
class Answering:
    """An endpoint whose application answers what is offered and remembers what it is told."""

    endpoint: Endpoint = field(init=False)
    facts: list[Fact] = field(default_factory=list)

    def fact(self, fact: Fact) -> None:
        self.facts.append(fact)
        if isinstance(fact, CallOffered):
            agent = self.endpoint.agent
            self.endpoint.perform(agent.answer(fact.leg, SDP, self.endpoint.now()))

    def call(self, target: str, hop: Hop) -> str:
        """Place a call; its leg."""
        agent, now = self.endpoint.agent, self.endpoint.now()
        leg, commands = agent.invite(target, "sip:us@127.0.0.1", SDP, now, destination=hop)
        self.endpoint.perform(commands)
        return leg

    def hang_up(self, leg: str) -> None:
        self.endpoint.perform(self.endpoint.agent.hang_up(leg, self.endpoint.now()))

    def hop(self, transport: str) -> Hop:
        """Where we are reached."""
        return next(one for one in self.endpoint.bound_places if one.transport == transport)

    async def has(self, kind: type[Any], count: int = 1) -> Any:
        """Wait for a fact; the newest of its kind."""
        async with asyncio.timeout(40):
            while len(found := [fact for fact in self.facts if isinstance(fact, kind)]) < count:
                await asyncio.sleep(0.01)
        return found[-1]

    async def trouble(self, text: str) -> None:
        """Wait for a line of the log."""
        async with asyncio.timeout(40):
            while not any(text in f"{one.kind}: {one.detail}" for one in self.troubles()):
                await asyncio.sleep(0.01)

    def troubles(self) -> list[Trouble]:
        return [fact for fact in self.facts if isinstance(fact, Trouble)]

    async def alone(self) -> None:
        """Wait until no connection is left."""
        async with asyncio.timeout(40):
            while len(self.endpoint.connections):
                await asyncio.sleep(0.01)
        connections = self.endpoint.connections
        assert not connections._accepted
        assert connections._total == 0
        assert not self.endpoint.agent._core.layer.streams


@contextlib.asynccontextmanager
async def answering(
    *listen: str,
    tls: TlsFiles | None = None,
    t1: float = 0.05,
    app: Answering | None = None,
    trunks: Trunks | None = None,
    admission: AdmissionOptions | None = None,
    phones: PhoneOptions | None = None,
    **limits: float,
) -> AsyncIterator[Answering]:
    """Listen, by default on UDP and TCP of 127.0.0.1, and let everybody in."""
    places = [place for text in listen or ("127.0.0.1:0",) for place in places_in(text)]
    options = ConnectionOptions(**limits)  # type: ignore[arg-type]
    app = app or Answering()
    app.endpoint = Endpoint.bind(
        Listening(tuple(places), connections=options, tls=tls),
        lambda local: UserAgent(
            *(local, SipOptions(t1=t1), lambda: secrets.token_hex(8), trunks, admission),
            phones=phones,
        ),
        app.fact,
    )
    await app.endpoint.start()
    try:
        yield app
    finally:
        await app.endpoint.close()


def options(number: int = 1, more: str = "", transport: str = "TCP") -> bytes:
    """A request that is answered by 200."""
    return (
        f"OPTIONS sip:bank@127.0.0.1 SIP/2.0\r\n"
        f"Via: SIP/2.0/{transport} 127.0.0.1:5070;branch=z9hG4bK{number};rport\r\n"
        f"Max-Forwards: 70\r\nFrom: <sip:peer@127.0.0.1>;tag=p\r\nTo: <sip:bank@127.0.0.1>\r\n"
        f"Call-ID: {number}@peer\r\nCSeq: {number} OPTIONS\r\n{more}Content-Length: 0\r\n\r\n"
    ).encode()


@dataclass
class Raw:
    """A peer by hand."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    @classmethod
    async def to(
        cls, hop: Hop, context: ssl.SSLContext | None = None, name: str = "", *, by: str = ""
    ) -> "Raw":
        """Connect, from the address `by`."""
        words: dict[str, Any] = {}
        if context is not None:
            words = {"ssl": context, "server_hostname": name or hop.host}
        local = (by, 0) if by else None
        return cls(*await asyncio.open_connection(hop.host, hop.port, local_addr=local, **words))

    def send(self, data: bytes) -> None:
        self.writer.write(data)

    async def head(self) -> str:
        """The next header block."""
        async with asyncio.timeout(40):
            return (await self.reader.readuntil(b"\r\n\r\n")).decode()

    async def rest(self, seconds: float = 10) -> bytes:
        """All that comes until the other side closes."""
        async with asyncio.timeout(seconds):
            with contextlib.suppress(ConnectionError):
                return await self.reader.read()
        return b""

    async def close(self) -> None:
        self.writer.close()
        with contextlib.suppress(OSError):
            await self.writer.wait_closed()
