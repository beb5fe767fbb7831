"""`telebank bench desk`: tellers at their screens, and how soon these show what happens."""

import asyncio
import contextlib
import json
import random
import sys
import tempfile
from collections.abc import AsyncIterator, Coroutine
from dataclasses import asdict, dataclass, field
from pathlib import Path

import click
import uvloop
from rich.console import Console

from core_adapters.corehost.seed import TEST_CARDS, trial_set
from telebank.commands.bench.call import (
    HOST,
    PATIENCE_S,
    balances_script,
    bank,
    child,
    fault_of,
    percentile,
    start_option,
    used,
)
from telebank.commands.bench.desk_people import Employee, Staff
from telebank.commands.bench.desk_phones import TICK_S, DeskPhone, NotRegistered
from telebank.commands.bench.desk_screens import Screen, Seen
from telebank.commands.common import EXIT_FINDING, Unreachable, json_option
from telebank.ops.control_client import NodeAway, Refused
from telebank.ops.supervise import ChildFailed
from telebank.phone.hearing import Lexicon
from telebank.phone.phone import Phone, PhoneOptions
from telebank.phone.script import parse_script
from telebank.settings import packs_dir
from telebank.workers.cpu import children, cpu_seconds
from voice_prompts import g711
from voice_prompts.bank import Bank, build_bank
from voice_prompts.pack import PackError

REALM = "bench.example"
SETTINGS = f"""schema = 1
[registrar]
realm = "{REALM}"
registrations_per_s = 1000
"""
CALLERS_A_SEAT = 2
"""One talks and one waits, while the others are at their menus."""
ROUNDS = 3
RATE = 5.0
"""Calls a second while they begin."""
ALONE_S, WARM_S = 13.0, 6.0
"""Seconds of calls alone, more than the ten of which a worker tells its lateness; then of screens
before anything is counted."""
LOOK_S = 5.0
FIRST_EXTENSION = 8001
say = Console(stderr=True, highlight=False)


@dataclass(frozen=True, slots=True)
class Figures:
    """What was measured; times in milliseconds."""

    seats: int
    lines: int
    seconds: float
    talks: int
    failed: int
    events: int
    event_p50_ms: float
    event_p99_ms: float
    pages: int
    page_p95_ms: float
    acts: int
    act_p95_ms: float
    refused: int
    tick_late_alone_p99_ms: float
    tick_late_p99_ms: float
    node_cpu_ms_per_s: float
    console_cpu_ms_per_s: float
    worker_cpu_ms_per_s: float


_MEANINGS = {
    "seats": "tellers at their screens, and a supervisor at his",
    "lines": "callers, of whom two a seat ask for a teller; the others hear balances",
    "seconds": "s that were counted",
    "talks": "talks with tellers that ended",
    "failed": "calls, pages and streams that were not as they should be",
    "events": "new states of seats and calls, each as often as a screen showed it",
    "event_p50_ms": "ms from such a state at the node to its coming at a screen, half of them",
    "event_p99_ms": "ms, 99 of 100 of them",
    "pages": "pages asked for",
    "page_p95_ms": "ms to the end of a page, 95 of 100",
    "acts": "acts of tellers",
    "act_p95_ms": "ms to the answer of an act, 95 of 100",
    "refused": "acts refused since the caller had just gone",
    "tick_late_alone_p99_ms": "ms that sound was late, 99 of 100 ticks, before there were screens",
    "tick_late_p99_ms": "ms with the screens, the worst ten seconds",
    "node_cpu_ms_per_s": "ms of CPU a second, node",
    "console_cpu_ms_per_s": "ms of CPU a second, console",
    "worker_cpu_ms_per_s": "ms of CPU a second, media worker",
}


@click.command("desk")
@click.option("--seats", default=8, show_default=True, type=click.IntRange(1, 24))
@click.option("--lines", default=60, show_default=True, type=click.IntRange(1, 200))
@click.option("--seconds", default=30.0, show_default=True, type=click.FloatRange(10, 600))
@start_option
@json_option
def command(seats: int, lines: int, seconds: float, start_s: float, *, as_json: bool) -> None:
    """Measure tellers' screens beside calls.

    Starts a core host, a node and a console in a temporary folder. Callers ring it from this
    process; tellers with desk phones take them, talk, put them on hold, write notes and end the
    calls, all by their pages; a supervisor watches. An event is timed from the moment at which the
    node says that it was to its coming by a screen's stream. Exit code 1 when a call, a page or a
    stream failed.

    \b
    Examples:
      telebank bench desk
      telebank bench desk --seats 8 --lines 60 --seconds 60 --json
    """
    if lines < CALLERS_A_SEAT * seats:
        raise click.UsageError(f"--lines: at least {CALLERS_A_SEAT} for each of {seats} seats")
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        data = Path(folder)
        (data / "config").mkdir()
        (data / "config" / "telebank.toml").write_text(SETTINGS, encoding="utf-8")
        try:
            figures = uvloop.run(_bench(data, seats, lines, seconds, start_s))
        except (ChildFailed, PackError, NodeAway, Refused, NotRegistered) as error:
            raise Unreachable(str(error)) from error
    values = asdict(figures)
    table = "\n".join(f"{values[name]:>10}  {text}" for name, text in _MEANINGS.items())
    click.echo(json.dumps(values) if as_json else table)
    sys.exit(EXIT_FINDING if figures.failed else 0)


