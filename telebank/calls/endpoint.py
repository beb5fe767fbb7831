"""One SIP user agent on its sockets: bytes in, bytes out, facts to the application."""

import asyncio
import errno
import socket
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from ipaddress import ip_address
from typing import cast

from telebank.calls.alarm import Alarm
from telebank.calls.connection_options import ConnectionOptions, TlsFiles
from telebank.calls.connections import Connections
from telebank.calls.tls import TlsContexts
from telebank.sip import (
    Address,
    CloseConnection,
    Command,
    DatagramReceived,
    Event,
    Hop,
    Places,
    SendDatagram,
    Standing,
    Trouble,
    UserAgent,
)

RECEIVE_BUFFER = 4 * 1024 * 1024
"""SO_RCVBUF asked for, in bytes: the default overflows when many calls arrive at once."""
TRIES = 16
"""How often ports are chosen until UDP and TCP have the same."""
ANY = ("0.0.0.0", "::")  # noqa: S104 - compared
_DISCARD = 9
"""A port to name where none is used."""
_ELSEWHERE = {4: "192.0.2.1", 6: "2001:db8::1"}
"""TEST-NET-1 and the documentation prefix: nobody is there."""
_LOOPBACK = {4: "127.0.0.1", 6: "::1"}

Fact = Command
"""What the user agent tells the application; `SendDatagram` and `CloseConnection` never reach
it."""


@dataclass(frozen=True, slots=True)
class Listening:
    """Where an endpoint is, and how it keeps its connections."""

    places: tuple[Hop, ...]
    """What to bind, one a transport and family; port 0: any, of TCP that of UDP before it."""
    advertise: Mapping[int, str] = field(default_factory=dict)
    """Address told to peers by family, 4 and 6; absent: the one bound, or that of the default
    route."""
    connections: ConnectionOptions = field(default_factory=ConnectionOptions)
    tls: TlsFiles | None = None
    """None: TLS neither received nor made."""


class Endpoint:
    """Runs a `UserAgent` with real time. `bind` binds; `perform` carries out its commands."""

    def __init__(self, listening: Listening, on_fact: Callable[[Fact], None]) -> None:
        self._listening = listening
        self._on_fact = on_fact
        self._loop = asyncio.get_running_loop()
        self._alarm = Alarm(self._woke)
        self._udp: dict[int, _UdpSocket] = {}
        self.connections = Connections(
            listening.connections,
            None if listening.tls is None else TlsContexts(listening.tls, self._of_tls),
            on_event=self._event,
            on_trouble=self._trouble,
            in_use=self._in_use,
            standing=self._standing,
        )
        self.agent: UserAgent
        self.places: Places
        """What peers are told."""
        self.bound_places: tuple[Hop, ...] = ()
        """What is bound, with its ports."""

    @classmethod
    def bind(
        cls,
        listening: Listening,
        make_agent: Callable[[Places], UserAgent],
        on_fact: Callable[[Fact], None],
    ) -> "Endpoint":
        """Bind every place; raises `OSError`, `filename` saying which, when a port is taken, and
        `TlsFileError`. Nothing is received before `start`, so that the application can get
        ready."""
        endpoint = cls(listening, on_fact)
        for left in reversed(range(TRIES)):
            try:
                endpoint._bind_all()
                break
            except OSError as error:
                endpoint._drop()
                # The port that UDP was given may be another's for TCP.
                chosen = not any(place.port for place in listening.places)
                if not (left and chosen and error.errno == errno.EADDRINUSE):
                    raise
        endpoint.places = _told(endpoint.bound_places, listening)
        endpoint.agent = make_agent(endpoint.places)
        return endpoint

    def _bind_all(self) -> None:
        bound: list[Hop] = []
        for place in self._listening.places:
            try:
                bound.append(self._bind(place, bound))
            except OSError as error:
                raise OSError(error.errno, error.strerror, str(place)) from error
        self.bound_places = tuple(bound)

    def _bind(self, place: Hop, before: list[Hop]) -> Hop:
        if place.transport == "udp":
            port = self._udp[place.family] = _UdpSocket(self._event, place)
            return port.bound
        if place.transport == "tcp" and not place.port:
            same = (one.port for one in before if one.host == place.host)
            place = place._replace(port=next(same, 0))
        return self.connections.listen(place)

    async def start(self) -> None:
        """Begin to receive; raises `OSError`."""
        for port in self._udp.values():
            await port.start()
        self.connections.start()

    @property
    def bound(self) -> Address:
        """Address and port of the first place."""
        return self.bound_places[0][:2]

    @property
    def advertised(self) -> Address:
        """Address and port of the first place as peers are told them."""
        return self.places.first[:2]

    def now(self) -> float:
        """Monotonic seconds, the machine's clock."""
        return self._loop.time()

    def perform(self, commands: Iterable[Command]) -> None:
        """Send what is to be sent, hand facts to the application, set the next alarm."""
        try:
            for command in commands:
                if isinstance(command, SendDatagram):
                    self._send(command.data, command.destination)
                elif isinstance(command, CloseConnection):
                    self.connections.end(command.hop)
                else:
                    self._tell(command)
        finally:
            self._alarm.set(self.agent.wake_at)

    def _tell(self, fact: Fact) -> None:
        try:
            self._on_fact(fact)
        except Exception as error:  # the boundary of one call: what else is to be sent is
            if isinstance(fact, Trouble):
                raise  # there is no log: who runs the event loop must see it
            self.perform(self.agent.failed(error, fact, self.now()))

    def _send(self, data: bytes, hop: Hop) -> None:
        if hop.reliable:
            self.connections.send(data, hop)
        elif (port := self._udp.get(hop.family)) is not None:
            port.send(data, hop)

    async def close(self) -> None:
        """Stop receiving; live legs must have been hung up before."""
        await self.connections.close()
        self._alarm.cancel()
        self._drop()
        await asyncio.sleep(0)

    def _drop(self) -> None:
        for port in self._udp.values():
            port.close()
        self._udp.clear()
        self.connections.drop()

    def _event(self, event: Event) -> None:
        self.perform(self.agent.receive(event, self.now()))

    def _woke(self, now: float) -> None:
        try:
            commands = self.agent.wake(now)
        finally:  # whatever happened: without an alarm no timer of any call would run
            self._alarm.set(self.agent.wake_at)
        self.perform(commands)

    def _of_tls(self, why: str) -> None:
        self._trouble("TLS", why, self.bound_places[0])

    def _trouble(self, kind: str, why: str, hop: Hop) -> None:
        self.perform(self.agent.note(Trouble(kind, why, hop), self.now()))

    def _in_use(self, hop: Hop) -> bool:
        return self.agent.uses(hop)

    def _standing(self, hop: Hop, names: tuple[str, ...]) -> Standing:
        return self.agent.standing(hop, names)


