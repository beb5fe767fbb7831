"""What `telebank call` does: dials, presses keys, shows what is heard, and judges it."""

import asyncio
import json
import signal
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from difflib import get_close_matches
from pathlib import Path

import click
from rich.console import Console
from rich.progress import Progress

from telebank import sip
from telebank.calls.connection_options import TlsFiles
from telebank.commands.common import EXIT_FINDING, EXIT_UNREACHABLE, Unreachable
from telebank.phone.address import is_closed, local_for, resolve
from telebank.phone.connecting import TLS_FAILED
from telebank.phone.hearing import Lexicon
from telebank.phone.phone import OnSound, Phone, PhoneOptions
from telebank.phone.recording import Recording
from telebank.phone.report import CallReport
from telebank.phone.script import ScriptError, Step, parse_script
from telebank.phone.terminal import Loudspeaker, Teller, talk

MAX_KEYS_FILE = 10_000_000
"""Largest file of keys, in bytes."""
FAULTS_SHOWN = 10
HINT = "Is the bank running there? `telebank run` starts one on this machine."
out = Console(highlight=False, soft_wrap=True)
err = Console(stderr=True, highlight=False, soft_wrap=True)


@dataclass(frozen=True, slots=True)
class Order:
    """What the command line asks for; call n follows script n, and so round again."""

    target: str
    scripts: tuple[tuple[Step, ...], ...]
    options: PhoneOptions
    expect: tuple[str, ...]
    calls: int
    rate: float
    save: Path | None
    listen: bool
    as_json: bool
    tls: TlsFiles


def tls_files(own: tuple[Path, Path] | None, ca: Path | None) -> TlsFiles:
    """Our certificate with its key, and whose we believe."""
    certificate, key = own or (None, None)
    return TlsFiles(certificate, key, ca)


def target_of(target: str, transport: str | None) -> str:
    """With the transport asked for; raises where it names another already."""
    if transport is None:
        return target
    try:
        named = sip.SipUri.parse(target).transport
    except sip.BadUri:
        return target  # said when it is resolved
    if named not in ("", transport):
        raise click.UsageError(f"{target!r} says transport={named}: leave out --transport")
    return target if named else f"{target};transport={transport}"


def running_node(data: Path) -> str:
    """The address of the node that runs on a data folder."""
    ready = data / "run" / "node.json"
    try:
        return f"sip:bank@{json.loads(ready.read_text(encoding='utf-8'))['listen']}"
    except (OSError, ValueError, KeyError) as error:
        raise Unreachable(
            f"no node runs on {data}; give its address, as sip:bank@127.0.0.1:5060, or --data"
        ) from error


def scripts_of(keys: str | None, file: Path | None) -> tuple[tuple[Step, ...], ...]:
    """One script a call; none at all where keys are live."""
    if keys is not None and file is not None:
        raise click.UsageError("give --keys or --keys-file, not both")
    if file is None:
        lines = [] if keys is None else [keys]
    elif file.stat().st_size > MAX_KEYS_FILE:
        raise click.UsageError(f"{file} is larger than {MAX_KEYS_FILE} bytes")
    else:
        lines = [line for line in file.read_text(encoding="utf-8").splitlines() if line.strip()]
        if not lines:
            raise click.UsageError(f"{file} holds no keys")
    try:
        return tuple(parse_script(line) for line in lines)
    except ScriptError as error:
        raise click.UsageError(str(error)) from error


def listens(asked: bool | None, *, live: bool) -> bool:
    """Whether the sound is played."""
    if asked and not Loudspeaker.there():
        raise click.UsageError("--listen needs aplay: apt-get install alsa-utils")
    return live and Loudspeaker.there() if asked is None else asked


def refuse_unheard(prompts: Sequence[str], lexicons: Mapping[str, Lexicon]) -> None:
    """A prompt that no bank here has would be waited for in vain."""
    known = set[str]().union(*(each.prompts() for each in lexicons.values()))
    for prompt in prompts:
        if prompt not in known:
            near = get_close_matches(prompt, known, 3)
            hint = f"; near it are {', '.join(near)}" if near else ""
            raise click.UsageError(f"there is no prompt {prompt!r}{hint}: see telebank voice list")


async def run(order: Order, lexicons: dict[str, Lexicon]) -> list[CallReport]:
    """Make the calls; raises `Unreachable`."""
    try:
        hop = await resolve(order.target)
        if await is_closed(hop):
            raise Unreachable(f"nothing listens on UDP {hop.host}:{hop.port}. {HINT}")
        phone = Phone(lexicons)
        await phone.start(local_for(hop), order.tls if hop.transport == "tls" else None)
    except ValueError as error:
        raise click.UsageError(str(error)) from error
    except OSError as error:
        raise Unreachable(f"no way to {order.target}: {error.strerror}. {HINT}") from error
    _hang_up_when_told(phone)
    try:
        return await _many(phone, order) if order.calls > 1 else [await _one(phone, order)]
    finally:
        await phone.close()


