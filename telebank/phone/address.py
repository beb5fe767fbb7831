"""Where a phone rings: a SIP address and whether anything listens there."""

import asyncio
import socket

from telebank import sip
from telebank.sip.uri import default_port, transport_of

KEEP_ALIVE = b"\r\n\r\n"
"""Asks nothing of a SIP port (RFC 5626 3.5.1)."""


async def resolve(target: str) -> sip.Hop:
    """Where a target is reached: by its `transport` parameter, UDP without one, TLS for sips; IPv4
    where a name has both. `ValueError` says what is wrong with it."""
    try:
        uri = sip.SipUri.parse(target)
    except sip.BadUri as error:
        raise ValueError(f"{target!r} is no SIP address; give sip:bank@host:port") from error
    transport = transport_of(uri, "udp")
    if transport is None or uri.headers:
        raise ValueError(f"{target!r}: transport is udp, tcp or tls, and no headers follow")
    host, loop = host_of(target), asyncio.get_running_loop()
    try:
        places = await loop.getaddrinfo(
            host, uri.port or default_port(transport), type=socket.SOCK_STREAM
        )
    except OSError as error:
        raise ValueError(f"{host} is no host that is known here: {error.strerror}") from error
    found = sorted(places, key=lambda place: place[0] != socket.AF_INET)[0][4]
    return sip.Hop(str(found[0]), int(found[1]), transport)


def host_of(target: str) -> str:
    """The host that a SIP address names; raises `BadUri`."""
    return sip.SipUri.parse(target).host.strip("[]")


def local_for(hop: sip.Hop) -> str:
    """The address that something is sent to a hop from; raises `OSError` where no way leads
    there."""
    with _probe(hop) as probe:
        return str(probe.getsockname()[0])


async def is_closed(hop: sip.Hop, wait_s: float = 0.2) -> bool:
    """Whether the machine there says at once that nothing listens on that port. Of streams the call
    itself says so."""
    if hop.reliable:
        return False
    loop = asyncio.get_running_loop()
    try:
        with _probe(hop) as probe:
            probe.send(KEEP_ALIVE)
            async with asyncio.timeout(wait_s):
                await loop.sock_recv(probe, 1)
    except TimeoutError:
        return False
    except OSError:
        return True
    return False


def _probe(hop: sip.Hop) -> socket.socket:
    family = socket.AF_INET6 if hop.family == 6 else socket.AF_INET  # noqa: PLR2004
    probe = socket.socket(family, socket.SOCK_DGRAM)
    try:
        probe.setblocking(False)
        probe.connect((hop.host, hop.port))
    except OSError:
        probe.close()
        raise
    return probe
