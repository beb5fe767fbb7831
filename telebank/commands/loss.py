"""`telebank loss`: reports of lost cards: list, show, confirm, lift (docs/staff.md)."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import click
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

from telebank.commands.approval import check_note
from telebank.commands.common import data_option, json_option
from telebank.commands.control_client import call, need_token, request_id, session_option
from transactions.request import REFERENCE_DIGITS, is_reference

HOST = {
    "ok": "The host has it.",
    "stored": "The host is told as soon as it answers.",
}

note_option = click.option("--note", required=True, help="What you saw; no card numbers.")


@click.group(name="loss", context_settings={"help_option_names": ["-h", "--help"]})
def command() -> None:
    """Reports of lost cards: list, show, confirm, lift.

    A report by telephone holds to the end of a day ([loss] telephone_valid_days) unless the
    customer signs at a branch: one person confirms it. Two people lift it, when the card was found.
    Both hold on every node at once; the host is told as soon as it answers.

    \b
    Examples:
      telebank loss list
      telebank loss confirm 010000000042 --note "signed at the Nanjing Road branch"
      telebank loss lift 010000000042 --note "card found, identity seen"
    """


@command.command(name="list")
@session_option
@data_option
@json_option
def list_(session: Path | None, data: Path, as_json: bool) -> None:
    """List reports, newest first, those that are over or were lifted too. Times are UTC.

    \b
    Examples:
      telebank loss list
      telebank loss list --json | jq '.reports[] | select(.state == "reported")'
    """
    answer = call(data, "GET", "/v1/losses", token=need_token(data, session))
    if as_json:
        click.echo(json.dumps(answer, ensure_ascii=False))
    elif answer["reports"]:
        Console().print(_table(answer["reports"]))
    else:
        click.echo("no card was reported lost")


@command.command()
@click.argument("reference")
@session_option
@data_option
@json_option
def show(reference: str, session: Path | None, data: Path, as_json: bool) -> None:
    """Show one report: until when it holds, who decided on it, what the host has.

    \b
    Example:
      telebank loss show 010000000042
    """
    path = f"/v1/losses/{_checked(reference)}"
    answer = call(data, "GET", path, token=need_token(data, session))
    if as_json:
        click.echo(json.dumps(answer, ensure_ascii=False))
        return
    shown = {**answer, "standing": answer["standing"].get("reports")}
    for key, value in shown.items():
        if value not in (None, ""):
            click.echo(f"{key.replace('_', ' '):>14}  {value}")


@command.command()
@click.argument("reference")
@note_option
@session_option
@data_option
@json_option
def confirm(reference: str, note: str, session: Path | None, data: Path, as_json: bool) -> None:
    """Confirm a report: the customer has signed, and it holds for good.

    \b
    Example:
      telebank loss confirm 010000000042 --note "form signed, identity card seen"
    """
    path = f"/v1/losses/{_checked(reference)}/confirm"
    check_note(note)
    body = {"request_id": request_id(), "note": note}
    answer = call(data, "POST", path, body, need_token(data, session))
    _say(answer, f"{reference} is confirmed and holds for good.", as_json)


@command.command()
@click.argument("reference")
@note_option
@session_option
@data_option
@json_option
def lift(reference: str, note: str, session: Path | None, data: Path, as_json: bool) -> None:
    """Lift every report of the card: it may be used again. A teller proposes, a supervisor says
    the same.

    \b
    Example:
      telebank loss lift 010000000042 --note "card found, identity card seen"
    """
    path = f"/v1/losses/{_checked(reference)}"
    check_note(note)
    token = need_token(data, session)
    standing = call(data, "GET", path, token=token)["standing"]
    body = {
        "request_id": request_id(),
        "act": "loss.lift",
        "object": reference,
        "detail": standing,
        "note": note,
    }
    answer = call(data, "POST", "/v1/acts", body, token)
    if answer["state"] == "approved":
        _say(answer, f"{reference} is lifted: the card may be used again.", as_json)
    elif as_json:
        click.echo(json.dumps(answer, ensure_ascii=False))
    else:
        until = answer["approval"]["expires_at"][:16].replace("T", " ")
        click.echo(
            f"proposed: lift {reference} (of the card stand: {standing['reports']}); "
            f"{answer['next']}, before {until} UTC"
        )


def _checked(reference: str) -> str:
    if not is_reference(reference):
        raise click.UsageError(f"{reference!r}: a reference has {REFERENCE_DIGITS} digits")
    return reference


def _say(answer: Mapping[str, Any], done: str, as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps(answer, ensure_ascii=False))
        return
    refused = f"The host did not take it ({answer['why']}): look at the card there."
    click.echo(f"{done} {HOST.get(answer['host'], refused)}")


def _table(reports: Sequence[Mapping[str, Any]]) -> Table:
    table = Table(box=SIMPLE_HEAD)
    for heading in ("reference", "card", "state", "until", "taken (UTC)", "host", "decided by"):
        table.add_column(heading, no_wrap=heading in {"reference", "card"})
    for one in reports:
        until = "for good" if one["state"] == "confirmed" else one["until"] or "for good"
        host = one["decision_state"] or one["host_state"]
        words = (one["reference"], one["card_masked"], one["state"], until)
        table.add_row(*map(Text, words), one["at"][:16].replace("T", " "), host, one["decided_by"])
    return table
