"""`telebank call`: a phone in the terminal, and the caller of the tests."""

import asyncio
import contextlib
import json
import os
import sys
import termios
import tty
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import click
import uvloop
from rich.console import Console
from rich.progress import Progress

from telebank.commands.common import EXIT_FINDING, EXIT_UNREACHABLE, data_option, json_option
from telebank.phone.hearing import ClipHeard, Lexicon
from telebank.phone.phone import Phone, PhoneCall, PhoneOptions
from telebank.phone.report import CallReport
from telebank.phone.script import ScriptError, Step, parse_script
from telebank.settings import packs_dir
from voice_prompts import g711
from voice_prompts.bank import Bank, build_bank
from voice_prompts.pack import PackError

MAX_CALLS = 2_000
out = Console(highlight=False, soft_wrap=True)


@dataclass(frozen=True, slots=True)
class Order:
    """What the command line asks for."""

    target: str
    steps: tuple[Step, ...] | None
    options: PhoneOptions
    expect: tuple[str, ...]
    calls: int
    rate: float
    save: Path | None
    as_json: bool


@click.command(name="call")
@click.argument("target")
@click.option("--keys", help="Keys to press, in groups; without it, keys are taken live.")
@click.option("--expect", multiple=True, metavar="PROMPT_ID", help="Fail unless this is heard.")
@click.option("--hang-up-after", default="", metavar="PROMPT_ID", help="Hang up once it is heard.")
@click.option("--calls", default=1, type=click.IntRange(1, MAX_CALLS), help="How many calls.")
@click.option("--rate", default=5.0, type=click.FloatRange(0.01, 200), help="New calls a second.")
@click.option(
    "--save", type=click.Path(path_type=Path, dir_okay=False), help="Keep the sound, WAV."
)
@click.option("--patience", default=30.0, show_default=True, help="Seconds to wait for a prompt.")
@click.option("--from", "from_user", default="13800001234", help="Calling number to give.")
@data_option
@json_option
def command(
    target: str,
    keys: str | None,
    expect: tuple[str, ...],
    hang_up_after: str,
    calls: int,
    rate: float,
    save: Path | None,
    patience: float,
    from_user: str,
    data: Path,
    as_json: bool,
) -> None:
    """Call TARGET (sip:bank@host:port), show in words what is heard, press keys.

    Keys come in groups apart by spaces; a group is pressed when the bank has spoken and is quiet.
    `!keys` presses at once, `@PROMPT_ID` waits for a prompt, `~2.5` waits seconds. Live: type
    digits, * and #; q or Ctrl-C hangs up.

    \b
    Examples:
      telebank call sip:bank@127.0.0.1:5060
      telebank call sip:bank@127.0.0.1:5060 --keys "1 1 CARD# PIN# 1" --expect bal.amount
      telebank call sip:bank@127.0.0.1:5060 --keys "2 9" --calls 100 --rate 20 --json

    Exit code: 0 all heard what was expected, 1 not, 3 nobody answered.
    """
    if calls > 1 and (keys is None or save is not None):
        raise click.UsageError("--calls needs --keys, and goes without --save")
    try:
        steps = parse_script(keys) if keys is not None else None
    except ScriptError as error:
        raise click.UsageError(str(error)) from error
    options = PhoneOptions(patience_s=patience, hang_up_after=hang_up_after, from_user=from_user)
    order = Order(target, steps, options, expect, calls, rate, save, as_json)
    reports = uvloop.run(_run(order, _lexicons(data)))
    raise SystemExit(_judge(order, reports))


def _lexicons(data: Path) -> dict[str, Lexicon]:
    """The clips to recognise: from the bank of a running node here, or built from the packs."""
    folder = data / "voice"
    try:
        build_bank(packs_dir(), folder)
        bank = Bank.open(folder)
    except PackError as error:
        raise click.ClickException(str(error)) from error
    return {law: Lexicon(bank, law) for law in g711.LAWS}


async def _run(order: Order, lexicons: dict[str, Lexicon]) -> list[CallReport]:
    phone = Phone(lexicons)
    await phone.start(_own_address(order.target))
    try:
        if order.calls > 1:
            return await _many(phone, order)
        return [await _one(phone, order)]
    except ValueError as error:
        raise click.UsageError(str(error)) from error
    finally:
        await phone.close()


def _own_address(target: str) -> str:
    return "127.0.0.1" if "127.0.0.1" in target or "localhost" in target else "0.0.0.0"  # noqa: S104


