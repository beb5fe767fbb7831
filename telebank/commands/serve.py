"""`telebank serve`: wires one voice node and runs it until it is told to stop."""

import asyncio
import contextlib
import json
import os
import signal
from collections.abc import AsyncIterator, Coroutine
from dataclasses import dataclass
from pathlib import Path

import click
import structlog
import uvloop

from core_adapters.iso8583.host import Alarm, HostEvents, Iso8583Host, LateReply
from core_adapters.iso8583.keys import HostKeys
from core_adapters.iso8583.options import Iso8583Options
from core_adapters.iso8583.profile_load import load_profile
from telebank.calls.control import ControlServer
from telebank.calls.node import NodeParts, VoiceNode
from telebank.commands.common import Unreachable, data_option
from telebank.flow.load import load_release
from telebank.media.client import MediaWorkers
from telebank.ops.clock import SystemClock
from telebank.ops.logs import set_up_logs
from telebank.ops.ports import holder_of
from telebank.settings import (
    Settings,
    SettingsError,
    config_file,
    load_settings,
    packs_dir,
    read_options,
    seed_dir,
)
from telebank.store.sealing import Keyring
from telebank.store.store import Store
from transactions.contract import Contracts
from transactions.journal import JournalEvent
from transactions.outcome import Outcome
from transactions.processor import Processor
from voice_prompts.bank import Bank, build_bank
from voice_prompts.catalogue import Catalogue
from voice_prompts.speaker import Speaker

log = structlog.get_logger("telebank.serve")

SIGN_ON_WAIT_S = 5.0
"""How long a start waits for the host; afterwards it settles and takes calls without it."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a node keeps things under its data folder."""

    data: Path

    @property
    def store_url(self) -> str:
        """The embedded store."""
        return f"sqlite:///{self.data / 'telebank.db'}"

    @property
    def keys(self) -> Path:
        """Keys, mode 0600."""
        return self.data / "keys"

    @property
    def voice(self) -> Path:
        """The prompt bank."""
        return self.data / "voice"

    @property
    def run(self) -> Path:
        """Ready files."""
        return self.data / "run"


@click.command(name="serve")
@data_option
@click.option("--sip", help="Listen here for SIP over UDP, address:port (port 0: any).")
@click.option("--host-port", type=click.IntRange(1, 65_535), help="TCP port of the core host.")
@click.option("--log-level", default="info", type=click.Choice(["debug", "info", "warning"]))
def command(data: Path, sip: str | None, host_port: int | None, log_level: str) -> None:
    """Run one voice node until SIGTERM or Ctrl-C.

    \b
    Examples:
      telebank serve --data /srv/bank
      telebank serve --sip 0.0.0.0:5060 --host-port 8583
    """
    set_up_logs(log_level)
    overrides: dict[str, dict[str, object]] = {}
    if sip is not None:
        overrides["calls"] = {"listen": sip}
    if host_port is not None:
        overrides["hosts"] = {"tb87": {"port": host_port}}
    try:
        settings = load_settings(data, overrides)
    except SettingsError as error:
        raise click.UsageError(str(error)) from error
    try:
        uvloop.run(serve(settings, Place(data)))
    except OSError as error:
        raise Unreachable(_why_taken(settings, error)) from error


def _why_taken(settings: Settings, error: OSError) -> str:
    port = int(settings.calls.listen.rpartition(":")[2])
    holder = holder_of(port, "udp")
    if holder is None:
        return f"cannot listen on {settings.calls.listen}: {error}"
    return f"UDP port {port} is taken by {holder}; stop it or choose another with --sip"


