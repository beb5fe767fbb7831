"""Wiring of faxes: the process that speaks T.30, the queue, what comes in, what callers and staff
ask for."""

import asyncio
import hashlib
import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC
from functools import partial
from pathlib import Path

import structlog

from fax.job import ENDED, State
from telebank.calls.control.desk import NOT_KNOWN
from telebank.calls.control.faxes import NotTaken, Order, Taken, sweep
from telebank.calls.faxes.files import PAPER, FaxFiles
from telebank.calls.faxes.incoming import Incoming, IncomingParts
from telebank.calls.faxes.letters import FaxLetters, LetterParts
from telebank.calls.faxes.mailing import Mailing, MailingParts
from telebank.calls.faxes.office import FaxOffice, OfficeParts
from telebank.calls.faxes.outgoing import Outgoing
from telebank.calls.faxes.parts import QueueParts
from telebank.calls.faxes.printing import Printer, PrintingOptions
from telebank.calls.faxes.queue import FaxJobs, Wanted
from telebank.calls.faxes.rounds import Rounds
from telebank.calls.faxes.tolls import Refusal
from telebank.calls.services import CallServices, FaxAsked, MadeFax
from telebank.commands.wiring.alarms import warn
from telebank.faxing.client import FaxProcess
from telebank.ops.clock import SystemClock
from telebank.ops.mail import Mailer
from telebank.settings import Settings
from telebank.sip import CallOffered
from telebank.store.fax_rows import Fax
from telebank.store.sealing import Keyring
from telebank.store.store import Store
from transactions.approval import Actor
from transactions.card import CardNumberError
from transactions.outcome import Values
from transactions.ports import JournalUnavailable

log = structlog.get_logger("telebank.faxes")

FOLDER, KEYS = "fax", "keys"
"""Under the data folder."""


