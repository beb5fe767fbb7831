"""Faxes for tests of what keeps and carries them: numbers, drafts, a node whose life can end."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

from fax.documents.jobs import Answer, Done
from fax.job import ENDED, Result, State
from fax.page.options import Continued
from support.order_house import HouseClock, Kill
from support.store_kit import NOON, FakeClock, open_store, rows
from telebank.calls.faxes.files import FaxFiles
from telebank.calls.faxes.options import FaxOptions, OutboundOptions
from telebank.calls.faxes.outgoing import Load
from telebank.calls.faxes.parts import QueueParts
from telebank.calls.faxes.queue import FaxJobs, Wanted
from telebank.calls.faxes.values import LOST, Answered, FaxOutcome, Progress
from telebank.faxing.client import DOWN, Negotiated, PageConfirmed
from telebank.store import fax_jobs, tables
from telebank.store.fax_jobs import Taken
from telebank.store.fax_rows import Fax, FaxDraft
from telebank.store.fax_tolls import TOLLS, Limits
from telebank.store.store import Store
from transactions.approval import Actor
from transactions.card import SealedCard
from transactions.journal import JournalEvent

NUMBER = "01088886666"
LI_NA = Actor("li.na", "teller", "console")
RETRY_S = 120.0
CALL_S = 600
MIDNIGHT = datetime(2026, 3, 30, 16, 0, tzinfo=UTC)
"""At which the store kit's day began in Beijing."""
LIMITS = Limits(20, 5, 7_200, CALL_S, MIDNIGHT)


def sealed(store: Store, number: str = NUMBER) -> SealedCard:
    return replace(store.vault.seal_digits(number), masked=f"{number[:3]}****{number[-2:]}")


def draft(store: Store, fax: str = "01-1-F1", number: str = NUMBER, **changes: Any) -> FaxDraft:
    made = FaxDraft(fax, "number", sealed(store, number), 3, "对账单", tries=3, by="li.na")
    return replace(made, **changes)


async def queued(
    store: Store, fax: str = "01-1-F1", due: datetime = NOON, waiting: int = 100, **changes: Any
) -> Fax | None:
    made = draft(store, fax, **changes)
    expires = due + timedelta(days=1)
    job = partial(fax_jobs.add, draft=made, due=due, expires=expires, waiting=waiting, most=2)
    found: Fax | None = await store.journal.run(job)
    return found


async def take(store: Store, limits: Limits = LIMITS) -> Taken | None:
    return await store.journal.run(partial(fax_jobs.take, limits=limits), TOLLS)


async def step(store: Store, event: Any, fax: str = "01-1-F1", **more: Any) -> Fax | None:
    job: Callable[..., Fax | None] = partial(
        fax_jobs.step, fax=fax, event=event, retry_s=RETRY_S, **more
    )
    return await store.journal.run(job, fax_jobs.judged(fax))


def told(folder: Path, prefix: str = "fax.") -> Sequence[tuple[str, int, str]]:
    """Events of faxes: kind, pages confirmed, reason."""
    found = rows(folder, tables.event, tables.event.c.kind.like(f"{prefix}%"))
    return [(row.kind, row.detail["confirmed"], row.detail["why"]) for row in found]


class Machine:
    """The fax machine at the other end, and the way there: `paper` is what lies in its tray, by
    number of the page in the document. `acts` says what becomes of the calls, the last of all that
    follow: `sent`, `busy`, `nobody`, `no_fax`, `dies N` (in the page after N, which is torn),
    `silent N` (page N+1 comes out, its MCF does not), `hangs`, `lost N` (the fax process dies),
    `silenced` (it hangs, and when it is ended its fax process dies), `unplaced` (there is no call
    before it is stopped), `no_line` (the fax process has none, so there is no call)."""

    def __init__(self, *acts: str) -> None:
        self._acts = list(acts) or ["sent"]
        self.paper: list[int] = []
        self.loads: list[Load] = []
        self.up = self.most_up = 0
        self.dead = asyncio.Event()
        """Set where the node that calls was killed: nothing goes out any more."""

    def call(self, load: Load) -> "MachineCall":
        self.loads.append(load)
        act = self._acts.pop(0) if len(self._acts) > 1 else self._acts[0]
        return MachineCall(self, load, act)


