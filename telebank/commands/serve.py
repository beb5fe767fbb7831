"""`telebank serve`: wires one voice node and runs it until it is told to stop."""

import asyncio
import contextlib
import gc
import json
import os
import resource
import signal
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import click
import structlog
import uvloop

from core_adapters.hsm.errors import ModuleAwayError, SecurityModuleError
from core_adapters.iso8583.links.tls import TlsError
from core_adapters.profiles.errors import ProfileError
from core_adapters.sql.errors import OdbcMissing
from telebank.calls.control.server import ControlServer
from telebank.calls.edition import Edition
from telebank.calls.node import NodeParts, VoiceNode
from telebank.calls.notices import Notices
from telebank.calls.registrations import DeskPhones
from telebank.calls.tls import TlsFileError
from telebank.commands.common import Unreachable, data_option
from telebank.commands.wiring.alarms import warn_of_release
from telebank.commands.wiring.audit import AuditRoom, follow_log
from telebank.commands.wiring.customers import open_customers
from telebank.commands.wiring.disk import watch_disk
from telebank.commands.wiring.editions import Loaded, drop_others, load
from telebank.commands.wiring.faxes import FaxRoom
from telebank.commands.wiring.host import HostLink, open_host
from telebank.commands.wiring.host_control import HostKeysPart
from telebank.commands.wiring.host_totals import HostTotalsPart
from telebank.commands.wiring.neighbours import Neighbours, open_as_started
from telebank.commands.wiring.orders import OrderRoom
from telebank.commands.wiring.redirects import Redirects
from telebank.commands.wiring.releases import Place as ReleasePlace
from telebank.commands.wiring.releases import Publisher
from telebank.commands.wiring.reloading import Reloader
from telebank.commands.wiring.retention import RetentionRoom
from telebank.commands.wiring.rules import older_rules
from telebank.commands.wiring.staff import open_staff
from telebank.commands.wiring.tellers import Desks
from telebank.commands.wiring.trunks import trunks_of
from telebank.commands.wiring.watching import WatchPart
from telebank.flow.load import FlowError
from telebank.flow.release import hash_of, release_files
from telebank.media.client import MediaError, MediaWorkers
from telebank.ops.clock import SystemClock
from telebank.ops.logs import set_up_logs
from telebank.ops.ports import holder_of
from telebank.retention.rules import RetentionError, rules_of
from telebank.settings import (
    Settings,
    SettingsError,
    Table,
    effective_config,
    load_settings,
    packs_dir,
    seed_dir,
    store_url,
)
from telebank.sip.uri import host_port as at_port
from telebank.store.errors import KeyFileError, StartRefused, StoreUnavailable
from telebank.store.releases import Published, ReleaseError
from telebank.store.sealing import Keyring
from telebank.store.store import Store
from transactions.contract import ContractError
from voice_prompts.bank import build_bank
from voice_prompts.catalogue import CatalogueError
from voice_prompts.overlay import RecordingError
from voice_prompts.pack import PackError
from voice_prompts.speaker import MissingClips

log = structlog.get_logger("telebank.serve")

UNUSABLE = (
    *(SettingsError, FlowError, ContractError, CatalogueError, PackError, MissingClips),
    *(KeyFileError, SecurityModuleError, ProfileError, ReleaseError, TlsError, StartRefused),
    *(RecordingError, TlsFileError, OdbcMissing, RetentionError),
)
"""Files that a node cannot start with; the error says which and what to do."""


class NodeLost(Exception):  # noqa: N818 - reads as what it is
    """The node must not go on: another holds its lease, or its journal is gone."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a node keeps things under its data folder."""

    data: Path
    host_port: int | None = None
    """TCP port of the core host from the command line, for processes started from here."""

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
@click.option(
    "--sip",
    multiple=True,
    metavar="ADDRESS:PORT",
    help="Listen here for SIP (port 0: any); udp:, tcp: or tls: before it: that alone.",
)
@click.option("--host-port", type=click.IntRange(1, 65_535), help="TCP port of the core host.")
@click.option("--drain", type=float, help="Seconds that live calls may go on after a stop.")
@click.option("--sms", type=click.Choice(["none", "file"]), help="As [sms] sender.")
@click.option("--log-level", default="info", type=click.Choice(["debug", "info", "warning"]))
def command(
    *,
    data: Path,
    sip: tuple[str, ...],
    host_port: int | None,
    drain: float | None,
    sms: str | None,
    log_level: str,
) -> None:
    """Run one voice node until SIGTERM or Ctrl-C; a second one ends live calls at once.

    \b
    Examples:
      telebank serve --data /srv/bank
      telebank serve --sip 0.0.0.0:5060 --host-port 8583 --drain 60
    """
    set_up_logs(log_level)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))  # PINs and keys are in memory
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))  # a file for each connection
    calls: dict[str, object] = {"listen": sip or None, "drain_s": drain}
    given = {key: value for key, value in calls.items() if value is not None}
    try:
        sender = {} if sms is None else {"sms": {"sender": sms}}
        settings = at_host_port(data, host_port, {"calls": given, **sender})
        uvloop.run(serve(settings, Place(data, host_port)))
    except ModuleAwayError as error:
        raise Unreachable(str(error)) from error
    except UNUSABLE as error:
        raise click.UsageError(str(error)) from error
    except (StoreUnavailable, MediaError, NodeLost) as error:
        raise Unreachable(str(error)) from error
    except OSError as error:
        raise Unreachable(f"cannot use {error.filename or data}: {error.strerror}") from error


