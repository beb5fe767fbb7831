"""One measurement after another over a range, each by its own command in a process of its own, and
what is kept of them: enough to draw the pictures and tables again."""

import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from telebank.commands.bench.machine import Machine, load, machine, yardstick
from telebank.commands.common import EXIT_FINDING

TIMEOUT_S = 300.0
"""Of one measurement."""
VERSION = 1
"""Of the file that figures are kept in."""


class SweepError(RuntimeError):
    """A measurement did not take place; the text says why."""


@dataclass(frozen=True, slots=True)
class Sweep:
    """A command of `telebank bench`, run with each of some values of an option; with all of them
    at once where it takes several."""

    name: str
    command: tuple[str, ...]
    option: str
    values: tuple[int, ...]
    quick: tuple[int, ...]
    """The values of a short run."""
    seconds: int = 0
    """For its `--seconds`; 0 where it has none."""
    at_once: bool = False
    rounds: bool = True
    """Whether it is worth more than one round."""

    def commands(self, *, quick: bool) -> list[tuple[int, tuple[str, ...]]]:
        """Values and words, one run each."""
        values = self.quick if quick else self.values
        groups = [values] if self.at_once else [(value,) for value in values]
        length = ("--seconds", str(QUICK_S if quick else self.seconds)) if self.seconds else ()
        return [
            (group[0], (*self.command, *length, *self._options(group), "--json"))
            for group in groups
        ]

    def _options(self, values: Sequence[int]) -> Iterator[str]:
        for value in values:
            yield from (self.option, str(value))


QUICK_S = 2
CALLS = "--calls"
SWEEPS = (
    Sweep("media", ("media",), CALLS, (100, 200, 500, 1_000, 2_000), (5, 10), 6),
    Sweep("media-2", ("media", "--workers", "2"), CALLS, (500, 1_000, 2_000), (10,), 6),
    Sweep("recorded", ("bridge",), CALLS, (50, 100, 200, 300), (2, 4), 6),
    Sweep("unrecorded", ("bridge", "--no-record"), CALLS, (50, 100, 200, 300), (2, 4), 6),
    Sweep("setups", ("signalling",), "--rate", (25, 50, 100, 200), (10,), 4, at_once=True),
    Sweep("dtmf", ("dtmf", "--channels", "100"), "--every", (50,), (100,), rounds=False),
)


class Run(msgspec.Struct, frozen=True):
    """One measurement."""

    sweep: str
    value: int
    """Of the option that the sweep is over, or the first."""
    words: tuple[str, ...]
    """After `telebank bench`."""
    load: float
    """Average over the minute before it."""
    packet_us: float
    """`machine.yardstick` before it."""
    figures: dict[str, Any]
    """As its command tells them."""


class Sweeps(msgspec.Struct, frozen=True):
    """All that was measured."""

    machine: Machine
    runs: list[Run]
    version: int = VERSION

    def of(self, sweep: str) -> list[Run]:
        """The runs of one sweep."""
        return [run for run in self.runs if run.sweep == sweep]


Plan = Sequence[tuple[Sweep, int, tuple[str, ...]]]


def plan(names: Sequence[str], rounds: int, *, quick: bool) -> Plan:
    """What is run, in its order: round by round, so that a busy quarter of an hour spoils one
    round of everything and not one figure. `names`: of sweeps; none for all."""
    return [
        (sweep, value, words)
        for number in range(rounds)
        for sweep in SWEEPS
        if (sweep.name in names or not names) and (sweep.rounds or number == 0)
        for value, words in sweep.commands(quick=quick)
    ]


def measure(plan: Plan, advance: Callable[[str], None]) -> Sweeps:
    """Run all of it; `advance` is told the words of each before. Raises `SweepError`."""
    facts, runs = machine(), []
    for sweep, value, words in plan:
        advance(" ".join(words[:-1]))
        now, packet = load(), yardstick()
        try:
            figures = _figures(words)
        except SweepError:  # a process that did not start in time spoils no quarter of an hour
            figures = _figures(words)
        runs.append(Run(sweep.name, value, words, now, packet, figures))
    return Sweeps(facts, runs)


def read(file: Path) -> Sweeps:
    """What was kept. Raises `OSError`, and `SweepError` where it is something else."""
    try:
        sweeps = msgspec.json.decode(file.read_bytes(), type=Sweeps)
    except msgspec.DecodeError as error:
        raise SweepError(f"{file} has no figures of telebank bench plot: {error}") from error
    if sweeps.version != VERSION:
        raise SweepError(f"{file} is of version {sweeps.version}, not {VERSION}: measure anew")
    return sweeps


def write(sweeps: Sweeps, file: Path) -> None:
    """Keep it; raises `OSError`."""
    file.write_bytes(msgspec.json.format(msgspec.json.encode(sweeps), indent=1) + b"\n")


def _figures(words: tuple[str, ...]) -> dict[str, Any]:
    command = [sys.executable, "-m", "telebank", "bench", *words]
    try:
        done = subprocess.run(  # noqa: S603 - our own command
            command, capture_output=True, check=False, text=True, timeout=TIMEOUT_S
        )
    except subprocess.TimeoutExpired as error:
        raise SweepError(f"bench {' '.join(words)}: nothing after {TIMEOUT_S:g} s") from error
    if done.returncode not in {0, EXIT_FINDING}:
        raise SweepError(f"bench {' '.join(words)}: {done.stderr.strip()[-500:]}")
    return msgspec.json.decode(done.stdout, type=dict[str, Any])