@dataclass
class _Floor:
    """Everybody and everything that runs."""

    data: Path
    staff: Staff
    seen: Seen = field(default_factory=Seen)
    talks: int = 0
    faults: list[str] = field(default_factory=list)
    tasks: list[asyncio.Task[None]] = field(default_factory=list)

    def begin(self, work: Coroutine[None, None, None]) -> None:
        """Have it done until the end."""
        self.tasks.append(asyncio.create_task(work, name="bench desk"))

    async def for_s(self, seconds: float) -> None:
        """Let it go on; what fails meanwhile is raised."""
        over = asyncio.create_task(asyncio.sleep(seconds), name="bench over")
        while not over.done():
            done, _ = await asyncio.wait({over, *self.tasks}, return_when="FIRST_COMPLETED")
            for task in done - {over}:
                task.result()
                self.tasks.remove(task)

    async def late_ms(self) -> float:
        """Of the media workers, the last ten seconds."""
        board = await self.staff.get("/v1/board")
        return max(float(worker.get("tick_late_p99_ms", 0.0)) for worker in board["workers"])


async def _bench(data: Path, seats: int, lines: int, seconds: float, start_s: float) -> Figures:
    async with contextlib.AsyncExitStack() as stack:
        address, node = await stack.enter_async_context(bank(data, start_s))
        words = ["console", "--data", str(data), "--web", f"{HOST}:0"]
        console = await child(stack, data, "console", words, start_s)
        floor = _Floor(data, Staff(data / "control.sock"))
        with say.status("people …"):
            wu, tellers = await _people(floor.staff, seats)
        host, _, port = address.rpartition(":")
        phones = await stack.enter_async_context(_phones(tellers, (host, int(port))))
        floor.begin(_ticking(phones))
        stack.push_async_callback(_cancel, floor.tasks)
        caller = await stack.enter_async_context(_caller(data))
        with say.status(f"{lines} calls …"):
            for nth in range(lines - CALLERS_A_SEAT * seats):
                floor.begin(_hears_balances(floor, caller, f"sip:bank@{address}", nth))
                await floor.for_s(1 / RATE)
            await floor.for_s(ALONE_S)
            alone = await floor.late_ms()
        base = f"http://{console['listen']}"
        with say.status(f"{seats} screens …"):
            for teller in tellers:
                screen = Screen(base, teller.token, "/desk", floor.seen)
                stack.push_async_callback(screen.close)
                floor.begin(screen.watch())
                floor.begin(_sits(floor, screen, teller))
                floor.begin(_looks(screen, ("/desk", "/desk/history")))
            watching = Screen(base, wu.token, "/floor", floor.seen)
            stack.push_async_callback(watching.close)
            floor.begin(watching.watch())
            floor.begin(_looks(watching, ("/floor", "/wall", f"/floor/day/{tellers[0].name}")))
            for nth in range(CALLERS_A_SEAT * seats):
                floor.begin(_asks_for_a_teller(floor, caller, f"sip:bank@{address}", nth))
                await floor.for_s(1 / RATE)
            await floor.for_s(WARM_S)
        pids = node, int(str(console["pid"]))
        return await _measure(floor, pids, alone, (seats, lines, seconds))


async def _measure(
    floor: _Floor, pids: tuple[int, int], alone: float, asked: tuple[int, int, float]
) -> Figures:
    seats, lines, seconds = asked
    seen, talks, before, late = floor.seen, floor.talks, _used(*pids), [0.0]
    seen.counting = True
    with say.status(f"{seats} seats and {lines} lines for {seconds:g} s …"):
        loop = asyncio.get_running_loop()
        began = loop.time()
        while (left := began + seconds - loop.time()) > 0:
            await floor.for_s(min(LOOK_S, left))
            late.append(await floor.late_ms())
        took = loop.time() - began
    seen.counting = False
    node, console, worker = (
        (new - old) * 1000 / took for new, old in zip(_used(*pids), before, strict=True)
    )
    for fault in floor.faults[:5]:
        say.print(f"[red]✗[/] {fault}")
    return Figures(
        seats=seats,
        lines=lines,
        seconds=round(took, 1),
        talks=floor.talks - talks,
        failed=len(floor.faults) + seen.failed,
        events=len(seen.events),
        event_p50_ms=percentile(seen.events, 50),
        event_p99_ms=percentile(seen.events, 99),
        pages=len(seen.pages),
        page_p95_ms=percentile(seen.pages, 95),
        acts=len(seen.acts),
        act_p95_ms=percentile(seen.acts, 95),
        refused=seen.refused,
        tick_late_alone_p99_ms=alone,
        tick_late_p99_ms=max(late),
        node_cpu_ms_per_s=round(node, 1),
        console_cpu_ms_per_s=round(console, 1),
        worker_cpu_ms_per_s=round(worker, 1),
    )


