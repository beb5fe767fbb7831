"""`telebank run`: the whole bank on one machine, for looking at, trying and developing."""

import asyncio
import json
import os
import shlex
import signal
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from ipaddress import ip_address
from pathlib import Path

import click
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from core_adapters.corehost.faults import FaultError
from core_adapters.corehost.seed import demo_cards
from telebank.calls.endpoint import reachable_address
from telebank.commands.common import DEFAULT_DATA, Unreachable
from telebank.commands.control_client import call
from telebank.commands.corehost.run import check_faults
from telebank.commands.demo_people import DemoPerson, make_people
from telebank.commands.run_login import login_block
from telebank.customers.sender import OUTBOX
from telebank.ops.ports import holder_of
from telebank.ops.supervise import Child, ChildFailed, ChildSpec
from telebank.settings import SettingsError, load_settings
from telebank.sip.trunks import DEFAULT
from telebank.sip.uri import host_port

START_TIMEOUT_S = 120.0
"""Longest wait for a part to be ready, in seconds."""
RUNG_FIRST = ("udp", "tcp", "tls")
"""The test call goes over the first of these that is listened on."""
ASK_S = 5.0
"""Longest wait for an answer of the node, in seconds."""
DRAIN_S = 60
"""Seconds that calls may go on after a stop."""
out = Console(highlight=False, soft_wrap=True)


@dataclass(frozen=True, slots=True)
class Plan:
    """What the command line asks for."""

    sip: tuple[str, ...]
    """Empty: as the settings say."""
    web: str
    data: Path
    ring: bool
    staff: bool = True
    """Whether a bank without people gets some."""
    faults: Path | None = None
    """Fault plan of the demo core host."""


@dataclass(frozen=True, slots=True)
class Part:
    """One process of the bank: the command's words, and where it is to listen."""

    name: str
    words: Sequence[str]
    option: str
    listen: Sequence[str]
    """Empty: as its settings say."""


@dataclass(slots=True)
class Bank:
    """The running parts and where they are."""

    plan: Plan
    children: list[Child] = field(default_factory=list)
    sip: Sequence[str] = ()
    """`transport:address:port`, the one to ring first."""
    web: str = ""
    watch: str = ""
    """Where its metrics and health are."""
    no_fax: str = ""
    """Why there are no faxes, and what to do."""
    people: Sequence[DemoPerson] = ()

    async def start(self, part: Part) -> Sequence[str]:
        """Start one part; return the addresses that its ready file gives."""
        began = time.monotonic()
        ready = self.plan.data / "run" / f"{part.name}.json"
        words = [sys.executable, "-m", "telebank", *part.words]
        log = self.plan.data / "logs" / f"{part.name}.log"
        child = Child(ChildSpec(part.name, (*words, *_at(part, part.listen)), log), _say)
        with out.status(f"starting {part.name} …"):
            await child.start(ready, START_TIMEOUT_S)
        self.children.append(child)
        said = json.loads(ready.read_text())
        single = f"{said['host']}:{said['port']}" if "host" in said else str(said["listen"])
        addresses = tuple(said.get("places", ())) or (single,)
        # Started again after a death, it comes back where the others look for it.
        child.spec = replace(child.spec, arguments=(*words, *_at(part, addresses)))
        _say(f"[green]✓[/] {part.name:<10} {time.monotonic() - began:5.1f} s   {single}")
        return addresses

    async def stop(self) -> None:
        """Stop what was started: the host last, which the node still needs, and desks after the
        node, whose calls may be going on."""
        for child in (*self.children[1:], *self.children[:1]):
            await child.stop()

    def hurry(self) -> None:
        """Wait for no call any more."""
        for child in self.children:
            child.hurry()


def _at(part: Part, addresses: Sequence[str]) -> Sequence[str]:
    return [word for address in addresses for word in (part.option, address)]