async def _many(phone: Phone, order: Order) -> list[CallReport]:
    steps = order.steps or ()
    tasks: list[asyncio.Task[CallReport]] = []
    with Progress(console=Console(stderr=True), transient=True, disable=order.as_json) as progress:
        bar = progress.add_task("calls", total=order.calls)

        async def one() -> CallReport:
            call = await phone.dial(order.target, order.options)
            report = await call.run(steps)
            progress.advance(bar)
            return report

        for _ in range(order.calls):
            tasks.append(asyncio.create_task(one(), name="phone call"))
            await asyncio.sleep(1 / order.rate)
        return list(await asyncio.gather(*tasks))


async def _one(phone: Phone, order: Order) -> CallReport:
    teller = _Teller(order)
    call = await phone.dial(order.target, order.options, teller.heard, order.save)
    if order.steps is not None:
        report = await call.run(order.steps)
    else:
        report = await _live(call, order)
    teller.end_line()
    return report


class _Teller:
    """Prints words as they are heard, a line a prompt."""

    def __init__(self, order: Order) -> None:
        self._quiet = order.as_json
        self._open = False

    def heard(self, clip: ClipHeard) -> None:
        """Add a clip's words."""
        if self._quiet:
            return
        name = clip.key.partition("/")[2]
        begins = not name.startswith("unit:") and name.partition("#")[2] in ("", "0")
        if begins:
            self.end_line()
            out.print(f"[dim]{name.partition('#')[0]:>18}[/]  ", end="")
        glue = " " if clip.key.startswith("en/") and not begins else ""
        out.print(f"{glue}{clip.text}{'' if clip.whole else ' …'}", end="")
        self._open = True

    def end_line(self) -> None:
        """Finish the line that is open."""
        if self._open:
            out.print()
        self._open = False


async def _live(call: PhoneCall, order: Order) -> CallReport:
    """Keys from the terminal until the call is over."""
    if not sys.stdin.isatty():
        raise click.UsageError("no terminal to take keys from; give --keys")
    loop = asyncio.get_running_loop()

    def typed() -> None:
        for char in os.read(sys.stdin.fileno(), 32).decode("ascii", "ignore"):
            if char in "0123456789*#":
                call.press(char)
            elif char in "qQ\x03\x04":
                call.hang_up()

    with _raw_terminal():
        loop.add_reader(sys.stdin.fileno(), typed)
        try:
            return await call.run(())
        finally:
            loop.remove_reader(sys.stdin.fileno())


@contextlib.contextmanager
def _raw_terminal() -> Iterator[None]:
    """Keys one by one, not echoed: they may be a PIN."""
    descriptor = sys.stdin.fileno()
    before = termios.tcgetattr(descriptor)
    tty.setcbreak(descriptor)
    try:
        yield
    finally:
        termios.tcsetattr(descriptor, termios.TCSADRAIN, before)


def _judge(order: Order, reports: list[CallReport]) -> int:
    """Print what came of it; the exit code."""
    failed = [report for report in reports if _fault(order, report)]
    if order.as_json:
        rows = [asdict(r) | {"fault": _fault(order, r)} for r in reports]
        click.echo(json.dumps(rows[0] if order.calls == 1 else rows, ensure_ascii=False))
    elif order.calls == 1:
        _print_end(reports[0], _fault(order, reports[0]))
    else:
        out.print(f"{len(reports)} calls, {len(reports) - len(failed)} as expected")
        for report in failed[:10]:
            out.print(f"  [red]✗[/] {_fault(order, report)}")
    if all(report.answered_after is None for report in reports):
        return EXIT_UNREACHABLE
    return EXIT_FINDING if failed else 0


def _fault(order: Order, report: CallReport) -> str:
    """What was not as expected, in words; empty when all was."""
    if report.answered_after is None:
        return f"not answered: {report.why or report.status}"
    missing = [prompt for prompt in order.expect if not report.heard(prompt)]
    if missing:
        heard = ", ".join(dict.fromkeys(p.prompt for p in report.prompts)) or "nothing known"
        return f"did not hear {', '.join(missing)} (heard {heard}) {report.why}".rstrip()
    return report.why if report.why.startswith("waited") else ""


def _print_end(report: CallReport, fault: str) -> None:
    if report.answered_after is None:
        out.print(f"[red]✗[/] {fault}")
        return
    by = {"remote": "the bank hung up", "local": "hung up"}.get(report.ended_by, report.status)
    out.print(
        f"[dim]{by} after {report.seconds:.1f} s, {report.codec}, {report.packets} packets[/]"
    )
    if fault:
        out.print(f"[red]✗[/] {fault}")
