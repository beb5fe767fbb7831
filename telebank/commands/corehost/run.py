"""Runs the demo bank for `telebank corehost run`: books, keys, addresses, control socket."""

import asyncio
import json
import signal
import ssl
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import click

from core_adapters.corehost import house
from core_adapters.corehost.acts import Acts
from core_adapters.corehost.control import ControlSocket
from core_adapters.corehost.day import Day
from core_adapters.corehost.desk import Desk, Office
from core_adapters.corehost.faults import FaultError, FaultPlan, parse_plan
from core_adapters.corehost.keydesk import KeyDesk
from core_adapters.corehost.parrot import Parrot
from core_adapters.corehost.rules import Rules
from core_adapters.corehost.server import Server, ServerOptions
from core_adapters.corehost.tls import TlsFiles, server_context
from core_adapters.hsm.demo import share_demo_keys
from core_adapters.hsm.kinds import Usage
from core_adapters.hsm.module import Module
from core_adapters.hsm.software import open_software
from core_adapters.iso8583.codec import Codec
from core_adapters.iso8583.keys.names import KeyNames, check_keys, mac_algorithms, pin_algorithms
from core_adapters.iso8583.profile import Profile
from core_adapters.iso8583.profile_load import load_profile

Address = tuple[str, int]


class PortTakenError(Exception):
    """The address cannot be listened on: somebody has the port, or it is not this machine's."""


@dataclass(frozen=True, slots=True)
class RunPlan:
    """What `corehost run` was asked for."""

    listen: tuple[Address, ...]
    data: Path
    keys: Path
    profile: Path
    rules: Rules
    key_overlap_s: float
    faults: Path | None
    tls: TlsFiles | None
    test_data: bool
    no_ledger: bool
    port_file: Path | None


@dataclass(frozen=True, slots=True)
class Bank:
    """What answers, and what moves beside it."""

    office: Office
    codec: Codec
    keys: KeyDesk
    day: Day | None = None
    pass_time: Callable[[datetime], None] | None = None


def check_faults(path: Path | None) -> None:
    """A plan that is wrong at the start is the user's mistake; a later one is only logged."""
    if path is None:
        return
    try:
        parse_plan(path.read_bytes())
    except FileNotFoundError:
        click.echo(f"{path} is not there yet: nothing goes wrong until it is", err=True)
    except OSError as error:
        raise FaultError(f"{path}: {error.strerror}") from error
    except FaultError as error:
        raise FaultError(f"{path}: {error}") from None


def serve(plan: RunPlan) -> None:
    """Run until SIGTERM or SIGINT."""
    import uvloop

    plan.data.mkdir(mode=0o700, parents=True, exist_ok=True)
    tls = server_context(plan.tls) if plan.tls is not None else None
    with ExitStack() as stack:
        uvloop.run(_listen(plan, _open_bank(plan, stack), tls))


def _open_bank(plan: RunPlan, stack: ExitStack) -> Bank:
    profile = load_profile(plan.profile)
    codec = Codec(profile)
    module = _open_module(plan, profile)
    stack.callback(module.close)
    keys = KeyDesk(module, profile, plan.key_overlap_s)
    if plan.no_ledger:
        return Bank(Parrot(codec), codec, keys)
    now = datetime.now(UTC)
    books = house.open_house(plan.data, plan.rules, now, test_data=plan.test_data)
    stack.callback(books.close)
    desk = Desk(books.db, books.bank, codec, keys)
    return Bank(desk, codec, keys, Day(books.db, books.bank.calendar, now), desk.pass_time)


def _open_module(plan: RunPlan, profile: Profile) -> Module:
    """The bank's own security module, with the same keys as the gateway's."""
    own, names = plan.data / "keys", KeyNames.of(profile.name)
    pin, mac = pin_algorithms(profile)[0], mac_algorithms(profile)[0]
    share_demo_keys(plan.keys, own, profile.name, pin=pin, mac=mac)
    module = open_software(own)
    check_keys(module, names, profile, Usage.PIN_OPEN)
    return module


async def _listen(plan: RunPlan, bank: Bank, tls: ssl.SSLContext | None) -> None:
    faults, options = FaultPlan(plan.faults), ServerOptions()
    server = Server(
        bank.office,
        bank.codec,
        bank.keys,
        faults,
        options,
        day=bank.day,
        keys=bank.keys,
        pass_time=bank.pass_time,
    )
    control = ControlSocket(plan.data, Acts(server.hall).table())
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopped.set)
    try:
        listening = [(host, await _start(server, host, port, tls)) for host, port in plan.listen]
        await control.start()
        server.hall.spawn(server.hall.retire_keys())
        _announce(plan, listening)
        await stopped.wait()
    finally:
        await control.stop()
        await server.stop()


async def _start(server: Server, host: str, port: int, tls: ssl.SSLContext | None) -> int:
    try:
        return await server.start(host, port, tls)
    except OSError as error:
        raise PortTakenError(f"cannot listen on {host}:{port}: {error}") from error


def _announce(plan: RunPlan, listening: list[Address]) -> None:
    (host, port), *_ = listening
    said = {"host": host, "port": port, "ledger": not plan.no_ledger}
    line = json.dumps(said | {"listen": [f"{name}:{number}" for name, number in listening]})
    if plan.port_file is not None:
        part = plan.port_file.with_name(f".{plan.port_file.name}.part")
        part.write_text(line + "\n", encoding="utf-8")
        part.replace(plan.port_file)
    click.echo(line)
