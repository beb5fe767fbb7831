"""`telebank watch`: SNMP, metrics and health of the node beside it, in a process of its own.

Nothing here can hold a call up: it asks the node once a look, and reads the store.
"""

import asyncio
import contextlib
import json
import os
import resource
import signal
import time
from collections.abc import AsyncIterator, Coroutine, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
import structlog
import uvloop

from telebank import __version__
from telebank.commands.common import Unreachable, data_option
from telebank.ops.alarms import Alarms, Rule
from telebank.ops.alarms_file import FILE, AlarmsError, load_rules, raised_before
from telebank.ops.alarms_telling import AlarmTeller
from telebank.ops.logs import set_up_logs
from telebank.ops.metrics_server import MetricsServer
from telebank.ops.metrics_source import Place, Source
from telebank.ops.metrics_store import events_of, last_sequence
from telebank.ops.ports import holder_of
from telebank.ops.snmp.agent import SnmpAgent, know_people, start_engine
from telebank.ops.snmp.identity import next_start
from telebank.ops.snmp.instances import Agent, View, view
from telebank.ops.snmp.notices import KINDS, Told
from telebank.ops.snmp.options import SnmpSecretError, read_secrets
from telebank.ops.snmp.sinks import Cursors, Log, Sender, Sink
from telebank.settings import Settings, SettingsError, Table, load_settings, seed_dir, store_url
from telebank.store.errors import KeyFileError
from telebank.store.eventlog import LoggedEvent

log = structlog.get_logger("telebank.watch")


@click.command(name="watch")
@data_option
@click.option("--metrics", help="As [metrics] listen: TCP address:port (port 0: any).")
@click.option("--snmp", help="As [snmp] listen: UDP address:port (port 0: any).")
@click.option("--log-level", default="info", type=click.Choice(["debug", "info", "warning"]))
def command(*, data: Path, metrics: str | None, snmp: str | None, log_level: str) -> None:
    """Serve /metrics, /livez, /readyz and SNMP of the node at --data, until SIGTERM or Ctrl-C.

    The node may come and go meanwhile. SNMP is off until [snmp] has a user or a community.

    \b
    Examples:
      telebank watch --data /srv/bank
      telebank watch --metrics 127.0.0.1:0 --snmp 127.0.0.1:0
    """
    set_up_logs(log_level)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))  # passphrases are in memory
    given: dict[str, Table] = {}
    if metrics is not None:
        given["metrics"] = {"listen": metrics}
    if snmp is not None:
        given["snmp"] = {"listen": snmp}
    try:
        settings = load_settings(data, given)
        place = Place(
            data,
            data / settings.node.control,
            settings.node.id,
            store_url(data, settings),
        )
        uvloop.run(serve(settings, place))
    except (SettingsError, KeyFileError, SnmpSecretError, AlarmsError) as error:
        raise click.UsageError(str(error)) from error
    except OSError as error:
        raise Unreachable(f"cannot use {error.filename or data}: {error.strerror}") from error


async def serve(settings: Settings, place: Place) -> None:
    """Until SIGTERM or SIGINT."""
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    async with running(settings, place) as (said, tasks):
        ready = place.data / "run" / "watch.json"
        ready.parent.mkdir(parents=True, exist_ok=True)
        temporary = ready.with_suffix(".new")
        temporary.write_text(json.dumps({**said, "pid": os.getpid()}))
        temporary.replace(ready)
        stopped = asyncio.ensure_future(stop.wait())
        either: set[asyncio.Future[Any]] = {stopped, tasks.failed}
        await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
        stopped.cancel()
        ready.unlink(missing_ok=True)
        if tasks.failed.done():
            tasks.failed.result()


@contextlib.asynccontextmanager
async def running(
    settings: Settings, place: Place
) -> AsyncIterator[tuple[dict[str, str], "_Tasks"]]:
    """All of it; where it listens, and the work that goes on."""
    source = Source(place, settings.metrics.every_s)
    async with contextlib.AsyncExitStack() as stack:
        stack.callback(source.close)
        await source.look()
        server = MetricsServer(settings.metrics.listen, lambda: source.seen)
        stack.push_async_callback(server.close)
        with _bound("tcp", settings.metrics.listen, "--metrics"):
            await server.start()
        tasks = await stack.enter_async_context(_Tasks())
        said = {"listen": server.listens}
        sinks: list[Sink] = []
        if settings.snmp.used:
            said["snmp"], sinks = _open_snmp(settings, place, source, stack)
        for sink in sinks:
            tasks.begin(sink.run(settings.metrics.every_s))
        teller = _alarms(place, sinks)
        source.judge = teller.judge
        _on_hangup(place, teller, stack)
        tasks.begin(teller.run())
        tasks.begin(source.run())
        yield said, tasks


