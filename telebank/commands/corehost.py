"""`telebank corehost`: the demo bank behind an ISO 8583 port, its balances, and its books."""

import asyncio
import json
import signal
import sys
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import click
import structlog

from core_adapters.corehost import house
from core_adapters.corehost.desk import Desk, Office
from core_adapters.corehost.faults import FaultError, FaultPlan, parse_plan
from core_adapters.corehost.parrot import Parrot
from core_adapters.corehost.rules import Rules
from core_adapters.corehost.server import Server, ServerOptions
from core_adapters.hsm.demo import share_demo_keys
from core_adapters.hsm.errors import SecurityModuleError
from core_adapters.hsm.kinds import Usage
from core_adapters.hsm.module import Module
from core_adapters.hsm.software import open_software
from core_adapters.iso8583.codec import Codec
from core_adapters.iso8583.keynames import KeyNames, check_keys, mac_algorithms, pin_algorithms
from core_adapters.iso8583.mac import ModuleMac
from core_adapters.iso8583.profile import Profile
from core_adapters.iso8583.profile_load import load_profile
from core_adapters.profiles.errors import ProfileError
from transactions.card import mask

FINDING, USAGE, UNREACHABLE = 1, 2, 3
PROFILE = Path(__file__).resolve().parents[2] / "config" / "hosts" / "tb87.yaml"
MAX_PORT = 65535
FOLDER_OPTION = click.option(
    "--data",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("var/corehost"),
    show_default=True,
    help="The bank's own folder: its database and, at the first start, demo-cards.json.",
)
JSON_OPTION = click.option("--json", "as_json", is_flag=True, help="Print JSON.")


class PortTakenError(Exception):
    """The address cannot be listened on: somebody has the port, or it is not this machine's."""


@dataclass(frozen=True, slots=True)
class RunPlan:
    """What `corehost run` was asked for."""

    host: str
    port: int
    data: Path
    keys: Path
    profile: Path
    faults: Path | None
    test_data: bool
    no_ledger: bool
    port_file: Path | None


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def command() -> None:
    """The demo core banking host: a double-entry bank behind an ISO 8583 port.

    \b
    Examples:
      telebank corehost run --data var/corehost
      telebank corehost balance --all --data var/corehost
      telebank corehost check --data var/corehost
    """


def _address(_ctx: click.Context, _param: click.Parameter, value: str) -> tuple[str, int]:
    host, _, port = value.rpartition(":")
    if not host or not port.isdigit() or int(port) > MAX_PORT:
        raise click.BadParameter(f"{value!r}: write host:port, such as 127.0.0.1:8583")
    return host.strip("[]"), int(port)


@command.command()
@click.option(
    "--listen",
    default="127.0.0.1:8583",
    show_default=True,
    callback=_address,
    help="Address and port; port 0 takes a free one.",
)
@FOLDER_OPTION
@click.option(
    "--keys",
    type=click.Path(path_type=Path, file_okay=False),
    help="The gateway's key folder, with which demo keys are shared.  [default: keys beside DATA]",
)
@click.option(
    "--profile",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    default=PROFILE,
    help="Host profile.  [default: the shipped tb87.yaml]",
)
@click.option(
    "--faults",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Fault plan (JSON), read again whenever it changes.",
)
@click.option("--test-data", is_flag=True, help="At the first start: sixty test cards, no demo.")
@click.option("--no-ledger", is_flag=True, help="Answer 00 and post nothing, for benchmarks.")
@click.option(
    "--port-file",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Write the line that says the port here too.",
)
@JSON_OPTION
def run(
    listen: tuple[str, int],
    data: Path,
    keys: Path | None,
    profile: Path,
    faults: Path | None,
    port_file: Path | None,
    *,
    test_data: bool,
    no_ledger: bool,
    as_json: bool,
) -> None:
    """Run the bank until SIGTERM or Ctrl-C; prints its port as one JSON line when ready.

    \b
    Examples:
      telebank corehost run --listen 127.0.0.1:8583 --data var/corehost
      telebank corehost run --listen 127.0.0.1:0 --data /tmp/bank --test-data --port-file port.json
      telebank corehost run --faults faults.json
    where faults.json is, for a reply lost once after the money has moved,
      [{"match": {"mti": "0200", "processing": "42"}, "action": "drop_after", "times": 1}]
    """
    del as_json  # the ready line is JSON in any case
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.JSONRenderer(),
        ],
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )
    plan = RunPlan(
        host=listen[0],
        port=listen[1],
        data=data,
        keys=keys or data.parent / "keys",
        profile=profile,
        faults=faults,
        test_data=test_data,
        no_ledger=no_ledger,
        port_file=port_file,
    )
    try:
        _check_faults(faults)
        _serve(plan)
    except (SecurityModuleError, ProfileError, house.HouseError, FaultError) as error:
        click.echo(f"telebank corehost: {error}", err=True)
        sys.exit(USAGE)
    except PortTakenError as error:
        click.echo(f"telebank corehost: {error}", err=True)
        sys.exit(UNREACHABLE)


