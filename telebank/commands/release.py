"""`telebank release`: what was in force when, as the store keeps it, and what people do to it."""

import difflib
import json
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from typing import Any, NoReturn

import click
from click.shell_completion import CompletionItem
from rich.console import Console
from rich.table import Table
from rich.text import Text
from sqlalchemy import Connection
from sqlalchemy.exc import SQLAlchemyError

from telebank.commands.approval import check_note
from telebank.commands.common import (
    DEFAULT_DATA,
    EXIT_FINDING,
    Unreachable,
    data_option,
    json_option,
)
from telebank.commands.control_client import (
    TIMEOUT_S,
    ControlRefused,
    call,
    need_token,
    request_id,
    session_option,
)
from telebank.flow.release import hash_of, release_files
from telebank.settings import SettingsError, effective_config, store_url
from telebank.store.engine import open_read_only
from telebank.store.errors import KeyFileError, StoreMissing
from telebank.store.release_views import ReleaseRow, find_release, read_files, releases
from telebank.store.releases import ACT, SHORT, ReleaseError, changes

MAX_LISTED = 1_000
PUBLISH_S = 120.0
"""Longest time until a node has taken a release, in seconds."""
FOLDER = click.Path(path_type=Path, file_okay=False, exists=True)

note_option = click.option("--note", required=True, help="Why, in a few words.")


def complete_release(
    ctx: click.Context, _param: click.Parameter, incomplete: str
) -> list[CompletionItem]:
    """Hashes of the releases of the data folder, and `current`, for the shell."""
    data = ctx.params.get("data") or Path("var")
    try:
        with closing(_open(data)) as connection:
            rows = releases(connection, MAX_LISTED)
    except click.ClickException:
        return []
    found = [CompletionItem("current", help="what is in force")]
    found += [CompletionItem(row.hash[:SHORT], help=row.note or row.made_by) for row in rows]
    return [item for item in found if item.value.startswith(incomplete)]


def complete_proposed(
    ctx: click.Context, _param: click.Parameter, incomplete: str
) -> list[CompletionItem]:
    """Hashes of the releases that wait for a second person, for the shell."""
    try:
        with closing(_open(ctx.params.get("data") or DEFAULT_DATA)) as connection:
            rows = [row for row in releases(connection, MAX_LISTED) if row.proposed_by]
    except (click.ClickException, SQLAlchemyError):
        return []
    found = [CompletionItem(row.hash[:SHORT], help=row.note or row.proposed_by) for row in rows]
    return [item for item in found if item.value.startswith(incomplete)]


@click.group(name="release")
def command() -> None:
    """Releases: flows, texts, services, host profiles, hours and recordings, put in force together.

    One person proposes a folder, another approves its hash; new calls get it, live ones keep theirs
    to the end. One supervisor takes it back, with an alarm.

    \b
    Examples:
      telebank release export current ./gas     then edit the files in ./gas
      telebank release check ./gas
      telebank release propose ./gas --note "gas bills, as the contract of May says"
      telebank release diff current 3fb1c0de
      telebank release approve 3fb1c0de --note "read and heard"
      telebank release rollback --note "callers hear no amounts"
    """


@command.command(name="list")
@data_option
@click.option(
    "--limit",
    type=click.IntRange(1, MAX_LISTED),
    default=20,
    show_default=True,
    help="How many, newest first.",
)
@json_option
def list_(data: Path, limit: int, as_json: bool) -> None:
    """List releases, newest first: which is in force, which are proposed, and by whom made.

    \b
    Example:
      telebank release list --data var
    """
    with closing(_open(data)) as connection:
        found = releases(connection, limit)
    if as_json:
        click.echo(json.dumps([_plain(row) for row in found]))
        return
    table = Table(box=None, padding=(0, 1, 0, 0), pad_edge=False, header_style="bold")
    for name in ("release", "made (UTC)", "by", "publications", ""):
        table.add_column(name, no_wrap=True)
    for row in found:
        numbers = ", ".join(map(str, row.published))
        waits = f"proposed by {row.proposed_by}" if row.proposed_by else ""
        force = "in force" if row.in_force else waits
        cells = (row.hash[:SHORT], f"{row.made_at:%Y-%m-%d %H:%M:%S}", row.made_by, numbers, force)
        table.add_row(*map(Text, cells))
    Console().print(table if found else "no releases yet")


def _plain(row: ReleaseRow) -> dict[str, object]:
    return {
        "release": row.hash,
        "made_at": row.made_at.isoformat(),
        "made_by": row.made_by,
        "note": row.note,
        "publications": list(row.published),
        "in_force": row.in_force,
        "proposed_by": row.proposed_by,
    }