class _Tasks:
    """Work that goes on until the end; where one fails, `failed` has why, and the process ends: a
    watcher that is half there would be believed."""

    def __init__(self) -> None:
        self._all: set[asyncio.Task[None]] = set()
        self.failed: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def begin(self, work: Coroutine[Any, Any, None]) -> None:
        """Let it run."""
        task = asyncio.get_running_loop().create_task(work)
        self._all.add(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        error = None if task.cancelled() else task.exception()
        if error is not None and not self.failed.done():
            self.failed.set_exception(error)

    async def __aenter__(self) -> "_Tasks":
        return self

    async def __aexit__(self, *_: object) -> None:
        for task in self._all:
            task.cancel()
        await asyncio.gather(*self._all, return_exceptions=True)


@dataclass(slots=True)
class _Seen:
    """The tree of the last look, made once for all who ask."""

    source: Source
    agent: Agent
    began: float
    _of: object = None
    _view: View | None = None

    def view(self) -> View:
        """Of the last look."""
        seen = self.source.seen
        if self._view is None or self._of is not seen:
            up = Agent(self.agent.description, self.agent.name, time.monotonic() - self.began)
            self._of, self._view = seen, view(seen, up)
        return self._view


def _rules(place: Place) -> Sequence[Rule]:
    own = place.data / "config" / FILE
    return load_rules(own if own.exists() else seed_dir() / FILE)


def _on_hangup(place: Place, teller: AlarmTeller, stack: contextlib.AsyncExitStack) -> None:
    """SIGHUP: read alarms.yaml again; one that cannot be used changes nothing."""

    def hung_up() -> None:
        try:
            teller.use(_rules(place))
        except (AlarmsError, OSError) as error:
            log.error("alarms.not_reloaded", error=str(error))
        else:
            log.info("alarms.reloaded")

    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGHUP, hung_up)
    stack.callback(loop.remove_signal_handler, signal.SIGHUP)


def _alarms(place: Place, sinks: Sequence[Sink]) -> AlarmTeller:
    kept = place.data / "run" / "alarms.json"
    alarms = Alarms(_rules(place), raised_before(kept))

    def beside(told: Told) -> None:
        for sink in sinks:
            sink.beside.append(told)

    return AlarmTeller(alarms, place.node, place.control, kept, beside)


def _open_snmp(
    settings: Settings, place: Place, source: Source, stack: contextlib.AsyncExitStack
) -> tuple[str, list[Sink]]:
    options = settings.snmp
    secrets = read_secrets(options, place.data / "keys")
    engine = start_engine(next_start(place.data / "snmp" / "engine.json"))
    know_people(engine, options, secrets)
    what = f"telebank {__version__}, node {place.node}"
    seen = _Seen(source, Agent(what, f"node {place.node}"), time.monotonic())
    agent = SnmpAgent(engine, options, seen.view)
    with _bound("udp", options.listen, "--snmp"):
        agent.open()
    stack.callback(agent.close)
    sender = Sender(engine, options, secrets, lambda: time.monotonic() - seen.began)
    sender.open()
    cursors = Cursors(place.data / "snmp" / "cursors.json")
    log = Log(
        lambda: _last(source, place),
        lambda after, last, most: _between(source, place, (after, last), most),
    )
    sinks: list[Sink] = []
    for number, name in enumerate(options.sinks):

        async def send(told: Told, number: int = number) -> bool:
            return await sender.send(number, told)

        sinks.append(Sink(name, send, log, cursors, options))
    return agent.listens, sinks


def _last(source: Source, place: Place) -> int:
    with source.engine().connect() as connection:
        return last_sequence(connection, place.node)


def _between(source: Source, place: Place, span: tuple[int, int], most: int) -> list[LoggedEvent]:
    with source.engine().connect() as connection:
        return events_of(connection, place.node, span, KINDS, most)


@contextlib.contextmanager
def _bound(kind: str, listen: str, option: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        port = listen.rpartition(":")[2]
        holder = holder_of(int(port), "udp" if kind == "udp" else "tcp") if int(port) else None
        why = f"is taken by {holder}" if holder is not None else f"cannot be used: {error.strerror}"
        raise Unreachable(
            f"{kind.upper()} {listen} {why}; stop it or choose another with {option}"
        ) from error
