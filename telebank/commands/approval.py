"""`telebank approval`: what waits for a second person."""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import click
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

from telebank.commands.common import EXIT_FINDING, Unreachable, data_option, json_option
from telebank.commands.control_client import call, need_token, request_id, session_option

MIN_LETTERS = 2
"""Letters of any script in a note that must not be empty."""
STATES = ("pending", "approved", "refused", "withdrawn", "expired", "all")


class Unlisted(click.ClickException):
    """There is no such proposal: exit 1."""

    exit_code = EXIT_FINDING


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
    found = answer["approvals"]
    if found:
        Console().print(_table(found))
    elif state == "pending":
        click.echo("nothing waits")
    else:
        click.echo("there are none" if state == "all" else f"none is {state}")


def _table(found: Sequence[Mapping[str, Any]]) -> Table:
    """Two lines a proposal; who decided has a column once anything is decided."""
    decided = any(one["decided_at"] for one in found)
    table = Table(box=SIMPLE_HEAD, show_lines=True)
    table.add_column("id\nstate", no_wrap=True)
    table.add_column("act\nobject", no_wrap=True)
    table.add_column("says\nnote", overflow="fold")
    table.add_column("by\nat (UTC)", no_wrap=True)
    if decided:
        table.add_column("decider\nat (UTC)", no_wrap=True)
    for one in found:
        pairs = [
            (one["id"], one["state"]),
            (one["act"], one["object"]),
            (_said(one["detail"]), one["note"]),
            (one["proposed_by"], _minute(one["proposed_at"])),
        ]
        if decided:
            pairs.append((one["decided_by"] or "-", _minute(one["decided_at"])))
        table.add_row(*(Text(f"{above}\n{below}") for above, below in pairs))
    return table


@command.command()
@click.argument("approval")
@session_option
@data_option
@json_option
def show(approval: str, session: Path | None, data: Path, as_json: bool) -> None:
    """Show one proposal: who said what, and what the second person said to it.

    The first letters of its id will do where no other begins so.

    \b
    Example:
      telebank approval show 5f0c2a…
    """
    token = need_token(data, session)
    answer = call(data, "GET", _path(_whole(data, approval, token)), token=token)
    _show(answer, _decider_note(data, answer), as_json)


@command.command()
@click.argument("approval")
@click.option("--note", required=True, help="Why; kept in the event log.")
@session_option
@data_option
@json_option
def refuse(approval: str, note: str, session: Path | None, data: Path, as_json: bool) -> None:
    """Refuse a proposal, or withdraw your own.

    The first letters of its id will do where no other begins so.

    \b
    Example:
      telebank approval refuse 5f0c2a… --note "the host has it on its list"
    """
    check_note(note)
    body = {"request_id": request_id(), "note": note}
    token = need_token(data, session)
    answer = call(data, "POST", f"{_path(_whole(data, approval, token))}/refuse", body, token)
    _show(answer["approval"], note, as_json)


def check_note(note: str) -> None:
    """Raises `UsageError` for a note that says nothing."""
    if sum(map(str.isalpha, note)) < MIN_LETTERS:
        raise click.UsageError("--note says too little: say in a few words what you saw, and where")


def _whole(data: Path, approval: str, token: str) -> str:
    """The one id that is or begins with what was typed."""
    from telebank.store.approvals import MAX_LISTED

    _path(approval)
    found = call(data, "GET", "/v1/approvals", token=token)["approvals"]
    ids = [str(one["id"]) for one in found if one["id"].startswith(approval)]
    if approval in ids or len(found) >= MAX_LISTED:
        return approval
    if not ids:
        raise Unlisted("no such proposal; see `telebank approval list`")
    if len(ids) > 1:
        raise click.UsageError(f"{len(ids)} proposals begin with {approval}; type more of the id")
    return ids[0]


def _decider_note(data: Path, one: Mapping[str, Any]) -> str:
    """From the event log: the proposal's own row has only the note of who proposed."""
    if not one["decided_at"]:
        return ""
    from telebank.settings import SettingsError, store_url
    from telebank.store.engine import open_read_only
    from telebank.store.errors import KeyFileError, StoreMissing
    from telebank.store.unsettled import decider_note

    try:
        engine = open_read_only(store_url(data))
    except (SettingsError, KeyFileError) as error:
        raise click.UsageError(str(error)) from error
    except StoreMissing as error:
        raise Unreachable(str(error)) from error
    with engine.connect() as connection:
        note = decider_note(connection, one["id"], datetime.fromisoformat(one["decided_at"]))
    engine.dispose()
    return note


def _path(approval: str) -> str:
    if not approval.replace("-", "").replace("_", "").isalnum() or not approval.isascii():
        raise click.UsageError("an id of `telebank approval list` is letters, digits, _ and -")
    return f"/v1/approvals/{approval}"


def _show(one: Mapping[str, Any], answered: str, as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps({**one, "decider_note": answered}, ensure_ascii=False))
        return
    rows = {**one, "detail": _said(one["detail"]), "decider_note": answered}
    for key, value in rows.items():
        if value not in (None, ""):
            click.echo(f"{key.replace('_', ' '):>12}  {value}")


def _said(detail: Mapping[str, Any]) -> str:
    """As the command says it: `not-posted`."""
    said = {key: _word(key, value) for key, value in detail.items() if value not in (None, "")}
    return ", ".join(f"{key} {value}" for key, value in said.items())


def _word(key: str, value: object) -> str:
    return str(value).replace("_", "-") if key == "result" else str(value)


def _minute(at: str | None) -> str:
    return "" if at is None else at[:16].replace("T", " ")
