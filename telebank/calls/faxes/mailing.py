"""Papers that callers ask for, mailed to the address that the bank has of them: kept until the
server took them, tried again, judged after a kill.

What is to be mailed is in the store (`telebank.store.fax_mails`) before its caller is told so, and
each try before it is made. A try that nobody saw the end of is made again under the same
Message-ID; where none is left, a person asks (`unconfirmed`), as of a fax.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from functools import partial
from types import MappingProxyType

import structlog

from fax.job import State
from telebank.calls.faxes.addresses import masked, wrong_with
from telebank.calls.faxes.files import FaxFiles
from telebank.calls.faxes.letters import Letter, NotPosted, Post
from telebank.calls.faxes.options import MailOptions
from telebank.calls.faxes.queue import FULL, Wanted
from telebank.calls.faxes.rounds import Rounds
from telebank.calls.faxes.tolls import Refusal
from telebank.customers.asked import Run as StoreRun
from telebank.store import fax_mails
from telebank.store.fax_jobs import judged
from telebank.store.fax_mails import MailLimits, Tried
from telebank.store.fax_rows import Fax, alarm
from telebank.store.sealing import Keyring
from transactions.card import CardNumberError
from transactions.journal import JournalEvent

log = structlog.get_logger("telebank.faxes")

LOOKED_AT = 20
"""Papers that one look takes."""
UNREADABLE = "number_unreadable"
SUBJECT: Mapping[str, str] = MappingProxyType(
    {"zh": "{bank}{title}，编号 {id}", "en": "{bank}{title}, reference {id}"}
)
TEXT: Mapping[str, str] = MappingProxyType(
    {
        "zh": (
            "您好：\n\n您在电话银行要的“{title}”在附件里，编号 {id}。文件里的卡号已遮盖。\n"
            "如果不是您本人要的，请马上给银行打电话。\n\n这封邮件由系统发出，请不要回复。\n"
        ),
        "en": (
            "Attached is what you asked telephone banking for: {title}, reference {id}. Card"
            " numbers in it are masked.\nIf it was not you who asked, please ring the bank at"
            " once.\n\nThis mail was sent by a machine; please do not answer it.\n"
        ),
    }
)
"""By language. Neither has a figure of what is in the paper: mail is read on its way."""


@dataclass(frozen=True, slots=True)
class MailingParts:
    """What papers are mailed with."""

    run: StoreRun
    node: str
    vault: Keyring
    files: FaxFiles
    post: Post
    options: MailOptions
    bank: Mapping[str, str] = field(default_factory=dict)
    """Its name by language, in subjects."""
    on_alarm: Callable[[JournalEvent], None] = lambda _event: None
    """Hears of what goes to a person, which the log has already."""


class Mailing(Rounds):
    """`add` a paper; `look` tries those that are due."""

    def __init__(self, parts: MailingParts) -> None:
        super().__init__(parts.run, parts.on_alarm)
        self._parts = parts
        self._trying: set[str] = set()

    @property
    def wanted(self) -> bool:
        """Whether papers are mailed at all."""
        return bool(self._parts.options.host and self._parts.options.statements)

    async def add(self, wanted: Wanted) -> Fax | Refusal:
        """Keep a paper whose file is in the folder of its id, to be mailed to `wanted.to`; the same
        request finds the one it made, with another id. Raises `ValueError` for what is no address,
        and as the store does."""
        if wrong := wrong_with(wanted.to):
            raise ValueError(f"no mail address: {wrong}")
        parts = self._parts
        sealed = replace(parts.vault.seal_digits(wanted.to), masked=masked(wanted.to))
        options = parts.options
        draft = wanted.draft(sealed, fax_mails.WAY, options.tries)
        patience = timedelta(hours=options.patience_hours)
        limits = MailLimits(options.waiting, options.most, options.customer_daily, patience)
        job = partial(fax_mails.add, draft=draft, limits=limits)
        locks = fax_mails.queue(wanted.id, parts.node, wanted.customer)
        fax: Fax | None = await parts.run(job, locks)
        self.look_now()
        return fax or Refusal(FULL, "as many papers as may: [mail] waiting, most, customer_daily")

    async def look(self) -> int:
        """See `Rounds.look`. Tries that a former life of this node had are judged first."""
        for fax in await self._run(fax_mails.trying):
            if fax not in self._trying:
                job = partial(fax_mails.recover, fax=fax, retry_s=self._parts.options.retry_s)
                self._told(await self._run(job, judged(fax)))
        due: Sequence[str] = await self._run(partial(fax_mails.due, most=LOOKED_AT))
        return await self._each(self._try, [fax for fax in due if fax not in self._trying])

    async def _try(self, fax: str) -> None:
        self._trying.add(fax)
        try:
            options = self._parts.options
            job = partial(fax_mails.begin, fax=fax, seconds=options.try_s)
            begun: Fax | None = await self._run(job, judged(fax))
            if begun is None:
                return
            tried = await self._posted(begun)
            job = partial(fax_mails.ended, fax=fax, tried=tried, retry_s=options.retry_s)
            self._told(await self._written(job, judged(fax)))
        finally:
            self._trying.discard(fax)

    async def _posted(self, fax: Fax) -> Tried:
        try:
            letter = self.letter(fax, self._parts.vault.unseal_digits(fax.number))
        except CardNumberError:
            return Tried(False, UNREADABLE, again=False)
        result = await self._parts.post.send(letter)
        if isinstance(result, NotPosted):
            return Tried(False, result.why, result.again, result.unknown)
        return Tried(True)

    def _told(self, fax: Fax | None) -> None:
        if fax is None or fax.state is State.DONE:
            return
        log.warning("fax.not_mailed", fax=fax.id, state=fax.state.value, why=fax.life.why)
        if fax.state is State.UNCONFIRMED:
            self._parts.on_alarm(alarm(fax.id, fax.life))

    def letter(self, fax: Fax, to: str) -> Letter:
        """What its caller gets, in his language."""
        language = fax.language if fax.language in TEXT else "zh"
        bank = self._parts.bank.get(language, "")
        told = {"title": fax.title, "id": fax.id, "bank": f"{bank} " if bank else ""}
        return Letter(
            fax.id,
            (to,),
            SUBJECT[language].format(**told),
            TEXT[language].format(**told),
            (self._parts.files.paper(fax.folder),),
            whole=True,
        )
