"""Faxes that callers ask for: the paper made and printed, then sent in the call once its caller is
ready, or kept to be sent in a call of its own, or by mail."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta, tzinfo
from pathlib import Path

import structlog

from fax.documents.compose import Stamp
from fax.documents.jobs import Done
from fax.job import State
from fax.terminal import Transmit
from telebank.calls.control.desk import NOT_KNOWN
from telebank.calls.faxes.addresses import registered_address
from telebank.calls.faxes.composer import NoPaper, composed, registered_number
from telebank.calls.faxes.files import FILE_MODE, FaxFiles
from telebank.calls.faxes.mailing import Mailing
from telebank.calls.faxes.options import FaxOptions
from telebank.calls.faxes.outgoing import terminal_of
from telebank.calls.faxes.printing import Printer
from telebank.calls.faxes.queue import NOT_AVAILABLE, FaxJobs, Wanted
from telebank.calls.faxes.tolls import Refusal
from telebank.calls.faxes.values import FaxLines, FaxOutcome, FaxTask, Progress
from telebank.calls.services import FaxAsked
from telebank.flow.commands import SendFax
from telebank.flow.model import FAX_HERE, FAX_OUT, MAIL_OUT, REGISTERED, UNCONFIRMED
from telebank.store.fax_rows import Fax
from transactions.clock import Clock
from transactions.outcome import Values
from transactions.ports import JournalUnavailable, LeaseLost

log = structlog.get_logger("telebank.faxes")

Keep = Callable[[Wanted], Awaitable[Fax | Refusal]]
"""Has a paper sent, as the queue and the mail do."""
CALLER, IN_CALL = "caller", "0"
"""Who asks where nobody is proven; what stands for a number where the call itself carries it."""

SPOKEN = 4
MAKING_S = 60.0
"""Longest time to make a paper, in seconds: services, the wait for the printer, printing."""
FAILED, BUSY = "failed", "busy"
PAUSES_S = (0.5, 1.0, 2.0, 4.0)
"""Between tries to learn whether a fax was kept, in seconds; then nobody knows."""


@dataclass(frozen=True, slots=True)
class OfficeParts:
    """What callers' faxes are made with."""

    jobs: FaxJobs
    lines: FaxLines
    printer: Printer
    files: FaxFiles
    options: FaxOptions
    clock: Clock
    zone: tzinfo
    making_s: float = MAKING_S
    bank: Mapping[str, str] = field(default_factory=dict)
    """Its name by language, at the head of papers."""
    mailing: Mailing | None = None
    """None: nothing is mailed."""


@dataclass(frozen=True, slots=True)
class Made:
    """A paper in its folder, and the channel that it has: see `telebank.calls.services.MadeFax`."""

    office: "FaxOffice"
    asked: FaxAsked
    fax: str
    pages: int
    channel: ExitStack

    async def send(self) -> tuple[str, Values]:
        """Send it in the call; once."""
        with self.channel:
            return await self.office.sent(self)

    async def drop(self) -> None:
        """Give the channel back and remove the files."""
        self.channel.close()
        await self.office.remove(self.fax)