@click.command(name="run")
@click.option(
    "--sip",
    multiple=True,
    metavar="ADDRESS:PORT",
    help="SIP over UDP and TCP; udp:, tcp: or tls: before it: that alone. Once for each place."
    " Without it: [calls] listen of the settings, 127.0.0.1:5060 as shipped.",
)
@click.option("--web", default="127.0.0.1:8080", show_default=True, help="Web page, address:port.")
@click.option(
    "--data",
    type=click.Path(path_type=Path, file_okay=False),
    default=DEFAULT_DATA,
    show_default=True,
    help="Folder of databases, keys and logs; made when it is not there.",
)
@click.option("--call/--no-call", "ring", default=True, help="Ring the bank once when it is up.")
@click.option(
    "--staff/--no-staff",
    default=True,
    help="Make people for the desks where nobody is on the staff yet: telebank staff demo.",
)
@click.option(
    "--faults",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Fault plan of the demo core host, read again when it changes; docs/corehost.md.",
)
def command(
    *, sip: tuple[str, ...], web: str, data: Path, ring: bool, staff: bool, faults: Path | None
) -> None:
    """Start the whole bank: demo core host, voice node, web page, metrics.

    \b
    Examples:
      telebank run
      telebank run --sip 0.0.0.0:5060 --web 127.0.0.1:9000 --data /srv/bank --no-call
      telebank run --sip 127.0.0.1:5060 --sip "[::1]:5060" --sip tls:127.0.0.1:5061
      telebank run --faults faults.json
    """
    plan = Plan(sip, _address(web, "--web"), data.resolve(), ring, staff, faults)
    try:
        check_faults(faults)
        settings = load_settings(plan.data, {"calls": {"listen": sip}} if sip else None)
    except FaultError as error:
        raise click.UsageError(f"--faults: {error}") from error
    except SettingsError as error:
        raise click.UsageError(str(error)) from error
    for place in settings.calls.places:
        _refuse_taken("udp" if place.transport == "udp" else "tcp", host_port(place), "--sip")
    _refuse_taken("tcp", web, "--web")
    try:
        _make_folders(plan.data)
        asyncio.run(_run(plan))
    except OSError as error:
        raise click.UsageError(f"cannot use {error.filename or data}: {error.strerror}") from error
    except ChildFailed as error:
        raise Unreachable(f"{error}\nLogs: {plan.data / 'logs'}") from error


def _address(text: str, option: str) -> str:
    host, _, port = text.rpartition(":")
    if not host or not port.isdigit() or int(port) > 65_535:  # noqa: PLR2004 - a port
        raise click.UsageError(f"{option} {text!r}: give address:port, such as 127.0.0.1:5060")
    return text


def _refuse_taken(kind: str, address: str, option: str) -> None:
    port = int(address.rpartition(":")[2])
    holder = holder_of(port, "udp" if kind == "udp" else "tcp") if port else None
    if holder is not None:
        hint = {"--sip": "SIP", "--web": "WEB"}[option]
        raise Unreachable(
            f"{kind.upper()} port {port} is taken by {holder}.\n"
            f"Stop it, or choose another: {hint}=127.0.0.1:{port + 10} make run "
            f"(telebank run {option} 127.0.0.1:{port + 10})"
        )


async def _run(plan: Plan) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    bank = Bank(plan)

    def told_to_stop() -> None:
        if stop.is_set():
            bank.hurry()
        stop.set()

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        loop.add_signal_handler(number, told_to_stop)
    starting = asyncio.create_task(_start(bank))
    stopping = asyncio.create_task(stop.wait())
    try:
        await asyncio.wait({starting, stopping}, return_when=asyncio.FIRST_COMPLETED)
        if starting.done():
            starting.result()
            await stop.wait()
    finally:
        starting.cancel()
        await asyncio.gather(starting, return_exceptions=True)
        _say("stopping …")
        if calls := await asyncio.to_thread(_calls_up, plan.data):
            _say(
                f"{calls} {'call is' if calls == 1 else 'calls are'} up and may go on for"
                f" {DRAIN_S} s; new ones are refused. Ctrl-C again hangs up."
            )
        await bank.stop()
        _say("stopped; nothing is left running")


def _calls_up(data: Path) -> int:
    """Calls of the node; 0 where it is not there to say."""
    try:
        return int(call(data, "GET", "/v1/status", timeout_s=ASK_S)["calls"])
    except click.ClickException:
        return 0


