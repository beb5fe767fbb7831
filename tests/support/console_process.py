"""A real `telebank console` over a node's data, on a free port."""

import contextlib
import json
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

READY_S = 30.0
STOP_S = 20.0


@contextlib.contextmanager
def console(data: Path, *options: str) -> Iterator[str]:
    """Start it; yields its base URL."""
    ready = data / "run" / "console.json"
    ready.unlink(missing_ok=True)
    command = [sys.executable, "-m", "telebank", "console", "--data", str(data)]
    with (data / "console.log").open("ab") as log:
        process = subprocess.Popen(
            [*command, "--web", "127.0.0.1:0", *options], stdout=log, stderr=log
        )
    try:
        deadline = time.monotonic() + READY_S
        while not ready.exists():
            assert process.poll() is None, (data / "console.log").read_text()[-2000:]
            assert time.monotonic() < deadline, "the console did not start"
            time.sleep(0.05)
        yield f"http://{json.loads(ready.read_text())['listen']}"
    finally:
        process.terminate()
        try:
            process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
