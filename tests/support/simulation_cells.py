"""Byte x second fault x step: every cell a run, found again by SEED and its number."""

import os
import random
from collections import Counter
from collections.abc import Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field

from support.simulation_bank import one_codec
from support.simulation_journal import KILLS
from support.simulation_loop import simulate
from support.simulation_net import FORGED, Hit, Plan
from support.simulation_world import Setting, World

REQUEST_BYTES, REPLY_BYTES = 240, 187
"""Length of a transfer and of its approval on the line; a test holds them against the codec."""
BYTES: Sequence[tuple[Hit, int]] = (
    *((Hit.CUT_REQUEST, byte) for byte in range(REQUEST_BYTES + 1)),
    *((Hit.CUT_REPLY, byte) for byte in range(REPLY_BYTES)),
)
"""All of the request may arrive; of the reply, all but the last byte."""
SECONDS: Sequence[tuple[str, tuple[Hit, ...]]] = (
    ("none", (Hit.NONE,)),
    ("lost", (Hit.LOST, Hit.REPLY_LOST)),
    ("cut", (Hit.CUT_REQUEST, Hit.CUT_REPLY)),
    ("late", (Hit.LATE, Hit.OVERTAKEN)),
    ("duplicate", (Hit.DUPLICATE, Hit.TWICE)),
    ("garbled", (Hit.GARBLED,)),
    ("wrong key field", (Hit.WRONG_KEY,)),
    ("bad MAC", (Hit.BAD_MAC,)),
    ("decline code", (Hit.DECLINED,)),
    ("unknown code", (Hit.DECLINED,)),
)
"""What the first reversal meets: one of the hits, by chance."""
FIRSTS = (
    Hit.LOST,
    Hit.REPLY_LOST,
    Hit.LATE,
    Hit.OVERTAKEN,
    Hit.GARBLED,
    Hit.WRONG_KEY,
    Hit.BAD_MAC,
    Hit.WRONG_AMOUNT,
    Hit.DUPLICATE,
    Hit.DECLINED,
    Hit.CUT_OVER,
    Hit.COLLISION,
    Hit.TWICE,
)
"""What the transfer meets where its line is not cut."""
CELLS = len(BYTES) * len(SECONDS) * len(KILLS)
OTHERS = len(FIRSTS) * len(SECONDS) * len(KILLS) * 2
TOTAL = CELLS + OTHERS
CODES = {"decline code": ("51", "12", "57"), "unknown code": ("06", "68", "96", "99")}
"""What field 39 says where it says no: a person's, or nothing that settles it (99 is unlisted)."""

Cell = tuple[str, int, str, str]
"""First fault, byte, second fault, step."""


@dataclass
class Tally:
    """What runs have shown."""

    runs: int = 0
    lives: int = 0
    cells: Counter[Cell] = field(default_factory=Counter)
    states: Counter[str] = field(default_factory=Counter)

    def add(self, other: "Tally") -> None:
        """Take another's runs in."""
        self.runs += other.runs
        self.lives += other.lives
        self.cells.update(other.cells)
        self.states.update(other.states)


def case(number: int, seed: int) -> tuple[Setting, Cell]:
    """The run of a number: the fault cells first, then the faults that cut nothing."""
    chance = random.Random(f"{seed}:{number}")
    rest, kill = divmod(number, len(KILLS))
    rest, second = divmod(rest, len(SECONDS))
    first, byte = (
        BYTES[rest] if rest < len(BYTES) else (FIRSTS[(rest - len(BYTES)) % len(FIRSTS)], 0)
    )
    name, hits = SECONDS[second]
    decline = chance.choice(CODES.get(name) or ("51", "12", "57", "96", "99"))
    hit = chance.choice(hits)
    plan = Plan(first, byte, hit, decline)
    # A late approval of what was reversed goes to a person too (rule 5).
    late = first in (Hit.COLLISION, Hit.LATE, *FORGED)
    person = late or (hit is Hit.DECLINED and name == "decline code")
    setting = Setting(
        plan,
        kill=KILLS[kill],
        kill_again=chance.randrange(1, 25) if chance.random() < 0.15 else None,
        callers=chance.choice((2, 2, 2, 3, 3, 4, 5)),
        links=chance.choice((1, 2)),
        orderly=chance.random() < 0.1,
        pins=chance.random() < 0.06,
        may_be_manual=person,
    )
    return setting, (first.value, byte, name, KILLS[kill])


def run_setting(setting: Setting, seed: int) -> World:
    """One run; its invariants have been checked."""

    async def whole() -> World:
        world = World(setting, seed)
        await world.run()
        return world

    return simulate(whole())


def run_case(number: int, seed: int) -> tuple[World, Cell]:
    """One run by number; a failure says how to have it again."""
    setting, cell = case(number, seed)
    try:
        return run_setting(setting, seed * 1_000_000 + number), cell
    except BaseException as error:
        error.add_note(f"SEED={seed}:{number} {cell} {setting}")
        raise


def run_cases(numbers: Iterable[int], seed: int) -> Tally:
    """Many runs in one process."""
    tally = Tally()
    with one_codec():
        for number in numbers:
            world, cell = run_case(number, seed)
            tally.runs += 1
            tally.lives += world.lives
            tally.states.update(str(row.state) for row in world.books.rows.values())
            killed = world.died or cell[3] == "none"
            if number >= CELLS or (world.state.second and killed):
                tally.cells[cell] += 1
    return tally


def run_all(seed: int) -> Tally:
    """Every run, over the processors there are."""
    workers = max(1, len(os.sched_getaffinity(0)))
    parts = [range(start, TOTAL, workers * 16) for start in range(workers * 16)]
    tally = Tally()
    with ProcessPoolExecutor(workers) as pool:
        for part in pool.map(run_cases, parts, [seed] * len(parts)):
            tally.add(part)
    return tally


def sample(count: int, seed: int) -> list[int]:
    """Numbers with each byte and each fault without a cut; second faults and steps by chance."""
    chance = random.Random(seed)
    numbers = []
    for index in range(count):
        row = index % (len(BYTES) + len(FIRSTS))
        second, kill = chance.randrange(len(SECONDS)), chance.randrange(len(KILLS))
        numbers.append((row * len(SECONDS) + second) * len(KILLS) + kill)
    return numbers


def with_first(first: Hit) -> range:
    """The numbers of the runs that begin with a fault that cuts nothing."""
    start = CELLS + FIRSTS.index(first) * len(SECONDS) * len(KILLS)
    return range(start, start + len(SECONDS) * len(KILLS))


def table(cells: Iterable[Cell]) -> str:
    """The coverage as text: second faults down, steps across, in each how many bytes were hit."""
    hit: Counter[tuple[str, str]] = Counter()
    cut = (Hit.CUT_REQUEST.value, Hit.CUT_REPLY.value)
    for first, _, second, step in cells:
        if first in cut:
            hit[second, step] += 1
    lines = [f"bytes cut (of {len(BYTES)}), by second fault and step of the journal:"]
    for step in KILLS:
        row = " ".join(f"{hit[name, step]:4d}" for name, _ in SECONDS)
        lines.append(f"{step:>25} {row}")
    lines.insert(1, " " * 26 + " ".join(f"{name[:4]:>4}" for name, _ in SECONDS))
    return "\n".join(lines)
