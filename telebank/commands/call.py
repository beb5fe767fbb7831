"""`telebank call`: a phone in the terminal, and the caller of the tests."""

import asyncio
import json
import math
import signal
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import click
import uvloop
from click.shell_completion import CompletionItem
from rich.console import Console
from rich.progress import Progress

from telebank import sip
from telebank.calls.tls import TlsFiles
from telebank.commands.call_clips import lexicons_of
from telebank.commands.common import (
    DEFAULT_DATA,
    EXIT_FINDING,
    EXIT_UNREACHABLE,
    Unreachable,
    data_option,
    json_option,
)
from telebank.phone.address import is_closed, local_for, resolve
from telebank.phone.connecting import TLS_FAILED
from telebank.phone.hearing import Lexicon
from telebank.phone.phone import OnSound, Phone, PhoneOptions
from telebank.phone.recording import Recording
from telebank.phone.report import CallReport
from telebank.phone.script import ScriptError, Step, parse_script
from telebank.phone.terminal import Loudspeaker, Teller, talk
from telebank.settings import seed_dir
from telebank.sip.uri import TRANSPORTS
from voice_prompts.catalogue import Catalogue, CatalogueError

MAX_CALLS = 2_000
MAX_KEYS_FILE = 10_000_000
"""Largest file of keys, in bytes."""
FAULTS_SHOWN = 10
SILENCE_S = 20.0
"""Without a packet for this long, or for --patience, the bank is taken for dead."""
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


def _prompt_ids(
    ctx: click.Context, param: click.Parameter, incomplete: str
) -> list[CompletionItem]:
    """Prompt ids for tab completion, with their words as help."""
    own = Path(str(ctx.params.get("data") or DEFAULT_DATA)) / "config" / "prompts"
    try:
        catalogue = Catalogue.load(own if own.is_dir() else seed_dir() / "prompts")
    except (CatalogueError, OSError):
        return []
    return [
        CompletionItem(prompt, help=catalogue.template(prompt, "en").text)
        for prompt in catalogue
        if prompt.startswith(incomplete)
    ]