def _used(node: int, console: int) -> tuple[float, float, float]:
    """Seconds of CPU of the node, of the console, and of the node's workers."""
    of_node, of_workers = used(node)
    return of_node, cpu_seconds(console) + sum(map(cpu_seconds, children(console))), of_workers


# -- people and their telephones ------------------------------------------------------------------


async def _people(staff: Staff, seats: int) -> tuple[Employee, list[Employee]]:
    """A supervisor and tellers."""
    chen, wu = await staff.found()
    tellers = [
        await staff.hire(chen, wu, f"teller{nth}", str(FIRST_EXTENSION + nth))
        for nth in range(seats)
    ]
    return wu, tellers


@contextlib.asynccontextmanager
async def _phones(tellers: list[Employee], node: tuple[str, int]) -> AsyncIterator[list[DeskPhone]]:
    phones = [DeskPhone(one.phone, one.secret, REALM, node) for one in tellers]
    async with contextlib.AsyncExitStack() as stack:
        for phone in phones:
            await phone.start(HOST)
            stack.callback(phone.close)
        yield phones


@contextlib.asynccontextmanager
async def _caller(data: Path) -> AsyncIterator[Phone]:
    build_bank(packs_dir(), data / "voice")
    clips = Bank.open(data / "voice")
    phone = Phone({law: Lexicon(clips, law) for law in g711.LAWS})
    await phone.start(HOST)
    try:
        yield phone
    finally:
        await phone.close()


async def _ticking(phones: list[DeskPhone]) -> None:
    loop = asyncio.get_running_loop()
    due = loop.time()
    while True:
        for phone in phones:
            phone.tick()
        due = max(due + TICK_S, loop.time() - 1)
        await asyncio.sleep(max(0.0, due - loop.time()))


async def _cancel(tasks: list[asyncio.Task[None]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


# -- what they do ---------------------------------------------------------------------------------


async def _hears_balances(floor: _Floor, phone: Phone, target: str, nth: int) -> None:
    """A caller at the menus, again and again."""
    chance, card = random.Random(nth), trial_set()[:TEST_CARDS][nth % TEST_CARDS]  # noqa: S311 - when a key is pressed
    options = PhoneOptions(from_user=f"{nth:05d}", patience_s=PATIENCE_S)
    while True:
        call = await phone.dial(target, options)
        report = await call.run(balances_script(card, ROUNDS, chance))
        if fault := fault_of(report, ROUNDS):
            floor.faults.append(fault)


async def _asks_for_a_teller(floor: _Floor, phone: Phone, target: str, nth: int) -> None:
    """A caller who talks with a teller until that gives him back to the menu, again and again."""
    words = "@sys.welcome !10 @sys.to_agent @front.menu !9 @sys.goodbye"
    options = PhoneOptions(from_user=f"138{nth:08d}", patience_s=2 * PATIENCE_S)
    while True:
        call = await phone.dial(target, options)
        report = await call.run(parse_script(words))
        if report.heard("sys.goodbye"):
            floor.talks += 1
        else:
            floor.faults.append(f"{report.status} {report.why}: a talk with a teller")


async def _sits(floor: _Floor, screen: Screen, teller: Employee) -> None:
    """A teller at his desk."""
    chance = random.Random(teller.phone)  # noqa: S311 - how long people take
    await screen.guarded.wait()
    await screen.act("enter", phone=teller.phone)
    await screen.act("state", state="ready")
    while True:
        row = await screen.until(teller.name, "talking")
        await asyncio.sleep(chance.uniform(1, 2))
        await screen.act("note", call=row.call, text="asked about a transfer", business="transfer")
        await screen.act("hold")
        await asyncio.sleep(chance.uniform(0.5, 1))
        await screen.act("resume")
        await asyncio.sleep(chance.uniform(0.5, 1))
        await screen.act("hang_up")
        await screen.until(teller.name, "wrap_up", "ready", "busy")
        await screen.page("/desk/history")  # as the page does
        await asyncio.sleep(chance.uniform(0.3, 0.6))
        await screen.act("wrapped")
        if screen.seats[teller.name].state == "busy":  # his phone was not lifted in time
            await screen.act("state", state="ready")


async def _looks(screen: Screen, pages: tuple[str, ...]) -> None:
    """Somebody loads pages anew."""
    chance = random.Random(pages[-1])  # noqa: S311 - when
    while True:
        for page in pages:
            await asyncio.sleep(chance.uniform(2, 4))
            await screen.page(page)


if __name__ == "__main__":
    command()
