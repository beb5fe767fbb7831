"""UDP sockets of media: bound in the configured range, connected to a source, and let go of it."""

import ctypes
import errno
import os
import random
import socket
import struct
from ipaddress import ip_address

from telebank.media.options import MediaOptions

_LIBC = ctypes.CDLL(None, use_errno=True)


class Ports:
    """Binds a socket for a leg: any free port, or the next free even one of the range."""

    def __init__(self, options: MediaOptions) -> None:
        self._range = range(options.port_low, options.port_high, 2)
        self._next = random.randrange(len(self._range)) if self._range else 0  # noqa: S311

    def bind(self, address: str) -> socket.socket:
        """A non-blocking socket bound on `address`; `OSError` when none can be had."""
        family = socket.AF_INET6 if ip_address(address).version == 6 else socket.AF_INET  # noqa: PLR2004
        endpoint = socket.socket(family, socket.SOCK_DGRAM)
        try:
            endpoint.setblocking(False)
            self._bind(endpoint, address)
        except OSError:
            endpoint.close()
            raise
        return endpoint

    def _bind(self, endpoint: socket.socket, address: str) -> None:
        for _ in range(len(self._range)):
            port = self._range[self._next]
            self._next = (self._next + 1) % len(self._range)
            try:
                return endpoint.bind((address, port))
            except OSError as error:
                if error.errno != errno.EADDRINUSE:
                    raise
        if self._range:
            raise OSError(errno.EADDRINUSE, f"no free port in {self._range}")
        return endpoint.bind((address, 0))


def disconnect(endpoint: socket.socket) -> None:
    """Dissolve a connected UDP socket, keeping its port; raises `OSError` when that is lost.

    connect(2) with AF_UNSPEC does it; the kernel then gives up a port that it chose by itself, so
    the same one is bound again.
    """
    bound = endpoint.getsockname()
    nowhere = struct.pack("H14x", socket.AF_UNSPEC)
    if _LIBC.connect(endpoint.fileno(), nowhere, len(nowhere)) != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    if endpoint.getsockname()[1] != bound[1]:
        endpoint.bind(bound)
