"""Calls to a number that receives: answered as a fax machine, kept as TIFF and PDF, and mailed.

A fax is kept before its call is answered and its pages are on disk as they are confirmed, so that
what a killed node had received is found by the next life and looked at by a person: the sender may
hold those pages for delivered.
"""

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import partial
from typing import Any

import structlog

from fax.documents.jobs import Done
from fax.job import INTERRUPTED, State
from fax.terminal import Accept
from telebank.calls.endpoint import Fact
from telebank.calls.faxes.attempt import WRITE_PAUSE_S
from telebank.calls.faxes.files import FILE_MODE, FaxFiles
from telebank.calls.faxes.leg import FaxLeg
from telebank.calls.faxes.options import FaxOptions
from telebank.calls.faxes.outgoing import terminal_of
from telebank.calls.faxes.printing import Printer
from telebank.calls.faxes.queue import PAUSE_S, FaxJobs
from telebank.calls.faxes.tolls import Arrivals
from telebank.calls.faxes.values import HUNG_UP, FaxLines, FaxOutcome, FaxTask, Progress
from telebank.calls.masking import mask_caller, plain, user_of
from telebank.calls.services import CallServices
from telebank.customers.asked import Run as StoreRun
from telebank.sip import CallOffered
from telebank.store import fax_arrivals
from telebank.store.fax_jobs import judged
from telebank.store.fax_rows import Fax, FaxDraft, alarm
from telebank.store.sealing import Keyring
from transactions.card import SealedCard
from transactions.journal import JournalEvent
from transactions.ports import JournalUnavailable, LeaseLost

log = structlog.get_logger("telebank.faxes")

BUSY, UNAVAILABLE = 486, 503
"""Answers to calls that no channel is free for, or that could not be kept."""
AT_ONCE = 100
STOP_S = 10.0
STOPPING = "node_stops"
RECEIVED = "received"
MAX_NUMBER = 64


@dataclass(frozen=True, slots=True)
class IncomingParts:
    """What faxes that come are taken with."""

    run: StoreRun
    vault: Keyring
    options: FaxOptions
    files: FaxFiles
    printer: Printer
    lines: FaxLines
    jobs: FaxJobs
    mailed: Callable[[], bool]
    """Whether they are mailed."""
    came: Callable[[], None] = lambda: None
    """Hears that there may be something to mail."""
    on_alarm: Callable[[JournalEvent], None] = lambda _event: None
    """Hears of what goes to a person, which the log has already."""
    today: Callable[[], date] = lambda: datetime.now(UTC).date()
    """The day that it is for the bank."""


