"""`telebank audit`: the audit log for auditors: export it, verify an export, prove an entry."""

import json
import os
import sys
from datetime import UTC, datetime
from pathlib import Path

import click
from sqlalchemy import Connection

from telebank.audit import verify as verifier_file
from telebank.commands import audit_erase, audit_story
from telebank.commands.common import EXIT_FINDING, data_option, json_option
from telebank.commands.contacts import reading
from telebank.commands.events import Since
from telebank.settings import SettingsError, load_settings
from telebank.store.audit_export import (
    NoProof,
    Span,
    between,
    export_lines,
    nodes_of,
    proof_of,
    whole,
)
from telebank.store.audit_keys import next_key
from telebank.store.checkpoints import LeafMissing, keys_of
from telebank.store.errors import KeyFileError

FILE_MODE = 0o600
EACH = 500
"""Lines between two movements of the bar."""
_FILE = click.Path(path_type=Path, dir_okay=False)
_READABLE = click.Path(path_type=Path, dir_okay=False, exists=True)
_FOLDER = click.Path(path_type=Path, file_okay=False, exists=True)
node_option = click.option("--node", default="", help="Of this node alone: two digits.")


class Finding(click.ClickException):
    """Ends a command with exit code 1: what was asked for is not there, or not as it should be."""

    exit_code = EXIT_FINDING


@click.group(name="audit", context_settings={"help_option_names": ["-h", "--help"]})
def command() -> None:
    """Export the audit log, verify an export, prove one entry.

    Verifying needs public keys and anchors, nothing of the bank's: `telebank audit verifier` writes
    out the program that does it elsewhere. How an auditor goes about it is in docs/audit.md.

    \b
    Examples:
      telebank audit keys > keys.txt
      telebank audit export --all log.jsonl
      telebank audit verify log.jsonl --anchors /mnt/anchors --keys keys.txt
      telebank audit prove 4711 > entry.json
      telebank audit story 010000000017
    """


command.add_command(audit_story.command)
command.add_command(audit_erase.erase)


@command.command()
@click.option("--all", "everything", is_flag=True, help="The whole log, from the first entry on.")
@click.option("--from", "since", type=Since(), help="From this UTC time on, or: 30m, 2h, 7d ago.")
@click.option("--to", "until", type=Since(), help="Before this time.  [default: now]")
@click.option("--without-personal", is_flag=True, help="Leave out masked names and numbers.")
@click.argument("file", type=_FILE)
@node_option
@data_option
@json_option
def export(
    *,
    everything: bool,
    since: datetime | None,
    until: datetime | None,
    without_personal: bool,
    file: Path,
    node: str,
    data: Path,
    as_json: bool,
) -> None:
    """Write the log into one new FILE (mode 0600), for `telebank audit verify`.

    A part of the log (--from, --to) is verified with --part, and proves nothing of what lies
    outside it.

    \b
    Examples:
      telebank audit export --all log.jsonl
      telebank audit export --from 2026-11-01 --to 2026-12-01 --without-personal november.jsonl
    """
    if everything == (since is not None) or (until is not None and since is None):
        raise click.UsageError("give --all, or --from and, where it is not now, --to")
    with reading(data) as connection:
        nodes = _nodes(connection, node)
        now = datetime.now(UTC)
        spans = [
            between(connection, each, since, until or now) if since else whole(connection, each)
            for each in nodes
        ]
        spans = [span for span in spans if span.count]
        if not spans:
            raise Finding("there are no entries then")
        try:
            _write(connection, file, spans, now, personal=not without_personal)
        except LeafMissing as error:
            raise Finding(f"{error}: export the whole log, --all, and verify that") from error
    told = [{"node": one.node, "first": one.first, "last": one.last} for one in spans]
    if as_json:
        click.echo(json.dumps({"file": str(file), "logs": told}))
        return
    for one in spans:
        click.echo(f"node {one.node}: entries {one.first} to {one.last}")


