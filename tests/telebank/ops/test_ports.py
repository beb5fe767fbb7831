"""A taken port is named with what holds it."""

import os
import socket
from pathlib import Path

import pytest

from telebank.ops.ports import holder_of


@pytest.mark.parametrize(
    ("kind", "sort"), [("udp", socket.SOCK_DGRAM), ("tcp", socket.SOCK_STREAM)]
)
def test_the_holder_of_a_port_is_this_process(kind: str, sort: int) -> None:
    with socket.socket(socket.AF_INET, sort) as taken:
        taken.bind(("127.0.0.1", 0))
        if kind == "tcp":
            taken.listen()
        holder = holder_of(taken.getsockname()[1], "udp" if kind == "udp" else "tcp")
    assert holder is not None
    assert holder.pid == os.getpid()
    own = Path("/proc/self/cmdline").read_bytes().split(b"\0")
    assert own[0].decode() in holder.command


def test_nobody_holds_a_port_that_was_closed() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
    assert holder_of(port, "udp") is None
