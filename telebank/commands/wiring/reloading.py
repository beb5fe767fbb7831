"""`POST /v1/reload` and SIGHUP: the files of DATA/config are read again while calls go on.

All are read and checked before anything is changed: one that cannot be used leaves everything as it
was. What cannot be changed under live calls is named, and waits for a restart.
"""

import asyncio
import contextlib
import signal
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path

import structlog
from aiohttp import web

from telebank.agents.options import CentreOptions
from telebank.calls.control.common import os_user
from telebank.calls.tellers.room import TellerRoom
from telebank.commands.wiring.host import reload_keys
from telebank.commands.wiring.host_control import KeyedHost
from telebank.commands.wiring.retention import RetentionRoom
from telebank.flow.release import hash_of, release_files
from telebank.ops.alarms_file import FILE as ALARMS
from telebank.ops.alarms_file import AlarmsError, load_rules
from telebank.retention.rules import FILE as RETENTION
from telebank.retention.rules import RetentionError, Rules, rules_of
from telebank.settings import (
    QUEUES_FILE,
    Settings,
    SettingsError,
    effective_config,
    load_settings,
    seed_dir,
    trunk_accounts,
)
from telebank.store.store import Store
from transactions.journal import JournalEvent
from transactions.ports import JournalUnavailable, LeaseLost

log = structlog.get_logger("telebank.reload")

PATH = "/v1/reload"
WRONG = (SettingsError, RetentionError, AlarmsError, OSError)
"""Files that cannot be used; the words say which, where and why."""
BY_RELEASE = "menus, texts, services, profiles, hours: telebank release propose"


@dataclass(frozen=True, slots=True)
class Report:
    """What a reload came to."""

    changed: Sequence[str] = ()
    """In force from now on."""
    restart: Sequence[str] = ()
    """Differs from what runs; a restart takes it."""
    release: bool = False
    """Whether DATA/config holds what only a release puts in force."""
    error: str = ""
    """Why nothing was changed."""


class Reloader:
    """Knows what runs, and what of it can change."""

    def __init__(
        self,
        data: Path,
        store: Store,
        room: TellerRoom,
        retention: RetentionRoom,
        keyed: KeyedHost | None,
        release: Callable[[], str],
    ) -> None:
        """`release` tells the hash of what is in force. Raises `SettingsError`."""
        self._data = data
        self._store = store
        self._room = room
        self._retention = retention
        self._keyed = keyed
        self._release = release
        self._now = load_settings(data)
        self._tasks: set[asyncio.Task[None]] = set()
        self._one = asyncio.Lock()

    def on_hangup(self, stack: contextlib.AsyncExitStack) -> None:
        """SIGHUP reads the keys again and the files, until `stack` ends."""
        loop = asyncio.get_running_loop()
        loop.add_signal_handler(signal.SIGHUP, self._hung_up)
        stack.callback(loop.remove_signal_handler, signal.SIGHUP)

    def _hung_up(self) -> None:
        task = asyncio.get_running_loop().create_task(self._both(), name="reload")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _both(self) -> None:
        if self._keyed is not None:
            await reload_keys(self._keyed)
        await self.reload("SIGHUP")

    def routes(self) -> Sequence[web.AbstractRouteDef]:
        """See `ControlPart.routes`."""
        return [web.post(PATH, self._asked)]

    async def _asked(self, request: web.Request) -> web.Response:
        report = await self.reload(os_user(request))
        body = {
            "changed": list(report.changed),
            "restart": list(report.restart),
            "release": report.release,
            "error": report.error,
        }
        return web.json_response(body)

    async def reload(self, by: str) -> Report:
        """Read all, then change what can be changed; an event says what."""
        async with self._one:
            try:
                read = await asyncio.to_thread(self._read)
            except WRONG as error:
                report = Report(error=" ".join(str(error).split()))
            else:
                report = self._use(read)
            await self._tell(report, by)
            return report

    def _read(self) -> "_Read":
        settings = load_settings(self._data)
        trunk_accounts(self._data, settings.trunks)
        rules = rules_of(self._data, seed_dir())
        own = self._data / "config" / ALARMS
        load_rules(own if own.exists() else seed_dir() / ALARMS)  # the watcher's; checked here too
        folder = effective_config(self._data)
        other = folder != seed_dir() and hash_of(release_files(folder)) != self._release()
        return _Read(settings, rules, other)

    def _use(self, read: "_Read") -> Report:
        changed, restart = [], []
        for name in (field.name for field in fields(Settings)):
            new = getattr(read.settings, name)
            if new == getattr(self._now, name):
                continue
            if name != "queues":
                restart.append(f"telebank.toml [{name}]")
            elif fixed := self._use_queues(new):
                restart += [f"{QUEUES_FILE} {each}" for each in fixed]
            else:
                changed.append(QUEUES_FILE)
        if read.rules != self._retention.rules:
            self._retention.rules = read.rules
            changed.append(RETENTION)
        return Report(changed, restart, read.release)

    def _use_queues(self, new: CentreOptions) -> Sequence[str]:
        """What of it waits for a restart, and then nothing of it is used: half a change is none."""
        fixed = self._room.use(new)
        if not fixed:
            self._now = replace(self._now, queues=new)
        return fixed

    async def _tell(self, report: Report, by: str) -> None:
        outcome = "refused" if report.error else "ok"
        event = JournalEvent("config.reloaded", actor=by, role="machine", outcome=outcome)
        told = {"changed": report.changed, "restart": report.restart}
        event.detail.update({name: ", ".join(words) for name, words in told.items() if words})
        if report.error:
            event.detail["error"] = report.error
        log.info("config.reloaded", by=by, outcome=outcome, **event.detail)
        with contextlib.suppress(JournalUnavailable, LeaseLost):
            await self._store.journal.append(event)


@dataclass(frozen=True, slots=True)
class _Read:
    settings: Settings
    rules: Rules
    release: bool
