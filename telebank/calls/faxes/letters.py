"""Faxes that came, brought to people by mail: tried again until the server took it or said no.

What is to be mailed stands in the store with the fax. Mail that cannot go loses nothing: the fax
and its files stay, and `telebank fax inbox` shows them. Papers that callers have mailed to them
(`telebank.calls.faxes.mailing`) have rounds of their own: neither mail waits for the other.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta, tzinfo
from functools import partial
from pathlib import Path
from typing import Any, Protocol

import structlog

from fax.job import INTERRUPTED, State, backoff_s
from telebank.calls.faxes.files import FaxFiles
from telebank.calls.faxes.options import MailOptions
from telebank.calls.faxes.reasons import reason
from telebank.calls.faxes.rounds import Rounds
from telebank.customers.asked import Run as StoreRun
from telebank.store import fax_arrivals
from telebank.store.fax_jobs import judged
from telebank.store.fax_rows import Fax
from transactions.clock import Clock
from transactions.journal import JournalEvent

log = structlog.get_logger("telebank.faxes")

LOOKED_AT = 20
"""Faxes that one look takes."""


@dataclass(frozen=True, slots=True)
class Letter:
    """One mail."""

    id: str
    """The same for every try, so that what came twice can be known by its Message-ID."""
    to: tuple[str, ...]
    subject: str
    text: str
    files: tuple[Path, ...]
    """Attached in this order, as far as they fit."""
    whole: bool = False
    """It is not posted without all of its files, and says nothing of where they are."""


@dataclass(frozen=True, slots=True)
class Posted:
    """The server took it; `note` says for whom it did not."""

    note: str = ""


@dataclass(frozen=True, slots=True)
class NotPosted:
    """It did not, and why; `again`: another try may go better; `unknown`: it was given the mail,
    and what it said of it was lost."""

    why: str
    again: bool = True
    unknown: bool = False


class Post(Protocol):
    """Who brings mail to the server; see `telebank.ops.mail.Mailer`."""

    async def send(self, letter: Letter) -> Posted | NotPosted:
        """Try once."""
        ...


@dataclass(frozen=True, slots=True)
class LetterParts:
    """What mail is made and sent with."""

    run: StoreRun
    files: FaxFiles
    post: Post
    options: MailOptions
    clock: Clock
    zone: tzinfo
    on_alarm: Callable[[JournalEvent], None] = lambda _event: None
    """Hears of alarms, which the log has already."""
    bank: Mapping[str, str] = field(default_factory=dict)
    """Its name by language, in subjects."""


class FaxLetters(Rounds):
    """Rounds of the mail of faxes that came."""

    def __init__(self, parts: LetterParts) -> None:
        super().__init__(parts.run, parts.on_alarm)
        self._parts = parts

    @property
    def wanted(self) -> bool:
        """Whether faxes that come are mailed at all."""
        return bool(self._parts.options.host and self._parts.options.to)

    async def look(self) -> int:
        """See `Rounds.look`."""
        if not self.wanted:
            return 0
        due: Sequence[Fax] = await self._run(partial(fax_arrivals.to_mail, most=LOOKED_AT))
        return await self._each(self._mail, due)

    async def _mail(self, fax: Fax) -> None:
        """Make one try, which is in the store before it is made: of one that a killed node made,
        nobody knows whether the server took it."""
        if fax.mail_unknown and fax.mail_attempt >= self._parts.options.tries:
            await self._ends(fax, NotPosted(INTERRUPTED, again=False))
            return
        if await self._run(partial(fax_arrivals.mailing, fax=fax.id), judged(fax.id)):
            tried = replace(fax, mail_attempt=fax.mail_attempt + 1)
            await self._ends(tried, await self._parts.post.send(self.letter(fax)))

    async def _ends(self, fax: Fax, result: Posted | NotPosted) -> None:
        """Write down what came of the last try, and what nobody knows of those before."""
        options, due, unknown = self._parts.options, None, fax.mail_unknown
        became: fax_arrivals.Became = "sent"
        why = result.note if isinstance(result, Posted) else result.why
        if isinstance(result, NotPosted):
            unknown = unknown or result.unknown
            became = "failed"
            if result.again and fax.mail_attempt < options.tries:
                became = fax_arrivals.WAITING
                wait = timedelta(seconds=backoff_s(fax.mail_attempt, options.retry_s))
                due = self._parts.clock.now() + wait
            log.warning("fax.not_mailed", fax=fax.id, state=became, unknown=unknown, why=why)
        more: dict[str, Any] = {"became": became, "why": why, "due": due, "unknown": unknown}
        await self._written(partial(fax_arrivals.mailed, fax=fax.id, **more), judged(fax.id))

    def letter(self, fax: Fax) -> Letter:
        """What people get of a fax that came."""
        parts, life = self._parts, fax.life
        at = fax.made_at.astimezone(parts.zone).strftime("%Y-%m-%d %H:%M")
        whole = fax.state is State.DONE
        head = "收到传真" if whole else "收到不完整的传真"
        told = reason(life.why).words
        rest = "" if whole else f"\n不完整：{told.zh}。\nNot complete: {told.en}."
        text = (
            f"传真 {fax.id}，来自 {fax.number.masked}，{at}，{life.confirmed} 页。\n"
            f"Fax {fax.id} from {fax.number.masked}, {at}, {life.confirmed} pages.{rest}\n"
        )
        files = (parts.files.paper(fax.folder), parts.files.pages(fax.folder))
        names = "".join(f"{name} " for name in (parts.bank.get("zh"), parts.bank.get("en")) if name)
        subject = f"{names}{head} {fax.id} / fax from {fax.number.masked}"
        return Letter(fax.id, parts.options.to, subject, text, files)
