"""What a measurement ran on, and how fast that is at the moment."""

import os
import platform
import socket
import time
from datetime import UTC, datetime
from pathlib import Path

import msgspec

PACKET = bytes(172)
"""A packet of RTP: 12 octets of header, 160 of sound."""
SENT = 2_000


class Machine(msgspec.Struct, frozen=True):
    """Facts that do not change while it measures."""

    processor: str
    cores: int
    """That this process may run on."""
    memory_mb: int
    kernel: str
    python: str
    began: str
    """UTC, ISO 8601."""


def machine() -> Machine:
    """This one, now."""
    pages = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return Machine(
        processor=_processor(),
        cores=len(os.sched_getaffinity(0)),
        memory_mb=pages >> 20,
        kernel=platform.release(),
        python=platform.python_version(),
        began=datetime.now(UTC).isoformat(timespec="seconds"),
    )


def load() -> float:
    """Processes that ran or wanted to, on average over the last minute."""
    return round(os.getloadavg()[0], 2)


def yardstick() -> float:
    """µs of CPU that one packet costs, sent over loopback and read, with nothing else around it.

    A machine whose cores others use too is slower at some times than at others; this says how slow
    it was when something else was measured.
    """
    with (
        socket.socket(type=socket.SOCK_DGRAM) as near,
        socket.socket(type=socket.SOCK_DGRAM) as far,
    ):
        near.bind(("127.0.0.1", 0))
        far.connect(near.getsockname())
        before = time.process_time()
        for _ in range(SENT):
            far.send(PACKET)
            near.recv(len(PACKET))
        return round((time.process_time() - before) / SENT * 1e6, 2)


def _processor() -> str:
    """As cpuinfo calls it (proc(5)); the architecture where it does not."""
    for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
        name, _, value = line.partition(":")
        if name.strip() == "model name":
            return value.strip()
    return platform.machine()