class FaxRoom:
    """What a node has for faxes. `open` before calls, `start` once they are taken, `close` before
    the node, `close_process` after it."""

    def __init__(self, settings: Settings, data: Path, store: Store, keyring: Keyring) -> None:
        self._settings = settings
        self._data = data
        self._store = store
        self._keyring = keyring
        self._process = FaxProcess(settings.fax_process)
        self._files = FaxFiles(data / FOLDER)
        self._printer = Printer(PrintingOptions())
        self._clock = SystemClock()
        self._shell: CallServices
        self._on_lost: Callable[[], None] = lambda: None
        self._mailer = Mailer(settings.mail, data / KEYS)
        self._mailing = Mailing(self._mails())
        self._jobs = FaxJobs(self._queue())
        self._office = FaxOffice(self._desk())
        self._letters = FaxLetters(self._post())
        self._incoming = Incoming(self._arrivals())

    def _queue(self) -> QueueParts:
        settings, store = self._settings, self._store
        return QueueParts(
            run=store.journal.run,
            node=settings.node.id,
            epoch=lambda: store.epoch,
            vault=self._keyring,
            zone=store.journal.zone,
            clock=self._clock,
            fax=settings.fax,
            outbound=settings.outbound,
            files=self._files,
            printer=self._printer,
            missing=lambda: self.missing,
            on_alarm=warn,
            on_lost=self._node_lost,
        )

    def _desk(self) -> OfficeParts:
        options, zone = self._settings.fax, self._store.journal.zone
        return OfficeParts(
            *(self._jobs, self._process, self._printer, self._files, options, self._clock, zone),
            bank=self._settings.node.bank,
            mailing=self._mailing,
        )

    def _mails(self) -> MailingParts:
        settings, run = self._settings, self._store.journal.run
        return MailingParts(
            *(run, settings.node.id, self._keyring, self._files, self._mailer, settings.mail),
            bank=settings.node.bank,
            on_alarm=warn,
        )

    def _post(self) -> LetterParts:
        options, journal = self._settings.mail, self._store.journal
        return LetterParts(
            *(journal.run, self._files, self._mailer, options, self._clock, journal.zone),
            on_alarm=warn,
            bank=self._settings.node.bank,
        )

    def _arrivals(self) -> IncomingParts:
        return IncomingParts(
            run=self._store.journal.run,
            vault=self._keyring,
            options=self._settings.fax,
            files=self._files,
            printer=self._printer,
            lines=self._process,
            jobs=self._jobs,
            mailed=lambda: self._letters.wanted,
            came=self._letters.look_now,
            on_alarm=warn,
            today=lambda: self._clock.now().astimezone(self._store.journal.zone).date(),
        )

    # -- life -------------------------------------------------------------------------------------

    async def open(self) -> None:
        """Start the fax process, and remove what was handed over and never sent."""
        await asyncio.to_thread(sweep, self._data)
        await self._process.start()

    def attach(self, shell: CallServices) -> None:
        """See `telebank.calls.services.Faxes`."""
        self._shell = shell
        self._incoming.attach(shell)

    def takes(self, offered: CallOffered) -> bool:
        """See `telebank.calls.services.Faxes`."""
        return self._incoming.takes(offered)

    def drain(self) -> None:
        """See `telebank.calls.services.Faxes`."""
        self._jobs.drain()

    def able(self) -> frozenset[str]:
        """See `telebank.calls.services.Faxes`."""
        return self._office.able()

    async def prepare(self, asked: FaxAsked) -> MadeFax | str:
        """See `telebank.calls.services.Faxes`."""
        return await self._office.prepare(asked)

    async def demand(self, asked: FaxAsked) -> tuple[str, Values]:
        """See `telebank.calls.services.Faxes`."""
        return await self._office.demand(asked)

    def start(self, on_lost: Callable[[], None]) -> None:
        """Look for what is due, and for what a former life left; `on_lost` hears that another
        process has this node."""
        settings, self._on_lost = self._settings, on_lost
        self._jobs.start(Outgoing(self._shell, self._process, settings.fax, settings.outbound))
        self._incoming.start()
        for rounds in self._rounds:
            rounds.start()

    @property
    def _rounds(self) -> tuple[Rounds, ...]:
        """What mails: none of them where there is no server."""
        return (self._letters, self._mailing) if self._settings.mail.host else ()

    def _node_lost(self) -> None:
        self._on_lost()

    async def close(self) -> None:
        """End the calls that faxes go through, and write how far they came."""
        mails = [rounds.close() for rounds in self._rounds]
        await asyncio.gather(self._jobs.close(), self._incoming.close(), *mails)

    async def close_process(self) -> None:
        """End the fax process."""
        await self._process.close()

    # -- for staff --------------------------------------------------------------------------------

    @property
    def missing(self) -> str:
        """See `telebank.calls.control.faxes.FaxRoom`."""
        return self._process.missing

    def counts(self) -> dict[str, int]:
        """See `telebank.calls.control.faxes.FaxRoom`."""
        return self._jobs.counts() | {"draining": self._jobs.draining}

    async def take(self, order: Order) -> Taken | NotTaken:
        """See `telebank.calls.control.faxes.FaxRoom`."""
        if order.like:
            number = await self._number_of(order.like)
            if isinstance(number, NotTaken):
                return number
            order = replace(order, to=number)
        may = self._jobs.may(order.to, order.by.role)
        if isinstance(may, Refusal):
            return NotTaken(may.rule, may.why)
        fax = self._jobs.next_id()
        try:
            paper = await asyncio.to_thread(_digest, order.folder / PAPER)
            await asyncio.to_thread(self._files.adopt, fax, order.folder)
        except OSError as error:
            return NotTaken("files", f"the paper cannot be kept: {error.strerror}")
        kept = await self._keep(fax, order, self._content(paper, may.number, order))
        if isinstance(kept, Refusal):
            await self._tidied(fax, partial(self._files.give_back, fax, order.folder))
            return NotTaken(kept.rule, kept.why)
        if kept.id != fax:  # the same request came before
            await self._tidied(fax, partial(self._files.remove, fax))
        return Taken(kept.id, kept.number.masked, kept.life.pages, order.due_at)

    async def _number_of(self, fax: str) -> str | NotTaken:
        """Where a fax went or came from, in clear; no answer tells it."""
        found = await self._jobs.one(fax)
        if found is None:
            return NotTaken("none", f"there is no fax {fax}; its days may be over")
        if found.way not in ("number", "uri"):
            return NotTaken("no_number", f"{fax} has no number of its own: give one")
        try:
            return self._keyring.unseal_digits(found.number)
        except CardNumberError:
            return NotTaken("number_unreadable", f"the number of {fax} cannot be read: give it")

    def _content(self, paper: str, number: str, order: Order) -> str:
        """What is asked for, of which the request's id may not mean another: under the node's key,
        as a number could be guessed."""
        due = "" if order.due_at is None else order.due_at.astimezone(UTC).isoformat()
        return self._keyring.digest(json.dumps(["fax", paper, number, due, order.language]))

    async def _keep(self, fax: str, order: Order, content: str) -> Fax | Refusal:
        wanted = Wanted(
            id=fax,
            to=order.to,
            pages=order.pages,
            title=order.title,
            by=order.by.id,
            role=order.by.role,
            language=order.language,
            request=self._keyring.digest(f"fax {order.by.id} {order.request}"),
            content=content,
            due=order.due_at,
        )
        try:
            return await self._jobs.add(wanted)
        except JournalUnavailable as error:
            if not str(error).startswith(NOT_KNOWN):
                await self._tidied(fax, partial(self._files.remove, fax))
            raise

    async def _tidied(self, fax: str, work: Callable[[], None]) -> None:
        """What was decided holds, whatever becomes of its files: those left are removed once they
        are old."""
        try:
            await asyncio.to_thread(work)
        except OSError as error:
            log.warning("fax.files_left", fax=fax, error=type(error).__name__)

    async def cancel(self, fax: str, by: Actor) -> str | NotTaken:
        """See `telebank.calls.control.faxes.FaxRoom`."""
        found = await self._jobs.one(fax)
        if found is None or found.direction != "out":
            return NotTaken("none", f"there is no fax {fax}; `telebank fax list` lists them")
        if found.state not in ENDED:
            found = await self._jobs.cancel(fax, by) or found
            if found.state is State.CANCELLED:
                return found.state.value
            if found.state not in ENDED:
                moved = NotTaken("moved", f"{fax} is just being moved: ask once more")
                return "stopping" if found.stop_by else moved
        return NotTaken("ended", f"{fax} is {found.state.value} already")


def _digest(paper: Path) -> str:
    with paper.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
