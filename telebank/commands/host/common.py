"""What the `telebank host` commands share: which profile, which keys, which host."""

import dataclasses
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from core_adapters.hsm.errors import SecurityModuleError
from core_adapters.hsm.port import SecurityModule
from core_adapters.hsm.software import open_software
from core_adapters.iso8583.keys.names import KeyNames, check_keys
from core_adapters.iso8583.links.tls import TlsError, client_context
from core_adapters.iso8583.options import Iso8583Options
from core_adapters.iso8583.profile import Profile
from core_adapters.iso8583.profile_load import load_profile
from core_adapters.profiles.errors import ProfileError
from telebank.commands.common import EXIT_FINDING
from telebank.commands.host.check_sql import is_sql
from telebank.commands.keys.module import open_module
from telebank.ops.ports import holder_of
from telebank.settings import SettingsError, load_settings, read_options, seed_dir
from transactions.contract import ContractError, Contracts, load_contracts

MAX_PORT = 65_535
DEMO_ADDRESS = "127.0.0.1:8583"
"""In the shipped settings; `telebank run` puts its host on another port."""
TOOL_TERMINAL = "TBTOOL01"
"""Field 41 of what the tools send, so that it never meets a node's STANs."""


class Finding(click.ClickException):
    """Ends a command with exit code 1."""

    exit_code = EXIT_FINDING


def config_file(data: Path, *parts: str) -> Path:
    """A configuration file: the one under DATA/config, or the shipped one. A tool that only looks
    must not lay them over each other where a running node has them."""
    own = data.joinpath("config", *parts)
    return own if own.exists() else seed_dir().joinpath(*parts)


def profile_path(data: Path, name: str) -> Path:
    """A file as it is; a name is DATA/config/hosts/NAME.yaml or the shipped one."""
    path = Path(name)
    if path.suffix in (".yaml", ".yml") or path.exists():
        return path
    found = config_file(data, "hosts", f"{name}.yaml")
    if not found.exists():
        shipped = ", ".join(sorted(one.stem for one in found.parent.glob("*.yaml")))
        raise click.UsageError(f"no profile {name!r}; give a file, or one of {shipped}")
    return found


def read_profile(data: Path, name: str) -> Profile:
    """The profile, or exit 1 with file and line."""
    path = profile_path(data, name)
    if is_sql(path):
        raise click.UsageError(f"{path}: a host reached by SQL; this tool speaks ISO 8583 only")
    try:
        return load_profile(path, seed_dir() / "hosts")
    except ProfileError as error:
        raise Finding(str(error)) from error


def read_contracts(data: Path) -> Contracts:
    """The contracts in force, or exit 1 with file and line."""
    try:
        return load_contracts(config_file(data, "services.yaml"))
    except ContractError as error:
        raise Finding(str(error)) from error


def only_test(profile: Profile) -> None:
    """Exit 2 unless the profile is marked for tests."""
    if not profile.test:
        raise click.UsageError(
            f"profile {profile.name} is not marked `test: true`; hand-made messages go to test "
            "hosts only"
        )


def read_keys(data: Path, keys: Path | None, profile: Profile) -> SecurityModule:
    """The module with the host's keys, or exit 2 saying which key and what to do."""
    try:
        module = _module(data, keys)
        check_keys(module, KeyNames.of(profile.name), profile)
    except SecurityModuleError as error:
        raise click.UsageError(str(error)) from error
    return module


def _module(data: Path, keys: Path | None) -> SecurityModule:
    """A folder is a software module; without one, what the settings' [keys] says."""
    if keys is not None:
        return open_software(keys)
    try:
        return open_module(load_settings(data).keys, data / "keys")
    except SettingsError as error:
        raise click.UsageError(str(error)) from error


def host_options(data: Path, profile: Profile, address: str | None) -> Iso8583Options:
    """[hosts.NAME] of the settings, with another address where one is given."""
    try:
        tables: Mapping[str, Any] = load_settings(data).hosts
        table = dict(tables.get(profile.name, {}))
        table.pop("profile", None)
        table.pop("adapter", None)
        options = read_options(Iso8583Options, table, f"hosts.{profile.name}")
        options = options.under(data / "keys")
        if options.tls is not None:
            client_context(options.tls)
    except (SettingsError, TlsError) as error:
        raise click.UsageError(str(error)) from error
    if address is None and options.addresses == (DEMO_ADDRESS,):
        address = _running_demo(data)
    if address is not None:
        split_address(address)
        options = dataclasses.replace(options, addresses=(address,))
    return dataclasses.replace(options, addresses=options.addresses[:1], links=1)


def _running_demo(data: Path) -> str | None:
    """Where the demo host of `telebank run` on this folder listens; it takes a free port."""
    try:
        said = json.loads((data / "run" / "corehost.json").read_text(encoding="utf-8"))
        host, port = str(said["host"]), int(said["port"])
    except (OSError, ValueError, KeyError, TypeError):
        return None
    # The file stays behind when the demo has gone.
    return f"{host}:{port}" if holder_of(port, "tcp") is not None else None


def reach_hint(address: str | None) -> str:
    """What to do where a host does not answer."""
    if address is not None:
        return "is it running there, and is that its address?"
    return (
        "start the demo's with `telebank run` (and give its --data), or name a host: "
        "--host 127.0.0.1:8583"
    )


def split_address(text: str) -> tuple[str, int]:
    """`127.0.0.1:8583`, or exit 2."""
    host, _, port = text.rpartition(":")
    if not host or not port.isdigit() or not 0 < int(port) <= MAX_PORT:
        raise click.UsageError(f"{text!r}: write host:port, such as 127.0.0.1:8583")
    return host.strip("[]"), int(port)


WORDS = {
    "sent": "→",
    "received": "←",
    "unmatched": "✗ matched nothing:",
    "undecodable": "✗ cannot be decoded:",
    "link_up": "link up:",
    "link_down": "link down:",
    "dropped": "✗ dropped:",
}


def event_text(event: Mapping[str, Any]) -> str:
    """One event of the trace for a terminal: a heading, and a line for each field."""
    what = str(event.get("what"))
    at = str(event.get("at", ""))[11:23]
    words = [at, str(event.get("link", "")), WORDS.get(what, what), str(event.get("mti", ""))]
    if what == "unmatched":
        words.append(f"STAN {event.get('stan') or 'missing'}:")
    if "bytes" in event:
        words.append(f"({event['bytes']} bytes)")
    words.append(str(event.get("why", "")))
    lines = [" ".join(word for word in words if word)]
    for view in event.get("fields", ()):
        lines.append(f"{view['field']:>8}  {view['name']:<34} {view['text']}")
    return "\n".join(lines)


def say(event: Mapping[str, Any], *, as_json: bool) -> None:
    """Print one event."""
    click.echo(json.dumps(event, ensure_ascii=False) if as_json else event_text(event))


address_option = click.option(
    "--host", "address", help="host:port instead of the settings', or of the running demo's."
)
keys_option = click.option(
    "--keys",
    type=click.Path(path_type=Path, file_okay=False),
    help="Folder of the security module with keys NAME.zpk and NAME.mak.  [default: DATA/keys]",
)
terminal_option = click.option(
    "--terminal", default=TOOL_TERMINAL, show_default=True, help="Field 41 of what is sent."
)