def _make_folders(data: Path) -> None:
    for folder in (data, data / "logs", data / "run", data / "keys"):
        folder.mkdir(parents=True, exist_ok=True)
    for folder in (data, data / "keys"):
        folder.chmod(0o700)


async def _start(bank: Bank) -> None:
    plan = bank.plan
    data = ("--data", str(plan.data))
    host_data = ("--data", str(plan.data / "corehost"), "--keys", str(plan.data / "keys"))
    ready = ("--port-file", str(plan.data / "run" / "corehost.json"))
    faults = ("--faults", str(plan.faults.resolve())) if plan.faults is not None else ()
    host = await bank.start(
        Part(
            "corehost",
            ("corehost", "run", *host_data, *ready, *faults),
            "--listen",
            ["127.0.0.1:0"],
        )
    )
    demo = ("--host-port", host[0].rpartition(":")[2], "--sms", "file")
    places = await bank.start(
        Part("node", ("serve", *data, *demo, "--drain", str(DRAIN_S)), "--sip", plan.sip)
    )
    bank.sip = sorted(places, key=lambda place: RUNG_FIRST.index(place.partition(":")[0]))
    bank.no_fax = await _no_fax(plan.data)
    [bank.web] = await bank.start(Part("console", ("console", *data), "--web", [plan.web]))
    anywhere = ["127.0.0.1:0"]
    [bank.watch] = await bank.start(Part("watch", ("watch", *data), "--metrics", anywhere))
    if plan.staff:
        bank.people = await asyncio.to_thread(_people, plan.data)
    _banner(bank)
    if plan.ring:
        await _ring(bank)


async def _no_fax(data: Path) -> str:
    """Why the node sends no faxes; empty where it does, or does not say."""
    try:
        told = await asyncio.to_thread(call, data, "GET", "/v1/faxes", timeout_s=ASK_S)
    except click.ClickException:
        return ""
    return escape(str(told["missing"]))


def _people(data: Path) -> Sequence[DemoPerson]:
    """For the desks; a bank that could not have them is open all the same."""
    try:
        return make_people(data)
    except (click.ClickException, OSError) as error:
        _say(f"[yellow]no demo people[/]: {escape(str(error))}")
        return ()


def _banner(bank: Bank) -> None:
    plan = bank.plan
    table = Table.grid(padding=(0, 2))
    udp = {place for place in bank.sip if place.startswith("udp:")}
    others = [place for place in bank.sip if place.replace("tcp:", "udp:", 1) not in udp]
    for number, place in enumerate((*sorted(udp), *others)):
        table.add_row("" if number else "Ring", f"[bold cyan]{_uri(place)}[/]")
    table.add_row("", f"with any SIP phone, or: .venv/bin/telebank call {_quoted(bank.sip[0])}")
    for name, text in _let_in(bank):
        table.add_row(name, text)
    for number, (card, pin, holder, balance) in enumerate(_demo_cards(plan.data)[:2], 1):
        table.add_row(f"Card {number}", f"{card}   PIN {pin}   {holder}   opened with {balance}")
    company, pin, holder, _ = _demo_cards(plan.data)[-1]
    table.add_row("Company", f"{company}   PIN {pin}   {holder}")
    table.add_row("Keys", "1 中文, 2 English; 1 accounts; card # PIN #; then 1 enquiries,")
    table.add_row("", "2 transfers, 3 bills, 4 loans and investments, 5 settings;")
    table.add_row("", "before the card: 2 lost card, 3 information, 4 companies, 5 more")
    table.add_row("", "# again, * back, 0 teller; every key: docs/menus.md")
    table.add_row("", "All demo cards: corehost/demo-cards.json in the data folder")
    table.add_row(
        "Codes", f"by message would come; here they stand in {_short(plan.data / OUTBOX)}"
    )
    fax = (
        bank.no_fax
        or f"{_own(plan.data, 'fax send FILE.pdf NUMBER')}  to where \\[outbound] lets it"
    )
    table.add_row("Fax", f"[yellow]not available[/]: {fax}" if bank.no_fax else fax)
    table.add_row("Web page", f"http://{bank.web}/")
    for name, text in login_block(bank.people, bank.web, _own(plan.data, "staff demo")):
        table.add_row(name, text)
    table.add_row("Lines", _own(plan.data, "lines"))
    table.add_row("Metrics", f"http://{bank.watch}/metrics, /readyz; {_own(plan.data, 'alarms')}")
    table.add_row("Core host", _own(plan.data / "corehost", "corehost check"))
    table.add_row("", "or file --date …, cut-over, key-change mak|zpk with the same --data")
    table.add_row("Data", f"{_short(plan.data)}, logs in {_short(plan.data / 'logs')}")
    table.add_row("Stop", "Ctrl-C; calls that are up may end, a second Ctrl-C ends them")
    out.rule("The bank is open")
    out.print(table)
    out.rule()