class Incoming:
    """`attach`, then `takes` for each call; `start` looks after what was left; `close`."""

    def __init__(self, parts: IncomingParts) -> None:
        self._parts = parts
        self._shell: CallServices
        self._arrivals = Arrivals(parts.options)
        self._legs: set[FaxLeg] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._looking: asyncio.Task[None] | None = None
        self._closing = False

    def attach(self, shell: CallServices) -> None:
        """What calls are answered with."""
        self._shell = shell

    def start(self) -> None:
        """Bring to people what nobody receives any more, until `close`: what a former life of this
        node was receiving above all."""
        self._looking = asyncio.create_task(self._keep_looking(), name="faxes that come")
        self._looking.add_done_callback(self._looked_last)

    def _looked_last(self, task: "asyncio.Task[None]") -> None:
        """What nobody foresaw is in the log, and it is looked again after a while."""
        self._done(task)
        if not (task.cancelled() or self._closing):
            asyncio.get_running_loop().call_later(PAUSE_S, self._look_again)

    def _look_again(self) -> None:
        if not self._closing:
            self.start()

    async def close(self) -> None:
        """Take no more, end what comes, and write how far it came."""
        self._closing = True
        if self._looking is not None:
            self._looking.cancel()
            await asyncio.gather(self._looking, return_exceptions=True)
        for leg in list(self._legs):
            leg.cancel(STOPPING)
        if self._tasks:
            _, late = await asyncio.wait(self._tasks, timeout=STOP_S)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)

    def takes(self, offered: CallOffered) -> bool:
        """Whether a new call is to a number that receives; then its facts are its fax's from here
        on."""
        if user_of(offered.to_uri) not in self._parts.options.numbers:
            return False
        if self._closing or self._parts.jobs.missing:
            self._shell.act.refuse(offered.leg, UNAVAILABLE)
            return True
        fax = self._parts.jobs.next_id()
        files = self._parts.files
        task = FaxTask(
            Accept(files.pages(files.name(fax, came=True))),
            terminal_of(self._parts.options),
            way=self._parts.options.t38,
            watchdog_s=float(self._parts.options.watchdog_s),
        )
        leg = FaxLeg(self._shell, self._parts.lines, task, _quiet)
        gone: list[Fact] = []
        self._shell.claim(offered.leg, gone.append)
        self._later(self._receive(fax, offered, leg, gone))
        return True

    # -- one fax --------------------------------------------------------------------------------

    async def _receive(
        self, fax: str, offered: CallOffered, leg: FaxLeg, gone: Sequence[Fact]
    ) -> None:
        status = await self._let_in(fax, offered)
        if status:
            self._refuse(offered, status)
            return
        try:
            await self._take(fax, offered, leg, gone)
        finally:
            self._arrivals.end()

    async def _let_in(self, fax: str, offered: CallOffered) -> int:
        """0, or what a call is refused with that the rules for strangers keep out."""
        try:
            free = await asyncio.to_thread(self._parts.files.free)
        except OSError as error:
            log.warning("fax.not_taken", fax=fax, error=type(error).__name__)
            return UNAVAILABLE
        if not await self._counted(fax):
            return UNAVAILABLE
        refusal = self._arrivals.begin(self._sealed(offered.from_uri).token, free)
        if refusal is None:
            return 0
        log.warning("fax.not_taken", fax=fax, rule=refusal.rule)
        return UNAVAILABLE if refusal.rule == "free_mb" else BUSY

    async def _counted(self, fax: str) -> bool:
        """Whether the calls of today are known: of a new day, or of one that a former life of this
        node began, the store says."""
        today = self._parts.today()
        if today == self._arrivals.day:
            return True
        job = partial(fax_arrivals.come_since, since=self._parts.jobs.day_began())
        try:
            self._arrivals.count(today, await self._parts.run(job))
        except (JournalUnavailable, LeaseLost) as error:
            log.warning("fax.not_taken", fax=fax, error=type(error).__name__)
            return False
        return True

    def _refuse(self, offered: CallOffered, status: int) -> None:
        self._shell.act.refuse(offered.leg, status)
        self._shell.release(offered.leg)

    async def _take(
        self, fax: str, offered: CallOffered, leg: FaxLeg, gone: Sequence[Fact]
    ) -> None:
        with self._parts.jobs.channel() as free:
            status = BUSY if not free else await self._kept(fax, offered)
            if status:
                self._refuse(offered, status)
                return
            if gone:  # before it was answered
                await self._came(fax, FaxOutcome(0, 0, "failed", HUNG_UP))
                return
            outcome = await self._taken(fax, offered, leg)
            if outcome is None or outcome.lost:
                await self._unknown(fax, "failed" if outcome is None else outcome.reason)
            else:
                await self._came(fax, outcome)

    async def _taken(self, fax: str, offered: CallOffered, leg: FaxLeg) -> FaxOutcome | None:
        """Answer the call and take its fax; None where that failed as nobody foresaw."""
        self._legs.add(leg)
        work = asyncio.ensure_future(leg.take(offered))
        try:
            await asyncio.wait([work])
        finally:
            work.cancel()
            self._legs.discard(leg)
        if (error := work.exception()) is not None:
            log.error("fax.failed", fax=fax, error=type(error).__name__)
            return None
        return work.result()

    async def _kept(self, fax: str, offered: CallOffered) -> int:
        """Keep a fax before it comes; 0, or what the call is refused with."""
        draft = FaxDraft(
            *(fax, "number", self._sealed(offered.from_uri), 0, RECEIVED, RECEIVED),
            role="system",
            call=fax,  # a reference of our own: theirs may be anybody's
        )
        seconds = self._parts.options.watchdog_s
        try:
            await asyncio.to_thread(self._parts.files.new, fax, came=True)
            theirs = plain(offered.call_id)[:MAX_NUMBER]
            job = partial(fax_arrivals.arriving, draft=draft, seconds=seconds, call_id=theirs)
            await self._parts.run(job, judged(fax))
        except (OSError, JournalUnavailable, LeaseLost) as error:
            log.warning("fax.not_taken", fax=fax, error=type(error).__name__)
            return UNAVAILABLE
        return 0

    async def _remove(self, fax: str) -> None:
        """Nothing came: files that cannot be removed now are once they are old."""
        files = self._parts.files
        try:
            await asyncio.to_thread(files.remove, files.name(fax, came=True))
        except OSError as error:
            log.warning("fax.files_left", fax=fax, error=type(error).__name__)

    async def _came(self, fax: str, outcome: FaxOutcome) -> None:
        """What came of a call: whole, in part, or nothing."""
        if outcome.pages == 0:
            await self._ends(fax, 0, outcome.reason or "nothing", State.FAILED, mail=False)
            await self._remove(fax)
            return
        why = await self._bound(fax) or ("" if outcome.result == "sent" else outcome.reason)
        state = State.DONE if outcome.result == "sent" else State.FAILED
        mail, bad_rows = self._parts.mailed(), outcome.bad_rows
        await self._ends(fax, outcome.pages, why, state, mail=mail, bad_rows=bad_rows)

    async def _bound(self, fax: str) -> str:
        """Have the pages as PDF too; why not, where that cannot be: the TIFF stays."""
        files, folder = self._parts.files, self._parts.files.name(fax, came=True)
        tiff, pdf = files.pages(folder), files.paper(folder)
        if not tiff.exists():
            return "no pages on disk"
        try:
            await asyncio.to_thread(tiff.chmod, FILE_MODE)
            answer = await self._parts.printer.bind(tiff, pdf)
            if isinstance(answer, Done):
                await asyncio.to_thread(pdf.chmod, FILE_MODE)
                return ""
            why = answer.why
        except OSError as error:
            why = error.strerror or type(error).__name__
        log.warning("fax.not_bound", fax=fax, why=why)
        return f"not as PDF: {why}"

    async def _ends(
        self, fax: str, pages: int, why: str, state: State, *, mail: bool, bad_rows: int = 0
    ) -> None:
        """Write what came, however long the store is away."""
        more: dict[str, Any] = {"pages": pages, "why": why, "state": state, "mail": mail}
        more["bad_rows"] = bad_rows
        job = partial(fax_arrivals.arrived, fax=fax, **more)
        while True:
            try:
                kept: Fax | None = await self._parts.run(job, judged(fax))
                break
            except JournalUnavailable as error:
                log.warning("fax.end_not_written", fax=fax, error=type(error).__name__)
                await asyncio.sleep(WRITE_PAUSE_S)
            except LeaseLost:
                return
        if kept is not None and kept.state is State.UNCONFIRMED:
            self._parts.on_alarm(alarm(kept.id, kept.life))
        self._parts.came()

    # -- what was left behind -------------------------------------------------------------------

    async def _keep_looking(self) -> None:
        while not self._closing:
            await self._left()
            await asyncio.sleep(self._parts.options.look_s)

    async def _left(self) -> None:
        """A person looks at what a killed node was receiving, with the pages that are on disk."""
        job = partial(fax_arrivals.left_arriving, most=AT_ONCE)
        try:
            found: Sequence[Fax] = await self._parts.run(job)
        except (JournalUnavailable, LeaseLost) as error:
            log.warning("faxes.not_looked", error=type(error).__name__)
            return
        for fax in found:
            await self._unknown(fax.id, INTERRUPTED)

    async def _unknown(self, fax: str, why: str) -> None:
        """The sender may hold the pages that are on disk, and one more, for delivered."""
        pages = await self._pages(fax)
        mail = self._parts.mailed() and pages > 0
        await self._ends(fax, pages, why, State.UNCONFIRMED, mail=mail)

    async def _pages(self, fax: str) -> int:
        files = self._parts.files
        folder = files.name(fax, came=True)
        tiff = files.pages(folder)
        if not tiff.exists():
            return 0
        try:
            answer = await self._parts.printer.bind(tiff, files.paper(folder))
        except OSError as error:
            log.warning("fax.not_bound", fax=fax, why=error.strerror)
            return 0
        return answer.pages if isinstance(answer, Done) else 0

    def _sealed(self, uri: str) -> SealedCard:
        number = _number(uri)
        sealed = self._parts.vault.seal_digits(number)
        return SealedCard(sealed.token, mask_caller(uri), sealed.key_id, sealed.ciphertext)

    def _later(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._done)

    def _done(self, task: "asyncio.Task[None]") -> None:
        self._tasks.discard(task)
        error = None if task.cancelled() else task.exception()
        if error is not None:
            log.error("fax.failed", error=type(error).__name__)


def _number(uri: str) -> str:
    return plain(user_of(uri) or uri)[:MAX_NUMBER]


def _quiet(_progress: Progress) -> None:
    """Pages that come are in their file; nothing is written of each."""