class MachineCall:
    """One call to it."""

    def __init__(self, machine: Machine, load: Load, act: str) -> None:
        self._machine = machine
        self._load = load
        self._act, _, number = act.partition(" ")
        self._after = int(number or 0)
        self._stopped: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self.sent = 0
        self.training_s = 0.0
        """From what was agreed to the first page, in seconds."""
        self.prints: Callable[[int], None] = self._prints
        """A page of this call, by number from 0, comes out."""

    def _prints(self, number: int) -> None:
        self._machine.paper.append(first_page(self._load.tiff) + number)

    def stop(self, reason: str) -> None:
        if not self._stopped.done():
            self._stopped.set_result(reason)

    async def run(self, on_progress: Callable[[Progress], None]) -> FaxOutcome:
        machine = self._machine
        machine.up += 1
        machine.most_up = max(machine.up, machine.most_up)
        try:
            return await self._run(on_progress)
        finally:
            machine.up -= 1

    async def _run(self, on_progress: Callable[[Progress], None]) -> FaxOutcome:
        await self._passes()
        if self._act in ("unplaced", "no_line"):
            why = DOWN if self._act == "no_line" else await self._stopped
            return replace(self._over("failed", why), placed=False)
        if self._act in ("busy", "nobody"):
            return self._over("failed", {"nobody": "no_such_number"}.get(self._act, self._act))
        on_progress(Answered("t38"))
        await self._passes()
        if self._act == "no_fax":
            return self._over("failed", "no answer to DIS")
        on_progress(Negotiated(rate=14_400, ecm=True, compression="MMR", peer_ident="x"))
        await asyncio.sleep(self.training_s)
        while self.sent < self._load.pages:
            if self._act in ("hangs", "silenced"):
                await asyncio.wait([self._stopped])
            await self._passes()
            if (why := self._broken()) is not None:
                return self._over("partial" if self.sent else "failed", why)
            self.prints(self.sent)
            if self._act == "silent" and self.sent == self._after:
                return self._over("unconfirmed", "no MCF")
            self.sent += 1
            on_progress(PageConfirmed(pages=self.sent))
        await self._passes()
        return self._over("sent", "")

    def _broken(self) -> str | None:
        if self._stopped.done():
            return self._stopped.result()
        if self.sent != self._after:
            return None
        return {"dies": "hung_up", "lost": LOST}.get(self._act)

    def _over(self, result: Result, reason: str) -> FaxOutcome:
        again, lost = reason != "no_such_number", self._act in ("lost", "silenced")
        return FaxOutcome(self.sent, self._load.pages, result, reason, again, lost=lost)

    async def _passes(self) -> None:
        """Time in which the node writes what it was told; where it was killed, all there is."""
        await asyncio.sleep(0.02)
        if self._machine.dead.is_set():
            await asyncio.Event().wait()


def first_page(tiff: Path) -> int:
    """The document's page, from 1, that a TIFF of the queue begins with."""
    return int(tiff.stem.rpartition("-")[2]) if "-" in tiff.stem else 1


class Drawer:
    """Draws the pages that are left, as the printer does."""

    def __init__(self) -> None:
        self.drawn: list[tuple[str, int]] = []

    async def draw(
        self, pdf: Path, tiff: Path, resolution: str, continued: Continued | None = None
    ) -> Answer:
        assert pdf.exists()
        assert continued is not None
        self.drawn.append((tiff.name, continued.first))
        tiff.write_bytes(b"II*\0")
        return Done(pages=1)


@dataclass
class FaxHouse:
    """What outlives a node: its store, its files, the machine that it calls."""

    place: Path
    machine: Machine = field(default_factory=Machine)
    clock: FakeClock = field(default_factory=FakeClock)
    options: FaxOptions = field(default_factory=lambda: FaxOptions(look_s=0.05))
    outbound: OutboundOptions = field(
        default_factory=lambda: OutboundOptions(gateway="127.0.0.1:5070", allow=("010*",))
    )
    alarms: list[JournalEvent] = field(default_factory=list)
    missing: str = ""
    drawer: Drawer = field(default_factory=Drawer)
    run: Any = None
    """Of the life that is, as nobody kills it."""
    look_now: Callable[[], None] = lambda: None

    @asynccontextmanager
    async def life(self, kill: Kill | None = None) -> AsyncIterator[FaxJobs]:
        """One life of the node, whose queue is not started."""
        async with open_store(self.place, clock=self.clock) as store:
            run: Any = store.journal.run if kill is None else kill.around(store.journal.run)
            self.run = store.journal.run
            self.machine.dead = asyncio.Event() if kill is None else kill.dead
            jobs = FaxJobs(self.parts(store, run))
            self.look_now = jobs.look_now
            yield jobs
            if kill is None:
                await jobs.close()

    def parts(self, store: Store, run: Any) -> QueueParts:
        printer: Any = self.drawer
        return QueueParts(
            *(run, store.node, lambda: store.epoch, store.vault, store.journal.zone),
            *(HouseClock(self.clock), self.options, self.outbound),
            *(FaxFiles(self.place / "fax"), printer, lambda: self.missing, self.alarms.append),
        )

    def wanted(self, jobs: FaxJobs, **changes: Any) -> Wanted:
        """A paper of three pages, its files in place."""
        wanted = Wanted(jobs.next_id(), NUMBER, 3, "对账单", by="li.na", role="teller")
        folder = FaxFiles(self.place / "fax").new(wanted.id)
        (folder / "paper.pdf").write_bytes(b"%PDF")
        (folder / "pages.tiff").write_bytes(b"II*\0")
        return replace(wanted, **changes)

    async def added(self, jobs: FaxJobs, **changes: Any) -> Fax:
        fax = await jobs.add(self.wanted(jobs, **changes))
        assert isinstance(fax, Fax), fax
        return fax

    async def ended(self, fax: str) -> Fax:
        """Wait until it is at its end or waits for another try; time goes on meanwhile."""
        async with asyncio.timeout(20):
            while True:
                found: Fax = await self.run(partial(fax_jobs.one, fax=fax))
                if found.state in ENDED:
                    return found
                if found.state is State.QUEUED and found.due_at > self.clock.now:
                    self.clock.now = found.due_at
                    self.look_now()
                await asyncio.sleep(0.02)
