"""`telebank config`: show and check the settings in force."""

import json
from pathlib import Path

import click
import msgspec

from telebank.commands.common import EXIT_FINDING, data_option, json_option


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
    """Print what is in force: the shipped settings under those of DATA/config."""
    from telebank.settings import SettingsError, load_settings

    try:
        settings = load_settings(data)
    except SettingsError as error:
        raise click.UsageError(str(error)) from error
    plain = msgspec.to_builtins(settings, enc_hook=str)
    if as_json:
        click.echo(json.dumps(plain, ensure_ascii=False, indent=2))
        return
    for section, table in plain.items():
        click.secho(f"[{section}]", bold=True)
        for key, value in table.items():
            click.echo(f"{key} = {json.dumps(value, ensure_ascii=False)}")
        click.echo()


@command.command()
@data_option
def check(data: Path) -> None:
    """Exit 0 when the settings can be used, 1 with the reason when not."""
    from telebank.settings import SettingsError, load_settings

    try:
        load_settings(data)
    except SettingsError as error:
        click.echo(str(error), err=True)
        raise SystemExit(EXIT_FINDING) from error
    click.echo("settings are fine")