def _uri(place: str) -> str:
    """What is rung, of `transport:address:port`."""
    transport, _, address = place.partition(":")
    host, _, port = address.rpartition(":")
    reached = reachable_address(host.strip("[]"))
    bare = f"[{reached}]" if ":" in reached else reached
    return f"sip:bank@{bare}:{port}" + ("" if transport == "udp" else f";transport={transport}")


def _quoted(place: str) -> str:
    """For the command line."""
    return shlex.quote(_uri(place)) + (" --tls-ca CA.pem" if place.startswith("tls:") else "")


def _let_in(bank: Bank) -> Sequence[tuple[str, str]]:
    """Who may ring, where other machines could but no trunk lets them in."""
    data = bank.plan.data
    settings = load_settings(data)
    others = set(settings.trunks) != set(DEFAULT) or settings.admission.strangers == "menu"
    hosts = [place.partition(":")[2].rpartition(":")[0].strip("[]") for place in bank.sip]
    if others or all(ip_address(host).is_loopback for host in hosts):
        return ()
    return (
        ("Let in", "calls of this machine alone; others get 403. For phones of others,"),
        ("", escape('[trunks.office]  addresses = ["192.168.0.0/16"]  (two lines) in')),
        ("", f"{_short(data / 'config' / 'telebank.toml')}, and start again"),
    )


def _demo_cards(data: Path) -> list[tuple[str, str, str, str]]:
    return demo_cards(data / "corehost" / "demo-cards.json")


def _own(data: Path, words: str) -> str:
    """A command to type, on a data folder."""
    usual = data == DEFAULT_DATA.resolve()
    return f".venv/bin/telebank {words}" + ("" if usual else f" --data {_short(data)}")


def _short(path: Path) -> str:
    relative = os.path.relpath(path)
    return relative if not relative.startswith("..") else str(path)


async def _ring(bank: Bank) -> None:
    """Ring the bank once over real SIP and RTP: card, PIN, balance."""
    if bank.sip[0].startswith("tls:"):
        _say(f"The bank was not rung: over TLS alone, do it by hand: {_quoted(bank.sip[0])}")
        return
    # Not a card of the banner: somebody may have locked those by trying.
    card, pin, *_ = _demo_cards(bank.plan.data)[2]
    _say("Ringing the bank: language, accounts, card, PIN, enquiries, balance")
    keys = bank.plan.data / "run" / "keys"
    keys.touch(mode=0o600)
    # In a file: a command line would show the PIN to everybody. Pressed as one who knows the menu.
    proof = f"@auth.card !{card}# @auth.pin !{pin}#"
    keys.write_text(f"@lang.zh !1 @lang.chosen !1 {proof} ~1 !1 ~1 !1\n")
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "telebank", "call", _uri(bank.sip[0])),
        *("--keys-file", str(keys), "--data", str(bank.plan.data)),
        *("--expect", "bal.amount", "--hang-up-after", "bal.amount"),
        stdin=asyncio.subprocess.DEVNULL,
    )
    try:
        code = await process.wait()
    except asyncio.CancelledError:
        process.terminate()
        await process.wait()
        raise
    finally:
        keys.unlink(missing_ok=True)
    if code == 0:
        _say("[green]✓[/] the bank answered, proved the card and said its balance")
    else:
        _say(f"[red]✗[/] the test call failed (exit code {code}); see {bank.plan.data / 'logs'}")


def _say(text: str) -> None:
    out.print(text)
