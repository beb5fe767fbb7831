"""What a running node does about the others of its store: it shows that it lives, and settles the
open rows of one that does not, in a process of its own (`telebank settle`).

A process of its own, because the dead node's lease, terminal and STANs are another identity towards
journal and host, and because nothing that it does may delay a call here.
"""

import asyncio
import contextlib
import os
import sys
from collections import deque
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import structlog

from telebank.ops.neighbours import Watch
from telebank.ops.supervise import STOP_PATIENCE_S
from telebank.settings import SILENT_BEATS, Settings
from telebank.store.clock import to_us
from telebank.store.engine import is_sqlite
from telebank.store.errors import BeingSettled
from telebank.store.sealing import Keyring
from telebank.store.store import Store
from telebank.store.succession import Entry, Neighbour
from transactions.journal import JournalEvent
from transactions.ports import JournalUnavailable, LeaseLost

log = structlog.get_logger("telebank.neighbours")

SETTLE_S = 600
"""Seconds that one settling may take; after that it is tried again."""
SETTLER_WAIT_S = 30.0
"""Seconds that a start waits for another process to settle its rows, before it takes them over."""
ASK_AGAIN_S = 0.5
MAX_ALARMS = 10
"""Alarms that wait for the journal; the oldest goes first."""
NOT_STARTED = -1
"""In place of an exit code, where there was no process."""


async def open_as_started(url: str, settings: Settings, keyring: Keyring) -> Store:
    """Open the store to take calls. Where another process settles this node's rows just now, wait
    a while for it to end, then take the node from it: it sends nothing from then on."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + SETTLER_WAIT_S
    node, told = settings.node.id, False
    while loop.time() < deadline:
        try:
            return await Store.open(url, node, keyring, settings.store)
        except BeingSettled as error:
            if not told:
                log.warning("node.waits", why=str(error), at_most_s=SETTLER_WAIT_S)
                told = True
            await asyncio.sleep(ASK_AGAIN_S)
    return await Store.open(url, node, keyring, settings.store, entry=Entry(over_settler=True))


class Neighbours:
    """Beats this node's lease and looks at the others; calls `lost` where the lease is gone."""

    def __init__(
        self,
        store: Store,
        data: Path,
        settings: Settings,
        host_port: int | None,
        lost: Callable[[], None],
    ) -> None:
        self._store = store
        self._data = data
        self._host_port = host_port
        self._lost = lost
        after = 0.0 if is_sqlite(store.url) else settings.node.settle_others_after_s
        self._watch = Watch(after)
        self._look_s = settings.store.heartbeat_s
        if after:
            self._look_s = min(self._look_s, after / SILENT_BEATS)
        self._round: asyncio.Task[None] | None = None
        self._settling: asyncio.Task[int] | None = None
        self._alarms: deque[JournalEvent] = deque(maxlen=MAX_ALARMS)
        self._closing = False
        self._well = True
        """Whether the last look round was not ended by what nobody foresaw."""

    def start(self) -> None:
        """Look round until `close`."""
        self._begin(0.0)

    async def close(self) -> None:
        """Look no more; a settling under way gives its node back first."""
        self._closing = True
        for task in (self._round, self._settling):
            if task is not None:
                task.cancel()
                await asyncio.gather(task, return_exceptions=True)

    def _begin(self, pause_s: float) -> None:
        self._round = asyncio.create_task(self._keep_looking(pause_s), name="neighbours")
        self._round.add_done_callback(self._stopped)

    def _stopped(self, task: asyncio.Task[None]) -> None:
        """Without the heart the others take us for dead: what nobody foresaw is an alarm, once
        until all is well again, and the heart goes on."""
        error = None if task.cancelled() else task.exception()
        if error is None or self._closing:
            return  # closed, or the lease is lost and the owner knows
        if self._well:
            self._alarm(f"looking round failed: {type(error).__name__}")
        self._well = False
        self._begin(self._look_s)

    def _alarm(self, why: str, **more: str) -> None:
        alarm = JournalEvent("alarm.neighbours")
        alarm.detail.update(why=why, **more)
        self._alarms.append(alarm)
        log.error("neighbours.failed", why=why, **more)  # also where no journal takes it

    async def _keep_looking(self, pause_s: float) -> None:
        await asyncio.sleep(pause_s)
        while True:
            try:
                while self._alarms:
                    await self._store.journal.append(self._alarms.popleft())
                await self._look()
                self._well = True
            except JournalUnavailable as error:
                log.warning("neighbours.not_seen", error=str(error))
            except LeaseLost:
                self._lost()
                return
            await asyncio.sleep(self._look_s)

    async def _look(self) -> None:
        found = await self._store.look_round()
        now = asyncio.get_running_loop().time()
        dead = self._watch.looked(found, now)
        if dead is None:
            return
        silent = round(self._watch.silent_for(dead.node, now))
        self._settling = asyncio.create_task(self._settle(dead), name=f"settle {dead.node}")
        self._settling.add_done_callback(partial(self._settled, dead.node))
        alarm = JournalEvent("alarm.node_dead")
        alarm.detail.update(node=dead.node, open=dead.open, silent_s=silent, holder=dead.holder)
        await self._store.journal.append(alarm)

    def _settled(self, node: str, task: asyncio.Task[int]) -> None:
        """However the settling ended, the watch goes on with the next."""
        if task.cancelled():
            return
        error = task.exception()
        if error is not None:
            self._alarm(f"settling failed: {type(error).__name__}", node=node)
        code = NOT_STARTED if error is not None else task.result()
        again = self._watch.ended(code, task.get_loop().time())
        told = log.info if code == 0 else log.warning
        told("neighbour.settled", node=node, exit_code=code, again_s=again if code else None)

    async def _settle(self, dead: Neighbour) -> int:
        """Run `telebank settle` to its end; its exit code. Cancelled, end it."""
        try:
            return await self._child(self._words(dead))
        except OSError as error:  # full disk, no memory
            log.error("neighbour.not_started", node=dead.node, error=error.strerror)
            return NOT_STARTED

    def _words(self, dead: Neighbour) -> Sequence[str]:
        words = [sys.executable, "-m", "telebank", "settle", dead.node, "--data", str(self._data)]
        words += ["--within", str(SETTLE_S), "--json", "--while-stdin", "--log-level", "info"]
        words += ["--seen", f"{dead.seen.epoch}:{to_us(dead.seen.heartbeat)}"]
        return words + (["--host-port", str(self._host_port)] if self._host_port else [])

    async def _child(self, words: Sequence[str]) -> int:
        process = await asyncio.create_subprocess_exec(
            *words,
            stdin=asyncio.subprocess.PIPE,  # ends with us, however we end, and the child sees it
            start_new_session=True,  # Ctrl-C reaches us, and we stop it in order
            env={**os.environ, "PYTHONUNBUFFERED": "1"},
        )
        log.info("neighbour.settling", node=words[4], pid=process.pid)
        try:
            return await process.wait()
        finally:
            if process.returncode is None:
                await asyncio.shield(_end(process))


async def _end(process: asyncio.subprocess.Process) -> None:
    with contextlib.suppress(ProcessLookupError):
        process.terminate()
        try:
            await asyncio.wait_for(process.wait(), STOP_PATIENCE_S)
        except TimeoutError:
            process.kill()
            await process.wait()