@command.command()
@data_option
@json_option
@click.argument("release", shell_complete=complete_release)
@click.argument("file", required=False)
def show(data: Path, as_json: bool, release: str, file: str | None) -> None:
    """List the files of RELEASE (the beginning of its hash, or `current`), or print one FILE.

    \b
    Examples:
      telebank release show current
      telebank release show 3fb1c0de hosts/tb87.yaml
    """
    name, files = _files(data, release)
    if file is not None:
        if file not in files:
            _finding(f"release {name[:SHORT]} has no file {file}")
        click.echo(files[file].decode("utf-8", "replace"), nl=False)
    elif as_json:
        sizes = {path: len(content) for path, content in files.items()}
        click.echo(json.dumps({"release": name, "files": sizes}))
    else:
        click.echo(f"release {name}")
        for path, content in files.items():
            click.echo(f"{len(content):>9}  {path}")


@command.command()
@data_option
@json_option
@click.argument("a", shell_complete=complete_release)
@click.argument("b", shell_complete=complete_release)
def diff(data: Path, as_json: bool, a: str, b: str) -> None:
    """Show what changed from release A to release B; exit 1 where anything did.

    \b
    Example:
      telebank release diff 3fb1c0de current
    """
    (first, old), (second, new) = _files(data, a), _files(data, b)
    found = dict(changes(old, new))
    if as_json:
        click.echo(json.dumps({"from": first, "to": second, "files": found}))
    else:
        for path, what in found.items():
            click.secho(f"{path}: {what}", bold=True)
            click.echo(_unified(path, old, new), nl=False)
    if found:
        raise click.exceptions.Exit(EXIT_FINDING)


def _unified(path: str, old: Mapping[str, bytes], new: Mapping[str, bytes]) -> str:
    before, after = (
        side.get(path, b"").decode("utf-8", "replace").splitlines(keepends=True)
        for side in (old, new)
    )
    return "".join(difflib.unified_diff(before, after, f"a/{path}", f"b/{path}"))


@command.command()
@data_option
@click.argument("release", shell_complete=complete_release)
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False))
def export(data: Path, release: str, folder: Path) -> None:
    """Write the files of RELEASE into FOLDER, which must be new or empty: to edit and propose.

    \b
    Example:
      telebank release export current ./gas
    """
    name, files = _files(data, release)
    if folder.exists() and any(folder.iterdir()):
        raise click.UsageError(f"{folder} is not empty; name a new folder")
    for path, content in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(content)
    click.echo(f"release {name}: {len(files)} files in {folder}")


@command.command()
@click.argument("folder", required=False, type=FOLDER)
@data_option
@json_option
def check(folder: Path | None, data: Path, as_json: bool) -> None:
    """Find all that is wrong with FOLDER as a release of this bank; nothing is stored.

    As `flow check` and `host check`, and: hours, limits, and recordings that the texts need. FOLDER
    is a whole release; without it, DATA/config laid over the shipped one.

    \b
    Exit code 0: nothing found; 1: findings, one a line.
    Examples:
      telebank release check ./gas
      telebank release check ./gas --data /srv/bank --json
    """
    from telebank.commands.wiring.release_check import findings

    folder = folder or effective_config(data)
    found = findings(folder, data)
    if as_json:
        release = hash_of(release_files(folder))
        click.echo(json.dumps({"release": release, "findings": found}, ensure_ascii=False))
    else:
        for line in found:
            click.echo(line)
        click.echo(f"{len(found)} findings" if found else "no findings")
    raise SystemExit(EXIT_FINDING if found else 0)


@command.command()
@click.argument("folder", required=False, type=FOLDER)
@note_option
@session_option
@data_option
@json_option
def propose(
    folder: Path | None, note: str, session: Path | None, data: Path, as_json: bool
) -> None:
    """Propose FOLDER, a whole release, to be put in force (IT or an administrator).

    The node checks it first: with findings nothing is stored. Without FOLDER, DATA/config laid over
    the shipped one is proposed.

    \b
    Examples:
      telebank release propose ./gas --note "gas bills, as the contract of May says"
      telebank release propose --note "new hours"
    """
    from telebank.commands.wiring.release_check import CHECK_S, stage, unstage

    check_note(note)
    token, files = need_token(data, session), release_files(folder or effective_config(data))
    release = hash_of(files)
    try:
        stage(data, files)
        body = {"request_id": request_id(), "note": note}
        path = f"/v1/releases/{release}/propose"
        answer = call(data, "POST", path, body, token, CHECK_S + TIMEOUT_S)
    except ReleaseError as error:
        _finding(str(error))
    except ControlRefused as error:
        for line in error.body.get("findings", ()):
            click.echo(line, err=as_json)
        raise
    finally:
        unstage(data, release)
    if as_json:
        click.echo(json.dumps({"release": release, **answer}, ensure_ascii=False))
        return
    until = answer["approval"]["expires_at"][:16].replace("T", " ")
    click.echo(
        f"proposed: release {release}; see `telebank release diff current {release[:SHORT]}`"
    )
    click.echo(
        f"{answer['next']}, before {until} UTC: `telebank release approve {release[:SHORT]}`"
    )


