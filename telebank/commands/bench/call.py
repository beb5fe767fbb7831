"""`telebank bench call`: whole calls against a bank of its own, and how soon keys are answered."""

import asyncio
import contextlib
import json
import random
import sys
import tempfile
from collections.abc import AsyncIterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import click
import numpy as np
import uvloop
from rich.console import Console

from core_adapters.corehost.seed import TEST_CARDS, SeedCard, trial_set
from telebank.commands.common import EXIT_FINDING, Unreachable, json_option
from telebank.ops.supervise import Child, ChildFailed, ChildSpec
from telebank.phone.hearing import Lexicon
from telebank.phone.phone import Phone, PhoneOptions
from telebank.phone.report import CallReport
from telebank.phone.script import Step, parse_script
from telebank.settings import packs_dir
from telebank.store.engine import database_url
from telebank.store.eventlog import open_read_only
from telebank.store.views import MAX_CALLS, CallRow, recent_calls
from telebank.workers.cpu import children, cpu_seconds
from voice_prompts import g711
from voice_prompts.bank import Bank, build_bank
from voice_prompts.pack import PackError

PATIENCE_S = 60.0
HOST = "127.0.0.1"
PIN_GROUP = 8
"""Place of the PIN in the script, from 1."""
FILLER = "sys.wait"
"""Said when the host takes long: no answer."""
say = Console(stderr=True, highlight=False)
start_option = click.option(
    *("--start-timeout", "start_s"),
    default=60.0,
    show_default=True,
    type=click.FloatRange(1, 3_600),
    help="Seconds in which each process of the bank must be ready: more on a busy machine.",
)


@dataclass(frozen=True, slots=True)
class Figures:
    """What was measured; times in milliseconds."""

    calls: int
    failed: int
    seconds: float
    answers: int
    answer_p50_ms: float
    answer_p99_ms: float
    keys: int
    key_p50_ms: float
    key_p99_ms: float
    node_cpu_ms_per_call: float
    worker_cpu_ms_per_call: float
    cpu_ms_per_call: float


_MEANINGS = {
    "calls": "calls at once",
    "failed": "calls that did not hear all they should",
    "seconds": "s from the first INVITE to the last BYE",
    "answers": "keys answered with the host's help",
    "answer_p50_ms": "ms from such a key to its prompt, host time taken out, half of them",
    "answer_p99_ms": "ms, 99 of 100 of them",
    "keys": "menu keys answered",
    "key_p50_ms": "ms from a menu key to its prompt, half of them",
    "key_p99_ms": "ms, 99 of 100 of them",
    "node_cpu_ms_per_call": "ms of CPU a call, node",
    "worker_cpu_ms_per_call": "ms of CPU a call, media worker",
    "cpu_ms_per_call": "ms of CPU a call, both",
}


@click.command("call")
@click.option("--calls", default=100, show_default=True, type=click.IntRange(1, MAX_CALLS))
@click.option("--rate", default=20.0, show_default=True, type=click.FloatRange(0.1, 200))
@click.option(
    "--rounds", default=3, show_default=True, type=click.IntRange(1, 30), help="Balances a call."
)
@click.option("--keep", type=click.Path(path_type=Path, file_okay=False), help="Keep data here.")
@start_option
@json_option
def command(
    calls: int, rate: float, rounds: int, keep: Path | None, start_s: float, *, as_json: bool
) -> None:
    """Measure whole calls: language, accounts, card, PIN, then balances.

    Starts a core host and a node in a temporary folder and rings it from this process. A key is
    timed from its first event packet to the first packet of the prompt that answers it, both at the
    caller's socket. Where a service was asked, its time is taken out. Exit code 1 when a call
    failed.

    \b
    Examples:
      telebank bench call --calls 100
      telebank bench call --calls 300 --rate 40 --json
    """
    with contextlib.ExitStack() as stack:
        data = keep or Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="bench-")))
        try:
            figures = uvloop.run(_bench(data, calls, rate, rounds, start_s))
        except (ChildFailed, PackError) as error:
            raise Unreachable(str(error)) from error
    click.echo(json.dumps(asdict(figures)) if as_json else _table(figures))
    sys.exit(EXIT_FINDING if figures.failed else 0)