def _check_faults(path: Path | None) -> None:
    """A plan that is wrong at the start is the user's mistake; a later one is only logged."""
    if path is not None and path.exists():
        parse_plan(path.read_bytes())


def _serve(plan: RunPlan) -> None:
    import uvloop

    plan.data.mkdir(mode=0o700, parents=True, exist_ok=True)
    profile = load_profile(plan.profile)
    module = _open_module(plan, profile)
    codec = Codec(profile)
    with ExitStack() as stack:
        office: Office = Parrot(codec)
        if not plan.no_ledger:
            now = datetime.now(UTC)
            bank = house.open_house(plan.data, Rules(), now, test_data=plan.test_data)
            stack.callback(bank.close)
            office = Desk(bank.db, bank.bank, codec, module)
        uvloop.run(_listen(plan, office, codec, module))


def _open_module(plan: RunPlan, profile: Profile) -> Module:
    """The bank's own security module, with the same keys as the gateway's."""
    own, names = plan.data / "keys", KeyNames.of(profile.name)
    pin, mac = pin_algorithms(profile)[0], mac_algorithms(profile)[0]
    share_demo_keys(plan.keys, own, profile.name, pin=pin, mac=mac)
    module = open_software(own)
    check_keys(module, names, profile, Usage.PIN_OPEN)
    return module


async def _listen(plan: RunPlan, office: Office, codec: Codec, module: Module) -> None:
    mac = ModuleMac(module, KeyNames.of(codec.profile.name).mac)
    server = Server(office, codec, mac, FaultPlan(plan.faults), ServerOptions())
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopped.set)
    try:
        port = await server.start(plan.host, plan.port)
    except OSError as error:
        raise PortTakenError(f"cannot listen on {plan.host}:{plan.port}: {error}") from error
    _announce(plan, port)
    await stopped.wait()
    await server.stop()


def _announce(plan: RunPlan, port: int) -> None:
    line = json.dumps({"host": plan.host, "port": port, "ledger": not plan.no_ledger})
    if plan.port_file is not None:
        part = plan.port_file.with_name(f".{plan.port_file.name}.part")
        part.write_text(line + "\n", encoding="utf-8")
        part.replace(plan.port_file)
    click.echo(line)


@command.command()
@click.argument("card", required=False)
@click.option("--all", "everything", is_flag=True, help="Every account, the bank's own too.")
@FOLDER_OPTION
@JSON_OPTION
def balance(card: str | None, data: Path, *, everything: bool, as_json: bool) -> None:
    """Print the balance of a card or account number, or of all; a running host is not disturbed.

    \b
    Examples:
      telebank corehost balance 6227000001000017
      telebank corehost balance --all --json --data /tmp/bank
    """
    if (card is None) != everything:
        raise click.UsageError("give one card or account number, or --all")
    try:
        found = [one for one in house.holdings(data) if everything or one.name == card]
    except FileNotFoundError as error:
        _no_bank(error)
    if not found:
        click.echo("telebank corehost: no such card or account", err=True)
        sys.exit(FINDING)
    rows = [{"name": _shown(o.name), "holder": o.holder, "balance": str(o.balance)} for o in found]
    if as_json:
        click.echo(json.dumps(rows, ensure_ascii=False))
        return
    for row in rows:
        click.echo(f"{row['balance']:>18}  {row['name']:<18} {row['holder']}")


def _shown(name: str) -> str:
    return mask(name) if name.isdigit() else name


def _no_bank(error: FileNotFoundError) -> None:
    click.echo(f"telebank corehost: no bank at {error}; `corehost run` makes one", err=True)
    sys.exit(UNREACHABLE)


@command.command()
@FOLDER_OPTION
@JSON_OPTION
def check(data: Path, *, as_json: bool) -> None:
    """Check the books: every posting balances, no balance disagrees. Exit 1 with findings.

    \b
    Example:
      telebank corehost check --data var/corehost
    """
    try:
        found = house.findings(data)
    except FileNotFoundError as error:
        _no_bank(error)
    if as_json:
        click.echo(json.dumps({"conserved": not found, "findings": found}, ensure_ascii=False))
    else:
        click.echo("\n".join(found) or "the books are whole: every posting balances")
    sys.exit(FINDING if found else 0)
