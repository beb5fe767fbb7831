"""A UDP socket that was connected to a source is let go of it."""

import ctypes
import os
import socket
import struct

_LIBC = ctypes.CDLL(None, use_errno=True)


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


def send_to(endpoint: socket.socket, address: tuple[str, int], view: memoryview) -> int:
    """Send from a socket that is not connected."""
    return endpoint.sendto(view, address)