def _table(figures: Figures) -> str:
    values = asdict(figures)
    return "\n".join(f"{values[name]:>10}  {text}" for name, text in _MEANINGS.items())


async def _bench(data: Path, calls: int, rate: float, rounds: int, start_s: float) -> Figures:
    loop = asyncio.get_running_loop()
    async with bank(data, start_s) as (sip, node_pid):
        before = used(node_pid)
        began = loop.time()
        reports = await _ring(data, f"sip:bank@{sip}", _scripts(calls, rounds), rate)
        took = loop.time() - began
        after = used(node_pid)
    # The node is closed now, so its last events are in the log.
    asked = _services(data, calls)
    failed = [report for report in reports if fault_of(report, rounds)]
    for report in failed[:5]:
        say.print(f"[red]✗[/] {fault_of(report, rounds)}")
    keys, answers = _times(reports, asked, rounds)
    node, worker = ((new - old) * 1000 / calls for new, old in zip(after, before, strict=True))
    return Figures(
        calls=calls,
        failed=len(failed),
        seconds=round(took, 1),
        answers=len(answers),
        answer_p50_ms=percentile(answers, 50),
        answer_p99_ms=percentile(answers, 99),
        keys=len(keys),
        key_p50_ms=percentile(keys, 50),
        key_p99_ms=percentile(keys, 99),
        node_cpu_ms_per_call=round(node, 1),
        worker_cpu_ms_per_call=round(worker, 1),
        cpu_ms_per_call=round(node + worker, 1),
    )


# -- the bank -------------------------------------------------------------------------------------


@contextlib.asynccontextmanager
async def bank(data: Path, start_s: float) -> AsyncIterator[tuple[str, int]]:
    """A core host with test data and a node, each ready within so many seconds; the node's SIP
    address and process id."""
    for folder in (data / "run", data / "keys"):
        folder.mkdir(parents=True, exist_ok=True)
        folder.chmod(0o700)
    async with contextlib.AsyncExitStack() as stack:
        port_file = data / "run" / "corehost.json"
        words = ["corehost", "run", "--test-data", "--listen", f"{HOST}:0"]
        words += ["--data", str(data / "corehost"), "--keys", str(data / "keys")]
        words += ["--port-file", str(port_file)]
        host = await child(stack, data, "corehost", words, start_s)
        words = ["serve", "--data", str(data), "--sip", f"{HOST}:0", "--log-level", "warning"]
        words += ["--host-port", str(host["port"])]
        node = await child(stack, data, "node", words, start_s)
        yield str(node["listen"]), int(str(node["pid"]))


async def child(
    stack: contextlib.AsyncExitStack, data: Path, name: str, words: Sequence[str], start_s: float
) -> dict[str, object]:
    """Start a part of a bank that is stopped with the stack; what its ready file says."""
    command = (sys.executable, "-m", "telebank", *words)
    part = Child(ChildSpec(name, command, data / f"{name}.log"), say.print)
    stack.push_async_callback(part.stop)
    ready = data / "run" / f"{name}.json"
    await part.start(ready, start_s)
    said: dict[str, object] = json.loads(ready.read_text(encoding="utf-8"))
    return said


def used(pid: int) -> tuple[float, float]:
    """Seconds of CPU of the node, and of its media workers and fax process."""
    return cpu_seconds(pid), sum(map(cpu_seconds, children(pid)))


# -- the callers ----------------------------------------------------------------------------------


def _scripts(calls: int, rounds: int) -> list[tuple[Step, ...]]:
    cards = trial_set()[:TEST_CARDS]
    chance = random.Random(1)  # noqa: S311 - when a key is pressed
    return [balances_script(cards[n % len(cards)], rounds, chance) for n in range(calls)]


