"""`telebank corehost cut-over | key-change`: what a running host is told to do."""

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from core_adapters.corehost.acts import CUT_OVER, KEY_CHANGE
from core_adapters.corehost.control import ControlError, NotRunning, ask
from telebank.commands.common import EXIT_FINDING, Unreachable, json_option
from telebank.commands.corehost.books import folder_option


def _ask(data: Path, words: Mapping[str, str]) -> dict[str, Any]:
    try:
        return ask(data, words)
    except NotRunning as error:
        raise Unreachable(str(error)) from error
    except ControlError as error:
        click.echo(f"telebank corehost: {error}", err=True)
        sys.exit(EXIT_FINDING)


@click.command(name=CUT_OVER)
@folder_option
@json_option
def cut_over(data: Path, *, as_json: bool) -> None:
    """Begin the next business date on a running host, and tell every gateway (0800/201).

    It does so by itself at its cut-over time (`corehost run --cut-over 22:30`); a date begun by
    hand is not begun again. Exit 1 where the date is too far ahead of the clock already.

    \b
    Example:
      telebank corehost cut-over --data var/corehost
    """
    said = _ask(data, {"do": CUT_OVER})
    told = said["connections_told"]
    line = f"the business date is {said['business_date']}; told to {told} connection(s)"
    click.echo(json.dumps(said) if as_json else line)


@click.command(name=KEY_CHANGE)
@click.argument("key", type=click.Choice(["zpk", "mak"]))
@folder_option
@json_option
def key_change(key: str, data: Path, *, as_json: bool) -> None:
    """Give the gateway a new zone PIN key or MAC key (0800/101 with a TR-31 key block).

    The new key is used once the gateway has answered with its check value, or a message under it
    has come; the key before goes on verifying and opening for the overlap. Exit 1 where the gateway
    said no or nothing; the key before then stays.

    \b
    Examples:
      telebank corehost key-change mak --data var/corehost
      telebank corehost key-change zpk --json
    """
    said = _ask(data, {"do": KEY_CHANGE, "key": key})
    line = f"{said['key']} is new, check value {said['check_value']}"
    if said["waits"]:
        line = f"{said['key']}: 00 without a check value; the new key waits for a message under it"
    click.echo(json.dumps(said) if as_json else line)
