"""A whole bank of real processes: a core host with test data and a voice node, on free ports.

with BankProcess.start(tmp_path, voice, sip={"t1": 0.05}) as bank:
    bank.sip                        # "127.0.0.1:40123"
    bank.cards[0].card, .pin        # the host's test cards
    bank.counts()["calls"]          # what is open in the node
    bank.control("/v1/lines")       # any path of the control socket
    bank.wait_idle()                # until nothing is open
    bank.kill(); bank.restart()     # SIGKILL, and a new node on the same data and port

Everything is stopped by process id when the block ends, also when the test in it failed.
"""

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, Self

import httpx

from core_adapters.corehost.seed import SeedCard
from support.corehost_process import CoreHostProcess
from support.starts import TURN
from telebank.phone.hearing import Lexicon
from telebank.phone.phone import Phone
from telebank.settings import packs_dir
from telebank.store.engine import database_url
from telebank.store.eventlog import open_read_only
from telebank.store.views import CallRow, recent_calls
from voice_prompts import g711
from voice_prompts.bank import Bank, build_bank

HOST = "127.0.0.1"
READY_S = 180.0
STOP_S = 20.0
IDLE_S = 40.0
"""Timer J of a BYE alone holds its transaction for 64 times T1: 32 s with the shipped T1."""
POLL_S = 0.05
Tables = Mapping[str, Mapping[str, Any]]
TELEBANK = (sys.executable, "-m", "telebank")
"""What starts a node; the word `serve` and its options follow."""


@dataclass(frozen=True)
class Voice:
    """The shipped packs encoded once for a whole run, and the clips that phones recognise."""

    folder: Path

    @classmethod
    def build(cls, folder: Path) -> Self:
        """Encode the shipped packs into `folder`."""
        build_bank(packs_dir(), folder)
        return cls(folder)

    @cached_property
    def lexicons(self) -> dict[str, Lexicon]:
        """Clips by law."""
        bank = Bank.open(self.folder)
        return {law: Lexicon(bank, law) for law in g711.LAWS}

    def lend(self, data: Path) -> None:
        """Give a node's data folder this bank, without a second copy of its octets."""
        target = data / "voice"
        target.mkdir(parents=True, exist_ok=True)
        for file in self.folder.iterdir():
            # The bank is only ever replaced by rename, so a shared inode is never written to.
            if not (target / file.name).exists():
                os.link(file, target / file.name)


