"""What a UDP socket can do beside sending and receiving."""

import ctypes
import fcntl
import os
import socket
import struct
import time

SIOCGSTAMPNS = 0x8907
OLDEST_S = 1.0
"""Longer ago than this no datagram came that is read now: a clock was set."""
TIMESPEC = struct.Struct("qq")
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


def age(endpoint: socket.socket) -> float:
    """Seconds since the datagram that was read last came, as the kernel noted (socket(7)); 0 where
    it did not, as before this is asked for the first time."""
    note = bytearray(TIMESPEC.size)
    try:
        fcntl.ioctl(endpoint, SIOCGSTAMPNS, note)
    except OSError:
        return 0.0
    return elapsed(note)


def elapsed(note: bytes | bytearray) -> float:
    """Seconds since a `struct timespec` of the kernel's; 0 where a clock was set in between."""
    seconds, nanoseconds = TIMESPEC.unpack(note)
    since = time.time() - seconds - nanoseconds / 1e9
    return since if 0 <= since <= OLDEST_S else 0.0
