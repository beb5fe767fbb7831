"""A real `telebank corehost run` on a free port with test data, its balances and its books.

with CoreHostProcess.start(tmp_path) as host:
    host.port, host.keys            # for the gateway under test
    host.cards[0].card, .pin, .identity
    host.plan([{"match": {"mti": "0200"}, "action": "drop_after", "times": 1}])
    host.balances()[card]           # fen, while it runs
    host.findings()                 # [] where money is conserved
    host.tell("cut-over")           # a command to the running host, and its answer
"""

import json
import os
import select
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from core_adapters.corehost.control import ask
from core_adapters.corehost.house import findings, holdings
from core_adapters.corehost.seed import SeedCard, trial_set
from support.starts import TURN

READY_S = 90.0
STOP_S = 15.0
HOST = "127.0.0.1"


def trial_cards() -> list[SeedCard]:
    """Sixty ordinary cards of 10,000.00 with twelve-digit PINs; then `special_card`'s."""
    return trial_set()[:60]


def special_card(state: str) -> SeedCard:
    """The card that is `empty`, `locked`, `hot`, `no_account` or `closed`."""
    special = trial_set()[60:]
    if state == "empty":
        return special[0]
    return next(card for card in special if card.state == state)


class CoreHostProcess:
    """A host process and the folder that outlives it."""

    def __init__(self, data: Path, options: Sequence[str] = ()) -> None:
        self.data = data
        self.folder = data / "corehost"
        self.keys = data / "keys"
        self.log = data / "corehost.log"
        self.faults = data / "faults.json"
        self.cards = trial_cards()
        self.port = 0
        self.ports: list[int] = []
        self._options = list(options)
        self._process: subprocess.Popen[str] | None = None

    @classmethod
    def start(cls, data: Path, *options: str) -> Self:
        """Start on a free port; returns when it listens."""
        host = cls(data, options)
        host.run()
        return host

    def run(self, port: int = 0) -> None:
        """Start, or start again after `stop`, `kill` or a `die_*` fault, perhaps on `port`."""
        self.data.mkdir(parents=True, exist_ok=True)
        telebank = str(Path(sys.executable).with_name("telebank"))
        command = [telebank, "corehost", "run", "--test-data", "--listen", f"{HOST}:{port}"]
        command += ["--data", str(self.folder), "--keys", str(self.keys)]
        command += ["--faults", str(self.faults), *self._options]
        with TURN, self.log.open("a", encoding="utf-8") as log:
            self._process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log, text=True)
            said = json.loads(self._ready_line())
        self.port = said["port"]
        self.ports = [int(one.rpartition(":")[2]) for one in said["listen"]]

    def _ready_line(self) -> str:
        assert self._process is not None
        assert self._process.stdout is not None
        ready, _, _ = select.select([self._process.stdout], [], [], READY_S)
        line = self._process.stdout.readline() if ready else ""
        if not line:
            self.kill()
            raise AssertionError(f"the core host did not start: {self.log.read_text()[-2000:]}")
        return line

    @property
    def pid(self) -> int:
        """The process id of the running host."""
        assert self._process is not None
        return self._process.pid

    def plan(self, rules: Sequence[dict[str, Any]]) -> None:
        """Put a fault plan in force for the messages from now on; `[]` ends all faults."""
        part = self.faults.with_suffix(f".{os.getpid()}")
        part.write_text(json.dumps(list(rules)), encoding="utf-8")
        part.replace(self.faults)

    def stop(self) -> int:
        """SIGTERM; returns the exit code."""
        return self._end(signal.SIGTERM)

    def kill(self) -> int:
        """SIGKILL: nothing is finished; returns the exit code."""
        return self._end(signal.SIGKILL)

    def wait(self) -> int:
        """Wait for a process that a fault ends; returns its exit code."""
        return self._end(None)

    def _end(self, number: signal.Signals | None) -> int:
        if self._process is None:
            return 0
        if number is not None:
            self._process.send_signal(number)
        code = self._process.wait(STOP_S)
        assert self._process.stdout is not None
        self._process.stdout.close()
        self._process = None
        return code

    def balances(self) -> dict[str, int]:
        """Fen by card number (and by account name for the bank's own), read only."""
        return {one.name: one.balance.minor for one in holdings(self.folder)}

    def findings(self) -> list[str]:
        """Everything wrong with the books; empty where money is conserved."""
        return findings(self.folder)

    def tell(self, do: str, **words: str) -> dict[str, Any]:
        """Have the running host do something; raises `ControlError` where it says no."""
        return ask(self.folder, {"do": do, **words})

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()