async def serve(settings: Settings, place: Place) -> None:
    """Run a node; returns when SIGTERM or SIGINT has been obeyed."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    async with running_node(settings, place) as node:
        ready = place.run / "node.json"
        _say_ready(ready, node)
        log.info("node.ready", sip=node.address)
        await stop.wait()
        ready.unlink(missing_ok=True)
        log.info("node.stopping")


def _say_ready(path: Path, node: VoiceNode) -> None:
    host, port = node.address
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_suffix(".new")
    temporary.write_text(json.dumps({"listen": f"{host}:{port}", "pid": os.getpid()}))
    temporary.replace(path)


@contextlib.asynccontextmanager
async def running_node(settings: Settings, place: Place) -> AsyncIterator[VoiceNode]:
    """Everything a node is made of, started in order and stopped in the reverse order."""
    place.data.mkdir(parents=True, exist_ok=True)
    release = load_release(seed_dir(), settings.flow)
    speaker = _speaker(place)
    async with contextlib.AsyncExitStack() as stack:
        keyring = Keyring.open_or_create(place.keys)
        store = await Store.open(place.store_url, settings.node.id, keyring, settings.store)
        stack.push_async_callback(store.close)
        processor = await _processor(settings, place, store, keyring, release.contracts, stack)
        media = MediaWorkers(settings.media, place.voice)
        stack.push_async_callback(media.close)
        await media.start()
        node = VoiceNode(
            NodeParts(
                node_id=settings.node.id,
                epoch=store.epoch,
                calls=settings.calls,
                sip=settings.sip,
                flow=settings.flow,
                release=release,
                contracts=release.contracts,
                processor=processor,
                journal=store.journal,
                vault=keyring,
                media=media,
                speaker=speaker,
            )
        )
        await node.start()
        stack.push_async_callback(node.close)
        control = ControlServer(node, place.data / settings.node.control)
        await control.start()
        stack.push_async_callback(control.close)
        yield node


def _speaker(place: Place) -> Speaker:
    """The prompt bank is built when a pack has changed; the catalogue tells what is said."""
    build_bank(packs_dir(), place.voice)
    catalogue = Catalogue.load(config_file(place.data, "prompts"))
    return Speaker(catalogue, Bank.open(place.voice).index)


async def _processor(
    settings: Settings,
    place: Place,
    store: Store,
    keyring: Keyring,
    contracts: Contracts,
    stack: contextlib.AsyncExitStack,
) -> Processor:
    """The money path, with every open row of the last run settled or being settled (rule 8)."""
    table = dict(settings.hosts["tb87"])
    profile_name = str(table.pop("profile", "tb87"))
    options = read_options(Iso8583Options, table, "hosts.tb87")
    profile = load_profile(config_file(place.data, "hosts", f"{profile_name}.yaml"))
    keys = HostKeys.load(place.keys, "tb87")
    watch = _HostWatch(store)
    host = Iso8583Host(profile, contracts, keys, options, events=watch.events(), vault=keyring)
    processor = Processor(
        contracts, host, store.journal, keyring, settings.transactions, SystemClock()
    )
    watch.processor = processor
    await host.start()
    stack.push_async_callback(host.close)
    stack.push_async_callback(processor.close)
    if not await host.wait_signed_on(SIGN_ON_WAIT_S):
        log.warning("host.away", host=f"{options.host}:{options.port}")
    report = await processor.recover()
    log.info("processor.recovered", report=str(report))
    return processor


class _HostWatch:
    """What the host's adapter tells: late replies to the processor, alarms to log and audit."""

    processor: Processor

    def __init__(self, store: Store) -> None:
        self._store = store
        self._tasks: set[asyncio.Task[None]] = set()

    def events(self) -> HostEvents:
        """The adapter's callbacks."""
        return HostEvents(late=self._late, alarm=self._alarm, link=self._link)

    def _late(self, reply: LateReply) -> None:
        log.warning("host.late_reply", request=reply.message.request_id)
        if isinstance(reply.outcome, Outcome):
            self.processor.late_answer(reply.message.request_id, reply.outcome)

    def _alarm(self, alarm: Alarm) -> None:
        log.warning("host.alarm", what=alarm.kind, text=alarm.text, request=alarm.request_id)
        event = JournalEvent(
            "alarm",
            request=alarm.request_id or None,
            detail={"what": alarm.kind, "text": alarm.text},
        )
        self._spawn(self._store.journal.append(event))

    def _link(self, link: str, up: bool, why: str) -> None:
        log.info("host.link", link=link, up=up, why=why)
        event = JournalEvent("host.link", outcome="up" if up else "down", detail={"link": link})
        self._spawn(self._store.journal.append(event))

    def _spawn(self, coroutine: Coroutine[None, None, None]) -> None:
        task = asyncio.get_running_loop().create_task(coroutine, name="host watch")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
