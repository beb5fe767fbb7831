"""`telebank config`: show and check the settings in force."""

import dataclasses
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from telebank.commands.common import EXIT_FINDING, data_option, json_option

if TYPE_CHECKING:
    from telebank.settings import Settings


@click.group(name="config")
def command() -> None:
    """Show and check the settings.

    \b
    Examples:
      telebank config show
      telebank config show --data /srv/bank --json
      telebank config check
    """


@command.command()
@data_option
@json_option
def show(data: Path, as_json: bool) -> None:
    """Print what is in force: the shipped settings under those of DATA/config.

    \b
    Example:
      telebank config show --data var
    """
    from telebank.settings import SettingsError, load_settings

    try:
        settings = load_settings(data)
    except SettingsError as error:
        raise click.UsageError(str(error)) from error
    plain = _plain(settings)
    if as_json:
        click.echo(json.dumps(plain, ensure_ascii=False, indent=2))
        return
    for section, table in plain.items():
        click.secho(f"[{section}]", bold=True)
        for key, value in table.items():
            click.echo(f"{key} = {json.dumps(value, ensure_ascii=False)}")
        click.echo()


def _plain(settings: "Settings") -> dict[str, dict[str, object]]:
    """The settings as plain values; amounts as `50000.00 CNY`, a password as stars."""
    sections = {field.name: getattr(settings, field.name) for field in dataclasses.fields(settings)}
    hosts, trunks = sections.pop("hosts"), sections.pop("trunks")
    centre = dataclasses.asdict(sections.pop("queues"))
    queues = centre.pop("queues")
    plain = {
        name: {key: _value(value) for key, value in _items(section)}
        for name, section in sections.items()
    }
    if settings.store.url:
        from telebank.store.engine import masked_url

        plain["store"]["url"] = masked_url(settings.store.url)
    plain |= {
        f"trunks.{name}": {key: _value(value) for key, value in _items(trunk)}
        for name, trunk in trunks.items()
    }
    plain |= {"queues": centre} | {f"queues.{queue.pop('name')}": queue for queue in queues}
    return plain | {f"hosts.{name}": dict(table) for name, table in hosts.items()}


def _items(section: Any) -> Iterator[tuple[str, object]]:
    for field in dataclasses.fields(section):
        value = getattr(section, field.name)
        if not dataclasses.is_dataclass(value):  # one that is a section of its own
            yield field.name, value


def _value(value: object) -> object:
    if isinstance(value, Mapping):
        return {str(key): str(item) for key, item in value.items()}
    return value


@command.command()
@data_option
def check(data: Path) -> None:
    """Exit 0 when the settings can be used, 1 with the reason when not.

    \b
    Example:
      telebank config check --data var
    """
    from telebank.calls.tls import TlsContexts, TlsFileError
    from telebank.commands.config_findings import faults, warnings
    from telebank.commands.wiring.knowledge import findings
    from telebank.settings import SettingsError, load_settings, trunk_accounts

    if not data.is_dir():
        click.echo(f"there is no folder {data}: give --data, or make it", err=True)
        raise SystemExit(EXIT_FINDING)
    try:
        settings = load_settings(data)
        trunk_accounts(data, settings.trunks)
        if settings.sip_tls.used:
            TlsContexts(settings.sip_tls.files(data / "keys"), lambda said: None)
    except (SettingsError, TlsFileError) as error:
        click.echo(str(error), err=True)
        raise SystemExit(EXIT_FINDING) from error
    for warning in warnings(settings):
        click.echo(f"warning: {warning}", err=True)
    found = [*faults(settings), *findings(data, settings)]
    for fault in found:
        click.echo(fault, err=True)
    if found:
        raise SystemExit(EXIT_FINDING)
    click.echo("settings are fine")