def at_host_port(
    data: Path, host_port: int | None, overrides: Mapping[str, Table] | None = None
) -> Settings:
    """The settings of a data folder, with the core host on this machine where a port is given.
    Raises `SettingsError`."""
    more = dict(overrides or {})
    if host_port is not None:
        served = load_settings(data).node.host
        more["hosts"] = {served: {"addresses": [f"127.0.0.1:{host_port}"]}}
    return load_settings(data, more)


async def serve(settings: Settings, place: Place) -> None:
    """Run a node; returns when SIGTERM or SIGINT has been obeyed, raises `NodeLost`."""
    stop, now = asyncio.Event(), asyncio.Event()
    loop = asyncio.get_running_loop()

    def told_to_stop() -> None:
        (now if stop.is_set() else stop).set()

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, told_to_stop)
    loop.add_signal_handler(signal.SIGHUP, lambda: None)  # there is nothing yet to read again
    async with running_node(settings, place) as node:
        ready = place.run / "node.json"
        _say_ready(ready, node)
        log.info("node.ready", sip=[str(each) for each in node.addresses])
        lost = asyncio.ensure_future(node.lost.wait())
        stopped = asyncio.ensure_future(stop.wait())
        await asyncio.wait({lost, stopped}, return_when=asyncio.FIRST_COMPLETED)
        _unsay_ready(ready)
        log.info("node.stopping", lost=node.lost.is_set())
        stopped.cancel()
        lost.cancel()
        if node.lost.is_set():
            raise NodeLost("the node's lease or journal is lost; another process may hold it")
        await node.drain_until(now, settings.calls.drain_s)


def _say_ready(path: Path, node: VoiceNode) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    places = [str(each) for each in node.addresses]
    said = {"listen": at_port(node.address), "places": places, "pid": os.getpid()}
    temporary = path.with_suffix(".new")
    temporary.write_text(json.dumps(said))
    temporary.replace(path)


def _unsay_ready(path: Path) -> None:
    """Take back what this process said; another that took the node over may have said its own."""
    with contextlib.suppress(FileNotFoundError, ValueError):
        if json.loads(path.read_text())["pid"] == os.getpid():
            path.unlink()


@contextlib.asynccontextmanager
async def running_node(settings: Settings, place: Place) -> AsyncIterator[VoiceNode]:
    """Everything a node is made of, started in order and stopped in the reverse order."""
    place.data.mkdir(parents=True, exist_ok=True)
    build_bank(packs_dir(), place.voice)
    async with contextlib.AsyncExitStack() as stack:
        keyring = Keyring.open_or_create(place.keys)
        store = await open_as_started(store_url(place.data, settings), settings, keyring)
        stack.push_async_callback(store.close)
        copies = follow_log(settings.audit, store, place.keys, stack)
        now, loaded = await _in_force(store, settings, place)
        older = await older_rules(store, loaded.rules, place.run)
        orders = OrderRoom(settings, store, keyring, loaded.rules.contracts)
        sized = settings.media.sized(settings.calls.lines, len(os.sched_getaffinity(0)))
        media = MediaWorkers(sized, place.voice)
        notices = Notices(store.journal.run, media, place.voice, SystemClock())
        stack.callback(notices.close)
        customers = open_customers(
            *(settings, place.data, store, keyring, stack),
            more=[*orders.handlers(), notices.handlers()],
        )
        link = await open_host(
            *(settings, loaded.rules, place.keys, store, keyring, stack),
            older,
            customers.desk,
        )
        await watch_disk(settings.disk, place.data, store, link.processor.brake, stack)
        stack.push_async_callback(media.close)
        faxes = FaxRoom(settings, place.data, store, keyring)
        stack.push_async_callback(faxes.close_process)
        await faxes.open()
        desks = Desks(settings, place.data, store, keyring)
        stack.push_async_callback(desks.close)
        await desks.open()
        await media.start()
        await notices.start()
        bank = await media.open_bank(loaded.bank) if loaded.own else 0
        node = VoiceNode(
            NodeParts(
                node_id=settings.node.id,
                epoch=store.epoch,
                calls=settings.calls,
                sip=settings.sip,
                trunks=trunks_of(place.data, settings),
                admission=settings.admission,
                may_follow=Redirects(settings).may_follow,
                flow=settings.flow,
                edition=Edition(loaded.release, loaded.speaker, bank),
                processor=link.processor,
                journal=store.journal,
                vault=keyring,
                media=media,
                used=customers.usage.used,
                notices=notices,
                faxes=faxes,
                connections=settings.sip_tcp,
                tls=settings.sip_tls.files(place.keys) if settings.sip_tls.used else None,
                registrar=settings.registrar,
                tellers=desks.room,
            )
        )
        store.died.add_done_callback(lambda died: None if died.cancelled() else node.lost.set())
        stack.push_async_callback(orders.close)
        orders.start(link.processor, link.host, lambda: node.edition)
        gc.collect()
        gc.freeze()  # what was read stays: to walk it would stop all calls for a quarter second
        await _listen(node, settings)
        stack.push_async_callback(node.close)
        desks.start()
        phones = DeskPhones(settings.registrar, store.journal.run, keyring)
        stack.push_async_callback(phones.close)
        await phones.start(node)
        stack.push_async_callback(faxes.close)
        faxes.start(node.lost.set)
        publisher = Publisher(
            store=store,
            settings=settings,
            place=ReleasePlace(place.data, place.run, place.voice),
            media=media,
            taught=link.taught,
            node=node,
            now=now,
            loaded=loaded,
            older=[one.release for one in older],
        )
        await _open_control(
            settings,
            place,
            stack,
            Inside(store, keyring, link, node, publisher, notices, faxes, phones, desks, copies),
        )
        stack.push_async_callback(publisher.close)
        publisher.start()
        round_ = Neighbours(store, place.data, settings, place.host_port, node.lost.set)
        stack.push_async_callback(round_.close)
        round_.start()
        yield node