@command.command()
@click.argument("file", type=_READABLE)
@click.option("--anchors", type=_FOLDER, help="Directory of copied checkpoints.")
@click.option("--keys", type=_READABLE, multiple=True, required=True, help="Public keys.")
@click.option("--part", is_flag=True, help="The export is known to be of a part of the log.")
@json_option
def verify(
    file: Path, anchors: Path | None, keys: tuple[Path, ...], part: bool, as_json: bool
) -> None:
    """Verify an export or a proof with anchors and public keys alone.

    Exit code 0: all is as it was written. 1: it is not; the first bad entry and the last good
    anchor are named. The same program as `telebank audit verifier` writes out.

    \b
    Examples:
      telebank audit verify log.jsonl --anchors /mnt/anchors --keys keys.txt
      telebank audit verify entry.json --anchors /mnt/anchors --keys keys.txt --json
    """
    words = [str(file)]
    words += [] if anchors is None else ["--anchors", str(anchors)]
    words += [word for each in keys for word in ("--keys", str(each))]
    words += ["--part"] * part + ["--json"] * as_json
    sys.exit(verifier_file.main(words))


@command.command()
def verifier() -> None:
    """Write out the verifier: one Python file that needs `cryptography` alone.

    \b
    Example:
      telebank audit verifier > verify.py
    """
    click.echo(Path(verifier_file.__file__).read_text(encoding="utf-8"), nl=False)


@command.command()
@click.argument("sequence", type=click.IntRange(1))
@node_option
@data_option
def prove(sequence: int, node: str, data: Path) -> None:
    """Print the proof that entry number SEQUENCE stands in the log: a few hundred bytes of JSON.

    \b
    Examples:
      telebank audit prove 4711 > entry.json
      telebank audit prove 4711 --node 02
    """
    with reading(data) as connection:
        nodes = _nodes(connection, node or _own_node(data))
        try:
            proof = proof_of(connection, nodes[0], sequence)
        except (NoProof, LeafMissing) as error:
            raise Finding(str(error)) from error
    click.echo(json.dumps(proof, ensure_ascii=False))


@command.command()
@node_option
@data_option
@json_option
def keys(node: str, data: Path, as_json: bool) -> None:
    """Print the public keys: note them down when a node is installed, and keep them elsewhere.

    \b
    Example:
      telebank audit keys > keys.txt
    """
    with reading(data) as connection:
        found = [
            {"node": each, "number": key.number, "public": key.public}
            for each in _nodes(connection, node)
            for key in keys_of(connection, each)
        ]
    if as_json:
        click.echo(json.dumps(found))
        return
    for one in found:
        click.echo(f"# node {one['node']}, key {one['number']}\n{one['public']}")


@command.command()
@data_option
@json_option
def rotate(data: Path, as_json: bool) -> None:
    """Make this node's next key. It signs from the node's next checkpoint on, and the key before
    signs that it does: nothing changes for auditors.

    \b
    Example:
      telebank audit rotate
    """
    try:
        key = next_key(data / "keys", _own_node(data))
    except KeyFileError as error:
        raise click.UsageError(str(error)) from error
    if as_json:
        click.echo(json.dumps({"number": key.number, "public": key.public.text}))
    else:
        click.echo(f"key {key.number}: {key.public.text}")


def _nodes(connection: Connection, node: str) -> list[str]:
    found = nodes_of(connection)
    if node and node not in found:
        raise click.UsageError(f"node {node!r} has no entries; nodes are {', '.join(found)}")
    return [node] if node else found


def _own_node(data: Path) -> str:
    try:
        return load_settings(data).node.id
    except SettingsError as error:
        raise click.UsageError(str(error)) from error


def _write(
    connection: Connection, file: Path, spans: list[Span], at: datetime, *, personal: bool
) -> None:
    """Whole or not at all: the lines go into a file beside it, which is then renamed."""
    if file.exists():
        raise click.UsageError(f"{file} is there already: give a new name")
    part = file.with_name(f"{file.name}.part")
    try:
        opened = os.open(part, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, FILE_MODE)
    except OSError as error:
        raise click.UsageError(f"cannot write {part}: {error.strerror}") from error
    bar = click.progressbar(
        length=sum(span.count for span in spans), label="entries", file=sys.stderr
    )
    try:
        with os.fdopen(opened, "wb") as out, bar as moving:
            for number, line in enumerate(export_lines(connection, spans, at, personal=personal)):
                out.write(line)
                if number % EACH == EACH - 1:
                    moving.update(EACH)
            out.flush()
            os.fsync(out.fileno())
        part.replace(file)
    except OSError as error:
        raise click.UsageError(f"cannot write {file}: {error.strerror}") from error
    finally:
        part.unlink(missing_ok=True)