def _hang_up_when_told(phone: Phone) -> None:
    """SIGTERM and Ctrl-C end the calls with BYE; a second one ends the program."""
    loop = asyncio.get_running_loop()
    numbers = (signal.SIGTERM, signal.SIGINT)

    def told() -> None:
        for number in numbers:
            loop.remove_signal_handler(number)
        phone.hang_up()

    for number in numbers:
        loop.add_signal_handler(number, told)


async def _many(phone: Phone, order: Order) -> list[CallReport]:
    tasks: list[asyncio.Task[CallReport]] = []
    with Progress(console=err, transient=True, disable=order.as_json) as progress:
        bar = progress.add_task("calls", total=order.calls)

        async def one(steps: tuple[Step, ...]) -> CallReport:
            call = await phone.dial(order.target, order.options)
            report = await call.run(steps)
            progress.advance(bar)
            return report

        for number in range(order.calls):
            if phone.stopped:
                break
            steps = order.scripts[number % len(order.scripts)]
            tasks.append(asyncio.create_task(one(steps), name="phone call"))
            await asyncio.sleep(1 / order.rate)
        return list(await asyncio.gather(*tasks))


async def _one(phone: Phone, order: Order) -> CallReport:
    teller = Teller(out, quiet=order.as_json)
    recording, speaker = Recording(), Loudspeaker()
    hears = [recording.add] if order.save is not None else []
    hears += [speaker.play] if order.listen else []
    if not order.as_json:
        err.print(f"[dim]calling {order.target}[/]")
    try:
        call = await phone.dial(order.target, order.options, teller.heard, _all(hears))
        report = await (call.run(order.scripts[0]) if order.scripts else talk(call))
    finally:
        speaker.close()
    teller.end_line()
    if order.save is not None:
        _keep(recording, order.save)
    return report


def _all(hears: Sequence[OnSound]) -> OnSound | None:
    def tell(codec: str, payload: bytes) -> None:
        for hear in hears:
            hear(codec, payload)

    return tell if hears else None


def _keep(recording: Recording, path: Path) -> None:
    try:
        recording.write(path)
    except OSError as error:
        raise click.ClickException(f"the sound is not kept: {error}") from error


# -- what came of it ------------------------------------------------------------------------------


def judge(order: Order, reports: list[CallReport]) -> int:
    """Print what came of it; the exit code."""
    failed = [report for report in reports if _fault(order, report)]
    if order.as_json:
        rows = [asdict(r) | {"fault": _fault(order, r)} for r in reports]
        _write(json.dumps(rows[0] if order.calls == 1 else rows, ensure_ascii=False))
    elif order.calls == 1:
        _print_end(reports[0], _fault(order, reports[0]))
    else:
        out.print(f"{len(reports)} calls, {len(reports) - len(failed)} as expected")
        for report in failed[:FAULTS_SHOWN]:
            out.print(f"  [red]✗[/] {_fault(order, report)}")
        if len(failed) > FAULTS_SHOWN:
            out.print(f"  … and {len(failed) - FAULTS_SHOWN} more")
    if all(report.answered_after is None for report in reports):
        nobody = (r.status == "failed" and not r.why.startswith(TLS_FAILED) for r in reports)
        if all(nobody):
            err.print(HINT)
        return EXIT_UNREACHABLE
    return EXIT_FINDING if failed else 0


def _write(text: str) -> None:
    """Write all of a long text: with PYTHONUNBUFFERED a pipe may take a part, and the rest of what
    `print` was given is lost without a word."""
    stream = sys.stdout.buffer
    rest = memoryview(f"{text}\n".encode())
    while rest:
        rest = rest[stream.write(rest) or 0 :]
    stream.flush()


def _fault(order: Order, report: CallReport) -> str:
    """What was not as expected, in words; empty when all was."""
    if report.answered_after is None:
        return f"not answered: {report.why or report.status}"
    missing = [prompt for prompt in order.expect if not report.heard(prompt)]
    if missing:
        heard = ", ".join(dict.fromkeys(p.prompt or p.words for p in report.prompts))
        heard = heard or "nothing known"
        why = f"; {report.why}" if report.status == "failed" else ""
        return f"did not hear {', '.join(missing)} (heard {heard}){why}"
    return report.why if report.status == "failed" else ""


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
