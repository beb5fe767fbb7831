"""sipp's scenarios (`tests/system/sipp`) against a running bank."""

import secrets
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path

from support.bank_process import HOST, BankProcess
from telebank.sip import Command, DatagramReceived, SendDatagram, SipOptions, UserAgent
from telebank.sip.uri import Hop

SCENARIOS = Path(__file__).parent.parent / "system" / "sipp"
SIPP_S = 60
"""Seconds that a scenario may take unless it says otherwise."""


class Listener:
    """A UDP port for RTP that only counts."""

    def __init__(self) -> None:
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
        self._socket.setblocking(False)
        self._socket.bind((HOST, 0))
        self.port = int(self._socket.getsockname()[1])

    def packets(self) -> list[bytes]:
        """What has come since."""
        found = []
        while True:
            try:
                found.append(self._socket.recv(2_048))
            except BlockingIOError:
                return found

    def close(self) -> None:
        self._socket.close()


def free_port() -> int:
    """An even UDP port that nobody has now; sipp would begin at 5060 and count. Nor has anybody the
    second after it, which sipp takes for pictures."""
    while True:
        with closing(Listener()) as one, closing(socket.socket(type=socket.SOCK_DGRAM)) as other:
            if one.port % 2 == 0:
                with suppress(OSError):
                    other.bind((HOST, one.port + 2))
                    return one.port


def sipp(
    bank: BankProcess, folder: Path, scenario: str, *options: str, seconds: int = SIPP_S
) -> str:
    """Run a scenario to its end; every message that sipp saw. A failed call fails the test."""
    file = SCENARIOS / f"{scenario}.xml"
    return sipp_towards(bank.sip, folder, file, *options, seconds=seconds)


def sipp_towards(
    place: str, folder: Path, scenario: Path, *options: str, seconds: int = SIPP_S
) -> str:
    """The same with a scenario's file, and whatever is at `address:port`."""
    messages = folder / "messages.log"
    command = ["sipp", place, "-sf", str(scenario), "-i", HOST, "-nostdin"]
    command += ["-p", str(free_port()), "-mp", str(free_port())]
    command += ["-trace_msg", "-message_file", str(messages), "-trace_err"]
    command += ["-error_file", str(folder / "errors.log"), "-timeout", f"{seconds}s"]
    command += ["-m", "1", *options]
    done = subprocess.run(
        command, check=False, cwd=folder, capture_output=True, timeout=seconds + 10, text=True
    )
    errors = folder / "errors.log"
    said = errors.read_text() if errors.exists() else done.stderr
    assert done.returncode == 0, f"sipp says {done.returncode}: {said[-2000:]}"
    return messages.read_text() if messages.exists() else ""


class Caller:
    """Our user agent on a socket of its own, in real time."""

    def __init__(self, options: SipOptions) -> None:
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind((HOST, 0))
        self.agent = UserAgent(self._socket.getsockname(), options, lambda: secrets.token_hex(8))
        self.facts: list[Command] = []

    def do(self, commands: list[Command]) -> None:
        """Send what is to be sent; facts gather in `facts`."""
        for command in commands:
            if isinstance(command, SendDatagram):
                self._socket.sendto(command.data, command.destination[:2])
            else:
                self.facts.append(command)

    def until(self, ready: Callable[[], bool], seconds: float = 20.0) -> None:
        """Receive and wake until `ready`; AssertionError after `seconds`."""
        deadline = time.monotonic() + seconds
        while not ready():
            assert time.monotonic() < deadline, f"not ready after {seconds} s: {self.facts}"
            self.step()

    def step(self) -> None:
        """Take one datagram, or wake the agent."""
        now, wake_at = time.monotonic(), self.agent.wake_at
        wait = 0.2 if wake_at is None else min(max(0.001, wake_at - now), 0.2)
        self._socket.settimeout(wait)
        try:
            data, source = self._socket.recvfrom(65_535)
        except TimeoutError:
            self.do(self.agent.wake(time.monotonic()))
        else:
            self.do(self.agent.receive(DatagramReceived(data, Hop(*source)), time.monotonic()))

    def close(self) -> None:
        self._socket.close()


@contextmanager
def called(folder: Path, scenario: str) -> Iterator[Hop]:
    """sipp as the side that is called, once; its exit code is looked at in the end."""
    port = free_port()
    command = ["sipp", "-sf", str(SCENARIOS / f"{scenario}.xml"), "-i", HOST, "-p", str(port)]
    command += ["-m", "1", "-nostdin", "-timeout", f"{SIPP_S}s", "-trace_err"]
    command += ["-error_file", str(folder / "errors.log")]
    with subprocess.Popen(
        command, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as sipp:
        try:
            yield Hop(HOST, port)
            status = sipp.wait(SIPP_S)
        finally:
            sipp.kill()
    errors = folder / "errors.log"
    assert status == 0, errors.read_text()[-2000:] if errors.exists() else status
