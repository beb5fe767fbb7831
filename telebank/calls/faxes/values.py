"""What a fax leg is given and what comes of it."""

from dataclasses import dataclass
from typing import Literal, Protocol

from fax.job import Result
from fax.terminal import Accept, TerminalOptions, Transmit
from telebank.faxing import client as faxing
from telebank.faxing.client import Ended, Negotiated, PageConfirmed, PageReceived, PostMessageSent
from telebank.sip import T38Way

TOO_LONG = "took_too_long"
LOST = "fax_process_lost"
HUNG_UP = "hung_up"
NOT_AGREED = "fax_refused"
TOO_FEW = "the file has fewer pages than the fax"
NO_PAGE = "no page came"


@dataclass(frozen=True, slots=True)
class FaxTask:
    """One fax through one call."""

    work: Transmit | Accept
    terminal: TerminalOptions
    pages: int = 0
    """Pages of `work` to be sent; 0 where pages are received."""
    way: T38Way = "auto"
    watchdog_s: float = 1_800.0
    """Seconds from the beginning after which the fax is ended, whatever it is doing."""

    @property
    def receives(self) -> bool:
        """Whether pages come to us."""
        return isinstance(self.work, Accept)


@dataclass(frozen=True, slots=True)
class Answered:
    """The other side is there, and a terminal talks to it."""

    over: Literal["t38", "audio"]


Progress = Answered | Negotiated | PageConfirmed | PageReceived | PostMessageSent


@dataclass(frozen=True, slots=True)
class FaxOutcome:
    """How one fax through one call ended."""

    pages: int
    """Confirmed by the other side (MCF), or received and confirmed by us."""
    of: int
    """Pages that were to be sent; 0 where pages were received."""
    result: Result
    """`unconfirmed`: the page after `pages` was sent whole, and nobody said that it arrived."""
    reason: str
    """In words for logs and people; empty where all went well."""
    again: bool = True
    """Whether another call may go better."""
    peer_ident: str = ""
    """What the other machine called itself; not to be believed."""
    bad_rows: int = 0
    """Damaged rows in received pages."""
    rate: int = 0
    """Bits a second."""
    over: Literal["t38", "audio", ""] = ""
    """What carried it last."""
    lost: bool = False
    """Pages were agreed on, and whoever sent or took them died or fell silent before he said how it
    ended: a page more than `pages` may be on paper, whatever `result` and `reason` are."""
    placed: bool = True
    """False: no INVITE went out. Its call was stopped before, or there was no line for it here."""


@dataclass
class Account:
    """What a fax has told so far."""

    task: FaxTask
    pages: int = 0
    posted: int = 0
    bad_rows: int = 0
    over: Literal["t38", "audio", ""] = ""
    negotiated: Negotiated | None = None
    ended: Ended | None = None
    reason: str = ""
    """Ours, where it is known better than by the terminal."""
    again: bool = True

    def note(self, event: Progress | Ended) -> None:
        """Take an event of the line."""
        match event:
            case Answered():
                self.over = event.over
            case Negotiated():
                self.negotiated = event
            case PageConfirmed():
                self.pages = max(self.pages, event.pages)
            case PageReceived():
                self.pages = max(self.pages, event.pages)
                self.bad_rows += event.bad_rows
            case PostMessageSent():
                self.posted = max(self.posted, event.page)
            case Ended():
                self.ended, self.bad_rows = event, event.bad_rows
                self.pages = max(self.pages, event.pages)

    @property
    def asked(self) -> bool:
        """Whether a page is out that was neither confirmed nor known to be lost."""
        return self.ended.asked if self.ended is not None else self.posted > self.pages

    @property
    def lost(self) -> bool:
        """Whether the last words of what was agreed on never came."""
        return self.negotiated is not None and self.ended is None

    def outcome(self) -> FaxOutcome:
        """What to tell of it. Pages that were confirmed count, however the call ended."""
        ended, task = self.ended, self.task
        result = self._received() if task.receives else self._sent()
        ident = self.negotiated.peer_ident if self.negotiated is not None else ""
        return FaxOutcome(
            self.pages,
            task.pages,
            result,
            "" if result == "sent" else self.reason or self._reason(),
            self.again,
            ended.peer_ident if ended is not None and ended.peer_ident else ident,
            self.bad_rows,
            ended.rate if ended is not None else 0,
            self.over,
            self.lost,
        )

    def _reason(self) -> str:
        """Why it is not whole, as the terminal has it: never that all went well."""
        if self.ended is None:
            return LOST if self.lost else HUNG_UP
        if self.ended.code == 0:
            return NO_PAGE if self.task.receives else TOO_FEW
        return self.ended.reason

    def _sent(self) -> Result:
        if self.pages >= self.task.pages:
            return "sent"
        if self.asked:
            return "unconfirmed"
        return "partial" if self.pages else "failed"

    def _received(self) -> Result:
        if self.ended is not None and self.ended.code == 0 and self.pages:
            return "sent"
        return "partial" if self.pages else "failed"


class FaxLines(Protocol):
    """The fax process as a leg needs it."""

    async def open(
        self, address: str, on_event: faxing.OnEvent, learn_from: str = ""
    ) -> faxing.FaxLine | faxing.OpenFailed:
        """Two UDP ports on an address of this machine; see `FaxProcess.open`."""
        ...
