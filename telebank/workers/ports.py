"""UDP ports of media: any that is free, or any free even one of a configured range, at random: who
knows the port of one call does not know that of the next (RFC 6056)."""

import errno
import secrets
import socket
from collections.abc import Iterator
from ipaddress import ip_address
from math import gcd

PORTS = range(1_024, 65_536)
PAIR_ATTEMPTS = 32
"""Ports tried until one is even and the next is free too."""


def good_range(low: int, high: int) -> bool:
    """Whether the two bound a range of ports; a first port of 0 leaves the choice to the system."""
    return low == 0 or (low % 2 == 0 and low in PORTS and high in PORTS and low < high)


class Ports:
    """Binds UDP sockets, each to a port that nobody can tell from those before."""

    def __init__(self, low: int, high: int) -> None:
        self._range = range(low, high, 2)

    def bind(self, address: str) -> socket.socket:
        """A non-blocking socket on `address`; raises `OSError` when none can be had, `ValueError`
        when it is no address."""
        family = socket.AF_INET6 if ip_address(address).version == 6 else socket.AF_INET  # noqa: PLR2004
        udp = socket.socket(family, socket.SOCK_DGRAM)
        try:
            udp.setblocking(False)
            self._bind(udp, address)
        except OSError:
            udp.close()
            raise
        return udp

    def bind_pair(self, address: str) -> tuple[socket.socket, socket.socket | None]:
        """A socket as of `bind`, on an even port, and one on the port after it (RFC 3550 section
        11): None where no two in a row were found, which does without."""
        for _ in range(PAIR_ATTEMPTS):
            first = self.bind(address)
            port = first.getsockname()[1]
            if port % 2 == 0 and (second := self._second(first, address, port + 1)) is not None:
                return first, second
            first.close()
        return self.bind(address), None

    @staticmethod
    def _second(first: socket.socket, address: str, port: int) -> socket.socket | None:
        udp = socket.socket(first.family, socket.SOCK_DGRAM)
        try:
            udp.setblocking(False)
            udp.bind((address, port))
        except OSError:
            udp.close()
            return None
        return udp

    def _bind(self, udp: socket.socket, address: str) -> None:
        for port in self._shuffled():
            try:
                return udp.bind((address, port))
            except OSError as error:
                if error.errno != errno.EADDRINUSE:
                    raise
        if self._range:
            raise OSError(errno.EADDRINUSE, f"no free port in {self._range}")
        return udp.bind((address, 0))

    def _shuffled(self) -> Iterator[int]:
        """Every port of the range once, from any one by any step that misses none."""
        count = len(self._range)
        if not count:
            return
        start, step = secrets.randbelow(count), secrets.randbelow(count) + 1
        while gcd(step, count) != 1:
            step = secrets.randbelow(count) + 1
        for turn in range(count):
            yield self._range[(start + turn * step) % count]
