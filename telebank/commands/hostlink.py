"""Wiring of the core host: its adapter, the processor on it, and who hears of its troubles."""

import asyncio
import contextlib
from dataclasses import dataclass
from pathlib import Path

import structlog

from core_adapters.hsm.software import open_software
from core_adapters.iso8583.host import Alarm, HostEvents, Iso8583Host, LateReply
from core_adapters.iso8583.keynames import KeyNames
from core_adapters.iso8583.options import Iso8583Options
from core_adapters.iso8583.profile_load import load_profile
from core_adapters.tap import Tap
from telebank.ops.clock import SystemClock
from telebank.settings import Settings, read_options
from telebank.store.sealing import Keyring
from telebank.store.store import Store
from transactions.contract import Contracts
from transactions.journal import JournalEvent
from transactions.outcome import Outcome
from transactions.ports import HostAdapter, JournalUnavailable, LeaseLost
from transactions.processor import Processor

log = structlog.get_logger("telebank.host")

SIGN_ON_WAIT_S = 5.0
"""How long a start waits for the host; afterwards it settles and takes calls without it."""
HOST = "tb87"
"""The one host that is served; the section `hosts.tb87`."""


@dataclass(frozen=True, slots=True)
class HostLink:
    """The money path of a node: the processor that owns requests, and the tap on its host."""

    processor: Processor
    tap: Tap
    host: HostAdapter


async def open_host(
    settings: Settings,
    config: Path,
    keys: Path,
    store: Store,
    keyring: Keyring,
    contracts: Contracts,
    stack: contextlib.AsyncExitStack,
) -> HostLink:
    """Connect, then settle every open row of the last run before calls are taken (rule 8)."""
    table = dict(settings.hosts[HOST])
    profile_name = str(table.pop("profile", HOST))
    table.pop("adapter", None)
    table.setdefault("utc_offset_minutes", settings.node.utc_offset_minutes)
    options = read_options(Iso8583Options, table, f"hosts.{HOST}")
    profile = load_profile(config / "hosts" / f"{profile_name}.yaml")
    watch, tap = _HostWatch(store), Tap()
    module = open_software(keys)
    stack.callback(module.close)
    host = Iso8583Host(
        profile,
        contracts,
        module,
        options,
        events=HostEvents(late=watch.late, alarm=watch.alarm, link=watch.link),
        vault=keyring,
        key_names=KeyNames.of(HOST),
        tap=tap,
    )
    processor = Processor(
        contracts, host, store.journal, keyring, settings.transactions, SystemClock()
    )
    watch.processor = processor
    await host.start()
    stack.push_async_callback(host.close)
    stack.push_async_callback(processor.close)
    if not await host.wait_signed_on(SIGN_ON_WAIT_S):
        log.warning("host.away", host=", ".join(options.addresses))
    report = await processor.recover()
    log.info("processor.recovered", report=str(report))
    return HostLink(processor, tap, host)


class _HostWatch:
    """What the adapter tells: late replies to the processor, alarms to log and event log."""

    processor: Processor

    def __init__(self, store: Store) -> None:
        self._store = store
        self._tasks: set[asyncio.Task[None]] = set()

    def late(self, reply: LateReply) -> None:
        """A reply after its request was given up."""
        log.warning("host.late_reply", request=reply.message.request_id)
        if isinstance(reply.outcome, Outcome):
            self.processor.late_answer(reply.message.request_id, reply.outcome)

    def alarm(self, alarm: Alarm) -> None:
        """Something an operator must see."""
        log.warning("host.alarm", what=alarm.kind, text=alarm.text, request=alarm.request_id)
        self._append(
            JournalEvent(
                "alarm",
                request=alarm.request_id or None,
                detail={"what": alarm.kind, "text": alarm.text},
            )
        )

    def link(self, link: str, up: bool, why: str) -> None:
        """A link signed on or went away."""
        log.info("host.link", link=link, up=up, why=why)
        outcome = "up" if up else "down"
        self._append(JournalEvent("host.link", outcome=outcome, detail={"link": link}))

    def _append(self, event: JournalEvent) -> None:
        task = asyncio.get_running_loop().create_task(self._write(event), name="host watch")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _write(self, event: JournalEvent) -> None:
        try:
            await self._store.journal.append(event)
        except (JournalUnavailable, LeaseLost) as error:
            log.error("event.lost", kind=event.kind, error=str(error))
