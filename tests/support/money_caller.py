"""What customers press to get at their money, as scripts of `telebank.phone.script`.

Entries are typed ahead with `!`, so that a call takes no longer than its keys; where the bank
reads back and asks, the caller waits for it and is quiet, as he must.
"""

import asyncio
from collections.abc import Iterable, Mapping
from functools import cache
from itertools import dropwhile
from pathlib import Path
from typing import Final

from core_adapters.corehost.seed import SeedCard
from support.bank_process import BankProcess
from telebank.phone.phone import Phone, PhoneOptions
from telebank.phone.report import CallReport
from telebank.phone.script import parse_script
from telebank.settings import seed_dir
from transactions.money import Money, currency
from voice_prompts.bank import Bank
from voice_prompts.catalogue import Catalogue
from voice_prompts.speaker import Speaker

LANGUAGE_KEYS: Final = {"zh": "1", "en": "2"}
PATIENCE_S = 60.0
"""Longest wait for a prompt; long, since a test of twenty callers may be slow, never wrong."""

BALANCE: Final = "!1 !1"
"""From the main menu to the balance: enquiries, balance."""

TRANSFER: Final = "!2 !1"
"""From the main menu to the payee's card: transfers, to another card."""

CALL_S = 240.0
"""Longest call, in seconds."""

FILLER: Final = "sys.wait"
"""What is said while the host thinks for long."""


def prove(who: SeedCard, pin: str = "", language: str = "zh") -> str:
    """Language, accounts, card and telephone PIN."""
    return f"!{LANGUAGE_KEYS[language]} !1 !{who.card}# !{pin or who.pin}#"


def order(payee: SeedCard | str, yuan: str) -> str:
    """From the main menu to the read-back; `12.50` is keyed with a star."""
    card = payee if isinstance(payee, str) else payee.card
    return f"{TRANSFER} !{card}# !{yuan.replace('.', '*')}#"


CONFIRM: Final = "@tr.confirm 1"


def transfer(who: SeedCard, payee: SeedCard | str, yuan: str, language: str = "zh") -> str:
    """A whole call of one transfer, up to the key that confirms it."""
    return f"{prove(who, language=language)} {order(payee, yuan)} {CONFIRM}"


def report_loss(who: SeedCard, identity: str = "", language: str = "zh") -> str:
    """A loss report without authentication, up to the key that confirms it."""
    key = LANGUAGE_KEYS[language]
    return f"!{key} !2 !{who.card}# !{identity or who.identity}# @loss.confirm 1"


async def ring(bank: BankProcess, phone: Phone, script: str, until: str = "") -> CallReport:
    """Place a call, press what the script says, hang up once `until` was said."""
    options = PhoneOptions(patience_s=PATIENCE_S, hang_up_after=until, max_seconds=CALL_S)
    call = await phone.dial(bank.uri, options)
    return await call.run(parse_script(script))


async def ring_all(
    bank: BankProcess, phone: Phone, calls: Iterable[tuple[str, str]]
) -> list[CallReport]:
    """All at once: pairs of script and the prompt after which to hang up."""
    return list(
        await asyncio.gather(*(ring(bank, phone, script, until) for script, until in calls))
    )


ASKED_ON_THE_WAY: Final = frozenset(
    {
        *("sys.welcome", "lang.zh", "lang.en", "lang.chosen", "front.menu"),
        *("auth.card", "auth.pin", "main.menu", "enq.menu", "tr.menu", "tr.payee", "tr.amount"),
        *("loss.card", "loss.identity"),
        # A customer who has called before has a usual service in the main menu: "…，请按六。" What
        # comes behind its name sounds like `fx.unit`, and only the name could tell which it is.
        *("main.often", "fx.unit"),
    }
)
"""What `prove`, `order` and `report_loss` answer ahead; on a busy machine it is heard anyway."""


def prompts(report: CallReport) -> list[str]:
    """Ids of what was heard, in order; behind them what the caller waited for in vain.

    Left out is what depends on the machine's speed: the first questions, which keys typed ahead
    answered, and the filler while the host thinks.
    """
    waited = [report.why] if report.why.startswith("waited") else []
    heard = [one.prompt for one in report.prompts if one.prompt != FILLER]
    return list(dropwhile(ASKED_ON_THE_WAY.__contains__, heard)) + waited


def words(report: CallReport, prompt: str) -> list[str]:
    """What was said each time that this prompt was heard, without marks and spaces."""
    return [_plain(one.words) for one in report.prompts if one.prompt == prompt]


def said(bank: BankProcess, prompt: str, language: str, **values: object) -> str:
    """What is heard when the shipped texts are said with these values, to compare with `words`."""
    utterance = _speaker().render(prompt, values, language)
    texts = _texts(bank.voice.folder)
    return _plain("".join(texts[clip] for clip in utterance.clips))


@cache
def _speaker() -> Speaker:
    """The shipped texts, read once: reading them takes longer than a phone may stand still."""
    return Speaker(Catalogue.load(seed_dir() / "prompts"), None)


@cache
def _texts(folder: Path) -> Mapping[str, str]:
    """What the clips of a voice bank say."""
    return Bank.open(folder).index.texts


def fen(minor: int) -> Money:
    """An amount of the ledger."""
    return Money(minor, currency("CNY"))


def _plain(text: str) -> str:
    return "".join(char for char in text.lower() if char.isalnum())
