"""A node to be killed that faxes as fast as it can: each page that comes out at the other end is a
line of `paper` in its folder, written before it is confirmed.

`start` runs this file as `python fax_crash.py FOLDER ROUND`.
"""

import asyncio
import itertools
import os
import random
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import telebank
from support.fax_jobs import FaxHouse, Machine, MachineCall, first_page
from telebank.calls.faxes.attempt import BEGAN_S
from telebank.calls.faxes.options import FaxOptions
from telebank.calls.faxes.outgoing import Load
from telebank.calls.faxes.queue import FaxJobs

ROOT = Path(telebank.__file__).resolve().parents[1]
PAPER = "paper"
ACTS = ("sent", "sent", "dies 1", "busy", "no_fax", "silent 2")
HOURS_A_ROUND = 6
"""Time does not go back from life to life."""


class Tray(Machine):
    """Pages that come out are on disk before anybody hears of it."""

    def __init__(self, folder: Path, *, killed: bool) -> None:
        super().__init__()
        self._killed = killed
        self._paper = os.open(folder / PAPER, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        self._chance = random.Random()

    def call(self, load: Load) -> MachineCall:
        call = MachineCall(self, load, self._chance.choice(ACTS))
        fax, first = load.tiff.parent.name, first_page(load.tiff)
        if self._killed:
            call.training_s = BEGAN_S + 0.1  # as the real ones take, at least
        call.prints = lambda number: self.prints(fax, first + number)
        return call

    def prints(self, fax: str, page: int) -> None:
        os.write(self._paper, f"{fax} {page}\n".encode())
        if self._killed:
            print("PAGE", flush=True)


def start(folder: Path, run: int) -> "subprocess.Popen[str]":
    """Start the process on `folder`; a line for each page comes on stdout."""
    environment = {**os.environ, "PYTHONPATH": f"{ROOT}:{ROOT / 'tests'}"}
    command = [sys.executable, __file__, str(folder), str(run)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment)


def house(folder: Path, run: int, *, killed: bool = False) -> FaxHouse:
    """The node's of this life, which is going to be killed or not."""
    made = FaxHouse(
        folder, machine=Tray(folder, killed=killed), options=FaxOptions(look_s=0.02, channels=16)
    )
    many: dict[str, Any] = {"calls_hourly": 10**6, "per_number_daily": 10**6}
    made.outbound = replace(made.outbound, seconds_daily=10**9, **many)
    made.clock.forward(run * HOURS_A_ROUND * 3_600)
    return made


async def main(folder: Path, run: int) -> None:
    lives = house(folder, run, killed=True)
    async with lives.life() as jobs:
        jobs.start(lives.machine)
        await asyncio.gather(_passing(lives), *(_asking(lives, jobs, n) for n in range(4)))


async def _passing(lives: FaxHouse) -> None:
    """Time passes, so that waits end."""
    for _ in range(HOURS_A_ROUND * 60):
        await asyncio.sleep(0.05)
        lives.clock.forward(30)


async def _asking(lives: FaxHouse, jobs: FaxJobs, lane: int) -> None:
    for number in itertools.count():
        await lives.added(jobs, request=f"{jobs.next_id()}-{lane}-{number}")
        await asyncio.sleep(0.3)


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), int(sys.argv[2])))
