"""Where a phone rings: a SIP address and whether anything listens there."""

import asyncio
import re
import socket

from telebank import sip

SIP_PORT = 5060
MAX_PORT = 65_535
KEEP_ALIVE = b"\r\n\r\n"
"""Asks nothing of a SIP port (RFC 5626 3.5.1)."""
_URI = re.compile(r"sips?:(?:[^@\s]+@)?([0-9A-Za-z.-]+)(?::(\d{1,5}))?")


async def resolve(target: str) -> sip.Address:
    """Where a target is reached over UDP and IPv4; `ValueError` says what is wrong with it."""
    found = _URI.fullmatch(target)
    port = int(found[2] or SIP_PORT) if found is not None else 0
    if found is None or not 0 < port <= MAX_PORT:
        raise ValueError(f"{target!r} is no SIP address; give sip:bank@host:port")
    loop = asyncio.get_running_loop()
    try:
        places = await loop.getaddrinfo(found[1], port, family=socket.AF_INET)
    except OSError as error:
        raise ValueError(f"{found[1]} is no host that is known here: {error.strerror}") from error
    return str(places[0][4][0]), port


async def is_closed(address: sip.Address, wait_s: float = 0.2) -> bool:
    """Whether the machine there says at once that nothing listens on that port (ICMP)."""
    loop = asyncio.get_running_loop()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.setblocking(False)
        try:
            probe.connect(address)
            probe.send(KEEP_ALIVE)
            async with asyncio.timeout(wait_s):
                await loop.sock_recv(probe, 1)
        except TimeoutError:
            return False
        except OSError:
            return True
    return False
