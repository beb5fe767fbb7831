"""A real `telebank watch` over a node's data, on free ports."""

import contextlib
import json
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from support.starts import TURN

READY_S = 90.0
STOP_S = 30.0


@dataclass(frozen=True)
class Watcher:
    """Where it listens."""

    base: str
    """URL of its pages."""
    snmp: str
    """UDP address:port; empty: it does not."""
    log: Path


@contextlib.contextmanager
def watcher(data: Path, *options: str) -> Iterator[Watcher]:
    """Start it; SIGTERM when the block ends."""
    ready, log = data / "run" / "watch.json", data / "watch.log"
    ready.unlink(missing_ok=True)
    words = [sys.executable, "-m", "telebank", "watch", "--data", str(data)]
    words += ["--metrics", "127.0.0.1:0", "--snmp", "127.0.0.1:0", *options]
    with TURN:
        with log.open("ab") as out:
            process = subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=out, stderr=out)
        deadline = time.monotonic() + READY_S
        while not ready.exists() and process.poll() is None and time.monotonic() < deadline:
            time.sleep(0.05)
    try:
        assert ready.exists(), f"the watcher did not start:\n{log.read_text()[-3000:]}"
        told = json.loads(ready.read_text())
        yield Watcher(f"http://{told['listen']}", told.get("snmp", ""), log)
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
