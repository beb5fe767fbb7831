"""`telebank retention`: delete what has had its time; legal holds."""

import sys
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from telebank.commands.common import EXIT_FINDING, data_option, json_option
from telebank.commands.contacts import reading
from telebank.commands.control_client import call, need_token, request_id, session_option
from telebank.commands.listing import Column, show
from telebank.commands.pin import read_card
from telebank.commands.staff_secrets import say_json
from telebank.commands.wiring.retention import HOLDS, RELEASE, RUN
from telebank.retention.holds import Hold, all_held, holds
from telebank.retention.kinds import KINDS
from telebank.retention.rules import RetentionError, rules_of
from telebank.retention.sweep import Key, Swept, before, count, page
from telebank.settings import SettingsError, load_settings, seed_dir

POLL_S = 0.2
COLUMNS = tuple(map(Column, ("kind", "had their time", "deleted", "held", "failed")))
_HOLDS = tuple(map(Column, ("hold", "of", "until", "by", "since (UTC)", "why", "released")))


@click.group(name="retention", context_settings={"help_option_names": ["-h", "--help"]})
def command() -> None:
    """Delete what has had its time (config/retention.yaml), and hold what must stay.

    A running node does it once a day by itself. The journal and the audit log are never deleted.

    \b
    Examples:
      telebank retention run --dry-run
      telebank retention run
      telebank retention hold --reference 010000004711 --why "case 2026-118"
      telebank retention list
    """


@command.command()
@click.option("--dry-run", is_flag=True, help="Only say what would go.")
@data_option
@json_option
def run(*, dry_run: bool, data: Path, as_json: bool) -> None:
    """Delete now, in the running node, in small commits; calls do not wait for it.

    \b
    Exit code 1: some file could not be removed, or the run failed; the node's log says why.
    Examples:
      telebank retention run --dry-run
      telebank retention run --json | jq .kinds
    """
    if dry_run:
        found = _would_go(data)
        outcome = "dry run"
    else:
        call(data, "POST", RUN, {})
        outcome, found = _follow(data)
    if as_json:
        say_json({"outcome": outcome, "kinds": found})
    else:
        rows = [[name, *(str(one[key]) for key in _CELLS)] for name, one in found.items()]
        show(COLUMNS, rows)
    if outcome not in ("ok", "dry run"):
        sys.exit(EXIT_FINDING)


_CELLS = ("found", "deleted", "held", "failed")


def _follow(data: Path) -> tuple[str, Mapping[str, Mapping[str, int]]]:
    """Show how far it is until it ends."""
    with click.progressbar(length=1, label="retention", file=sys.stderr) as bar:
        while True:
            told: Mapping[str, Any] = call(data, "GET", RUN)
            kinds: Mapping[str, Mapping[str, int]] = told["kinds"]
            bar.length = max(1, sum(one["found"] for one in kinds.values()))
            done = sum(one[key] for one in kinds.values() for key in _CELLS[1:])
            bar.update(min(done, bar.length) - bar.pos)
            if not told["running"]:
                return str(told["outcome"]), kinds
            time.sleep(POLL_S)


def _would_go(data: Path) -> Mapping[str, Mapping[str, int]]:
    try:
        settings, rules = load_settings(data), rules_of(data, seed_dir())
    except (SettingsError, RetentionError) as error:
        raise click.UsageError(str(error)) from error
    zone, node = settings.store.zone, settings.node.id
    now = datetime.now(UTC)
    told = {}
    with reading(data) as connection:
        held = all_held(connection, now.astimezone(zone).date())
        for name, days in rules.days().items():
            until, kind = before(now, days, zone), KINDS[name]
            swept = Swept(found=count(connection, kind, until, node))
            after: Key | None = None
            while found := page(connection, kind, until, node, after):
                swept.held += sum(one.held(held) for one in found)
                after = found[-1].key
            told[name] = {"found": swept.found, "deleted": 0, "held": swept.held, "failed": 0}
    return told


@command.command()
@click.option("--reference", default="", help="A transaction, by its reference of 12 digits.")
@click.option("--token", default="", help="A customer, by the token of his card.")
@click.option("--why", required=True, help="Kept with the hold. No card numbers.")
@click.option("--until", type=click.DateTime(["%Y-%m-%d"]), help="Last day.  [default: for good]")
@session_option
@data_option
@json_option
def hold(
    *,
    reference: str,
    token: str,
    why: str,
    until: datetime | None,
    session: Path | None,
    data: Path,
    as_json: bool,
) -> None:
    """Keep all that is of a customer or of a transaction and its customer, whatever its age.

    Without --reference and --token the card number is asked for, or read from standard input. A
    supervisor or an administrator does it.

    \b
    Examples:
      telebank retention hold --why "police, letter of 23 November" --until 2027-11-30
      telebank retention hold --reference 010000004711 --why "case 2026-118"
    """
    login = need_token(data, session)
    if reference and token:
        raise click.UsageError("give --reference or --token, not both")
    body: dict[str, Any] = {"request_id": request_id(), "why": why}
    if until is not None:
        body["until"] = until.date().isoformat()
    if reference or token:
        body |= {"reference": reference, "token": token}
    else:
        body["card"] = read_card().digits
    told = call(data, "POST", HOLDS, body, login)
    if as_json:
        say_json(told)
        return
    click.echo(f"{told['hold']}: held")


@command.command()
@click.argument("hold")
@click.option("--why", required=True, help="Kept with the hold. No card numbers.")
@session_option
@data_option
@json_option
def release(hold: str, why: str, session: Path | None, data: Path, as_json: bool) -> None:
    """End a hold; a supervisor does it. What has had its time goes at the next run.

    \b
    Example:
      telebank retention release h-1a2b3c4d --why "case closed"
    """
    body = {"request_id": request_id(), "hold": hold, "why": why}
    told = call(data, "POST", RELEASE, body, need_token(data, session))
    if as_json:
        say_json(told)
        return
    click.echo(f"{told['hold']}: released")


@command.command(name="list")
@click.option("--all", "released", is_flag=True, help="Those that were released too.")
@data_option
@json_option
def list_(*, released: bool, data: Path, as_json: bool) -> None:
    """List legal holds, the newest first.

    \b
    Examples:
      telebank retention list
      telebank retention list --all --json | jq '.holds[].why'
    """
    with reading(data) as connection:
        found = holds(connection, released=released)
    if as_json:
        say_json({"holds": [_json(one) for one in found]})
        return
    show(_HOLDS, [_row(one) for one in found])


def _row(one: Hold) -> list[str]:
    until = "" if one.until is None else one.until.isoformat()
    gone = "" if one.released_at is None else f"{one.released_at:%Y-%m-%d} {one.released_by}"
    of = f"{one.kind} {one.masked or one.value}"
    return [one.id, of, until, one.placed_by, f"{one.placed_at:%Y-%m-%d %H:%M}", one.note, gone]


def _json(one: Hold) -> dict[str, Any]:
    return {
        "hold": one.id,
        "kind": one.kind,
        "value": one.value,
        "masked": one.masked,
        "why": one.note,
        "until": None if one.until is None else one.until.isoformat(),
        "placed_by": one.placed_by,
        "placed_at": one.placed_at.isoformat(),
        "released_by": one.released_by,
        "released_at": None if one.released_at is None else one.released_at.isoformat(),
        "release_why": one.release_note,
    }
