"""`telebank host rotate`: a new key of ours for the host (0800/101), by two people."""

import json
from pathlib import Path

import click

from telebank.commands.common import EXIT_FINDING, data_option, json_option
from telebank.commands.control_client import call, need_token, request_id, session_option

WAIT_S = 30.0
"""How long the node may take to hear the host, in seconds."""


@click.command(name="rotate")
@click.argument("name")
@click.option("--note", default="", help="Why; kept with the approval.")
@session_option
@data_option
@json_option
def command(name: str, note: str, session: Path | None, data: Path, as_json: bool) -> None:
    """Make a new key NAME, give it to the host as a TR-31 block, and use it once the host has it.

    IT proposes, a supervisor says the same; then it is done. Messages on their way verify under
    the key before until key_overlap_s is over. Where the host refuses, the old key stays: exit 1.
    Where it does not answer, the same key is offered again by itself.

    \b
    Examples:
      telebank host rotate tb87.mak --note "yearly change"
      telebank host rotate tb87.zpk --json
    """
    body = {"request_id": request_id(), "act": "key.change", "object": name, "note": note}
    token = need_token(data, session)
    answer = call(data, "POST", "/v1/acts", body | {"detail": {}}, token, timeout_s=WAIT_S)
    if as_json:
        click.echo(json.dumps(answer, ensure_ascii=False))
    elif answer["state"] != "approved":
        until = answer["approval"]["expires_at"][:16].replace("T", " ")
        click.echo(f"proposed: a new {name}; {answer['next']}, before {until} UTC")
    elif answer["outcome"] == "changed":
        click.echo(f"{name} is version {answer['version']}, check value {answer['kcv']}")
    else:
        click.echo(f"{name}: {answer['outcome']}: {answer['why']}", err=True)
    if answer["state"] == "approved" and answer["outcome"] != "changed":
        raise SystemExit(EXIT_FINDING)
