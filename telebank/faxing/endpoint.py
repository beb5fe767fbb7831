"""UDP sockets of faxes: read within limits."""

import socket
from collections.abc import Iterator
from contextlib import suppress

from telebank.rtp import MAX_PACKET, Address

MAX_DATAGRAMS = 64
"""Datagrams read from a socket in one tick; the rest is for the next, or lost in the kernel."""
DRAINED = 4_096
"""Datagrams thrown away at most when a socket is taken into use again."""


class Endpoint:
    """One bound UDP socket. What cannot be sent is lost, as datagrams are."""

    def __init__(self, udp: socket.socket) -> None:
        self._udp = udp
        self.port: int = udp.getsockname()[1]

    def receive(self, most: int = MAX_DATAGRAMS) -> Iterator[tuple[bytes, Address]]:
        """Datagrams that wait and who sent them; one byte more than a frame has is left of a
        longer one."""
        for _ in range(most):
            try:
                data, sender = self._udp.recvfrom(MAX_PACKET + 1)
            except OSError:  # none waits, or an ICMP error came back
                return
            yield data, (sender[0], sender[1])

    def send(self, data: bytes, to: Address) -> None:
        with suppress(OSError):
            self._udp.sendto(data, to)

    def drain(self) -> None:
        """Forget what waits."""
        for _ in self.receive(DRAINED):
            pass

    def close(self) -> None:
        self._udp.close()
