"""`telebank approval`: what waits for a second person."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

from telebank.commands.common import data_option, json_option
from telebank.commands.control_client import call, need_token, request_id, session_option

STATES = ("pending", "approved", "refused", "withdrawn", "expired", "all")


@click.group(name="approval", context_settings={"help_option_names": ["-h", "--help"]})
def command() -> None:
    """Acts of two people: what was proposed, by whom, and what became of it.

    A proposal is approved by saying the same command as another person; it is refused here.

    \b
    Examples:
      telebank approval list
      telebank approval show 5f0c…
      telebank approval refuse 5f0c… --note "the host has it"
    """


@command.command(name="list")
@click.option("--state", type=click.Choice(STATES), default="pending", show_default=True)
@session_option
@data_option
@json_option
def list_(state: str, session: Path | None, data: Path, as_json: bool) -> None:
    """List proposals, newest first.

    \b
    Examples:
      telebank approval list
      telebank approval list --state all --json
    """
    query = "" if state == "all" else f"?state={state}"
    answer = call(data, "GET", f"/v1/approvals{query}", token=need_token(data, session))
    if as_json:
        click.echo(json.dumps(answer, ensure_ascii=False))
        return
    table = Table(box=SIMPLE_HEAD, show_lines=True)
    table.add_column("id\nstate", no_wrap=True)
    table.add_column("act\nobject", no_wrap=True)
    table.add_column("says\nnote", overflow="fold")
    table.add_column("by\nat (UTC)", no_wrap=True)
    for one in answer["approvals"]:
        at = one["proposed_at"][:16].replace("T", " ")
        pairs = (
            (one["id"], one["state"]),
            (one["act"], one["object"]),
            (_said(one["detail"]), one["note"]),
            (one["proposed_by"], at),
        )
        table.add_row(*(Text(f"{above}\n{below}") for above, below in pairs))
    Console().print(table)


@command.command()
@click.argument("approval")
@session_option
@data_option
@json_option
def show(approval: str, session: Path | None, data: Path, as_json: bool) -> None:
    """Show one proposal.

    \b
    Example:
      telebank approval show 5f0c2a…
    """
    answer = call(data, "GET", _path(approval), token=need_token(data, session))
    _show(answer, as_json)


@command.command()
@click.argument("approval")
@click.option("--note", required=True, help="Why; kept in the event log.")
@session_option
@data_option
@json_option
def refuse(approval: str, note: str, session: Path | None, data: Path, as_json: bool) -> None:
    """Refuse a proposal, or withdraw your own.

    \b
    Example:
      telebank approval refuse 5f0c2a… --note "the host has it on its list"
    """
    body = {"request_id": request_id(), "note": note}
    token = need_token(data, session)
    answer = call(data, "POST", f"{_path(approval)}/refuse", body, token)
    _show(answer["approval"], as_json)


def _path(approval: str) -> str:
    if not approval.replace("-", "").replace("_", "").isalnum() or not approval.isascii():
        raise click.UsageError("an id of `telebank approval list` is letters, digits, _ and -")
    return f"/v1/approvals/{approval}"


def _show(one: Mapping[str, Any], as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps(one, ensure_ascii=False))
        return
    rows = {**one, "detail": _said(one["detail"])}
    for key, value in rows.items():
        if value not in (None, ""):
            click.echo(f"{key.replace('_', ' '):>12}  {value}")


def _said(detail: Mapping[str, Any]) -> str:
    return ", ".join(f"{key} {value}" for key, value in detail.items() if value not in (None, ""))