@command.command()
@click.argument("release", shell_complete=complete_proposed)
@click.option("--note", default="", help="What you looked at.")
@session_option
@data_option
@json_option
def approve(release: str, note: str, session: Path | None, data: Path, as_json: bool) -> None:
    """Approve what somebody else proposed: RELEASE is in force at once (a supervisor).

    \b
    Example:
      telebank release approve 3fb1c0de --note "read and heard"
    """
    name, _ = _files(data, release)
    if note:
        check_note(note)
    body = {"request_id": request_id(), "note": note}
    path, token = f"/v1/releases/{name}/approve", need_token(data, session)
    answer = call(data, "POST", path, body, token, PUBLISH_S)
    _say(data, answer, "is in force", as_json)


@command.command()
@click.argument("release", shell_complete=complete_proposed)
@note_option
@session_option
@data_option
@json_option
def reject(release: str, note: str, session: Path | None, data: Path, as_json: bool) -> None:
    """Refuse a proposed RELEASE (a supervisor), or withdraw one's own.

    \b
    Example:
      telebank release reject 3fb1c0de --note "the menu says gas twice"
    """
    name, _ = _files(data, release)
    check_note(note)
    token = need_token(data, session)
    waiting = call(data, "GET", "/v1/approvals?state=pending", token=token)["approvals"]
    ids = [one["id"] for one in waiting if (one["act"], one["object"]) == (ACT, name)]
    if not ids:
        _finding(f"release {name[:SHORT]} is not proposed; `telebank release list` shows what is")
    body = {"request_id": request_id(), "note": note}
    answer = call(data, "POST", f"/v1/approvals/{ids[0]}/refuse", body, token)
    if as_json:
        click.echo(json.dumps(answer, ensure_ascii=False))
    else:
        click.echo(f"release {name[:SHORT]}: {answer['state']}")


@command.command()
@click.argument("release", required=False, shell_complete=complete_release)
@note_option
@session_option
@data_option
@json_option
def rollback(
    release: str | None, note: str, session: Path | None, data: Path, as_json: bool
) -> None:
    """Put in force what was just before, at once (a supervisor alone; an alarm says so).

    One step, from a publication by two people at most 72 hours old. RELEASE, where it is given,
    must be what was in force just before. Any other release is proposed and approved: export it by
    its hash, and propose the folder. Calls that are up keep what they have (`telebank calls`).

    \b
    Examples:
      telebank release rollback --note "callers hear no amounts"
      telebank release export 9d2e55aa ./old && telebank release propose ./old --note "as in May"
    """
    name = _files(data, release)[0] if release else ""
    check_note(note)
    body = {"request_id": request_id(), "note": note, "release": name}
    path, token = "/v1/releases/rollback", need_token(data, session)
    answer = call(data, "POST", path, body, token, PUBLISH_S)
    _say(data, answer, "is in force again", as_json)


@command.command()
@data_option
@json_option
def status(data: Path, as_json: bool) -> None:
    """What is in force at the running node, and how many live calls have which release.

    \b
    Example:
      telebank release status
    """
    answer = call(data, "GET", "/v1/releases")
    if as_json:
        click.echo(json.dumps(answer, ensure_ascii=False))
        return
    number, by = answer["publication"], answer["by"]
    click.echo(f"in force   {answer['release']}  (publication {number}, by {by})")
    if answer["why"]:
        click.echo(f"new calls  {answer['new_calls']}  ({answer['why']})")
    for name, calls in answer["calls"].items():
        click.echo(f"{calls:>5} live  {name}")


def _say(data: Path, answer: Mapping[str, Any], words: str, as_json: bool) -> None:
    standing = call(data, "GET", "/v1/releases")
    if as_json:
        click.echo(json.dumps({**answer, "why": standing["why"]}, ensure_ascii=False))
        return
    name = answer["release"]
    click.echo(f"release {name[:SHORT]} {words} (publication {answer['publication']})")
    if standing["why"]:
        click.echo(f"this node takes it by a restart: {standing['why']}")


def _open(data: Path) -> Connection:
    try:
        return open_read_only(store_url(data)).connect()
    except (SettingsError, KeyFileError) as error:
        raise click.UsageError(str(error)) from error
    except StoreMissing as error:
        raise Unreachable(str(error)) from error


def _files(data: Path, name: str) -> tuple[str, dict[str, bytes]]:
    with closing(_open(data)) as connection:
        try:
            release = find_release(connection, name)
        except ReleaseError as error:
            _finding(str(error))
        return release, read_files(connection, release)


def _finding(text: str) -> NoReturn:
    click.echo(text, err=True)
    raise click.exceptions.Exit(EXIT_FINDING)
