"""`telebank host trace`: a running node's frames, live."""

import asyncio
import json
from pathlib import Path
from typing import Any

import aiohttp
import click

from telebank.commands.common import Unreachable, data_option, json_option
from telebank.commands.host.common import say
from telebank.ops.control_client import no_node
from telebank.settings import SettingsError, load_settings

ENDED = "the node stopped or was killed; trace again when it is back"
URL = "http://node/v1/host/trace"


@click.command(name="trace")
@click.option("--unmatched", is_flag=True, help="Only what matched nothing, and links.")
@click.option("--limit", type=click.IntRange(1), help="End after so many events.")
@data_option
@json_option
def command(unmatched: bool, limit: int | None, data: Path, as_json: bool) -> None:
    """Watch the node at DATA until Ctrl-C: every frame decoded by name, masked.

    For a frame that matched nothing the key field that differed or was missing is named. At most
    four may watch; one that reads too slowly is dropped and told.

    \b
    Examples:
      telebank host trace
      telebank host trace --unmatched --data /srv/bank
      telebank host trace --json | jq 'select(.mti == "0210")'
    """
    try:
        socket = data / load_settings(data).node.control
    except SettingsError as error:
        raise click.UsageError(str(error)) from error
    try:
        asyncio.run(_watch(socket, unmatched=unmatched, limit=limit, as_json=as_json))
    except aiohttp.ClientConnectorError as error:
        raise Unreachable(no_node(socket)) from error
    except aiohttp.ClientError as error:
        raise Unreachable(ENDED) from error
    except KeyboardInterrupt:
        click.echo("", err=True)


async def _watch(socket: Path, *, unmatched: bool, limit: int | None, as_json: bool) -> None:
    timeout = aiohttp.ClientTimeout(total=None, sock_read=30)
    connector = aiohttp.UnixConnector(path=str(socket))
    async with (
        aiohttp.ClientSession(connector=connector, timeout=timeout) as session,
        session.get(URL) as response,
    ):
        if response.status != 200:  # noqa: PLR2004 - OK
            raise Unreachable(await response.text())
        left = limit
        async for line in response.content:
            event = _event(line)
            if event is None or (unmatched and event["what"] in ("sent", "received")):
                continue
            say(event, as_json=as_json)
            left = left - 1 if left is not None else None
            if left == 0:
                return
    raise Unreachable(ENDED)


def _event(line: bytes) -> Any:
    """One event; None for an empty line, kept alive by it, and for one that a death cut off."""
    try:
        return json.loads(line) if line.strip() else None
    except ValueError:
        return None
