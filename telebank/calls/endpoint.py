"""One SIP user agent on one UDP socket: bytes in, bytes out, facts to the application."""

import asyncio
import socket
from collections.abc import Callable, Iterable
from typing import cast

from telebank.calls.alarm import Alarm
from telebank.sip import Address, Command, DatagramReceived, SendDatagram, UserAgent

RECEIVE_BUFFER = 4 * 1024 * 1024
"""SO_RCVBUF asked for, in bytes: the default overflows when many calls arrive at once."""

Fact = Command
"""What the user agent tells the application; `SendDatagram` never reaches it."""


class Endpoint(asyncio.DatagramProtocol):
    """Runs a `UserAgent` with real time. `open` binds; `perform` carries out its commands."""

    def __init__(self, on_fact: Callable[[Fact], None]) -> None:
        self._on_fact = on_fact
        self._loop = asyncio.get_running_loop()
        self._alarm = Alarm(self._woke)
        self._transport: asyncio.DatagramTransport | None = None
        self._socket: socket.socket
        self.agent: UserAgent

    @classmethod
    def bind(
        cls,
        listen: Address,
        make_agent: Callable[[Address], UserAgent],
        on_fact: Callable[[Fact], None],
        advertise: str = "",
    ) -> "Endpoint":
        """Bind `listen` (port 0: any); raises `OSError` when the port is taken. Nothing is received
        before `start`, so that the application can get ready."""
        endpoint = cls(on_fact)
        sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        try:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER)
            sock.setblocking(False)
            sock.bind(listen)
        except OSError:
            sock.close()
            raise
        endpoint._socket = sock
        host, port = sock.getsockname()[:2]
        endpoint.bound = (host, port)
        endpoint.advertised = (advertise or reachable_address(host), port)
        endpoint.agent = make_agent(endpoint.advertised)
        return endpoint

    async def start(self) -> None:
        """Begin to receive."""
        await self._loop.create_datagram_endpoint(lambda: self, sock=self._socket)

    bound: Address = ("", 0)
    """Address and port of the socket."""
    advertised: Address = ("", 0)
    """Address and port that peers are told."""

    def now(self) -> float:
        """Monotonic seconds, the machine's clock."""
        return self._loop.time()

    def perform(self, commands: Iterable[Command]) -> None:
        """Send what is to be sent, hand facts to the application, set the next alarm."""
        try:
            for command in commands:
                if isinstance(command, SendDatagram):
                    if self._transport is not None:
                        self._transport.sendto(command.data, command.destination)
                else:
                    self._on_fact(command)
        finally:
            self._alarm.set(self.agent.wake_at)

    async def close(self) -> None:
        """Stop receiving; live legs must have been hung up before."""
        self._alarm.cancel()
        if self._transport is not None:
            self._transport.close()
            self._transport = None
            await asyncio.sleep(0)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # uvloop's transports do not derive from asyncio's.
        self._transport = cast("asyncio.DatagramTransport", transport)

    def datagram_received(self, data: bytes, addr: tuple[str | int, ...]) -> None:
        source = (str(addr[0]), int(addr[1]))
        self.perform(self.agent.receive(DatagramReceived(data, source), self.now()))

    def error_received(self, exc: Exception) -> None:
        """An ICMP error of an earlier datagram; the transaction's timers deal with the peer."""

    def _woke(self, now: float) -> None:
        self.perform(self.agent.wake(now))


def reachable_address(bound: str) -> str:
    """The address to tell peers: `bound`, or the default route's when bound to every interface."""
    if bound != "0.0.0.0":  # noqa: S104 - compared, not bound
        return bound
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            # No packet is sent: connecting a UDP socket only asks the routing table (TEST-NET-1).
            probe.connect(("192.0.2.1", 9))
        except OSError:
            return "127.0.0.1"
        return str(probe.getsockname()[0])
