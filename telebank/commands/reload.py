"""`telebank reload`: the running node reads its files again; calls go on."""

import contextlib
import json
import os
import signal
import sys
from pathlib import Path

import click

from telebank.commands.common import EXIT_USAGE, data_option, json_option
from telebank.commands.control_client import call
from telebank.commands.staff_secrets import say_json
from telebank.commands.wiring.reloading import BY_RELEASE, PATH

TIMEOUT_S = 30.0


@click.command(name="reload")
@data_option
@json_option
def command(*, data: Path, as_json: bool) -> None:
    """Have the node read queues.yaml, retention.yaml and telebank.toml again; SIGHUP does the same.

    All files are checked first: where one cannot be used nothing is changed, and the words say
    which and why. What only a restart takes is named. A watcher reads alarms.yaml again.

    \b
    Exit code 2: a file cannot be used; everything is as it was.
    Examples:
      telebank reload
      telebank reload --json | jq .restart
    """
    try:
        told = call(data, "POST", PATH, {}, timeout_s=TIMEOUT_S)
    except click.UsageError as error:  # already this command cannot read the files
        told = {"changed": [], "restart": [], "release": False, "error": error.message}
    if not told["error"]:
        _tell_watcher(data)
    if as_json:
        say_json(told)
    elif not told["error"]:
        for name in told["changed"]:
            click.echo(f"in force: {name}")
        for name in told["restart"]:
            click.echo(f"needs a restart: {name}")
        if told["release"]:
            click.echo(f"needs a release: {BY_RELEASE}")
        if not (told["changed"] or told["restart"] or told["release"]):
            click.echo("nothing differs from what runs")
    if told["error"]:
        click.echo(f"nothing was changed: {told['error']}", err=True)
        sys.exit(EXIT_USAGE)


def _tell_watcher(data: Path) -> None:
    """It has alarms.yaml, and looks again where it runs."""
    with contextlib.suppress(FileNotFoundError, ProcessLookupError, ValueError, KeyError):
        pid = int(json.loads((data / "run" / "watch.json").read_text())["pid"])
        words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
        if b"watch" in words:  # and not another's, with the number of one that was killed
            os.kill(pid, signal.SIGHUP)
