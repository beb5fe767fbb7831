"""sippy's back-to-back user agent (`sippy` of PyPI) between callers and the bank: two dialogs, and
media that goes past it."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import pytest

from support.interop_programs import Program, free_place, program, until

HOST = "127.0.0.4"
"""Where it is; callers and the bank are on 127.0.0.1."""


@dataclass(frozen=True, slots=True)
class Sippy:
    """A running one."""

    program: Program
    place: str
    """Where it takes SIP over UDP."""


@contextmanager
def sippy(folder: Path, bank: str) -> Iterator[Sippy]:
    """Run it before `bank` (`address:port`); every message is in what it says."""
    if find_spec("sippy") is None:
        pytest.fail("sippy is not installed: `scripts/setup long` (PyPI package sippy)")
    folder.mkdir(parents=True, exist_ok=True)
    host, port = free_place(HOST)
    words = [sys.executable, "-m", "sippy.b2bua_simple", "-f"]
    words += ["-l", host, "-p", str(port), "-n", bank]
    environment = {"SIPLOG_BEND": "stderr", "SIPLOG_LVL": "DBUG"}
    with program(words, folder / "sippy.log", environment) as running:
        _until_bound(running, port)
        yield Sippy(running, f"{host}:{port}")


def _until_bound(running: Program, port: int) -> None:
    """Until its socket is there (proc(5): /proc/net/udp has ports in hexadecimal)."""

    def look() -> bool:
        assert running.process.poll() is None, running.said()[-2000:]
        return f":{port:04X} " in Path("/proc/net/udp").read_text(encoding="ascii")

    until(look, "sippy takes SIP")
