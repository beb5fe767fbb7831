"""`telebank restore`: an archive of `telebank backup` into an empty folder."""

import sys
from pathlib import Path

import click

from telebank.commands.backup import Finding, passphrase_option, say_manifest
from telebank.commands.common import json_option
from telebank.commands.staff_secrets import password
from telebank.ops.backup.manifest import BackupError, Damaged
from telebank.ops.backup.restoring import restore
from telebank.store.migrate import known_revisions

NEXT = """\
before this node takes calls:
  the node that was backed up must not run any more
  DATA/keys as above, unless they were in the archive
  raise the counters past what was given out since, and reconcile each day since (docs/store.md)
  give [audit] anchors a new directory, and keep the old one (docs/audit.md)"""


@click.command(name="restore", context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False, exists=True))
@click.option(
    "--data",
    type=click.Path(path_type=Path, file_okay=False),
    required=True,
    help="The folder to put it into: new or empty.",
)
@click.option("--without-keys", is_flag=True, help="Leave the archive's keys where they are.")
@passphrase_option
@json_option
def command(
    *, file: Path, data: Path, without_keys: bool, passphrase_file: Path | None, as_json: bool
) -> None:
    """Put an archive back into an empty folder, and say what is to be done before it takes calls.

    All of it is compared with its SHA-256 first; a damaged archive, one with tables newer than this
    program's, or one that has files which lead out of the folder is put back not at all.

    \b
    Examples:
      telebank restore /mnt/backup/bank-2026-11-23.tar --data /srv/telebank
      telebank restore /mnt/safe/keys.tar --data /srv/telebank --passphrase-file ~/backup.txt
    """
    if without_keys and passphrase_file is not None:
        raise click.UsageError("--without-keys needs no --passphrase-file")

    def ask() -> str:
        click.echo(err=True)  # below the bar
        return password(passphrase_file, confirm=False, what="Passphrase of the keys")

    # Compared before anything is written, and again as it is written.
    bar = click.progressbar(length=2 * file.stat().st_size, label="restore", file=sys.stderr)
    try:
        with bar as moving:
            asked = None if without_keys else ask
            manifest = restore(file, data, known_revisions(), asked, moving.update)
    except Damaged as error:
        raise Finding(f"{error}; nothing was put back") from error
    except BackupError as error:
        raise click.UsageError(str(error)) from error
    say_manifest(file, manifest, as_json=as_json)
    if manifest.database != "sqlite":
        click.echo("the database is PostgreSQL: put its own copy back with pg_restore", err=True)
    click.echo(NEXT, err=True)
