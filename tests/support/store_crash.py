"""A writer process to be killed: records requests as fast as it can, says each id once durable.

`start` runs this file as `python store_crash.py FOLDER ROUND`.
"""

import asyncio
import os
import subprocess
import sys
from pathlib import Path

import telebank
from support.store_kit import message, money_plan, open_store, transfer
from telebank.store.clock import SystemClock
from transactions.lifecycle import State

ROOT = Path(telebank.__file__).resolve().parents[1]


def start(folder: Path, run: int) -> "subprocess.Popen[str]":
    """Start the process on node 01 of `folder`; its lines come on stdout."""
    # The rooms first: tests/ has folders of the same names.
    environment = {**os.environ, "PYTHONPATH": f"{ROOT}:{ROOT / 'tests'}"}
    command = [sys.executable, __file__, str(folder), str(run)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment)


async def main(folder: Path, run: str) -> None:
    async with open_store(folder, clock=SystemClock()) as store:
        print(f"epoch {store.epoch}", flush=True)

        async def customer(lane: int) -> None:
            for number in range(1_000_000):
                name = f"{run}-{lane}-{number}"
                await store.journal.record(transfer(name), money_plan(guarded=False))
                print(f"RECORDED {name}", flush=True)
                stan = await store.journal.next_stan()
                field7 = f"{number:010d}"
                await store.journal.sending(message(name, stan, field7=field7, field41=f"T{run}"))
                print(f"SENT {name}", flush=True)
                await store.journal.advance(name, [State.APPROVED])
                print(f"APPROVED {name}", flush=True)

        await asyncio.gather(*(customer(lane) for lane in range(20)))


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), sys.argv[2]))