@click.command(name="call")
@click.argument("target", required=False)
@click.option("--keys", help="Keys to press, in groups; without it, keys are taken live.")
@click.option(
    "--keys-file",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="Keys from a file, a line a call: PINs stay out of the list of processes.",
)
@click.option(
    "--expect",
    multiple=True,
    metavar="PROMPT_ID",
    shell_complete=_prompt_ids,
    help="Fail unless this is heard.",
)
@click.option(
    "--hang-up-after",
    default="",
    metavar="PROMPT_ID",
    shell_complete=_prompt_ids,
    help="Hang up once it is heard.",
)
@click.option("--calls", default=1, type=click.IntRange(1, MAX_CALLS), help="How many calls.")
@click.option("--rate", default=5.0, type=click.FloatRange(0.01, 200), help="New calls a second.")
@click.option(
    "--save", type=click.Path(path_type=Path, dir_okay=False), help="Keep the sound, WAV."
)
@click.option(
    "--listen/--no-listen",
    default=None,
    help="Play the sound with aplay; by default where that is there and keys are live.",
)
@click.option(
    "--answer-within",
    default=6.0,
    show_default=True,
    type=click.FloatRange(0.1, 600),
    help="Seconds to wait for the answer.",
)
@click.option(
    "--patience",
    default=30.0,
    show_default=True,
    type=click.FloatRange(0.1, 600),
    help="Seconds to wait for a prompt.",
)
@click.option(
    "--stay",
    default=8.0,
    show_default=True,
    type=click.FloatRange(0, 600),
    help="Seconds to stay on after the answer to the last keys, without --expect.",
)
@click.option(
    "--transport",
    type=click.Choice(TRANSPORTS),
    help="As ;transport= of TARGET; without either, UDP.",
)
@click.option(
    "--tls-ca",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="Authority of the bank's certificate, PEM; without it, those of the system.",
)
@click.option(
    "--tls-certificate",
    nargs=2,
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    metavar="CERTIFICATE KEY",
    help="Show this certificate, PEM.",
)
@click.option("--from", "from_user", default="13800001234", help="Calling number to give.")
@data_option
@json_option
def command(
    target: str | None,
    keys: str | None,
    keys_file: Path | None,
    expect: tuple[str, ...],
    hang_up_after: str,
    calls: int,
    rate: float,
    save: Path | None,
    listen: bool | None,
    answer_within: float,
    patience: float,
    stay: float,
    transport: str | None,
    tls_ca: Path | None,
    tls_certificate: tuple[Path, Path] | None,
    from_user: str,
    data: Path,
    as_json: bool,
) -> None:
    """Call TARGET (sip:bank@host:port), show in words what is heard, press keys.

    Without TARGET, the node that runs on the data folder is called. Keys come in groups apart by
    spaces; a group is pressed when the bank has spoken and is quiet. `!keys` presses at once,
    `@PROMPT_ID` waits until a prompt begins, `~2.5` waits seconds; `@tr.confirm 1` presses when it
    has been said, `@tr.payee !6222…#` into it. The bank takes no key at a confirmation before it
    has said the values. Live: type digits, * and #; q or Ctrl-C hangs up.

    With --expect the call is over when all that is expected has been heard, or when --patience
    runs out; without it, and without --hang-up-after, --stay seconds after the bank has answered
    the last keys, at the end of what it is saying. It also ends when no sound comes from the bank
    for 20 s, or for --patience. Ctrl-C and SIGTERM hang up.

    Words are those of the bank's recordings in the data folder, a release's own too. Other speech
    is shown as (…), and counts as the bank's speaking.

    \b
    Examples:
      .venv/bin/telebank call
      .venv/bin/telebank call --keys "1 1 6227000001000011# 246813# 1 1" --expect bal.amount
      .venv/bin/telebank call sip:bank@127.0.0.1:5060 --keys "!2 @front.menu !9" --save heard.wav
      .venv/bin/telebank call --keys "2 9" --calls 10 --rate 5 --json
      .venv/bin/telebank call "sip:bank@192.0.2.7;transport=tls" --tls-ca ca.pem --keys "!9"
      echo "!1 !1 !6227000001000011# @auth.pin !246813# @main.menu !1 !1" > keys.txt
      .venv/bin/telebank call --keys-file keys.txt --expect bal.amount
    The card and the PIN are the demo data's, and fictional.

    \b
    --json prints one object, with --calls a list of them:
      target, status (ended, refused, failed, cancelled), ended_by (local, remote, …), why,
      answered_after and seconds (s from the INVITE), codec, packets (received),
      prompts: [{prompt, language, words, began_at}], prompt empty and words (…) for other speech,
      answers: [{group, prompt, ms}] from a group's last key to the prompt that answered it,
      fault: what was not as expected, or empty.

    Exit code: 0 all heard what was expected, 1 not, 2 usage, 3 nobody answered.
    """
    live = keys is None and keys_file is None
    if calls > 1 and (live or save is not None):
        raise click.UsageError("--calls needs --keys or --keys-file, and goes without --save")
    if live and not sys.stdin.isatty():
        raise click.UsageError("no terminal to take keys from; give --keys")
    order = Order(
        target=_target(target or _running_node(data), transport),
        tls=_tls(tls_certificate, tls_ca),
        scripts=_scripts(keys, keys_file),
        options=PhoneOptions(
            patience_s=patience,
            silence_s=min(patience, SILENCE_S),
            expect=expect,
            stay_s=math.inf if live else stay,
            hang_up_after=hang_up_after,
            from_user=from_user,
            answer_s=answer_within,
        ),
        expect=expect,
        calls=calls,
        rate=rate,
        save=save,
        listen=_listens(listen, live=live),
        as_json=as_json,
    )
    reports = uvloop.run(_run(order, lexicons_of(data)))
    raise SystemExit(_judge(order, reports))


def _tls(own: tuple[Path, Path] | None, ca: Path | None) -> TlsFiles:
    certificate, key = own or (None, None)
    return TlsFiles(certificate, key, ca)


def _target(target: str, transport: str | None) -> str:
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


def _running_node(data: Path) -> str:
    ready = data / "run" / "node.json"
    try:
        return f"sip:bank@{json.loads(ready.read_text(encoding='utf-8'))['listen']}"
    except (OSError, ValueError, KeyError) as error:
        raise Unreachable(
            f"no node runs on {data}; give its address, as sip:bank@127.0.0.1:5060, or --data"
        ) from error


def _scripts(keys: str | None, file: Path | None) -> tuple[tuple[Step, ...], ...]:
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


def _listens(asked: bool | None, *, live: bool) -> bool:
    if asked and not Loudspeaker.there():
        raise click.UsageError("--listen needs aplay: apt-get install alsa-utils")
    return live and Loudspeaker.there() if asked is None else asked


async def _run(order: Order, lexicons: dict[str, Lexicon]) -> list[CallReport]:
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


def _judge(order: Order, reports: list[CallReport]) -> int:
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
