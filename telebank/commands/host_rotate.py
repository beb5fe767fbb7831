"""`telebank host rotate`: a new key of ours for the host, by its running node (0800/101)."""

import json
from pathlib import Path

import click

from telebank.commands.common import data_option, json_option
from telebank.commands.control_client import call

WAIT_S = 30.0
"""How long the node may take to hear the host, in seconds."""


@click.command(name="rotate")
@click.argument("name")
@data_option
@json_option
def command(name: str, data: Path, as_json: bool) -> None:
    """Make a new key NAME, give it to the host as a TR-31 block, and use it once the host has it.

    Messages on their way verify under the key before until key_overlap_s is over. Where the host
    refuses, the old key stays: exit 1. Where it does not answer, the same key is offered again.

    \b
    Examples:
      telebank host rotate tb87.mak
      telebank host rotate tb87.zpk --json
    """
    answer = call(data, "POST", "/v1/keys/rotate", {"name": name}, timeout_s=WAIT_S)
    if as_json:
        click.echo(json.dumps(answer, ensure_ascii=False))
        return
    click.echo(f"{answer['name']} version {answer['version']}, check value {answer['kcv']}")