@dataclass(slots=True)
class BankProcess:
    """One core host and one node; `start` is the way to make it."""

    data: Path
    voice: Voice
    settings: Tables
    host: CoreHostProcess
    launcher: Sequence[str] = TELEBANK
    also: Sequence[str] = ()
    _address: str = f"{HOST}:0"
    _node: subprocess.Popen[bytes] | None = field(default=None)

    @classmethod
    @contextlib.contextmanager
    def start(
        cls,
        data: Path,
        voice: Voice,
        launcher: Sequence[str] = TELEBANK,
        host_options: Sequence[str] = (),
        also: Sequence[str] = (),
        **settings: Mapping[str, Any],
    ) -> Iterator[Self]:
        """Start both; `settings` are tables of telebank.toml (`sip={"t1": 0.05}`), `host_options`
        of `corehost run`; `also` are further places of SIP."""
        data.mkdir(parents=True, exist_ok=True)
        voice.lend(data)
        _write_settings(data / "config" / "telebank.toml", settings)
        with CoreHostProcess.start(data, *host_options) as host:
            bank = cls(data, voice, settings, host, launcher, also=also)
            try:
                bank.run()
                yield bank
            finally:
                bank.stop()

    # -- life ---------------------------------------------------------------------------------

    def run(self) -> None:
        """Start the node; returns when it takes calls."""
        ready = self.data / "run" / "node.json"
        ready.unlink(missing_ok=True)
        command = [*self.launcher, "serve", "--drain", "0", "--data", str(self.data)]
        command += ["--sip", self._address, "--host-port", str(self.host.port)]
        command += [word for place in self.also for word in ("--sip", place)]
        with TURN:
            self._begin(command, ready)
        self._address = json.loads(ready.read_text())["listen"]

    def _begin(self, command: Sequence[str], ready: Path) -> None:
        with self.log.open("ab") as log:
            self._node = subprocess.Popen(command, stdin=subprocess.DEVNULL, stderr=log, stdout=log)
        deadline = time.monotonic() + READY_S
        while not ready.exists():
            if self._node.poll() is not None or time.monotonic() > deadline:
                self.kill()
                raise AssertionError(f"the node did not start:\n{self.log_text()[-3000:]}")
            time.sleep(POLL_S)

    def restart(self) -> None:
        """Stop the node if it runs, and start another on the same data and port."""
        self.stop()
        self.run()

    def stop(self) -> int:
        """SIGTERM, and SIGKILL for what does not go; the exit code (0 when none ran)."""
        return self._end(signal.SIGTERM)

    def kill(self) -> int:
        """SIGKILL: nothing is finished."""
        return self._end(signal.SIGKILL)

    def wait(self, timeout: float) -> int:
        """Wait up to `timeout` s for a node that ends by itself; its exit code."""
        assert self._node is not None, "the node does not run"
        self._node.wait(timeout)
        return self._end(signal.SIGKILL)

    def _end(self, number: signal.Signals) -> int:
        node, self._node = self._node, None
        if node is None:
            return 0
        workers = _children(node.pid)
        node.send_signal(number)
        try:
            code = node.wait(STOP_S)
        except subprocess.TimeoutExpired:
            node.kill()
            code = node.wait()
        _wait_gone(workers)
        return code

    # -- what it is ---------------------------------------------------------------------------

    @property
    def sip(self) -> str:
        """Where SIP is received, `address:port`."""
        return self._address

    def place(self, transport: str, version: int = 4) -> str:
        """Where SIP is received over a transport, `address:port`."""
        places = json.loads((self.data / "run" / "node.json").read_text())["places"]
        found = [each.partition(":")[2] for each in places if each.startswith(f"{transport}:")]
        return next(each for each in found if (each[0] == "[") == (version == 6))

    @property
    def uri(self) -> str:
        """What a phone dials."""
        return f"sip:bank@{self._address}"

    @property
    def cards(self) -> list[SeedCard]:
        """Sixty ordinary cards with twelve-digit PINs."""
        return self.host.cards

    @property
    def log(self) -> Path:
        """The node's and its workers' log."""
        return self.data / "node.log"

    def log_text(self) -> str:
        """The log so far."""
        return self.log.read_text(encoding="utf-8") if self.log.exists() else ""

    @property
    def pid(self) -> int:
        """Process id of the node."""
        assert self._node is not None, "the node does not run"
        return self._node.pid

    @property
    def worker_pids(self) -> list[int]:
        """Process ids of its media workers."""
        return self.pids_of("telebank.media")

    def pids_of(self, module: str) -> list[int]:
        """Process ids of its children that run a module."""
        return [pid for pid in _children(self.pid) if module in _words(pid)]

    def control(self, path: str, method: str = "GET") -> Any:
        """Ask the control socket; the JSON it answers."""
        transport = httpx.HTTPTransport(uds=str(self.data / "control.sock"))
        with httpx.Client(transport=transport, base_url="http://node", timeout=10) as client:
            answer = client.request(method, path)
            answer.raise_for_status()
            return answer.json()

    def counts(self) -> dict[str, int]:
        """What is open in the node."""
        counts: dict[str, int] = self.control("/v1/counts")
        return counts

    def calls(self, limit: int = 200) -> list[CallRow]:
        """The newest calls of the event log, newest first."""
        engine = open_read_only(database_url(self.data))
        try:
            with engine.connect() as connection:
                return list(recent_calls(connection, limit).calls)
        finally:
            engine.dispose()

    def last_call(self, timeout: float = 10.0) -> CallRow:
        """The newest call of the log once its end is written, a moment after the call is over."""
        deadline = time.monotonic() + timeout
        while not (newest := self.calls(1)) or not newest[0].ended_by:
            assert time.monotonic() < deadline, f"no end in the log: {newest}"
            time.sleep(POLL_S)
        return newest[0]

    def open_files(self) -> int:
        """File descriptors, sockets among them, of the node and its media workers."""
        return len(self.files())

    def files(self) -> list[str]:
        """What they are, for the message of a test that finds one too many."""
        found = []
        for pid in (self.pid, *self.worker_pids):
            for descriptor in Path(f"/proc/{pid}/fd").iterdir():
                with contextlib.suppress(FileNotFoundError):  # closed meanwhile
                    found.append(f"{pid} {descriptor.readlink()}")
        return found

    def wait_files(self, most: int, timeout: float = 5.0) -> None:
        """Wait until no more than `most` are open; the answer to `counts` itself is one of them."""
        deadline = time.monotonic() + timeout
        while len(files := self.files()) > most:
            assert time.monotonic() < deadline, f"{len(files)} files, not {most}: {files}"
            time.sleep(POLL_S)

    def cpu_seconds(self) -> tuple[float, float]:
        """CPU time used so far by the node, and by its media workers."""
        return _cpu(self.pid), sum(map(_cpu, self.worker_pids))

    def wait_idle(self, timeout: float = IDLE_S) -> dict[str, int]:
        """Wait until nothing is open; AssertionError names what still is after `timeout` s."""
        deadline = time.monotonic() + timeout
        while left := {name: n for name, n in self.counts().items() if n and _is_open(name)}:
            assert time.monotonic() < deadline, f"still open after {timeout} s: {left}"
            time.sleep(POLL_S)
        return self.counts()

    @contextlib.asynccontextmanager
    async def phone(self) -> AsyncIterator[Phone]:
        """A phone of this process with the shared clips; what still rings is hung up."""
        phone = Phone(self.voice.lexicons)
        await phone.start(HOST)
        try:
            yield phone
        finally:
            await phone.close()


def _is_open(count: str) -> bool:
    """Totals only grow, and a node has some tasks of its own."""
    return not count.startswith("total_") and count != "tasks"


def _write_settings(path: Path, tables: Tables) -> None:
    lines = ["schema = 1"]
    for name, table in tables.items():
        lines += [f"[{name}]", *(f"{key} = {json.dumps(value)}" for key, value in table.items())]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def _children(pid: int) -> list[int]:
    try:
        text = Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii")
    except OSError:
        return []
    return [int(word) for word in text.split()]


def _words(pid: int) -> list[str]:
    try:
        return Path(f"/proc/{pid}/cmdline").read_text(encoding="utf-8").split("\0")
    except OSError:
        return []


def _wait_gone(pids: list[int]) -> None:
    """Workers of a node that is gone end by themselves; one that does not is killed."""
    deadline = time.monotonic() + STOP_S
    while alive := [pid for pid in pids if Path(f"/proc/{pid}").exists()]:
        if time.monotonic() > deadline:
            for pid in alive:
                os.kill(pid, signal.SIGKILL)
            raise AssertionError(f"media workers {alive} outlived their node")
        time.sleep(POLL_S)


def _cpu(pid: int) -> float:
    """User and system seconds of a process (proc_pid_stat(5), fields 14 and 15)."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