def balances_script(card: SeedCard, rounds: int, chance: random.Random) -> tuple[Step, ...]:
    """In each round: the balance, once more, and back to the enquiries, each into a prompt.

    A PIN of twelve digits is complete without a hash key.
    """
    words = f"@lang.zh !1 @lang.chosen !1 @auth.card !{card.card}# @auth.pin !{card.pin}".split()
    words += ["~1.5", "!1"]
    for _ in range(rounds):
        for key in "11*":
            words += [f"~{chance.uniform(1.6, 2.4):.3f}", f"!{key}"]
    return parse_script(" ".join([*words, "~1.5", "!*", "~1.5", "!9", "@sys.goodbye"]))


async def _ring(
    data: Path, target: str, scripts: list[tuple[Step, ...]], rate: float
) -> list[CallReport]:
    build_bank(packs_dir(), data / "voice")
    bank = Bank.open(data / "voice")
    phone = Phone({law: Lexicon(bank, law) for law in g711.LAWS})
    await phone.start(HOST)
    tasks = []
    try:
        with say.status(f"{len(scripts)} calls …"):
            for number, script in enumerate(scripts):
                # Five digits are logged as they are, so the log's calls can be told apart.
                options = PhoneOptions(from_user=f"{number:05d}", patience_s=PATIENCE_S)
                call = await phone.dial(target, options)
                tasks.append(asyncio.create_task(call.run(script), name="bench call"))
                await asyncio.sleep(1 / rate)
            return list(await asyncio.gather(*tasks))
    finally:
        await phone.close()


def fault_of(report: CallReport, rounds: int) -> str:
    """What a call did not hear; empty when all was well."""
    balances = sum(prompt.prompt == "bal.amount" for prompt in report.prompts)
    if report.ended_by == "remote" and balances >= 2 * rounds and report.heard("sys.goodbye"):
        return ""
    heard = ", ".join(prompt.prompt for prompt in report.prompts)
    return f"{report.status} {report.why}: heard {heard or 'nothing'}"


# -- the figures ----------------------------------------------------------------------------------


def _services(data: Path, calls: int) -> dict[str, CallRow]:
    """The log's calls by calling number."""
    engine = open_read_only(database_url(data))
    try:
        with engine.connect() as connection:
            return {row.caller: row for row in recent_calls(connection, calls).calls}
    finally:
        engine.dispose()


def _times(
    reports: list[CallReport], asked: dict[str, CallRow], rounds: int
) -> tuple[list[float], list[float]]:
    """Milliseconds of menu keys, and of keys that asked the host, without the host's part."""
    keys: list[float] = []
    answers: list[float] = []
    for number, report in enumerate(reports):
        row = asked.get(f"{number:05d}")
        waited = _host_ms(row) if row is not None else {}
        for answer in report.answers:
            if answer.prompt == FILLER:
                continue
            if not _asks(answer.group, rounds):
                keys.append(answer.ms)
            elif answer.group in waited:
                answers.append(answer.ms - waited[answer.group])
    return keys, answers


def _asks(group: int, rounds: int) -> bool:
    """The PIN asks the host; then the first of the three keys of each round does."""
    return group == PIN_GROUP or group in range(PIN_GROUP + 2, PIN_GROUP + 6 * rounds, 6)


def _host_ms(row: CallRow) -> dict[int, int]:
    """Time spent in services by the group of keys that asked them."""
    proof = [item.ms or 0 for item in row.services if item.service != "card.balance"]
    balances = [item.ms or 0 for item in row.services if item.service == "card.balance"]
    first = PIN_GROUP + 2
    return {PIN_GROUP: sum(proof)} | {first + 6 * n: ms for n, ms in enumerate(balances)}


def percentile(times: list[float], part: int) -> float:
    return round(float(np.percentile(times, part)), 1) if times else 0.0