class _UdpSocket(asyncio.DatagramProtocol):
    """The UDP socket of one family."""

    def __init__(self, on_event: Callable[[Event], None], place: Hop) -> None:
        self._on_event = on_event
        self._transport: asyncio.DatagramTransport | None = None
        family = socket.AF_INET6 if place.family == 6 else socket.AF_INET  # noqa: PLR2004
        self._socket = socket.socket(family, socket.SOCK_DGRAM)
        try:
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER)
            if family == socket.AF_INET6:
                self._socket.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            self._socket.setblocking(False)
            self._socket.bind((place.host, place.port))
        except OSError:
            self._socket.close()
            raise
        self.bound = place._replace(port=int(self._socket.getsockname()[1]))

    async def start(self) -> None:
        """Begin to receive."""
        loop = asyncio.get_running_loop()
        await loop.create_datagram_endpoint(lambda: self, sock=self._socket)

    def send(self, data: bytes, hop: Hop) -> None:
        """Send a datagram, once started and until closed."""
        if self._transport is not None:
            self._transport.sendto(data, (hop.host, hop.port))

    def close(self) -> None:
        """Close the socket."""
        if self._transport is not None:
            self._transport.close()
            self._transport = None
        else:
            self._socket.close()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # uvloop's transports do not derive from asyncio's.
        self._transport = cast("asyncio.DatagramTransport", transport)

    def datagram_received(self, data: bytes, addr: tuple[str | int, ...]) -> None:
        self._on_event(DatagramReceived(data, Hop(str(addr[0]), int(addr[1]))))

    def error_received(self, exc: Exception) -> None:
        """An ICMP error of an earlier datagram; the transaction's timers deal with the peer."""


def _told(bound: Iterable[Hop], listening: Listening) -> Places:
    """What peers are told; streams that are only made from here have a place too."""
    told = []
    for place in bound:
        host = listening.advertise.get(place.family) or reachable_address(place.host)
        told.append(place._replace(host=host))
    for place in list(told):
        ways = {(one.transport, one.family) for one in told}
        if ("tcp", place.family) not in ways:
            told.append(place._replace(transport="tcp"))
        if ("tls", place.family) not in ways and listening.tls is not None:
            told.append(place._replace(transport="tls"))
    return Places(*told)


def reachable_address(bound: str) -> str:
    """The address to tell peers: `bound`, or the default route's when bound to every interface."""
    if bound not in ANY:
        return bound
    family = 6 if ":" in bound else 4
    return local_address(_ELSEWHERE[family]) or _LOOPBACK[family]


def local_address(peer: str) -> str:
    """The address of this machine from which a peer's is reached; empty where no way leads there,
    and for what is no IP address of one machine."""
    try:
        there = ip_address(peer)
    except ValueError:
        return ""
    if there.is_unspecified or there.is_multicast:
        return ""
    kind = socket.AF_INET6 if there.version == 6 else socket.AF_INET  # noqa: PLR2004
    with socket.socket(kind, socket.SOCK_DGRAM) as probe:
        # No packet is sent: connecting a UDP socket only asks the routing table.
        try:
            probe.connect((peer, _DISCARD))
        except OSError:
            return ""
        return str(probe.getsockname()[0])
