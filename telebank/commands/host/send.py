"""`telebank host send`: one request to a test host over a real link, with every frame decoded."""

import asyncio
import dataclasses
import json
import secrets
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from core_adapters.conformance.journal import Numbers, Stans, first_stan
from core_adapters.conformance.people import KitVault
from core_adapters.hsm.port import SecurityModule
from core_adapters.iso8583.host import Iso8583Host
from core_adapters.iso8583.host_types import Alarm, HostEvents
from core_adapters.iso8583.options import Iso8583Options
from core_adapters.iso8583.profile import Profile
from core_adapters.profiles.errors import ProfileError
from core_adapters.tap import Tap
from core_adapters.terms import terms_of
from telebank.commands.common import EXIT_FINDING, Unreachable, data_option, json_option
from telebank.commands.host.common import (
    Finding,
    address_option,
    host_options,
    keys_option,
    only_test,
    reach_hint,
    read_contracts,
    read_keys,
    read_profile,
    say,
    terminal_option,
)
from telebank.commands.host.inputs import read_inputs
from transactions.contract import Contracts, Service
from transactions.outcome import Approved, Declined, NotSent, Outcome, Unknown, Value
from transactions.request import AuthLevel, Request


@dataclass(frozen=True, slots=True)
class Bench:
    """One host and who we are to it."""

    profile: Profile
    contracts: Contracts
    module: SecurityModule
    options: Iso8583Options


@click.command(name="send")
@click.argument("service")
@click.argument("inputs", nargs=-1, metavar="[NAME=VALUE]...")
@click.option("--profile", default="tb87", show_default=True, help="File, or name.")
@address_option
@keys_option
@terminal_option
@click.option("--pin-fd", type=click.IntRange(0), default=0, help="Where `NAME=-` is read.")
@data_option
@json_option
def command(
    service: str,
    inputs: tuple[str, ...],
    profile: str,
    address: str | None,
    keys: Path | None,
    terminal: str,
    pin_fd: int,
    data: Path,
    as_json: bool,
) -> None:
    """Send one request of SERVICE and show request, reply and outcome. Test hosts only.

    Values are by the contract's kinds; amounts in CNY, or as 12.50:USD. A PIN is asked for without
    echo, or read from a file descriptor with pin=-; it is never taken from the command line.
    Exit 0 approved, 1 anything else the host said or did not say, 3 no link.
    The host of `telebank run` on the same --data is found by itself; its cards are in
    DATA/corehost/demo-cards.json.

    \b
    Examples:
      telebank host send card.balance card=6227000001000011
      telebank host send pin.verify card=6227000001000011
      telebank host send pin.verify card=6227000001000011 pin=- < pin.txt
      telebank host send card.balance card=… --host 10.1.2.3:8583 --profile ourbank
      telebank host send card.recent card=6227000001000011
      telebank host send bill.enquiry card=… biller=water number=… month=2026-10-01
      telebank host send transfer.quote from=6227000001000011 to=6227000001000029 amount=12.50
      telebank host send transfer.card_to_card from=… to=… amount=12.50 fee=0 quote=Q…
    """
    loaded = read_profile(data, profile)
    only_test(loaded)
    contracts = read_contracts(data)
    if service not in loaded.services or service not in contracts:
        raise click.UsageError(f"{service!r} is none of {', '.join(loaded.services)}")
    kinds = terms_of(service, contracts)
    values = read_inputs(contracts[service], kinds, inputs, pin_fd)
    options = dataclasses.replace(host_options(data, loaded, address), terminal=terminal)
    bench = Bench(loaded, contracts, read_keys(data, keys, loaded), options)
    outcome = asyncio.run(send(bench, contracts[service], values, as_json=as_json))
    _tell(outcome, as_json=as_json)
    if isinstance(outcome, NotSent):
        hint = reach_hint(address)
        raise Unreachable(f"nothing was sent to {options.addresses[0]}: {outcome.reason}; {hint}")
    if not isinstance(outcome, Approved):
        raise SystemExit(EXIT_FINDING)


async def send(
    bench: Bench, service: Service, values: dict[str, Value], *, as_json: bool
) -> Outcome:
    """One request on a link of its own; every frame and alarm is printed as it comes."""
    tap = Tap()
    watcher = tap.watch()
    assert watcher is not None
    alarms: list[Alarm] = []
    host = Iso8583Host(
        bench.profile,
        bench.contracts,
        bench.module,
        bench.options,
        events=HostEvents(alarm=alarms.append),
        vault=KitVault(),
        tap=tap,
    )

    async def show() -> None:
        async for line in watcher.lines():
            say(json.loads(line), as_json=as_json)

    shown = asyncio.create_task(show())
    try:
        await host.start()
        wait = bench.options.connect_timeout_s + bench.options.mux.sign_on_timeout_s
        if not await host.wait_signed_on(wait):
            return NotSent("no_link")
        return await host.execute(_request(service, values), Numbers(Stans(first_stan())))
    finally:
        await host.close()
        watcher.close()
        await shown
        for alarm in alarms:
            click.echo(f"alarm ({alarm.kind}): {alarm.text}", err=True)


def _request(service: Service, values: dict[str, Value]) -> Request:
    return Request(
        id=f"tool-{secrets.token_hex(8)}",
        service=service.name,
        contract_version=service.version,
        inputs=values,
        actor="host send",
        auth=AuthLevel.PIN,
        reference=str(secrets.randbelow(10**12)),
    )


def _tell(outcome: Outcome, *, as_json: bool) -> None:
    word = type(outcome).__name__.lower()
    reason = getattr(outcome, "reason", "")
    data = outcome.data if isinstance(outcome, Approved | Declined) else {}
    shown = {name: _shown(value) for name, value in data.items()}
    if as_json:
        click.echo(json.dumps({"outcome": word, "reason": reason, "data": shown}))
    else:
        click.echo(f"\n{word}{f': {reason}' if reason else ''}")
        for name, value in shown.items():
            for line in _lines(value):
                click.echo(f"  {name:<16} {line}")
    if isinstance(outcome, Unknown):
        click.echo(
            "nobody knows what became of it; look at the host before it is sent again", err=True
        )


def _shown(value: Value) -> Any:
    """A value as text, a list as its rows."""
    if isinstance(value, tuple):
        return [{name: str(cell) for name, cell in row.items()} for row in value]
    return str(value)


def _lines(shown: Any) -> list[str]:
    """One line, or one for each row."""
    if isinstance(shown, str):
        return [shown]
    rows = ["  ".join(f"{name} {text}" for name, text in row.items()) for row in shown]
    return [f"{n:>2}. {row}" for n, row in enumerate(rows, 1)] or ["no rows"]


__all__ = ["Finding", "ProfileError", "command"]
