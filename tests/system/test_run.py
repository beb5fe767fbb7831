"""`telebank run` with a caller on the line: Ctrl-C lets him finish, a second one does not."""

import contextlib
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path

import httpx
import pytest

from support.bank_process import HOST, Voice
from telebank.commands.control_client import call

pytestmark = pytest.mark.system
PATIENCE_S = 120.0
METRICS = r"Metrics +(http://[0-9.:]+)/metrics"
ANY = f"{HOST}:0"


@dataclass(frozen=True, slots=True)
class Shown:
    """A whole bank as its owner has it in a terminal."""

    data: Path
    process: subprocess.Popen[bytes]
    screen: Path

    @property
    def text(self) -> str:
        """All that it printed."""
        return self.screen.read_text(encoding="utf-8", errors="replace")

    def until(self, pattern: str) -> str:
        """The first group of what it is to print."""
        end = time.monotonic() + PATIENCE_S
        while (found := re.search(pattern, self.text)) is None:
            assert time.monotonic() < end, self.text
            assert self.process.poll() is None, self.text
            time.sleep(0.05)
        return found[1] if found.re.groups else found[0]

    def calls(self) -> int:
        """Calls that are up."""
        return int(call(self.data, "GET", "/v1/status", timeout_s=PATIENCE_S)["calls"])

    def interrupt(self) -> None:
        """Ctrl-C."""
        self.process.send_signal(signal.SIGINT)

    def ends(self) -> None:
        """It is to end by itself."""
        assert self.process.wait(PATIENCE_S) == 0
        assert "stopped; nothing is left running" in self.text


@contextlib.contextmanager
def shown(data: Path, voice: Voice) -> Iterator[Shown]:
    voice.lend(data)
    words = [sys.executable, "-m", "telebank", "run", "--data", str(data), "--no-staff"]
    # The screen has the demo cards and PINs, which no file of the bank may have.
    with tempfile.NamedTemporaryFile() as out:
        process = subprocess.Popen(
            [*words, "--no-call", "--sip", ANY, "--web", ANY],
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=out,
        )
        try:
            yield Shown(data, process, Path(out.name))
        finally:
            if process.poll() is None:
                process.terminate()
                process.send_signal(signal.SIGINT)
                process.wait(PATIENCE_S)


@contextlib.contextmanager
def caller(bank: Shown, keys: str) -> Iterator[subprocess.Popen[bytes]]:
    target = bank.until(r"(sip:bank@[0-9.]+:[0-9]+)")
    process = subprocess.Popen(
        [sys.executable, "-m", "telebank", "call", target, "--keys", keys, "--stay", "600"],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
    )
    try:
        end = time.monotonic() + PATIENCE_S
        while not bank.calls():
            assert time.monotonic() < end, "the call did not come up"
            time.sleep(0.05)
        yield process
    finally:
        if process.poll() is None:
            process.terminate()
        process.wait(PATIENCE_S)


def ready(page: str) -> None:
    """Wait until the bank says that it may be given calls."""
    end, told = time.monotonic() + PATIENCE_S, httpx.get(page, timeout=PATIENCE_S)
    while told.status_code != HTTPStatus.OK:
        assert time.monotonic() < end, told.text
        time.sleep(0.5)
        told = httpx.get(page, timeout=PATIENCE_S)


def test_a_caller_may_finish_and_a_second_ctrl_c_ends_him(tmp_path: Path, voice: Voice) -> None:
    with shown(tmp_path, voice) as bank:
        bank.until("The bank is open")
        ready(f"{bank.until(METRICS)}/readyz")
        with caller(bank, "!1") as process:
            bank.interrupt()
            bank.until(r"1 call is up and may go on")
            assert (bank.calls(), process.poll()) == (1, None)
            bank.interrupt()
            bank.ends()
            assert process.wait(PATIENCE_S) == 0
