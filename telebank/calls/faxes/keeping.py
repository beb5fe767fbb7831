"""What a node finds of faxes that went, and nobody works on: those that a killed life had under
way, and mail and files that have had their time."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial

import structlog

from fax.job import State
from telebank.calls.faxes.files import FaxFiles
from telebank.calls.faxes.options import FaxOptions
from telebank.customers.asked import Run as StoreRun
from telebank.store import fax_arrivals, fax_jobs, fax_mails
from telebank.store.fax_jobs import judged
from telebank.store.fax_rows import Fax, alarm
from transactions.clock import Clock
from transactions.journal import JournalEvent

log = structlog.get_logger("telebank.faxes")

AT_ONCE = 20
"""Faxes and folders that one look takes."""
SWEEP_S = 3_600.0
"""Seconds between two looks for what has had its time."""
STALE_S = 86_400.0
"""Seconds after which a folder without a row is a killed node's."""


@dataclass
class Keeper:
    """Looks after what is left."""

    run: StoreRun
    node: str
    files: FaxFiles
    options: FaxOptions
    clock: Clock
    on_alarm: Callable[[JournalEvent], None]
    _swept: float = field(default=float("-inf"), init=False)

    def people(self, now: Fax | None, *, failed: bool = False) -> Fax | None:
        """Have a person told where nobody knows what arrived; `failed`: where it has failed too."""
        states = (State.UNCONFIRMED, State.FAILED) if failed else (State.UNCONFIRMED,)
        if now is not None and now.state in states:
            self.on_alarm(alarm(now.id, now.life))
        return now

    async def left(self) -> None:
        """Judge what a former life of this node, or a node that is silent, had under way, and what
        has waited longer than its patience, at whatever node."""
        found: Sequence[Fax] = await self.run(partial(fax_jobs.left, most=AT_ONCE))
        for fax in found:
            job = partial(fax_jobs.recover, fax=fax.id, retry_s=self.options.retry_s)
            now: Fax | None = self.people(await self.run(job, judged(fax.id)))
            if now is not None:
                log.warning("fax.left", fax=now.id, state=now.state.value)
        for late in await self.run(partial(fax_jobs.late, most=AT_ONCE)):
            job = partial(fax_jobs.give_up, fax=late)
            now = self.people(await self.run(job, judged(late)), failed=True)
            if now is not None:
                log.warning("fax.gave_up", fax=now.id, why=now.life.why)

    async def sweep(self) -> None:
        """Judge mail that has had its time, also of nodes that never came back; remove files that
        have had theirs, and those that no row was ever written for."""
        if self.clock.monotonic() < self._swept + SWEEP_S:
            return
        self._swept = self.clock.monotonic()
        await self._late_mail()
        before = self.clock.now() - timedelta(days=self.options.keep_days)
        job = partial(fax_arrivals.old_files, before=before, most=AT_ONCE)
        for fax, folder in await self.run(job):
            if await self._removed(folder):
                await self.run(partial(fax_arrivals.files_removed, fax=fax), judged(fax))
                self._swept = float("-inf")  # there may be more
        stale = await asyncio.to_thread(self.files.stale, self.node, STALE_S)
        for name in stale and sorted(stale - await self.run(fax_arrivals.folders)):
            await self._removed(name)

    async def _late_mail(self) -> None:
        for fax in await self.run(partial(fax_mails.late, most=AT_ONCE)):
            job = partial(fax_mails.give_up, fax=fax)
            now: Fax | None = self.people(await self.run(job, judged(fax)), failed=True)
            if now is not None:
                log.warning("fax.not_mailed", fax=fax, state=now.state.value, why=now.life.why)
            self._swept = float("-inf")  # there may be more

    async def _removed(self, folder: str) -> bool:
        try:
            await asyncio.to_thread(self.files.remove, folder)
        except OSError as error:
            log.warning("fax.files_not_removed", folder=folder, error=error.strerror)
            return False
        return True
