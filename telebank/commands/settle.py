"""`telebank settle`: ends what a dead node left open, without taking its calls."""

import asyncio
import contextlib
import dataclasses
import json
import resource
import signal
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import click
import uvloop

from core_adapters.hsm.errors import ModuleAwayError
from telebank.commands.common import (
    EXIT_FINDING,
    EXIT_UNREACHABLE,
    Unreachable,
    data_option,
    json_option,
)
from telebank.commands.serve import UNUSABLE, at_host_port
from telebank.commands.wiring.settling import (
    Settled,
    Settling,
    Task,
    check_silent,
    find_node,
    watch,
)
from telebank.ops.logs import set_up_logs
from telebank.settings import SILENT_BEATS, Settings, store_url
from telebank.store.clock import from_us
from telebank.store.errors import LeaseMoved, StoreMissing, StoreUnavailable
from telebank.store.holder import certainly_gone
from telebank.store.succession import Neighbour, Seen
from transactions.ports import LeaseLost

SILENT_S = 120.0
"""Silence that makes a node dead for a person, where the watch is off."""


def seen_lease(text: str) -> Seen:
    """Read `EPOCH:MICROSECONDS`, a lease as it was seen; raises `ValueError`."""
    epoch, _, heartbeat = text.partition(":")
    return Seen(int(epoch), from_us(int(heartbeat)))


@click.command(name="settle")
@click.argument("node")
@data_option
@click.option(
    "--within",
    type=click.FloatRange(1, 86_400),
    default=300.0,
    show_default=True,
    help="Seconds after which what is still open stays open.",
)
@click.option("--host-port", type=click.IntRange(1, 65_535), help="TCP port of the core host.")
@click.option("--seen", type=seen_lease, hidden=True, help="Only where the lease is still so.")
@click.option("--while-stdin", is_flag=True, hidden=True, help="Stop when standard input ends.")
@click.option("--log-level", default="warning", type=click.Choice(["debug", "info", "warning"]))
@json_option
def command(
    node: str,
    data: Path,
    within: float,
    host_port: int | None,
    seen: Seen | None,
    while_stdin: bool,
    log_level: str,
    as_json: bool,
) -> None:
    """Settle the open rows of NODE, which died: reversals, loss reports, what is in doubt.

    DATA is the folder of a living node, which may run; NODE's own machine is not needed. It takes
    NODE's lease (its old process can send nothing from then on), links to the host with NODE's
    terminal and STANs, takes no calls, and gives the lease back. Exit code 0: nothing is open that
    a machine can settle; 1: rows are left; 3: the host did not answer, or NODE is alive.

    \b
    Examples:
      telebank settle 02 --data /srv/bank
      telebank settle 02 --within 60 --json
    """
    set_up_logs(log_level)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))  # keys are in memory
    with _exit_codes(node, data):
        settings = at_host_port(data, host_port)
        task = _task(data, settings, node, seen, within)
        url = store_url(data, settings)
        work = Settling(settings, url, data, task, Progress(), asyncio.Event())
        ended = uvloop.run(_run(work, while_stdin=while_stdin))
    _report(ended, as_json=as_json)


@contextlib.contextmanager
def _exit_codes(node: str, data: Path) -> Iterator[None]:
    """What went wrong as exit codes, with what to do."""
    try:
        yield
    except (LeaseMoved, ModuleAwayError) as error:
        raise Unreachable(str(error)) from error
    except UNUSABLE as error:
        raise click.UsageError(str(error)) from error
    except LeaseLost as error:
        why = f"node {node} was taken by another process, which settles what is left: {error}"
        raise Unreachable(why) from error
    except (StoreUnavailable, StoreMissing) as error:
        raise Unreachable(str(error)) from error
    except OSError as error:
        raise Unreachable(f"cannot use {error.filename or data}: {error.strerror}") from error


def _task(data: Path, settings: Settings, node: str, seen: Seen | None, within_s: float) -> Task:
    """Whom to settle; where nobody says how the lease was seen, it is watched from here."""
    url = store_url(data, settings)
    found = find_node(url, node)
    if seen is None:
        silent_s = settings.node.settle_others_after_s or SILENT_S
        age = (datetime.now(UTC) - found.seen.heartbeat).total_seconds()
        check_silent(found, silent_s, age)
        if not certainly_gone(found.holder):
            watch_s = min(SILENT_BEATS * settings.store.heartbeat_s, silent_s)
            click.echo(f"node {node}: watching its lease for {watch_s:g} s", err=True)
            watch(url, found, watch_s)
    return Task(found, seen or found.seen, settings.node.id, within_s)


class Progress:
    """A line on standard error whenever what is open, or the host, changes."""

    def __init__(self) -> None:
        self._last = ""

    def __call__(self, found: Neighbour, host_up: bool) -> None:
        host = "up" if host_up else "away"
        line = f"node {found.node}: {found.open} open, {found.manual} for people, host {host}"
        if line != self._last:
            click.echo(line, err=True)
            self._last = line


async def _run(work: Settling, *, while_stdin: bool) -> Settled:
    """Settle until SIGTERM or Ctrl-C, or, of a child process, until its parent is gone."""
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, work.stop.set)
    if while_stdin:
        loop.add_reader(sys.stdin.fileno(), work.stop.set)  # nothing is ever written to it
    try:
        return await work.run()
    finally:
        if while_stdin:
            loop.remove_reader(sys.stdin.fileno())


def _report(ended: Settled, *, as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps(dataclasses.asdict(ended)))
    else:
        people = f", {ended.manual} wait for two people" if ended.manual else ""
        click.echo(f"node {ended.node}: {ended.settled} settled, {ended.left} left{people}")
    if not ended.left:
        return
    if not as_json:
        why = "give it more time" if ended.host_up else "the host does not answer"
        click.echo(f"{why}; `telebank host unknown` lists them", err=True)
    sys.exit(EXIT_FINDING if ended.host_up else EXIT_UNREACHABLE)