class FaxOffice:
    """Answers what calls ask of `telebank.calls.services.Faxes`."""

    def __init__(self, parts: OfficeParts) -> None:
        self._parts = parts

    def able(self) -> frozenset[str]:
        """Which of ABILITIES new calls have: to send in a call needs the library, to send in
        another one also a number that may be dialled; mail needs a server."""
        jobs = self._parts.jobs
        mail = frozenset((MAIL_OUT,) if self._mailing is not None else ())
        if jobs.missing:
            return mail
        return mail | frozenset((FAX_HERE, FAX_OUT) if jobs.dials else (FAX_HERE,))

    @property
    def _mailing(self) -> Mailing | None:
        mailing = self._parts.mailing
        return mailing if mailing is not None and mailing.wanted else None

    async def demand(self, asked: FaxAsked) -> tuple[str, Values]:
        """Make the document and keep it to be sent in a call of its own, or to be mailed: the exit
        and its data."""
        mails = isinstance(asked.fax, SendFax) and asked.fax.way == "mail"
        if self._parts.jobs.missing and not mails:
            return NOT_AVAILABLE, {}
        try:
            return await (self._mailed(asked) if mails else self._afterwards(asked))
        except (JournalUnavailable, LeaseLost, OSError) as error:  # the store, or a full disk
            known = not str(error).startswith(NOT_KNOWN)
            told = "fax.not_kept" if known else "fax.not_known"
            log.warning(told, call=asked.call, error=type(error).__name__)
            return NOT_AVAILABLE if known else UNCONFIRMED, {}

    # -- in the call ------------------------------------------------------------------------------

    async def prepare(self, asked: FaxAsked) -> Made | str:
        """Make the paper of a fax in the call, and take a channel for it once it is made: its
        caller is told to press start, and machines hear no words. Else the exit."""
        jobs = self._parts.jobs
        if jobs.missing:
            return NOT_AVAILABLE
        if not jobs.free:  # before anybody is asked for anything
            return BUSY
        fax = jobs.next_id()
        try:
            pages = await self._printed(asked, fax)
        except OSError as error:
            log.warning("fax.not_printed", call=asked.call, error=type(error).__name__)
            return NOT_AVAILABLE
        if isinstance(pages, NoPaper):
            return pages.exit
        channel = ExitStack()
        made = Made(self, asked, fax, pages, channel)
        if channel.enter_context(jobs.channel()):
            return made
        await made.drop()
        return BUSY

    async def sent(self, made: Made) -> tuple[str, Values]:
        """Send what was made, within its channel. What the store does not keep is not sent."""
        try:
            fax = await self._here(made)
        except (JournalUnavailable, LeaseLost) as error:
            log.warning("fax.not_kept", call=made.asked.call, error=type(error).__name__)
            if not str(error).startswith(NOT_KNOWN):
                await self.remove(made.fax)
            return NOT_AVAILABLE, {}
        if fax is not None and fax.id != made.fax:  # the same request came before
            await self.remove(made.fax)
        return _exit_of(fax)

    async def _here(self, made: Made) -> Fax | None:
        asked, fax, pages = made.asked, made.fax, made.pages
        options, tiff = self._parts.options, self._parts.files.pages(fax)
        way, limit_s = self._parts.jobs.t38_to(asked.caller), float(options.watchdog_s)
        task = FaxTask(Transmit(tiff), terminal_of(options), pages, way, limit_s)

        async def run(on_progress: Callable[[Progress], None]) -> FaxOutcome:
            return await asked.send(self._parts.lines, task, on_progress)

        wanted = self._wanted(asked, fax, IN_CALL, pages)
        return await self._parts.jobs.here(wanted, CALLER, run, asked.stop)

    # -- afterwards -------------------------------------------------------------------------------

    async def _afterwards(self, asked: FaxAsked) -> tuple[str, Values]:
        jobs = self._parts.jobs
        assert isinstance(asked.fax, SendFax)
        to = asked.fax.to
        if to == REGISTERED:
            found = await registered_number(asked)
            if isinstance(found, NoPaper):
                return found.exit, {}
            to = found
        may = jobs.may(to)
        if isinstance(may, Refusal):
            return _refused(asked, may)
        kept = await self._ordered(asked, to, jobs.add)
        if isinstance(kept, NoPaper):
            return kept.exit, {}
        if isinstance(kept, Refusal):
            return _refused(asked, kept)
        return "accepted", {"pages": kept.life.pages, "number": _spoken(may.number)}

    async def _mailed(self, asked: FaxAsked) -> tuple[str, Values]:
        mailing = self._mailing
        if mailing is None:
            return NOT_AVAILABLE, {}
        to = await registered_address(asked)
        if isinstance(to, NoPaper):
            return to.exit, {}
        kept = await self._ordered(asked, to, mailing.add)
        if isinstance(kept, NoPaper):
            return kept.exit, {}
        return _refused(asked, kept) if isinstance(kept, Refusal) else ("accepted", {})

    async def _ordered(self, asked: FaxAsked, to: str, keep: Keep) -> Fax | Refusal | NoPaper:
        """Have the paper made and kept, to be sent there."""
        fax = self._parts.jobs.next_id()
        pages = await self._printed(asked, fax)
        if isinstance(pages, NoPaper):
            return replace(pages, exit=NOT_AVAILABLE) if pages.exit == FAILED else pages
        kept = await self._kept(self._wanted(asked, fax, to, pages), keep)
        if isinstance(kept, Refusal) or kept.id != fax:
            await self.remove(fax)
        return kept

    async def _kept(self, wanted: Wanted, keep: Keep) -> Fax | Refusal:
        """Keep a fax. Where nobody can say whether the store did, it is asked again, and the same
        request finds what it made: a caller who is told no asks for a second one. Raises what
        begins with NOT_KNOWN where nobody could say it to the end."""
        unknown = False
        for pause_s in (*PAUSES_S, None):
            try:
                return await keep(wanted)
            except JournalUnavailable as error:
                unknown = unknown or str(error).startswith(NOT_KNOWN)
                if not unknown:
                    await self.remove(wanted.id)
                if not unknown:
                    raise
                if pause_s is None:
                    raise JournalUnavailable(f"{NOT_KNOWN} after so many tries") from error
                await asyncio.sleep(pause_s)
            except LeaseLost as error:
                if unknown:
                    raise JournalUnavailable(f"{NOT_KNOWN}, and the node was lost") from error
                raise
        raise AssertionError("the last try returns or raises")

    async def remove(self, fax: str) -> None:
        """Files that cannot be removed now are once they are old."""
        try:
            await asyncio.to_thread(self._parts.files.remove, fax)
        except OSError as error:
            log.warning("fax.files_left", fax=fax, error=type(error).__name__)

    def _wanted(self, asked: FaxAsked, fax: str, to: str, pages: int) -> Wanted:
        ordered, kind = asked.fax, asked.edition.release.documents[asked.fax.document]
        return Wanted(
            id=fax,
            to=to,
            pages=pages,
            title=kind.title[ordered.language],
            by=asked.customer or CALLER,
            document=ordered.document,
            language=ordered.language,
            customer=asked.customer or None,
            call=asked.call,
            request=f"{asked.call}-{ordered.visit}",
            due=self._due(asked),
        )

    def _due(self, asked: FaxAsked) -> datetime | None:
        """The next time that the bank's clock shows so; None: now."""
        at = asked.fax.at if isinstance(asked.fax, SendFax) else None
        if at is None:
            return None
        now = self._parts.clock.now().astimezone(self._parts.zone)
        due = datetime.combine(now.date(), at, self._parts.zone)
        return due if due > now else due + timedelta(days=1)

    # -- the paper --------------------------------------------------------------------------------

    async def _printed(self, asked: FaxAsked, fax: str) -> int | NoPaper:
        """Make the paper in the fax's folder, within the time that it has; its pages."""
        limit_s = self._parts.making_s
        try:
            async with asyncio.timeout(limit_s):
                return await self._made(asked, fax)
        except TimeoutError:
            log.warning("fax.not_printed", call=asked.call, why=f"not made within {limit_s:g} s")
            return NoPaper(FAILED, "it took too long")

    async def _made(self, asked: FaxAsked, fax: str) -> int | NoPaper:
        parts = self._parts
        language, now = asked.fax.language, parts.clock.now().astimezone(parts.zone)
        stamp = Stamp(language, parts.bank.get(language, ""), fax, now)
        paper = await composed(asked, stamp)
        if isinstance(paper, NoPaper):
            return paper
        pdf, tiff = parts.files.paper(fax), parts.files.pages(fax)
        folder = asyncio.ensure_future(asyncio.to_thread(parts.files.new, fax))
        done = False
        try:
            await asyncio.shield(folder)
            answer = await parts.printer.print(
                paper, pdf=pdf, tiff=tiff, resolution=parts.options.resolution
            )
            if isinstance(answer, Done):
                await asyncio.to_thread(_private, pdf, tiff)
                done = True
        finally:
            if not done:
                await asyncio.gather(folder, return_exceptions=True)  # nobody stops a thread
                await self.remove(fax)
        if not isinstance(answer, Done):
            log.warning("fax.not_printed", call=asked.call, why=answer.why)
            return NoPaper(FAILED, answer.why)
        return answer.pages


def _spoken(number: str) -> str:
    """As callers hear it, who gave it or gave it to the bank: its last four digits."""
    return f"****{number[-SPOKEN:]}"


def _private(*files: Path) -> None:
    for file in files:
        file.chmod(FILE_MODE)


def _refused(asked: FaxAsked, refusal: Refusal) -> tuple[str, Values]:
    """The caller hears that it may not be, or not now; which rule is for the log."""
    log.info("fax.refused", call=asked.call, rule=refusal.rule)
    down = refusal.rule in (NOT_AVAILABLE, "full", "no_gateway")
    return NOT_AVAILABLE if down else "refused", {}


def _exit_of(fax: Fax | None) -> tuple[str, Values]:
    """What to tell of a fax that went in the call; of one that was lost nobody knows."""
    if fax is None:
        return "unconfirmed", {}
    life = fax.life
    told: Values = {"pages": life.confirmed, "of": life.pages}
    match life.state:
        case State.DONE:
            return "sent", told
        case State.UNCONFIRMED:
            return "unconfirmed", told
        case _:
            return ("partial" if life.confirmed else "failed"), told
