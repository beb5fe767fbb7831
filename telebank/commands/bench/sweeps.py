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
START_S = 6.0
"""Seconds about its own that a measurement takes: to start, to warm, to stop."""
UNSAID_S = 20.0
"""Seconds that one takes about which nobody says how long."""
LINES_SHOWN = 8
"""Last lines of what a failed measurement wrote to standard error."""
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
Begun = Callable[[int, str], None]
"""Told of each measurement before it is made: how many are done, and its words."""


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


def seconds(plan: Plan) -> list[float]:
    """What each measurement of a plan will take, about."""
    return [
        START_S + (sweep.seconds or UNSAID_S) * words.count(sweep.option)
        for sweep, _, words in plan
    ]


def left(expected: Sequence[float], done: int, elapsed: float) -> float:
    """Seconds until the end after the first `done` took `elapsed` seconds: the rest is taken to be
    as much slower or faster than expected as those were."""
    before = sum(expected[:done])
    return sum(expected[done:]) * (elapsed / before if before else 1.0)


def measure(plan: Plan, begun: Begun) -> Sweeps:
    """Run all of it. Raises `SweepError`."""
    facts, runs = machine(), []
    for done, (sweep, value, words) in enumerate(plan):
        begun(done, " ".join(words[:-1]))
        now, packet = load(), yardstick()
        try:
            figures = _figures(words)
        except SweepError:  # a process that did not start in time spoils no quarter of an hour
            try:
                figures = _figures(words)
            except SweepError as error:
                raise SweepError(
                    f"measurement {done + 1} of {len(plan)}, twice: {error}"
                ) from error
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
        raise SweepError(_failure(words, done))
    try:
        return msgspec.json.decode(done.stdout, type=dict[str, Any])
    except msgspec.DecodeError as error:  # Python ends with 1 too, where it fails
        raise SweepError(_failure(words, done)) from error


def _failure(words: tuple[str, ...], done: "subprocess.CompletedProcess[str]") -> str:
    code = done.returncode
    how = f"was killed by signal {-code}" if code < 0 else f"gave no figures, exit code {code}"
    last = done.stderr.strip().splitlines()[-LINES_SHOWN:]
    told = "\n".join(f"  {line}" for line in last) or "  (nothing on standard error)"
    return f"`telebank bench {' '.join(words)}` {how}:\n{told}"