@dataclass(frozen=True, slots=True)
class Inside:
    """What the control socket reaches of a node."""

    store: Store
    keyring: Keyring
    link: HostLink
    node: VoiceNode
    publisher: Publisher
    notices: Notices
    faxes: FaxRoom
    phones: DeskPhones
    desks: Desks
    copies: AuditRoom


async def _open_control(
    settings: Settings, place: Place, stack: contextlib.AsyncExitStack, node: Inside
) -> None:
    link = node.link
    retention = _open_retention(place.data, node.store, stack)
    parts = [
        *open_staff(
            *(settings.staff, node.store, node.keyring, link.processor, stack),
            keyed=link.keyed,
            publishing=node.publisher,
            notices=node.notices,
            faxes=(node.faxes, place.data),
            phones=node.phones,
            desks=(node.desks, lambda: node.node.edition.release),
            retention=retention,
        )
    ]
    parts += [HostTotalsPart(link.host), HostKeysPart(link.keyed), _watch_part(settings, node)]
    in_force = partial(_in_force_hash, node.node)
    reloader = Reloader(
        *(place.data, node.store, node.desks.room, retention, link.keyed), release=in_force
    )
    reloader.on_hangup(stack)
    parts.append(reloader)
    control = ControlServer(node.node, place.data / settings.node.control, link.tap, parts)
    await control.start()
    stack.push_async_callback(control.close)


def _in_force_hash(node: VoiceNode) -> str:
    return node.edition.release.hash


def _open_retention(data: Path, store: Store, stack: contextlib.AsyncExitStack) -> RetentionRoom:
    room = RetentionRoom(rules_of(data, seed_dir()), data, store)
    stack.push_async_callback(room.close)
    room.start()
    return room


def _watch_part(settings: Settings, node: Inside) -> WatchPart:
    room, journal = node.desks.room, node.store.journal
    link, epoch = node.link, node.store.epoch
    return WatchPart(
        *(settings, node.node, link.host, link.watch, room, node.faxes, node.copies),
        *(journal, epoch),
    )


async def _in_force(store: Store, settings: Settings, place: Place) -> tuple[Published, Loaded]:
    """What is in force, laid out from the store and loaded. Before people ever published, it is
    what lies in this node's configuration, checked before it is published; afterwards DATA/config
    is only compared, with an alarm where it holds anything that makes another release."""
    config = effective_config(place.data)
    before, by_people = await store.releases.current(), await store.releases.by_people()
    files = release_files(config)
    if not by_people:
        checked = load(config, place.voice, settings, check=True).release.hash
        if checked != hash_of(files):
            raise ReleaseError(f"{config} was changed while the node started: start it again")
    own = config != seed_dir()
    now = await store.releases.begin(files, own=own)
    warn_of_release(before, now, hash_of(files) if own or not by_people else now.hash)
    log.info("release.in_force", release=now.hash, publication=now.number, by=now.by)
    folder = await store.releases.materialise(place.run)
    loaded = load(folder, place.voice, settings, check=by_people)
    drop_others(place.voice, loaded)
    return now, loaded


async def _listen(node: VoiceNode, settings: Settings) -> None:
    """Bind the SIP port; a taken one is named with what holds it."""
    try:
        await node.start()
    except OSError as error:
        transport, _, place = str(error.filename or "udp:?").partition(":")
        port = place.rpartition(":")[2]
        udp = transport == "udp"
        holder = holder_of(int(port), "udp" if udp else "tcp") if port.isdigit() else None
        why = f"is taken by {holder}" if holder is not None else f"cannot be used: {error.strerror}"
        raise Unreachable(
            f"{transport.upper()} {place} {why}; stop it or choose another with --sip"
        ) from error
